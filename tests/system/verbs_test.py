# SPDX-License-Identifier: MIT
"""What the verbs print and export, against the files they come from; every data format; every config that we ship."""
import csv
import json
import os
import re

import h5py
import numpy as np

import support

CLASS_NAMES = ["round, red", "flat", "long \"thin\"", "odd"]


def number_of(cell):
    return float(cell) if cell else None


class VerbsTest(support.Case):
    def ran(self, *arguments, ranks=1):
        ended = support.run(*arguments, ranks=ranks)
        self.assertEqual(ended.code, 0, f"{ended.out}\n{ended.err}")
        return ended.out

    def assert_close(self, found, expected, tolerance=1e-14):
        self.assertLessEqual(abs(np.asarray(found) - np.asarray(expected)).max(), tolerance)

    # ---- inspect ----

    def test_processes_begin_at_once(self):
        config = self.config(run__iterations=1)
        for i in range(15):
            jobs = [support.start("run", config, "--out", self.folder / f"{i}-{j}") for j in range(8)]
            for job in jobs:
                ended = support.finish(job)
                self.assertEqual(ended.code, 0, ended.err)

    def test_runs(self):
        self.assertEqual(support.run("run", self.config(), "--out", self.folder / "all/größe").code, 0)
        job = support.start("run", self.config(run__iterations=10**8), "--out", self.folder / "all/now")
        self.addCleanup(support.kill_ranks, job)
        support.wait_for(lambda: (self.folder / "all/now/metrics.jsonl").exists(), what="a report")
        lines = support.run("runs", self.folder / "all").out.splitlines()
        self.assertEqual(lines[0].split(), ["run", "state", "iteration", "next"])
        self.assertRegex(lines[2], r"now +running +\d+/100000000 .*touch .*/now/STOP")
        self.assertRegex(lines[1], r"größe +finished +20/20 .*meha report '.*größe'$")
        self.assertEqual(len({line.index(word) for line, word in zip(lines, ("state", "finished", "running"))}), 1)
        support.kill_ranks(job)
        support.finish(job)
        self.assertRegex(support.run("runs", self.folder / "all").out, r"now +interrupted .*meha resume ")
        (self.folder / "none").mkdir()
        self.assertIn("no runs below", support.run("runs", self.folder / "none").out)
        self.assertIn("no such folder", support.run("runs", self.folder / "nowhere").err)

    def test_inspect_text(self):
        out = self.run_ok("run")
        text = self.ran("inspect", out)
        last = support.read_metrics(out)[-1]
        self.assertIn("finished", text.splitlines()[0])
        self.assertIn(f"{last['upper_value']:.6g}", text)
        self.assertIn("gamma = 10", text)

    def test_inspect_json(self):
        out = self.run_ok("run", algorithm__alpha={"a": 0.5, "b": 2.0, "power": -1.0}, problem__data__class_names=CLASS_NAMES)
        found = json.loads(self.ran("inspect", out, "--json"))
        self.assertEqual(sorted(found), ["config", "metrics", "status"])
        self.assertEqual(found["metrics"], support.read_metrics(out)[-1])
        self.assertEqual(found["status"], "finished")
        config = found["config"]
        self.assertEqual(config["run"]["iterations"], 20)
        self.assertEqual(config["algorithm"]["alpha"], {"a": 0.5, "b": 2.0, "power": -1.0})
        self.assertEqual(config["problem"]["data"]["class_names"], CLASS_NAMES)
        self.assertEqual(config["algorithm"]["penalty"], {"c": 0.5, "p": 0.25})

    def test_inspect_files(self):
        out = self.run_ok("run")
        for path in (out / "checkpoint-00000015.h5", out / "checkpoint-00000020.h5", out / "result.h5", out / "latest.h5"):
            with self.subTest(file=path.name):
                found = json.loads(self.ran("inspect", path, "--json"))
                self.assertEqual(found["status"], "finished" if path.name == "result.h5" else "running")
                self.assertIn(found["metrics"]["iteration"], (10, 20))
                self.assertIn("status", self.ran("inspect", path))

    def test_inspect_damaged_file(self):
        out = self.run_ok("run")
        path = out / "checkpoint-00000020.h5"
        path.write_bytes(path.read_bytes()[:-7])
        ended = support.run("inspect", path)
        self.assertEqual(ended.code, 5)
        self.assertIn("truncated", ended.err)

    def test_state_file_says_where_it_comes_from(self):
        out = self.run_ok("run", ranks=2)
        with h5py.File(out / "result.h5", "r") as file:
            for name in ("format", "iteration", "algorithm", "problem", "config", "ranks", "version", "git", "simd", "data_fingerprint"):
                self.assertIn(name, file.attrs)
            self.assertEqual(file["state/theta"].attrs["theta_index"], 21)
            self.assertEqual(list(file["history/iteration"]), [0, 10, 20])
            self.assertTrue(all(values.dtype == np.float64 for values in file["state"].values()))

    # ---- export ----

    def logits(self, y, features):
        n = self.n_classes * self.n_features
        return features.astype(float) / 255 @ y[:n].reshape(self.n_classes, -1).T + y[n:]

    def posteriors(self, result, y, features, given):
        """P(true class | features, given label) of each row, by y and the label noise in the result."""
        logits = self.logits(y, features)
        with h5py.File(result) as file:
            transition, temperature = file["noise/transition"][()], file["noise/temperature"][0]
        joint = np.exp((logits - logits.max(axis=1, keepdims=True)) / temperature) * transition[:, given].T
        return joint / joint.sum(axis=1, keepdims=True)

    def exported_samples(self, **settings):
        out = self.run_ok("run", problem__data__class_names=CLASS_NAMES, **settings)
        self.result = out / "result.h5"
        self.shown = self.ran("export", out, "--what", "samples", "--out", self.folder / "samples.csv")
        with open(self.folder / "samples.csv", newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file)), support.read_state(out)

    def test_export_samples(self):
        table, state = self.exported_samples(run__iterations=60)
        self.assertEqual(list(table[0]), ["row", "source_row", "given_label", "given_name", "weight", "p_correct", "suspicion_rank",
                                          "is_suspect", "suggested_label", "suggested_name", "p_suggested"])
        rows = np.array([int(line["row"]) for line in table])
        self.assertEqual(sorted(rows), list(range(self.n_train)))
        self.assertEqual([int(line["source_row"]) for line in table], list(rows))
        self.assertEqual([int(line["suspicion_rank"]) for line in table], list(range(1, self.n_train + 1)))
        weights = np.array([float(line["weight"]) for line in table])
        self.assert_close(weights, 1 / (1 + np.exp(-state["x"][rows])))
        p_correct = np.array([float(line["p_correct"]) for line in table])
        self.assertTrue((np.diff(p_correct) >= 0).all())
        given = self.train.labels[rows]
        self.assertEqual([int(line["given_label"]) for line in table], list(given))
        expected = self.posteriors(self.result, state["y"], self.train.features[rows], given)
        places = np.arange(self.n_train)
        np.testing.assert_allclose(p_correct, expected[places, given], rtol=1e-6)  # its sample of log q is float32
        suspect = expected[places, given] < 0.5
        self.assertEqual([line["is_suspect"] == "1" for line in table], list(suspect))
        expected[places[suspect], given[suspect]] = -1  # a suspect row's suggestion is another class
        self.assertEqual([int(line["suggested_label"]) for line in table], list(expected.argmax(axis=1)))
        for line in table:
            self.assertEqual(line["given_name"], CLASS_NAMES[int(line["given_label"])])
            self.assertEqual(line["suggested_name"], CLASS_NAMES[int(line["suggested_label"])])
        self.assertIn("most suspicious", self.shown)

    def test_wrong_labels_are_found(self):
        table, _ = self.exported_samples(run__iterations=200)
        wrong = self.train.labels != self.train.truth
        first = [int(line["row"]) for line in table[:wrong.sum()]]
        self.assertGreater(wrong[first].mean(), 0.9)
        right = [self.train.truth[int(line["row"])] == int(line["suggested_label"]) for line in table]
        self.assertGreater(np.mean(right), 0.9)

    def test_export_samples_of_known_truth(self):
        table, _ = self.exported_samples(problem__data__shuffle=True, problem__noise__kind="uniform", problem__noise__rate=0.4)
        for line in table:
            source_row = int(line["source_row"])
            self.assertEqual(int(line["true_label"]), self.train.labels[source_row])
            self.assertEqual(line["is_clean"] == "1", line["given_label"] == line["true_label"])
        self.assertEqual(sum(line["is_clean"] == "0" for line in table), round(0.4 * self.n_train))

    def test_export_samples_on_any_number_of_ranks(self):
        out = self.run_ok("run", ranks=2, problem__noise__kind="pair", problem__noise__rate=0.3)
        whole = self.exported_bytes(out, 1)
        for ranks in (2, 3, 5):
            self.assertEqual(self.exported_bytes(out, ranks), whole, ranks)
        lines = whole.splitlines(keepends=True)
        for top in (1, 17, 1000):
            for ranks in (1, 3):
                self.assertEqual(self.exported_bytes(out, ranks, "--top", top), b"".join(lines[:top + 1]))
        p_correct = [float(line["p_correct"]) for line in csv.DictReader(whole.decode().splitlines())]
        below = sum(p < p_correct[20] for p in p_correct)
        self.assertEqual(self.exported_bytes(out, 2, "--below", repr(p_correct[20])), b"".join(lines[:below + 1]))
        refused = support.run("export", out, "--what", "model", "--top", 3)
        self.assertEqual(refused.code, 2)
        self.assertIn("--top", refused.err)

    def exported_bytes(self, out, ranks, *more):
        ended = support.run("export", out, "--what", "samples", "--out", self.folder / "some.csv", *more, ranks=ranks)
        self.assertEqual(ended.code, 0, ended.err)
        return (self.folder / "some.csv").read_bytes()

    def test_export_history(self):
        out = self.run_ok("run", run__report_every=7)
        self.ran("export", out, "--what", "history")
        with open(out / "history.csv", newline="", encoding="utf-8") as file:
            table = [{name: number_of(cell) for name, cell in line.items() if cell} for line in csv.DictReader(file)]
        lines = support.read_metrics(out)
        self.assertEqual([line["iteration"] for line in lines], [0, 7, 14, 20])
        self.assertEqual([support.without_timings(line) for line in table], [support.without_timings(line) for line in lines])

    def test_export_model(self):
        out = self.run_ok("run")
        self.ran("export", out, "--what", "model", "--out", self.folder / "model.h5")
        y = support.read_state(out)["y"]
        with h5py.File(self.folder / "model.h5", "r") as file:
            self.assertEqual(file["weight"].shape, (self.n_classes, self.n_features))
            self.assertEqual(file["bias"].shape, (self.n_classes,))
            self.assertEqual(np.concatenate([file["weight"][()].ravel(), file["bias"][()]]).tobytes(), y.tobytes())

    def test_export_after_a_crash(self):
        out = self.run_ok("run")
        (out / "result.h5").unlink()
        self.ran("export", out, "--what", "samples")
        self.assertTrue((out / "samples.csv").exists())

    def test_export_of_a_run_at_work(self):
        self.use_sparse_rows()
        out = self.run_ok("run")
        wanted = self.folder / "wanted.csv"
        self.ran("export", out, "--what", "samples", "--out", wanted)
        (out / "result.h5").unlink()
        train = self.folder / "train.svm"
        content = train.read_bytes()
        train.unlink()
        os.mkfifo(train)
        job = support.start("export", out, "--what", "samples", "--out", self.folder / "samples.csv", ranks=2)
        self.addCleanup(support.stop_at_once, job)
        pipe = support.open_pipe(train, job)  # once it reads the data it has chosen a checkpoint, which the run removes
        for path in support.checkpoints(out):
            path.unlink()
        support.write_pipe(pipe, content)
        ended = support.finish(job)
        self.assertEqual(ended.code, 0, ended.err)
        self.assertEqual((self.folder / "samples.csv").read_bytes(), wanted.read_bytes())

    def test_export_after_a_blow_up(self):
        out = self.folder / "run"
        steps = {"algorithm__beta": 60.0, "algorithm__eta": 60.0, "algorithm__gamma": 0.01}
        ended = support.run("run", self.config(**steps, run__iterations=2000, checkpoint__every=1), "--out", out)
        self.assertEqual(ended.code, 4)
        self.ran("export", out, "--what", "model")
        with h5py.File(out / "model.h5", "r") as file:
            last_finite = support.read_state(support.checkpoints(out)[-1])["y"]
            self.assertEqual(file["weight"][()].tobytes(), last_finite[:file["weight"].size].tobytes())

    # ---- reports ----

    def test_metrics_belong_to_the_state(self):
        out = self.run_ok("run", problem__noise__kind="pair", problem__noise__rate=0.4, run__iterations=40)
        table_file = self.folder / "samples.csv"
        self.ran("export", out, "--what", "samples", "--out", table_file)
        with open(table_file, newline="", encoding="utf-8") as file:
            table = sorted(csv.DictReader(file), key=lambda line: int(line["row"]))
        clean = np.array([line["is_clean"] == "1" for line in table])
        kept = np.array([float(line["weight"]) >= 0.5 for line in table])
        given = np.array([int(line["given_label"]) for line in table])
        state, last = support.read_state(out), support.read_metrics(out)[-1]
        precision, recall = (kept & clean).sum() / kept.sum(), (kept & clean).sum() / clean.sum()
        self.assert_close(last["precision"], precision)
        self.assert_close(last["recall"], recall)
        self.assert_close(last["f1"], 2 * precision * recall / (precision + recall))
        above = np.sign(state["x"][clean][:, None] - state["x"][~clean][None, :])
        self.assert_close(last["auroc"], (above + 1).mean() / 2)
        self.assert_close(last["test_accuracy"], (self.logits(state["y"], self.test.features).argmax(axis=1) == self.test.labels).mean())
        self.assert_close(last["upper_value"], self.mean_loss(state["y"], self.validation.features, self.validation.labels), 1e-12)
        weights = 1 / (1 + np.exp(-state["x"]))
        lower = {name: self.mean_loss(state[name], self.train.features, given, weights) for name in ("y", "theta")}
        self.assert_close(last["lower_value"], lower["y"], 1e-12)
        distance = ((state["theta"] - state["y"]) ** 2).sum() / 20
        self.assert_close(last["gap"], lower["y"] - lower["theta"] - distance, 1e-12)

    def mean_loss(self, y, features, labels, weights=1.0):
        n = self.n_classes * self.n_features
        logits = features.astype(float) / 255 @ y[:n].reshape(self.n_classes, -1).T + y[n:]
        top = logits.max(axis=1)
        losses = np.log(np.exp(logits - top[:, None]).sum(axis=1)) + top - logits[np.arange(len(labels)), labels]
        return (weights * losses).mean()

    def test_first_line(self):
        first = support.read_metrics(self.run_ok("run", problem__noise__kind="uniform", problem__noise__rate=0.5))[0]
        self.assertEqual(first["iteration"], 0)
        self.assert_close(first["upper_value"], np.log(self.n_classes), 1e-12)
        self.assertEqual(first["auroc"], 0.5)  # all weights alike
        self.assertNotIn("residual", first)    # no step was done

    # ---- list, check, version ----

    def test_list(self):
        everything = self.ran("list")
        for what, entry in (("problems", "hyper_cleaning"), ("algorithms", "meha"), ("formats", "libsvm"), ("metrics", "auroc"), ("options", "algorithm.penalty.c")):
            with self.subTest(what=what):
                self.assertIn(entry, self.ran("list", what))
                self.assertIn(entry, everything)

    def test_list_names_every_metric_written(self):
        known = re.findall(r"^  (\w+)", self.ran("list", "metrics"), re.MULTILINE)
        out = self.run_ok("run", problem__refit=True, problem__noise__kind="pair", problem__noise__rate=0.2, run__iterations=2)
        self.assertLessEqual(set(support.read_metrics(out)[-1]), set(known))

    def test_version(self):
        self.assertRegex(self.ran("--version"), r"^meha \d+\.\d+\S* \(\S+\)\n$")

    def test_help(self):
        self.assertIn("--out", self.ran("run", "--help"))
        self.assertIn("Exit codes", self.ran("--help"))

    def test_check(self):
        text = self.ran("check", self.config(problem__regularisation=0.1))
        self.assertNotIn("FAILED", text)
        self.assertIn("grad_x of f", text)

    def test_check_solution(self):
        out = self.run_ok("run", run__iterations=200)
        for ranks in (1, 3):
            lines = self.ran("check", "--solution", out, ranks=ranks).splitlines()
            found = {words[0]: float(words[1]) for words in map(str.split, lines[1:])}
            last = support.read_metrics(out)[-1]
            self.assertLessEqual(found["tolerance"], 1e-8)
            self.assert_close(found["upper_value"], last["upper_value"], 1e-7)
            self.assert_close(found["lower_value"], last["lower_value"], 1e-7)
            self.assertGreaterEqual(found["gap"], last["gap"] - 1e-9)
            self.assertLess(found["gap"], 0.05)
            self.assert_close(found["penalty"], 0.5 * 201**0.25, 1e-6)
        for wrong in (["--solution", self.folder / "nowhere"], [], ["--solution", out, self.config()]):
            self.assertEqual(support.run("check", *wrong).code, 2)

    def test_check_of_features(self):
        for config in sorted((support.source / "configs").glob("*hyper_representation*.toml")):
            with self.subTest(config=config.name):
                text = self.ran("check", config, "--set", "problem.n_tasks=10")
                self.assertNotIn("FAILED", text)
                self.assertIn("tanh stands in", text)

    def test_shipped_configs(self):
        configs = sorted((support.source / "configs").glob("*.toml"))
        self.assertGreater(len(configs), 0)
        for config in configs:
            if any(word in config.stem for word in ("big_", "word_", "_synthetic")):
                continue  # streaming_test, words_test and meha quickstart make their files
            with self.subTest(config=config.name):
                out = self.folder / config.stem
                fast = ["--set", "problem.refit=false"] if 'type = "hyper_cleaning"' in config.read_text(encoding="utf-8") else []
                self.ran("run", config, "--out", out, "--set", "run.iterations=2", *fast, ranks=2)
                self.assertEqual(support.read_metrics(out)[-1]["iteration"], 2)

    # ---- data ----

    def as_hdf5(self, part, **more):
        path = self.folder / f"{part}.h5"
        support.write_rows_hdf5(path, getattr(self, part), **more)
        return {f"problem__data__{part}_features": path, f"problem__data__{part}_labels": ""}

    def test_hdf5_is_the_same_data(self):
        files = self.as_hdf5("train") | self.as_hdf5("validation") | self.as_hdf5("test")
        for more in ({}, {"problem__data__shuffle": True, "problem__noise__kind": "uniform", "problem__noise__rate": 0.3}):
            with self.subTest(**more):
                tag = len(more)
                idx, hdf5 = self.run_ok(f"idx{tag}", **more), self.run_ok(f"hdf5{tag}", problem__data__format="hdf5", **files, **more)
                self.assert_same_state(idx, hdf5)
                self.assertEqual(support.read_attribute(idx / "result.h5", "data_fingerprint"), support.read_attribute(hdf5 / "result.h5", "data_fingerprint"))

    def test_unpacked_idx_is_the_same_data(self):
        packed = self.run_ok("packed")
        for part in ("train", "validation", "test"):
            self.base |= support.write_rows_idx(self.folder, part, getattr(self, part), suffix="")
        self.assert_same_state(packed, self.run_ok("unpacked", ranks=2))

    def test_hdf5_truth_and_names(self):
        files = self.as_hdf5("train", truth=True, class_names=CLASS_NAMES) | self.as_hdf5("validation") | self.as_hdf5("test")
        out = self.run_ok("run", problem__data__format="hdf5", run__iterations=100, **files)
        last = support.read_metrics(out)[-1]
        self.assertGreater(last["auroc"], 0.9)
        self.ran("export", out, "--what", "samples")
        with open(out / "samples.csv", newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                row = int(line["row"])
                self.assertEqual(int(line["true_label"]), self.train.truth[row])
                self.assertEqual(line["true_name"], CLASS_NAMES[self.train.truth[row]])
                self.assertEqual(line["is_clean"] == "1", self.train.truth[row] == self.train.labels[row])

    def test_float32_features(self):
        for part in ("train", "validation", "test"):
            rows = getattr(self, part)
            rows.features = rows.features.astype(np.float32) / np.float32(255)
        files = self.as_hdf5("train") | self.as_hdf5("validation") | self.as_hdf5("test")
        for precision in ("float32", "float64"):
            with self.subTest(precision=precision):
                bytes_run = self.run_ok(f"bytes-{precision}", run__precision=precision, run__iterations=3)
                floats_run = self.run_ok(f"floats-{precision}", run__precision=precision, run__iterations=3, problem__data__format="hdf5", **files)
                y, z = support.read_state(bytes_run)["y"], support.read_state(floats_run)["y"]
                self.assert_close(z, y, 1e-5 * abs(y).max())  # pixels/255 rounded to float32: 6e-8 each

    def test_sparse_rows_are_the_same_data(self):
        self.use_sparse_rows()
        for settings in ({}, {"problem__type": "regularisation", "problem__x_max": 2.0},
                         {"problem__model": "mlp", "problem__hidden": [6]}):
            with self.subTest(**settings):
                name = "-".join(map(str, settings.values()))
                runs = [self.run_ok(f"{name}-{sparse}", problem__data__sparse=sparse, run__iterations=5, **settings)
                        for sparse in ("auto", "never")]
                sparse, dense = (support.read_state(run)["y"] for run in runs)
                self.assert_close(sparse, dense, 1e-10 * abs(dense).max())  # 5 steps after roundings of 1e-16

    def test_split_off_validation_rows(self):
        both = support.Rows(*(np.concatenate([getattr(self.train, name), getattr(self.validation, name)]) for name in ("features", "labels", "truth")))
        apart = self.run_ok("apart")
        self.base |= support.write_rows_idx(self.folder, "both", both)
        keys = {f"problem__data__train_{kind}": self.base[f"problem.data.both_{kind}"] for kind in ("features", "labels")}
        for kind in ("features", "labels"):
            del self.base[f"problem.data.both_{kind}"], self.base[f"problem.data.validation_{kind}"]
        for n_train in (self.n_train, 0):
            with self.subTest(n_train=n_train):
                out = self.run_ok(f"together-{n_train}", problem__data__n_train=n_train, problem__data__n_validation=self.n_validation, **keys)
                self.assert_same_state(apart, out)

    def test_first_rows_are_taken(self):
        first = self.run_ok("first", problem__data__n_train=77, problem__data__n_validation=31, problem__data__n_test=9)
        for part, n in (("train", 77), ("validation", 31), ("test", 9)):
            rows = getattr(self, part)
            self.base |= support.write_rows_idx(self.folder, part, support.Rows(rows.features[:n], rows.labels[:n], rows.truth[:n]))
        self.assert_same_state(first, self.run_ok("cut"))

    def test_no_test_rows(self):
        for key in ("problem.data.test_features", "problem.data.test_labels"):
            del self.base[key]
        out = self.run_ok("run", problem__refit=True, ranks=2)
        last = support.read_metrics(out)[-1]
        self.assertNotIn("test_accuracy", last)
        self.assertFalse([name for name in last if name.startswith("refit")])

    def test_noise_kinds(self):
        for kind in ("uniform", "uniform_inclusive", "pair", "classwise", "instance"):
            with self.subTest(kind=kind):
                out = self.run_ok(kind, problem__noise__kind=kind, problem__noise__rate=0.3, ranks=2)
                self.assertIn("auroc", support.read_metrics(out)[-1])
                self.ran("export", out, "--what", "samples")
                with open(out / "samples.csv", newline="", encoding="utf-8") as file:
                    corrupted = [line for line in csv.DictReader(file) if line["is_clean"] == "0"]
                self.assertEqual(len(corrupted), round(0.3 * self.n_train))
                for line in corrupted:
                    true, given = int(line["true_label"]), int(line["given_label"])
                    self.assertEqual(true, self.train.labels[int(line["source_row"])])
                    if kind == "pair":
                        self.assertEqual(given, (true + 1) % self.n_classes)
                    elif kind != "uniform_inclusive":
                        self.assertNotEqual(given, true)

    def test_kaiming_start(self):
        y = support.read_state(self.run_ok("run", problem__init="kaiming_uniform", run__iterations=0))["y"]
        bound = 1 / np.sqrt(self.n_features)
        self.assertGreater(abs(y).max(), 0.9 * bound)
        self.assertLessEqual(abs(y).max(), bound)
        self.assertLess(abs(y.mean()), 0.2 * bound)

    def test_plain_sum(self):
        exact, plain = self.run_ok("exact"), self.run_ok("plain", comm__sum="plain", ranks=3)
        a, b = support.read_state(exact), support.read_state(plain)
        self.assert_close(b["y"], a["y"], 1e-9 * abs(a["y"]).max())


if __name__ == "__main__":
    support.main()
