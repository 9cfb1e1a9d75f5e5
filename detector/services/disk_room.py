"""Room on the disks that this site writes to: some of each is left free."""

import shutil
from pathlib import Path

from django.db import connection

from detector.conf import config
from detector.errors import DiskFull


def room(folder: Path | str) -> int:
    """How many bytes may be written below `folder`, which exists; below 0 where too few are free already."""
    return shutil.disk_usage(folder).free - config.dataset_free_bytes


def check_room(size: int, *, folder: Path) -> None:
    """Raises DiskFull unless so many bytes more may be written below `folder`, which exists."""
    if size > room(folder):
        raise DiskFull()


def check_room_for_rows(size: int) -> None:
    """The same for rows of so many bytes. A database server looks after its disk itself, wherever that is.

    Raises DiskFull.
    """
    if connection.vendor == "sqlite":
        check_room(size, folder=Path(connection.settings_dict["NAME"]).parent)
