#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same iterates of hyper-cleaning by meha, by NumPy and, where it is installed, by PyTorch, each on the same one core.

    tests/bench/compare.py [--models linear mlp] [--rows 5000] [--rounds 7] [--json FILE]
    tests/bench/compare.py --memory            # peak memory of each rank of the program beside its rows

First all run 5 iterations from one start, and their x and y must agree to TOLERANCE of the largest entry (float32; how far
meha in bfloat16 is off is shown). Then
they are timed in turns; medians over rounds and the medians of each round's ratios make the table. Data: Fashion-MNIST
where it is installed, else random numbers; half of the labels wrong.
NumPy: as one would write it with care: all rows at once, [y theta] in one product, losses and activations reused.
PyTorch: as a toolbox does it: each of the steps of theta, x and y is a loss of its own, evaluated where it is needed on all
rows at once and differentiated by autograd, and torch.optim's steps. "reuse" is kinder: it keeps the losses at y from the x-step for the y-step.
"""
import argparse
import gzip
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"
import h5py  # noqa: E402: after the thread counts are set
import numpy as np  # noqa: E402

try:
    import torch
    torch.set_num_threads(1)
except ImportError:
    torch = None

SOURCE = pathlib.Path(__file__).resolve().parents[2]
FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")
HAS_BFLOAT16 = " avx512_bf16 " in pathlib.Path("/proc/cpuinfo").read_text()
TOLERANCE = 1e-3  # a relu that rounding switches shows in single gradients
N_CLASSES, N_HIDDEN = 10, 300
GAMMA, C, P, MOMENTUM, ALPHA, BETA1, BETA2 = 10.0, 2.2, 0.25, 0.9, 0.1, 0.9, 0.999
EPSILON = 0.3  # of Adam; the program divides it by the number of rows
STEP = {"linear": 0.08, "mlp": 0.05}


class Data:
    def __init__(self, n_rows, folder):
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
        self.n_rows = n_rows
        self.file = folder / "data.h5"
        with h5py.File(self.file, "w") as file:
            file["features"], file["labels"] = images, labels
        features = images.astype(np.float32) / np.float32(255)
        self.train, self.validation = features[:n_rows], features[n_rows:]
        self.labels, self.validation_labels = labels[:n_rows], labels[n_rows:]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class NumpyPeer:
    """Parameters are flat; views: W1 with the bias as its last row (features + 1 × units), then W2, b2."""

    def __init__(self, data, model, y):
        self.data, self.model, self.step_size = data, model, STEP[model]
        ones = np.ones((data.n_rows, 1), np.float32)
        self.train, self.validation = np.hstack([data.train, ones]), np.hstack([data.validation, ones])
        self.y = np.concatenate([a.ravel() for a in self.from_program(y)]).astype(np.float32)
        self.theta, self.m_y, self.m_theta = self.y.copy(), np.zeros_like(self.y), np.zeros_like(self.y)
        self.x, self.m, self.v = (np.zeros(data.n_rows) for _ in range(3))
        self.k = 0
        losses, cache = self.forward(self.train, data.labels, [self.theta])
        self.step_theta(self.backward(self.train, [self.theta], cache, self.weights())[0])

    def from_program(self, y):
        width = N_CLASSES if self.model == "linear" else N_HIDDEN
        first = np.hstack([y[:784 * width].reshape(width, 784), y[784 * width:785 * width, None]]).T
        rest = y[785 * width:]
        return [first] if self.model == "linear" else [first, rest[:-N_CLASSES].reshape(N_CLASSES, width).T, rest[-N_CLASSES:]]

    def to_program(self, flat):
        first, *rest = self.views(flat)
        tail = [rest[0].T.ravel(), rest[1]] if rest else []
        return np.concatenate([first[:-1].T.ravel(), first[-1], *tail])

    def views(self, flat):
        if self.model == "linear":
            return [flat.reshape(785, N_CLASSES)]
        n = 785 * N_HIDDEN
        return [flat[:n].reshape(785, N_HIDDEN), flat[n:-N_CLASSES].reshape(N_HIDDEN, N_CLASSES), flat[-N_CLASSES:]]

    def weights(self):
        return (sigmoid(self.x) / self.data.n_rows).astype(np.float32)[:, None]

    def forward(self, features, labels, points):
        """@return losses and (hidden outputs, softmax minus one-hot) at each point"""
        views = [self.views(p) for p in points]
        sums = features @ (np.hstack([v[0] for v in views]) if len(points) > 1 else views[0][0])
        if self.model == "mlp":
            np.maximum(sums, 0, out=sums)
        losses, cache = [], []
        for v, here in zip(views, np.split(sums, len(points), axis=1)):
            logits = here @ v[1] + v[2] if self.model == "mlp" else here.copy()
            logits -= logits.max(axis=1, keepdims=True)
            rows = np.arange(len(labels))
            given = logits[rows, labels]
            np.exp(logits, out=logits)
            total = logits.sum(axis=1, keepdims=True)
            logits /= total
            logits[rows, labels] -= 1
            losses.append(np.log(total[:, 0]) - given)
            cache.append((here, logits))
        return losses, cache

    def backward(self, features, points, cache, weights):
        deltas, rest = [], []
        for point, (hidden, residual) in zip(points, cache):
            delta = residual * weights
            if self.model == "mlp":
                rest.append([hidden.T @ delta, delta.sum(axis=0)])
                delta = (delta @ self.views(point)[1].T) * (hidden > 0)
            else:
                rest.append([])
            deltas.append(delta)
        first = features.T @ (np.hstack(deltas) if len(points) > 1 else deltas[0])
        return [np.concatenate([a.ravel() for a in (one, *more)])
                for one, more in zip(np.split(first, len(points), axis=1), rest)]

    def step_theta(self, grad):
        self.m_theta = MOMENTUM * self.m_theta + grad + (self.theta - self.y) / GAMMA
        self.theta = (self.theta - self.step_size * self.m_theta).astype(np.float32)

    def step(self):
        k, n = self.k, self.data.n_rows
        points = [self.y, self.theta]
        (loss_y, loss_theta), cache = self.forward(self.train, self.data.labels, points)
        s = sigmoid(self.x)
        d = s * (1 - s) / n * (loss_y - loss_theta)
        self.m = BETA1 * self.m + (1 - BETA1) * d
        self.v = BETA2 * self.v + (1 - BETA2) * d * d
        self.x -= ALPHA * (self.m / (1 - BETA1 ** (k + 1))) / (np.sqrt(self.v / (1 - BETA2 ** (k + 1))) + EPSILON / n)
        at_y, at_theta = self.backward(self.train, points, cache, self.weights())
        _, upper = self.forward(self.validation, self.data.validation_labels, [self.y])
        upper = self.backward(self.validation, [self.y], upper, np.float32(1 / n))[0]
        self.m_y = MOMENTUM * self.m_y + upper / (C * (k + 1) ** P) + at_y - (self.y - self.theta) / GAMMA
        self.y = (self.y - self.step_size * self.m_y).astype(np.float32)
        self.step_theta(at_theta)
        self.k += 1

    def result(self):
        return self.x, self.to_program(self.y)


class TorchPeer:
    def __init__(self, data, model, y, reuse=False):
        self.n, self.reuse, self.k = data.n_rows, reuse, 0
        self.train, self.validation = torch.from_numpy(data.train), torch.from_numpy(data.validation)
        self.labels, self.validation_labels = torch.from_numpy(data.labels), torch.from_numpy(data.validation_labels)
        widths = [784, N_CLASSES] if model == "linear" else [784, N_HIDDEN, N_CLASSES]
        self.y, at = [], 0
        for n_in, n_out in zip(widths, widths[1:]):
            for shape in ((n_out, n_in), (n_out,)):
                size = int(np.prod(shape))
                self.y.append(torch.tensor(y[at:at + size].reshape(shape), dtype=torch.float32, requires_grad=True))
                at += size
        self.theta = [p.detach().clone().requires_grad_() for p in self.y]
        self.x = torch.zeros(self.n, requires_grad=True)
        self.optimizer_y = torch.optim.SGD(self.y, lr=STEP[model], momentum=MOMENTUM)
        self.optimizer_theta = torch.optim.SGD(self.theta, lr=STEP[model], momentum=MOMENTUM)
        self.optimizer_x = torch.optim.Adam([self.x], lr=ALPHA, betas=(BETA1, BETA2), eps=EPSILON / self.n)

    @staticmethod
    def losses(features, labels, parameters):
        a = features
        for i in range(0, len(parameters), 2):
            a = torch.nn.functional.linear(torch.relu(a) if i > 0 else a, parameters[i], parameters[i + 1])
        return torch.nn.functional.cross_entropy(a, labels, reduction="none")

    def lower(self, parameters):
        return (torch.sigmoid(self.x) * self.losses(self.train, self.labels, parameters)).mean()

    def distance(self):
        return sum(((t - p) ** 2).sum() for t, p in zip(self.theta, self.y)) / (2 * GAMMA)

    @staticmethod
    def move(optimizer, parameters, loss):
        for parameter, grad in zip(parameters, torch.autograd.grad(loss, parameters)):
            parameter.grad = grad
        optimizer.step()

    def step(self):
        self.move(self.optimizer_theta, self.theta, self.lower(self.theta) + self.distance())
        losses_y = self.losses(self.train, self.labels, self.y)
        with torch.no_grad():
            losses_theta = self.losses(self.train, self.labels, self.theta)
        self.move(self.optimizer_x, [self.x], (torch.sigmoid(self.x) * (losses_y.detach() - losses_theta)).mean())
        upper = self.losses(self.validation, self.validation_labels, self.y).mean() / (C * (self.k + 1) ** P)
        lower = (torch.sigmoid(self.x.detach()) * losses_y).mean() if self.reuse else self.lower(self.y)
        self.move(self.optimizer_y, self.y, upper + lower - self.distance())
        self.k += 1

    def result(self):
        return self.x.detach().numpy(), np.concatenate([p.detach().numpy().ravel() for p in self.y])


class Program:
    """A run of the program per call."""

    def __init__(self, path, data, model, folder, precision):
        self.path, self.folder, self.config = path, folder, folder / f"{model}-{precision}.toml"
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
train_features = "{data.file}"
n_train = {data.n_rows}
n_validation = {data.n_rows}
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
        subprocess.run([self.path, "run", self.config, "--out", out, "--set", f"run.iterations={n_iterations}"], check=True,
                       stdout=subprocess.DEVNULL)
        return out

    def state(self, n_iterations):
        with h5py.File(self.run(n_iterations) / "result.h5") as file:
            return file["state/x"][:], file["state/y"][:]

    def seconds(self, n_iterations):
        last = json.loads((self.run(n_iterations) / "metrics.jsonl").read_text().splitlines()[-1])
        return (last["compute_s"] + last["allreduce_s"] + last["update_s"]) / n_iterations


def seconds(peer, n_iterations):
    start = time.perf_counter()
    for _ in range(n_iterations):
        peer.step()
    return (time.perf_counter() - start) / n_iterations


def difference(found, expected):
    return max(np.abs(a - b).max() / max(np.abs(b).max(), 1e-12) for a, b in zip(found, expected))


def compare(model, arguments, folder):
    """@return a line per program: seconds, ratio to meha, difference of the iterates"""
    data = Data(arguments.rows, folder)
    programs = {"meha": Program(arguments.program, data, model, folder, "float32")}
    if HAS_BFLOAT16:
        programs["meha, bfloat16"] = Program(arguments.program, data, model, folder, "bfloat16")
    y_start = programs["meha"].state(0)[1]
    makers = {"NumPy": lambda: NumpyPeer(data, model, y_start)}
    if torch:
        makers |= {"PyTorch": lambda: TorchPeer(data, model, y_start),
                   "PyTorch, reuse": lambda: TorchPeer(data, model, y_start, reuse=True)}
    expected = programs["meha"].state(5)
    peers, differences = {}, {name: difference(program.state(5), expected) for name, program in programs.items()}
    for name, make in makers.items():
        peers[name] = make()
        seconds(peers[name], 5)
        differences[name] = difference(peers[name].result(), expected)
        if not differences[name] < TOLERANCE:
            sys.exit(f"{name}, {model}: after 5 iterations x or y is {differences[name]:.1e} away, must be below {TOLERANCE}: not the same iterates")
    times = {name: [] for name in [*programs, *peers]}
    n_program = max(1, arguments.iterations // (10 if model == "mlp" else 1))
    n_peer = max(1, n_program // 5)
    for _ in range(arguments.rounds):
        for name, program in programs.items():
            times[name].append(program.seconds(n_program))
        for name, peer in peers.items():
            times[name].append(seconds(peer, n_peer))
    return [{"model": model, "rows": arguments.rows, "program": name, "ms": 1e3 * statistics.median(values),
             "ratio": statistics.median(a / b for a, b in zip(values, times["meha"])), "difference": differences[name]}
            for name, values in times.items()]


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
                lines.append({"config": config, "ranks": ranks, "rank": int(rank), "rows_mib": rows, "peak_mib": int(peak) / 1024,
                              "limit_mib": rows * 1.15 + 64})
    return lines


def print_table(lines):
    def text(value):
        return value if isinstance(value, str) else f"{value:.1e}" if 0 < value < 1e-2 else f"{value:.4g}"
    print("| " + " | ".join(lines[0]) + " |\n|" + "---|" * len(lines[0]))
    for line in lines:
        print("| " + " | ".join(text(value) for value in line.values()) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--program", type=pathlib.Path, default=SOURCE / "build/meha")
    parser.add_argument("--models", nargs="+", choices=["linear", "mlp"], default=["linear", "mlp"])
    parser.add_argument("--rows", type=int, default=5000, help="training rows, and as many validation rows")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--iterations", type=int, default=100, help="of meha (linear) in a round; a tenth for the mlp, a fifth of either for the others")
    parser.add_argument("--memory", action="store_true", help="peak memory instead (needs Fashion-MNIST)")
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        if arguments.memory:
            lines = memory(arguments, pathlib.Path(folder))
        else:
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
            os.environ |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
            for model in arguments.models:
                lines += compare(model, arguments, pathlib.Path(folder))
    print_table(lines)
    if arguments.json:
        arguments.json.write_text(json.dumps(lines, indent=2) + "\n")


if __name__ == "__main__":
    main()
