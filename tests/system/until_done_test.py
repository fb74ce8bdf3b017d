# SPDX-License-Identifier: MIT
"""launch/until-done: a run that fails, is killed or is asked to stop, by a program that only pretends."""
import os
import pathlib
import signal
import subprocess
import time

import support

PRETENDER = r"""#!/bin/bash
# inspect DIR --json | run DIR: does what the next line of DIR/plan says
directory=$2
if [ "$1" = inspect ]; then
  printf '{\n  "status": "%s",\n}\n' "$(cat "$directory/result.h5")"
  exit
fi
echo life >>"$directory/lives"
n=$(wc -l <"$directory/lives")
eval "$(sed -n "${n}p" "$directory/plan")"
"""


class UntilDoneTest(support.Case):
    def setUp(self):
        super().setUp()
        self.program = self.folder / "pretender"
        self.program.write_text(PRETENDER)
        self.program.chmod(0o755)
        self.out = self.folder / "run"
        self.out.mkdir()

    def command(self, *plan, options=("--wait", "0.01")):
        (self.out / "plan").write_text("".join(line + "\n" for line in plan))
        (self.out / "lives").unlink(missing_ok=True)
        return [support.source / "launch" / "until-done", *options, self.program, "run", self.out, "--out", self.out]

    def assert_ends(self, code, lives, *plan, **more):
        ended = subprocess.run(self.command(*plan, **more), capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((ended.returncode, self.lives()), (code, lives), ended.stderr)
        return ended.stderr

    def lives(self):
        path = self.out / "lives"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def result(self, status):
        return f"echo {status} >$directory/r.part; mv $directory/r.part $directory/result.h5;"

    def test_settings_are_no_directory(self):
        plan = self.result("finished") + "exit 0"
        for words in (["resume", "--set", "run.iterations=9", self.out], ["resume", "--set=run.iterations=9", self.out],
                      ["resume", self.out, "--set", "run.seed=1"]):
            with self.subTest(words=words):
                self.program.write_text(PRETENDER.replace("directory=$2", f"directory={self.out}"))
                command = [*self.command(plan)[:3], self.program, *words]
                ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual((ended.returncode, self.lives()), (0, 1), ended.stderr)

    def test_finished(self):
        self.assert_ends(0, 1, self.result("finished") + "exit 0")
        for status in ("finished", "converged", "error_reached", "no_progress"):
            self.assert_ends(0, 2, "exit 137", self.result(status) + "exit 1")

    def test_goes_on_while_there_is_progress(self):
        lives = [f"touch $directory/checkpoint-{k:08}.h5; exit 137" for k in (8, 9, 10, 11, 12, 13)]
        self.assert_ends(0, 7, *lives, self.result("finished"))

    def test_gives_up(self):
        said = self.assert_ends(205, 3, "exit 205", "exit 205", "exit 205")
        self.assertIn("code 205; 3 times so, and no checkpoint after -1: giving up", said)
        self.assert_ends(71, 2, "exit 71", "exit 71", options=("--tries", "2", "--wait", "0"))
        self.assert_ends(0, 5, "exit 71", "exit 137", "exit 71", "exit 137", self.result("finished"))
        self.assert_ends(1, 4, "touch $directory/checkpoint-00000008.h5; exit 1", "exit 1", "exit 1", "exit 1")

    def test_an_older_result(self):
        for status in ("finished", "stopped"):
            (self.out / "result.h5").write_text(status)
            self.assert_ends(0, 2, "exit 137", self.result("finished"))
        self.assert_ends(0, 1, "exit 0")

    def test_success_without_a_result(self):
        self.assert_ends(1, 3, "exit 0", "exit 0", "exit 0")
        (self.out / "result.h5").write_text("stopped")
        self.assert_ends(1, 3, "exit 0", "exit 0", "exit 0")

    def test_not_retried(self):
        for code in (2, 3, 4):
            self.assert_ends(code, 1, f"exit {code}")
        self.assert_ends(4, 1, self.result("not_finite") + "exit 1")

    def test_stopped_on_request(self):
        self.assert_ends(75, 1, "exit 75")
        for status in ("stopped", "time_limit"):
            self.assert_ends(75, 1, self.result(status) + "exit 1")
        self.assert_ends(75, 1, "touch $directory/STOP; exit 137")

    def test_usage(self):
        for words in ([], ["build/meha", "run", "a.toml"], ["mpirun", "--out", "x"]):
            ended = subprocess.run([support.source / "launch" / "until-done", *words], capture_output=True, text=True, check=False)
            self.assertEqual(ended.returncode, 2)
            self.assertIn("--out DIR", ended.stderr)

    def test_signals(self):
        waiting = "trap 'echo USR1 >>$directory/heard' USR1; trap 'exit 75' USR2; touch $directory/ready; while :; do sleep 0.01; done"
        for name in ("SIGUSR2", "SIGTERM", "SIGINT"):
            with self.subTest(signal=name):
                (self.out / "ready").unlink(missing_ok=True)
                (self.out / "heard").unlink(missing_ok=True)
                with subprocess.Popen(self.command(waiting), stderr=subprocess.DEVNULL) as job:
                    support.wait_for((self.out / "ready").exists, what="the first life")
                    for n in (1, 2):
                        job.send_signal(signal.SIGUSR1)
                        support.wait_for(lambda n=n: pathlib.Path(self.out / "heard").exists()
                                         and len((self.out / "heard").read_text().split()) == n, what="USR1")
                    job.send_signal(getattr(signal, name))
                    self.assertEqual((job.wait(30), self.lives()), (75, 1))

    def test_signals_between_lives(self):
        with subprocess.Popen(self.command("exit 137", options=("--wait", "60")), stderr=subprocess.DEVNULL) as job:
            support.wait_for(self.lives, what="the first life")
            time.sleep(0.2)
            job.send_signal(signal.SIGTERM)
            self.assertEqual((job.wait(30), self.lives()), (75, 1))

    def test_signal_while_a_life_is_about_to_begin(self):
        """The script asks stat about result.h5 before it starts a life."""
        stat, mark = self.folder / "stat", self.folder / "asked"
        stat.write_text(f"#!/bin/bash\ntouch {mark}\nsleep 1\n")
        stat.chmod(0o755)
        environment = support.environment() | {"PATH": f"{self.folder}:{os.environ['PATH']}"}
        with subprocess.Popen(self.command("sleep 60"), env=environment, stderr=subprocess.DEVNULL) as job:
            support.wait_for(mark.exists, what="stat")
            job.send_signal(signal.SIGUSR2)
            self.assertEqual((job.wait(30), self.lives()), (75, 0))


class StuckMpirunTest(support.Case):
    def test_is_ended(self):
        """The pretender has a dead child that it never waits for."""
        pretender = self.folder / "mpirun"
        pretender.write_text("#!/bin/bash\nsleep 1 &\nexec sleep 60\n")
        pretender.chmod(0o755)
        environment = support.environment() | {"PATH": f"{self.folder}:{os.environ['PATH']}", "MEHA_STUCK_S": "0.2"}
        ended = subprocess.run([support.source / "launch" / "local", "1", "true"], env=environment, capture_output=True, text=True,
                               timeout=50, check=False)
        self.assertEqual(ended.returncode, 128 + signal.SIGKILL)
        self.assertIn("mpirun hangs", ended.stderr)


if __name__ == "__main__":
    support.main()
