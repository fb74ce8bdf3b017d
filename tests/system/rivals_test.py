# SPDX-License-Identifier: MIT
"""The methods for smooth lower levels against independent restatements (rivals.py): every field of State, the iterations
to a known answer as counted with such restatements, and the passes and sums that an iteration costs."""
import naive
import rivals
import support
from reference_test import Direction

FIRST = {"alpha": 0.05, "beta": 0.2, "eta": 0.2}  # steps on the toy; those of x are larger where it is per row
CASES = [  # method, options of its own, steps on the toy; what is given of the latter in `cleaning` holds there
    ("bome", {"inner": 4, "phi": "norm", "rate": 0.5}, FIRST, {}),
    ("bome", {"inner": 4, "phi": "value", "rate": 0.3}, FIRST, {}),
    ("v_pbgd", {"inner": 1, "gamma_start": 0.5, "gamma": 3.0, "ramp": 20.0}, FIRST, {}),
    ("v_pbgd", {"inner": 3, "gamma_start": 0.0, "gamma": 2.0, "ramp": 9.0}, FIRST, {}),
    ("f2ba", {"inner": 4, "lambda": 5.0}, FIRST, {}),
    ("f2ba", {"inner": 1, "lambda": 8.0}, FIRST, {}),
    ("f2sa", {"inner": 3, "schedule": "paper", "lambda": 2.0, "lambda_growth": 0.1}, FIRST, {}),
    ("f2sa", {"inner": 3, "schedule": "benchopt", "lambda": 1.0, "lambda_growth": 0.2}, FIRST, {}),
    ("f2sa_p", {"inner": 3, "lambda": 20.0}, FIRST, {}),
    ("sl_bamm", {"strategy": "s1", "mu": 0.9, "mu_decay": 0.1, "tau": 0.025}, FIRST | {"alpha": 1.0, "eta": 1.0}, {}),
    ("sl_bamm", {"strategy": "s2", "mu": 0.8, "mu_decay": 0.2, "tau": 0.03}, FIRST | {"alpha": 1.0, "eta": 1.0}, {}),
    ("sl_bamm", {"strategy": "s3", "mu": 0.5, "mu_decay": 0.0, "tau": 0.025}, FIRST | {"alpha": 1.0, "eta": 1.0}, {}),
    ("sl_bamm", {"strategy": "strongly_convex", "mu": 0.9, "mu_decay": 0.1, "tau": 0.01}, FIRST | {"alpha": 0.5, "eta": 0.5}, {}),
    ("g_pbgd", {"gamma_start": 0.5, "gamma": 4.0, "ramp": 20.0}, FIRST, {}),
    ("rxgd", {"rule": "square", "horizon": 200.0, "rate": 1.0, "x_metric": 1.0}, FIRST, {"x_metric": 200.0**2}),
    ("rxgd", {"rule": "product", "horizon": 200.0, "rate": 3.0, "x_metric": 0.5}, FIRST, {"x_metric": 3000.0}),
    ("sqcqp", {"width": 0.1, "tolerance": 2.0, "rate": 0.5, "x_metric": 1.0}, {"alpha": 0.05, "beta": 0.05},
     {"x_metric": 200.0**2, "tolerance": 0.05}),
]
TOLERANCE = 1e-10


def names(algorithm, own):
    return {f"algorithm.{algorithm}.{name}": value for name, value in own.items()}


class RivalCase(support.Case):
    n_classes, n_features = 3, 10

    def settings(self, algorithm, own, steps, problem):
        plain = {"algorithm.optimizer_x": "sgd", "algorithm.optimizer_y": "sgd"} if algorithm != "sqcqp" else {}
        return problem | plain | {"algorithm.name": algorithm} | names(algorithm, own) | {f"algorithm.{k}": v for k, v in steps.items()}

    def run_settings(self, name, settings, ranks=1):
        toy = settings["problem.type"] != "hyper_cleaning"
        without = {key for key in self.base if toy and key.startswith("problem.") or key.startswith("algorithm.")}
        return self.run_ok(name, ranks=ranks, without=without, **{key.replace(".", "__"): value for key, value in settings.items()})


class IteratesTest(RivalCase):
    """After 1, 2, 3 and 30 iterations, on 1 and 3 ranks."""

    def check(self, problem, method, own, settings, more=lambda _options: {}, tolerance=TOLERANCE, all_ranks=(1, 3)):
        steps = {name: settings[f"algorithm.{name}"] for name in ("alpha", "beta", "eta") if f"algorithm.{name}" in settings}
        settings = settings | {"run.iterations": 30, "checkpoint.every": 1, "checkpoint.keep": 40}
        for ranks in all_ranks:
            out = self.run_settings(f"{method}-{ranks}-{len(list(self.folder.iterdir()))}", settings, ranks)
            of = {int(path.stem.split("-")[1]): path for path in support.checkpoints(out)}
            for n in (1, 2, 3, 30):
                options = own | steps
                expected = getattr(rivals, method)(problem, options | more(options), n)
                expected |= options.pop("moments", {})
                found = support.read_state(of[n] if n in of else out)
                with self.subTest(method=method, own=own, ranks=ranks, iterations=n):
                    self.assert_near(found, expected, tolerance)

    def assert_near(self, found, expected, tolerance):
        self.assertEqual(sorted(found), sorted(expected))
        for name, values in expected.items():
            self.assertEqual(found[name].shape, values.shape, name)
            scale = abs(values).max() or 1
            self.assertLessEqual(abs(found[name] - values).max() / scale, tolerance, name)

    def cleaning(self, **minibatches):
        settings = {"problem.type": "hyper_cleaning", "problem.regularisation": 0.02}
        settings |= {f"algorithm.{name}": value for name, value in minibatches.items()}
        return settings, naive.Cleaning(self.train, self.validation, self.n_classes, 0.02, **minibatches)

    def test_toy(self):
        for lower in ("convex", "cosine"):
            problem = {"problem.type": "rxgd_toy", "problem.n": 20, "problem.lower": lower}
            for method, own, steps, _ in CASES:
                self.check(naive.RxgdToy(20, lower=lower), method, own, self.settings(method, own, steps, problem),
                           all_ranks=(1, 3) if lower == "convex" else (1,))

    def test_cleaning(self):
        settings, problem = self.cleaning()
        for method, own, steps, changes in CASES:
            own = own | changes
            in_metric = "x_metric" in own
            steps = steps | {"alpha": steps["alpha"] * (1 if in_metric else self.n_train)}
            self.check(problem, method, own, self.settings(method, own, steps, settings))

    def test_minibatches(self):
        settings, problem = self.cleaning(batch_lower=64, batch_upper=32)
        for method, own, steps, _ in CASES:
            if method in ("f2ba", "f2sa", "f2sa_p", "sl_bamm"):
                steps = steps | {"alpha": steps["alpha"] * 60}
                self.check(problem, method, own, self.settings(method, own, steps, settings))

    def test_adam_counts_the_steps_of_y(self):
        settings, problem = self.cleaning()
        own = {"inner": 3, "lambda": 5.0}
        settings = self.settings("f2ba", own, FIRST | {"beta": 0.01}, settings) | {"algorithm.optimizer_y": "adam"}

        def along_y(options):
            direction = Direction("adam", len(problem.y0), 0.9, 0.9, 0.999, 1e-8)
            options["moments"] = {"y_adam_m": direction.m, "y_adam_v": direction.v}
            return {"along_y": direction}
        self.check(problem, "f2ba", own, settings, along_y, 1e-8)  # Adam divides by numbers near 0


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
            for threshold, count in zip((1e-2, 1e-6), counts):
                errors = [max(line["error_x"], line["error_y"]) for line in lines]
                found = max((k + 1 for k, error in enumerate(errors) if not error < threshold), default=0)
                if count is None:
                    self.assertEqual(found, iterations + 1)
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

    def test_rxgd(self):
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


class CostsTest(RivalCase):
    """Passes over the rows and sums over ranks that an iteration costs: (x per row, shared x). Where they differ, x is
    stepped between two halves of a pass."""

    costs = [  # method, options of its own, costs
        ("v_pbgd", {"inner": 1}, (1, 2)), ("v_pbgd", {"inner": 4}, (4, 5)),
        ("f2ba", {"inner": 1}, (1, 2)), ("f2ba", {"inner": 10}, (10, 11)), ("f2sa", {"inner": 10}, (10, 11)),
        ("f2sa_p", {"inner": 10}, (10, 11)), ("bome", {"inner": 10}, (11, 11)), ("sl_bamm", {}, (1, 1)),
        ("g_pbgd", {}, (2, 2)), ("rxgd", {}, (2, 2)), ("sqcqp", {"tolerance": 1e-9}, (2, 2)),  # nothing to search
    ]

    def test_costs(self):
        problems = {"problem.type": "hyper_cleaning"}, {"problem.type": "rxgd_toy", "problem.n": 20}
        for method, own, costs in self.costs:
            for problem, cost in zip(problems, costs):
                settings = self.settings(method, own, {"alpha": 0.01, "beta": 0.01, "eta": 0.01}, problem)
                settings |= {"run.iterations": 20, "run.report_every": 10, "checkpoint.every": 0}
                lines = support.read_metrics(self.run_settings(f"{len(list(self.folder.iterdir()))}", settings))
                with self.subTest(method=method, own=own, problem=problem):
                    for name in ("row_passes", "allreduces"):
                        self.assertEqual((lines[-1][name] - lines[-2][name]) / 10, cost, name)


if __name__ == "__main__":
    support.main()
