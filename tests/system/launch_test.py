# SPDX-License-Identifier: MIT
"""launch/install-deps without root and packages; launch/local on a machine that does not know localhost; what launch/local and
launch/hosts say of programs that cannot be started or are killed; output files of a limited size."""
import os
import resource
import signal
import subprocess
import time
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


class StartTest(support.Case):
    def ended(self, *words, script="local", limit=None, **variables):
        command = [str(support.source / "launch" / script), *map(str, words)]
        if limit is not None:
            command = ["bash", "-c", f"ulimit -f {limit}; exec \"$@\"", "limited", *command]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=self.folder,
                              env=support.environment() | variables, stdin=subprocess.DEVNULL)

    def test_session_folders(self):
        """Each start has its own, which goes with it; folders that variables of the caller name stay."""
        temporary, kept = self.folder / "tmp", self.folder / "kept"
        for folder in (temporary, kept):
            folder.mkdir()
        found = {self.ended(2, "sh", "-c", "echo $OMPI_MCA_orte_tmpdir_base", TMPDIR=str(temporary)).stdout for _ in range(2)}
        self.assertEqual(len(found), 2)
        for said in found:
            self.assertTrue(said.startswith(f"{temporary}/meha-mpi."), said)
        self.assertEqual(list(temporary.iterdir()), [])
        for name in ("sessions", "meha_session_folder"):
            ended = self.ended("localhost:2", "true", script="hosts", **{name: str(kept)})
            self.assertEqual(ended.returncode, 0, ended)
            self.assertTrue(kept.is_dir(), name)

    def test_programs_that_cannot_be_started(self):
        (self.folder / "text").write_text("no program\n")
        for program, code, said in (("./none", 127, "./none: no such file"), ("none", 127, "none: no such program"),
                                    ("./text", 126, "./text: is not executable"), (self.folder, 126, "is no program")):
            for script, where in (("local", "2"), ("local", "1"), ("hosts", "localhost:2")):
                ended = self.ended(where, program, "run", script=script)
                self.assertEqual(ended.returncode, code, ended)
                self.assertIn(said, ended.stderr)
                self.assertEqual(ended.stderr.count("\n"), 1, ended.stderr)

    def test_usage(self):
        for words in ((), ("2",), ("two", "true"), ("0", "true")):
            ended = self.ended(*words)
            self.assertEqual(ended.returncode, 2)
            self.assertIn("usage: launch/local N COMMAND", ended.stderr)
        self.assertEqual(self.ended("localhost:2", script="hosts").returncode, 2)

    def test_ranks_that_a_signal_ends(self):
        for ranks in (1, 2):
            for name, number in (("KILL", 9), ("SEGV", 11), ("ABRT", 6), ("BUS", 7)):
                ended = self.ended(ranks, "bash", "-c", f"kill -{name} $$")
                self.assertEqual(ended.returncode, 128 + number, ended)
                self.assertIn(f"a rank was ended by signal {number} ({name})", ended.stderr)
        for code in (0, 3, 75):
            ended = self.ended(2, "bash", "-c", f"exit {code}")
            self.assertEqual((ended.returncode, ended.stderr), (code, ""))

    def limited(self, kib, *arguments, to="", code=5):
        """Runs the program where files may only have so many KiB. MPI itself needs some of 4 MiB."""
        command = ["bash", "-c", f'ulimit -f {kib}; exec "$@" {to}', "limited", support.program, *arguments]
        ended = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, check=False, cwd=self.folder,
                               env=support.environment())
        self.assertEqual(ended.returncode, code, ended)
        self.assertRegex(ended.stderr, "File too large|ulimit -f|standard output cannot be written")
        return ended

    def test_files_of_a_limited_size(self):
        out = self.folder / "limited.h5"
        load = ("data", "import", "--format", "idx", self.base["problem.data.train_features"], "--labels",
                self.base["problem.data.train_labels"], "--out", out)
        for kib in (0, 2, 6):
            for more in ((), ("--shuffle", 1)):
                self.assertIn("limited.h5", self.limited(kib, *load, *more).stderr)
                ended = support.run(*load, *more)  # the same command goes on
                self.assertEqual(ended.code, 0, ended)
                self.assertEqual(list(self.folder.glob("limited.h5*")), [out])
                out.unlink()
        run = self.run_ok("run")
        (self.folder / "text").write_bytes(b"x" * 2048)
        support.write_rows_hdf5(self.folder / "rows.h5", self.train)
        for words in (("inspect", run), ("data", "info", self.folder / "rows.h5"), ("list", "options")):
            self.limited(2, *words, to=">>text")

    def test_runs_whose_files_become_too_large(self):
        for ranks in (1, 2):
            out = self.folder / f"run-{ranks}"
            job = support.start("run", self.config("endless", run__iterations=support.ENDLESS), "--out", out, ranks=ranks)
            self.addCleanup(support.stop_at_once, job)
            support.wait_for(lambda: support.checkpoints(out) or job.poll() is not None, what="first checkpoint")
            for pid in support.ranks_below(job) or [job.pid]:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (1024, 1024))
            time.sleep(0.5)  # it goes on while checkpoints cannot be written, but cannot end well
            job.send_signal(signal.SIGTERM)
            ended = support.finish(job)
            self.assertEqual(ended.code, 5, ended)
            self.assertRegex(ended.err, "(checkpoint|result).*(File too large|ulimit -f)")
            self.assertEqual(support.run("verify", out).code, 0)

    def test_exports_that_become_too_large(self):
        shape = {"n_classes": self.n_classes, "n_features": 2}
        self.base |= support.write_rows_idx(self.folder, "train", support.make_rows(120000, **shape))
        for part in ("validation", "test"):
            self.base |= support.write_rows_idx(self.folder, part, support.make_rows(100, **shape))
        run = self.run_ok("run", run__iterations=1)
        samples = self.folder / "a.csv"
        self.limited(4200, "export", run, "--what", "samples", "--out", samples)
        self.assertEqual(list(self.folder.glob("a.csv*")), [])
        self.assertEqual(support.run("export", run, "--what", "samples", "--out", samples).code, 0)
        self.assertGreater(samples.stat().st_size, 4200 << 10)


if __name__ == "__main__":
    support.main()
