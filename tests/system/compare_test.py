# SPDX-License-Identifier: MIT
"""Several methods on one problem: the same trials and figures on any number of ranks and after an interruption, refusals and
divergences as rows of the table, and nothing overwritten that is not a comparison's."""
import csv
import os
import re
import shutil
import signal
import xml.etree.ElementTree

import support

TIMES = {"seconds"}


class CompareTest(support.Case):
    methods = "meha,v_pbgd,bome"

    def setUp(self):
        super().setUp()
        self.out = self.folder / "comparison"
        self.toy = self.folder / "toy.toml"
        self.toy.write_text('[run]\nprecision = "float64"\n[problem]\ntype = "merely_convex"\nn = 6\n[algorithm]\noptimizer_x = "sgd"\n')

    def compare(self, *more, config=None, out=None, ranks=1, code=0):
        ended = support.run("compare", config or self.toy, "--out", out or self.out, *more, ranks=ranks)
        self.assertEqual(ended.code, code, f"{ended.out}\n{ended.err}")
        return ended

    def rows(self, out=None):
        with open((out or self.out) / "compare.csv", newline="") as file:
            return list(csv.DictReader(file))

    def figures(self, out=None):
        return [{name: value for name, value in row.items() if name not in TIMES} for row in self.rows(out)]

    def small_cleaning(self, **settings):
        return self.config("cleaning", problem__data__n_holdout=40, problem__noise__kind="uniform", problem__noise__rate=0.3, **settings)

    # ---- what it measures ----

    def test_every_trial_spends_the_budget_but_for_less_than_an_iteration(self):
        ended = self.compare("--algorithms", self.methods, "--tune", "4", "--budget", "200 visits", "--until", "error=1e-2")
        last = {}
        for row in self.rows():
            if row["status"] == "finished":
                last[row["method"], row["trial"]] = float(row["visits"])
        self.assertEqual({method for method, _ in last}, set(self.methods.split(",")))
        for (method, trial), visits in last.items():
            self.assertTrue(170 < visits <= 200, f"{method} {trial}: {visits}")
        self.assertIn("chosen by error", ended.out)
        self.assertEqual(support.run("compare", self.out).out.strip(), (self.out / "compare.txt").read_text().strip())
        self.assertEqual(xml.etree.ElementTree.parse(self.out / "compare.svg").getroot().tag, "{http://www.w3.org/2000/svg}svg")

    def test_a_trial_is_a_run(self):
        """The options of a trial, given to meha run, lead to the same figures."""
        momentum = self.small_cleaning(algorithm__optimizer_y="momentum", algorithm__optimizer_theta="momentum")
        cases = ((self.toy, ("error_x", "error_y", "upper_value", "lower_visits")), (momentum, ("auroc", "upper_value", "lower_visits")))
        for config, names in cases:
            comparison = self.folder / f"of-{config.stem}"
            self.compare("--algorithms", "meha,v_pbgd", "--tune", "1", "--budget", "60 visits", "--baselines", "false", config=config, out=comparison)
            rows = {(row["method"], row["trial"]): row for row in self.rows(comparison)}  # the last ones
            self.assertEqual(len(rows), 4)
            for row in rows.values():
                settings = [f"algorithm.name={row['method']}", *row["settings"].split("; ")]
                out = self.folder / f"{config.stem}-{row['method']}-{row['trial']}"
                own = self.folder / "own.toml"  # without the options of a method that it is not
                own.write_text("".join(line + "\n" for line in config.read_text().splitlines()
                                       if row["method"] == "meha" or not re.match("algorithm.(gamma|penalty|optimizer_theta)", line)))
                ended = support.run("run", own, "--out", out, "--set", f"run.iterations={row['iteration']}",
                                    *(part for setting in settings for part in ("--set", setting)))
                self.assertEqual(ended.code, 0, ended.err)
                last = support.read_metrics(out)[-1]
                for name in names:
                    self.assertEqual(float(row[name]), last[name], f"{row['method']}, trial {row['trial']}: {name}")

    def test_same_figures_on_two_ranks_with_one_or_two_jobs(self):
        arguments = ("--algorithms", self.methods, "--tune", "2", "--budget", "90 visits", "--until", "auroc=0.7")
        config = self.small_cleaning()
        self.compare(*arguments, config=config)
        for jobs in (1, 2):
            out = self.folder / f"jobs-{jobs}"
            self.compare(*arguments, "--jobs", jobs, config=config, out=out, ranks=2)
            self.assertEqual(self.figures(out), self.figures(), f"{jobs} jobs")

    def test_baselines_and_refits_of_doubtful_labels(self):
        ended = self.compare("--algorithms", "meha", "--budget", "60 visits", config=self.small_cleaning())
        by_method = {row["method"]: row for row in self.rows()}
        self.assertEqual(set(by_method), {"meha", "trusted_only", "trim", "all_rows", "truly_clean"})
        for name in ("trusted_only", "truly_clean"):
            self.assertGreater(float(by_method[name]["auroc"]), 0.7, name)
            self.assertGreater(float(by_method[name]["test_accuracy"]), 0.5, name)
        refits = [row for row in self.rows() if row["refit"]]
        self.assertEqual([row["method"] for row in refits], ["meha"])
        iterations = [row["iteration"] for row in self.rows() if row["method"] == "meha"]
        self.assertEqual(len(iterations), len(set(iterations)), "a line for each report")
        self.assertIn("chosen by holdout_solved", ended.out)
        self.assertIn("refit", ended.out)

    def test_variants(self):
        self.compare("--algorithms", "aid,aid:solver=neumann,aid:solver=gradient:inner=3,aid:damping=1e-1,aid:damping=1e+1", "--budget", "60 visits")
        settings = {row["method"]: row["settings"] for row in self.rows()}
        self.assertEqual(set(settings), {"aid", "aid:solver=neumann", "aid:solver=gradient:inner=3", "aid:damping=1e-1", "aid:damping=1e+1"})
        values = {row["method"]: row["upper_value"] for row in self.rows()}
        self.assertNotEqual(values["aid:damping=1e-1"], values["aid:damping=1e+1"])
        self.assertIn("algorithm.aid.solver=gradient; algorithm.aid.inner=3", settings["aid:solver=gradient:inner=3"])
        ended = support.run("compare", self.toy, "--out", self.folder / "none", "--algorithms", "aid:tea=1")
        self.assertEqual(ended.code, 2)
        self.assertIn("algorithm.aid.tea", ended.err)

    def test_several_seeds(self):
        self.compare("--algorithms", "meha,bome", "--seeds", "2", "--budget", "60 visits", "--baselines", "false", config=self.small_cleaning())
        rows = self.rows()
        self.assertEqual({row["seed"] for row in rows}, {"0", "1"})
        first, second = ({row["auroc"] for row in rows if row["seed"] == seed and row["iteration"] != "0"} for seed in "01")
        self.assertNotEqual(first, second)

    # ---- refusals and divergences are rows ----

    def test_measuring_is_no_divergence(self):
        """A lower level of a large curvature, where gradient steps of length 1 leave all bounds."""
        steep = self.folder / "steep.toml"
        steep.write_text('[run]\nprecision = "float64"\n[problem]\ntype = "strongly_convex"\nn = 10\ncondition = 1e8\n')
        self.compare("--algorithms", "f2ba,v_pbgd,soba", "--budget", "60 visits", config=steep)
        self.assertEqual({row["status"] for row in self.rows()}, {"finished"})

    def test_refused_and_diverged(self):
        lasso = self.folder / "lasso.toml"
        lasso.write_text('[problem]\ntype = "lasso_nonsmooth"\nn = 6\n[algorithm]\noptimizer_x = "sgd"\n')
        ended = self.compare("--algorithms", "meha,bome", "--budget", "30 visits", config=lasso)
        self.assertIn("refused", ended.out)
        self.assertIn("nonsmooth g", ended.out)
        self.assertEqual({row["method"]: row["status"] for row in self.rows()}, {"meha": "finished", "bome": "refused"})
        out = self.folder / "wild"
        ended = self.compare("--algorithms", "meha,bome", "--budget", "300 visits", "--set", "algorithm.beta=1e6", "--set", "algorithm.alpha=1",
                             "--set", "algorithm.eta=1", out=out)
        self.assertIn("diverged", ended.out)
        self.assertIn("diverged", {row["status"] for row in self.rows(out)})

    def test_bad_arguments(self):
        for more, reason in ((("--budget", "200"), "visits, passes or s"), (("--budget", "-3 visits"), "above 0"),
                             (("--every", "3 s"), "unit of --budget"), (("--every", "1e-15 visits"), "100,000 reports"), (("--until", "auroc"), "auroc=0.97"),
                             (("--algorithms", "meha,tea"), "tea"), (("--algorithms", "meha,meha"), "twice")):
            ended = support.run("compare", self.toy, "--out", self.out, *more)
            self.assertEqual(ended.code, 2, f"{more}: {ended.out}{ended.err}")
            self.assertIn(reason, ended.err, more)
        ended = support.run("compare", self.toy, "--out", self.out, "--budget", "30 visits", "--select", "tea")
        self.assertEqual(ended.code, 2, ended.err)
        self.assertIn("--select tea", ended.err)

    # ---- interruptions, and other people's files ----

    def test_goes_on_where_it_was_killed(self):
        arguments = ("--algorithms", self.methods, "--tune", "3", "--budget", "60 visits")
        config = self.small_cleaning()
        whole = self.folder / "whole"
        self.compare(*arguments, config=config, out=whole)
        for kill in (signal.SIGKILL, signal.SIGTERM):
            shutil.rmtree(self.out, ignore_errors=True)
            job = support.start("compare", config, "--out", self.out, *arguments)
            support.wait_for(lambda: len(list((self.out / "trials").glob("*.jsonl"))) > 5 or job.poll() is not None, what="trials")
            os.kill(job.pid, kill)
            support.finish(job)
            self.compare(*arguments, config=config, ranks=2)
            self.assertEqual(self.figures(), self.figures(whole))
        torn = self.out / "trials" / "meha-1-seed0.jsonl"
        torn.write_text(torn.read_text()[:-20])
        self.compare(*arguments, config=config)
        self.assertEqual(self.figures(), self.figures(whole))

    def test_more_trials_join_those_there_are(self):
        self.compare("--algorithms", "meha", "--tune", "1", "--budget", "30 visits")
        before = self.figures()
        self.compare("--algorithms", "meha,bome", "--tune", "2", "--budget", "30 visits")
        kept = [row for row in self.figures() if row["method"] == "meha" and row["trial"] in "01"]
        strip = lambda rows: [{k: v for k, v in row.items() if k != "chosen"} for row in rows]
        self.assertEqual(strip(kept), strip(before))

    def test_another_comparison_and_foreign_files_stay(self):
        self.compare("--algorithms", "meha", "--budget", "30 visits")
        ended = self.compare("--algorithms", "meha", "--budget", "40 visits", code=5)
        self.assertIn("another config or budget", ended.err)
        foreign = self.folder / "mine"
        foreign.mkdir()
        (foreign / "compare.csv").write_text("mine\n")
        ended = self.compare("--algorithms", "meha", "--budget", "30 visits", out=foreign, code=5)
        self.assertTrue(re.search("holds other files", ended.err), ended.err)
        self.assertEqual((foreign / "compare.csv").read_text(), "mine\n")


if __name__ == "__main__":
    support.main()
