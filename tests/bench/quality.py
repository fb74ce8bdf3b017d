#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a config reaches, over several seeds: its final metrics per seed and their medians.

    tests/bench/quality.py CONFIG [N_SEEDS] [N_RANKS] [SETTING…]      of build/meha, or of the program $MEHA_PROGRAM
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile

SHOWN = ["test_accuracy", "precision", "recall", "f1", "auroc", "few_shot_accuracy", "few_shot_accuracy_se",
         "untrained_accuracy", "untrained_accuracy_se", "detection_auroc", "detection_f1", "noise_rate", "calibration_error",
         "refit_kept", "refit_kept_only", "refit_soft", "refit_corrupted", "refit_validation", "refit_clean", "seconds"]


def final_metrics(source, config, seed, ranks, settings):
    program = os.environ.get("MEHA_PROGRAM", os.path.join(source, "build/meha"))
    with tempfile.TemporaryDirectory() as folder:
        command = [os.path.join(source, "launch/local"), ranks, program, "run", config, "--out",
                   folder, "--set", f"run.seed={seed}"]
        for setting in settings:
            command += ["--set", setting]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        shown = subprocess.run([program, "inspect", folder, "--json"], check=True, capture_output=True)
        return json.loads(shown.stdout)["metrics"]


def main():
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    config = sys.argv[1]
    n_seeds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    ranks = sys.argv[3] if len(sys.argv) > 3 else "2"
    rows = [final_metrics(source, config, seed, ranks, sys.argv[4:]) for seed in range(n_seeds)]
    print("| " + " | ".join(["seed", *SHOWN]) + " |\n|" + "---|" * (len(SHOWN) + 1))
    for seed, row in enumerate(rows):
        print("| " + " | ".join([str(seed), *(f"{row.get(name, float('nan')):.4f}" for name in SHOWN)]) + " |")
    medians = [statistics.median(row.get(name, float("nan")) for row in rows) for name in SHOWN]
    print("| " + " | ".join(["median", *(f"{value:.4f}" for value in medians)]) + " |")


if __name__ == "__main__":
    main()
