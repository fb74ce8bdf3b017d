# SPDX-License-Identifier: MIT
"""Disks that are full, folders that vanish, files that rot: a clear message, the last good checkpoint, the same bits."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

import support

STOPPED = 75


class FullDiskTest(support.RestartCase):
    """The run directory is a small file system of its own."""

    def setUp(self):
        super().setUp()
        self.out.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "meha-test", self.out], capture_output=True, text=True, check=False)
        if mounted.returncode != 0:
            self.skipTest(f"a small file system needs root: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.out], check=False)

    def fill(self):
        with open(self.out / "filler", "ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    def free(self):
        (self.out / "filler").unlink()

    def log(self):
        return (self.out / "run.log").read_text(errors="replace")

    def assert_checkpoints_are_whole(self):
        ended = support.run("verify", self.out)
        self.assertEqual(ended.out.count("checkpoint-"), len(support.checkpoints(self.out)))
        for line in ended.out.splitlines():
            if line.startswith("checkpoint-"):
                self.assertIn("good", line)

    def test_full_for_a_while(self):
        for ranks, async_mib in ((1, 1024), (2, 0)):
            with self.subTest(ranks=ranks, async_mib=async_mib):
                for path in self.out.iterdir():
                    path.unlink()
                shutil.rmtree(self.folder / "whole", ignore_errors=True)
                job = self.begin(ranks, checkpoint__async_mib=async_mib, run__report_every=10000)
                self.fill()
                before = self.newest_iteration()
                n = len(support.checkpoints(self.out))
                self.assertGreaterEqual(n, 1)
                self.assertRaises(TimeoutError, support.wait_for, lambda: self.newest_iteration() > before + 1000, timeout_s=0.1)
                self.assertIsNone(job.poll())
                self.assert_checkpoints_are_whole()
                self.free()
                support.wait_for(lambda: self.newest_iteration() > before, what="a checkpoint after there is room")
                os.kill(job.pid, signal.SIGUSR2)
                ended = support.finish(job)
                self.assertEqual(ended.code, STOPPED, ended.err)
                self.assertRegex(ended.err, "No space left on device|is the disk full")  # the second where it fills up midway
                self.assertIn("the run goes on", ended.err)
                self.assertIn("checkpoints can be written again", ended.out)
                self.assertEqual(support.run("verify", self.out).code, 0)
                self.go_on_and_compare(3, run__report_every=10000)

    def test_full_until_the_end(self):
        job = self.begin()
        self.fill()
        os.kill(job.pid, signal.SIGUSR2)
        ended = support.finish(job)
        self.assertEqual(ended.code, 5, ended.err)
        last = ended.err.splitlines()[-1]
        newest = support.checkpoints(self.out)[-1]
        self.assertRegex(last, "No space left on device|is the disk full")
        self.assertIn(f'{newest} is whole: when there is room again, "meha resume {self.out}" goes on from there', last)
        self.assert_checkpoints_are_whole()
        for ranks in (1, 3):
            self.fill()
            ended = self.resume("--set", f"run.iterations={self.newest_iteration() + 5}", ranks=ranks, code=5)
            self.assertIn("No space left on device", ended.err)
            self.assertEqual(support.checkpoints(self.out)[-1], newest)
        self.free()
        self.go_on_and_compare(2)


class FileSizeLimitTest(support.RestartCase):
    """ulimit -f. Open MPI itself has files of up to 4 MiB, so a state file must be larger."""
    n_train, n_features, n_classes = 250_000, 3, 2

    def limited(self, *arguments, kib, ranks=1):
        limit = f"ulimit -f {kib}; exec \"$@\""
        return subprocess.run(["bash", "-c", limit, "limit", *map(str, support.command(arguments, ranks))], capture_output=True,
                              text=True, timeout=60, env=support.environment(), check=False)

    def test_checkpoints(self):
        for async_mib in (0, 1024):
            with self.subTest(async_mib=async_mib):
                shutil.rmtree(self.out, ignore_errors=True)
                ended = self.limited("run", self.config(checkpoint__async_mib=async_mib, run__iterations=6), "--out", self.out, kib=4096)
                self.assertEqual(ended.returncode, 5, ended.stderr)
                self.assertEqual(ended.stderr.count("meha: "), 1, ended.stderr)
                self.assertRegex(ended.stderr, "checkpoint-0000000..h5.part.*File too large")

    def test_data(self):
        path = self.folder / "rows.h5"
        ended = self.limited("data", "synthetic", path, "--rows", 5000, kib=64)
        self.assertEqual(ended.returncode, 5, ended.stderr)
        self.assertIn(f"{path}: ", ended.stderr)


class AddressSpaceLimitTest(support.RestartCase):
    """ulimit -v. Where memory runs out inside of Open MPI, the words are its own."""

    def test_ends_in_words(self):
        for kib in range(212_000, 280_000, 8_000):
            with self.subTest(kib=kib):
                shutil.rmtree(self.out, ignore_errors=True)
                start, program = support.command([], 2)[:2], support.command([], 2)[2:]
                limited = ["bash", "-c", f'ulimit -v {kib}; exec "$@"', "limit", *program, "run", self.config(), "--out", self.out]
                ended = subprocess.run(list(map(str, [*start, *limited])), capture_output=True, text=True, timeout=60,
                                       env=support.environment(), check=False)
                self.assertNotIn("terminate called", ended.stderr)
                if ended.returncode == 70:
                    self.assertRegex(ended.stderr, "meha: .*(out of memory|the system refused a resource)")


class VanishedFolderTest(support.RestartCase):
    def test_folder_gone(self):
        job = self.begin(2)
        self.out.rename(self.folder / "elsewhere")
        os.kill(job.pid, signal.SIGUSR2)
        ended = support.finish(job)
        self.assertEqual(ended.code, 5, ended.err)
        self.assertIn("No such file or directory", ended.err)
        (self.folder / "elsewhere").rename(self.out)
        self.go_on_and_compare()


    def test_folder_replaced(self):
        job = self.begin(2)
        self.out.rename(self.folder / "elsewhere")
        other = self.run_ok("run", algorithm__beta=0.07)
        whole = {path.name: path.lstat().st_mtime_ns for path in other.iterdir()}
        time.sleep(0.5)
        os.kill(job.pid, signal.SIGUSR2)
        ended = support.finish(job)
        self.assertEqual(ended.code, 5, ended.err)
        self.assertIn("another run uses it now", ended.err)
        self.assertEqual({path.name: path.lstat().st_mtime_ns for path in other.iterdir()}, whole)
        shutil.rmtree(self.out)
        (self.folder / "elsewhere").rename(self.out)
        self.go_on_and_compare()


class ProbeTest(support.Case):
    def test_ended_by_others(self):
        path = self.folder / "rows.h5"
        os.mkfifo(path)  # the probe waits in it
        job = support.start("run", self.config(problem__data__format="hdf5", problem__data__train_features=str(path)), "--out", self.folder / "run")
        self.addCleanup(support.stop_at_once, job)

        def probes():
            commands = {pid: pathlib.Path(f"/proc/{pid}/cmdline") for pid in support.descendants(job.pid)}
            return [pid for pid, command in commands.items() if b"probe" in command.read_bytes()]
        support.wait_for(probes, what="the probe")
        support.send(probes()[0], signal.SIGKILL)

        def ends():  # the program waits in it too, until there is a writer
            with contextlib.suppress(OSError):
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
            return job.poll() is not None
        support.wait_for(ends, what="an end")
        ended = support.finish(job)
        self.assertEqual(ended.code, 3, ended.err)
        self.assertNotIn("crashes", ended.err)


class VerifyTest(support.RestartCase):
    def verify(self, code):
        ended = support.run("verify", self.out)
        self.assertEqual(ended.code, code, ended.out + ended.err)
        return {line.split()[0]: line for line in ended.out.splitlines()}

    def test_whole(self):
        self.run_ok("run")
        lines = self.verify(0)
        self.assertEqual(sorted(lines), ["checkpoint-00000050.h5", "checkpoint-00000060.h5", "config.toml", "metrics.jsonl", "result.h5"])
        self.assertIn("good      iteration 60, finished", lines["result.h5"])
        self.assertIn("7 reports, the last of iteration 60", lines["metrics.jsonl"])
        before = {path.name: path.stat().st_mtime_ns for path in self.out.iterdir()}
        self.verify(0)
        self.assertEqual(before, {path.name: path.stat().st_mtime_ns for path in self.out.iterdir()})

    def test_damaged(self):
        self.run_ok("run")
        for name in self.verify(0):
            with self.subTest(file=name):
                path = self.out / name
                good = path.read_bytes()
                at = self.random.randrange(len(good)) if path.suffix == ".h5" else 0
                path.write_bytes(good[:at] + bytes([good[at] ^ 128]) + good[at + 1:])
                lines = self.verify(5)
                self.assertEqual([other for other, line in lines.items() if "DAMAGED" in line], [name])
                self.assertNotIn("good", lines[name])
                path.write_bytes(good)

    def test_torn_and_misplaced(self):
        self.run_ok("run")
        with open(self.out / "metrics.jsonl", "a", encoding="utf-8") as file:
            file.write('{"iteration": 70, "upp')
        self.assertIn("torn", self.verify(0)["metrics.jsonl"])
        (self.out / "checkpoint-00000050.h5").rename(self.out / "checkpoint-00000070.h5")
        self.assertIn("iteration 50", self.verify(5)["checkpoint-00000070.h5"])

    def test_removed_meanwhile(self):
        self.run_ok("run")
        path = self.out / "checkpoint-00000070.h5"
        os.mkfifo(path)
        job = support.start("verify", self.out)
        self.addCleanup(support.stop_at_once, job)
        pipe = support.open_pipe(path, job)  # once it looks at it
        path.unlink()
        os.close(pipe)
        ended = support.finish(job)
        self.assertEqual(ended.code, 0, ended.out)
        self.assertIn("checkpoint-00000070.h5     gone", ended.out)

    def test_no_run_directory(self):
        self.assertEqual(support.run("verify", self.folder).code, 2)


if __name__ == "__main__":
    support.main()
