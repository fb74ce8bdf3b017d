# SPDX-License-Identifier: MIT
"""The job scripts: all are valid bash; those for PBS and LSF in an environment as these schedulers make it."""
import os
import shutil
import signal
import subprocess
import time

import support


class JobScriptsTest(support.RestartCase):
    def setUp(self):
        super().setUp()
        self.nodes = self.folder / "nodes"
        self.nodes.write_text("localhost\nlocalhost\n")  # one line per rank
        self.submitted = self.folder / "submitted"
        tools = self.folder / "tools"
        tools.mkdir()
        qsub = tools / "qsub"
        qsub.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{self.submitted}\n')
        qsub.chmod(0o755)
        self.config_file = self.config("endless", run__iterations=support.ENDLESS, run__report_every=100_000)
        self.environment = support.environment() | {
            "PATH": f"{tools}:{os.environ['PATH']}", "MEHA_LAUNCH": str(support.source / "launch"),
            "MEHA_COMMAND": f"{support.program} run {self.config_file} --out {self.out}",
            "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_mpi_yield_when_idle": "1"}
        self.pbs = {"PBS_O_WORKDIR": str(self.folder), "PBS_NODEFILE": str(self.nodes)}
        self.lsf = {"LS_SUBCWD": str(self.folder), "LSB_DJOB_HOSTFILE": str(self.nodes)}

    def start_job(self, script, **environment):
        job = subprocess.Popen([support.source / "launch" / script], env=self.environment | environment, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
        self.addCleanup(support.stop_at_once, job)
        return job

    def wait_for_checkpoint(self, job):
        support.wait_for(lambda: support.checkpoints(self.out) or job.poll() is not None, what="first checkpoint")
        self.assertIsNone(job.poll(), "ended early")

    def end_of(self, job, code):
        said = job.communicate(timeout=60)[0]
        self.assertEqual(job.returncode, code, said)
        return said

    def test_valid_bash(self):
        for path in sorted((support.source / "launch").iterdir()):
            if path.is_file() and path.suffix not in (".md", ".service"):
                subprocess.run(["bash", "-n", path], check=True)

    def test_time_is_up(self):
        for script, environment in (("pbs.sh", self.pbs | {"MEHA_SECONDS": "2"}), ("lsf.sh", self.lsf)):
            with self.subTest(script=script):
                support.shutil.rmtree(self.out, ignore_errors=True)
                job = self.start_job(script, **environment)
                self.wait_for_checkpoint(job)
                if script == "lsf.sh":
                    job.send_signal(signal.SIGUSR2)
                self.assertIn("asking for another job", self.end_of(job, 75))  # LSF requeues a job that ends with 75
                self.assertEqual(support.read_attribute(self.out / "result.h5", "status"), "stopped")
                self.assertEqual(support.read_attribute(self.out / "result.h5", "ranks"), 2)
        wanted = f"MEHA_COMMAND={self.environment['MEHA_COMMAND']},MEHA_LIFE=2,MEHA_SECONDS=2"
        self.assertEqual(self.submitted.read_text().splitlines(), ["-v", wanted, f"{support.source}/launch/pbs.sh"])
        self.go_on_and_compare(run__report_every=100_000)

    def test_from_another_folder_with_spaces(self):
        checkout = self.folder / "my checkout"
        checkout.mkdir()
        (checkout / "build").symlink_to(support.program.parent)
        shutil.copytree(support.source / "launch", checkout / "launch")
        config = self.config("my config", run__iterations=3)
        out = self.folder / "my run"
        del self.environment["MEHA_LAUNCH"]
        self.environment["MEHA_COMMAND"] = f"'{checkout}/build/{support.program.name}' run '{config}' --out '{out}'"
        copies = self.folder / "spool"  # where schedulers copy scripts to
        copies.mkdir()
        for script, environment in (("pbs.sh", self.pbs), ("lsf.sh", self.lsf)):
            with self.subTest(script=script):
                shutil.rmtree(out, ignore_errors=True)
                copy = shutil.copy(support.source / "launch" / script, copies / "job.sh")
                job = subprocess.Popen([copy], env=self.environment | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                self.addCleanup(support.stop_at_once, job)
                self.end_of(job, 0)
                self.assertEqual(support.read_attribute(out / "result.h5", "status"), "finished")
        self.environment["MEHA_COMMAND"] = f"nowhere/meha run '{config}' --out '{out}'"
        job = subprocess.Popen([copies / "job.sh"], env=self.environment | self.lsf, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertIn("no checkout found: set MEHA_LAUNCH", self.end_of(job, 2))

    def test_cancelled(self):
        for script, environment in (("pbs.sh", self.pbs), ("lsf.sh", self.lsf)):
            with self.subTest(script=script):
                support.shutil.rmtree(self.out, ignore_errors=True)
                job = self.start_job(script, **environment)
                self.wait_for_checkpoint(job)
                job.send_signal(signal.SIGTERM)
                self.assertNotIn("asking for another job", self.end_of(job, 75))
        self.assertFalse(self.submitted.exists())

    def test_stop_file(self):
        job = self.start_job("lsf.sh", **self.lsf)
        self.wait_for_checkpoint(job)
        (self.out / "STOP").touch()
        self.assertNotIn("asking for another job", self.end_of(job, 0))
        began = time.monotonic()
        self.assertIn("STOP is there", self.end_of(self.start_job("pbs.sh", MEHA_LIFE="2", **self.pbs), 0))
        self.assertLess(time.monotonic() - began, 5)

    def test_finished(self):
        self.config("endless", run__iterations=20)
        for script, environment in (("pbs.sh", self.pbs), ("lsf.sh", self.lsf)):
            for _ in range(2):
                self.end_of(self.start_job(script, **environment), 0)
        self.assertFalse(self.submitted.exists())


if __name__ == "__main__":
    support.main()
