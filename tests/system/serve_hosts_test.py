# SPDX-License-Identifier: MIT
"""meha serve --hostfile: ranks go over the hosts of a file, as many at a time as each has slots."""
import os
import shutil
import subprocess
import unittest

import support
from service import Service
from support import ENDLESS


def can_rename():
    return shutil.which("unshare") and subprocess.run(["unshare", "--uts", "true"], capture_output=True, check=False).returncode == 0


class ServeHostsTest(support.Case):
    n_train, n_validation, n_test = 120, 40, 40

    def test_what_is_no_host_file(self):
        for text in ("", "# none\n", "nodeA\n", "nodeA slots=0\n", "nodeA slots=x\n", "nodeA slots=2 more\n", "nodeA slots=1\nnodeA slots=2\n",
                     "-x slots=2\n", "a,b slots=2\n", "$(id) slots=2\n", "nodeA slots=99999999999999999999\n"):
            file = self.folder / "hosts"
            file.write_text(text)
            ended = support.run("serve", "--spool", self.folder / "spool", "--listen", "127.0.0.1:0", "--hostfile", file)
            self.assertEqual(ended.code, 2, text)
            self.assertIn(f"--hostfile {file}", ended.err)
        for more in ([], ["--engine", "slurm"]):
            ended = support.run("serve", "--spool", self.folder / "spool", "--hostfile", self.folder / "nothing", *more)
            self.assertEqual(ended.code, 2)
            self.assertIn("--hostfile", ended.err)

    @unittest.skipUnless(can_rename(), "needs root to give processes another host name")
    def test_jobs_over_hosts(self):
        """Two hosts that are names of this machine."""
        names = [f"meha{os.getpid()}{side}" for side in "ab"]
        for name in names:
            self.addCleanup(lambda name=name: [shutil.rmtree(path, ignore_errors=True) for path in support.pathlib.Path("/tmp").glob(f"ompi.{name}.*")])
        shell = self.folder / "shell"
        shell.write_text("#!/bin/sh\nexport name=$1\nshift\nexport command=\"$*\"\nexec unshare --uts sh -c 'hostname \"$name\"; eval \"$command\"'\n")
        shell.chmod(0o755)
        hosts = self.folder / "hosts"
        hosts.write_text(f"# of this test\n\n{names[0]} slots=2\n{names[1]} slots=1  # a small one\n")
        service = Service(self, "--roots", self.folder, "--hostfile", hosts, slots=256, environment={"MEHA_RSH": str(shell)})
        self.assertEqual(service.get("/api/jobs")["slots"], 3)
        endless = service.submit(self.config("endless", run__iterations=ENDLESS))["id"]
        config = self.config(run__iterations=30)
        job = service.wait(endless, "running", "failed")
        self.assertEqual(job["place"], f"{names[1]}:1", job)  # where the least room is
        support.wait_for(lambda: support.checkpoints(service.run_of(endless)) or service.job(endless)["state"] == "failed", what="first checkpoint")
        self.assertIn(names[1], (service.run_of(endless) / "run.lock").read_text(), service.job(endless)["log"])
        service.kill()
        service.begin()
        three = service.submit(config, ranks=3)["id"]
        two = service.submit(config, ranks=2, priority=1)["id"]
        self.assertEqual(service.wait(two, "finished", "failed")["code"], 0, service.job(two)["log"])
        self.assertEqual(service.job(three)["state"], "queued")
        self.assertEqual(service.job(endless)["place"], f"{names[1]}:1")
        service.post(f"/api/jobs/{endless}/cancel")
        self.assertEqual(service.wait(endless, "stopped", "failed")["code"], 75)
        job = service.wait(three, "running", "finished", "failed")
        self.assertIn(job["place"], (f"{names[0]}:2,{names[1]}:1", ""))
        job = service.wait(three, "finished", "failed")
        self.assertEqual(job["code"], 0, job["log"])
        self.ran("run", config, "--out", self.folder / "whole")
        for number in (two, three):
            self.assertEqual(support.different_fields(support.read_state(service.run_of(number)), support.read_state(self.folder / "whole")), [])


if __name__ == "__main__":
    support.main()
