#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What an uneven pair of ranks costs, and what is left of it when rows are dealt out anew.

    tests/bench/uneven.py CONFIG [SETTING…]

Two ranks, the second one stopped (SIGSTOP) for three quarters of every 0.2 s in all but the first run; milliseconds of an
iteration at the end of each run. An iteration should take longer than 0.2 s, or the ranks wait for the pauses alone.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = pathlib.Path(os.environ.get("MEHA_PROGRAM", SOURCE / "build/meha"))
PAUSE_S, WORK_S = 0.15, 0.05
RUNS = (("both alike, even", False, "even", 40), ("one slow, even", True, "even", 20), ("one slow, measured", True, "measured", 100))


def descendants(pid):
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [p for child in map(int, children) for p in (child, *descendants(child))]


def second_rank(job):
    for pid in descendants(job.pid):
        try:
            if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == PROGRAM.name and \
                    b"OMPI_COMM_WORLD_RANK=1\0" in pathlib.Path(f"/proc/{pid}/environ").read_bytes():
                return pid
        except OSError:
            pass
    return None


def slow_down(job):
    while (pid := second_rank(job)) is None and job.poll() is None:
        time.sleep(0.01)
    try:
        while job.poll() is None:
            for what, seconds in ((signal.SIGSTOP, PAUSE_S), (signal.SIGCONT, WORK_S)):
                os.kill(pid, what)
                time.sleep(seconds)
    except ProcessLookupError:
        pass


def main():
    config, *settings = sys.argv[1:]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="meha-uneven-"))
    for name, slow, balance, iterations in RUNS:
        out = folder / name.replace(" ", "-")
        settings_here = [*settings, f"comm.balance={balance}", f"run.iterations={iterations}", "run.report_every=10"]
        job = subprocess.Popen([str(SOURCE / "launch/local"), "2", str(PROGRAM), "run", config, "--out", str(out),
                                *(word for setting in settings_here for word in ("--set", setting))], stdout=subprocess.DEVNULL)
        if slow:
            slow_down(job)
        if job.wait() != 0:
            sys.exit(f"{name}: exit code {job.returncode}")
        lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
        first, last = (lines[-4] if balance == "measured" else lines[1]), lines[-1]
        seconds = sum(last[stage] - first[stage] for stage in ("compute_s", "allreduce_s", "update_s"))
        said = [line.split("rows by speed: ")[1] for line in (out / "run.log").read_text().splitlines() if "rows by speed" in line]
        print(f"{name:20} {1e3 * seconds / (last['iteration'] - first['iteration']):8.1f} ms  {'; '.join(said)}", flush=True)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
