#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Time of a run that reports after every iteration, for N, 2N and 4N iterations.

    tests/bench/reports.py [--iterations N] [PROGRAM]

A report takes the same time however many came before it. A checkpoint holds all reports, so its bytes grow with them; it is
written after every hundred iterations. The exit code is 1 where the processor time of 4N iterations is more than seven times
that of N: four is linear, sixteen quadratic.
"""
import argparse
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
RULES = {"plain": [], "run.stop_no_progress": ["run.stop_no_progress=1000000000"], "checkpoint.every": ["checkpoint.every=100"]}


def timed(program, n, settings):
    """Wall time, processor time [s], peak memory [MiB] of all runs so far."""
    words = [word for setting in [f"run.iterations={n}", "run.report_every=1", *settings] for word in ("--set", setting)]
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "run", SOURCE / "configs/sine_nonconvex_n1.toml", "--out", f"{folder}/run", *words]
        ended = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if ended.returncode != 0:
            raise SystemExit(ended.stderr)
    wall_s = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall_s, after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime, after.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--iterations", type=int, default=5000, metavar="N")
    parser.add_argument("--together", action="store_true", help="one row alone, with all settings")
    parser.add_argument("program", nargs="?", default=SOURCE / "build/meha")
    a = parser.parse_args()
    together = [setting for settings in RULES.values() for setting in settings]
    largest = 0
    print("| setting | N | s, N | s, 2N | s, 4N | processor time, 4N to N | peak [MiB] |\n|---|---|---|---|---|---|---|")
    for name, settings in {"all": together}.items() if a.together else RULES.items():
        runs = [timed(a.program, n, settings) for n in (a.iterations, 2 * a.iterations, 4 * a.iterations)]
        ratio = runs[2][1] / runs[0][1]
        largest = max(largest, ratio)
        print(f"| {name} | {a.iterations} | " + " | ".join(f"{wall_s:.1f}" for wall_s, _, _ in runs) + f" | {ratio:.1f} | {runs[2][2]:.0f} |", flush=True)
    return largest > 7


if __name__ == "__main__":
    sys.exit(main())
