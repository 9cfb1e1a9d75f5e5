# shellcheck shell=bash
# Sourced by run.sh and test.sh: a virtual environment (VENV, default .venv) with the named requirements.
# Works in bash 3.2 and up; needs nothing but Python 3.11 or newer.

VENV=${VENV:-.venv}

say() { printf '%s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python3.14 python; do
        if is_new_enough "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    say "Python 3.11 or newer is needed, and none was found."
    case $(uname -s) in
        Darwin) say "Install it from https://www.python.org/downloads/ or with: brew install python@3.12" ;;
        *) say "Debian or Ubuntu: apt-get install python3 python3-venv.  Fedora: dnf install python3.12" ;;
    esac
    die "Or name one: PYTHON=/path/to/python3.12 bash $0"
}

check_platform() {
    case $(uname -s) in
        Linux)
            if ls /lib/ld-musl-* >/dev/null 2>&1; then
                say "Note: this is a musl system (Alpine?); several packages have no builds for it. tools/Dockerfile works."
            fi ;;
        Darwin) say "Note: on macOS the embedded Redis is compiled while installing (xcode-select --install)." ;;
        MINGW* | MSYS* | CYGWIN*) die "On Windows, run this inside WSL2: https://learn.microsoft.com/windows/wsl/install" ;;
        *) say "Note: only Linux and macOS are known to work." ;;
    esac
}

make_venv() {
    if is_new_enough "$VENV/bin/python" && "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
        return
    fi
    # Only our own folder may be emptied; what else stands there is somebody's.
    if [ "$VENV" != .venv ] && [ -n "$(ls -A "$VENV" 2>/dev/null)" ]; then
        die "$VENV is not empty and holds no working virtual environment. Remove it, or set VENV to another folder."
    fi
    local python
    python=$(find_python)
    "$python" -c 'import venv, ensurepip' >/dev/null 2>&1 ||
        die "$python has no venv module. Debian or Ubuntu: apt-get install python3-venv"
    say "Making $VENV with $("$python" --version) ..."
    "$python" -m venv --clear "$VENV"
}

# The state that an installation of $@ would leave behind: any change in these files asks for a new one.
wanted_state() {
    "$VENV/bin/python" - "$@" <<'PYTHON'
import hashlib, pathlib, sys
texts = [pathlib.Path(name).read_bytes() for name in sys.argv[1:]]
print(sys.version.split()[0], *(hashlib.sha256(text).hexdigest() for text in texts))
PYTHON
}

# install NAME FILE...: pip-install the files once; NAME marks it done until one of them changes.
install() {
    local stamp="$VENV/.installed-$1" wanted file arguments=()
    shift
    wanted=$(wanted_state "$@")
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    for file in "$@"; do arguments+=(-r "$file"); done
    "$VENV/bin/python" -m pip install --disable-pip-version-check "${arguments[@]}" >&2 || return 1
    printf '%s\n' "$wanted" >"$stamp"
}
