# SPDX-License-Identifier: MIT
"""meha data: import of every format, with interruptions; looking, verifying, corrupting, multiplying; the examples of src/data/README.md."""
import os
import re
import resource
import signal
import subprocess
import sys
import time

import h5py
import numpy as np

import support


def write_csv(path, rows, header=True):
    with open(path, "w", encoding="ascii") as file:
        if header:
            file.write(",".join(f"f{j}" for j in range(rows.features.shape[1])) + ",label\n")
        for features, label in zip(rows.features, rows.labels):
            file.write(",".join(f"{v:.9g}" for v in features) + f",{label}\n")


class DataTest(support.Case):
    def setUp(self):
        super().setUp()
        self.floats = support.Rows((self.train.features / np.float32(255)).astype(np.float32), self.train.labels, self.train.truth)

    def data(self, *arguments, code=0, **more):
        ended = support.run("data", *arguments, **more)
        self.assertEqual(ended.code, code, f"{ended.out}\n{ended.err}")
        return ended.out if code == 0 else ended.err

    def imported(self, fmt, features, *more, name="imported"):
        out = self.folder / f"{name}.h5"
        self.data("import", "--format", fmt, features, "--out", out, "--block-rows", 32, *more)  # more than one band
        self.data("verify", out)
        return out

    def rows_of(self, path):
        with h5py.File(path, "r") as file:
            return {name: file[name][()] for name in ("features", "labels", "truth", "ids") if name in file}

    def idx_files(self):
        return self.base["problem.data.train_features"], "--labels", self.base["problem.data.train_labels"]

    # ---- import ----

    def test_recipes_are_exact(self):
        rows, noisy = self.folder / "rows.h5", self.folder / "noisy.h5"
        for rate in ("1e-07", "2e-07", "0.1"):
            with self.subTest(rate=rate):
                for path in (rows, noisy):
                    path.unlink(missing_ok=True)
                self.assertEqual(support.run("data", "synthetic", rows, "--rows", 50, "--rate", rate).code, 0)
                self.assertIn(f"rate {rate}, seed 1", support.run("data", "info", rows).out)
                self.assertEqual(support.run("data", "corrupt", rows, noisy, "--kind", "uniform", "--rate", rate).code, 0)
                self.assertIn(f"uniform {rate}, seed 1", support.run("data", "info", noisy).out)

    def test_training_from_each_format_has_the_same_bits(self):
        """validation and test rows come from the imported file's own kind, so that elements agree."""
        only_train = {"problem__data__n_validation": 50, "problem__data__n_test": 30}
        without = [f"problem.data.{p}_{k}" for p in ("validation", "test") for k in ("features", "labels")]
        write_csv(self.folder / "a.csv", self.floats)
        support.write_rows_libsvm(self.folder / "a.svm", self.floats)
        np.save(self.folder / "a.npy", self.floats.features)
        np.save(self.folder / "l.npy", self.floats.labels)
        csv, svm = self.folder / "a.csv", self.folder / "a.svm"
        idx_features, _, idx_labels = self.idx_files()

        def trained(name, fmt, features, labels=None):
            keys = {"problem.data.format": fmt, "problem.data.train_features": str(features)}
            keys |= {"problem.data.train_labels": str(labels)} if labels else {}
            base, self.base = self.base, {k: v for k, v in self.base.items() if not k.startswith("problem.data.train")} | keys
            out = self.run_ok(name, without=without, **only_train)
            self.base = base
            return out

        for name, source, copy in (
                ("idx", trained("idx", "idx", idx_features, idx_labels), self.imported("idx", idx_features, "--labels", idx_labels, name="i")),
                ("csv", trained("csv", "csv", csv), self.imported("csv", csv, name="c")),
                ("libsvm", trained("svm", "libsvm", svm), self.imported("libsvm", svm, name="s")),
                ("npy", trained("npy", "npy", self.folder / "a.npy", self.folder / "l.npy"), self.imported("npy", self.folder / "a.npy", "--labels", self.folder / "l.npy", name="n"))):
            with self.subTest(format=name):
                out = trained(f"{name}-imported", "hdf5", copy)
                self.assert_same_state(source, out)
        self.assert_same_state(self.folder / "csv", self.folder / "npy")

    def test_hdf5(self):
        """A file of one's own becomes one with fingerprint and blocks; truth, ids and names come along, shuffled or not."""
        own, labels = self.folder / "own.h5", self.folder / "labels.h5"
        support.write_rows_hdf5(own, self.floats, truth=True, class_names=["a", "b", "c", "d"])
        ids = np.arange(self.n_train)[::-1] * 3
        with h5py.File(own, "a") as file:
            file["ids"] = ids
        whole = self.imported("hdf5", own, name="whole")
        for name, values in (("features", self.floats.features), ("labels", self.train.labels), ("truth", self.train.truth), ("ids", ids)):
            np.testing.assert_array_equal(self.rows_of(whole)[name], values)
        with h5py.File(whole) as file:
            self.assertEqual(list(file["class_names"].asstr()), ["a", "b", "c", "d"])
            self.assertEqual(file["features"].chunks, (32, self.n_features))
        mixed = self.rows_of(self.imported("hdf5", own, "--shuffle", 3, name="mixed"))
        self.assertFalse(np.array_equal(mixed["ids"], np.arange(self.n_train)))
        for name in ("features", "labels", "truth"):
            np.testing.assert_array_equal(mixed[name], self.rows_of(whole)[name][mixed["ids"]])
        with h5py.File(labels, "w") as file:
            file["labels"] = 3 - self.train.labels
        np.testing.assert_array_equal(self.rows_of(self.imported("hdf5", own, "--labels", labels, name="other"))["labels"], 3 - self.train.labels)
        self.use_sparse_rows()
        sparse = self.imported("libsvm", self.base["problem.data.train_features"], name="sparse")
        again = self.imported("hdf5", sparse, name="again")
        self.assertEqual(support.read_attribute(sparse, "fingerprint"), support.read_attribute(again, "fingerprint"))
        self.assertIn("HDF5", self.data("import", "--format", "hdf5", __file__, "--out", self.folder / "no.h5", code=3))

    def test_fingerprints_stay(self):
        """Rows of a fixed kind have the bits that they have always had, labels and names of classes included."""
        numbers = np.arange(300 * 20).reshape(300, 20)
        rows = support.Rows((numbers * 7919 % 256).astype(np.uint8), (np.arange(300) * 31 % 4).astype(np.uint8), None)
        floats = support.Rows((rows.features.astype(np.float32) - 100) / np.float32(7), rows.labels, None)
        few = support.Rows(np.where(numbers % 11 == 0, floats.features, np.float32(0)), rows.labels, None)
        write_csv(self.folder / "a.csv", floats)
        support.write_rows_libsvm(self.folder / "dense.svm", floats)
        support.write_rows_libsvm(self.folder / "few.svm", few)
        support.write_rows_hdf5(self.folder / "a.h5", floats, class_names=["a", "b", "c", "d"])
        np.save(self.folder / "features.npy", floats.features)
        np.save(self.folder / "labels.npy", floats.labels)
        idx = support.write_rows_idx(self.folder, "train", rows)
        base = {key: value for key, value in self.base.items() if not key.startswith("problem.data.")}
        for name, fmt, keys, fingerprint in (
                ("idx", "idx", idx, "2628025079383706"),
                ("csv", "csv", {"problem.data.train_features": str(self.folder / "a.csv")}, "9446c8b136232c9e"),
                ("dense", "libsvm", {"problem.data.train_features": str(self.folder / "dense.svm")}, "9446c8b136232c9e"),
                ("few", "libsvm", {"problem.data.train_features": str(self.folder / "few.svm")}, "0d676f194e799688"),
                ("npy", "npy", {f"problem.data.train_{part}": str(self.folder / f"{part}.npy") for part in ("features", "labels")}, "9446c8b136232c9e"),
                ("hdf5", "hdf5", {"problem.data.train_features": str(self.folder / "a.h5")}, "9446c8b136232c9e")):
            with self.subTest(format=name):
                self.base = base | keys | {"problem.data.format": fmt, "problem.data.n_validation": 50, "run.seed": 1, "run.iterations": 1}
                self.assertEqual(support.read_attribute(self.run_ok(name) / "result.h5", "data_fingerprint"), fingerprint)

    def test_text_is_held_once(self):
        """Beside the rows that the rank owns there is one table, and not what it is made from."""
        rng, times, n_features = np.random.default_rng(1), 400, 200
        features, labels = rng.integers(1, 9, (100, n_features)), rng.integers(0, 3, 100)
        mib = times * features.size * 4 / 2**20
        lines = {"csv": [",".join(map(str, [*x, k])) for x, k in zip(features, labels)],
                 "libsvm": [" ".join([str(k), *(f"{j}:{v}" for j, v in enumerate(x, 1))]) for x, k in zip(features, labels)]}
        with h5py.File(self.folder / "a.hdf5", "w") as file:  # in pieces: a child's peak is at least its parent's size
            file.create_dataset("features", (100 * times, n_features), "f4")
            file["labels"] = np.tile(labels, times)
            for first in range(0, 100 * times, 100):
                file["features"][first:first + 100] = features
        peaks = {}
        for fmt in ("hdf5", "csv", "libsvm"):
            path = self.folder / f"a.{fmt}"
            if fmt in lines:
                with open(path, "w", encoding="ascii") as file:
                    for _ in range(times):
                        file.write("\n".join(lines[fmt]) + "\n")
            self.base = {key: value for key, value in self.base.items() if not key.startswith("problem.data.")}
            self.base |= {"problem.data.format": fmt, "problem.data.train_features": str(path), "problem.data.n_validation": 100, "run.iterations": 0,
                          "problem.start": "zero"}
            process = subprocess.Popen(support.command(("run", self.config(fmt), "--out", self.folder / fmt)), env=support.environment(),
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = status
            self.assertEqual(status, 0)
            peaks[fmt] = used.ru_maxrss / 1024
        for fmt in lines:
            self.assertLess(peaks[fmt] - peaks["hdf5"], 1.5 * mib, peaks)

    def test_sparse_rows(self):
        self.use_sparse_rows()
        features = self.base["problem.data.train_features"]
        out = self.run_ok("source")
        for part in ("train", "validation", "test"):
            path = self.base[f"problem.data.{part}_features"]
            self.base[f"problem.data.{part}_features"] = str(self.imported("libsvm", path, name=part))
        self.assertIn("sparse", self.data("info", self.folder / "train.h5"))
        self.assert_same_state(out, self.run_ok("imported", problem__data__format="hdf5"))
        dense = self.imported("libsvm", features, "--sparse", "never", name="dense")
        np.testing.assert_array_equal(self.rows_of(dense)["features"], self.train.features)

    def test_types(self):
        write_csv(self.folder / "bytes.csv", self.train)
        small = self.rows_of(self.imported("csv", self.folder / "bytes.csv", "--dtype", "uint8", name="u"))
        np.testing.assert_array_equal(small["features"], self.train.features)
        self.assertEqual(small["features"].dtype, np.uint8)
        half = self.rows_of(self.imported("idx", *self.idx_files(), "--dtype", "float16", name="h"))
        np.testing.assert_array_equal(half["features"], self.floats.features.astype(np.float16))
        np.save(self.folder / "d.npy", self.floats.features.astype(np.float64))
        np.save(self.folder / "l.npy", self.train.labels.astype(np.uint8))
        double = self.rows_of(self.imported("npy", self.folder / "d.npy", "--labels", self.folder / "l.npy", name="d"))
        np.testing.assert_array_equal(double["features"], self.floats.features)

    def test_shuffle_does_not_depend_on_memory(self):
        rows = support.make_rows(40000, n_features=60)
        keys = support.write_rows_idx(self.folder, "big", rows, suffix="")
        files = keys["problem.data.big_features"], "--labels", keys["problem.data.big_labels"]
        little = self.rows_of(self.imported("idx", *files, "--shuffle", 5, "--memory", 1, name="little"))
        much = self.rows_of(self.imported("idx", *files, "--shuffle", 5, name="much"))
        other = self.rows_of(self.imported("idx", *files, "--shuffle", 6, name="other"))
        for name, values in little.items():
            np.testing.assert_array_equal(values, much[name])
        self.assertFalse(np.array_equal(little["ids"], other["ids"]))
        np.testing.assert_array_equal(np.sort(little["ids"]), np.arange(len(rows)))
        np.testing.assert_array_equal(little["features"], rows.features[little["ids"]])
        np.testing.assert_array_equal(little["labels"], rows.labels[little["ids"]])
        self.assertLess(abs(np.corrcoef(little["ids"], np.arange(len(rows)))[0, 1]), 0.03)
        self.assertFalse(list(self.folder.glob("*.rows")))

    def kill_and_go_on(self, arguments, out, whole):
        """Kills the command again and again, at any time; then lets it end."""
        complete = False
        for delay_s in (0.05, 0.2, 0.4, 0.6):
            process = support.start("data", *arguments, out)
            time.sleep(delay_s)
            support.kill_ranks(process)
            support.finish(process)
            looked = support.run("data", "verify", out)
            complete = looked.code == 0
            if complete:
                break
            self.assertEqual(looked.code, 3)
            self.assertRegex(looked.err, "is incomplete|cannot be opened")
        if not complete:
            self.data(*arguments, out)
        self.assertEqual(support.read_attribute(out, "fingerprint"), support.read_attribute(whole, "fingerprint"))
        self.data("verify", out)

    def test_killed_commands_go_on(self):
        size = ("--rows", 4000000, "--features", 16, "--rate", 0.2)
        whole, out = self.folder / "whole.h5", self.folder / "out.h5"
        self.data("synthetic", *size, whole)
        self.kill_and_go_on(("synthetic", *size), out, whole)
        np.save(self.folder / "a.npy", np.random.default_rng(1).random((300000, 64), np.float32))
        np.save(self.folder / "l.npy", np.arange(300000) % 7)
        load = ("import", "--format", "npy", self.folder / "a.npy", "--labels", self.folder / "l.npy", "--shuffle", 1, "--out")
        self.data(*load, self.folder / "w.h5")
        self.kill_and_go_on(load, self.folder / "o.h5", self.folder / "w.h5")

    # ---- info, verify, corrupt, augment, synthetic ----

    def test_corrupt_is_the_noise_of_a_run(self):
        clean = support.make_rows(self.n_train, n_classes=self.n_classes, n_features=self.n_features)
        self.base |= support.write_rows_idx(self.folder, "train", clean)
        copy = self.imported("idx", *self.idx_files())
        for part in ("validation", "test"):
            features, labels = (self.base[f"problem.data.{part}_{k}"] for k in ("features", "labels"))
            self.imported("idx", features, "--labels", labels, name=part)
        for kind in ("uniform", "pair", "classwise", "instance"):
            with self.subTest(kind=kind):
                noisy = self.run_ok(f"{kind}-noise", problem__noise__kind=kind, problem__noise__rate=0.3, run__seed=9)
                wrong = self.folder / f"{kind}.h5"
                self.data("corrupt", copy, wrong, "--kind", kind, "--rate", 0.3, "--seed", 9)
                self.data("verify", wrong)
                np.testing.assert_array_equal(self.rows_of(wrong)["truth"], clean.labels)
                files = {f"problem__data__{p}_features": str(self.folder / f"{name}.h5")
                         for p, name in (("train", kind), ("validation", "validation"), ("test", "test"))}
                from_file = self.run_ok(f"{kind}-file", problem__data__format="hdf5", run__seed=9, **files,
                                        without=[f"problem.data.{p}_labels" for p in ("train", "validation", "test")])
                self.assert_same_state(noisy, from_file)
                last = [support.without_timings(support.read_metrics(o)[-1]) for o in (noisy, from_file)]
                self.assertEqual(last[0]["auroc"], last[1]["auroc"])

    def test_augment(self):
        rows = support.make_rows(50, n_features=12 * 12 * 3)
        keys = support.write_rows_idx(self.folder, "images", rows)
        copy = self.imported("idx", keys["problem.data.images_features"], "--labels", keys["problem.data.images_labels"])
        out = [self.folder / f"{n}.h5" for n in range(3)]
        self.data("augment", copy, out[0], "--rows", 220, "--seed", 4, "--threads", 1)
        self.data("augment", copy, out[1], "--rows", 220, "--seed", 4, "--threads", 3)
        self.data("augment", copy, out[2], "--rows", 180, "--seed", 4)
        a, b, c = (self.rows_of(o) for o in out)
        for name, values in a.items():
            np.testing.assert_array_equal(values, b[name])
            np.testing.assert_array_equal(values[:180], c[name])
        for epoch in range(4):
            np.testing.assert_array_equal(np.sort(a["ids"][50 * epoch:50 * epoch + 50]), np.arange(50))
        np.testing.assert_array_equal(a["labels"], rows.labels[a["ids"]])
        self.assertGreater(len(np.unique(a["features"], axis=0)), 219)
        self.assertIn("--width", self.data("augment", copy, out[0], "--rows", 9, "--width", 5, code=2))

    def test_synthetic_is_a_mixture(self):
        out = self.folder / "s.h5"
        self.data("synthetic", out, "--rows", 20000, "--features", 8, "--classes", 4, "--rate", 0.3, "--seed", 2)
        rows = self.rows_of(out)
        self.assertAlmostEqual(np.mean(rows["labels"] != rows["truth"]), 0.3, delta=0.02)
        centres = np.stack([rows["features"][rows["truth"] == k].mean(axis=0) for k in range(4)])
        noise = rows["features"] - centres[rows["truth"]]
        self.assertAlmostEqual(noise.std(), 1, delta=0.01)
        self.assertLess(abs(np.corrcoef(noise.T) - np.eye(8)).max(), 0.04)
        nearest = ((rows["features"][:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
        self.assertGreater(np.mean(nearest == rows["truth"]), 0.75)

    def test_info(self):
        text = self.data("info", self.imported("idx", *self.idx_files(), "--class-names", "a,b,c,d"))
        for line in (rf"rows +{self.n_train}", rf"features +{self.n_features} \(uint8\)", "block_rows +32", "truth +no",
                     "fingerprint +[0-9a-f]{16}", rf" b +{np.sum(self.train.labels == 1)}"):
            self.assertRegex(text, line)

    def test_verify_finds_damage(self):
        out = self.imported("idx", *self.idx_files())
        with h5py.File(out, "r") as file:
            place = file["features"].id.get_chunk_info(0).byte_offset
        good = out.read_bytes()
        out.write_bytes(good[:place + 7] + bytes([good[place + 7] ^ 1]) + good[place + 8:])
        self.assertIn("damaged", self.data("verify", out, code=3))
        out.write_bytes(good)
        with h5py.File(out, "r+") as file:
            file["labels"][3] = (file["labels"][3] + 1) % 4
        self.assertIn("was changed", self.data("verify", out, code=3))
        with h5py.File(out, "r+") as file:
            file["labels"][3] = -1
        self.assertIn("row 3 = -1", self.data("verify", out, code=3))
        plain = self.folder / "plain.h5"
        support.write_rows_hdf5(plain, support.Rows(np.array([[1.0, 2], [np.inf, 3]]), np.array([0, 1]), None))
        self.assertIn("feature 0 of row 1", self.data("verify", plain, code=3))

    # ---- errors ----

    def test_usage_and_data_errors(self):
        out = self.folder / "o.h5"
        features, _, labels = self.idx_files()
        self.assertIn("--labels must be given", self.data("import", "--format", "idx", features, "--out", out, code=2))
        self.assertIn("--format", self.data("import", features, "--out", out, code=2))
        formats = re.findall(r"(?m)^  (\w+)", support.run("list", "formats").out)
        self.assertEqual(formats, ["idx", "hdf5", "csv", "libsvm", "npy", "npz"])
        unknown = self.data("import", "--format", "csv9", features, "--out", out, code=2)
        for name in formats:
            self.assertIn(name, unknown)
        self.assertIn("--label-column", self.data("import", "--format", "hdf5", features, "--label-column", "y", "--out", out, code=2))
        self.assertIn("--labels must be given", self.data("import", "--format", "npy", features, "--out", out, code=2))
        self.data("nonsense", code=2)
        self.assertIn("swapped", self.data("import", "--format", "idx", labels, "--labels", features, "--out", out, code=3))
        self.assertIn("No such file", self.data("import", "--format", "csv", self.folder / "no.csv", "--out", out, code=3))
        write_csv(self.folder / "a.csv", self.floats)
        self.assertIn("--label-column", self.data("import", "--format", "csv", self.folder / "a.csv", "--label-column", "no",
                                                  "--out", out, code=3))
        self.assertIn("needs whole numbers", self.data("import", "--format", "csv", self.folder / "a.csv", "--dtype", "uint8",
                                                       "--out", self.folder / "u.h5", code=3))
        self.assertIn("cannot be created", self.data("import", "--format", "csv", self.folder / "a.csv", "--out",
                                                     self.folder / "no" / "a.h5", code=5))
        good = self.imported("csv", self.folder / "a.csv")
        self.assertIn("is complete", self.data("import", "--format", "csv", self.folder / "a.csv", "--out", good, code=2))
        fortran = self.folder / "f.npy"
        np.save(fortran, np.asfortranarray(self.floats.features))
        np.save(self.folder / "l.npy", self.train.labels)
        self.assertIn("fortran_order", self.data("import", "--format", "npy", fortran, "--labels", self.folder / "l.npy",
                                                 "--out", out, code=3))

    def test_full_disk(self):
        """A limit on the size of files stands for the disk."""
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000_000, 20_000_000))
        out = self.folder / "s.h5"
        arguments = ("data", "synthetic", out, "--rows", 500000)
        ended = subprocess.run(support.command(arguments), capture_output=True, text=True, preexec_fn=limit, timeout=60,
                               env=support.environment(), check=False)
        self.assertEqual(ended.returncode, 5, ended.stderr)
        self.assertIn("is the disk full?", ended.stderr)
        self.assertIn("the same command goes on", ended.stderr)
        self.assertEqual(len(ended.stderr.strip().splitlines()), 1, ended.stderr)
        self.data("verify", out, code=3)
        self.data(*arguments[1:])
        self.data("verify", out)

    # ---- README ----

    def test_examples_of_the_readme(self):
        """The blocks that write and read rows.h5, in this order, as they stand."""
        blocks = re.findall(r"```python\n(.*?)```", (support.source / "src/data/README.md").read_text(), re.S)
        chosen = [block for block in blocks if "rows.h5" in block]
        self.assertEqual(len(chosen), 2)
        for block in chosen:
            ended = subprocess.run([sys.executable, "-c", block], cwd=self.folder, capture_output=True, text=True, check=False)
            self.assertEqual(ended.returncode, 0, ended.stderr)
        rows, copy = self.folder / "rows.h5", self.folder / "streamed.h5"
        self.data("verify", rows)
        settings = {"problem.type": "hyper_cleaning", "problem.data.format": "hdf5", "problem.data.shuffle": False, "problem.data.memory": 1,
                    "problem.data.n_validation": 1024, "run.iterations": 2, "run.block_rows": 512, "problem.start": "zero"}
        self.base = {"algorithm.name": "meha"} | settings | {"problem.data.train_features": str(rows)}
        ended = support.run("run", self.config(), "--out", self.folder / "refused")
        self.assertEqual(ended.code, 3, ended.err)
        advised = re.search(r"meha (data import --format hdf5)", ended.err)[1]
        self.data(*advised.split()[1:], rows, "--out", copy)
        out = self.run_ok("streamed", problem__data__train_features=str(copy))
        self.assertIn("rows are read from disk in every pass", (out / "run.log").read_text())
        self.assert_same_state(out, self.run_ok("own", problem__data__memory=0))


if __name__ == "__main__":
    support.main()
