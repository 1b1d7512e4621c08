#!/bin/bash
# One run on a Slurm cluster, which saves before its time is up and is queued again until it is done:
#   sbatch experiments/slurm/train.sh experiments/reproduce/infrared_visible.yaml [flags of film fit]
#SBATCH --job-name=film
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=8
#SBATCH --time=08:00:00
#SBATCH --signal=SIGUSR1@120
#SBATCH --requeue
#SBATCH --output=outputs/slurm_%j.log
set -euo pipefail
experiment=$1
shift
srun film fit -c "$experiment" -c trainer/slurm.yaml \
  --trainer.num_nodes="$SLURM_NNODES" --trainer.devices="$SLURM_NTASKS_PER_NODE" "$@"
