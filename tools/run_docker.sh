#!/usr/bin/env bash
# A shell in a container that has everything, PyTorch included, with this repository mounted at /app.
#
#   bash tools/run_docker.sh                       a shell
#   bash tools/run_docker.sh python -m ml.train …  a command
#
# Uses a GPU if there is one. The image is built when what it is made of has changed; DEVICE=cpu or cuda says for what.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() { printf '%s\n' "$*" >&2; exit 1; }

command -v docker >/dev/null || die "Docker isn't installed: https://docs.docker.com/engine/install/"
docker info >/dev/null 2>&1 || die "No Docker engine answers. Is it started, and may you use it? 'docker info' says more."

DEVICE=${DEVICE:-}
if [ -z "$DEVICE" ]; then
    DEVICE=cpu
    if nvidia-smi >/dev/null 2>&1 && docker info --format '{{json .Runtimes}}' | grep -q nvidia; then DEVICE=cuda; fi
fi
gpu=()
if [ "$DEVICE" = cuda ]; then gpu=(--gpus all); fi

image=hamster-expression:shell-$DEVICE
made_of=$(cat tools/Dockerfile requirements*.txt | cksum | tr " " -)
if [ "$(docker image inspect --format '{{index .Config.Labels "made-of"}}' "$image" 2>/dev/null)" != "$made_of" ]; then
    docker build --file tools/Dockerfile --target shell --build-arg "DEVICE=$DEVICE" --label "made-of=$made_of" --tag "$image" .
fi

terminal=()
if [ -t 0 ] && [ -t 1 ]; then terminal=(--tty); fi
# As the user who starts it, so that what is written here belongs to them; the host's network, so that the site is reached.
exec docker run --rm --interactive ${terminal[@]+"${terminal[@]}"} ${gpu[@]+"${gpu[@]}"} --ipc host --network host \
    --user "$(id -u):$(id -g)" --env HOME=/tmp --env USER="$(id -un)" --env VAR_DIR=/app/var --volume "$PWD:/app" "$image" "$@"
