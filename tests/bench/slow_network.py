#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether allreduces over a slow network take what scaling_model.py says.

    /usr/bin/python3 -B tests/bench/slow_network.py [--ranks 2 4] [--megabits 100 1000] [--iterations 20]      (as root)

Hosts are network namespaces of this machine, one rank on each, joined by a bridge whose links pass so many megabits a second
in either direction (tc's token buckets; the kernel here cannot delay packets, so latency is what namespaces have). Runs of 512 +
512 rows of Fashion-MNIST, so that little but the allreduces is left; printed are the time that rank 0 spends in them in an
iteration, the median, and what the model says for this bandwidth and no latency."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(SOURCE / "tests/system"))
import hosts  # noqa: E402
from scaling_model import PARAMETERS, Model  # noqa: E402

SIZES = ["problem.data.n_train=512", "problem.data.n_validation=512", "problem.data.n_test=100", "problem.data.n_holdout=0",
         "problem.start=zero", "problem.refit=false", "checkpoint.every=0", "run.block_rows=64", "run.precision=float32"]


class Network:
    """Namespaces with a link of `megabits` to a switch."""

    def __init__(self, n, megabits, folder):
        self.names = [f"mehanet{os.getpid()}h{i}" for i in range(n)]
        self.switch = f"mehanet{os.getpid()}s"
        self.shell = folder / "into"
        self.megabits = megabits

    def begin(self):
        for name in (*self.names, self.switch):
            hosts.add(name)
        hosts.ip("-n", self.switch, "link", "add", "bridge", "type", "bridge")
        hosts.ip("-n", self.switch, "link", "set", "bridge", "up")
        for i, name in enumerate(self.names):
            hosts.ip("link", "add", "eth0", "netns", name, "type", "veth", "peer", "name", f"port{i}", "netns", self.switch)
            hosts.connect(name, "eth0", self.address(i))
            hosts.ip("-n", self.switch, "link", "set", f"port{i}", "master", "bridge", "up")
            for namespace, link in ((name, "eth0"), (self.switch, f"port{i}")):
                subprocess.run(["tc", "-n", namespace, "qdisc", "add", "dev", link, "root", "tbf", "rate", f"{self.megabits}mbit", "burst", "128kb",
                                "limit", "4mb"], check=True)
        cases = "\n".join(f"{self.address(i)}) name={name} ;;" for i, name in enumerate(self.names))
        self.shell.write_text(f"#!/bin/sh\ncase $1 in\n{cases}\nesac\nexport name\nshift\n{self.inside('$name')} sh -c \"$*\"\n", encoding="utf-8")
        self.shell.chmod(0o755)

    @staticmethod
    def address(i):
        return f"10.78.0.{i + 1}"

    @staticmethod
    def inside(name):
        return f"exec ip netns exec {name} unshare --uts sh -c 'hostname {name}; exec \"$@\"' {name}"

    def run(self, *command):
        where = ",".join([f"{self.names[0]}:1", *(f"{self.address(i)}:1" for i in range(1, len(self.names)))])
        words = ["sh", "-c", self.inside(self.names[0]) + ' "$@"', "sh", SOURCE / "launch/hosts", where, *command]
        ended = subprocess.run(list(map(str, words)), check=False, capture_output=True, text=True, env=os.environ | {"MEHA_RSH": str(self.shell)})
        if ended.returncode != 0:
            sys.exit(f"{command[0]} ended with {ended.returncode}:\n{ended.stderr}")

    def remove(self):
        hosts.remove([*self.names, self.switch])


def allreduce_s(network, program, model, iterations, out):
    """@return seconds of allreduces in an iteration"""
    config = SOURCE / ("configs/hyper_cleaning_fashion_mnist_mlp.toml" if model == "mlp" else "configs/hyper_cleaning_fashion_mnist.toml")
    settings = [word for setting in (*SIZES, f"run.iterations={iterations}", "run.report_every=1") for word in ("--set", setting)]
    network.run(program, "run", config, "--out", out, *settings)
    spent = [json.loads(line)["allreduce_s"] for line in (out / "metrics.jsonl").read_text().splitlines()]
    steps = sorted(after - before for before, after in zip(spent[1:], spent[2:]))
    return steps[len(steps) // 2]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--program", type=pathlib.Path, default=SOURCE / "build/meha")
    parser.add_argument("--ranks", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--megabits", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--iterations", type=int, default=20)
    arguments = parser.parse_args()
    if reason := hosts.missing():
        sys.exit(f"{parser.prog}: {reason}")
    print("| model | Mbit/s | ranks | ms | ms by the model | ratio |\n|---|---|---|---|---|---|", flush=True)
    for megabits in arguments.megabits:
        for ranks in arguments.ranks:
            with tempfile.TemporaryDirectory() as folder:
                network = Network(ranks, megabits, pathlib.Path(folder))
                try:
                    network.begin()
                    for model, m in PARAMETERS.items():
                        found = allreduce_s(network, arguments.program.resolve(), model, arguments.iterations, pathlib.Path(folder) / model)
                        expected = Model(m, 1, 0, (0, megabits * 1e6 / 8), 1).allreduce(ranks, 0, megabits * 1e6 / 8)
                        print(f"| {model} | {megabits} | {ranks} | {1e3 * found:.1f} | {1e3 * expected:.1f} | {found / expected:.2f} |", flush=True)
                finally:
                    network.remove()


if __name__ == "__main__":
    main()
