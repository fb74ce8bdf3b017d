#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Penalties learnt by the program beside a random search that may visit the rows 20 times as often.

    tests/bench/random_search.py [PROGRAM] [CONFIG...]        configs of problem "regularisation" with one CSV file

Both see the rows as they stand in the file (no shuffling). The search draws x, solves the lower level from zero by
accelerated proximal gradients (FISTA with restarts), and keeps the x of least validation loss; half of its trials draw
one number for all features, half draw each feature's own around it. A visit of one set of rows at one point is a pass;
an iteration of the program counts as three (training rows at y and theta, validation rows at y).
"lower level solved": F at the y that minimises the lower level for the x found, to compare like with like.
"""
import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile
import tomllib

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import h5py  # noqa: E402: after the thread count is set
import numpy as np  # noqa: E402

FACTOR, SEED, STEPS = 20, 1, 200
LOWEST = -12.0  # of the logarithms of l1 and group penalties drawn


def load(data):
    path = data["train_features"]
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf8") as file:
        rows = [row for row in csv.reader(file) if row]
    try:
        float(rows[0][-1])
    except ValueError:
        del rows[0]
    table = np.array(rows, float)
    ends = np.cumsum([data["n_train"], data["n_validation"], data["n_test"]])
    features, labels = table[:ends[-1], :-1], table[:ends[-1], -1].astype(int)
    if data["standardise"]:
        train = features[:ends[0]]
        deviation = train.std(axis=0)
        features = (features - train.mean(axis=0)) / np.where(np.ptp(train, axis=0) > 0, deviation, 1)
    features = np.hstack([features, np.ones((len(features), 1))])
    return [(features[a:b], labels[a:b]) for a, b in zip([0, *ends], ends)]


def loss_and_residual(y, rows):
    features, labels = rows
    z = features @ y
    z -= z.max(axis=1, keepdims=True)
    p = np.exp(z)
    total = p.sum(axis=1, keepdims=True)
    p /= total
    at = np.arange(len(labels)), labels
    loss = np.mean(np.log(total[:, 0]) - z[at])
    p[at] -= 1
    return loss, p / len(labels)


def prox(penalty, y, step, x):
    w = y[:-1]
    s = step * x[:, None]
    if penalty == "l2":
        w /= 1 + step * np.exp(x)[:, None]
    elif penalty == "l1":
        w[:] = np.sign(w) * np.maximum(np.abs(w) - s, 0)
    else:
        w *= np.maximum(1 - s / np.maximum(np.linalg.norm(w, axis=1, keepdims=True), 1e-300), 0)
    return y


def solve(penalty, x, train, n_classes, n_steps):
    y = np.zeros((train[0].shape[1], n_classes))
    step = 2 / np.linalg.norm(train[0].T @ train[0] / len(train[1]), 2)  # softmax: curvature at most 1/2
    ahead, t = y, 1.0
    for _ in range(n_steps):
        _, residual = loss_and_residual(ahead, train)
        new = prox(penalty, ahead - step * (train[0].T @ residual), step, x)
        if np.sum((ahead - new) * (new - y)) > 0:
            t = 1.0
        t_new = (1 + (1 + 4 * t * t) ** 0.5) / 2
        ahead, y, t = new + (t - 1) / t_new * (new - y), new, t_new
    return y


def accuracy(y, rows):
    return np.mean(np.argmax(rows[0] @ y, axis=1) == rows[1])


def search(penalty, sets, n_classes, n_passes, lowest, highest):
    """@return {kind of trial: (validation loss, x)}"""
    draw = np.random.default_rng(SEED)
    train, validation, _ = sets
    best = {}
    for trial in range(n_passes // (STEPS + 1)):
        log = np.full(train[0].shape[1] - 1, draw.uniform(lowest, highest))
        kind = "one number" if trial % 2 == 0 else "per feature"
        if kind == "per feature":
            log = np.clip(log + draw.normal(0, 2, log.shape), lowest, highest)
        x = log if penalty == "l2" else np.exp(log)
        loss = loss_and_residual(solve(penalty, x, train, n_classes, STEPS), validation)[0]
        if kind not in best or loss < best[kind][0]:
            best[kind] = loss, x
    return best


def run(program, config, folder):
    out = os.path.join(folder, "run")
    subprocess.run([program, "run", config, "--out", out, "--set", "problem.data.shuffle=false",
                    "--set", "problem.random_search=0"], check=True,
                   stdout=subprocess.DEVNULL)
    with open(os.path.join(out, "config.toml"), "rb") as file:
        options = tomllib.load(file)
    with open(os.path.join(out, "metrics.jsonl"), encoding="utf8") as file:
        last = json.loads(file.read().splitlines()[-1])
    with h5py.File(os.path.join(out, "result.h5")) as file:
        return options, last, file["state/x"][:]


def compare(program, config):
    with tempfile.TemporaryDirectory() as folder:
        options, last, x = run(program, config, folder)
    problem = options["problem"]
    penalty = problem["penalty"]
    sets = load(problem["data"])
    n_classes = max(int(labels.max()) for _, labels in sets) + 1
    passes = 3 * last["iteration"]
    if penalty == "l2":
        bounds = problem["x_min"], problem["x_max"]
    else:
        bounds = np.log(max(problem["x_min"], np.exp(LOWEST))), np.log(problem["x_max"])
    found = search(penalty, sets, n_classes, FACTOR * passes, *bounds)
    print(f"{os.path.basename(config)}: {penalty}, {len(x)} penalties")
    print(f"{'':34}{'passes':>9}{'F':>9}{'test accuracy':>15}")
    print(f"{'program, (x,y) as it ends':34}{passes:9}{last['upper_value']:9.4f}{last['test_accuracy']:15.4f}")
    rows = [("program, lower level solved", passes, x)]
    rows += [(f"random search, {kind}", FACTOR * passes // 2, x) for kind, (_, x) in found.items()]
    for name, cost, point in rows:
        y = solve(penalty, point, sets[0], n_classes, 20 * STEPS)
        print(f"{name:34}{cost:9}{loss_and_residual(y, sets[1])[0]:9.4f}{accuracy(y, sets[2]):15.4f}", flush=True)


def main():
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    program = sys.argv[1] if len(sys.argv) > 1 else os.path.join(source, "build/meha")
    names = ("breast_cancer", "digits")
    for config in sys.argv[2:] or [os.path.join(source, f"configs/regularisation_{name}.toml") for name in names]:
        compare(program, config)


if __name__ == "__main__":
    main()
