# SPDX-License-Identifier: MIT
"""meha plan against what a run then takes: memory of each rank, size of a checkpoint. Times: tests/bench/plan.py."""
import pathlib
import re
import subprocess
import unittest

import numpy as np

import support

PEAK = ["/usr/bin/python3", "-S", "-E", str(pathlib.Path(__file__).resolve().parent.parent / "bench" / "peak.py")]


class PlanTest(support.Case):
    def use_many_rows(self, n):
        for part, rows, rate in (("train", n, 0.4), ("validation", 1000, 0)):
            made = support.run("data", "synthetic", self.folder / f"{part}.h5", "--rows", rows, "--rate", rate)
            self.assertEqual(made.code, 0, made.err)
            self.base[f"problem.data.{part}_features"] = str(self.folder / f"{part}.h5")
        self.base = {key: value for key, value in self.base.items() if not re.fullmatch(r"problem.data.(.*_labels|test_.*)", key)}
        self.base |= {"problem.data.format": "hdf5", "run.precision": "float32", "run.block_rows": 512, "run.iterations": 3}

    def planned(self, config, ranks):
        """First and last number of each line; nothing is timed."""
        ended = support.run("plan", config, "--ranks", ranks, "--flops", 1)
        self.assertEqual(ended.code, 0, ended.err)
        lines = re.findall(r"^(\S.*?)  +([0-9.]+)(?: .*?([0-9.]+))?", ended.out, re.MULTILINE)
        return {name: [float(value) for value in values if value] for name, *values in lines}

    def test_memory_and_checkpoint_are_as_planned(self):
        self.use_many_rows(1_000_000)
        for settings in ({}, {"algorithm.batch_lower": 65536, "algorithm.optimizer_x": "sgd"},
                         {"problem.data.memory": 8, "problem.data.shuffle": False, "algorithm.optimizer_x": "sgd",
                          "run.block_rows": 2**17}):  # of which three take more than buffers usually do
            config = self.config(**{key.replace(".", "__"): value for key, value in settings.items()})
            plan = self.planned(config, 2)
            out = self.folder / f"run-{len(settings)}"
            ended = subprocess.run([str(support.source / "launch" / "local"), "2", *PEAK, str(support.program), "run", config, "--out", out],
                                   capture_output=True, text=True, timeout=120)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            peaks = [int(peak) / 1024 for _, peak in sorted(re.findall(r"peak (\d) (\d+)", ended.stdout))]
            for rank, (planned, peak) in enumerate(zip(plan["peak"], peaks, strict=True)):
                self.assertAlmostEqual(planned, peak, delta=0.15 * peak, msg=f"rank {rank}, {settings}")
            size = support.checkpoints(out)[-1].stat().st_size / 1e6
            self.assertAlmostEqual(plan["checkpoint"][0], size, delta=0.15 * size)

    def test_a_rate_gives_the_time(self):
        ended = support.run("plan", self.config(), "--flops", 1)
        self.assertEqual(ended.code, 0, ended.err)
        m = self.n_classes * (self.n_features + 1)
        milliseconds = (8 * self.n_train + 4 * self.n_validation) * m / 1e6
        self.assertAlmostEqual(float(re.search(r"at the rate given +([0-9.]+) ms", ended.out)[1]), milliseconds, places=3)
        self.assertIn(f"{self.n_train} training, {self.n_validation} validation", ended.out)

    def test_times_are_those_of_all_rows_iterations_and_reports(self):
        self.use_many_rows(4_000_000)  # more than are rehearsed with
        config = self.config(run__iterations=50, run__report_every=11)  # at 0, 11, 22, 33, 44 and the end
        for ranks in (1, 2):
            ended = support.run("plan", config, ranks=ranks)
            self.assertEqual(ended.code, 0, ended.err)
            seconds = {name: float(value) * (1e-3 if unit == "ms" else 1)
                       for name, value, unit in re.findall(r"^(\S.*?)  +([0-9.e+-]+) (m?s)$", ended.out, re.MULTILINE)}
            parts = [seconds[name] for name in ("row kernels", "exchange", "update")]
            self.assertAlmostEqual(sum(parts), seconds["time of an iteration"], delta=1e-3 * sum(parts))
            loop = [seconds[name] for name in ("reading rows, dealing them out", "50 iterations", "6 reports")]
            self.assertAlmostEqual(50 * seconds["time of an iteration"], loop[1], delta=1e-3 * loop[1])
            self.assertAlmostEqual(sum(loop), seconds["together"], delta=1e-3 * sum(loop))
            self.assertGreater(min(parts[0], *loop), 0, ended.out)

    def test_what_comes_before_and_after_the_iterations_counts(self):
        names = ("models of labels, about", "choosing step sizes, about", "models trained after the run")
        for settings, there in (({"problem.start": "trusted", "problem.refit": True}, (True, False, True)),
                                ({"problem.start": "trusted", "problem.refit": False, "algorithm.alpha": "auto"}, (True, True, False)),
                                ({"problem.start": "zero", "problem.refit": True}, (False, False, True)),
                                ({"problem.start": "zero", "problem.refit": False}, (False, False, False))):
            with self.subTest(settings=settings):
                ended = support.run("plan", self.config(**{name.replace(".", "__"): value for name, value in settings.items()}))
                self.assertEqual(ended.code, 0, ended.err)
                self.assertEqual(tuple(name in ended.out for name in names), there, ended.out)
                parts = [float(value) for value in re.findall(r"([0-9.e+-]+) s$", ended.out.partition("time of the run")[2], re.MULTILINE)]
                self.assertAlmostEqual(sum(parts[:-1]), parts[-1], delta=1e-3 * parts[-1])

    def test_every_format(self):
        """The same rows have the same plan; text, which rank 0 reads as a whole, counts besides."""
        rows = support.make_rows(3000, n_classes=3, n_features=200)
        rows = support.Rows(rows.features.astype(np.float32) + 1, rows.labels, None)
        support.write_rows_hdf5(self.folder / "a.hdf5", rows)
        support.write_rows_libsvm(self.folder / "a.libsvm", rows)
        np.savetxt(self.folder / "a.csv", np.column_stack([rows.features, rows.labels]), "%g", ",")
        np.save(self.folder / "a.npy", rows.features)
        np.save(self.folder / "labels.npy", rows.labels)
        self.base = {key: value for key, value in self.base.items() if not key.startswith("problem.data.")}
        first_lines, loading = {}, {}
        for fmt in ("hdf5", "csv", "libsvm", "npy"):
            labels = {"problem__data__train_labels": str(self.folder / "labels.npy")} if fmt == "npy" else {}
            config = self.config(fmt, problem__data__format=fmt, problem__data__train_features=str(self.folder / f"a.{fmt}"),
                                 problem__data__n_validation=500, **labels)
            ended = support.run("plan", config)
            self.assertEqual(ended.code, 0, ended.err)
            first_lines[fmt] = ended.out.splitlines()[0]
            loading[fmt] = float(re.search(r"^dealing out.* ([0-9.]+)$", ended.out, re.MULTILINE)[1])
        self.assertEqual(len(set(first_lines.values())), 1, first_lines)
        self.assertEqual(loading["npy"], loading["hdf5"])
        for fmt in ("csv", "libsvm"):
            self.assertAlmostEqual(loading[fmt] - loading["hdf5"], 3000 * 200 * 4 / 2**20, delta=0.11)

    def test_more_classes_than_a_run_takes_are_refused(self):
        self.train.labels[7] = 255
        self.base |= support.write_rows_idx(self.folder, "train", self.train)
        self.assertEqual(support.run("plan", self.config(), "--flops", 1).code, 0)
        self.base = {key: value for key, value in self.base.items() if not key.startswith("problem.data.")}
        rows = support.Rows(self.train.features, self.train.labels.astype(np.int32), None)
        rows.labels[7] = 2048
        support.write_rows_hdf5(self.folder / "many.h5", rows)
        config = self.config(problem__data__format="hdf5", problem__data__train_features=str(self.folder / "many.h5"),
                             problem__data__n_validation=50)
        named = self.config(problem__data__format="hdf5", problem__data__train_features=str(self.folder / "many.h5"),
                            problem__data__n_validation=50, problem__data__class_names=[f"c{k}" for k in range(2049)])
        for config, said in ((config, "labels up to 2048, but only 5 of them occur|2049 classes"), (named, "2049 classes: must be at most 2048")):
            for verb in (("plan", config, "--flops", 1), ("run", config, "--out", self.folder / "run")):
                ended = support.run(*verb)
                self.assertEqual(ended.code, 3)
                self.assertRegex(ended.err, said)

    def test_other_problems_and_formats_are_refused(self):
        for settings, word in (({"problem__type": "pbgd_toy"}, "problem.type"), ({"problem__data__format": "csv9"}, "problem.data.format")):
            ended = support.run("plan", self.config(**settings))
            self.assertEqual(ended.code, 2)
            self.assertIn(word, ended.err)


if __name__ == "__main__":
    support.main()
