# SPDX-License-Identifier: MIT
"""The methods for smooth lower levels, each in its own order of updates, in naive float64 NumPy.

A method takes a problem of naive.py, its options and a number of iterations, and returns the fields of State. Where State
is ahead of the iteration, so is what is returned.
"""
import numpy as np


# ---- first order ----

def bome(p, o, n):
    x, y = p.x0, p.y0
    for _ in range(n):
        inner = y
        for _ in range(o["inner"]):
            inner = inner - o["eta"] * p.lower(x, inner)[2]
        f, f_x, q_y = p.lower(x, y)
        f_inner, f_x_inner, _ = p.lower(x, inner)
        q, q_x = f - f_inner, f_x - f_x_inner
        _, upper_x, upper_y = p.upper(x, y)
        square = q_x @ q_x + q_y @ q_y
        barrier = o["rate"] * (square if o["phi"] == "norm" else q)
        multiplier = max(barrier - upper_x @ q_x - upper_y @ q_y, 0) / (square + 1e-8)
        x, y = x - o["alpha"] * (upper_x + multiplier * q_x), y - o["beta"] * (upper_y + multiplier * q_y)
    return {"x": x, "y": y}


def penalty(o, k):
    """γ_k and s_k of both PBGD."""
    gamma = min(o["gamma_start"] + k * (o["gamma"] - o["gamma_start"]) / o["ramp"], o["gamma"])
    return gamma, min(1 / (gamma + 1e-8), 1)


def v_pbgd(p, o, n):
    x, y, w = p.x0, p.y0, p.y0

    def follow(w):
        for _ in range(o["inner"]):
            w = w - o["eta"] * p.lower(x, w)[2]
        return w
    for k in range(n):
        gamma, s = penalty(o, k)
        w = follow(w)
        _, f_x, f_y = p.lower(x, y)
        _, upper_x, upper_y = p.upper(x, y)
        x, y = (x - o["alpha"] * s * (upper_x + gamma * (f_x - p.lower(x, w)[1])),
                y - o["beta"] * s * (upper_y + gamma * f_y))
    return {"x": x, "y": y, "w": follow(w)}


def f2ba(p, o, n):
    x, y, z = p.x0, p.y0, p.y0

    def inner(y, z, j):
        b = p.minibatch(j)
        d_y = b.lower(x, y)[2] + b.upper(x, y)[2] / o["lambda"]
        return y - o["beta"] * o.get("along_y", np.array)(d_y), z - o["eta"] * b.lower(x, z)[2]
    for k in range(n):
        for t in range(o["inner"]):
            y, z = inner(y, z, k * o["inner"] + t)
        b = p.minibatch((k + 1) * o["inner"])
        x = x - o["alpha"] * (b.upper(x, y)[1] + o["lambda"] * (b.lower(x, y)[1] - b.lower(x, z)[1]))
    y_next, z_next = inner(y, z, n * o["inner"])
    return {"x": x, "y": y, "z": z, "y_next": y_next, "z_next": z_next}


def f2sa(p, o, n):
    x, y, z, growing = p.x0, p.y0, p.y0, o["lambda"]

    def inner(y, z, k, t, weight):
        b = p.minibatch(k * o["inner"] + t)
        a, g = o["beta"] * (k + 1) ** (-5 / 7), o["eta"] * (k + 1) ** (-4 / 7)
        return (y - a * (b.upper(x, y)[2] + weight * b.lower(x, y)[2]), z - g * b.lower(x, z)[2])

    def weight_at(k):
        return growing if o["schedule"] == "benchopt" else o["lambda"] * (k + 1) ** (1 / 7)
    for k in range(n):
        weight = weight_at(k)
        for t in range(o["inner"]):
            y, z = inner(y, z, k, t, weight)
        b = p.minibatch((k + 1) * o["inner"])
        step = o["alpha"] * (k + 1) ** (-5 / 7 if o["schedule"] == "paper" else -4 / 7)
        x = x - step * (b.upper(x, y)[1] + weight * (b.lower(x, y)[1] - b.lower(x, z)[1]))
        growing += o["lambda_growth"] * (k + 1) ** (-1 / 7)
    y_next, z_next = inner(y, z, n, 0, weight_at(n))
    return {"x": x, "y": y, "z": z, "y_next": y_next, "z_next": z_next, "lambda": np.array([weight_at(n)])}


def f2sa_p(p, o, n):
    x, above, below = p.x0, p.y0, p.y0

    def inner(above, below, j):
        b = p.minibatch(j)
        return (above - o["beta"] * (b.lower(x, above)[2] + b.upper(x, above)[2] / o["lambda"]),
                below - o["eta"] * (b.lower(x, below)[2] - b.upper(x, below)[2] / o["lambda"]))
    for k in range(n):
        for t in range(o["inner"]):
            above, below = inner(above, below, k * o["inner"] + t)
        b = p.minibatch((k + 1) * o["inner"])
        x = x - o["alpha"] * ((b.upper(x, above)[1] + b.upper(x, below)[1]) / 2
                              + o["lambda"] / 2 * (b.lower(x, above)[1] - b.lower(x, below)[1]))
    y_next, z_next = inner(above, below, n * o["inner"])
    return {"x": x, "y": above, "z": below, "y_next": y_next, "z_next": z_next}


# ---- with products ----

def sl_bamm(p, o, n):
    x, y, v, convex = p.x0, p.y0, np.zeros(len(p.y0)), o["strategy"] != "strongly_convex"
    for k in range(n):
        t, b = k + 1, p.minibatch(k)
        mu = o["mu"] * t ** -o["mu_decay"] if convex else 0
        of_v, of_x = {"s1": (mu**2, mu**7), "s2": (mu, mu**5), "s3": (1, mu**3), "strongly_convex": (1, 1)}[o["strategy"]]
        eta = o["eta"] * t ** (-o["tau"] / 2) * of_v * o["beta"]
        alpha = o["alpha"] * t ** (-o["tau"] * (1.5 if convex else 1)) * of_x * o["beta"]
        (_, _, f_y), (_, upper_x, upper_y) = b.lower(x, y), b.upper(x, y)
        (f_yy, f_xy), (upper_yy, upper_xy) = b.lower_products(x, y, v), b.upper_products(x, y, v)
        x, y, v = (x - alpha * (upper_x - (1 - mu) * f_xy - mu * upper_xy),
                   y - o["beta"] * ((1 - mu) * f_y + mu * upper_y),
                   v - eta * ((1 - mu) * f_yy + mu * upper_yy - upper_y))
    return {"x": x, "y": y, "v": v}


def g_pbgd(p, o, n):
    x, y = p.x0, p.y0
    for k in range(n):
        gamma, s = penalty(o, k)
        h_y, h_x = p.lower_products(x, y, p.lower(x, y)[2])  # of h/2
        _, upper_x, upper_y = p.upper(x, y)
        x, y = x - o["alpha"] * s * (upper_x + gamma * h_x), y - o["beta"] * s * (upper_y + gamma * h_y)
    return {"x": x, "y": y}


def split(p, z):
    return z[:len(p.x0)], z[len(p.x0):]


def in_metric(p, o, x, y):
    """h, ∇h, F and ∇F as functions of (x', y), x = √s·x'."""
    root = np.sqrt(o["x_metric"])
    g = p.lower(x, y)[2]
    h_y, h_x = p.lower_products(x, y, g)
    upper, upper_x, upper_y = p.upper(x, y)
    return g @ g, np.concatenate([2 * root * h_x, 2 * h_y]), upper, np.concatenate([root * upper_x, upper_y])


def rxgd(p, o, n):
    root = np.sqrt(o["x_metric"])
    z = np.concatenate([p.x0 / root, p.y0])
    steps = np.concatenate([np.full(len(p.x0), o["alpha"]), np.full(len(p.y0), o["beta"])])
    a = o["rate"] * o["horizon"] ** (-1 / 3)
    for _ in range(n):
        x, y = split(p, z)
        h, grad_h, _, grad_upper = in_metric(p, o, root * x, y)
        square = grad_h @ grad_h
        rho = a * (square if o["rule"] == "square" else np.sqrt(square * h))
        multiplier = max(rho - grad_upper @ grad_h, 0) / square if square > 0 else 0
        z = z - steps * (grad_upper + multiplier * grad_h)
    x, y = split(p, z)
    return {"x": root * x, "y": y}


def sqcqp(p, o, n):
    root, w, bound = np.sqrt(o["x_metric"]), o["width"], o["tolerance"] ** 2
    z = np.concatenate([p.x0 / root, p.y0])
    steps = np.concatenate([np.full(len(p.x0), o["alpha"]), np.full(len(p.y0), o["beta"])])

    def values(z):
        x, y = split(p, z)
        g = p.lower(root * x, y)[2]
        return g @ g - bound, p.upper(root * x, y)[0]
    for _ in range(n):
        x, y = split(p, z)
        h, grad_h, upper, grad_upper = in_metric(p, o, root * x, y)
        middle = -grad_h / (2 * w)
        radius_square = middle @ middle - o["rate"] * (h - bound) / w
        away = -grad_upper - middle
        d = middle
        if radius_square >= 0:
            d = middle + min(1, np.sqrt(radius_square / (away @ away))) * away
        if h - bound >= -1e-5:
            z = z + steps * d
            continue
        t = 1.0
        while values(z + t * d)[0] > 0.9 * (h - bound):
            t /= 2
        while values(z + t * d)[1] > upper + 0.1 * t * (grad_upper @ d):
            t /= 2
        z = z + t * d
    x, y = split(p, z)
    return {"x": root * x, "y": y}
