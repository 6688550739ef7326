#!/bin/bash
# Two nodes of four GPUs each, a task for each node: sbatch configs/cluster/slurm.sh CONFIG RUN_DIR
# Not run by us on a cluster. RUN_DIR must be on a file system that all nodes share.
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --requeue
#SBATCH --signal=TERM@120

resume=""
if [ -e "$2/checkpoints" ]; then resume=--resume; fi
srun kerasbert train "$1" --output "$2" --set training.strategy=multi_worker $resume
