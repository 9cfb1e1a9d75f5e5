"""One program at a time works on the folder of a site: `manage.py up` or `restore`."""

import fcntl
import os
from pathlib import Path
from typing import IO

from django.core.management.base import CommandError


def only_one_here(folder: Path, doing: str) -> IO[str]:
    """Hold this folder's lock until the returned file is closed; `doing` is what others are told then.

    Raises CommandError when another has it.
    """
    lock = (folder / "up.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
