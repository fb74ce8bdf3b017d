# SPDX-License-Identifier: MIT
"""Rows that stay on disk: the bits of rows in memory on any number of ranks, from one to the other by resume; damage."""
import pathlib
import time

import h5py
import numpy as np

import support

CHUNK = 512
STREAMED = "rows are read from disk in every pass"


class StreamingTest(support.Case):
    n_train, n_validation, n_test = 50000, 8000, 8000
    n_features = 100  # 5 MB: above 1 MiB a rank

    def setUp(self):
        super().setUp()
        self.base = {key: value for key, value in self.base.items() if not key.startswith("problem.data.")}
        self.base |= {"run.block_rows": CHUNK, "run.iterations": 30, "run.precision": "float32", "problem.data.format": "hdf5",
                      "problem.data.shuffle": False, "problem.regularisation": 0.01, "algorithm.optimizer_x": "sgd",
                      "algorithm.alpha": 1000.0, "algorithm.batch_lower": 8192, "algorithm.batch_upper": 2048}
        for part in ("train", "validation", "test"):
            path = self.folder / f"{part}.h5"
            self.write(path, getattr(self, part))
            self.base[f"problem.data.{part}_features"] = str(path)

    def write(self, path, rows):
        files = support.write_rows_idx(self.folder, path.stem, rows, suffix="")
        self.ran("data", "import", "--format", "idx", files[f"problem.data.{path.stem}_features"], "--labels",
                 files[f"problem.data.{path.stem}_labels"], "--out", path, "--block-rows", CHUNK)

    def test_the_bits_of_rows_in_memory(self):
        for batch in (8192, 0):
            here = self.run_ok(f"here-{batch}", ranks=2, algorithm__batch_lower=batch)
            self.assertIn("rows: in memory", (here / "run.log").read_text())
            for ranks in (1, 3):
                with self.subTest(batch=batch, ranks=ranks):
                    there = self.run_ok(f"there-{batch}-{ranks}", ranks=ranks, algorithm__batch_lower=batch,
                                        problem__data__memory=1)
                    self.assertIn(STREAMED, (there / "run.log").read_text())
                    self.assert_same_state(here, there)
                    self.assertEqual(support.read_attribute(here / "result.h5", "data_fingerprint"),
                                     support.read_attribute(there / "result.h5", "data_fingerprint"))

    def test_shared_x(self):
        settings = {"problem__type": "regularisation", "problem__penalty": "l2", "problem__regularisation": 0.0,
                    "algorithm__alpha": 0.01}
        here = self.run_ok("here", ranks=1, **settings)
        self.assert_same_state(here, self.run_ok("there", ranks=2, problem__data__memory=1, **settings))

    def test_features_that_no_row_has(self):
        """The same rows with 99 unused features between any two: the same parameters, from memory and from disk."""
        draw = np.random.default_rng(2)
        entries = {part: draw.random(getattr(self, part).features.shape) < 0.1 for part in ("train", "validation", "test")}

        def run(name, distance, ranks, memory):
            paths = {}
            for part, present in entries.items():
                rows = getattr(self, part)
                text = self.folder / f"{part}.svm"
                text.write_text("".join(
                    f"{label} " + " ".join(f"{distance * j + 1}:{values[j] / 256:g}" for j in np.flatnonzero(here)) + "\n"
                    for label, values, here in zip(rows.labels, rows.features, present)), encoding="utf-8")
                paths[f"problem.data.{part}_features"] = str(self.folder / f"{part}-{distance}.h5")
                if not pathlib.Path(paths[f"problem.data.{part}_features"]).exists():
                    self.ran("data", "import", "--format", "libsvm", text, "--out", paths[f"problem.data.{part}_features"])
            return self.run_ok(name, ranks=ranks, problem__data__memory=memory, problem__start="trusted", run__iterations=5, **paths)
        near = run("near", 1, 1, 0)
        for ranks, memory in ((1, 0), (2, 1)):
            far = run(f"far-{ranks}", 100, ranks, memory)
            log = (far / "run.log").read_text()
            self.assertIn("100 of 9901 features occur", log)
            self.assertEqual(STREAMED in log, memory == 1)
            self.assert_same_state(near, far)
        self.ran("export", far, "--what", "model", "--out", self.folder / "model.h5")
        with h5py.File(self.folder / "model.h5") as file:
            self.assertEqual(file["features"][()].tolist(), list(range(0, 9901, 100)))
            self.assertEqual(file["weight"].shape[1], 100)

    def test_a_run_may_go_on_with_more_or_less_memory(self):
        whole = self.run_ok("whole")
        parts = self.run_ok("parts", ranks=2, run__iterations=11, problem__data__memory=1)
        for n, ranks, memory in ((20, 3, 0), (30, 1, 1)):
            ended = support.run("resume", parts, "--set", f"run.iterations={n}", "--set", f"problem.data.memory={memory}", ranks=ranks)
            self.assertEqual(ended.code, 0, ended.err)
        self.assert_same_state(whole, parts)
        with h5py.File(parts / "result.h5") as file:
            self.assertEqual(file.attrs["iteration"], 30)
        ended = support.run("export", parts, "--what", "samples", "--out", self.folder / "a.csv")
        self.assertEqual(ended.code, 0, ended.err)

    def test_shipped_configs(self):
        fashion = "/usr/share/datasets/fashion-mnist/"
        files = {}
        for name, images in (("fashion", "train"), ("fashion_test", "t10k")):
            files[name] = self.folder / f"{name}.h5"
            self.ran("data", "import", "--format", "idx", f"{fashion}{images}-images-idx3-ubyte.gz", "--labels",
                     f"{fashion}{images}-labels-idx1-ubyte.gz", "--out", files[name])
        images = self.folder / "big_fashion.h5"
        self.ran("data", "augment", files["fashion"], images, "--rows", 52000)
        data = ("--set", f"problem.data.train_features={images}", "--set", f"problem.data.test_features={files['fashion_test']}")
        out = self.folder / "ci"
        self.ran("run", support.source / "configs/ci_big_fashion_mnist.toml", "--out", out, *data, ranks=2)
        self.assertIn(STREAMED, (out / "run.log").read_text())
        self.assertGreater(support.read_metrics(out)[-1]["auroc"], 0.93)
        self.ran("run", support.source / "configs/big_fashion_mnist.toml", "--out", self.folder / "big", *data, "--set",
                 "problem.data.n_train=50000", "--set", "problem.data.n_validation=2000", "--set", "run.iterations=2", ranks=2)

    def ran(self, *arguments, **more):
        ended = support.run(*arguments, **more)
        self.assertEqual(ended.code, 0, f"{ended.out}\n{ended.err}")

    def test_a_damaged_block_ends_the_run_on_all_ranks(self):
        with h5py.File(self.folder / "train.h5") as file:
            info = [file["features"].id.get_chunk_info(i) for i in range(3)]
        for ranks in (1, 3):
            with self.subTest(ranks=ranks):
                out = self.run_ok(f"run-{ranks}", ranks=ranks, run__iterations=3, problem__data__memory=1, run__report_every=1)
                with open(self.folder / "train.h5", "r+b") as file:
                    file.seek(info[2].byte_offset + 1000)
                    kept = file.read(1)
                    file.seek(info[2].byte_offset + 1000)
                    file.write(bytes([kept[0] ^ 1]))
                ended = support.run("resume", out, "--set", "run.iterations=30", ranks=ranks)
                self.assertEqual(ended.code, 3, ended.out + ended.err)
                for text in ("train.h5", "rows 1024 to 1535", "block 2", "damaged"):
                    self.assertIn(text, ended.err)
                self.assertEqual(ended.err.count("rows 1024"), 1, ended.err)
                with open(self.folder / "train.h5", "r+b") as file:
                    file.seek(info[2].byte_offset + 1000)
                    file.write(kept)
                ended = support.run("resume", out, "--set", "run.iterations=30", ranks=2)
                self.assertEqual(ended.code, 0, ended.err)
                self.assert_same_state(self.run_ok(f"whole-{ranks}"), out)

    def test_a_damaged_block_ends_an_export_on_all_ranks(self):
        out = self.run_ok("run", ranks=2, run__iterations=3, problem__data__memory=1)
        with h5py.File(self.folder / "train.h5") as file:
            block = 60  # of 98: rank 1 owns it, of two ranks and of three
            damaged = file["features"].id.get_chunk_info(block).byte_offset + 1000
        with open(self.folder / "train.h5", "r+b") as file:
            file.seek(damaged)
            kept = file.read(1)
            file.seek(damaged)
            file.write(bytes([kept[0] ^ 1]))
        for ranks in (2, 3):
            with self.subTest(ranks=ranks):
                began = time.monotonic()
                ended = support.run("export", out, "--what", "samples", "--out", self.folder / "a.csv", ranks=ranks)
                self.assertEqual(ended.code, 3, ended.err)
                self.assertLess(time.monotonic() - began, 10)
                self.assertRegex(ended.err, rf"^meha: rank 1\b.*train.h5.*rows {block * CHUNK} to .*damaged")
                self.assertEqual(ended.err.count("meha: "), 1, ended.err)


if __name__ == "__main__":
    support.main()
