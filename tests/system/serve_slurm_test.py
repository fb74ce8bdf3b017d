# SPDX-License-Identifier: MIT
"""meha serve --engine slurm on a real Slurm with one node of two processors."""
import shutil
import time

import slurm_case
import support
from service import Service
from support import ENDLESS

STOPPED = 75


class ServeSlurmTest(slurm_case.SlurmCase):
    n_train, n_validation, n_test = 120, 40, 40

    def setUp(self):
        super().setUp()
        self.commands = self.folder / "commands"  # before those of Slurm on PATH
        self.commands.mkdir()
        self.service = Service(self, "--roots", self.folder, "--engine", "slurm", slots=256,
                               environment=self.environment | {"PATH": f"{self.commands}:{self.environment['PATH']}"})

    def submit_job(self, name, ranks=1, **settings):
        return self.service.submit(self.config(name, run__name=name, **settings), ranks=ranks)["id"]

    def slurm_job(self, number):
        """The number of its Slurm job, as soon as the service knows it."""
        support.wait_for(lambda: time.sleep(0.1) or self.service.job(number)["place"].split(" ")[-1].isdigit(), what="submission")
        return self.service.job(number)["place"].split(" ")[-1]

    def wait(self, number, *states):
        support.wait_for(lambda: time.sleep(0.1) or self.service.job(number)["state"] in states, 60, f"job {number}: {states}")
        return self.service.job(number)

    def assert_finished(self, number, whole):
        job = self.wait(number, "finished", "failed", "stopped")
        self.assertEqual((job["state"], job["code"], job["starts"]), ("finished", 0, 1), job)
        self.assert_same_state(whole, self.service.run_of(number), job["log"])

    def submitted(self):
        """The Slurm jobs that there are and were."""
        return self.ask("squeue", "--noheader", "--states=all", "--format=%i").split()

    def test_node_failure(self):
        service = self.service
        first = self.submit_job("first", ranks=2, run__iterations=ENDLESS)
        self.wait(first, "running")
        others = [self.submit_job(name, run__seed=seed) for seed, name in enumerate(("second", "third"), 2)]
        jobs = [self.slurm_job(number) for number in (first, *others)]
        self.assertEqual([service.job(number)["state"] for number in (first, *others)], ["running", "queued", "queued"])
        self.assertEqual(service.call("DELETE", f"/api/jobs/{others[0]}")[0], 409)
        support.wait_for(lambda: support.checkpoints(service.run_of(first)), 60, "first checkpoint")
        self.fail_node(service.process.pid)
        self.wait(first, "queued")
        service.kill()
        service.begin()
        self.wait_for_nodes("down*")
        self.assertEqual([self.slurm_job(number) for number in (first, *others)], jobs)
        self.assertEqual(service.job(first)["state"], "queued")
        last = int(support.checkpoints(service.run_of(first))[-1].stem.split("-")[1]) + 100
        for path in (service.spool / f"configs/{first}.toml", service.run_of(first) / "config.toml"):
            path.write_text(path.read_text().replace(f"{ENDLESS}", f"{last}"))
        self.start_nodes()
        time.sleep(3)  # a node refuses, or ends, a job that is started again at once
        self.start_now(jobs[0])
        self.wait(first, "running", "finished")
        self.assert_finished(first, self.run_ok("whole-1", run__name="first", run__iterations=last, checkpoint__every=0))
        self.assertIn("going on from iteration", service.job(first)["log"])
        for seed, (number, name) in enumerate(zip(others, ("second", "third")), 2):
            self.assert_finished(number, self.run_ok(f"whole-{seed}", run__name=name, run__seed=seed))
        self.assertEqual(sorted(self.submitted()), sorted(jobs))

    def test_stop_and_resume(self):
        service = self.service
        running = self.submit_job("running", ranks=2, run__iterations=ENDLESS)
        waiting = self.submit_job("waiting", ranks=2, run__iterations=20)
        support.wait_for(lambda: support.checkpoints(service.run_of(running)), 60, "first checkpoint")
        self.slurm_job(waiting)
        for number in (waiting, running):
            self.assertEqual(service.post(f"/api/jobs/{number}/cancel")["state"], "stopping")
        for number in (waiting, running):
            self.assertEqual(self.wait(number, "stopped", "failed", "finished")["code"], STOPPED, service.job(number))
        self.assertEqual(service.job(waiting)["started"], None)
        reached = int(support.checkpoints(service.run_of(running))[-1].stem.split("-")[1])
        service.post(f"/api/jobs/{running}/resume", {"set": {"run.iterations": reached + 20}})
        service.post(f"/api/jobs/{waiting}/resume")
        for number, n in ((running, reached + 20), (waiting, 20)):
            job = self.wait(number, "finished", "failed", "stopped")
            self.assertEqual((job["state"], job["starts"]), ("finished", 2), job)
            self.assert_same_state(self.run_ok(f"whole-{number}", run__name=job["name"], run__iterations=n), service.run_of(number), job["log"])

    def test_refused(self):
        (self.commands / "sbatch").write_text("#!/bin/sh\necho 'sbatch: error: Batch job submission failed: no' >&2\nexit 1\n")
        (self.commands / "sbatch").chmod(0o755)
        self.service.kill()  # it has looked for sbatch when it began
        self.service.begin()
        job = self.wait(self.submit_job("refused"), "failed", "finished")
        self.assertEqual((job["code"], job["message"], job["place"]), (2, "sbatch: error: Batch job submission failed: no", ""))

    def test_submission_is_cut_short(self):
        """The service is killed while sbatch is about to submit a job; while it has done so and the service does not know yet;
        and sbatch is killed with its answer. No job is submitted twice."""
        service = self.service
        sbatch = shutil.which("sbatch")
        command = self.commands / "sbatch"
        mark = self.folder / "mark"
        wrappers = (f"touch {mark}; sleep 2; exec {sbatch} \"$@\"",
                    f"{sbatch} \"$@\"; touch {mark}; sleep 2",
                    f"{sbatch} \"$@\" >/dev/null; touch {mark}; kill -9 $$")
        numbers = []
        for i, wrapper in enumerate(wrappers):
            command.write_text(f"#!/bin/sh\n{wrapper}\n")
            command.chmod(0o755)
            mark.unlink(missing_ok=True)
            service.kill()  # it has looked for sbatch when it began
            service.begin()
            numbers.append(self.submit_job(f"cut{i}", run__seed=i, run__iterations=20))
            support.wait_for(mark.exists, what="sbatch")
            service.kill()
            service.begin()
        for i, number in enumerate(numbers):
            self.assert_finished(number, self.run_ok(f"whole-{i}", run__name=f"cut{i}", run__seed=i, run__iterations=20))
        self.assertEqual(len(self.submitted()), len(numbers))

    def test_killed_at_random(self):
        service = self.service
        numbers = []
        for i in range(6):
            numbers.append(self.submit_job(f"random{i}", run__seed=i, run__iterations=20))
            for _ in range(self.random.randrange(3)):
                time.sleep(self.random.choice([0, 0.01, 0.1, 0.5]))
                service.kill()
                service.begin()
        for i, number in enumerate(numbers):
            job = self.wait(number, "finished", "failed", "stopped")
            self.assertEqual((job["state"], job["code"]), ("finished", 0), job)
            self.assert_same_state(self.run_ok(f"whole-{i}", run__name=f"random{i}", run__seed=i, run__iterations=20), service.run_of(number), job["log"])
        self.assertEqual(len(self.submitted()), len(numbers))

    def test_controller_away(self):
        """What is known stays until Slurm answers again; what could not be submitted waits."""
        service = self.service
        running = self.submit_job("running", run__iterations=ENDLESS)
        self.wait(running, "running")
        self.slurmctld.terminate()
        self.slurmctld.wait()
        waiting = self.submit_job("waiting", run__iterations=20)
        reply = service.spool / f"locks/{waiting}.1.reply"
        support.wait_for(lambda: time.sleep(0.1) or reply.exists() and "error" in reply.read_text(), 60, "sbatch without a controller")
        self.assertEqual([service.job(number)["state"] for number in (running, waiting)], ["running", "queued"])
        self.start_controller()
        self.assertEqual(self.wait(waiting, "finished", "failed")["code"], 0, service.job(waiting))
        self.assertEqual((service.job(running)["state"], service.job(running)["starts"]), ("running", 1))
        service.post(f"/api/jobs/{running}/cancel")
        self.assertEqual(self.wait(running, "stopped", "failed")["code"], STOPPED)

    def test_another_engine(self):
        """What runs in Slurm is not begun a second time by a service that has none, nor the other way round."""
        service = self.service
        number = self.submit_job("endless", run__iterations=ENDLESS)
        self.wait(number, "running")
        service.kill()
        ended = support.run("serve", "--spool", service.spool, "--listen", "127.0.0.1:0")
        self.assertEqual(ended.code, 2)
        self.assertIn("--engine slurm", ended.err)
        service.begin()
        service.post(f"/api/jobs/{number}/cancel")
        self.wait(number, "stopped")


if __name__ == "__main__":
    support.main()
