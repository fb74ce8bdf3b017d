#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same iterates of hyper-cleaning by meha, NumPy, JAX and PyTorch, and the iterations of two toolboxes: one table.

    tests/bench/peers.py [--models linear mlp] [--threads 1 2] [--rows 5000] [--rounds 7] [--json FILE]
    tests/bench/peers.py --memory              # peak memory of each rank of the program beside its rows

Peers that are not installed are left out, and a line says so. This has all of them:

    python3 -m venv peers
    peers/bin/pip install numpy h5py torch jax higher matplotlib
    peers/bin/pip install --no-deps boat-torch betty-ml  # they ask for old versions of NumPy, but run with new ones
    peers/bin/python tests/bench/peers.py --threads 1 2

First all run 5 iterations from one start, and their x and y must agree to TOLERANCE of the largest entry; those in int16
and bfloat16 need not, the table shows how far they are off. Then all are timed in turns on as many cores as threads (meha:
ranks). Medians over rounds make the table: wall time, processor time and the ratios to meha within each round, "ratio"
and "of processor" in the precision of the line, "to int16" and "to bfloat16" to meha in these. Data: Fashion-MNIST where it is
installed, else random numbers; half of the labels wrong.

NumPy: as one would write it with care: all rows at once, [y theta] in one product, losses and activations reused.
JAX: the same sums as one function under jit, the buffers of its state donated, weights as units × features. Slower, or
not faster: vjp in place of the written gradients; weights as features × units, with and without a transposed copy of
the rows; rows as columns; xla_cpu_enable_fast_math, xla_cpu_prefer_vector_width=512, xla_cpu_use_thunk_runtime=false;
xla_cpu_multi_thread_eigen=false on one core; products by oneDNN, XNNPACK or YNN.
PyTorch: as a toolbox does it: each of the steps of theta, x and y is a loss of its own, evaluated where it is needed
on all rows at once and differentiated by autograd, and torch.optim's steps. "reuse" is kinder: it keeps the losses at
y from the x-step for the y-step; in bfloat16 it is under torch.autocast. "compiled" is the function of JAX under
torch.compile, in bfloat16 with rows stored so. mode="max-autotune-no-cudagraphs" made it no faster.
BOAT (MESO, its form of meha's method) and Betty (DARTS, one lower step for one upper step) make iterations of their
own on the same rows and models, which are not checked.
"""
import argparse
import gzip
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np
from peer import (ALPHA, BETA1, BETA2, C, EPSILON, GAMMA, MOMENTUM, N_CHECKED, N_CLASSES, N_HIDDEN, P, PEERS, STEP)

SOURCE = pathlib.Path(__file__).resolve().parents[2]
FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")
HAS_BFLOAT16 = " avx512_bf16 " in pathlib.Path("/proc/cpuinfo").read_text()
PRECISIONS = {"float32": "meha", "int16": "meha, int16"} | ({"bfloat16": "meha, bfloat16"} if HAS_BFLOAT16 else {})
TOLERANCE = 1e-3  # a relu that rounding switches shows in single gradients
CORES = sorted(os.sched_getaffinity(0))


def write_data(n_rows, path):
    draw = np.random.default_rng(1)
    if (FASHION / "train-images-idx3-ubyte.gz").exists() and n_rows <= 30000:
        with gzip.open(FASHION / "train-images-idx3-ubyte.gz") as file:
            images = np.frombuffer(file.read(16 + 784 * 2 * n_rows), np.uint8, offset=16).reshape(-1, 784)
        with gzip.open(FASHION / "train-labels-idx1-ubyte.gz") as file:
            labels = np.frombuffer(file.read(8 + 2 * n_rows), np.uint8, offset=8).astype(np.int64)
    else:
        images = draw.integers(0, 256, (2 * n_rows, 784), dtype=np.uint8)
        labels = draw.integers(0, N_CLASSES, 2 * n_rows)
    labels[:N_CLASSES] = range(N_CLASSES)
    wrong = np.flatnonzero(draw.random(n_rows) < 0.5)
    labels[wrong] = (labels[wrong] + draw.integers(1, N_CLASSES, len(wrong))) % N_CLASSES
    with h5py.File(path, "w") as file:
        file["features"], file["labels"] = images, labels


class Program:
    """A run of the program per call, as a peer."""

    def __init__(self, path, n_rows, model, folder, precision, ranks):
        self.command, self.folder = [SOURCE / "launch/local", str(ranks), path.resolve(), "run"], folder
        self.config = folder / f"{model}-{precision}.toml"
        self.config.write_text(f"""
[run]
report_every = 1000000
precision = "{precision}"
[problem]
type = "hyper_cleaning"
start = "zero"
model = "{model}"
hidden = [{N_HIDDEN}]
refit = false
[problem.data]
format = "hdf5"
train_features = "{folder / "data.h5"}"
n_train = {n_rows}
n_validation = {n_rows}
shuffle = false
[algorithm]
name = "meha"
gamma = {GAMMA}
penalty = {{c = {C}, p = {P}}}
alpha = {ALPHA}
beta = {STEP[model]}
eta = {STEP[model]}
momentum = {MOMENTUM}
optimizer_x = "adam"
optimizer_y = "momentum"
optimizer_theta = "momentum"
adam = {{beta1 = {BETA1}, beta2 = {BETA2}, epsilon = {EPSILON}}}
[checkpoint]
every = 0
""")

    def run(self, n_iterations):
        out = self.folder / str(time.monotonic_ns())
        command = [*self.command, self.config, "--out", out, "--set", f"run.iterations={n_iterations}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return out

    def state(self, n_iterations):
        with h5py.File(self.run(n_iterations) / "result.h5") as file:
            return file["state/x"][:], file["state/y"][:]

    def total(self, n_iterations):
        """@return wall time of the iterations and processor time of a whole run"""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        last = json.loads((self.run(n_iterations) / "metrics.jsonl").read_text().splitlines()[-1])
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return np.array([last["compute_s"] + last["allreduce_s"] + last["update_s"],
                         after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime])

    def seconds(self, n_iterations):
        """@return wall and processor time of an iteration but for the first, beyond those of a run of that one alone"""
        return (self.total(n_iterations + 1) - self.total(1)) / n_iterations


class Worker:
    """A peer in a process of its own."""

    def __init__(self, name, model, folder, threads):
        self.name, self.iterates, self.log = name, folder / f"{name}.npz", folder / f"{name}.log"
        counts = {f"{library}_NUM_THREADS": str(threads) for library in ("OPENBLAS", "OMP", "MKL")}
        with open(self.log, "w") as log:
            command = [sys.executable, "-B", pathlib.Path(__file__).with_name("peer.py"), name, model, folder]
            self.process = subprocess.Popen(command, env=os.environ | counts, text=True, stderr=log,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ready(self):
        if self.process.stdout.readline():
            return True
        self.close()
        said = self.log.read_text().strip().splitlines() or ["no message"]
        print(f"{self.name} does not run and is left out: {said[-1]}", flush=True)
        return False

    def seconds(self, n_iterations):
        print(n_iterations, file=self.process.stdin, flush=True)
        return [time_s / n_iterations for time_s in json.loads(self.process.stdout.readline())]

    def state(self):
        if not self.iterates.exists():
            return None
        with np.load(self.iterates) as file:
            return file["arr_0"], file["arr_1"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def difference(found, expected):
    return max(np.abs(a - b).max() / max(np.abs(b).max(), 1e-12) for a, b in zip(found, expected))


def started(names, model, folder, threads, expected):
    """@return the peers that run, and how far each is off meha"""
    workers, differences = {}, {}
    for name in names:
        worker = Worker(name, model, folder, threads)
        if not worker.ready():
            continue
        workers[name], found = worker, worker.state()
        if found is None:
            differences[name] = "own method"
            continue
        differences[name] = difference(found, expected)
        if PEERS[name][2] == "float32" and not differences[name] < TOLERANCE:
            sys.exit(f"{name}, {model}: after {N_CHECKED} iterations x or y is {differences[name]:.1e} away, "
                     f"must be below {TOLERANCE}: not the same iterates")
    return workers, differences


def compare(model, threads, names, arguments, folder):
    """@return a line per program: times, ratios to meha, difference of the iterates"""
    os.sched_setaffinity(0, CORES[-threads:])
    write_data(arguments.rows, folder / "data.h5")
    programs = {name: Program(arguments.program, arguments.rows, model, folder, precision, threads)
                for precision, name in PRECISIONS.items()}
    np.save(folder / f"{model}.npy", programs["meha"].state(0)[1])
    expected = programs["meha"].state(N_CHECKED)
    workers, differences = started(names, model, folder, threads, expected)
    differences |= {name: difference(program.state(N_CHECKED), expected) for name, program in programs.items()}
    times = {name: [] for name in [*programs, *workers]}
    n_program = max(1, arguments.iterations // (10 if model == "mlp" else 1))
    for _ in range(arguments.rounds):
        for name, program in programs.items():
            times[name].append(program.seconds(n_program))
        for name, worker in workers.items():
            times[name].append(worker.seconds(max(1, n_program // 5)))
    for worker in workers.values():
        worker.close()

    def ratio(name, other, which):
        """Empty where the other is not there: bfloat16, on a processor without it."""
        if other not in times:
            return ""
        return statistics.median(mine[which] / its[which] for mine, its in zip(times[name], times[other]))
    lines = []
    for name, values in times.items():
        of_precision = PRECISIONS[PEERS[name][2]] if name in workers else name
        wall, processor = (1e3 * statistics.median(column) for column in zip(*values))
        lines.append({"model": model, "threads": str(threads), "program": name, "ms": wall, "processor ms": processor,
                      "ratio": ratio(name, of_precision, 0), "of processor": ratio(name, of_precision, 1),
                      "to int16": ratio(name, "meha, int16", 0), "to bfloat16": ratio(name, "meha, bfloat16", 0),
                      "difference": differences[name]})
    return lines


def installed(program):
    """@return names of the peers that can run here; prints versions and what is left out"""
    version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    modules = dict.fromkeys(module for module, _, _ in PEERS.values())
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    packages = importlib.metadata.packages_distributions()
    versions = [f"{package} {importlib.metadata.version(package)}" for module in modules if module not in missing
                for package in dict.fromkeys(packages.get(module, [module]))]
    print(", ".join([version, f"Python {sys.version.split()[0]}", *versions]))
    if missing:
        print(f"left out, as they are not installed for {sys.executable}: {', '.join(missing)}")
    if not HAS_BFLOAT16:
        print("bfloat16 is left out, as the processor has no AVX512-BF16")
    print(flush=True)
    return [name for name, (module, _, precision) in PEERS.items() if module not in missing and precision in PRECISIONS]


# ---- memory ----

def memory(arguments, folder):
    lines = []
    for config, n_rows in (("hyper_cleaning_fashion_mnist", 20000), ("hyper_cleaning_fashion_mnist_full", 65000),
                           ("hyper_cleaning_fashion_mnist_mlp", 20000)):
        for ranks in (1, 2, 4):
            wrapper = [sys.executable, "-S", "-E", str(SOURCE / "tests/bench/peak.py")]
            command = [str(SOURCE / "launch/local"), str(ranks), *wrapper, str(arguments.program), "run",
                       str(SOURCE / f"configs/{config}.toml"), "--out", str(folder / f"{config}-{ranks}"), "--set",
                       "run.iterations=40", "--set", "problem.refit=false", "--set", "comm.balance=even"]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            rows = n_rows / ranks * 784 / 2**20
            for rank, peak in sorted(re.findall(r"peak (\d+) (\d+)", said)):
                lines.append({"config": config, "ranks": ranks, "rank": int(rank), "rows_mib": rows,
                              "peak_mib": int(peak) / 1024, "limit_mib": rows * 1.15 + 64})
    return lines


def print_lines(lines, head=True):
    def text(value):
        return value if isinstance(value, str) else f"{value:.1e}" if 0 < value < 1e-2 else f"{value:.4g}"
    if head:
        print("| " + " | ".join(lines[0]) + " |\n|" + "---|" * len(lines[0]))
    for line in lines:
        print("| " + " | ".join(text(value) for value in line.values()) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--program", type=pathlib.Path, default=SOURCE / "build/meha")
    parser.add_argument("--models", nargs="+", choices=["linear", "mlp"], default=["linear", "mlp"])
    parser.add_argument("--threads", nargs="+", type=int, choices=range(1, len(CORES) + 1), default=[1], metavar="N")
    parser.add_argument("--rows", type=int, default=5000, help="training rows, and as many validation rows")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--iterations", type=int, default=100,
                        help="of meha (linear) in a round; a tenth for the mlp, a fifth of either for the others")
    parser.add_argument("--memory", action="store_true", help="peak memory instead (needs Fashion-MNIST)")
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        if arguments.memory:
            lines = memory(arguments, pathlib.Path(folder))
            print_lines(lines)
        else:
            names = installed(arguments.program)
            for model in arguments.models:
                for threads in arguments.threads:
                    found = compare(model, threads, names, arguments, pathlib.Path(folder))
                    print_lines(found, head=not lines)
                    lines += found
    if arguments.json:
        arguments.json.write_text(json.dumps(lines, indent=2) + "\n")


if __name__ == "__main__":
    main()
