# SPDX-License-Identifier: MIT
"""launch/slurm.sbatch on a real Slurm with one node."""
import slurm_case
import support


class SlurmTest(slurm_case.SlurmCase):
    def test_time_limit(self):
        job = self.submit("--time=1", "--signal=B:USR2@59")
        self.wait_until(job, lambda state: state["Restarts"] == "1", 90, "requeue")
        self.assertIn("asking for another job", self.log())
        self.assertEqual(support.read_attribute(self.out / "result.h5", "status"), "stopped")
        self.go_on_to_the_end(job)

    def test_node_failure(self):
        job = self.submit("--time=30")
        support.wait_for(lambda: support.checkpoints(self.out), 60, "first checkpoint")
        self.fail_node()
        self.wait_until(job, lambda state: state["Restarts"] == "1", 90, "requeue")
        self.wait_for_nodes("down*")
        self.start_nodes()
        self.go_on_to_the_end(job)

    def test_stop_file(self):
        job = self.submit("--time=30")
        support.wait_for(lambda: support.checkpoints(self.out), 60, "first checkpoint")
        (self.out / "STOP").touch()
        self.wait_until(job, lambda state: state["JobState"] == "COMPLETED", 60, "end")
        self.assertEqual(self.state(job)["Restarts"], "0")


if __name__ == "__main__":
    support.main()
