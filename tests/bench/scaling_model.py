#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How an iteration of hyper-cleaning should scale to 4,096 ranks and 10^9 rows, and where it breaks.

    tests/bench/scaling_model.py [--model mlp] [--measured FILE of scaling.py] [--latency S] [--bandwidth BYTES_PER_S] …

With n training rows, as many validation rows a fifth of it at most 10^6, m parameters, R ranks, a block of 512 rows:

    t(R) = compute + allreduce + update
    compute   = (8·m·rows(n) + 4·m·rows(n_val)) / flops,      rows(n) = 512·ceil(ceil(n/512)/R): of the busiest rank
    allreduce = 2·log2(N)·latency + 2·(N-1)/N·B/bandwidth,    B = 32·m: two sums (y, θ) of two 64-bit integers
              + the same of G ranks in memory, where N = R/G nodes of G ranks (--node) first add up among themselves
    update    = the steps of y and θ, which every rank makes: measured, proportional to m
    with --batch, rows() of no more than that; then ranks soon have no block of a step, and the rest stays
    checkpoint = the State, 8·(4·n + 4·m) bytes, to the root and to its disk: size·(1/bandwidth + 1/disk), every 100 iterations

Not in it: the spread of ranks' speeds, congestion, and algorithms of MPI that are worse than these. flops and update are
measured here on one core (or taken from --measured); latency and bandwidth are those of a cluster's network unless
given, since this machine has none: its shared memory is used to predict 2 ranks here, printed beside the measurement.
"""
import argparse
import json
import math
import pathlib

import scaling

PARAMETERS = {"linear": 7850, "mlp": 238510}
BLOCK, EVERY = 512, 100
RANKS = [1, 2, 4, 16, 64, 256, 1024, 4096]
ROWS = [10**6, 10**7, 10**8, 10**9]


def validation_rows(n):
    return min(n // 5, 10**6)


class Model:
    def __init__(self, m, flops, update, network, disk, batch=0, node=1, memory=(0, math.inf)):
        """network, memory: latency [s] and bandwidth [bytes/s]"""
        self.m, self.flops, self.update, self.network, self.disk = m, flops, update, network, disk
        self.batch, self.node, self.memory = batch, node, memory

    def allreduce(self, ranks, latency, bandwidth):
        return 2 * math.ceil(math.log2(ranks)) * latency + 2 * (ranks - 1) / ranks * 32 * self.m / bandwidth

    def parts(self, n, n_validation, ranks):
        def busiest(rows):
            rows = min(rows, self.batch) if self.batch else rows
            return BLOCK * math.ceil(math.ceil(rows / BLOCK) / ranks) if ranks > 1 else rows
        inside = min(ranks, self.node)
        return {"compute": self.m * (8 * busiest(n) + 4 * busiest(n_validation)) / self.flops,
                "allreduce": self.allreduce(inside, *self.memory) + self.allreduce(ranks // inside, *self.network),
                "update": self.update}

    def seconds(self, n, n_validation, ranks):
        return sum(self.parts(n, n_validation, ranks).values())

    def efficiency(self, n, ranks):
        """Of time on one rank, on R ranks."""
        v = validation_rows(n)
        return self.seconds(n, v, 1) / ranks / self.seconds(n, v, ranks)

    def checkpoint(self, n):
        return 8 * (4 * n + 4 * self.m) * (1 / self.network[1] + 1 / self.disk)

    def breaks(self, n):
        """By name: the least number of ranks (a power of 2) at which it happens."""
        def first(happens):
            return next((r for r in (2**i for i in range(13)) if happens(r)), None)
        parts = lambda r: self.parts(n, validation_rows(n), r)
        total = lambda r: self.seconds(n, validation_rows(n), r)
        return {"efficiency below 90 %": first(lambda r: self.efficiency(n, r) < 0.9),
                "efficiency below 50 %": first(lambda r: self.efficiency(n, r) < 0.5),
                "allreduce above 50 %": first(lambda r: parts(r)["allreduce"] > 0.5 * total(r)),
                "update above 50 %": first(lambda r: parts(r)["update"] > 0.5 * total(r)),
                "ranks without a block": first(lambda r: r > math.ceil(min(n, self.batch or n) / BLOCK)),
                "checkpoints above 1 % of the time": first(lambda r: self.checkpoint(n) > 0.01 * EVERY * total(r))}


def time_text(seconds):
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1e3 * seconds:.3g} ms"


def print_strong(model):
    print("Strong: milliseconds or seconds an iteration (efficiency)\n\n| rows \\ ranks | " + " | ".join(map(str, RANKS)) + " |\n|"
          + "---|" * (len(RANKS) + 1))
    for n in ROWS:
        cells = [f"{time_text(model.seconds(n, validation_rows(n), r))} ({model.efficiency(n, r):.2f})" for r in RANKS]
        print(f"| 10^{round(math.log10(n))} | " + " | ".join(cells) + " |")


def print_weak(model, per_rank):
    print(f"\nWeak: {per_rank} training rows and {per_rank // 5} validation rows a rank\n\n| ranks | rows | iteration | efficiency | compute | allreduce | update |\n"
          "|---|---|---|---|---|---|---|")
    alone = model.seconds(per_rank, per_rank // 5, 1)
    for ranks in RANKS:
        n, v = per_rank * ranks, per_rank // 5 * ranks
        total = model.seconds(n, v, ranks)
        shares = " | ".join(f"{100 * part / total:.1f} %" for part in model.parts(n, v, ranks).values())
        print(f"| {ranks} | {n:.2g} | {time_text(total)} | {alone / total:.3f} | {shares} |")


def print_breaks(model):
    names = list(model.breaks(ROWS[0]))
    print("\nWhere it breaks: from so many ranks on\n\n| rows | " + " | ".join(names) + " | a checkpoint takes |\n|" + "---|" * (len(names) + 2))
    for n in ROWS:
        print(f"| 10^{round(math.log10(n))} | " + " | ".join("beyond 4096" if r is None else str(r) for r in model.breaks(n).values())
              + f" | {time_text(model.checkpoint(n))} |")


def print_check(name, machine, measured, disk):
    """Two ranks here, by shared memory: predicted and measured."""
    here = Model(PARAMETERS[name], machine[f"flops_{name}"], machine[f"update_s_{name}"], (machine["latency_s"], machine["bandwidth"]), disk)
    for line in measured:
        if line["model"] == name:
            n = line["rows"]
            n_2 = 2 * n if line["kind"] == "weak" else n
            cores = line["sgemm_speed_up"] / 2  # of two cores, what two programs get
            parts = here.parts(n_2, n_2, 2)
            predicted = here.seconds(n, n, 1) * n_2 / n / (sum(parts.values()) - parts["compute"] + parts["compute"] / cores)
            print(f"two ranks here, {line['kind']}, {n} rows: predicted {predicted:.2f}×, measured {line['speed_up']:.2f}×")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--model", choices=list(PARAMETERS), default="linear")
    parser.add_argument("--measured", type=pathlib.Path, help="what scaling.py --json wrote; else measured now")
    parser.add_argument("--flops", type=float, help="of one rank [1/s]")
    parser.add_argument("--update", type=float, help="an iteration [s]")
    parser.add_argument("--latency", type=float, default=2e-6, help="of a message [s]")
    parser.add_argument("--bandwidth", type=float, default=10e9, help="of a rank's network, both sides and additions included [bytes/s]")
    parser.add_argument("--node", type=int, default=1, help="ranks of a node, which add up in memory before the network is used")
    parser.add_argument("--memory-latency", type=float, default=1e-6, help="of a message in a node [s]")
    parser.add_argument("--memory-bandwidth", type=float, default=2e9, help="of a rank among those of a node [bytes/s]")
    parser.add_argument("--disk", type=float, default=1e9, help="[bytes/s]")
    parser.add_argument("--batch", type=int, default=0, help="rows of each level an iteration; 0: all")
    parser.add_argument("--rows-per-rank", type=int, default=250000, help="weak scaling")
    parser.add_argument("--bench", type=pathlib.Path, default=scaling.BENCH, help="folder of bench_iteration")
    arguments = parser.parse_args()
    measured, name = {}, arguments.model
    if arguments.measured:
        measured = json.loads(arguments.measured.read_text())
    elif arguments.flops is None or arguments.update is None:
        measured = {"machine": scaling.machine(bench=arguments.bench)}
    machine = measured.get("machine", {})
    flops = arguments.flops or machine[f"flops_{name}"]
    update = arguments.update if arguments.update is not None else machine[f"update_s_{name}"]
    model = Model(PARAMETERS[name], flops, update, (arguments.latency, arguments.bandwidth), arguments.disk,
                  arguments.batch, arguments.node, (arguments.memory_latency, arguments.memory_bandwidth))
    print(f"{name}, {model.m} parameters: {1e-9 * flops:.1f} GF/s a rank, update {1e6 * update:.0f} us, latency {1e6 * arguments.latency:g} us, "
          f"bandwidth {1e-9 * arguments.bandwidth:g} GB/s, nodes of {model.node} ranks, disk {1e-9 * model.disk:g} GB/s, "
          f"{f'minibatches of {model.batch} rows' if model.batch else 'all rows'} an iteration\n")
    print_strong(model)
    if not model.batch:
        print_weak(model, arguments.rows_per_rank)
    print_breaks(model)
    if "measured" in measured:
        print()
        print_check(name, machine, measured["measured"], arguments.disk)


if __name__ == "__main__":
    main()
