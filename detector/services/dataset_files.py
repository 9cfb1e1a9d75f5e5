"""The folders of uploaded data sets: one each, on a disk that training workers see.

Folders that were registered where they lie are none of these, and nothing here touches them.
"""

import logging
import secrets
import shutil
import tempfile
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from django.conf import settings

from detector.conf import config
from detector.services import disk_room

logger = logging.getLogger(__name__)
REQUEST_PREFIX = ".request-"


def uploads_root() -> Path:
    """Where all uploaded data sets are."""
    return (Path(settings.VAR_DIR) / config.datasets_folder).resolve()


def new_folder() -> Path:
    """A name that no folder has."""
    return uploads_root() / secrets.token_hex(16)


def request_folder() -> tempfile.TemporaryDirectory:
    """A folder for the archive of one request, on the disk it is unpacked on, gone when its `with` ends."""
    uploads_root().mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix=REQUEST_PREFIX, dir=uploads_root())


def check_room(size: int) -> None:
    """Raises DiskFull unless uploads may take so many bytes more of the disk."""
    root = uploads_root()
    root.mkdir(parents=True, exist_ok=True)
    disk_room.check_room(size, folder=root)


def delete_folder(folder: Path) -> None:
    """Delete an uploaded data set's files; never anything that is not directly among the uploads."""
    if folder.parent != uploads_root() or folder.is_symlink():
        logger.error("%s is no uploaded data set and is not deleted", folder)
        return
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return  # nothing was unpacked, or somebody else was quicker
    except OSError:
        logger.exception("the files in %s could not be deleted", folder)


def delete_leftovers(*, known: Collection[str], made_before: datetime) -> None:
    """Delete the folders made before then that are not `known`: their upload was cut off with its process."""
    if not uploads_root().is_dir():
        return
    for folder in uploads_root().iterdir():
        with suppress(FileNotFoundError):  # its request has just ended
            if str(folder) not in known and folder.stat().st_mtime < made_before.timestamp():
                delete_folder(folder)
                logger.warning("deleted %s, which belonged to no data set", folder)
