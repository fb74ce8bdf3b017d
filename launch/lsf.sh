#!/usr/bin/env bash
# A run on LSF: goes on from job to job, by checkpoint and requeue (exit code 75), until it is finished. From any folder:
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
mapfile -d '' -t words < <(xargs printf '%s\0' <<<"$MEHA_COMMAND") # quotes are as in a shell
# The scheduler may run a copy of this script: the checkout is looked for where the script and the program are said to be.
for launch in "${MEHA_LAUNCH:-}" "${0%/*}" "$LS_SUBCWD/launch" "${words[0]%/*}/../launch"; do
  [ ! -e "$launch/in-job" ] || break
done
[ -e "$launch/in-job" ] || { echo "lsf.sh: no checkout found: set MEHA_LAUNCH=/path/of/checkout/launch" >&2; exit 2; }
. "$launch/in-job"

run_in_job 1 "$launch/hosts" "$LSB_DJOB_HOSTFILE" "${words[@]}"
[ -z "$again" ] || echo "asking for another job"
exit "$code"
