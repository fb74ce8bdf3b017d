# SPDX-License-Identifier: MIT
"""Every field of State against an independent restatement of the method in naive float64 NumPy.

    min F(y)  s.t.  y ∈ argmin f(x,·)      F = mean CE over validation rows, f = (1/n) Σ σ(x_i) CE_i(y) + r‖y‖²

Algorithm 1 in its own order θ, x, y (arXiv 2405.09927), full sums, no fusion, no blocks but those of a minibatch.
"""
import dataclasses

import numpy as np

import support
from naive import LOWER_BATCH, UPPER_BATCH, losses_and_gradient, rows_drawn, sigmoid


# ---- directions ----

class Direction:
    """What a gradient becomes before the step; rows have their own counts of visits."""

    def __init__(self, kind, size, momentum, beta1, beta2, epsilon):
        self.kind, self.mu, self.beta1, self.beta2, self.epsilon = kind, momentum, beta1, beta2, epsilon
        self.m, self.v, self.visits = np.zeros(size), np.zeros(size), np.zeros(size)

    def __call__(self, d, at=slice(None)):
        self.visits[at] += 1
        if self.kind == "sgd":
            return d
        if self.kind in ("momentum", "ema"):
            self.m[at] = self.mu * self.m[at] + (1 - self.mu if self.kind == "ema" else 1) * d
            return self.m[at]
        t = self.visits[at]
        self.m[at] = self.beta1 * self.m[at] + (1 - self.beta1) * d
        self.v[at] = self.beta2 * self.v[at] + (1 - self.beta2) * d * d
        m_hat, v_hat = self.m[at] / (1 - self.beta1**t), self.v[at] / (1 - self.beta2**t)
        return m_hat / (np.sqrt(v_hat) + self.epsilon)

    def fields(self, name, per_row):
        if self.kind == "sgd":
            return {}
        if self.kind != "adam":
            return {f"{name}_momentum": self.m}
        moments = {f"{name}_adam_m": self.m, f"{name}_adam_v": self.v}
        return moments | {f"{name}_visits": self.visits} if per_row else moments


# ---- the method ----

@dataclasses.dataclass
class Settings:
    iterations: int = 20
    block_rows: int = 32
    seed: int = 0
    batch_lower: int = 0
    batch_upper: int = 0
    alpha: object = 0.01
    beta: object = 0.3
    eta: object = 0.3
    gamma: float = 10.0
    c: float = 0.5
    p: float = 0.25
    regularisation: float = 0.0
    optimizer_x: str = "adam"
    optimizer_y: str = "sgd"
    optimizer_theta: str = "sgd"
    momentum: float = 0.9
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def config(self):
        names = {"iterations": "run", "block_rows": "run", "seed": "run", "regularisation": "problem", "c": "algorithm.penalty",
                 "p": "algorithm.penalty", "beta1": "algorithm.adam", "beta2": "algorithm.adam", "epsilon": "algorithm.adam"}
        return {f"{names.get(key, 'algorithm')}.{key}": value for key, value in dataclasses.asdict(self).items()}


def step_size(schedule, k, n):
    if not isinstance(schedule, dict):
        return schedule
    if "per_row" in schedule:
        return schedule["per_row"] * n
    return schedule["a"] * (k + schedule.get("b", 1)) ** schedule.get("power", 0)


class Reference:
    def __init__(self, train, validation, n_classes, settings):
        scale = 255.0 if train.features.dtype == np.uint8 else 1.0
        self.a, self.labels = train.features.astype(float) / scale, train.labels
        self.a_val, self.labels_val = validation.features.astype(float) / scale, validation.labels
        self.n_classes, self.s, self.n = n_classes, settings, len(train)
        n_y = n_classes * (self.a.shape[1] + 1)
        self.x, self.y, self.theta = np.zeros(self.n), np.zeros(n_y), np.zeros(n_y)
        kind = dict(momentum=settings.momentum, beta1=settings.beta1, beta2=settings.beta2)
        self.along_x = Direction(settings.optimizer_x, self.n, **kind, epsilon=settings.epsilon / self.n)
        self.along_y = Direction(settings.optimizer_y, n_y, **kind, epsilon=settings.epsilon)
        self.along_theta = Direction(settings.optimizer_theta, n_y, **kind, epsilon=settings.epsilon)

    def lower_rows(self, k):
        return rows_drawn(self.n, self.s.block_rows, self.s.batch_lower, self.s.seed, LOWER_BATCH, k)

    def grad_f(self, rows, y):
        """@return ∇_x f on these rows, ∇_y f"""
        weight = sigmoid(self.x[rows])
        losses, grad_y = losses_and_gradient(self.a[rows], self.labels[rows], y, weight / len(rows), self.n_classes)
        return weight * (1 - weight) * losses / len(rows), grad_y + 2 * self.s.regularisation * y

    def grad_upper(self, k):
        n = len(self.labels_val)
        rows = rows_drawn(n, self.s.block_rows, self.s.batch_upper, self.s.seed, UPPER_BATCH, k)
        mean = np.full(len(rows), 1 / len(rows))
        return losses_and_gradient(self.a_val[rows], self.labels_val[rows], self.y, mean, self.n_classes)[1]

    def step_theta(self, k):
        _, grad = self.grad_f(self.lower_rows(max(k - 1, 0)), self.theta)
        d = grad + (self.theta - self.y) / self.s.gamma
        self.theta = self.theta - step_size(self.s.eta, k, self.n) * self.along_theta(d)

    def step_x(self, k):
        rows = self.lower_rows(k)
        d = self.grad_f(rows, self.y)[0] - self.grad_f(rows, self.theta)[0]  # F does not contain x
        self.x[rows] -= step_size(self.s.alpha, k, self.n) * self.along_x(d, rows)

    def step_y(self, k):
        c_k = self.s.c * (k + 1) ** self.s.p
        _, grad_f = self.grad_f(self.lower_rows(k), self.y)
        d = self.grad_upper(k) / c_k + grad_f - (self.y - self.theta) / self.s.gamma
        self.y = self.y - step_size(self.s.beta, k, self.n) * self.along_y(d)

    def run(self):
        for k in range(self.s.iterations):
            self.step_theta(k)
            self.step_x(k)
            self.step_y(k)
        self.step_theta(self.s.iterations)  # State holds θ^{k+1}
        return ({"x": self.x, "y": self.y, "theta": self.theta} | self.along_x.fields("x", True)
                | self.along_y.fields("y", False) | self.along_theta.fields("theta", False))


class RegularisationReference(Reference):
    """One penalty per feature, shared by all rows: x of f = (1/n) Σ ℓ_i + [l2] ½ Σ_j e^{x_j}‖W_j‖², or of g (l1, group)."""

    def __init__(self, train, validation, n_classes, settings, penalty, squared, x_max):
        super().__init__(train, validation, 1 if squared else n_classes, settings)
        self.penalty, self.squared, self.x_max = penalty, squared, x_max
        kind = dict(momentum=settings.momentum, beta1=settings.beta1, beta2=settings.beta2, epsilon=settings.epsilon)
        self.along_x = Direction(settings.optimizer_x, self.a.shape[1], **kind)
        self.x = self.project(np.full(self.a.shape[1], settings.x_start))

    def weights(self, y):
        return y[:self.n_classes * len(self.x)].reshape(self.n_classes, len(self.x))

    def project(self, x):
        return np.clip(x, -12 if self.penalty == "l2" else 0, self.x_max)

    def grad_rows(self, features, labels, y):
        if not self.squared:
            return losses_and_gradient(features, labels, y, np.full(len(labels), 1 / len(labels)), self.n_classes)[1]
        residual = (features @ y[:-1] + y[-1] - labels) / len(labels)
        return np.append(residual @ features, residual.sum())

    def grad_f(self, rows, y):
        grad = self.grad_rows(self.a[rows], self.labels[rows], y)
        w = self.weights(y)
        if self.penalty != "l2":
            return (np.abs(w).sum(axis=0) if self.penalty == "l1" else np.sqrt((w * w).sum(axis=0))), grad
        self.weights(grad)[:] += np.exp(self.x) * w
        return np.exp(self.x) / 2 * (w * w).sum(axis=0), grad

    def grad_upper(self, k):
        rows = rows_drawn(len(self.labels_val), self.s.block_rows, self.s.batch_upper, self.s.seed, UPPER_BATCH, k)
        return self.grad_rows(self.a_val[rows], self.labels_val[rows], self.y)

    def prox(self, step, y):
        w, y = self.weights(y), y.copy()
        if self.penalty == "l1":
            self.weights(y)[:] = np.sign(w) * np.maximum(np.abs(w) - step * self.x, 0)
        elif self.penalty == "group":
            self.weights(y)[:] = w * np.maximum(1 - step * self.x / np.maximum(np.sqrt((w * w).sum(axis=0)), 1e-300), 0)
        return y

    def step_theta(self, k):
        super().step_theta(k)
        self.theta = self.prox(step_size(self.s.eta, k, self.n), self.theta)

    def step_x(self, k):
        rows = self.lower_rows(k)
        d = self.grad_f(rows, self.y)[0] - self.grad_f(rows, self.theta)[0]
        self.x = self.project(self.x - step_size(self.s.alpha, k, self.n) * self.along_x(d))

    def step_y(self, k):
        super().step_y(k)
        self.y = self.prox(step_size(self.s.beta, k, self.n), self.y)

    def run(self):
        return {name: values for name, values in super().run().items() if name != "x_visits"}


# ---- the tests ----

class ReferenceTest(support.Case):
    def check(self, settings, tolerance=1e-12, more=()):
        out = self.run_ok("run", **{name.replace(".", "__"): value for name, value in dict(more).items()},
                          **{name.replace(".", "__"): value for name, value in settings.config().items()})
        found = support.read_state(out)
        self.compare(found, Reference(self.train, self.validation, self.n_classes, settings).run(), tolerance)

    def check_regularisation(self, penalty, loss, settings, x_start=0.2, x_max=2.0):
        more = {"problem.type": "regularisation", "problem.penalty": penalty, "problem.loss": loss,
                "problem.x_start": x_start, "problem.x_max": x_max}
        out = self.run_ok(f"{penalty}-{loss}-{settings.batch_lower}", **{name.replace(".", "__"): value for name, value in (settings.config() | more).items()})
        settings.x_start = x_start
        self.compare(support.read_state(out), RegularisationReference(self.train, self.validation, self.n_classes, settings,
                                                                      penalty, loss == "squared", x_max).run(), 1e-12)

    def compare(self, found, expected, tolerance):
        self.assertEqual(sorted(found), sorted(expected))
        for name, values in expected.items():
            with self.subTest(field=name):
                self.assertEqual(found[name].shape, values.shape)
                self.assertGreater(abs(values).max(), 0)
                error = abs(found[name] - values).max() / abs(values).max()
                self.assertLessEqual(error, tolerance)

    def use_sizes(self, n_train, n_validation, n_classes, n_features, wrong=0.3):
        self.n_classes = n_classes
        shape = {"n_classes": n_classes, "n_features": n_features}
        self.train = support.make_rows(n_train, **shape, wrong=wrong, seed=11)
        self.validation = support.make_rows(n_validation, **shape, seed=12)
        self.test = support.make_rows(20, **shape, seed=13)
        for part in ("train", "validation", "test"):
            self.base |= support.write_rows_idx(self.folder, part, getattr(self, part))

    def test_one_penalty_per_feature(self):
        settings = {"beta": 0.02, "eta": 0.02, "iterations": 15}
        for penalty in ("l2", "l1", "group"):
            for loss in ("cross_entropy", "squared"):
                with self.subTest(penalty=penalty, loss=loss):
                    self.check_regularisation(penalty, loss, Settings(**settings))
        self.check_regularisation("l2", "squared", Settings(**settings, batch_lower=64, batch_upper=32, optimizer_y="momentum"))

    def test_sgd(self):
        self.check(Settings(optimizer_x="sgd", alpha=400.0))

    def test_adam_on_x(self):
        self.check(Settings())

    def test_adam_everywhere(self):
        self.check(Settings(optimizer_y="adam", optimizer_theta="adam", beta=0.01, eta=0.01, epsilon=1e-3, beta1=0.8, beta2=0.99))

    def test_momentum(self):
        self.check(Settings(optimizer_x="momentum", optimizer_y="momentum", optimizer_theta="momentum", alpha=40.0, beta=0.05, eta=0.05))

    def test_ema(self):
        self.check(Settings(optimizer_x="ema", optimizer_y="ema", optimizer_theta="ema", alpha=400.0, momentum=0.7))

    def test_regularisation(self):
        self.check(Settings(regularisation=0.03))

    def test_step_per_row(self):
        self.check(Settings(optimizer_x="sgd", alpha={"per_row": 2.5}, beta={"per_row": 0.001}))

    def test_step_schedules(self):
        self.check(Settings(alpha={"a": 0.2, "b": 3.0, "power": -1.5}, beta={"a": 0.4, "b": 2.0, "power": -0.5},
                            eta={"a": 0.1, "b": 1.0, "power": 0.25}))

    def test_constant_penalty(self):
        self.check(Settings(c=2.0, p=0.0, gamma=0.7))

    def test_minibatches(self):
        self.check(Settings(batch_lower=64, batch_upper=32, seed=5))

    def test_minibatches_of_small_blocks_sgd(self):
        self.check(Settings(batch_lower=60, batch_upper=31, block_rows=7, seed=6, optimizer_x="sgd", alpha=100.0, iterations=37))

    def test_minibatch_of_all_but_one_block(self):
        self.check(Settings(batch_lower=190, batch_upper=64, seed=7, optimizer_y="momentum", beta=0.03))

    def test_batch_only_below(self):
        self.check(Settings(batch_lower=32, seed=2**32 - 1))

    def test_one_block_for_all(self):
        self.check(Settings(block_rows=512))

    def test_odd_sizes(self):
        self.use_sizes(257, 131, n_classes=7, n_features=1001)
        self.check(Settings(iterations=10, beta=0.01, eta=0.01, block_rows=100))

    def test_two_classes_one_feature(self):
        self.use_sizes(65, 33, n_classes=2, n_features=1)
        self.check(Settings())

    def test_many_features(self):
        self.use_sizes(40, 20, n_classes=11, n_features=4999)
        self.check(Settings(iterations=5, beta=0.002, eta=0.002))

    def test_one_row_in_a_block(self):
        self.use_sizes(13, 9, n_classes=3, n_features=17)
        self.check(Settings(block_rows=1))

    def test_labels_not_all_present_below(self):
        self.use_sizes(50, 30, n_classes=5, n_features=9)
        self.train.labels[self.train.labels == 4] = 0
        self.base |= support.write_rows_idx(self.folder, "train", self.train)
        self.check(Settings())

    def test_float32_kernels(self):
        # Rows of float32 sums: 6e-8 a number, times the growth of a rounding error over 5 steps of plain gradients.
        self.check(Settings(optimizer_x="sgd", alpha=400.0, iterations=5), 2e-4, {"run.precision": "float32"}.items())

    def test_float32_kernels_minibatch(self):
        self.check(Settings(optimizer_x="sgd", alpha=400.0, iterations=5, batch_lower=64), 2e-4, {"run.precision": "float32"}.items())

    @support.NEEDS_BFLOAT16
    def test_bfloat16_products(self):
        # Weights and residuals are off by up to 2^-9 each.
        self.check(Settings(optimizer_x="sgd", alpha=400.0, iterations=5), 1e-2, {"run.precision": "bfloat16"}.items())

    def test_float32_features(self):
        for part in ("train", "validation", "test"):
            rows = getattr(self, part)
            rows.features = ((rows.features.astype(np.float32) - 128) / 60).astype(np.float32)
            support.write_rows_hdf5(self.folder / f"{part}.h5", rows)
            self.base |= {f"problem.data.{part}_features": self.folder / f"{part}.h5", f"problem.data.{part}_labels": ""}
        self.check(Settings(beta=0.05, eta=0.05), more={"problem.data.format": "hdf5"}.items())

    def test_sparse_rows(self):
        self.use_sparse_rows()
        self.check(Settings(), 1e-11)  # nine digits in the text are the same float32
        self.check_regularisation("l1", "cross_entropy", Settings(beta=0.1, eta=0.1, iterations=15, alpha=0.001), x_start=0.02)

    def test_every_simd_level(self):
        for level in ("baseline", "avx2", "avx512"):
            with self.subTest(simd=level):
                out = self.folder / level
                ended = support.run("run", self.config(level, run__simd=level), "--out", out)
                if ended.code == 2 and "processor" in ended.err:
                    continue  # this machine has less
                self.assertEqual(ended.code, 0, ended.err)
                expected = Reference(self.train, self.validation, self.n_classes, Settings()).run()
                for name, values in support.read_state(out).items():
                    self.assertLessEqual(abs(values - expected[name]).max(), 1e-12 * abs(expected[name]).max(), name)


if __name__ == "__main__":
    support.main()
