# SPDX-License-Identifier: MIT
"""Run again, resumed with other options, on damaged files: the same bits, or a clear refusal.
By hand: tests/system/resume_test.py PROGRAM SOURCE_FOLDER --damages 200 ResumeTest.test_damaged_checkpoint"""
import json
import os
import shutil
import signal
import time

import support

STOPPED = 75
DAMAGES = support.option("--damages", 7)


class ResumeTest(support.RestartCase):
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
        job = self.begin()
        support.kill_ranks(job)
        support.finish(job)
        killed_at = self.newest_iteration()
        again = support.start("run", self.folder / "endless.toml", "--out", self.out)
        self.addCleanup(self.end, again)
        support.wait_for(lambda: self.newest_iteration() > killed_at, what="a later checkpoint")
        os.kill(again.pid, signal.SIGTERM)
        ended = support.finish(again)
        self.assertEqual(ended.code, STOPPED, ended.err)
        self.assertIn("going on from iteration", ended.out)
        self.assert_same_state(self.run_ok("whole", run__iterations=self.newest_iteration()), self.out)

    def test_int16(self):
        self.check_precision("int16")

    @support.NEEDS_BFLOAT16
    def test_bfloat16(self):
        self.check_precision("bfloat16")
        self.assertEqual(support.read_attribute(self.out / "result.h5", "simd"), "avx512 BF16")

    def check_precision(self, precision):
        settings = {"run__precision": precision, "problem__model": "mlp", "problem__hidden": [10]}
        job = self.begin(**settings)
        support.kill_ranks(job)
        support.finish(job)
        n = self.newest_iteration() + 7
        self.resume("--set", f"run.iterations={n}", ranks=3)
        self.assert_same_state(self.run_ok("whole", ranks=2, run__iterations=n, **settings), self.out)

    def test_shared_x(self):
        for penalty in ("l2", "l1", "group"):
            with self.subTest(penalty=penalty):
                settings = {"problem__type": "regularisation", "problem__penalty": penalty, "problem__x_start": 0.01,
                            "problem__x_max": 2.0}
                parts = self.run_ok(f"parts-{penalty}", run__iterations=17, **settings)
                self.resume("--set", "run.iterations=60", ranks=3, out=parts)
                self.assert_same_state(self.run_ok(f"whole-{penalty}", ranks=2, **settings), parts)

    def test_best_state(self):
        held_out = {"problem__data__n_holdout": 30, "run__report_every": 4, "algorithm__beta": 2.0, "algorithm__eta": 2.0}
        whole = self.run_ok("whole", ranks=2, **held_out)
        reports = support.read_metrics(whole)
        best = min((r for r in reports if r["iteration"] % 4 == 0), key=lambda r: (r["holdout_value"], r["iteration"]))
        self.assertLess(best["iteration"], 60)
        self.assertEqual(support.read_attribute(whole / "result.h5", "solution_iteration"), best["iteration"])
        self.assertEqual(support.read_attribute(whole / "result.h5", "iteration"), 60)
        shown = json.loads(support.run("inspect", whole, "--json").out)
        self.assertEqual(shown["iterations"], 60)
        for name, value in support.without_timings(best).items():
            self.assertEqual(shown["metrics"][name], value, name)

        until_best = self.run_ok("until-best", **held_out | {"run__iterations": best["iteration"]})
        self.assert_same_state(whole, until_best)
        self.assertEqual(sorted(support.read_state(whole)), ["theta", "x", "y"])
        newest = support.read_state(support.checkpoints(whole)[-1])
        for name in ("x", "y", "theta"):
            self.assertEqual(newest[f"best_{name}"].tobytes(), support.read_state(whole)[name].tobytes(), name)
            self.assertNotEqual(newest[name].tobytes(), newest[f"best_{name}"].tobytes(), name)

        self.run_ok("run", run__iterations=17, **{k: v for k, v in held_out.items()})
        self.resume("--set", "run.iterations=60", ranks=3)
        self.assert_same_state(whole, self.out)
        self.assert_same_state(support.checkpoints(whole)[-1], support.checkpoints(self.out)[-1])
        (whole / "result.h5").unlink()
        for out in (whole, self.out):
            support.run("export", out, "--what", "samples")
        self.assertEqual((whole / "samples.csv").read_text(), (self.out / "samples.csv").read_text())

    def test_hyper_representation(self):
        settings = {"problem__type": "hyper_representation", "problem__hidden": [9, 6], "problem__n_tasks": 7,
                    "problem__n_ways": 2, "problem__n_shots": 2, "problem__n_queries": 3, "problem__held_out_classes": [1, 3],
                    "problem__n_evaluation_tasks": 5, "run__block_rows": 2, "algorithm__batch_lower": 4,
                    "algorithm__beta": {"per_row": 0.3}, "algorithm__eta": {"per_row": 0.3},
                    "without": [f"problem.data.test_{what}" for what in ("features", "labels")]}
        parts = self.run_ok("parts", run__iterations=17, **settings)
        self.resume("--set", "run.iterations=60", ranks=3, out=parts)
        whole = self.run_ok("whole", ranks=2, **settings)
        self.assert_same_state(whole, parts)
        self.assertEqual([line for line in map(support.without_timings, support.read_metrics(parts)) if line["iteration"] != 17],
                         [support.without_timings(line) for line in support.read_metrics(whole)])

    def test_sparse_rows(self):
        self.use_sparse_rows()
        for problem in ("hyper_cleaning", "regularisation"):
            with self.subTest(problem=problem):
                settings = {"problem__type": problem} | ({"problem__x_max": 2.0} if problem == "regularisation" else {})
                parts = self.run_ok(f"parts-{problem}", run__iterations=23, **settings)
                self.resume("--set", "run.iterations=60", ranks=3, out=parts)
                self.assert_same_state(self.run_ok(f"whole-{problem}", ranks=2, **settings), parts)

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

    def test_run_again_after_a_stop_rule(self):
        config = self.config(run__stop_residual=1e9)
        for _ in range(2):
            ended = support.run("run", config, "--out", self.out)
            self.assertEqual(ended.code, 0, ended.err)
            self.assertEqual(ended.out.splitlines()[-1].split(":")[0], "converged")
        self.assertIn("finished already", ended.out)

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
        ways = [("flipped", 1), ("flipped", 1), ("flipped", 3), ("truncated", 1), ("truncated", 3), ("emptied", 1), ("longer", 1)]
        ways += [(self.random.choice(("flipped", "truncated")), 1) for _ in range(DAMAGES - len(ways))]
        for how, ranks in ways:
            with self.subTest(how=how, ranks=ranks):
                shutil.rmtree(self.out, ignore_errors=True)
                shutil.copytree(half, self.out, symlinks=True)
                newest = support.checkpoints(self.out)[-1]
                self.damage(newest, how)
                ended = self.resume("--set", "run.iterations=60", ranks=ranks)
                self.assertIn("set aside, falling back to an older checkpoint", ended.err)
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
                    ended = support.run(verb, *target, ranks=ranks)
                    self.assertEqual(ended.code, code, ended.err)
                    if verb == "run":
                        self.assert_same_state(half, self.out)
                        self.assert_each_iteration_once(30)

    def test_checkpoints_that_cannot_be_read(self):
        whole = self.run_ok("whole")
        self.run_ok("run", run__iterations=30)
        (self.out / "result.h5").unlink()

        def hide(path):
            path.rename(path.with_suffix(".hidden"))
            path.symlink_to(path.name)
        newest, older = reversed(support.checkpoints(self.out))
        for path in (newest, older):
            hide(path)
        for ranks in (1, 3):  # to begin anew would be to overwrite them
            for ended in (self.resume(ranks=ranks, code=5), support.run("run", self.folder / "run.toml", "--out", self.out, ranks=ranks)):
                self.assertEqual(ended.code, 5, ended.err)
                self.assertIn("cannot be read: Too many levels of symbolic links", ended.err)
                self.assertEqual(sorted(path.name for path in self.out.glob("checkpoint*.h5")), [older.name, newest.name])
        older.unlink()
        older.with_suffix(".hidden").rename(older)
        ended = self.resume("--set", "run.iterations=60")
        self.assertIn("cannot be read: Too many levels of symbolic links; falling back to an older checkpoint", ended.err)
        self.assert_same_state(whole, self.out)

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

    def test_passes_count_as_iterations(self):
        """200 training rows are 7 blocks, of which an iteration takes 3: a pass is 3 iterations."""
        eta = {"a": 0.05, "b": 1.0, "power": -0.5}
        whole = self.run_ok("whole", run__iterations=12, run__report_every=3, algorithm__eta=eta | {"unit": "pass"})
        self.run_ok("run", ranks=2, run__iterations="2 passes", run__report_every="1 pass", checkpoint__every="1 pass",
                    algorithm__eta=eta | {"unit": "pass"})
        self.assertEqual([line["iteration"] for line in support.read_metrics(self.out)], [0, 3, 6])
        self.assertEqual([path.name for path in support.checkpoints(self.out)], ["checkpoint-00000003.h5", "checkpoint-00000006.h5"])
        self.assertIn("finished already", support.run("resume", self.out).out)
        self.resume("--set", "run.iterations=1 pass", code=2)
        self.resume("--set", "run.iterations=4 passes")
        self.assert_same_state(whole, self.out)
        self.assertEqual(support.different_fields(support.read_state(whole), support.read_state(
            self.run_ok("other", run__iterations=12, algorithm__eta=eta)))[0], "theta")

    def test_rows_of_a_slow_rank_are_dealt_out_anew(self):
        """One rank is stopped for most of the time, until the other one has more rows."""
        settings = {"run__report_every": 1000000, "checkpoint__every": 100, "algorithm__batch_lower": 0,
                    "problem__model": "mlp", "problem__hidden": [200], "algorithm__beta": 0.01, "algorithm__eta": 0.01}
        job = self.begin(ranks=2, comm__balance="measured", **settings)
        slow = support.ranks_below(job)[-1]
        log = self.out / "run.log"
        end = time.monotonic() + 100
        while "rows by speed: rank" not in log.read_text() and job.poll() is None and time.monotonic() < end:
            for what, seconds in ((signal.SIGSTOP, 0.3), (signal.SIGCONT, 0.1)):
                os.kill(slow, what)
                time.sleep(seconds)
        self.assertIn("rows by speed: rank", log.read_text())
        self.assertIsNone(job.poll())
        (self.out / "STOP").touch()
        ended = support.finish(job)
        self.assertEqual(ended.code, STOPPED, ended.err)
        n = self.newest_iteration() + 7
        self.resume("--set", f"run.iterations={n}")
        self.assert_same_state(self.run_ok("whole", run__iterations=n, **settings), self.out, f"{n} iterations")

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
