# SPDX-License-Identifier: MIT
"""The example of a method of one's own, built against the installed package: it solves what it claims to, gives the same bits
on any number of ranks, and goes on from a checkpoint bit for bit."""
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import support


class ExampleAlgorithmTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="meha-system-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        example, build = support.source / "tests" / "example_algorithm", cls.folder / "build"
        cls.call("cmake", "--install", support.program.parent, "--prefix", cls.folder / "prefix")
        cls.call("cmake", "-S", example, "-B", build, f"-DCMAKE_PREFIX_PATH={cls.folder / 'prefix'}")
        cls.call("cmake", "--build", build)
        support.program = build / "penalised"
        cls.config = example / "example.toml"
        cls.whole = cls.folder / "whole"
        cls.run_ok(cls.whole)

    @classmethod
    def run_ok(cls, out, *more, ranks=1):
        ended = support.run("run", cls.config, "--out", out, *more, ranks=ranks)
        if ended.code != 0:
            raise AssertionError(f"{ended.out}\n{ended.err}")

    @classmethod
    def call(cls, *command):
        ended = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300, check=False)
        if ended.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, command))}\n{ended.stdout}\n{ended.stderr}")

    def assert_same_state(self, a, b):
        self.assertEqual(support.different_fields(support.read_state(a), support.read_state(b)), [])

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
