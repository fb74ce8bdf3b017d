#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What ranks say to each other, counted, and what two ranks reach, measured.

    tests/bench/scaling.py [--ranks 1 2 4 8 16 32 64] [--json FILE]

Counted on oversubscribed ranks, each an iteration: the calls and bytes that a rank gives MPI, by the bench's own wrapper of
MPI; and the messages that Open MPI makes of them, by its monitoring component (between two runs of unlike length, so that
start and end drop out). Measured: one rank and two in turns, beside SGEMM on one core and on two at a time.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BENCH = SOURCE / "build/bench"
LENGTHS = (4, 12)  # iterations of the two runs


def start(program, ranks, arguments, environment=()):
    command = [str(SOURCE / "launch/local"), str(ranks), str(program), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **dict(environment)}).stdout


def iteration(ranks, *arguments, environment=(), bench=BENCH):
    """The JSON lines of a run of bench_iteration."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        start(bench / "bench_iteration", ranks, [*arguments, "--json", file.name], environment)
        return json.loads(pathlib.Path(file.name).read_text())


def sent(folder):
    """By rank: messages and bytes to others, as Open MPI's monitoring wrote them down."""
    totals = []
    for path in sorted(pathlib.Path(folder).glob("p.*.prof")):
        found = re.findall(r"^[IE]\t\d+\t\d+\t(\d+) bytes\t(\d+) msgs", path.read_text(), re.MULTILINE)
        totals.append((sum(int(n) for _, n in found), sum(int(b) for b, _ in found)))
    return totals


def count(ranks, model, bench=BENCH):
    runs, line = [], {}
    for length in LENGTHS:
        with tempfile.TemporaryDirectory() as folder:
            # launch/local names one component, beside which monitoring is not loaded
            monitoring = {"OMPI_MCA_pml": "^cm,ucx", "OMPI_MCA_pml_monitoring_enable": "2", "OMPI_MCA_pml_monitoring_enable_output": "3",
                          "OMPI_MCA_pml_monitoring_filename": folder + "/p"}
            line = iteration(ranks, "--count", length, "--model", model, "--rows", 2048, environment=monitoring, bench=bench)[0]
            runs.append(sent(folder))
    if ranks > 1 and not any(n for run in runs for n, _ in run):
        raise RuntimeError("no messages were counted: Open MPI's component pml/monitoring is not in use")
    difference = [[(b - a) / (LENGTHS[1] - LENGTHS[0]) for a, b in zip(*rank)] for rank in zip(*runs)]
    return {"model": model, "ranks": ranks, "allreduces": line["allreduces"], "allreduce_bytes": line["allreduce_bytes"],
            "broadcasts": line["broadcasts"], "broadcast_bytes": line["broadcast_bytes"],
            "messages": sum(d[0] for d in difference), "bytes": sum(d[1] for d in difference),
            "most_messages_of_a_rank": max((d[0] for d in difference), default=0),
            "most_bytes_of_a_rank": max((d[1] for d in difference), default=0)}


def measure(kind, *arguments, bench=BENCH):
    """Two ranks against one. kind: strong or weak"""
    line = iteration(2, *arguments, *(["--weak"] if kind == "weak" else []), bench=bench)[0]
    return {"model": line["model"], "kind": kind, "rows": line["alone"]["rows"], "ms_1": line["alone"]["ms"], "ms_2": line["ms"],
            "speed_up": line["speed_up"], "sgemm_speed_up": line["sgemm_speed_up"], "ratio": line["speed_up_ratio"]}


def machine(seconds=0.3, bench=BENCH):
    """The parameters of scaling_model.py, of this machine: flop/s of a whole iteration, seconds of an update, and
    the time of an exact allreduce on 2 ranks, split into a part per message and a part per byte."""
    found = {}
    for model in ("linear", "mlp"):
        line = iteration(1, "--model", model, "--seconds", seconds, "--repetitions", 3, bench=bench)[0]
        found |= {f"flops_{model}": 1e9 * line["gflops"], f"update_s_{model}": line["update_s"]}
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        start(bench / "bench_micro", 2, ["--benchmark_filter=allreduce/exact", f"--benchmark_out={file.name}"])
        runs = json.loads(pathlib.Path(file.name).read_text())["benchmarks"]
    times = {int(run["name"].split("/")[2]): run["real_time"] * 1e-6 for run in runs}
    # an exact number is two 64-bit integers; on R = 2 ranks 2·log2(R) messages in a row, 2·(R - 1)/R of the bytes
    most = max(times)
    return found | {"latency_s": times[min(times)] / 2, "bandwidth": 16 * most / (times[most] - times[min(times)])}


def print_table(lines):
    print("| " + " | ".join(key.replace("_", " ") for key in lines[0]) + " |\n|" + "---|" * len(lines[0]))
    for line in lines:
        print("| " + " | ".join(v if isinstance(v, str) else f"{v:.4g}" if isinstance(v, float) and v < 1e4 else f"{v:.0f}"
                                for v in line.values()) + " |")
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64])
    parser.add_argument("--models", nargs="+", default=["linear", "mlp"])
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--only-count", action="store_true")
    parser.add_argument("--bench", type=pathlib.Path, default=BENCH, help="folder of bench_iteration")
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    result = {"counted": [count(ranks, model, arguments.bench) for model in arguments.models for ranks in arguments.ranks]}
    print_table(result["counted"])
    if not arguments.only_count:
        effort = ["--repetitions", arguments.repetitions, "--seconds", arguments.seconds]
        result["measured"] = [measure(kind, "--model", model, "--rows", rows, *effort, bench=arguments.bench)
                              for model, rows in (("linear", 5000), ("linear", 50000), ("mlp", 5000)) if model in arguments.models
                              for kind in ("strong", "weak")]
        print_table(result["measured"])
        result["machine"] = machine(arguments.seconds, arguments.bench)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
