#!/usr/bin/env bash
# A run on PBS: goes on from job to job, by checkpoint and a new job, until it is finished. From any folder:
#
#   qsub -v MEHA_COMMAND="build/meha run CONFIG.toml --out runs/mine" launch/pbs.sh
#
# MEHA_COMMAND must have no commas in it. Make MEHA_SECONDS a few minutes less than walltime.
# To end it: touch runs/mine/STOP, or qdel.
#PBS -N meha
#PBS -l select=2:ncpus=32:mpiprocs=32
#PBS -l walltime=04:00:00
#PBS -r y
#PBS -j oe
set -u
: "${MEHA_SECONDS=14100}"
cd "$PBS_O_WORKDIR" || exit 2
mapfile -d '' -t words < <(xargs printf '%s\0' <<<"$MEHA_COMMAND") # quotes are as in a shell
# The scheduler may run a copy of this script: the checkout is looked for where the script and the program are said to be.
for launch in "${MEHA_LAUNCH:-}" "${0%/*}" "$PBS_O_WORKDIR/launch" "${words[0]%/*}/../launch"; do
  [ ! -e "$launch/in-job" ] || break
done
[ -e "$launch/in-job" ] || { echo "pbs.sh: no checkout found: set MEHA_LAUNCH=/path/of/checkout/launch" >&2; exit 2; }
. "$launch/in-job"

life=${MEHA_LIFE:-1}
run_in_job "$life" "$launch/hosts" "$PBS_NODEFILE" "${words[@]}"
if [ -n "$again" ]; then
  echo "asking for another job"
  qsub -v "MEHA_COMMAND=$MEHA_COMMAND,MEHA_LIFE=$((life + 1)),MEHA_SECONDS=$MEHA_SECONDS" "$launch/pbs.sh" ||
    echo "no new job: qsub the same again to go on"
fi
exit "$code"
