# SPDX-License-Identifier: MIT
"""Jobs that are stuck end themselves with exit 71 and say where; slow ones do not."""
import ctypes
import errno
import os
import signal
import threading
import time

import support

STOPPED = 75
PTRACE_ATTACH, PTRACE_DETACH, WALL = 16, 17, 0x40000000
PIECE = 1 << 19  # of a file; several of the program's buffers


class WatchdogTest(support.RestartCase):
    def test_a_stopped_rank(self):
        job = self.begin(3, comm__watchdog_s=1)
        time.sleep(self.random.uniform(0, 0.3))
        stopped = self.random.randrange(3)
        os.kill(support.ranks_below(job)[stopped], signal.SIGSTOP)
        began = time.monotonic()
        ended = support.finish(job)
        self.assertEqual(ended.code, 71, ended.err)
        self.assertLess(time.monotonic() - began, 15)
        self.assertRegex(ended.err, r"no progress for .* s: rank \d of 3 on host .*, after iteration \d+, stage \w+.*, waits for other ranks")
        self.assertRegex(ended.err, rf"stuck: rank {stopped} on this host \(pid \d+\), after iteration \d+, stage .*: the process is stopped \(SIGSTOP")
        self.go_on_and_compare(2)

    def test_a_rank_stuck_at_work(self):
        # nobody reads what it prints: the pipe fills up
        job = self.begin(run__report_every=1, comm__watchdog_s=0.5)
        self.assertEqual(job.wait(60), 71)
        self.assertRegex(support.finish(job).err, r"rank 0 of 1 on host .*, after iteration \d+, stage evaluate, is stuck in work of its own")
        self.go_on_and_compare(2, run__report_every=1)

    def test_a_suspended_job(self):
        job = self.begin(2, comm__watchdog_s=0.5)
        everybody = support.ranks_below(job)
        for pid in everybody:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(2)
        for pid in everybody:
            os.kill(pid, signal.SIGCONT)
        time.sleep(0.3)
        self.assertIsNone(job.poll(), "a job that was suspended is not stuck")
        os.kill(job.pid, signal.SIGUSR2)
        self.assertEqual(support.finish(job).code, STOPPED)


class HangingDiskTest(support.RestartCase):
    n_train, n_features = 50000, 100  # 2.5 MB on each of two ranks: above 1 MiB

    def threads(self, job, rank):
        return set(map(int, os.listdir(f"/proc/{support.ranks_below(job)[rank]}/task")))

    def hang(self, thread):
        """Stops one thread as a disk does that hangs: its process cannot end before the thread goes on.
        @return false when the thread has ended before"""
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.ptrace(PTRACE_ATTACH, thread, None, None) != 0:
            if ctypes.get_errno() == errno.ESRCH:
                return False
            self.skipTest(f"no right to stop a thread: {os.strerror(ctypes.get_errno())}")
        self.addCleanup(libc.ptrace, PTRACE_DETACH, thread, None, None)
        return os.WIFSTOPPED(os.waitpid(thread, WALL)[1])

    def assert_ended(self, job, message):
        began = time.monotonic()
        ended = support.finish(job)
        self.assertEqual(ended.code, 71, ended.err)
        self.assertLess(time.monotonic() - began, 15)
        self.assertRegex(ended.err, message)

    def test_in_a_checkpoint(self):
        job = self.begin(2, comm__watchdog_s=1, checkpoint__every=1)
        others = self.threads(job, 0)
        support.wait_for(lambda: any(self.hang(thread) for thread in self.threads(job, 0) - others), what="a thread that writes")
        self.assert_ended(job, r"rank 0 of 2 on host .*, stage checkpoint, is stuck in work of its own")
        self.go_on_and_compare()

    def test_in_reading_rows(self):
        self.base = {key: value for key, value in self.base.items() if not key.startswith("problem.data.")}
        self.base |= {"problem.data.format": "hdf5", "problem.data.shuffle": False, "problem.data.memory": 1, "run.block_rows": 512,
                      "algorithm.batch_lower": 8192}
        for part in ("train", "validation", "test"):
            path = self.folder / f"{part}.h5"
            files = support.write_rows_idx(self.folder, part, getattr(self, part), suffix="")
            ended = support.run("data", "import", "--format", "idx", files[f"problem.data.{part}_features"], "--labels",
                                files[f"problem.data.{part}_labels"], "--out", path, "--block-rows", 512)
            self.assertEqual(ended.code, 0, ended.err)
            self.base[f"problem.data.{part}_features"] = str(path)
        job = self.begin(2, comm__watchdog_s=1)
        self.assertIn("rows are read from disk in every pass", (self.out / "run.log").read_text())
        self.hang(max(self.threads(job, 1)))  # the youngest; rank 0 has others that write
        self.assert_ended(job, r"rank 1 of 2 on host .*, stage (compute|evaluate), waits for rows from its disk")
        self.go_on_and_compare()


class SlowDataTest(support.RestartCase):
    n_train = 20000
    limit_s = 1.5

    def setUp(self):
        super().setUp()
        self.use_sparse_rows(kept=1.0)
        self.path = self.folder / "train.svm"

    def feed(self, content, pause_s, has_end):
        """A pipe in the place of the training data, that brings these bytes slowly."""
        self.path.unlink()
        os.mkfifo(self.path)
        pipe = open(self.path, "r+b", buffering=0)
        self.addCleanup(pipe.close)

        def write():
            for at in range(0, len(content), PIECE):
                pipe.write(content[at:at + PIECE])
                time.sleep(pause_s)
            if has_end:
                pipe.close()
        threading.Thread(target=write, daemon=True).start()

    def test_data_that_come_slowly(self):
        content = self.path.read_bytes()
        whole = self.run_ok("whole", run__iterations=5)
        pause_s = 4 * self.limit_s / (len(content) / PIECE)
        self.assertLess(pause_s, self.limit_s / 4)
        self.feed(content, pause_s, has_end=True)
        self.run_ok("run", ranks=2, run__iterations=5, comm__watchdog_s=self.limit_s)
        self.assert_same_state(whole, self.out)

    def test_data_that_do_not_come(self):
        self.feed(self.path.read_bytes()[:PIECE], 0, has_end=False)
        ended = support.run("run", self.config(comm__watchdog_s=self.limit_s), "--out", self.out, ranks=2)
        self.assertEqual(ended.code, 71, ended.err)
        self.assertRegex(ended.err, r"rank 0 of 2 on host .*, stage set-up, is stuck in work of its own")


class OtherVerbsTest(support.RestartCase):
    def test_data_that_do_not_come(self):
        run = self.run_ok("run", run__iterations=3, comm__watchdog_s=1)
        config = self.folder / "run.toml"
        path = self.folder / "train-features.idx.gz"
        path.unlink()
        os.mkfifo(path)
        pipe = open(path, "r+b", buffering=0)  # of which nothing comes
        self.addCleanup(pipe.close)
        for verb, ranks in ((["export", run, "--what", "samples"], 2), (["export", run, "--what", "model"], 1),
                            (["check", "--solution", run], 2), (["check", config], 1), (["plan", config], 2)):
            with self.subTest(verb=list(map(str, verb)), ranks=ranks):
                ended = support.run(*verb, ranks=ranks)
                self.assertEqual(ended.code, 71, ended.err)
                self.assertRegex(ended.err, rf"rank 0 of {ranks} on host .*, is stuck in work of its own")


if __name__ == "__main__":
    support.main()
