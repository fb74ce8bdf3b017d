# SPDX-License-Identifier: MIT
"""The same bits in every field of State, and the same metrics, on any number of ranks: also with more ranks than blocks,
and when some ranks have more rows than others."""
import dataclasses

import support

# 200 training rows in blocks of 32 are 7 blocks, 90 validation rows 3, 60 test rows 2.
RANKS = [1, 2, 3, 4, 5, 8, 13]
FULL, MINIBATCH = (0, 0), (96, 32)


@dataclasses.dataclass
class Way:
    """One way to run: what decides the bits, and on which (ranks, placement) it is tried."""
    precision: str
    batches: tuple
    optimizers: tuple  # x, y, theta
    tried: list
    more: dict = dataclasses.field(default_factory=dict)


SGD, ADAM, MIXED = ("sgd",) * 3, ("adam",) * 3, ("adam", "momentum", "ema")
WAYS = {
    "float32 full adam on x": Way("float32", FULL, ("adam", "sgd", "sgd"), [(n, "sharded") for n in RANKS] + [(3, "root")]),
    "float64 minibatch sgd": Way("float64", MINIBATCH, SGD, [(2, "sharded"), (5, "root"), (13, "sharded")], {"algorithm.alpha": 400.0}),
    "float32 minibatch mixed": Way("float32", MINIBATCH, MIXED, [(1, "root"), (3, "root"), (4, "sharded"), (8, "root")]),
    "float64 full adam": Way("float64", FULL, ADAM, [(2, "root"), (4, "root"), (5, "sharded"), (13, "root")],
                             {"algorithm.beta": 0.01, "algorithm.eta": 0.01, "problem.regularisation": 0.01}),
    "float32 mlp": Way("float32", MINIBATCH, ("adam", "momentum", "momentum"), [(2, "sharded"), (3, "root"), (5, "sharded")],
                       {"problem.model": "mlp", "problem.hidden": [20, 10], "problem.data.n_holdout": 40, "run.iterations": 6, "run.report_every": 3}),
    "int16 mlp": Way("int16", MINIBATCH, ("adam", "momentum", "momentum"), [(2, "sharded"), (3, "root"), (5, "sharded")],
                     {"problem.model": "mlp", "problem.hidden": [19], "run.block_rows": 300, "run.iterations": 6, "run.report_every": 3}),
    "int16 linear": Way("int16", FULL, MIXED, [(3, "sharded")]),
    "int16 models of labels": Way("int16", FULL, MIXED, [(2, "sharded"), (3, "sharded")], {"problem.start": "trusted"}),
    "bfloat16 mlp": Way("bfloat16", MINIBATCH, ("adam", "momentum", "momentum"), [(2, "sharded"), (3, "root"), (5, "sharded")],
                        {"problem.model": "mlp", "problem.hidden": [19], "run.iterations": 6, "run.report_every": 3}),
    "bfloat16 linear": Way("bfloat16", FULL, MIXED, [(3, "sharded")]),
    "float64 shuffled, noise, odd blocks": Way("float64", (50, 0), ("adam", "sgd", "adam"), [(2, "root"), (3, "sharded"), (5, "sharded"), (8, "sharded")],
                                               {"problem.data.shuffle": True, "problem.noise.kind": "uniform",
                                                "problem.noise.rate": 0.4, "run.block_rows": 17, "algorithm.eta": 0.01}),
    "float32 shared x, l2": Way("float32", FULL, ADAM, [(2, "sharded"), (3, "root"), (5, "sharded")],
                                {"problem.type": "regularisation", "problem.penalty": "l2", "problem.x_max": 3.0,
                                 "problem.data.standardise": True, "algorithm.beta": 0.01, "algorithm.eta": 0.01}),
    "float64 shared x, group, minibatch": Way("float64", MINIBATCH, MIXED, [(2, "sharded"), (3, "sharded"), (5, "sharded")],
                                              {"problem.type": "regularisation", "problem.penalty": "group",
                                               "problem.x_start": 0.01}),
    "float32 sparse": Way("float32", MINIBATCH, MIXED, [(2, "sharded"), (3, "root"), (5, "sharded")],
                          {"algorithm.beta": 0.05, "algorithm.eta": 0.05, "problem.data.standardise": True}),
    "float64 sparse, shared x": Way("float64", FULL, ADAM, [(2, "sharded"), (3, "sharded"), (5, "sharded"), (13, "sharded")],
                                    {"problem.type": "regularisation", "problem.penalty": "l1", "problem.x_start": 0.01,
                                     "algorithm.beta": 0.01, "algorithm.eta": 0.01}),
    "float32 shared x, squared loss": Way("float32", MINIBATCH, ADAM, [(2, "sharded"), (3, "sharded"), (5, "sharded")],
                                          {"problem.type": "regularisation", "problem.loss": "squared", "problem.x_max": 3.0,
                                           "algorithm.beta": 0.01, "algorithm.eta": 0.01}),
}


class RanksTest(support.Case):
    def settings(self, way):
        x, y, theta = way.optimizers
        return {"run.precision": way.precision, "run.iterations": 12, "run.report_every": 4,
                "algorithm.batch_lower": way.batches[0], "algorithm.batch_upper": way.batches[1],
                "algorithm.optimizer_x": x, "algorithm.optimizer_y": y, "algorithm.optimizer_theta": theta,
                **way.more}

    def one(self, way, ranks, placement):
        settings = {key.replace(".", "__"): value for key, value in self.settings(way).items()}
        balance = ":".join(["4", "1", "2", "0"][rank % 4] for rank in range(ranks))
        return self.run_ok(f"{ranks}-{placement}", ranks=ranks, comm__placement=placement, comm__balance=balance, **settings)

    def check(self, name):
        way = WAYS[name]
        alone = self.one(way, 1, "sharded")
        for ranks, placement in way.tried:
            if (ranks, placement) == (1, "sharded"):
                continue
            with self.subTest(ranks=ranks, placement=placement):
                together = self.one(way, ranks, placement)
                self.assert_same_state(alone, together)
                self.assertEqual([support.without_timings(line) for line in support.read_metrics(alone)],
                                 [support.without_timings(line) for line in support.read_metrics(together)])
                self.assertEqual(support.read_attribute(together / "result.h5", "ranks"), ranks)

    def test_float32_full_adam_on_x(self):
        self.check("float32 full adam on x")

    def test_float64_minibatch_sgd(self):
        self.check("float64 minibatch sgd")

    def test_float32_minibatch_mixed(self):
        self.check("float32 minibatch mixed")

    def test_float64_full_adam(self):
        self.check("float64 full adam")

    def test_float32_mlp(self):
        self.check("float32 mlp")

    def test_int16_mlp(self):
        self.check("int16 mlp")

    def test_int16_linear(self):
        self.check("int16 linear")

    def test_int16_models_of_labels(self):
        self.check("int16 models of labels")

    @support.NEEDS_BFLOAT16
    def test_bfloat16_mlp(self):
        self.check("bfloat16 mlp")

    @support.NEEDS_BFLOAT16
    def test_bfloat16_linear(self):
        self.check("bfloat16 linear")

    def test_float64_shuffled_noise_odd_blocks(self):
        self.check("float64 shuffled, noise, odd blocks")

    def test_float32_shared_x_l2(self):
        self.check("float32 shared x, l2")

    def test_float64_shared_x_group_minibatch(self):
        self.check("float64 shared x, group, minibatch")

    def test_float32_shared_x_squared_loss(self):
        self.check("float32 shared x, squared loss")

    def test_float32_sparse(self):
        self.use_sparse_rows()
        self.check("float32 sparse")

    def test_float64_sparse_shared_x(self):
        self.use_sparse_rows()
        self.check("float64 sparse, shared x")

    def test_rows_by_speed(self):
        """Whatever is measured, and from one sharing to another."""
        whole = self.run_ok("whole")
        parts = self.run_ok("parts", ranks=3, run__iterations=7, comm__balance="1:0:3")
        self.assertIn("rows by speed: rank 1 (", (parts / "run.log").read_text())
        for n, balance in ((14, "measured"), (20, "5:1:1")):
            ended = support.run("resume", parts, "--set", f"run.iterations={n}", "--set", f"comm.balance={balance}", ranks=3)
            self.assertEqual(ended.code, 0, ended.err)
        self.assert_same_state(whole, parts)
        for balance, said in (("fair", "one of each rank"), ("1:2", "3 ranks"), ("0:0:0", "must be > 0"), ("1:-1:1", "one of each rank")):
            ended = support.run("run", self.config(comm__balance=balance), "--out", self.folder / "refused", ranks=3)
            self.assertEqual(ended.code, 2, ended.err)
            self.assertIn("comm.balance = ", ended.err)
            self.assertIn(said, ended.err)

    def test_refit(self):
        alone = self.run_ok("refit-1", run__iterations=4, problem__refit=True)
        for ranks, placement in [(3, "sharded"), (2, "root")]:
            with self.subTest(ranks=ranks, placement=placement):
                together = self.run_ok(f"refit-{ranks}", ranks=ranks, run__iterations=4, problem__refit=True, comm__placement=placement)
                last = support.without_timings(support.read_metrics(together)[-1])
                self.assertIn("refit_kept", last)
                self.assertEqual(support.without_timings(support.read_metrics(alone)[-1]), last)

    def test_random_search(self):
        settings = {"problem__type": "regularisation", "problem__x_max": 1.0, "problem__random_search": 15, "run__iterations": 20,
                    "algorithm__beta": 0.05, "algorithm__eta": 0.05}
        for loss in ("cross_entropy", "squared"):
            alone = self.run_ok(f"{loss}-1", problem__loss=loss, **settings)
            last = support.read_metrics(alone)[-1]
            self.assertEqual(last["search_trials"], 15 * 20 * (2 * self.n_train + self.n_validation) // (205 * self.n_train + self.n_validation))
            self.assertLessEqual(last["search_upper_value"], last["search_shared_upper_value"])
            for ranks in (3, 5):
                with self.subTest(loss=loss, ranks=ranks):
                    together = self.run_ok(f"{loss}-{ranks}", ranks=ranks, problem__loss=loss, **settings)
                    self.assertEqual(support.without_timings(last), support.without_timings(support.read_metrics(together)[-1]))

    def test_hyper_representation(self):
        settings = {"problem__type": "hyper_representation", "problem__hidden": [9, 6], "problem__n_tasks": 7,
                    "problem__n_ways": 2, "problem__n_shots": 2, "problem__n_queries": 3, "problem__held_out_classes": [3, 0],
                    "problem__n_evaluation_tasks": 5, "run__block_rows": 2, "run__iterations": 6, "run__report_every": 3,
                    "algorithm__beta": {"per_row": 0.3}, "algorithm__eta": {"per_row": 0.3},
                    "without": [f"problem.data.test_{what}" for what in ("features", "labels")]}
        for precision in ("float32", "float64"):
            alone = self.run_ok(f"{precision}-1", run__precision=precision, **settings)
            for metric in ("few_shot_accuracy", "few_shot_accuracy_se", "untrained_accuracy", "untrained_accuracy_se"):
                self.assertIn(metric, support.read_metrics(alone)[-1])
            for ranks in (2, 3, 5):
                with self.subTest(precision=precision, ranks=ranks):
                    together = self.run_ok(f"{precision}-{ranks}", ranks=ranks, run__precision=precision, **settings)
                    self.assert_same_state(alone, together)
                    self.assertEqual([support.without_timings(line) for line in support.read_metrics(alone)],
                                     [support.without_timings(line) for line in support.read_metrics(together)])


if __name__ == "__main__":
    support.main()
