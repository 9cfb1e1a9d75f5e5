"""Child processes that outlive neither their parent's orderly stop nor its sudden death."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1


def start_child(
    arguments: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    extra_environment: Mapping[str, str] | None = None,
    stdout: IO | int | None = None,
    stderr: IO | int | None = None,
    when_orphaned: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen:
    """Start a program in a session of its own, so that the terminal's Ctrl-C reaches only the parent.

    On Linux it gets the signal `when_orphaned` when the thread that called this dies, even by SIGKILL.
    Raises OSError when the program cannot be started.
    """
    parent = os.getpid()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def die_with_parent() -> None:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, when_orphaned)
            if os.getppid() != parent:
                os._exit(1)  # it died in between

    return subprocess.Popen(
        [str(argument) for argument in arguments],
        cwd=cwd,
        env={**os.environ, **(extra_environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509
    )


def stop_child(child: subprocess.Popen, *, patience: float) -> None:
    """Ask the child to end with SIGTERM; after `patience` seconds kill it and all it has started."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
