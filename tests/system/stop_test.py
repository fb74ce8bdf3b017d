# SPDX-License-Identifier: MIT
"""Killed, or asked to stop: resumed on any number of ranks, the bits of the run that nobody interrupted."""
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import time

import support
from support import ENDLESS

STOPPED = 75


class StopTest(support.RestartCase):
    def test_two_lives_on_other_ranks(self):
        whole = self.run_ok("whole", ranks=3)
        self.run_ok("run", ranks=2, run__iterations=30)
        self.resume("--set", "run.iterations=60")
        self.assert_same_state(whole, self.out)
        self.assertEqual([support.without_timings(line) for line in support.read_metrics(whole)],
                         [support.without_timings(line) for line in support.read_metrics(self.out)])

    def test_killed_and_resumed(self):
        for ranks, resumed_ranks in ((2, 1), (1, 3)):
            with self.subTest(ranks=ranks):
                shutil.rmtree(self.out, ignore_errors=True)
                shutil.rmtree(self.folder / "whole", ignore_errors=True)
                job = self.begin(ranks)
                time.sleep(self.random.uniform(0, 0.4))
                support.kill_ranks(job)
                self.assertNotEqual(support.finish(job).code, 0)
                self.go_on_and_compare(resumed_ranks)

    def test_killed_many_times(self):
        job = self.begin(2, checkpoint__every=3)
        support.kill_ranks(job)
        support.finish(job)
        for _ in range(4):
            job = support.start("resume", self.out, ranks=self.random.choice([1, 2, 3]))
            self.addCleanup(self.end, job)
            time.sleep(self.random.uniform(0.1, 0.8))
            support.kill_ranks(job)
            support.finish(job)
        self.go_on_and_compare()

    # ---- asked to stop ----

    def test_stop_signals(self):
        for name in ("SIGUSR2", "SIGTERM", "SIGINT", "SIGHUP"):
            with self.subTest(signal=name):
                shutil.rmtree(self.out, ignore_errors=True)
                shutil.rmtree(self.folder / "whole", ignore_errors=True)
                job = self.begin()
                os.kill(job.pid, getattr(signal, name))
                ended = support.finish(job)
                self.assertEqual(ended.code, STOPPED, ended.err)
                self.assertEqual(support.read_attribute(self.out / "result.h5", "status"), "stopped")
                self.assertEqual(support.read_attribute(self.out / "result.h5", "iteration"), self.newest_iteration())
                self.assert_same_state(support.checkpoints(self.out)[-1], self.out / "result.h5")
                self.go_on_and_compare()

    def test_stop_signal_through_mpirun(self):
        job = self.begin(2)
        os.kill(job.pid, signal.SIGUSR2)
        self.assertEqual(support.finish(job).code, STOPPED)
        self.go_on_and_compare(3)

    def test_mpirun_is_asked_to_stop(self):
        # mpirun returns a code of its own, gives the ranks SIGTERM one second later, and SIGKILL after another. Meanwhile it
        # forwards no output: a rank that prints kilobytes in that second blocks and is killed, so this one reports rarely.
        quiet = {"run__report_every": 100_000}
        for name in ("SIGTERM", "SIGINT"):
            with self.subTest(signal=name):
                shutil.rmtree(self.out, ignore_errors=True)
                shutil.rmtree(self.folder / "whole", ignore_errors=True)
                job = self.begin(2, **quiet)
                (mpirun,) = [pid for pid in support.descendants(job.pid) if support.name_of(pid) == "mpirun"]
                os.kill(mpirun, getattr(signal, name))
                self.assertNotEqual(support.finish(job).code, 0)
                self.assertEqual(support.read_attribute(self.out / "result.h5", "status"), "stopped")
                self.go_on_and_compare(**quiet)

    def test_the_launcher_is_asked_to_stop(self):
        for name in ("SIGTERM", "SIGINT", "SIGHUP"):
            with self.subTest(signal=name):
                shutil.rmtree(self.out, ignore_errors=True)
                shutil.rmtree(self.folder / "whole", ignore_errors=True)
                job = self.begin(2)
                os.kill(job.pid, getattr(signal, name))
                ended = support.finish(job)
                self.assertEqual(ended.code, STOPPED, ended.err)
                self.assertEqual(support.read_attribute(self.out / "result.h5", "status"), "stopped")
                self.go_on_and_compare()

    def test_the_launcher_is_killed(self):
        job = self.begin(2)
        ranks = support.ranks_below(job)
        os.kill(job.pid, signal.SIGKILL)
        support.wait_for(lambda: not any(support.name_of(pid) == support.program.name for pid in ranks), what="an end of the ranks")
        support.finish(job)
        self.go_on_and_compare()

    def test_stop_signal_to_one_rank(self):
        job = self.begin(3)
        os.kill(support.ranks_below(job)[-1], signal.SIGUSR2)
        self.assertEqual(support.finish(job).code, STOPPED)
        self.go_on_and_compare(2)

    def test_checkpoint_signal(self):
        for ranks in (1, 2):
            with self.subTest(ranks=ranks):
                shutil.rmtree(self.out, ignore_errors=True)
                job = support.start("run", self.config("quiet", run__iterations=ENDLESS, checkpoint__every=0), "--out", self.out, ranks=ranks)
                self.addCleanup(self.end, job)
                for n_wanted in (1, 2):
                    support.wait_for(lambda: (self.out / "metrics.jsonl").exists() and len(support.read_metrics(self.out)) > 1, what="reports")
                    os.kill(job.pid, signal.SIGUSR1)
                    support.wait_for(lambda n=n_wanted: len(support.checkpoints(self.out)) == n, what="checkpoint on request")
                    self.assertIsNone(job.poll())
                os.kill(job.pid, signal.SIGUSR2)
                self.assertEqual(support.finish(job).code, STOPPED)

    def test_checkpoint_signal_before_the_first_iteration(self):
        self.use_sparse_rows(kept=1.0)
        path = self.folder / "train.svm"
        content = path.read_bytes()
        path.unlink()
        os.mkfifo(path)  # the program waits for rows
        for ranks in (1, 2):
            with self.subTest(ranks=ranks):
                shutil.rmtree(self.out, ignore_errors=True)
                config = self.config("early", run__iterations=ENDLESS, checkpoint__every=0, algorithm__beta="auto", algorithm__eta="auto")
                job = support.start("run", config, "--out", self.out, ranks=ranks)
                self.addCleanup(self.end, job)
                pipe = support.open_pipe(path, job)
                for pid in support.ranks_below(job) or [job.pid]:
                    os.kill(pid, signal.SIGUSR1)
                time.sleep(0.2)
                support.write_pipe(pipe, content)
                support.wait_for(lambda: support.checkpoints(self.out) or job.poll() is not None, what="checkpoint on request")
                self.assertIsNone(job.poll(), "the run ended early")
                os.kill(job.pid, signal.SIGUSR2)
                ended = support.finish(job)
                self.assertEqual(ended.code, STOPPED, ended.err)
                self.assertEqual(ended.err.count("asked for a checkpoint: the first iteration"), 1, ended.err)

    def test_checkpoint_signal_after_the_last_iteration(self):
        config = self.config("late", problem__type="regularisation", problem__x_max=1.0, problem__random_search=3000)
        job = support.start("run", config, "--out", self.out)
        self.addCleanup(self.end, job)
        support.wait_for(lambda: "searching x at random" in ((self.out / "run.log").read_text() if (self.out / "run.log").exists() else ""),
                         what="search")
        os.kill(job.pid, signal.SIGUSR1)
        ended = support.finish(job)
        self.assertEqual(ended.code, 0, ended.err)
        self.assertIn("asked for a checkpoint: the newest is of the last iteration already", ended.err)
        self.assertEqual(self.newest_iteration(), 60)

    def test_time_limit(self):
        config = self.config(run__iterations=ENDLESS, run__time_limit_s=0.5)
        for ranks in (1, 2):
            with self.subTest(ranks=ranks):
                out = self.folder / f"limited-{ranks}"
                began = time.monotonic()
                ended = support.run("run", config, "--out", out, ranks=ranks)
                self.assertEqual(ended.code, STOPPED, ended.err)
                self.assertLess(time.monotonic() - began, 15)
                self.assertEqual(support.read_attribute(out / "result.h5", "status"), "time_limit")
                n = self.newest_iteration(out)
                self.resume(out=out, code=STOPPED)
                self.assertGreater(self.newest_iteration(out), n)
                shutil.copytree(out, self.out)
                self.resume("--set", "run.time_limit_s=0", "--set", f"run.iterations={self.newest_iteration() + 3}")
                shutil.rmtree(self.out)

    def test_time_limit_during_random_search(self):
        config = self.config(run__iterations=20, problem__type="regularisation", problem__x_max=1.0, problem__random_search=1e6)
        ended = support.run("run", config, "--out", self.out, "--set", "run.time_limit_s=2", ranks=2)
        self.assertEqual(ended.code, STOPPED, ended.err)
        self.assertNotIn("search_trials", support.read_metrics(self.out)[-1])
        self.resume("--set", "run.time_limit_s=0", "--set", "problem.random_search=50")
        self.assertIn("search_trials", support.read_metrics(self.out)[-1])

    def test_stop_during_refit(self):
        config = self.config(run__iterations=20, problem__refit=True)
        job = support.start("run", config, "--out", self.out)
        self.addCleanup(self.end, job)
        support.wait_for(lambda: any(p.name.endswith("20.h5") for p in support.checkpoints(self.out)), what="last checkpoint")
        os.kill(job.pid, signal.SIGTERM)
        ended = support.finish(job)
        self.assertIn(ended.code, (0, STOPPED))  # 0: the refits were quicker than the signal
        ended = support.run("run", config, "--out", self.out)
        self.assertEqual(ended.code, 0, ended.err)
        self.assertIn("refit_kept", support.read_metrics(self.out)[-1])
        self.assert_each_iteration_once(20)

    def test_stop_during_set_up(self):
        os.mkfifo(self.folder / "endless")  # nobody writes: reading it takes for ever
        config = self.config(problem__data__train_features=self.folder / "endless")
        for name in ("SIGUSR2", "SIGTERM", "SIGINT"):
            with self.subTest(signal=name):
                job = support.start("run", config, "--out", self.out)
                self.addCleanup(self.end, job)
                support.wait_for(lambda: self.catches(job.pid, signal.SIGUSR2), what="handlers")
                os.kill(job.pid, getattr(signal, name))
                self.assertEqual(support.finish(job).code, STOPPED)
                self.assertFalse(self.out.exists())

    def catches(self, pid, signal_number):
        status = (pathlib.Path("/proc") / str(pid) / "status").read_text()
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
        return int(caught.split()[1], 16) >> (signal_number - 1) & 1

    def test_second_interrupt(self):
        job = self.begin(run__report_every=1)
        metrics, sizes = self.out / "metrics.jsonl", [-1]

        def is_stuck():  # nobody reads what it prints: the pipe fills up
            sizes.append(metrics.stat().st_size)
            time.sleep(0.3)
            return sizes[-1] == sizes[-2]
        support.wait_for(is_stuck, what="a full pipe")
        os.kill(job.pid, signal.SIGINT)
        time.sleep(0.1)
        self.assertIsNone(job.poll())
        os.kill(job.pid, signal.SIGINT)
        self.assertEqual(job.wait(10), 130)
        err = support.finish(job).err
        self.assertIn("finishing the iteration", err)
        self.assertIn("ended at once", err)
        self.go_on_and_compare(run__report_every=1)

    def test_nohup(self):
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.addCleanup(signal.signal, signal.SIGHUP, before)
        job = self.begin()
        os.kill(job.pid, signal.SIGHUP)
        iteration = self.newest_iteration()
        support.wait_for(lambda: self.newest_iteration() > iteration + 1000, what="more iterations")
        self.assertIsNone(job.poll())

    def test_nobody_reads_its_output(self):
        job = subprocess.Popen(support.command(["run", self.config(run__report_every=1), "--out", self.out]), stdout=subprocess.PIPE,
                               env=support.environment())
        self.addCleanup(support.stop_at_once, job)
        job.stdout.readline()
        job.stdout.close()
        self.assertEqual(job.wait(60), 0)
        self.assertEqual(support.read_attribute(self.out / "result.h5", "status"), "finished")

    def test_stop_file(self):
        for ranks in (1, 3):
            with self.subTest(ranks=ranks):
                shutil.rmtree(self.out, ignore_errors=True)
                shutil.rmtree(self.folder / "whole", ignore_errors=True)
                job = self.begin(ranks)
                (self.out / "STOP").touch()
                began = time.monotonic()
                self.assertEqual(support.finish(job).code, STOPPED)
                self.assertLess(time.monotonic() - began, 5)
                self.assertTrue((self.out / "STOP").exists())  # for job scripts to see
                self.go_on_and_compare(ranks)
                self.assertFalse((self.out / "STOP").exists())

    def test_stop_file_that_cannot_be_removed(self):
        self.run_ok("run", run__iterations=30)
        (self.out / "STOP" / "of somebody else").mkdir(parents=True)
        ended = self.resume("--set", "run.iterations=60", ranks=2, code=5)
        self.assertIn("STOP: cannot be removed, and would end the run again", ended.err)

    def test_full_disk(self):
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # Python's choice too: then a write fails with EFBIG
        self.addCleanup(signal.signal, signal.SIGXFSZ, ignored)
        job = self.begin()
        resource.prlimit(job.pid, resource.RLIMIT_FSIZE, (2000, 2000))
        time.sleep(0.1)
        newest = self.newest_iteration()
        time.sleep(0.3)
        self.assertEqual(self.newest_iteration(), newest)
        self.assertIsNone(job.poll(), "the run goes on")
        os.kill(job.pid, signal.SIGTERM)
        ended = support.finish(job)
        self.assertEqual(ended.code, 5, ended.err)
        self.assertIn("the run goes on, the next one is tried when it is due", ended.err)
        self.assertIn(f"checkpoint-{newest:08}.h5 is whole: when there is room again, \"meha resume {self.out}\"", ended.err.splitlines()[-1])
        self.assertEqual(list(self.out.glob("checkpoint*.part")), [])
        self.go_on_and_compare()


if __name__ == "__main__":
    support.main()
