"""One program at a time works on the folder of a site: `manage.py up`, `restore`, or all that were started by
`manage.py start`."""

import fcntl
import os
from pathlib import Path
from typing import IO

from django.core.management.base import CommandError


def only_one_here(folder: Path, doing: str) -> IO[str]:
    """Hold this folder's lock until the returned file is closed; `doing` is what others are told then.

    Raises CommandError when another has it.
    """
    return _locked(folder, doing, fcntl.LOCK_EX)


def several_here(folder: Path, doing: str) -> IO[str]:
    """Like `only_one_here`, beside others that call this; what this process becomes holds the lock on.

    Raises CommandError when one has it that wants to be alone.
    """
    lock = _locked(folder, doing, fcntl.LOCK_SH)
    os.set_inheritable(lock.fileno(), True)
    return lock


def _locked(folder: Path, doing: str, kind: int) -> IO[str]:
    lock = (folder / "up.lock").open("a+")
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        raise CommandError(
            f"Hamster Expression already runs from this folder: {lock.read().strip()}. Stop that one first, "
            "or give this one its own folder with VAR_DIR."
        ) from error
    lock.truncate(0)
    lock.write(f"{doing} (process {os.getpid()})")
    lock.flush()
    return lock
