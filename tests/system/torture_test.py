# SPDX-License-Identifier: MIT
"""Killed with SIGKILL at random moments, restarted by launch/until-done: every time the bits of the run that nobody
disturbed. By hand: tests/system/torture_test.py PROGRAM SOURCE_FOLDER --rounds 200"""
import os
import shutil
import signal
import subprocess
import time

import support

ROUNDS = support.option("--rounds", 20)
KILLS = 2  # at most, in a round


class TortureTest(support.RestartCase):
    def setUp(self):
        super().setUp()
        self.base |= {"run.iterations": 120, "run.report_every": 5, "checkpoint.every": 1, "checkpoint.keep": 2}

    def victims(self, job):
        """A rank, all of them, or their mpirun."""
        ranks = support.ranks_below(job)
        starters = [pid for pid in support.descendants(job.pid) if support.name_of(pid) == "mpirun"]
        if not ranks or not starters:
            return "nobody", []
        return self.random.choice([("a rank", [self.random.choice(ranks)]), ("all ranks", ranks), ("mpirun", starters)])

    def wait_for_a_moment(self, job, begun):
        """At any time, from the first instant on; or while a checkpoint is being written."""
        if self.random.random() < 0.5:
            time.sleep(self.random.uniform(0, 1.2))
            return "at any time"
        time.sleep(self.random.uniform(0, 0.3))
        end = time.monotonic() + 3
        while time.monotonic() < end and job.poll() is None:
            if begun() and any(name.endswith(".part") for name in os.listdir(self.out)):
                return "while writing"
        return "too late"

    def one_round(self, config, whole):
        shutil.rmtree(self.out, ignore_errors=True)
        ranks = self.random.choice([2, 3])
        command = [support.source / "launch" / "until-done", "--wait", "0", "--tries", str(KILLS + 2),
                   *support.command(["run", config, "--out", self.out], ranks)]
        killed = []
        with open(self.folder / "log", "w+", encoding="utf-8") as log:
            job = subprocess.Popen(command, stdout=log, stderr=log, env=support.environment())
            self.addCleanup(support.stop_at_once, job)
            for _ in range(self.random.randint(1, KILLS)):
                moment = self.wait_for_a_moment(job, self.out.is_dir)
                whom, pids = self.victims(job)
                for pid in pids:
                    support.send(pid, signal.SIGKILL)
                killed.append(f"{whom} {moment}")
                if job.poll() is None:
                    support.wait_for(lambda: job.poll() is not None or not any(map(support.name_of, pids)), what="death")
            code = job.wait(120)
            log.seek(0)
            said = f"{ranks} ranks, killed: {', '.join(killed)}\n{log.read()}"
        self.assertEqual(code, 0, said)
        self.assert_same_state(whole, self.out, said)
        self.assert_same_state(support.checkpoints(whole)[-1], support.checkpoints(self.out)[-1], said)
        self.assertEqual(*[[support.without_timings(line) for line in support.read_metrics(out)] for out in (whole, self.out)])
        return killed

    def test_torture(self):
        whole = self.run_ok("whole", ranks=3)
        config = self.config()
        count = {}
        for n in range(ROUNDS):
            with self.subTest(round=n):
                for killed in self.one_round(config, whole):
                    count[killed] = count.get(killed, 0) + 1
        print(f"{ROUNDS} rounds: " + ", ".join(f"{v} × {k}" for k, v in sorted(count.items())), flush=True)


if __name__ == "__main__":
    support.main()
