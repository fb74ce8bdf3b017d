# SPDX-License-Identifier: MIT
"""What a run says of labels, begun with models of them (the default): the same bits on any number of ranks, from disk and
after a kill; the table of samples; without trusted rows; directories of runs that began before there were such models."""
import csv
import ctypes
import json
import os
import re
import signal

import h5py
import numpy as np

import support

CLASS_NAMES = ["cat", "dog", "a, \"b\"", "emu"]


def contents(path):
    """All of a run's result but times: the bits of each array, and the texts."""
    path = path / "result.h5" if path.is_dir() else path
    found = {}
    with h5py.File(path, "r") as file:
        for group in ("state", "noise", "model"):
            for name, dataset in file.get(group, {}).items():
                found[f"{group}/{name}"] = dataset[()].tobytes()
            for name, text in file[group].attrs.items() if group in file and group != "state" else ():
                found[f"{group}: {name}"] = text
    return found


def metrics_of(out):
    """Of the last report, without times."""
    return support.without_timings(support.read_metrics(out)[-1])


class AnswerCase(support.RestartCase):
    n_train, n_validation, n_test = 400, 60, 80
    n_features = 20

    def setUp(self):
        super().setUp()
        for key in [key for key in self.base if key.startswith(("problem.data.", "problem.start", "problem.refit"))]:
            del self.base[key]
        self.base |= {"problem.model": "linear", "run.iterations": 6, "run.report_every": 3, "checkpoint.every": 2, "algorithm.batch_lower": 0,
                      "problem.regularisation": 0.0, "problem.data.format": "hdf5", "problem.data.shuffle": False}
        for part in ("train", "validation", "test"):
            path = self.folder / f"{part}.h5"
            support.write_rows_hdf5(path, getattr(self, part), truth=True, class_names=CLASS_NAMES)
            self.base[f"problem.data.{part}_features"] = str(path)

    def forget_trusted_rows(self):
        del self.base["problem.data.validation_features"]

    def export(self, out, *more, ranks=1):
        ended = support.run("export", out, "--what", "samples", "--out", self.folder / "some.csv", *more, ranks=ranks)
        self.assertEqual(ended.code, 0, ended.err)
        return (self.folder / "some.csv").read_bytes()

    def table(self, out, *more):
        return list(csv.DictReader(self.export(out, *more).decode().splitlines()))

    def assert_same_answer(self, a, b, message=""):
        first, second = contents(a), contents(b)
        self.assertEqual(first.keys(), second.keys(), message)
        self.assertEqual([name for name in first if first[name] != second[name]], [], message)
        self.assertEqual(metrics_of(a), metrics_of(b), message)
        self.assertEqual(self.export(a), self.export(b), message)

    def kill_and_resume(self, ranks, **settings):
        job = self.begin(ranks[0], **settings)
        support.kill_ranks(job)
        support.finish(job)
        n = self.newest_iteration() + 3
        self.resume("--set", f"run.iterations={n}", ranks=ranks[1])
        whole = self.run_ok("whole", ranks=ranks[2], run__iterations=n, **settings)
        self.assert_same_answer(whole, self.out, f"{n} iterations")


class RanksTest(AnswerCase):
    def check(self, ranks, **settings):
        alone = self.run_ok("1", **settings)
        self.assertIn("state/label_models", contents(alone))
        for n, placement in ranks:
            with self.subTest(ranks=n, placement=placement):
                balance = ":".join(["4", "1", "2", "0"][rank % 4] for rank in range(n))
                together = self.run_ok(f"{n}-{placement}", ranks=n, comm__placement=placement, comm__balance=balance, **settings)
                self.assert_same_answer(alone, together)
                self.assertEqual([line["iteration"] for line in support.read_metrics(together)], [0, 3, 6])
        return alone

    def test_trusted_rows(self):
        out = self.check([(2, "sharded"), (3, "root"), (5, "sharded")])
        metrics = metrics_of(out)
        for name in ("noise_rate", "detection_auroc", "detection_f1", "calibration_error", "refit_kept", "refit_soft", "refit_validation",
                     "refit_corrupted", "refit_clean", "model_accuracy", "trusted_detection_f1", "trusted_noise_rate", "start_row_visits"):
            self.assertIn(name, metrics)
        self.assertGreater(metrics["detection_auroc"], 0.95)
        self.assertGreater(metrics["model_accuracy"], 0.9)
        self.assertLess(metrics["trusted_noise_rate"], 0.1)
        whole = self.export(out)
        for n in (2, 3):
            self.assertEqual(self.export(out, ranks=n), whole)

    def test_hidden_layers(self):
        self.check([(3, "sharded")], problem__model="mlp", problem__hidden=[8])

    def test_no_trusted_rows(self):
        self.forget_trusted_rows()
        self.check([(3, "sharded"), (2, "root")])


class NoTrustedRowsTest(AnswerCase):
    n_features = 100

    def setUp(self):
        super().setUp()
        self.forget_trusted_rows()

    def test_says_that_nothing_was_verified(self):
        config = self.config()
        ended = support.run("run", config, "--out", self.out)
        self.assertEqual(ended.code, 0, ended.err)
        self.assertIn("no row was trusted", ended.out)
        self.assertIn("nothing was verified", ended.out)
        wrong = np.mean(self.train.labels != self.train.truth)
        metrics = metrics_of(self.out)
        self.assertLess(abs(metrics["noise_rate"] - wrong), 0.1)
        self.assertGreater(metrics["detection_auroc"], 0.9)
        for name in ("trusted_noise_rate", "trusted_detection_f1", "refit_validation"):
            self.assertNotIn(name, metrics)
        self.assertIn("no row was trusted", support.run("inspect", self.out).out)
        again = support.run("run", config, "--out", self.out)
        self.assertIn("finished already", again.out)
        self.assertIn("no row was trusted", again.out)

    def test_check_and_plan(self):
        """They make passes over both levels before any row is trusted."""
        for verb in ("check", "plan"):
            ended = support.run(verb, self.config())
            self.assertEqual(ended.code, 0, f"{verb}: {ended.err}")

    def test_a_certificate_is_of_the_same_upper_level(self):
        """F is of the surest rows, which the certificate must find again."""
        out = self.run_ok("run")
        for ranks in (1, 3):
            ended = support.run("check", "--solution", out, "--iterations", 50, ranks=ranks)
            self.assertEqual(ended.code, 0, ended.err)
            certified = float(re.search(r"^upper_value +(\S+)", ended.out, re.MULTILINE)[1])
            self.assertAlmostEqual(certified, metrics_of(out)["upper_value"], delta=1e-4 * certified)  # float32 rows

    def test_split_off_the_training_file(self):
        out = self.run_ok("run", problem__data__n_train=300, problem__data__n_validation=0, problem__data__shuffle=True)
        self.assertEqual(len(self.table(out)), 300)

    def test_killed(self):
        self.kill_and_resume((2, 1, 3))

    def test_start_at_zero_is_refused(self):
        for ranks in (1, 2):
            ended = support.run("run", self.config(problem__start="zero"), "--out", self.out, ranks=ranks)
            self.assertEqual(ended.code, 2, ended.err)
            self.assertIn("validation", ended.err)


class ModelTest(AnswerCase):
    n_train, n_features = 1500, 4

    def setUp(self):
        super().setUp()
        del self.base["problem.model"]

    def make(self, classes_of):
        draw = np.random.default_rng(1)  # of rings as few as these some draws are learnt badly (tests/bench/quality.md)
        for part in ("train", "validation", "test"):
            rows = getattr(self, part)
            rows.features = draw.normal(size=(len(rows.labels), 4)).astype(np.float32)
            rows.truth = classes_of(rows.features)
            wrong = draw.random(len(rows.labels)) < (0.2 if part == "train" else 0)
            rows.labels = np.where(wrong, (rows.truth + 1) % 4, rows.truth)
            support.write_rows_hdf5(self.base[f"problem.data.{part}_features"], rows, truth=True, class_names=CLASS_NAMES)

    def make_rings(self):
        """Classes are rings around the origin, which no linear model tells apart."""
        self.make(lambda features: np.searchsorted([2, 4, 7], np.sum(features ** 2, axis=1)))

    def chosen(self, out):
        return re.search(r'^model = "(.*)"', (out / "config.toml").read_text(), re.MULTILINE)[1]

    def test_a_perceptron_where_it_predicts_better(self):
        self.make_rings()
        out = self.run_ok("auto")
        self.assertEqual(self.chosen(out), "mlp")
        self.assertIn("problem.model: mlp", (out / "run.log").read_text())
        self.assertGreater(metrics_of(out)["detection_auroc"], 0.9)
        named = self.run_ok("named", problem__model="mlp")
        self.assertEqual(self.export(out), self.export(named))
        first, second = contents(out), contents(named)
        self.assertEqual([name for name in first if first[name] != second[name]], ["state/label_noise"])  # has the visits
        self.assertGreater(metrics_of(out)["start_row_visits"], metrics_of(named)["start_row_visits"])
        self.assert_same_answer(out, self.run_ok("auto3", ranks=3))
        self.assertIn("finished already", support.run("run", self.config("auto"), "--out", out).out)
        ended = support.run("run", self.config("auto", problem__model="linear"), "--out", out)
        self.assertEqual(ended.code, 2, ended.err)
        self.assertIn('problem.model: "mlp" there, "linear" here', ended.err)
        ended = support.run("plan", self.config())
        self.assertEqual(ended.code, 0, ended.err)
        self.assertIn('the figures are for "mlp"', ended.out)

    def test_killed(self):
        self.make_rings()
        self.kill_and_resume((1, 3, 2))

    def test_linear_where_that_is_as_good_or_the_start_is_zero(self):
        gumbel = np.random.default_rng(7).gumbel
        self.make(lambda features: np.argmax(features + gumbel(size=features.shape), axis=1))
        self.assertEqual(self.chosen(self.run_ok("auto")), "linear")
        self.make_rings()
        self.assertEqual(self.chosen(self.run_ok("zero", problem__start="zero")), "linear")
        self.assertEqual(self.chosen(self.run_ok("large", problem__hidden=[1000, 1100])), "linear")


class WarningsTest(AnswerCase):
    def said(self, name, **settings):
        out = self.run_ok(name, **settings)
        with self.subTest("what the run says at its end, inspect says too"):
            text = support.run("inspect", out).out
            self.assertEqual(re.findall("warning: .*", text), re.findall("warning: .*", (out / "run.log").read_text()))
        return text

    def test_trusted_rows_are_too_few_for_the_parameters(self):
        self.assertNotIn("fits the trusted rows better", self.said("many"))
        draw = np.random.default_rng(3)
        for part in ("train", "validation", "test"):  # features that tell nothing: trusted rows can only be learnt by heart
            rows = getattr(self, part)
            rows.features = draw.integers(0, 256, rows.features.shape).astype(np.uint8)
            support.write_rows_hdf5(self.base[f"problem.data.{part}_features"], rows, truth=True, class_names=CLASS_NAMES)
        self.assertIn("fits the trusted rows better", self.said("few", algorithm__penalty__c=0.02, algorithm__penalty__p=0, algorithm__beta=0.01,
                                                                algorithm__eta=0.05, run__iterations=600, problem__data__n_validation=12))

    def test_x_still_moves(self):
        self.assertIn("warning: x still moves", self.said("far", problem__start="zero", run__iterations=30, algorithm__alpha=0.5))
        self.assertNotIn("warning: x still moves", self.said("near", problem__start="zero", run__iterations=30))


class RestartTest(AnswerCase):
    def test_killed(self):
        self.kill_and_resume((1, 3, 2))

    def test_stopped_while_it_starts(self):
        """No rank has begun anything: the same command starts anew."""
        config = self.config(problem__model="mlp", problem__hidden=[300])
        job = support.start("run", config, "--out", self.out)
        self.addCleanup(self.end, job)
        support.wait_for(lambda: self.out.exists() or job.poll() is not None, what="directory")
        os.kill(job.pid, signal.SIGTERM)
        ended = support.finish(job)
        if not support.checkpoints(self.out):
            self.assertEqual(ended.code, 75, ended.err)
            self.assertRegex(ended.err, "nothing was begun|before there was anything to save")
        small = self.config()
        ended = support.run("run", small, "--out", self.folder / "other", "--set", "run.time_limit_s=0.000001")
        self.assertEqual(ended.code, 75, ended.err)
        ended = support.run("run", small, "--out", self.folder / "other")
        self.assertEqual(ended.code, 0, ended.err)
        self.assert_same_answer(self.folder / "other", self.run_ok("whole"))

    def test_another_problem_runs_again_with_its_config(self):
        """The default start means nothing to it, and must not become another one."""
        settings = {"problem__type": "regularisation", "problem__penalty": "l2", "problem__x_max": 2.0}
        job = self.begin(**settings)
        for _ in range(2):
            support.kill_ranks(job)
            support.finish(job)
            killed_at = self.newest_iteration()
            job = support.start("run", self.folder / "endless.toml", "--out", self.out)
            self.addCleanup(self.end, job)
            support.wait_for(lambda: self.newest_iteration() > killed_at or job.poll() is not None, what="a later checkpoint")
            self.assertIsNone(job.poll(), support.finish(job).err if job.poll() is not None else "")

    # ---- directories of before ----

    def forget_start(self, out):
        """As if written by a program that knew no problem.start."""
        def without(text):
            return "".join(line for line in text.splitlines(True) if not line.startswith("start ="))
        hashing = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
        hashing.restype, hashing.argtypes = ctypes.c_uint64, [ctypes.c_char_p, ctypes.c_size_t]
        config = out / "config.toml"
        self.assertIn("start =", config.read_text())
        config.write_text(without(config.read_text()))
        for path in support.state_files(out):
            with h5py.File(path, "r+") as file:
                kind = file.attrs.get_id("config").dtype
                text = without(file.attrs["config"])
                length = h5py.check_string_dtype(kind).length
                file.attrs.create("config", text, dtype=kind if length is None else h5py.string_dtype("utf-8", len(text.encode())))
            data = bytearray(path.read_bytes())
            body = bytes(data[512:])
            data[8:24] = len(body).to_bytes(8, "little") + hashing(body, len(body)).to_bytes(8, "little")
            path.write_bytes(data)

    def test_of_a_run_of_before(self):
        self.run_ok("run", problem__start="zero")
        table = self.export(self.out)
        self.forget_start(self.out)
        whole = self.run_ok("whole", problem__start="zero", run__iterations=12)
        self.assertEqual(support.run("verify", self.out).code, 0)
        self.resume("--set", "run.iterations=12", ranks=3)
        self.assert_same_state(whole, self.out)
        self.assertEqual(metrics_of(whole), metrics_of(self.out))
        before = self.run_ok("before", problem__start="zero")
        self.forget_start(before)
        self.assertEqual(self.export(before), table)

    def test_a_run_of_before_runs_again_with_its_config(self):
        self.run_ok("run", problem__start="zero", run__iterations=4)
        self.forget_start(self.out)
        self.resume("--set", "run.iterations=6")
        for _ in range(2):
            ended = support.run("run", self.config("run"), "--out", self.out)
            self.assertEqual(ended.code, 0, ended.err)


class StreamingTest(AnswerCase):
    n_train, n_features = 12000, 100  # above 1 MiB

    def test_the_bits_of_rows_in_memory(self):
        for part in ("train", "validation", "test"):
            files = support.write_rows_idx(self.folder, part, getattr(self, part), suffix="")
            ended = support.run("data", "import", "--format", "idx", files[f"problem.data.{part}_features"], "--labels",
                                files[f"problem.data.{part}_labels"], "--out", self.folder / f"{part}-blocks.h5", "--block-rows", 512)
            self.assertEqual(ended.code, 0, ended.err)
            self.base[f"problem.data.{part}_features"] = str(self.folder / f"{part}-blocks.h5")
        settings = {"run__block_rows": 512, "run__iterations": 2, "run__report_every": 2, "problem__refit": False}
        here = self.run_ok("here", ranks=2, **settings)
        self.assertIn("rows: in memory", (here / "run.log").read_text())
        there = self.run_ok("there", problem__data__memory=1, **settings)
        self.assertIn("rows are read from disk in every pass", (there / "run.log").read_text())
        self.assert_same_answer(here, there)


class SamplesTest(AnswerCase):
    def number(self, table, column):
        return np.array([float(line[column]) for line in table])

    def check_table(self, table, n):
        self.assertEqual(list(table[0]), ["row", "source_row", "given_label", "given_name", "weight", "p_correct", "suspicion_rank", "is_suspect",
                                          "suggested_label", "suggested_name", "p_suggested", "true_label", "true_name", "is_clean"])
        self.assertEqual(len(table), n)
        p, rows = self.number(table, "p_correct"), self.number(table, "row")
        self.assertEqual(list(self.number(table, "suspicion_rank")), list(range(1, n + 1)))
        self.assertEqual(sorted(zip(p, rows)), list(zip(p, rows)), "the least sure first, ties by row")
        self.assertTrue(((p >= 0) & (p <= 1)).all())
        for line in table:
            suspect = float(line["p_correct"]) < 0.5
            self.assertEqual(line["is_suspect"], "1" if suspect else "0")
            self.assertEqual(line["suggested_label"] != line["given_label"], suspect)
            for kind in ("given", "suggested", "true"):
                self.assertEqual(line[f"{kind}_name"], CLASS_NAMES[int(line[f"{kind}_label"])])
            row = int(line["row"])
            self.assertEqual(int(line["given_label"]), self.train.labels[row])
            self.assertEqual(int(line["true_label"]), self.train.truth[row])
            self.assertEqual(line["is_clean"] == "1", line["given_label"] == line["true_label"])
            p_suggested, p_correct = float(line["p_suggested"]), float(line["p_correct"])
            self.assertLessEqual(p_suggested, (1 - p_correct if suspect else 1) + 1e-6)
            if not suspect:
                self.assertAlmostEqual(p_suggested, p_correct, delta=1e-6)

    def test_the_table(self):
        out = self.run_ok("run", ranks=2)
        shown = support.run("export", out, "--what", "samples")
        self.assertEqual(shown.code, 0, shown.err)
        table = self.table(out)
        self.check_table(table, self.n_train)
        state = support.read_state(out)
        weights = self.number(table, "weight")
        rows = self.number(table, "row").astype(int)
        np.testing.assert_allclose(weights, 1 / (1 + np.exp(-state["x"][rows])), rtol=1e-12)
        suspects = [line for line in table if line["is_suspect"] == "1"]
        right = [line["suggested_label"] == line["true_label"] for line in suspects]
        self.assertGreater(np.mean(right), 0.85)

        metrics = metrics_of(out)
        p, clean = self.number(table, "p_correct"), self.number(table, "is_clean") == 1
        self.assertAlmostEqual(metrics["noise_rate"], np.mean(1 - p), delta=1e-9)
        self.assertAlmostEqual(metrics["detection_precision"], np.mean(~clean[p < 0.5]), delta=1e-9)
        self.assertAlmostEqual(metrics["detection_recall"], np.mean(p[~clean] < 0.5), delta=1e-9)
        pairs = (p[~clean][:, None] < p[clean]) + 0.5 * (p[~clean][:, None] == p[clean])
        self.assertAlmostEqual(metrics["detection_auroc"], pairs.mean(), delta=1e-3)

    def test_some_of_it(self):
        out = self.run_ok("run")
        whole = self.export(out).splitlines(keepends=True)
        p = [float(line["p_correct"]) for line in self.table(out)]
        n_below = sum(value < 0.3 for value in p)
        self.assertGreater(n_below, 10)
        for ranks in (1, 3):
            self.assertEqual(self.export(out, "--top", 7, ranks=ranks), b"".join(whole[:8]))
            self.assertEqual(self.export(out, "--below", 0.3, ranks=ranks), b"".join(whole[:1 + n_below]))
            self.assertEqual(self.export(out, "--below", 0.3, "--top", 7, ranks=ranks), b"".join(whole[:8]))
        self.assertEqual(self.export(out, "--below", 0), whole[0])

    def test_from_a_checkpoint(self):
        """The models are those of the start: what they say does not change on the way, the weights do."""
        out = self.run_ok("run")
        table = self.table(out)
        newest = support.checkpoints(out)[-1]
        for name, values in support.read_state(newest).items():
            self.assertEqual(values.tobytes(), support.read_state(out)[name].tobytes(), name)
        (out / "result.h5").unlink()
        self.assertEqual(self.table(out), table)
        newest.unlink()
        (out / "latest.h5").unlink(missing_ok=True)
        older = self.table(out)
        self.check_table(older, self.n_train)
        self.assertNotEqual([line["weight"] for line in older], [line["weight"] for line in table])
        for line in (*older, *table):
            del line["weight"]
        self.assertEqual(older, table)

    def test_inspect_says_what_is_taken_for_what(self):
        out = self.run_ok("run")
        with h5py.File(out / "result.h5", "r") as file:
            transition = file["noise/transition"][()]
        np.testing.assert_allclose(transition.sum(axis=1), 1, atol=1e-12)
        shown = support.run("inspect", out).out
        for path in (out, out / "result.h5"):
            self.assertIn("largest confusions:", support.run("inspect", path).out)
        np.fill_diagonal(transition, 0)
        k, g = np.unravel_index(transition.argmax(), transition.shape)
        share = transition[k, g] * 100
        self.assertTrue(any(f"{CLASS_NAMES[k]} is given as {CLASS_NAMES[g]} in {percent} % of its rows" in shown
                            for percent in (int(share), int(share) + 1)), shown)
        self.assertEqual(json.loads(support.run("inspect", out, "--json").out)["metrics"]["noise_rate"], metrics_of(out)["noise_rate"])


if __name__ == "__main__":
    support.main()
