# SPDX-License-Identifier: MIT
"""launch/install-deps without root and packages; launch/local on a machine that does not know localhost."""
import os
import subprocess
import unittest

import support


@unittest.skipIf(os.geteuid() != 0, "only root may become another user")
class InstallDepsTest(support.Case):
    def missing(self, *options):
        """@return the packages in the command for an administrator"""
        tools = self.folder / "tools"
        tools.mkdir(exist_ok=True)
        for name in ("bash", "id", "grep", "env"):  # no sudo, and a dpkg-query that knows nothing
            if not (tools / name).exists():
                (tools / name).symlink_to(f"/usr/bin/{name}")
        (tools / "dpkg-query").write_text("#!/usr/bin/env bash\nexit 1\n")
        (tools / "dpkg-query").chmod(0o755)
        self.folder.chmod(0o755)
        ended = subprocess.run([support.source / "launch" / "install-deps", *options], capture_output=True, text=True, timeout=60, check=False,
                               env={"PATH": str(tools)}, user=65534, group=65534)
        self.assertEqual(ended.returncode, 1, ended.stderr)
        said, command = ended.stderr.splitlines()
        self.assertIn("Ask an administrator", said)
        start = "apt-get update && apt-get install --no-install-recommends "
        self.assertTrue(command.strip().startswith(start), command)
        return set(command.strip().removeprefix(start).split())

    def test_only_what_is_needed(self):
        few, examples, tests, everything = (self.missing(*option) for option in ((), ("--examples",), ("--tests",), ("--all",)))
        self.assertLess(few, examples)
        self.assertLess(examples, tests)
        self.assertLess(tests, everything)
        self.assertIn("libhdf5-dev", few)
        self.assertEqual({p for p in few if p.startswith(("clang", "libgtest", "python3", "slurm", "libbenchmark"))}, set())
        self.assertIn("libgtest-dev", tests)

    def test_usage(self):
        ended = subprocess.run([support.source / "launch" / "install-deps", "--most"], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(ended.returncode, 2)
        self.assertIn("--examples", ended.stderr)


class LocalhostTest(support.Case):
    def test_a_machine_that_does_not_know_it(self):
        hosts = self.folder / "hosts"
        hosts.write_text("")
        script = 'mount --make-rprivate / && mount --bind "$1" /etc/hosts && shift && exec "$@"'
        command = ["unshare", "--mount", "bash", "-c", script, "hosts", hosts, *support.command(["--version"], ranks=2)]
        ended = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, check=False, env=support.environment())
        if "unshare failed" in ended.stderr or "mount:" in ended.stderr:
            self.skipTest(f"another /etc/hosts needs root: {ended.stderr.strip()}")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(ended.stderr.count("/etc/hosts has no line for localhost"), 1, ended.stderr)


if __name__ == "__main__":
    support.main()
