#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One iteration of hyper-cleaning (linear, 5,000/5,000, float32) here and in NumPy, in turns, on one core.

    tests/bench/numpy_peer.py [PROGRAM] [CONFIG] [ROUNDS]

The NumPy program makes the same iterates in the way one would write them: all rows at once, [y theta] in one product,
BLAS for the products. Prints the medians [ms] and their ratio; absolute times drift, the ratio is what counts.
"""
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np  # noqa: E402: after the thread count is set

DATA = "/usr/share/datasets/fashion-mnist/train-"
N_ROWS, N_CLASSES, N_ITERATIONS = 5000, 10, 40
GAMMA, C, P, STEP, MOMENTUM, EPSILON = 10.0, 2.2, 0.25, 0.08, 0.9, 0.3


def load():
    with gzip.open(DATA + "images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)[:2 * N_ROWS]
    with gzip.open(DATA + "labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)[:2 * N_ROWS].astype(int)
    features = np.concatenate([images.astype(np.float32) / 255, np.ones((2 * N_ROWS, 1), np.float32)], axis=1)
    return features[:N_ROWS], labels[:N_ROWS], features[N_ROWS:], labels[N_ROWS:]


def softmax_loss(logits, labels):
    """Cross-entropy per row, and softmax minus one-hot in place of the logits."""
    logits -= logits.max(axis=1, keepdims=True)
    given = logits[np.arange(len(labels)), labels].copy()
    np.exp(logits, out=logits)
    total = logits.sum(axis=1, keepdims=True)
    logits /= total
    logits[np.arange(len(labels)), labels] -= 1
    return np.log(total[:, 0]) - given, logits


def numpy_ms_per_iteration(data):
    train, labels, validation, validation_labels = data
    y = np.zeros((785, N_CLASSES), np.float32)
    theta = y.copy()
    m_y, m_theta = np.zeros_like(y), np.zeros_like(y)
    x, m, v = np.zeros(N_ROWS), np.zeros(N_ROWS), np.zeros(N_ROWS)
    start = time.perf_counter()
    for k in range(N_ITERATIONS):
        logits = train @ np.concatenate([y, theta], axis=1)
        loss_y, residual_y = softmax_loss(logits[:, :N_CLASSES].copy(), labels)
        loss_theta, residual_theta = softmax_loss(logits[:, N_CLASSES:].copy(), labels)
        s = 1 / (1 + np.exp(-x))
        d = s * (1 - s) / N_ROWS * (loss_y - loss_theta)
        m = 0.9 * m + 0.1 * d
        v = 0.999 * v + 0.001 * d * d
        alpha = 282.8 * (k + 50) ** -1.5
        x -= alpha * (m / (1 - 0.9 ** (k + 1))) / (np.sqrt(v / (1 - 0.999 ** (k + 1))) + EPSILON / N_ROWS)
        weights = (1 / (1 + np.exp(-x)) / N_ROWS).astype(np.float32)[:, None]
        grad = train.T @ np.concatenate([residual_y * weights, residual_theta * weights], axis=1)
        _, residual = softmax_loss(validation @ y, validation_labels)
        upper = validation.T @ (residual / N_ROWS)
        m_y = MOMENTUM * m_y + upper / (C * (k + 1) ** P) + grad[:, :N_CLASSES] - (y - theta) / GAMMA
        y = (y - STEP * m_y).astype(np.float32)
        m_theta = MOMENTUM * m_theta + grad[:, N_CLASSES:] + (theta - y) / GAMMA
        theta = (theta - STEP * m_theta).astype(np.float32)
    return (time.perf_counter() - start) / N_ITERATIONS * 1e3


def program_ms_per_iteration(program, config, folder):
    out = os.path.join(folder, str(time.monotonic_ns()))
    command = [program, "run", config, "--out", out, "--set", f"run.iterations={N_ITERATIONS * 5}", "--set",
               "problem.refit=false", "--set", f"run.report_every={N_ITERATIONS * 5}", "--set", "checkpoint.every=0"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(out, "metrics.jsonl"), encoding="utf8") as file:
        last = json.loads(file.read().splitlines()[-1])
    return (last["compute_s"] + last["allreduce_s"] + last["update_s"]) / (N_ITERATIONS * 5) * 1e3


def main():
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    program = sys.argv[1] if len(sys.argv) > 1 else os.path.join(source, "build/meha")
    config = sys.argv[2] if len(sys.argv) > 2 else os.path.join(source, "configs/hyper_cleaning_fashion_mnist.toml")
    n_rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 7
    data = load()
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(n_rounds):
            rounds.append((numpy_ms_per_iteration(data), program_ms_per_iteration(program, config, folder)))
    numpy_ms, program_ms = (statistics.median(column) for column in zip(*rounds))
    ratio = statistics.median(a / b for a, b in rounds)
    print(f"NumPy {numpy_ms:.2f} ms   meha {program_ms:.2f} ms   NumPy/meha {ratio:.2f} (medians of {n_rounds} rounds)")


if __name__ == "__main__":
    main()
