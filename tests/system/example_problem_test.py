# SPDX-License-Identifier: MIT
"""A problem of a user's own, built against the installed library: all that the program can, and the right optimum."""
import json
import shutil
import socket
import time

import numpy as np

import support

LOW = 0xFFFFFFFF
FEW = ["--set", "run.iterations=120"]  # several ranks on few busy cores take milliseconds for each


# ---- the example's rows and optimum, restated ----

def philox(seed, stream, step, row):
    """Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011). @return uniform numbers in [0, 1)"""
    row, step = np.broadcast_arrays(np.uint64(row), np.uint64(step))
    low, half = np.uint64(LOW), np.uint64(32)
    counter = [row & low, row >> half, step & low, np.full(row.shape, stream, np.uint64)]
    key = [seed & LOW, seed >> 32]
    for _ in range(10):
        p, q = counter[0] * np.uint64(0xD2511F53), counter[2] * np.uint64(0xCD9E8D57)
        counter = [(q >> half) ^ counter[1] ^ np.uint64(key[0]), q & low, (p >> half) ^ counter[3] ^ np.uint64(key[1]), p & low]
        key = [(key[0] + 0x9E3779B9) & LOW, (key[1] + 0xBB67AE85) & LOW]
    return ((counter[1] << half | counter[0]) >> np.uint64(11)).astype(float) * 2.0**-53


def make_rows(n_rows, part, n_features=20, noise=4):
    y_true = 2 * philox(0, 1002, np.arange(n_features), 0) - 1
    uniform = 2 * philox(0, 1000 + part, np.arange(n_features + 1)[None, :], np.arange(n_rows)[:, None]) - 1
    a = uniform[:, :n_features]
    return a, a @ y_true + noise * uniform[:, n_features]


class Ridge:
    def __init__(self):
        self.a, self.b = make_rows(200, 0)
        self.validation_a, self.validation_b = make_rows(1000, 1)

    def y(self, x):
        n, m = self.a.shape
        return np.linalg.solve(self.a.T @ self.a / n + np.exp(x) * np.eye(m), self.a.T @ self.b / n)

    def upper(self, y):
        return np.mean((self.validation_a @ y - self.validation_b) ** 2) / 2

    def best_x(self):
        grid = np.linspace(-10, 10, 4001)
        return grid[np.argmin([self.upper(self.y(x)) for x in grid])]


# ---- the example ----

class ExampleProblemTest(support.ExampleCase):
    example, name = "example_problem", "ridge"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.failing = cls.build_failing()
        cls.start = cls.folder / "start"
        cls.run_ok(cls.start, *FEW)

    @classmethod
    def build_failing(cls):
        """@return the example, with a constructor that throws on rank 1"""
        folder = cls.folder / "failing"
        shutil.copytree(cls.source, folder)
        source = folder / "main.cpp"
        text = source.read_text(encoding="utf-8")
        end = "owned(options, comm, own_.n_validation)) {}"
        assert text.count(end) == 1
        source.write_text(text.replace(end, end[:-1] + '\n    if (comm.rank() == 1) {\n      throw Error(ExitCode::Data, "part-1.csv: is missing");\n'
                                            "    }\n  }"), encoding="utf-8")
        return cls.build(folder, folder / "build")

    def test_optimum(self):
        ridge, state = Ridge(), support.read_state(self.whole)
        x, y, best = state["x"][0], state["y"], ridge.best_x()
        metrics = support.read_metrics(self.whole)[-1]
        self.assertAlmostEqual(metrics["upper_value"], ridge.upper(y), delta=1e-12)  # rows are what they should be
        self.assertLess(abs(x - best), 0.1)                                          # the penalty is finite: not exact
        self.assertLess(ridge.upper(ridge.y(x)), ridge.upper(ridge.y(best)) * (1 + 1e-4))
        self.assertLess(np.linalg.norm(y - ridge.y(x)), 0.02 * np.linalg.norm(y))

    def test_same_bits_on_three_ranks(self):
        out = self.folder / "three"
        self.run_ok(out, *FEW, ranks=3)
        self.assert_same_state(self.start, out)

    def test_killed_and_resumed(self):
        out, reference = self.folder / "killed", self.folder / "reference"
        job = support.start("run", self.config, "--out", out, "--set", f"run.iterations={support.ENDLESS}",
                            "--set", "checkpoint.every=10", ranks=3)
        self.addCleanup(support.finish, job)
        self.addCleanup(support.kill_ranks, job)
        support.wait_for(lambda: support.checkpoints(out) or job.poll() is not None, what="first checkpoint")
        support.kill_ranks(job)
        self.assertNotEqual(support.finish(job).code, 0)
        done = int(support.checkpoints(out)[-1].stem.split("-")[1])
        end = ["--set", f"run.iterations={done + 50}"]
        self.assertEqual(support.run("resume", out, *end, ranks=2).code, 0)
        self.run_ok(reference, *end)
        self.assert_same_state(reference, out)

    def test_stopped_and_resumed(self):
        out = self.folder / "stopped"
        ended = support.run("run", self.config, "--out", out, *FEW, "--set", "run.time_limit_s=1e-6")
        self.assertEqual(ended.code, 75, ended.err)
        self.assertEqual(support.run("resume", out, "--set", "run.time_limit_s=0", ranks=3).code, 0)
        self.assert_same_state(self.start, out)

    def test_a_constructor_that_fails_on_one_rank(self):
        ridge, support.program = support.program, self.failing
        self.addCleanup(setattr, support, "program", ridge)
        for ranks in (2, 3):
            with self.subTest(ranks=ranks):
                began = time.monotonic()
                ended = support.run("run", self.config, "--out", self.folder / "failed", ranks=ranks)
                self.assertEqual(ended.code, 3, ended.err)
                self.assertEqual(ended.err.strip(), f"meha: rank 1 on {socket.gethostname()}: part-1.csv: is missing")
                self.assertLess(time.monotonic() - began, 10)

    def test_check(self):
        ended = support.run("check", self.config)
        self.assertEqual(ended.code, 0, f"{ended.out}\n{ended.err}")
        self.assertIn("grad_x of f", ended.out)

    def test_its_options_and_metrics_are_known_everywhere(self):
        options = support.run("list", "options").out
        self.assertIn("problem.ridge.noise = 4.0\n    largest error of a target; must be >= 0 [problem.type = ridge]", options)
        self.assertRegex(support.run("list", "metrics").out, r"ridge_weight +e\^x\n")
        inspected = json.loads(support.run("inspect", self.whole, "--json").out)
        last = support.read_metrics(self.whole)[-1]
        self.assertEqual(inspected["config"]["problem"]["ridge"], {"n_train": 200, "n_validation": 1000, "noise": 4})
        self.assertEqual(inspected["metrics"]["ridge_weight"], last["ridge_weight"])
        self.assertAlmostEqual(last["ridge_weight"], np.exp(support.read_state(self.whole)["x"][0]), places=12)
        config = (self.whole / "config.toml").read_text(encoding="utf-8")
        self.assertIn("[problem.ridge]\nn_train = 200\n", config)
        self.assertNotIn("n_tasks", config)  # of another problem
        self.assertEqual(support.run("export", self.whole, "--what", "history").code, 0)
        self.assertIn(",ridge_weight,norm_y,", (self.whole / "history.csv").read_text(encoding="utf-8").splitlines()[0])
        ended = support.run("run", self.config, "--out", self.folder / "none", "--set", "problem.n_tasks=7")
        self.assertEqual(ended.code, 2)
        self.assertIn('problem.n_tasks = 7: is an option of problem.type = "hyper_representation", which is "ridge" here', ended.err)
        ended = support.run("resume", self.whole, "--set", "problem.ridge.noise=5")
        self.assertEqual(ended.code, 2)
        self.assertIn("may not change", ended.err)
        ended = support.run("plan", self.config)
        self.assertEqual(ended.code, 0, ended.err)
        self.assertIn("ridge: 200 lower and 1000 upper rows, 1 numbers in x, 20 in y, 1 rank", ended.out)

    def test_other_verbs_know_it(self):
        self.assertIn("ridge", support.run("list", "problems").out)
        self.assertIn('type = "ridge"', support.run("inspect", self.whole).out)
        self.assertEqual(support.run("export", self.whole, "--what", "model").code, 0)
        ended = support.run("run", self.config, "--out", self.folder / "none", "--set", "problem.type=tea")
        self.assertEqual(ended.code, 2)
        self.assertIn("|ridge", ended.err)


if __name__ == "__main__":
    support.main()
