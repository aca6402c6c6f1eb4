#!/usr/bin/env bash
# A run, or a sweep, on a Ray cluster of its own in each allocation of SLURM. Submit it from the checkout:
#   sbatch --nodes=4 scripts/deploy/slurm.sh training.rounds=60             a run on four nodes
#   sbatch --nodes=4 scripts/deploy/slurm.sh -m seed=1,2,3 attacks=alie     a sweep on four nodes
#   sbatch --nodes=1 --array=1-10 scripts/deploy/slurm.sh seed=%a           ten runs; %a is the task's index
#   sbatch scripts/deploy/slurm.sh resume=outputs/slurm-17                  go on with the run of job 17
# Run folders are outputs/slurm-JOB, in an array outputs/slurm-JOB_TASK, unless the words name another `output`.
# CEAS_RAY_ROOT: the checkout, if the job is submitted from another folder. All nodes must see both folders.
# CEAS_RAY_REQUEUE=1: a job whose time is over puts itself back in the queue, and its run or sweep goes on there.
#SBATCH --job-name=ceas-ray
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=2
#SBATCH --signal=B:TERM@60
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail
refuse() { echo "$1" >&2; exit 2; }
[ -n "${SLURM_JOB_ID-}" ] || refuse "this script is for sbatch: sbatch scripts/deploy/slurm.sh [key=value ...]"
root=${CEAS_RAY_ROOT:-$SLURM_SUBMIT_DIR}
[ -x "$root/.venv/bin/ceas-ray" ] || refuse "CEAS_RAY_ROOT must be a checkout with its .venv (scripts/run makes it), got $root"
source "$root/scripts/cluster_environment.sh"
export PATH=$root/.venv/bin:$PATH

# The words of the run: each task of an array has a folder of its own.
task=${SLURM_ARRAY_TASK_ID-} words=() folder=outputs/slurm-${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}
folder=$folder${task:+_$task}
named=''
for word in "$@"; do
    case $word in
        output=* | hydra.run.dir=* | hydra.sweep.dir=* | resume=*)
            named=1 folder=${word#*=} folder=${folder//%a/$task}
            [ -z "$task" ] || [[ $word = *%a* ]] ||
                refuse "${word%%=*} must hold %a, which is the task's index, in an array of jobs, got ${word#*=}" ;;
    esac
    [ -z "$task" ] || word=${word//%a/$task}
    words+=("$word")
done
[ -n "$named" ] || words+=("output=$folder")
if [ "${SLURM_RESTART_COUNT:-0}" -gt 0 ]; then # back in the queue: what is not over goes on
    last=$(tail -qn 1 "$folder"/{sweep,journal}.jsonl 2> /dev/null || true)
    if [[ $last = *'"event": "ended"'* && $last != *'"status": "interrupted"'* ]]; then
        echo "nothing is left to do in $folder"
        exit 0
    fi
    [ ! -e "$folder/settings.yaml" ] || words=("resume=$folder")
fi

# The cluster: its head in this step, the other nodes in one more. Several jobs may share a node, so ports, folders and
# the token are those of this job alone.
free_port() { python -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])'; }
name=$(scontrol show node "$SLURMD_NODENAME" | sed -n 's/.*NodeAddr=\([^ ]*\).*/\1/p')
ip=$(getent ahostsv4 "$name" | awk 'NR == 1 {print $1}')
port=$(free_port)
RAY_AUTH_TOKEN=$(python -c 'import secrets; print(secrets.token_hex(32))')
export RAY_AUTH_TOKEN RAY_ADDRESS=$ip:$port temporary=/tmp/ceas-ray-$SLURM_JOB_ID
others=$((SLURM_JOB_NUM_NODES - 1)) others_step='' head=''
on_others() { SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK srun --nodes=$others --ntasks=$others --relative=1 "$@"; }
end() { # at once on the other nodes, where Ray would say farewell for half a minute
    trap '' TERM INT
    if [ -n "$others_step" ]; then
        { scancel --signal=KILL "$SLURM_JOB_ID.0"; wait "$others_step"; on_others rm -rf "$temporary"; } > /dev/null 2>&1 || true
    fi
    [ -z "$head" ] || { kill "$head" && wait "$head"; } 2> /dev/null || true
    rm -rf "$temporary"
}
trap end EXIT
ray start --head --node-ip-address="$ip" --port="$port" --ray-client-server-port="$(free_port)" --include-dashboard=false \
    --num-cpus="$SLURM_CPUS_ON_NODE" --temp-dir="$temporary" --block > /dev/null 2>&1 &
head=$!
if [ $others -gt 0 ]; then
    on_others bash -c '
        until (exec 3<> "/dev/tcp/${RAY_ADDRESS%:*}/${RAY_ADDRESS##*:}") 2> /dev/null; do sleep 0.5; done
        exec ray start --address="$RAY_ADDRESS" --num-cpus="$SLURM_CPUS_ON_NODE" --temp-dir="$temporary" --block' > /dev/null 2>&1 &
    others_step=$!
fi
python - "$SLURM_JOB_NUM_NODES" << 'END'
import logging, os, sys, time
import ray
wanted, last, reason = int(sys.argv[1]), time.monotonic() + 120, ""
while time.monotonic() < last:
    try:
        if not ray.is_initialized():
            ray.init(os.environ["RAY_ADDRESS"], log_to_driver=False, logging_level=logging.CRITICAL)
        alive = sum(node["Alive"] for node in ray.nodes())
        if alive == wanted:
            sys.exit(0)
        reason = f"{alive} have"
    except (OSError, RuntimeError, ray.exceptions.RayError) as error:
        reason = str(error).partition("\n")[0]
    time.sleep(0.5)
sys.exit(f"all {wanted} nodes of the job must have joined its Ray cluster within 120 s: {reason}")
END

# The run, in the background: this shell passes the signal on that SLURM sends a minute before the time is over.
ceas-ray "${words[@]}" &
run=$!
trap 'kill -TERM $run 2> /dev/null || true' TERM INT
code=0
wait $run || code=$?
while kill -0 $run 2> /dev/null; do code=0; wait $run || code=$?; done # a signal ended the wait, not the run
end
trap - EXIT
[ $code -ne 130 ] || [ -z "${CEAS_RAY_REQUEUE-}" ] || scontrol requeue "$SLURM_JOB_ID" # which ends this shell
exit $code
