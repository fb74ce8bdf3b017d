# SPDX-License-Identifier: MIT
"""Half a million images of which a quarter may be in memory: what configs/big_fashion_mnist.toml promises of ten millions.

By hand, with all of them (8 GB on disk, some minutes): tests/system/big_data_test.py PROGRAM SOURCE_FOLDER --rows 10000000
"""
import pathlib
import re
import subprocess

import support

N_ROWS = support.option("--rows", 500_000)
FASHION = "/usr/share/datasets/fashion-mnist/"
PEAK = ["/usr/bin/python3", "-S", "-E", str(pathlib.Path(__file__).resolve().parent.parent / "bench" / "peak.py")]


class BigDataTest(support.RestartCase):
    def setUp(self):
        super().setUp()
        self.images, self.test_images = self.folder / "big_fashion.h5", self.folder / "fashion_test.h5"
        for out, part in ((self.folder / "fashion.h5", "train"), (self.test_images, "t10k")):
            self.ran("data", "import", "--format", "idx", f"{FASHION}{part}-images-idx3-ubyte.gz", "--labels",
                     f"{FASHION}{part}-labels-idx1-ubyte.gz", "--out", out)
        self.ran("data", "augment", self.folder / "fashion.h5", self.images, "--rows", N_ROWS + 20000)
        self.memory = max(100, N_ROWS // 10000)  # MiB a rank, of 748 a million rows
        self.n_pass = N_ROWS // 8192

    def ran(self, *arguments, **more):
        ended = support.run(*arguments, timeout_s=3600, **more)
        self.assertEqual(ended.code, 0, f"{ended.out}\n{ended.err}")
        return ended

    def command(self, ranks, out):
        settings = {"problem.data.train_features": self.images, "problem.data.test_features": self.test_images,
                    "problem.data.n_train": N_ROWS, "problem.data.memory": self.memory, "run.iterations": 3 * self.n_pass,
                    "run.report_every": self.n_pass, "checkpoint.every": self.n_pass // 3}
        changes = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        return [support.source / "launch" / "local", ranks, *PEAK, support.program, "run",
                support.source / "configs" / "big_fashion_mnist.toml", "--out", out, *changes]

    def start(self, ranks, out):
        return subprocess.Popen([str(word) for word in self.command(ranks, out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, env=support.environment())

    def test_three_passes(self):
        whole = self.folder / "whole"
        ended = support.finish(self.start(2, whole), timeout_s=3600)
        self.assertEqual(ended.code, 0, ended.err)
        self.assertIn("rows are read from disk in every pass", (whole / "run.log").read_text())
        last = support.read_metrics(whole)[-1]
        print(f"{N_ROWS} rows, {last['seconds']:.0f} s: AUROC {last['auroc']:.4f}, F1 {last['f1']:.4f}, "
              f"test accuracy {last['test_accuracy']:.4f}; peaks [KiB]", *re.findall(r"peak \d (\d+)", ended.out), flush=True)
        self.assertGreaterEqual(last["auroc"], 0.97)
        for peak in re.findall(r"peak \d (\d+)", ended.out):
            self.assertLess(int(peak) / 1024, 1.2 * self.memory)

        job = self.start(3, self.out)  # killed in the middle of its second pass
        self.addCleanup(self.end, job)
        support.wait_for(lambda: job.poll() is not None or any(self.n_pass < int(path.stem[11:]) for path in support.checkpoints(self.out)),
                         what="a checkpoint in the second pass", timeout_s=900)
        self.assertIsNone(job.poll())
        support.kill_ranks(job)
        support.finish(job)
        self.assertLess(self.newest_iteration(), 2 * self.n_pass)
        self.ran("resume", self.out, ranks=1)
        self.assert_same_state(whole, self.out)
        self.assertEqual(*[support.read_metrics(out)[-1]["auroc"] for out in (whole, self.out)])


if __name__ == "__main__":
    support.main()
