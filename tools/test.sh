#!/usr/bin/env bash
# Install what is missing, lint, and run every test. Arguments go to pytest: bash tools/test.sh tests/ml -k loss
# With TEST_DATABASE=postgres they run on a real PostgreSQL instead of SQLite. What the machine lacks is skipped, and said; with
# CI=true it is an error.
#
# VENV names another virtual environment, PYTHON another interpreter.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tools/venv.sh

has_browser() {
    local name
    for name in chromium chromium-browser google-chrome; do
        command -v "$name" >/dev/null && return
    done
    return 1
}

install_browser() {
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || return 1
        as_root=(sudo -n env)
    fi
    command -v apt-get >/dev/null || return 1
    say "Installing Chromium for the browser tests ..."
    ${as_root[@]+"${as_root[@]}"} apt-get update -qq >&2 &&
        ${as_root[@]+"${as_root[@]}"} apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >&2
}

has_proxy() {
    local name
    for name in nginx envsubst; do
        PATH="$VENV/bin:$PATH:/usr/sbin" command -v "$name" >/dev/null || return 1
    done
}

# Taken out of their packages rather than installed: Debian starts an installed nginx at once, on port 80.
unpack_proxy() {
    local folder
    command -v apt-get >/dev/null || return 1
    say "Fetching nginx for the tests of the proxy ..."
    folder=$(mktemp -d) || return 1
    (cd "$folder" && apt-get download -qq nginx gettext-base && for package in *.deb; do dpkg-deb -x "$package" .; done) >&2 &&
        cp "$folder/usr/sbin/nginx" "$folder/usr/bin/envsubst" "$VENV/bin/"
    rm -rf "$folder"
    "$VENV/bin/nginx" -v >/dev/null 2>&1 || { rm -f "$VENV/bin/nginx"; return 1; }
}

without() {
    [ "${CI:-}" != true ] || die "$@"
    say "$@"
}

export DEBIAN_FRONTEND=noninteractive
check_platform
make_venv
install dev requirements.txt requirements-web.txt requirements-fast.txt requirements-dev.txt || die "Installing failed; pip says why above."
if ! has_browser && ! install_browser; then
    without "No Chromium, so the browser tests are skipped. Install it (Debian: apt-get install chromium) to run them."
fi
if ! has_proxy && ! unpack_proxy; then
    without "No nginx, so the tests of the proxy are skipped. Install it (Debian: apt-get install nginx gettext-base) to run them."
fi

"$VENV/bin/python" -m ruff check .
"$VENV/bin/python" -m ruff format --check .
"$VENV/bin/python" -m bandit --quiet --configfile pyproject.toml --recursive manage.py detector hamster_site ml webui
if [ $# -gt 0 ]; then
    exec "$VENV/bin/python" -m pytest "$@" </dev/null
fi
# Two at a time; then, one at a time, what shows films to cameras or runs whole sites, and minds the clock. What a busy machine
# made fail is tried once more, by itself.
"$VENV/bin/python" -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 30 -m "not alone" </dev/null ||
    "$VENV/bin/python" -m pytest -m "not alone" --last-failed </dev/null
"$VENV/bin/python" -m pytest --durations 30 -m alone </dev/null || "$VENV/bin/python" -m pytest -m alone --last-failed </dev/null
# Once more on PostgreSQL: everything that has a database, but for what drives a browser.
if "$VENV/bin/python" -c "import pgserver" 2>/dev/null; then
    export TEST_DATABASE=postgres
    "$VENV/bin/python" -m pytest -n 2 --dist loadfile --durations 10 -m database </dev/null ||
        "$VENV/bin/python" -m pytest -m database --last-failed </dev/null
else
    without "The package pgserver has no PostgreSQL for this Python or processor, so the tests ran on SQLite only."
fi
