#!/usr/bin/env bash
# Install what is missing and start the whole site. Ctrl-C stops it.
#
#   bash tools/run.sh              everything, training included
#   bash tools/run.sh --web-only   without PyTorch: the site and the shipped detector, but no training
#   bash tools/run.sh --port 8001  other arguments go to `manage.py up`
#
# VENV names another virtual environment, PYTHON another interpreter.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tools/venv.sh

web_only=false
arguments=()
for argument in "$@"; do
    case $argument in
        --web-only) web_only=true ;;
        *) arguments+=("$argument") ;;
    esac
done

check_platform
make_venv
if $web_only; then
    install web requirements-web.txt ||
        die "Installing failed; what pip says above is the reason. Starting again goes on from there."
else
    [ -f "$VENV/.installed-all" ] || say "Installing. PyTorch is large, so the first time takes some minutes ..."
    install all requirements.txt requirements-web.txt ||
        die "Installing failed; what pip says above is the reason. Without training: bash tools/run.sh --web-only"
fi
exec "$VENV/bin/python" manage.py up ${arguments[@]+"${arguments[@]}"}
