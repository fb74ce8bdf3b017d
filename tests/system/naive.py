# SPDX-License-Identifier: MIT
"""Two bi-level problems in naive float64 NumPy, the random numbers and the softmax model that the program has too.

A problem has x0, y0, per_row (one entry of x for each lower row) and, at (x, y):
    upper, lower                    value, ∇_x, ∇_y of F, of f
    upper_products, lower_products  H v = ∇²_yy·v, J v = ∇²_xy·v of F, of f
    minibatch(j)                    the same problem on the rows of step j (all: itself)
"""
import copy

import numpy as np

LOWER_BATCH, UPPER_BATCH, START = 5, 6, 7  # streams of the random numbers


# ---- Philox4x32-10 (Salmon et al., SC 2011) ----

def philox_64(counter, key):
    counter, key = list(counter), list(key)
    for _ in range(10):
        a, b = counter[0] * 0xD2511F53, counter[2] * 0xCD9E8D57
        counter = [(b >> 32) ^ counter[1] ^ key[0], b & 0xFFFFFFFF, (a >> 32) ^ counter[3] ^ key[1], a & 0xFFFFFFFF]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return counter[1] << 32 | counter[0]


def random_bits(seed, stream, step, row):
    return philox_64([row & 0xFFFFFFFF, row >> 32, step, stream], [seed & 0xFFFFFFFF, seed >> 32])


def random_below(bound, seed, stream, step, row):
    return random_bits(seed, stream, step, row) * bound >> 64


def random_uniform(seed, stream, step, row):
    return (random_bits(seed, stream, step, row) >> 11) * 2.0**-53


# ---- minibatches: one block of each stratum ----

def shuffled(items, seed, stream, step):
    items = list(items)
    for last in range(len(items), 1, -1):
        j = random_below(last, seed, stream, step, last)
        items[last - 1], items[j] = items[j], items[last - 1]
    return items


def rows_drawn(n_rows, block_rows, batch, seed, stream, k):
    if batch == 0 or batch >= n_rows:
        return np.arange(n_rows)
    n_blocks = -(-n_rows // block_rows)
    n_strata = min(n_blocks, -(-batch // block_rows))
    rows = []
    for s in range(n_strata):
        blocks = range(n_blocks * s // n_strata, n_blocks * (s + 1) // n_strata)
        epoch, place = divmod(k, len(blocks))
        block = shuffled(blocks, seed + (s << 32), stream, epoch)[place]
        rows += range(block * block_rows, min((block + 1) * block_rows, n_rows))
    return np.array(rows)


# ---- the softmax model: y = (W row-major, b) ----

def logits_of(features, y, n_classes):
    n_features = features.shape[1]
    w, b = y[:n_classes * n_features].reshape(n_classes, n_features), y[n_classes * n_features:]
    return features @ w.T + b


def log_softmax(logits):
    logits = logits - logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def gradient_of(residual, features):
    """Σ_i of residual_i ⊗ (a_i, 1), as y stands."""
    return np.concatenate([(residual.T @ features).ravel(), residual.sum(axis=0)])


def losses_and_gradient(features, labels, y, weights, n_classes):
    """CE of each row, and Σ_i weights_i ∇CE_i."""
    log_p = log_softmax(logits_of(features, y, n_classes))
    residual = np.exp(log_p)
    residual[np.arange(len(labels)), labels] -= 1
    residual *= weights[:, None]
    return -log_p[np.arange(len(labels)), labels], gradient_of(residual, features)


def slopes_and_product(features, labels, y, v, weights, n_classes):
    """⟨∇CE_i, v⟩ of each row, and Σ_i weights_i ∇²CE_i·v."""
    p = np.exp(log_softmax(logits_of(features, y, n_classes)))
    along = logits_of(features, v, n_classes)
    mean = (p * along).sum(axis=1)
    slopes = mean - along[np.arange(len(labels)), labels]
    return slopes, gradient_of(p * (along - mean[:, None]) * weights[:, None], features)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# ---- the problems ----

class RxgdToy:
    """F = sin(c·x + d·y) + log(‖x+y‖² + 1), f = ½‖Hy−x‖² or its cosine, with the constants of problem/toys."""
    per_row = False

    def __init__(self, n, seed=0, lower="convex"):
        self.cosine = lower == "cosine"
        self.c, self.d, v, self.x0, self.y0 = (np.array([2 * random_uniform(seed, START, step, i) - 1 for i in range(n)])
                                               for step in range(1, 6))
        v /= np.linalg.norm(v)
        q = np.eye(n) - 2 * np.outer(v, v)
        self.h = q @ np.diag(0.1 + 0.9 * (np.arange(n) + 0.5) / n) @ q

    def minibatch(self, _j):
        return self

    def upper(self, x, y):
        angle, s = self.c @ x + self.d @ y, x + y
        square = s @ s + 1
        return (np.sin(angle) + np.log(square), np.cos(angle) * self.c + 2 / square * s,
                np.cos(angle) * self.d + 2 / square * s)

    def upper_products(self, x, y, v):
        angle, s = self.c @ x + self.d @ y, x + y
        square = s @ s + 1
        of_log = 2 / square * v - 4 * (s @ v) / square**2 * s
        return -np.sin(angle) * (self.d @ v) * self.d + of_log, -np.sin(angle) * (self.d @ v) * self.c + of_log

    def lower(self, x, y):
        apart = self.h @ y - x
        half = apart @ apart / 2
        slope = -np.sin(half) if self.cosine else 1
        return np.cos(half) if self.cosine else half, -slope * apart, slope * (self.h @ apart)

    def lower_products(self, x, y, v):
        apart, of_v = self.h @ y - x, self.h @ v
        half = apart @ apart / 2
        slope, bend = (-np.sin(half), -np.cos(half)) if self.cosine else (1, 0)
        d_apart = slope * of_v + bend * (apart @ of_v) * apart  # of slope·apart, along v
        return self.h @ d_apart, -d_apart


class Cleaning:
    """F = mean CE over validation rows, f = (1/n) Σ σ(x_i) CE_i(y) + r‖y‖²."""
    per_row = True

    def __init__(self, train, validation, n_classes, regularisation=0.0, block_rows=32, batch_lower=0, batch_upper=0, seed=0):
        self.a, self.labels = train.features.astype(float) / 255, train.labels
        self.a_val, self.labels_val = validation.features.astype(float) / 255, validation.labels
        self.n_classes, self.regularisation = n_classes, regularisation
        self.drawn = {"block_rows": block_rows, "seed": seed}
        self.batch_lower, self.batch_upper = batch_lower, batch_upper
        self.n = len(self.labels)
        self.x0, self.y0 = np.zeros(self.n), np.zeros(n_classes * (self.a.shape[1] + 1))
        self.rows, self.rows_val = np.arange(self.n), np.arange(len(self.labels_val))

    def minibatch(self, j):
        other = copy.copy(self)
        other.rows = rows_drawn(self.n, **self.drawn, batch=self.batch_lower, stream=LOWER_BATCH, k=j)
        other.rows_val = rows_drawn(len(self.labels_val), **self.drawn, batch=self.batch_upper, stream=UPPER_BATCH, k=j)
        return other

    def of_all_rows(self, values):
        """As long as x; 0 where a row is not in the minibatch."""
        full = np.zeros(self.n)
        full[self.rows] = values
        return full

    def upper_rows(self):
        return self.a_val[self.rows_val], self.labels_val[self.rows_val], np.full(len(self.rows_val), 1 / len(self.rows_val))

    def upper(self, _x, y):
        a, labels, mean = self.upper_rows()
        losses, grad = losses_and_gradient(a, labels, y, mean, self.n_classes)
        return losses @ mean, np.zeros(self.n), grad

    def upper_products(self, _x, y, v):
        a, labels, mean = self.upper_rows()
        return slopes_and_product(a, labels, y, v, mean, self.n_classes)[1], np.zeros(self.n)

    def lower(self, x, y):
        weights, m = sigmoid(x[self.rows]), len(self.rows)
        losses, grad = losses_and_gradient(self.a[self.rows], self.labels[self.rows], y, weights / m, self.n_classes)
        value = weights @ losses / m + self.regularisation * (y @ y)
        return value, self.of_all_rows(weights * (1 - weights) * losses / m), grad + 2 * self.regularisation * y

    def lower_products(self, x, y, v):
        weights, m = sigmoid(x[self.rows]), len(self.rows)
        slopes, product = slopes_and_product(self.a[self.rows], self.labels[self.rows], y, v, weights / m, self.n_classes)
        return product + 2 * self.regularisation * v, self.of_all_rows(weights * (1 - weights) * slopes / m)
