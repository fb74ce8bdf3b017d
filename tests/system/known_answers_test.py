# SPDX-License-Identifier: MIT
"""Every problem with a known optimum reaches it with its config and stays there, and without the config's steps; every
problem gives the same bits on any number of ranks and after an interruption."""
import itertools
import re

import support

# Iterations after which the relative error of x and y stays below 1e-2, as measured with the papers' formulas.
STAYS_BELOW = {
    "strongly_convex": (92, 111), "merely_convex_n10": (62, 62), "merely_convex_n100": (62, 62),
    "sine_nonconvex_n1": (52, 52), "sine_nonconvex_n2": (83, 83), "sine_nonconvex_n10": (110, 110),
    "sine_nonconvex_n50": (101, 101), "sine_nonconvex_n100": (76, 76), "sine_nonconvex_n200": (60, 60),
    "sine_nonconvex_n1000": (41, 41), "lasso_nonsmooth_n100": (455, 455), "lasso_nonsmooth_n1000": (455, 455),
    "lasso_nonsmooth_n10000": (455, 455), "merely_convex_bome": (20, 20), "merely_convex_sl_bamm": (152, 152),
}
THRESHOLD = 1e-2
PLAIN = {"sqcqp"}  # methods without directions to choose from
PLAIN_Y = {"rhg", "iaptt_gm", "bvfsm"}  # methods that step y as they are
ON_ALL_PROBLEMS = {"meha", "bome", "sl_bamm"}  # tests/solver/suite_mpi_test.cpp runs all methods on all problems, in one process
ENOUGH = {"hyper_cleaning", "regularisation", "pbgd_toy"}  # x per row; shared, with rows; with bounds on x
NEED_DATA = {
    "hyper_cleaning": {"problem.model": "mlp", "problem.hidden": [9], "problem.refit": False},
    "regularisation": {"problem.x_max": 2.0},
    "hyper_representation": {"problem.hidden": [9], "problem.n_tasks": 11, "problem.n_ways": 2, "problem.n_queries": 3,
                             "problem.n_held_out_classes": 2, "problem.n_evaluation_tasks": 5, "problem.data.test_features": "",
                             "problem.data.test_labels": ""},
}


def first_below_for_good(lines, name):
    return max((line["iteration"] + 1 for line in lines if not line[name] < THRESHOLD), default=0)


class KnownAnswersTest(support.Case):
    def test_optima_are_reached(self):
        for name, limits in STAYS_BELOW.items():
            with self.subTest(config=name):
                out = self.folder / name
                config = support.source / "configs" / f"{name}.toml"
                every = 10 if name.endswith("n10000") else 1
                ended = support.run("run", config, "--out", out, "--set", f"run.report_every={every}")
                self.assertEqual(ended.code, 0, ended.err)
                lines = support.read_metrics(out)
                for error, limit in zip(("error_x", "error_y"), limits):
                    self.assertLessEqual(first_below_for_good(lines, error), 1.1 * limit + every)
                if name in ("merely_convex_n10", "merely_convex_n100"):
                    self.assertLess(max(lines[-1]["error_x"], lines[-1]["error_y"]), 1e-12)

    def without_steps(self, name):
        text = (support.source / "configs" / f"{name}.toml").read_text()
        config = self.folder / f"{name}.toml"
        config.write_text(re.sub(r"(?m)^(alpha|beta|eta) *=.*\n", "", text))
        return config

    def test_steps_nobody_gave(self):
        for name in ("strongly_convex", "merely_convex_n10", "merely_convex_n100", "lasso_nonsmooth_n100", "lasso_nonsmooth_n1000"):
            with self.subTest(config=name):
                out = self.folder / name
                limit = 3 * max(STAYS_BELOW[name])
                ended = support.run("run", self.without_steps(name), "--out", out, "--set", "run.report_every=1", "--set", f"run.iterations={limit + 200}")
                self.assertEqual(ended.code, 0, ended.err)
                self.assertIn("steps chosen: alpha = ", ended.out)
                for error in ("error_x", "error_y"):
                    self.assertLessEqual(first_below_for_good(support.read_metrics(out), error), limit)

    def test_chosen_steps_belong_to_the_run(self):
        config = self.without_steps("strongly_convex")
        few = ["--set", "run.iterations=20", "--set", "run.block_rows=7"]
        for ranks in (1, 3):
            ended = support.run("run", config, "--out", self.folder / str(ranks), *few, ranks=ranks)
            self.assertEqual(ended.code, 0, ended.err)
        whole = self.folder / "1"
        self.assert_same_state(whole, self.folder / "3")
        self.assertIn("beta = {auto = 0.", (whole / "config.toml").read_text())
        again = support.run("run", config, "--out", whole, *few)
        self.assertIn("finished already", again.out)
        copied = support.run("run", whole / "config.toml", "--out", self.folder / "copied")
        self.assertNotIn("steps chosen", copied.out)
        self.assert_same_state(whole, self.folder / "copied")
        other = support.run("run", config, "--out", whole, *few, "--set", "algorithm.beta=0.1")
        self.assertEqual(other.code, 2)
        self.assertIn("algorithm.beta", other.err)
        refused = support.run("run", config, "--out", self.folder / "safe", "--set", "algorithm.beta=safe", "--set", "problem.type=pbgd_toy")
        self.assertEqual(refused.code, 2)
        self.assertIn("auto", refused.err)

    def test_same_bits_and_exact_resume(self):
        problems = re.findall(r"^  (\w+)", support.run("list", "problems").out, re.MULTILINE)
        algorithms = re.findall(r"^  (\w+)", support.run("list", "algorithms").out, re.MULTILINE)
        self.assertLessEqual(set(NEED_DATA), set(problems))
        self.assertIn("meha", algorithms)
        data = {key: value for key, value in self.base.items() if key.startswith("problem.data")}
        self.assertLessEqual(ON_ALL_PROBLEMS | PLAIN | PLAIN_Y, set(algorithms))
        self.assertLessEqual(ENOUGH, set(problems))
        for algorithm, problem in itertools.product(algorithms, problems):
            if algorithm not in ON_ALL_PROBLEMS and problem not in ENOUGH:
                continue
            with self.subTest(algorithm=algorithm, problem=problem):
                config = self.folder / f"{problem}.toml"
                config.write_text(support.toml_text({
                    "algorithm.name": algorithm,
                    "run.iterations": 20, "run.block_rows": 7, "run.report_every": 10, "problem.type": problem, "checkpoint.every": 5,
                    "algorithm.alpha": 0.001, "algorithm.beta": 0.001, "algorithm.eta": 0.001,
                    **({"algorithm.optimizer_x": "momentum"} if algorithm not in PLAIN else {}),
                    **({"algorithm.optimizer_y": "adam"} if algorithm not in PLAIN | PLAIN_Y else {}),
                    **({"algorithm.gamma": 1.0, "algorithm.optimizer_theta": "momentum"} if algorithm == "meha" else {}),
                    **({"problem.n": 60} if problem not in NEED_DATA and problem != "pbgd_toy" else {}),
                    **(data | NEED_DATA[problem] if problem in NEED_DATA else {})}))
                whole = self.folder / f"{algorithm}-{problem}-1"
                for ranks in (1, 5) if algorithm == "meha" else (1,):  # the resumed run is on 3 and on 2
                    out = self.folder / f"{algorithm}-{problem}-{ranks}"
                    ended = support.run("run", config, "--out", out, ranks=ranks)
                    if algorithm != "meha" and ended.code == 2:
                        break
                    self.assertEqual(ended.code, 0, ended.err)
                    self.assert_same_state(whole, out, f"{problem} on {ranks} ranks")
                if ended.code == 2:  # refused: with the method's name and a reason
                    self.assertIn(f'"{algorithm}": needs', ended.err)
                    continue
                out = self.folder / f"{algorithm}-{problem}-resumed"
                support.run("run", config, "--out", out, "--set", "run.iterations=11", ranks=3)
                support.run("resume", out, "--set", "run.iterations=20", ranks=2)
                self.assert_same_state(whole, out, f"{problem} resumed")

    def test_a_method_without_theta_that_blows_up_says_where(self):
        out = self.folder / "blown-up"
        ended = support.run("run", support.source / "configs" / "merely_convex_bome.toml", "--out", out,
                            "--set", "algorithm.beta=1e30", ranks=3)
        self.assertEqual(ended.code, 4, ended.err)
        self.assertIn("lower algorithm.beta", ended.err + ended.out)

    def test_counts_are_those_of_all_lives(self):
        config = support.source / "configs" / "merely_convex_bome.toml"
        whole, resumed = self.folder / "counted", self.folder / "counted-resumed"
        few = ["--set", "run.iterations=12", "--set", "run.report_every=4"]
        self.assertEqual(support.run("run", config, "--out", whole, *few).code, 0)
        self.assertEqual(support.run("run", config, "--out", resumed, "--set", "run.report_every=4", "--set", "run.iterations=6", ranks=3).code, 0)
        self.assertEqual(support.run("resume", resumed, *few, ranks=2).code, 0)
        counts = {"lower_visits": 12 * 11 * 10, "upper_visits": 12 * 10, "row_passes": 12 * 11, "allreduces": 12 * 11}
        for out in (whole, resumed):
            last = support.read_metrics(out)[-1]
            self.assertEqual({name: last[name] for name in counts}, counts)

    def test_gradients(self):
        for config in sorted((support.source / "configs").glob("*.toml")):
            if config.stem in STAYS_BELOW or config.stem in ("group_lasso", "rxgd_toy", "rxgd_toy_cosine", "pbgd_toy"):
                with self.subTest(config=config.name):
                    ended = support.run("check", config)
                    self.assertEqual(ended.code, 0, ended.out)


if __name__ == "__main__":
    support.main()
