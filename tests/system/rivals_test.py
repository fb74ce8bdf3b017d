# SPDX-License-Identifier: MIT
"""The methods for smooth lower levels against independent restatements (rivals.py): every field of State; and the passes
and sums that an iteration costs."""
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

    def check(self, problem, method, own, settings, more=lambda _options: {}, tolerance=TOLERANCE, late=None, all_ranks=(1, 3)):
        steps = {name: settings[f"algorithm.{name}"] for name in ("alpha", "beta", "eta") if f"algorithm.{name}" in settings}
        for ranks, last in ((ranks, last) for ranks in all_ranks for last in ((3, 30) if ranks == 1 else (30,))):
            every = {"run.iterations": last, "checkpoint.every": 1 if last == 3 else 0, "checkpoint.keep": 4}
            out = self.run_settings(f"{method}-{ranks}-{len(list(self.folder.iterdir()))}", settings | every, ranks)
            of = {int(path.stem.split("-")[1]): path for path in support.checkpoints(out)}
            for n in (1, 2, 3) if last == 3 else (30,):
                options = own | steps
                expected = getattr(rivals, method)(problem, options | more(options), n)
                expected |= options.pop("moments", {})
                found = support.read_state(of[n] if n in of else out)
                with self.subTest(method=method, own=own, ranks=ranks, iterations=n):
                    self.assert_near(found, expected, late if late and n == 30 else tolerance)

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
            # sqcqp takes the root of a difference that is nearly 0: the start y moved by 1e-16, x moves by 2e-10 in 30 iterations
            late = 1e-8 if method == "sqcqp" else None
            self.check(problem, method, own, self.settings(method, own, steps, settings), late=late)

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
