# SPDX-License-Identifier: MIT
"""The example of a method of one's own, built against the installed package: it solves what it claims to, gives the same bits
on any number of ranks, and goes on from a checkpoint bit for bit."""
import csv
import re
import shlex

import support


class ExampleAlgorithmTest(support.ExampleCase):
    example, name = "example_algorithm", "penalised"

    def test_it_solves_the_problem(self):
        last = support.read_metrics(self.whole)[-1]
        self.assertLess(last["error_x"], 0.03)  # the penalty is finite: off by about 1/c
        self.assertLess(last["error_y"], 0.03)

    def test_same_bits_on_three_ranks(self):
        out = self.folder / "three"
        self.run_ok(out, ranks=3)
        self.assert_same_state(self.whole, out)

    def test_stopped_and_resumed(self):
        out = self.folder / "stopped"
        self.run_ok(out, "--set", "run.iterations=777", ranks=3)
        self.assertEqual(support.run("resume", out, "--set", "run.iterations=2000", ranks=2).code, 0)
        self.assert_same_state(self.whole, out)

    def test_open_steps_and_other_problems_are_refused(self):
        for what, reason in (("algorithm.beta=auto", "has no rule"), ("problem.type=lasso_nonsmooth", "without g")):
            ended = support.run("run", self.config, "--out", self.folder / "none", "--set", what)
            self.assertEqual(ended.code, 2, ended.out)
            self.assertIn(reason, ended.err)

    def test_its_options_and_metrics_are_known_everywhere(self):
        self.assertIn("algorithm.penalised.c = 50.0\n    weight of the lower level; must be > 0 [algorithm.name = penalised]",
                      support.run("list", "options").out)
        self.assertRegex(support.run("list", "metrics").out, r"norm_y_minus_w +\|y - w\|\n")
        state = support.read_state(self.whole)
        self.assertAlmostEqual(support.read_metrics(self.whole)[-1]["norm_y_minus_w"],
                               float(((state["y"] - state["w"]) ** 2).sum()) ** 0.5, places=12)
        ended = support.run("run", self.config, "--out", self.folder / "none", "--set", "algorithm.gamma=7")
        self.assertEqual(ended.code, 2)
        self.assertIn('algorithm.gamma = 7.0: is an option of algorithm.name = "meha", which is "penalised" here', ended.err)

    def test_it_is_compared(self):
        """As include/meha/algorithms.md says."""
        guide = (support.source / "include/meha/algorithms.md").read_text(encoding="utf-8")
        command = re.search(r"build/method/penalised (compare (?:.|\\\n)*?)\n```", guide)[1].replace("\\\n", " ")
        places = {"tests/example_algorithm/example.toml": self.config, "runs/mine": self.folder / "compared"}
        ended = support.run(*(places.get(word, word) for word in shlex.split(command)))
        self.assertEqual(ended.code, 0, ended.err)
        with open(self.folder / "compared" / "compare.csv", newline="") as file:
            ended_well = {row["method"] for row in csv.DictReader(file) if row["status"] == "finished"}
        self.assertEqual(ended_well, {"penalised", "meha", "v_pbgd"})

    def test_other_verbs_know_it(self):
        self.assertIn("penalised", support.run("list", "algorithms").out)
        self.assertIn('name = "penalised"', support.run("inspect", self.whole).out)
        ended = support.run("run", self.config, "--out", self.folder / "none", "--set", "algorithm.name=tea")
        self.assertEqual(ended.code, 2)
        self.assertIn("|penalised", ended.err)
        ended = support.run("check", "--solution", self.whole)
        self.assertEqual(ended.code, 0, ended.err)
        self.assertIn("gap", ended.out)


if __name__ == "__main__":
    support.main()
