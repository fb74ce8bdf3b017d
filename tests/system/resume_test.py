# SPDX-License-Identifier: MIT
"""Interrupted, resumed, moved to other ranks, damaged: the bits of the uninterrupted run, or a clear refusal."""
import os
import random
import resource
import shutil
import signal
import time

import support

ENDLESS = 10_000_000
STOPPED = 75


class ResumeTest(support.Case):
    def setUp(self):
        super().setUp()
        self.random = random.Random(support.SEED)
        self.out = self.folder / "run"
        self.base |= {"run.precision": "float32", "run.iterations": 60, "algorithm.batch_lower": 96, "checkpoint.every": 10,
                      "algorithm.optimizer_theta": "momentum", "algorithm.eta": 0.05, "algorithm.optimizer_y": "momentum",
                      "algorithm.beta": 0.05, "problem.regularisation": 0.02}

    # ---- steps ----

    def begin(self, ranks=1, **settings):
        """Starts a run without an end, and waits for its first checkpoint."""
        config = self.config("endless", run__iterations=ENDLESS, **settings)
        job = support.start("run", config, "--out", self.out, ranks=ranks)
        self.addCleanup(self.end, job)
        support.wait_for(lambda: support.checkpoints(self.out) or job.poll() is not None, what="first checkpoint")
        self.assertIsNone(job.poll(), "the run ended early")
        return job

    def end(self, job):
        if job.poll() is None:
            support.kill_ranks(job)
        support.finish(job)

    def newest_iteration(self, out=None):
        return int(support.checkpoints(out or self.out)[-1].stem.split("-")[1])

    def resume(self, *more, ranks=1, code=0, out=None):
        ended = support.run("resume", out or self.out, *more, ranks=ranks)
        self.assertEqual(ended.code, code, f"{ended.out}\n{ended.err}")
        return ended

    def go_on_and_compare(self, ranks=1, **settings):
        """Resumes for a little longer, and compares with a run that nobody interrupted."""
        n = self.newest_iteration() + self.random.randrange(1, 40)
        self.resume("--set", f"run.iterations={n}", ranks=ranks)
        whole = self.run_ok("whole", ranks=3, run__iterations=n, **settings)
        self.assert_same_state(whole, self.out, f"{n} iterations")
        self.assert_each_iteration_once(n, every=settings.get("run__report_every", 10))

    def assert_each_iteration_once(self, last, every=10):
        found = [line["iteration"] for line in support.read_metrics(self.out)]
        self.assertEqual(found, sorted(set(found)))
        self.assertLessEqual(set(range(0, last + 1, every)), set(found))
        self.assertEqual(found[-1], last)

    # ---- killed ----

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
        for name in ("SIGUSR2", "SIGTERM", "SIGINT"):
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
                os.kill(job.pid, getattr(signal, name))
                self.assertNotEqual(support.finish(job).code, 0)
                self.assertEqual(support.read_attribute(self.out / "result.h5", "status"), "stopped")
                self.go_on_and_compare(**quiet)

    def test_stop_signal_to_one_rank(self):
        job = self.begin(3)
        os.kill(support.descendants(job.pid)[-1], signal.SIGUSR2)
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

    def test_full_disk(self):
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # Python's choice too: then a write fails with EFBIG
        self.addCleanup(signal.signal, signal.SIGXFSZ, ignored)
        job = self.begin()
        resource.prlimit(job.pid, resource.RLIMIT_FSIZE, (2000, 2000))
        ended = support.finish(job)
        self.assertEqual(ended.code, 5, ended.err)
        self.assertEqual(len(ended.err.splitlines()), 1, ended.err)
        self.assertIn(str(self.out), ended.err)
        self.go_on_and_compare()

    # ---- run again ----

    def test_run_again_goes_on(self):
        job = self.begin()
        support.kill_ranks(job)
        support.finish(job)
        n = self.newest_iteration() + 7
        config = self.out / "config.toml"
        self.resume("--set", f"run.iterations={n}", "--set", "run.time_limit_s=0.000001", code=STOPPED)
        ended = support.run("run", config, "--out", self.out, "--set", "run.name=run", ranks=2)
        self.assertEqual(ended.code, 2, "run.name differs")
        ended = support.run("run", config, "--out", self.out, ranks=2)
        self.assertEqual(ended.code, STOPPED, ended.err)
        self.resume("--set", "run.time_limit_s=0")
        self.assert_same_state(self.run_ok("whole", run__iterations=n), self.out)

    def test_run_again_after_a_kill(self):
        config = self.config(run__iterations=4000)
        job = support.start("run", config, "--out", self.out)
        self.addCleanup(self.end, job)
        support.wait_for(lambda: support.checkpoints(self.out), what="first checkpoint")
        support.kill_ranks(job)
        support.finish(job)
        ended = support.run("run", config, "--out", self.out)
        self.assertEqual(ended.code, 0, ended.err)
        self.assertIn("going on from iteration", ended.out)
        self.assert_same_state(self.run_ok("whole", run__iterations=4000), self.out)

    def test_run_again_when_finished(self):
        config = self.config()
        support.run("run", config, "--out", self.out)
        before = {p.name: p.read_bytes() for p in self.out.iterdir()}
        for ranks in (1, 3):
            ended = support.run("run", config, "--out", self.out, ranks=ranks)
            self.assertEqual(ended.code, 0)
            self.assertEqual(ended.out.count("finished already"), 1)
        ended = self.resume()
        self.assertIn("finished already", ended.out)
        self.assertEqual(before, {p.name: p.read_bytes() for p in self.out.iterdir()})

    def test_run_again_with_another_config(self):
        self.run_ok("run")
        before = support.read_state(self.out)
        for name, old, new in (("algorithm.gamma", "10.0", "11.0"), ("run.seed", "0", "1"), ("run.iterations", "60", "70")):
            for ranks in (1, 3):
                with self.subTest(option=name, ranks=ranks):
                    ended = support.run("run", self.config(), "--set", f"{name}={new}", "--out", self.out, ranks=ranks)
                    self.assertEqual(ended.code, 2)
                    self.assertIn(f"{name}: {old} there, {new} here", ended.err)
        self.assertEqual(support.different_fields(before, support.read_state(self.out)), [])

    def test_two_runs_in_one_directory(self):
        self.begin()
        for verb in (["resume", self.out], ["run", self.folder / "endless.toml", "--out", self.out]):
            with self.subTest(verb=verb[0]):
                ended = support.run(*verb)
                self.assertEqual(ended.code, 5)
                self.assertIn("in use", ended.err)

    # ---- refused ----

    def test_fixed_options(self):
        self.run_ok("run", run__iterations=20)
        for name, value in (("algorithm.gamma", 3), ("run.block_rows", 64), ("run.precision", "float64"), ("run.seed", 4),
                            ("algorithm.penalty.c", 1), ("algorithm.alpha", "{a = 1, b = 1, power = 0}"), ("problem.noise.rate", 0.1)):
            with self.subTest(option=name):
                ended = self.resume("--set", f"{name}={value}", code=2)
                self.assertIn(name, ended.err)
                self.assertIn("resume", ended.err)

    def test_other_data(self):
        self.run_ok("run", run__iterations=20)
        before = (self.out / "config.toml").read_text()
        self.train.features[17, 3] ^= 1
        support.write_rows_idx(self.folder, "train", self.train)
        for ranks in (1, 3):
            ended = self.resume("--set", "run.iterations=30", ranks=ranks, code=3)
            self.assertIn("fingerprint", ended.err)
        self.assertEqual((self.out / "config.toml").read_text(), before)

    def test_moved_data(self):
        self.run_ok("run", run__iterations=20)
        moved = self.folder / "elsewhere"
        moved.mkdir()
        keys = support.write_rows_idx(moved, "train", self.train, suffix="")
        for path in self.folder.glob("train-*"):
            path.unlink()
        self.resume("--set", "run.iterations=60", code=3)
        self.resume("--set", "run.iterations=60", *[w for key, path in keys.items() for w in ("--set", f"{key}={path}")])
        support.write_rows_idx(self.folder, "train", self.train)
        self.assert_same_state(self.run_ok("whole"), self.out)

    def test_no_checkpoint(self):
        self.out.mkdir()
        for ranks in (1, 3):
            self.resume(ranks=ranks, code=5)
        self.run_ok("run", run__iterations=20)
        for path in support.checkpoints(self.out):
            path.unlink()
        self.resume("--set", "run.iterations=30", code=5)

    def test_fewer_iterations_than_done(self):
        self.run_ok("run", run__iterations=20)
        ended = support.run("resume", self.out, "--set", "run.iterations=11")
        self.assertIn(ended.code, (0, 2))  # finished already, or refused: but never back
        self.assertEqual(support.read_attribute(self.out / "result.h5", "iteration"), 20)

    # ---- damaged ----

    def damage(self, path, how):
        data = bytearray(path.read_bytes())
        if how == "flipped":
            data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
        elif how == "truncated":
            del data[self.random.randrange(len(data)):]
        elif how == "emptied":
            data.clear()
        else:
            data += b"\0"
        path.write_bytes(data)

    def test_damaged_checkpoint(self):
        whole = self.run_ok("whole")
        half = self.run_ok("half", run__iterations=30)
        # 24 bytes of the 512 in front of the HDF5 file are in use; a bit flipped in the others is no damage
        for how, ranks in (("flipped", 1), ("flipped", 1), ("flipped", 3), ("truncated", 1), ("truncated", 3), ("emptied", 1), ("longer", 1)):
            with self.subTest(how=how, ranks=ranks):
                shutil.rmtree(self.out, ignore_errors=True)
                shutil.copytree(half, self.out, symlinks=True)
                newest = support.checkpoints(self.out)[-1]
                original = newest.read_bytes()
                self.damage(newest, how)
                in_use = newest.read_bytes()[:24] + newest.read_bytes()[512:] != original[:24] + original[512:]
                ended = self.resume("--set", "run.iterations=60", ranks=ranks)
                self.assertEqual("older checkpoint" in ended.err, in_use, ended.err)
                self.assert_same_state(whole, self.out)
                self.assert_each_iteration_once(60)

    def test_all_checkpoints_damaged(self):
        half = self.run_ok("half", run__iterations=30)
        for ranks in (1, 3):
            for verb, code in (("resume", 5), ("run", 0)):
                with self.subTest(ranks=ranks, verb=verb):
                    shutil.rmtree(self.out, ignore_errors=True)
                    shutil.copytree(half, self.out, symlinks=True)
                    (self.out / "result.h5").unlink()
                    for path in support.checkpoints(self.out):
                        self.damage(path, "truncated")
                    target = [self.out] if verb == "resume" else [self.folder / "half.toml", "--out", self.out]
                    ended = support.run(verb, *target, ranks=ranks, timeout_s=20)
                    self.assertEqual(ended.code, code, ended.err)
                    if verb == "run":
                        self.assert_same_state(half, self.out)
                        self.assert_each_iteration_once(30)

    def test_torn_metrics(self):
        self.run_ok("run", run__iterations=30)
        with open(self.out / "metrics.jsonl", "a", encoding="utf-8") as file:
            file.write('{"iteration": 40, "upper_value": 1.0}\n{"iteration": 50, "upp')
        self.resume("--set", "run.iterations=60")
        self.assert_each_iteration_once(60)
        whole = self.run_ok("whole")
        self.assertEqual([support.without_timings(line) for line in support.read_metrics(whole)],
                         [support.without_timings(line) for line in support.read_metrics(self.out)])

    # ---- changed on resume ----

    def test_checkpoints_kept(self):
        for keep in (2, 4):
            out = self.run_ok(f"keep-{keep}", checkpoint__keep=keep, ranks=2)
            self.assertEqual([p.name for p in support.checkpoints(out)], [f"checkpoint-{k:08}.h5" for k in range(70 - 10 * keep, 61, 10)])
            self.assertEqual(os.readlink(out / "latest.h5"), "checkpoint-00000060.h5")
            self.assert_same_state(out / "latest.h5", out / "result.h5")
            self.assertEqual(list(out.glob("*.part")), [])

    def test_checkpoint_at_the_end_only(self):
        out = self.run_ok("once", checkpoint__every=0)
        self.assertEqual([p.name for p in support.checkpoints(out)], ["checkpoint-00000060.h5"])

    def test_placement_changes(self):
        whole = self.run_ok("whole")
        self.run_ok("run", ranks=3, run__iterations=20, comm__placement="root")
        self.resume("--set", "comm.placement=sharded", "--set", "run.iterations=40", ranks=2)
        self.resume("--set", "comm.placement=root", "--set", "run.iterations=60", "--set", "run.report_every=5", ranks=5)
        self.assert_same_state(whole, self.out)
        config = (self.out / "config.toml").read_text()
        self.assertIn('placement = "root"', config)
        self.assertIn("report_every = 5", config)

    def test_written_config_runs_again(self):
        self.run_ok("run")
        again = self.folder / "again"
        ended = support.run("run", self.out / "config.toml", "--out", again, cwd="/")
        self.assertEqual(ended.code, 0, ended.err)
        self.assert_same_state(self.out, again)
        self.assertEqual((self.out / "config.toml").read_text(), (again / "config.toml").read_text())

    def test_initial_state(self):
        first = self.run_ok("first", run__iterations=20)
        began = self.run_ok("began", run__iterations=0, run__initial_state=first / "result.h5")
        for name in ("x", "y", "theta"):
            self.assertEqual(support.read_state(first)[name].tobytes(), support.read_state(began)[name].tobytes(), name)
        whole = self.run_ok("whole", run__initial_state=first / "result.h5", ranks=3)
        self.run_ok("run", run__initial_state=first / "result.h5", run__iterations=13)
        shutil.rmtree(first)
        self.resume("--set", "run.iterations=60", ranks=2)
        self.assert_same_state(whole, self.out)


if __name__ == "__main__":
    support.main()
