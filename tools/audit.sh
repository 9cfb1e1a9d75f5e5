#!/usr/bin/env bash
# Ask for known holes in the packages that are pinned, all of requirements*.txt. Needs the network. Arguments go to
# pip-audit: bash tools/audit.sh --vulnerability-service osv
#
# It ends with 0 if none is known, 1 if some are, and 2 if that could not be found out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tools/venv.sh
PIP_AUDIT=pip-audit==2.10.1

not_audited() {
    tail -n 1 "$folder/log" >&2
    say "Nothing was audited: $*"
    exit 2
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(find_python)
files=()
for file in requirements*.txt; do files+=(-r "$file"); done
{ "$python" -m venv "$folder/venv" && "$folder/venv/bin/python" -m pip install --quiet "$PIP_AUDIT"; } >"$folder/log" 2>&1 ||
    not_audited "$PIP_AUDIT could not be installed; what pip says above is the reason."
# Strict: a package of which nothing is known, as when the index has no data of holes, is no good news.
if "$folder/venv/bin/python" -m pip_audit --strict --no-deps --disable-pip --progress-spinner off \
    --output "$folder/found" "${files[@]}" "$@" 2>"$folder/log"; then
    say "No holes are known in the packages of requirements*.txt."
elif [ -s "$folder/found" ]; then
    cat "$folder/found"
    die "Holes are known in these packages: pin newer ones."
else
    not_audited "the data of known holes could not be had. What pip-audit says above is the reason; it needs the network."
fi
