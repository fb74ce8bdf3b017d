#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What meha plan says of the time of a run, beside the run, in turns; medians.

    tests/bench/plan.py [--rounds N] [--ranks P] CONFIG [SETTING…]

"together" has no launch of MPI (what plan --flops takes). Both are without models that are trained after the run.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = pathlib.Path(os.environ.get("MEHA_PROGRAM", SOURCE / "build/meha"))


def timed(ranks, *words):
    start = time.perf_counter()
    ended = subprocess.run([str(SOURCE / "launch/local"), str(ranks), str(PROGRAM), *map(str, words)], capture_output=True, text=True)
    if ended.returncode != 0:
        raise SystemExit(ended.stderr)
    return time.perf_counter() - start, ended.stdout


def planned(ranks, config, settings):
    amounts = {name: float(value) for name, value in re.findall(r"^(\S.*?)  +([0-9.e+-]+) m?s$", timed(ranks, "plan", config, *settings)[1], re.M)}
    of = lambda word: next(value for name, value in amounts.items() if word in name)
    reports = next(name for name in amounts if name.endswith(" reports"))
    return {"reading, dealing [s]": of("reading rows"), "iteration [ms]": of("time of an iteration"),
            "report [ms]": 1e3 * amounts[reports] / int(reports.split()[0]), "together [s]": of("together")}


def measured(ranks, config, settings, folder):
    launch_s, _ = timed(ranks, "plan", config, "--flops", 1, *settings)
    wall_s, _ = timed(ranks, "run", config, "--out", folder, *settings)
    lines = [json.loads(line) for line in (pathlib.Path(folder) / "metrics.jsonl").read_text().splitlines()]
    last = lines[-1]
    loop_s = sum(last[stage] for stage in ("compute_s", "allreduce_s", "update_s"))
    return {"reading, dealing [s]": wall_s - launch_s - last["seconds"], "iteration [ms]": 1e3 * loop_s / last["iteration"],
            "report [ms]": 1e3 * last["evaluate_s"] / len(lines), "together [s]": wall_s - launch_s}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("config")
    parser.add_argument("settings", nargs="*")
    a = parser.parse_args()
    settings = [word for setting in (*a.settings, "problem.refit=false") for word in ("--set", setting)]
    plans, runs = [], []
    for _ in range(a.rounds):
        plans.append(planned(a.ranks, a.config, settings))
        with tempfile.TemporaryDirectory() as folder:
            runs.append(measured(a.ranks, a.config, settings, folder))
    print(f"{'':22}{'planned':>10}{'measured':>10}{'ratio':>8}")
    for part in runs[0]:
        plan, run = (statistics.median(round_[part] for round_ in rounds) for rounds in (plans, runs))
        print(f"{part:22}{plan:10.4g}{run:10.4g}{plan / run:8.2f}", flush=True)


if __name__ == "__main__":
    main()
