# SPDX-License-Identifier: MIT
"""The methods for smooth lower levels: the iterations that they take to a known answer."""
import numpy as np

import naive
import support
from rivals_test import RivalCase


class CountsTest(RivalCase):
    """Iterations after which both errors stay below 1e-2 and 1e-6, as counted with restatements of the methods in NumPy
    from the same starts with the same steps; None: not reached."""

    problems = {
        "merely": {"problem.type": "merely_convex", "problem.n": 10},
        "strongly": {"problem.type": "strongly_convex", "problem.n": 100},
        "sine": {"problem.type": "sine_nonconvex", "problem.n": 1},
    }

    def check(self, problem, method, steps, own, counts, iterations):
        alpha, beta, eta = steps
        settings = self.settings(method, own, {"alpha": alpha, "beta": beta, "eta": eta}, self.problems[problem])
        settings |= {"run.iterations": iterations, "run.report_every": 1, "checkpoint.every": 0}
        lines = support.read_metrics(self.run_settings(f"{problem}-{method}-{len(list(self.folder.iterdir()))}", settings))
        with self.subTest(problem=problem, method=method, own=own):
            self.assert_counts([max(line["error_x"], line["error_y"]) for line in lines], counts)

    def assert_counts(self, errors, counts):
        for threshold, count in zip((1e-2, 1e-6), counts):
            found = max((k + 1 for k, error in enumerate(errors) if not error < threshold), default=0)
            if count is None:
                self.assertEqual(found, len(errors))
            else:
                self.assertLessEqual(abs(found - count), count / 10, (found, count))

    def test_v_pbgd(self):
        ramp = {"inner": 1, "gamma_start": 0.0}
        self.check("merely", "v_pbgd", (0.333, 0.701, 0.275), ramp | {"gamma": 8.56, "ramp": 375.0}, (49, 127), 180)
        self.check("strongly", "v_pbgd", (0.26, 0.79, 0.359), ramp | {"gamma": 94.0, "ramp": 63.3}, (293, None), 330)
        self.check("sine", "v_pbgd", (0.536, 0.432, 0.325), ramp | {"gamma": 31.5, "ramp": 36.8}, (32, None), 80)

    def test_g_pbgd(self):
        self.check("merely", "g_pbgd", (0.577, 0.774, 1.0), {"gamma_start": 0.0, "gamma": 3.57, "ramp": 309.0}, (61, 131), 180)
        self.check("strongly", "g_pbgd", (0.541, 0.275, 1.0), {"gamma_start": 0.0, "gamma": 59.8, "ramp": 161.0}, (224, None), 260)
        self.check("sine", "g_pbgd", (0.622, 0.439, 1.0), {"gamma_start": 0.0, "gamma": 75.2, "ramp": 100.0}, (15, None), 80)

    def test_bome(self):  # the 1e-8 in the multiplier keeps it from 1e-6
        norm, value = {"inner": 10, "phi": "norm"}, {"inner": 10, "phi": "value"}
        self.check("merely", "bome", (0.75, 0.967, 0.372), norm | {"rate": 0.273}, (20, None), 150)
        self.check("strongly", "bome", (0.403, 0.0128, 0.903), norm | {"rate": 0.891}, (178, None), 250)
        self.check("merely", "bome", (0.344, 0.267, 0.185), value | {"rate": 0.686}, (66, None), 150)
        self.check("strongly", "bome", (0.856, 0.0673, 0.402), value | {"rate": 0.23}, (34, None), 150)

    def test_f2sa(self):
        benchopt = {"inner": 10, "schedule": "benchopt", "lambda": 1.0, "lambda_growth": 0.1}
        self.check("merely", "f2sa", (0.902 / 0.264, 0.902, 0.902), benchopt, (4, 14), 60)
        self.check("sine", "f2sa", (1.82 / 3.02, 1.82, 1.82), benchopt, (256, None), 300)
        beta = 0.488 / (2 * 1.01)  # as the source ties it to eta and lambda; its alpha is in units of beta
        self.check("merely", "f2sa", (9.76 * beta, beta, 0.488), {"inner": 10, "schedule": "paper", "lambda": 1.01}, (22, 593), 650)

    def test_f2ba(self):
        self.check("merely", "f2ba", (1.37, 0.973, 0.973), {"inner": 10, "lambda": 2.37}, (3, 7), 60)
        self.check("strongly", "f2ba", (0.476, 1.21, 1.21), {"inner": 10, "lambda": 109.0}, (3, None), 60)
        self.check("sine", "f2ba", (0.179, 0.108, 0.108), {"inner": 10, "lambda": 27.1}, (27, None), 100)

    def test_f2sa_p(self):
        self.check("strongly", "f2sa_p", (0.3, 0.926, 0.926), {"inner": 10, "lambda": 147.0}, (7, None), 100)

    def test_sl_bamm(self):
        decaying = {"mu": 0.9, "mu_decay": 0.1, "tau": 0.025}
        self.check("merely", "sl_bamm", (1.0, 0.986, 1.0), decaying | {"strategy": "s2"}, (622, None), 700)
        self.check("merely", "sl_bamm", (1.0, 0.972, 1.0), decaying | {"strategy": "s3"}, (152, 493), 550)
        self.check("strongly", "sl_bamm", (4.29, 0.294, 0.162), {"strategy": "strongly_convex", "tau": 0.001}, (21, 86), 120)

    def test_rxgd(self):  # a run ends before rounding makes a lower gradient 0, where the step is along −∇F
        for rule, problem, horizon, rate, factor, counts, iterations in (
                ("square", "merely", 1500.0, 2.06, 10.8, (16, 47), 100), ("square", "strongly", 1000.0, 2.37, 3.27, (15, 39), 60),
                ("square", "sine", 1500.0, 3.44, 6.12, (6, 15), 60), ("product", "merely", 1500.0, 7.75, 128.0, (17, 47), 100),
                ("product", "strongly", 1000.0, 3.01, 40.8, (21, 69), 100), ("product", "sine", 1500.0, 14.1, 48.5, (7, 15), 60)):
            step = factor * horizon ** (-1 / 3 if rule == "square" else -2 / 3)
            self.check(problem, "rxgd", (step, step, 1.0), {"rule": rule, "horizon": horizon, "rate": rate}, counts, iterations)

    def test_sqcqp(self):
        self.check("merely", "sqcqp", (0.5, 0.5, 1.0), {"width": 0.1, "tolerance": 0.01, "rate": 1.0}, (344, None), 400)
        self.check("strongly", "sqcqp", (0.05, 0.05, 1.0), {"width": 0.01, "tolerance": 0.1, "rate": 0.1}, (401, None), 450)
        self.check("sine", "sqcqp", (0.5, 0.5, 1.0), {"width": 0.01, "tolerance": 0.01, "rate": 1.0}, (11, None), 60)


class ToyCountsTest(CountsTest):
    """The same where no optimum is known: errors are residuals at the States of all iterations, or for pbgd_toy distances,
    relative ones, to the nearest minimum of F on the lower level's solutions y = −x."""

    problems = {
        "pbgd": {"problem.type": "pbgd_toy"},
        "convex": {"problem.type": "rxgd_toy", "problem.n": 20, "problem.lower": "convex"},
        "cosine": {"problem.type": "rxgd_toy", "problem.n": 20, "problem.lower": "cosine"},
    }
    minima = (0.38236007, 1.21514548, 2.82964180)

    def error(self, problem, state):
        x, y = state["x"], state["y"]
        if problem == "pbgd":
            return min(max(abs(x[0] - x_best), abs(y[0] + x_best)) / x_best for x_best in self.minima)
        toy = naive.RxgdToy(20, lower=problem)
        _, upper_x, upper_y = toy.upper(x, y)
        lower_y = np.linalg.norm(toy.lower(x, y)[2])
        if problem == "convex":  # ∇_x F − ∇²_xy f (∇²_yy f)⁻¹ ∇_y F
            return max(lower_y, np.linalg.norm(upper_x + toy.h @ np.linalg.solve(toy.h @ toy.h, upper_y)))
        apart = toy.h @ y - x  # solutions: cos(½‖Hy−x‖²) = −1; what ∇F has along them
        normal = np.concatenate([-apart, toy.h @ apart]) / np.linalg.norm(np.concatenate([apart, toy.h @ apart]))
        upper = np.concatenate([upper_x, upper_y])
        far = 10 if np.cos(apart @ apart / 2) > 0 else 0
        return max(lower_y, np.linalg.norm(upper - normal * (normal @ upper))) + far

    def check(self, problem, method, steps, own, counts, iterations):
        alpha, beta, eta = steps
        settings = self.settings(method, own, {"alpha": alpha, "beta": beta, "eta": eta}, self.problems[problem])
        settings |= {"run.iterations": iterations, "checkpoint.every": 1, "checkpoint.keep": iterations + 2}
        out = self.run_settings(f"{problem}-{method}-{len(list(self.folder.iterdir()))}", settings)
        states = [support.read_state(path) for path in support.checkpoints(out)]
        with self.subTest(problem=problem, method=method, own=own):
            self.assertGreaterEqual(len(states), iterations)
            self.assert_counts([np.inf] * (iterations + 1 - len(states)) + [self.error(problem, state) for state in states], counts)

    def test_v_pbgd(self):
        ramp = {"inner": 1, "gamma_start": 0.0}
        self.check("pbgd", "v_pbgd", (0.0371, 0.0742, 0.0316), ramp | {"gamma": 45.6, "ramp": 156.0}, (79, None), 120)
        self.check("cosine", "v_pbgd", (0.0123, 0.111, 1.65), ramp | {"gamma": 2.52, "ramp": 450.0}, (154, None), 190)

    def test_g_pbgd(self):
        self.check("pbgd", "g_pbgd", (0.113, 0.114, 1.0), {"gamma_start": 0.0, "gamma": 90.6, "ramp": 133.0}, (477, None), 520)

    def test_bome(self):
        self.check("cosine", "bome", (0.0771, 0.0654, 0.0353), {"inner": 10, "phi": "norm", "rate": 0.424}, (55, None), 90)

    def test_f2sa(self):
        benchopt = {"inner": 10, "schedule": "benchopt", "lambda": 1.0, "lambda_growth": 0.1}
        self.check("pbgd", "f2sa", (0.559 / 2.91, 0.559, 0.559), benchopt, (36, None), 80)
        beta = 0.706 / (2 * 1.05)
        self.check("cosine", "f2sa", (2.17 * beta, beta, 0.706), {"inner": 10, "schedule": "paper", "lambda": 1.05}, (11, 45), 80)

    def test_f2ba(self):
        self.check("pbgd", "f2ba", (0.13, 0.116, 0.116), {"inner": 10, "lambda": 107.0}, (4, None), 60)
        self.check("convex", "f2ba", (0.292, 0.0201, 0.0201), {"inner": 10, "lambda": 64.8}, (170, None), 200)
        self.check("cosine", "f2ba", (0.133, 0.201, 0.201), {"inner": 10, "lambda": 2.05}, (10, 27), 60)

    def test_f2sa_p(self):
        self.check("pbgd", "f2sa_p", (0.0955, 0.0809, 0.0809), {"inner": 10, "lambda": 206.0}, (6, None), 60)

    def test_sl_bamm(self):
        decaying = {"mu": 0.9, "mu_decay": 0.1, "tau": 0.025}
        convex = {"strategy": "strongly_convex", "tau": 0.001}
        self.check("cosine", "sl_bamm", (1.0, 0.205, 1.0), decaying | {"strategy": "s3"}, (59, 132), 180)
        self.check("pbgd", "sl_bamm", (0.978, 0.224, 0.853), convex, (24, 62), 100)
        self.check("convex", "sl_bamm", (1.64, 0.133, 2.41), convex, (163, None), 200)

    def test_rxgd(self):
        for rule, problem, horizon, rate, factor, counts, iterations in (
                ("square", "pbgd", 1500.0, 0.834, 2.04, (19, 37), 60), ("product", "pbgd", 1500.0, 3.05, 29.8, (29, 63), 80),
                ("square", "cosine", 2000.0, 2.37, 1.52, (31, 64), 80), ("product", "cosine", 2000.0, 41.2, 18.0, (34, 70), 90)):
            step = factor * horizon ** (-1 / 3 if rule == "square" else -2 / 3)
            self.check(problem, "rxgd", (step, step, 1.0), {"rule": rule, "horizon": horizon, "rate": rate}, counts, iterations)

    def test_sqcqp(self):
        self.check("pbgd", "sqcqp", (0.5, 0.5, 1.0), {"width": 1.0, "tolerance": 0.01, "rate": 1.0}, (63, None), 90)


if __name__ == "__main__":
    support.main()
