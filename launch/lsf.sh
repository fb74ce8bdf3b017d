#!/usr/bin/env bash
# A run on LSF: goes on from job to job, by checkpoint and requeue (exit code 75), until it is finished. From the checkout:
#
#   MEHA_COMMAND="build/meha run CONFIG.toml --out runs/mine" bsub <launch/lsf.sh
#
# To end it: touch runs/mine/STOP, or bkill.
#BSUB -J meha
#BSUB -n 64
#BSUB -W 4:00
#BSUB -wa USR2 -wt 3
#BSUB -r
#BSUB -Q 75
#BSUB -o meha.%J.log
set -u
cd "$LS_SUBCWD" || exit 2
launch=${MEHA_LAUNCH:-$LS_SUBCWD/launch}
. "$launch/in-job"

read -ra words <<<"$MEHA_COMMAND"
run_in_job 1 "$launch/hosts" "$LSB_DJOB_HOSTFILE" "${words[@]}"
[ -z "$again" ] || echo "asking for another job"
exit "$code"
