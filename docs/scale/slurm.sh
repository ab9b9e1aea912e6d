#!/usr/bin/env bash
# A study on a Slurm cluster: one search, and a worker on every other node, until it has its trials.
#
#   export NAS_STORAGE=postgresql://nas:PASSWORD@db.example/nas    # not on a command line
#   sbatch --nodes 8 docs/scale/slurm.sh mnist-8000 --budget 8000 --trials 2000
#
# The folder it is submitted from is shared by the nodes: the studies are in it. Every node trains on
# what Slurm gives it. A node that is lost loses what it was training, and another trains that; the
# job may be submitted again, and goes on.
#SBATCH --job-name=nas
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=12:00:00
#SBATCH --requeue
set -euo pipefail
: "${NAS_STORAGE:?set it to the URL of the database, for the password is in there}"
study=$1
shift

# The first task searches, the others join as soon as it has made the study.
export study
srun --kill-on-bad-exit=0 bash -c '
  if [ "$SLURM_PROCID" = 0 ]; then
    exec nas search --study "$study" "$@"
  fi
  for _ in $(seq 60); do
    if nas worker "$study"; then exit 0; fi
    sleep 10
  done
  exit 1
' task "$@"
