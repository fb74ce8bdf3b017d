#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One row of the table of peers.py, in a process of its own: libraries fix their number of threads when they start.

    tests/bench/peer.py NAME linear|mlp FOLDER

FOLDER holds data.h5 and, as linear.npy or mlp.npy, the start of y. The process makes 5 iterations, writes x and y to
NAME.npz and a line to standard output, then answers every number of iterations on standard input by the wall and the
processor time [s] that they took.
"""
import functools
import json
import pathlib
import sys
import tempfile
import time

import h5py
import numpy as np

N_CLASSES, N_HIDDEN = 10, 300
GAMMA, C, P, MOMENTUM, ALPHA, BETA1, BETA2 = 10.0, 2.2, 0.25, 0.9, 0.1, 0.9, 0.999
EPSILON = 0.3  # of Adam; the program divides it by the number of rows
STEP = {"linear": 0.08, "mlp": 0.05}
N_CHECKED = 5  # iterations before the first that are timed


class Data:
    def __init__(self, file):
        with h5py.File(file) as opened:
            features, labels = opened["features"][:].astype(np.float32) / np.float32(255), opened["labels"][:]
        n = self.n_rows = len(labels) // 2
        self.train, self.validation = features[:n], features[n:]
        self.labels, self.validation_labels = labels[:n], labels[n:]


def layers(flat, model):
    """@return weights (units × inputs) and biases of each layer in the order of the program's y"""
    widths = [784, N_CLASSES] if model == "linear" else [784, N_HIDDEN, N_CLASSES]
    shapes = [shape for n_in, n_out in zip(widths, widths[1:]) for shape in ((n_out, n_in), (n_out,))]
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    return [part.reshape(shape).astype(np.float32) for part, shape in zip(np.split(flat, ends[:-1]), shapes)]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Peer:
    def wait(self):
        """Returns when the steps are done."""

    def result(self):
        """@return x and y, or None: the iterates are those of another method"""


class NumpyPeer(Peer):
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
        if self.model == "linear":
            return [first]
        return [first, rest[:-N_CLASSES].reshape(N_CLASSES, width).T, rest[-N_CLASSES:]]

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


class TorchPeer(Peer):
    """As a toolbox does it: each step is a loss of its own, differentiated by autograd, and a step of torch.optim."""

    def __init__(self, data, model, y, reuse=False, bfloat16=False):
        import torch
        self.torch = torch
        self.n, self.reuse, self.bfloat16, self.k = data.n_rows, reuse, bfloat16, 0
        self.train, self.labels, self.validation, self.validation_labels = map(
            torch.from_numpy, (data.train, data.labels, data.validation, data.validation_labels))
        self.y = [torch.tensor(part, requires_grad=True) for part in layers(y, model)]
        self.theta = [p.detach().clone().requires_grad_() for p in self.y]
        self.x = torch.zeros(self.n, requires_grad=True)
        self.optimizer_y = torch.optim.SGD(self.y, lr=STEP[model], momentum=MOMENTUM)
        self.optimizer_theta = torch.optim.SGD(self.theta, lr=STEP[model], momentum=MOMENTUM)
        self.optimizer_x = torch.optim.Adam([self.x], lr=ALPHA, betas=(BETA1, BETA2), eps=EPSILON / self.n)

    def losses(self, features, labels, parameters):
        a = features
        with self.torch.autocast("cpu", self.torch.bfloat16, enabled=self.bfloat16):
            for i in range(0, len(parameters), 2):
                a = self.torch.relu(a) if i > 0 else a
                a = self.torch.nn.functional.linear(a, parameters[i], parameters[i + 1])
            return self.torch.nn.functional.cross_entropy(a, labels, reduction="none")

    def lower(self, parameters):
        return (self.torch.sigmoid(self.x) * self.losses(self.train, self.labels, parameters)).mean()

    def distance(self):
        return sum(((t - p) ** 2).sum() for t, p in zip(self.theta, self.y)) / (2 * GAMMA)

    def move(self, optimizer, parameters, loss):
        for parameter, grad in zip(parameters, self.torch.autograd.grad(loss, parameters)):
            parameter.grad = grad
        optimizer.step()

    def step(self):
        self.move(self.optimizer_theta, self.theta, self.lower(self.theta) + self.distance())
        losses_y = self.losses(self.train, self.labels, self.y)
        with self.torch.no_grad():
            losses_theta = self.losses(self.train, self.labels, self.theta)
        self.move(self.optimizer_x, [self.x], (self.torch.sigmoid(self.x) * (losses_y.detach() - losses_theta)).mean())
        upper = self.losses(self.validation, self.validation_labels, self.y).mean() / (C * (self.k + 1) ** P)
        lower = (self.torch.sigmoid(self.x.detach()) * losses_y).mean() if self.reuse else self.lower(self.y)
        self.move(self.optimizer_y, self.y, upper + lower - self.distance())
        self.k += 1

    def result(self):
        return self.x.detach().numpy(), np.concatenate([p.detach().numpy().ravel() for p in self.y])


def whole_step(xp, narrow, step_size, rows, state, rates):
    """An iteration as one pure function for a compiler: NumpyPeer's sums with the bias apart.

    @param xp jax.numpy or torch
    @param narrow makes an array what products take
    @param rates of Adam's means and the penalty in this iteration
    """
    x, m, v, y, theta, m_y, m_theta = state
    features, one_hot, validation, validation_one_hot = rows
    n, points = len(x), [y, theta]

    def forward(features, one_hot, points):
        sums = features @ xp.concatenate([narrow(p[0]) for p in points]).T
        width, losses, cache = len(points[0][0]), [], []
        for i, p in enumerate(points):
            hidden = logits = sums[:, i * width:(i + 1) * width] + p[1]
            if len(p) > 2:
                hidden = narrow(hidden.clip(0))
                logits = hidden @ narrow(p[2]).T + p[3]
            logits = logits - xp.amax(logits, 1)[:, None]
            exponentials = xp.exp(logits)
            total = exponentials.sum(1)
            losses.append(xp.log(total) - (logits * one_hot).sum(1))
            cache.append((hidden, exponentials / total[:, None] - one_hot))
        return losses, cache

    def backward(features, points, cache, weights):
        deltas, rest = [], []
        for p, (hidden, residual) in zip(points, cache):
            delta = narrow(residual * weights)
            rest.append([])
            if len(p) > 2:
                rest[-1] = [delta.T @ hidden, delta.sum(0)]
                delta = (delta @ narrow(p[2])) * (hidden > 0)
            deltas.append(delta)
        first, width = xp.concatenate(deltas, 1).T @ features, len(points[0][0])
        return [[first[i * width:(i + 1) * width], delta.sum(0), *more]
                for i, (delta, more) in enumerate(zip(deltas, rest))]

    def moved(points, means, grads):
        means = [MOMENTUM * mean + grad for mean, grad in zip(means, grads)]
        return [point - step_size * mean for point, mean in zip(points, means)], means

    (loss_y, loss_theta), cache = forward(features, one_hot, points)
    s = 1 / (1 + xp.exp(-x))
    d = s * (1 - s) / n * (loss_y - loss_theta)
    m, v = BETA1 * m + (1 - BETA1) * d, BETA2 * v + (1 - BETA2) * d * d
    x = x - ALPHA * (m * rates[0]) / (xp.sqrt(v * rates[1]) + EPSILON / n)
    at_y, at_theta = backward(features, points, cache, (1 / (1 + xp.exp(-x)) / n)[:, None])
    upper = backward(validation, [y], forward(validation, validation_one_hot, [y])[1], 1 / n)[0]
    grad_y = [u * rates[2] + l - (a - b) / GAMMA for u, l, a, b in zip(upper, at_y, y, theta)]
    y, m_y = moved(y, m_y, grad_y)
    theta, m_theta = moved(theta, m_theta, [g + (b - a) / GAMMA for g, a, b in zip(at_theta, y, theta)])
    return x, m, v, y, theta, m_y, m_theta


class CompiledPeer(Peer):
    """whole_step by JAX or by torch.compile, with rows and products in bfloat16 if asked for."""

    def __init__(self, data, model, y, library, bfloat16=False):
        one_hot = [np.eye(N_CLASSES, dtype=np.float32)[labels] for labels in (data.labels, data.validation_labels)]
        self.k = 0
        first = NumpyPeer(data, model, y)  # has made the step of theta that precedes the first iteration
        state = [a.astype(np.float32) for a in (first.x, first.m, first.v)]
        state += [layers(first.to_program(a), model) for a in (first.y, first.theta, first.m_y, first.m_theta)]
        prepare = self.with_jax if library == "jax" else self.with_torch
        self.compiled, to_array, narrow = prepare(STEP[model], bfloat16)
        self.state = [[to_array(a) for a in part] if isinstance(part, list) else to_array(part) for part in state]
        self.rows = [narrow(to_array(data.train)), to_array(one_hot[0]),
                     narrow(to_array(data.validation)), to_array(one_hot[1])]
        self.to_array = to_array

    def with_jax(self, step_size, _):
        import jax
        self.wait = lambda: jax.block_until_ready(self.state)
        as_it_is = lambda a: a
        step = functools.partial(whole_step, jax.numpy, as_it_is, step_size)
        return jax.jit(step, donate_argnums=1), jax.numpy.array, as_it_is

    @staticmethod
    def with_torch(step_size, bfloat16):
        import torch
        narrow = (lambda a: a.bfloat16()) if bfloat16 else (lambda a: a)
        step = functools.partial(whole_step, torch, narrow, step_size)
        return torch.no_grad()(torch.compile(step)), torch.from_numpy, narrow

    def step(self):
        k = self.k = self.k + 1
        rates = np.array([1 / (1 - BETA1 ** k), 1 / (1 - BETA2 ** k), 1 / (C * k ** P)], np.float32)
        self.state = self.compiled(self.rows, self.state, self.to_array(rates))

    def result(self):
        return np.asarray(self.state[0]), np.concatenate([np.asarray(part).ravel() for part in self.state[3]])


class ToolboxPeer(Peer):
    """Models, losses and optimisers of PyTorch for a toolbox, which makes iterations of its own method of them."""

    def __init__(self, data, model, _):
        import torch
        self.batches = [[torch.from_numpy(a) for a in rows] for rows in
                        ((data.train, data.labels), (data.validation, data.validation_labels))]
        hidden = [torch.nn.Linear(784, N_HIDDEN), torch.nn.ReLU()] if model == "mlp" else []
        self.model = torch.nn.Sequential(*hidden, torch.nn.Linear(N_HIDDEN if hidden else 784, N_CLASSES))
        self.weights = torch.nn.ParameterList([torch.zeros(data.n_rows)])
        self.optimizer_y = torch.optim.SGD(self.model.parameters(), lr=STEP[model], momentum=MOMENTUM)
        self.optimizer_x = torch.optim.Adam(self.weights.parameters(), lr=ALPHA, eps=EPSILON / data.n_rows)
        entropy = torch.nn.functional.cross_entropy
        self.lower = lambda weights, net, batch: \
            (torch.sigmoid(weights[0]) * entropy(net(batch[0]), batch[1], reduction="none")).mean()
        self.upper = lambda net, batch: entropy(net(batch[0]), batch[1])


class BoatPeer(ToolboxPeer):
    """MESO is BOAT's form of the method of meha."""

    def __init__(self, data, model, y):
        super().__init__(data, model, y)
        import boat_torch
        BoatPeer.now = self  # BOAT finds losses by the names of their functions
        names = {f"{level}_level_loss": {"function": f"{__name__}.boat_{level}"} for level in ("lower", "upper")}
        self.folder = tempfile.TemporaryDirectory()  # BOAT writes all losses in every iteration
        settings = {"fo_op": "MESO", "gm_op": None, "na_op": None, "device": "cpu", "lower_iters": 1,
                    "return_grad": False, "fo_ol_batch_input": False,
                    "loss_log_path": f"{self.folder.name}/losses.json",
                    "lower_level_model": self.model, "lower_level_var": list(self.model.parameters()),
                    "upper_level_model": self.weights, "upper_level_var": list(self.weights.parameters()),
                    "lower_level_opt": self.optimizer_y, "upper_level_opt": self.optimizer_x,
                    "MESO": {"eta": STEP[model], "gamma_1": 1 / GAMMA, "c0": C, "y_hat_lr": STEP[model]}}
        self.problem = boat_torch.Problem(settings, names)
        self.problem.build_ll_solver().build_ul_solver()
        self.k = 0

    def step(self):
        self.problem.run_iter(*({"rows": batch} for batch in self.batches), self.k)
        self.k += 1


def boat_lower(feed, weights, model):
    return BoatPeer.now.lower(weights, model, feed["rows"])


def boat_upper(feed, _, model):
    return BoatPeer.now.upper(model, feed["rows"])


class BettyPeer(ToolboxPeer):
    """DARTS of one lower step: differences of the lower gradient stand for second derivatives."""

    def __init__(self, data, model, y):
        super().__init__(data, model, y)
        from betty.configs import Config, EngineConfig
        from betty.engine import Engine
        from betty.problems import ImplicitProblem

        peer = self

        class Upper(ImplicitProblem):
            def training_step(self, batch):
                return peer.upper(self.inner, batch)

        class Lower(ImplicitProblem):
            def training_step(self, batch):
                return peer.lower(peer.weights, self.module, batch)

        darts = Config(type="darts", unroll_steps=1)
        outer = Upper("outer", darts, self.weights, self.optimizer_x, train_data_loader=[self.batches[1]])
        inner = Lower("inner", darts, self.model, self.optimizer_y, train_data_loader=[self.batches[0]])
        self.engine = Engine([outer, inner], EngineConfig(), {"u2l": {outer: [inner]}, "l2u": {inner: [outer]}})
        self.engine.train()

    def step(self):
        self.engine.global_step += 1
        self.engine.train_step()


# By name: module, what makes the peer, precision.
PEERS = {
    "NumPy": ("numpy", NumpyPeer, "float32"),
    "JAX": ("jax", functools.partial(CompiledPeer, library="jax"), "float32"),
    "PyTorch": ("torch", TorchPeer, "float32"),
    "PyTorch, reuse": ("torch", functools.partial(TorchPeer, reuse=True), "float32"),
    "PyTorch, compiled": ("torch", functools.partial(CompiledPeer, library="torch"), "float32"),
    "PyTorch, reuse, bfloat16": ("torch", functools.partial(TorchPeer, reuse=True, bfloat16=True), "bfloat16"),
    "PyTorch, compiled, bfloat16":
        ("torch", functools.partial(CompiledPeer, library="torch", bfloat16=True), "bfloat16"),
    "BOAT, MESO": ("boat_torch", BoatPeer, "float32"),
    "Betty, DARTS": ("betty", BettyPeer, "float32"),
}


def main():
    name, model, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    answers, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    peer = PEERS[name][1](Data(folder / "data.h5"), model, np.load(folder / f"{model}.npy"))
    for _ in range(N_CHECKED):
        peer.step()
    if (result := peer.result()) is not None:
        np.savez(folder / f"{name}.npz", *result)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        wall, processor = time.perf_counter(), time.process_time()
        for _ in range(int(line)):
            peer.step()
        peer.wait()
        print(json.dumps([time.perf_counter() - wall, time.process_time() - processor]), file=answers, flush=True)


if __name__ == "__main__":
    main()
