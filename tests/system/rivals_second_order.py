# SPDX-License-Identifier: MIT
"""Methods with second-order products, in naive float64 NumPy: what the headers in include/meha/solver state, in the order of
the sources. Each takes a problem of naive.py, its options and a number of iterations, and returns the fields of State."""
import numpy as np


def soba(problem, o, iterations):
    x, y, v, h = problem.x0.copy(), problem.y0.copy(), np.zeros(len(problem.y0)), np.zeros(len(problem.x0))
    averages = 0 < o["average"] < 1
    for k in range(iterations):
        p = problem.minibatch(k)
        hess_v, cross_v = p.lower_products(x, y, v)
        _, grad_x, grad_y = p.upper(x, y)
        d = np.where(visited(p, x), grad_x - cross_v, 0)
        along = np.where(visited(p, x), h, 0) if averages else d
        h = np.where(visited(p, x), (1 - o["average"]) * h + o["average"] * d, h)
        x, y, v = x - o["alpha"] * along, y - o["beta"] * p.lower(x, y)[2], v - o["eta"] * (hess_v - grad_y)
    return {"x": x, "y": y, "v": v} | ({"h": h} if averages else {})


def visited(problem, x):
    """Whether the minibatch has this entry of x."""
    return np.isin(np.arange(len(x)), problem.rows) if problem.per_row else np.full(len(x), True)


def aid(problem, o, iterations):
    """Full batches for cg; else step t of iteration k uses minibatch k·S + t."""
    x, y, v = problem.x0.copy(), problem.y0.copy(), np.zeros(len(problem.y0))
    n_steps = o["products"] + (o["solver"] == "neumann")
    for k in range(iterations):
        at = k * (o["inner"] + n_steps + 1)
        for t in range(o["inner"]):
            y = y - o["beta"] * problem.minibatch(at + t).lower(x, y)[2]
        at += o["inner"]
        _, grad_x, b = problem.minibatch(at).upper(x, y)
        if o["solver"] == "cg":
            v = conjugate_gradients(lambda p: problem.lower_products(x, y, p)[0] + o["damping"] * p, b, v, o["products"])
        elif o["solver"] == "neumann":
            v = neumann(problem, o, x, y, b, at)
        else:
            for j in range(n_steps):
                hess_v = problem.minibatch(at + j).lower_products(x, y, v)[0]
                v = v - o["eta"] * (hess_v + o["damping"] * v - b)
        x = x - o["alpha"] * (grad_x - problem.minibatch(at + n_steps).lower_products(x, y, v)[1])
    return {"x": x, "y": y, "v": v}


def conjugate_gradients(matrix, b, v, n_steps):
    r = b - matrix(v)
    p = r
    for _ in range(n_steps):
        if np.linalg.norm(r) <= 1e-13 * np.linalg.norm(b) or p @ matrix(p) <= 0:
            break
        a = r @ r / (p @ matrix(p))
        v, rest = v + a * p, r - a * matrix(p)
        p, r = rest + rest @ rest / (r @ r) * p, rest
    return v


def neumann(problem, o, x, y, b, at):
    """η Σ_{j=0}^{N} (I − η(H+δI))^j b by Horner's rule; each factor has its own minibatch."""
    v = o["eta"] * b
    for j in range(1, o["products"] + 1):
        hess_v = problem.minibatch(at + j).lower_products(x, y, v)[0]
        v = v - o["eta"] * (hess_v + o["damping"] * v) + o["eta"] * b
    return v


def descend(problem, o, x, y, mixture):
    """@return y_0 … y_T"""
    way = [y]
    for t in range(o["inner"]):
        m = mixture / (t + 1)
        way.append(way[-1] - o["beta"] * ((1 - m) * problem.lower(x, way[-1])[2] + m * problem.upper(x, way[-1])[2]))
    return way


def go_back(problem, o, x, way, steps, mixture):
    """From the end of `way`. @return G and p"""
    _, g, p = problem.upper(x, way[-1])
    for t in reversed(steps):
        m = mixture / (t + 1)
        hess, cross = problem.lower_products(x, way[t], p)
        hess_upper, cross_upper = problem.upper_products(x, way[t], p)
        g = g - o["beta"] * ((1 - m) * cross + m * cross_upper)
        p = p - o["beta"] * ((1 - m) * hess + m * hess_upper)
    return g, p


def rhg(problem, o, iterations):
    x, y = problem.x0.copy(), problem.y0.copy()
    for _ in range(iterations):
        way = descend(problem, o, x, problem.y0 if o["start"] == "cold" else y, o["mixture"])
        first = max(o["inner"] - o["truncate"], 0) if o["truncate"] else 0
        g, _ = go_back(problem, o, x, way, range(first, o["inner"]), o["mixture"])
        x, y = x - o["alpha"] * g, way[-1]
    return {"x": x, "y": y} | ({"y_start": problem.y0} if o["start"] == "cold" else {})


def iaptt_gm(problem, o, iterations):
    x, y, z = problem.x0.copy(), problem.y0.copy(), problem.y0.copy()
    for _ in range(iterations):
        way = descend(problem, o, x, z, 0)
        largest = 1 + int(np.argmax([problem.upper(x, y_t)[0] for y_t in way[1:]]))
        g, p = go_back(problem, o, x, way[:largest + 1], range(largest), 0)
        x, y, z = x - o["alpha"] * g, way[-1], z - o["eta"] * p
    return {"x": x, "y": y, "z": z}


def sl_bamm(problem, o, iterations):
    """The conjugate-gradient step of strategy s3."""
    x, y, v = problem.x0.copy(), problem.y0.copy(), np.zeros(len(problem.y0))
    for k in range(iterations):
        p, mu = problem.minibatch(k), o["mu"] * (k + 1) ** -o["mu_decay"]

        def both(u, p=p, mu=mu, x=x, y=y):
            lower, upper = p.lower_products(x, y, u), p.upper_products(x, y, u)
            return [(1 - mu) * of_lower + mu * of_upper for of_lower, of_upper in zip(lower, upper)]
        _, grad_x, grad_y = p.upper(x, y)
        hess, cross = both(v)
        r = hess - grad_y
        eta = r @ r / (r @ both(r)[0] + 1e-12)
        alpha = o["alpha"] * (k + 1) ** (-1.5 * o["tau"]) * mu**3 * o["beta"]
        y_next = y - o["beta"] * ((1 - mu) * p.lower(x, y)[2] + mu * grad_y)
        x, y, v = x - alpha * (grad_x - cross), y_next, v - eta * r
    return {"x": x, "y": y, "v": v}


def bvfsm(problem, o, iterations):
    x, y, z = problem.x0.copy(), problem.y0.copy(), problem.y0.copy()
    for k in range(iterations):
        mu, theta, sigma, tau = (o[name] * (k + 1) ** -o["decay"] for name in ("weight_z", "weight_y", "barrier", "slack"))
        for _ in range(o["inner_z"]):
            z = z - o["eta"] * (problem.lower(x, z)[2] + 2 * mu * z)
        bound = problem.lower(x, z)[0] + mu * (z @ z) + tau
        y = y if problem.lower(x, y)[0] < bound else z
        for _ in range(o["inner_y"]):
            value, _, grad = problem.lower(x, y)
            d = problem.upper(x, y)[2] + 2 * theta * y + sigma * grad / (bound - value)
            step = o["beta"]
            while problem.lower(x, y - step * d)[0] >= bound:
                step /= 2
            y = y - step * d
        value, at_y, _ = problem.lower(x, y)
        x = x - o["alpha"] * (problem.upper(x, y)[1] - sigma * (problem.lower(x, z)[1] - at_y) / (bound - value))
    return {"x": x, "y": y, "z": z}
