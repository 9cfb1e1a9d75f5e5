"""The folders of batches: one each, named after the time it was made, so that forgotten ones are known.

While a batch is being sent its files lie in a temporary folder of its request.
"""

import logging
import secrets
import shutil
import tempfile
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage

from detector.conf import config

logger = logging.getLogger(__name__)
TIME = "%Y%m%d-%H%M%S"
REQUEST_PREFIX = "hamster-batch-"


def new_folder(*, at: datetime) -> str:
    """A name that no folder has; storages make folders themselves, with the first file in them."""
    return f"{config.batches_folder}/{at.astimezone(UTC):{TIME}}-{secrets.token_hex(8)}"


def request_folder() -> tempfile.TemporaryDirectory:
    """A folder for the files of one request, gone when its `with` ends."""
    return tempfile.TemporaryDirectory(prefix=REQUEST_PREFIX, dir=settings.FILE_UPLOAD_TEMP_DIR)


def delete_folder(folder: str) -> None:
    """Delete all files of a batch and, where storages have such a thing, their folder.

    What can't be deleted is logged, and found again by `delete_leftovers`.
    """
    try:
        for name in default_storage.listdir(folder)[1]:
            default_storage.delete(f"{folder}/{name}")
        default_storage.delete(folder)
    except FileNotFoundError:
        return  # nothing was stored, or somebody else was quicker
    except OSError:
        logger.exception("the files in %s could not be deleted", folder)


def delete_leftovers(*, known: Collection[str], made_before: datetime) -> None:
    """Delete the folders made before then that are not `known`: their batch is gone, or never came to be.

    Those of requests too, whose process was killed.
    """
    for path in Path(settings.FILE_UPLOAD_TEMP_DIR or tempfile.gettempdir()).glob(f"{REQUEST_PREFIX}*"):
        with suppress(FileNotFoundError):  # its request has just ended
            if path.stat().st_mtime < made_before.timestamp():
                shutil.rmtree(path, ignore_errors=True)
    try:
        names = default_storage.listdir(config.batches_folder)[0]
    except FileNotFoundError:
        return
    for name in names:
        folder = f"{config.batches_folder}/{name}"
        if folder not in known and _is_older(name, made_before):
            delete_folder(folder)
            logger.warning("deleted the files in %s, which belonged to no batch", folder)


def _is_older(name: str, than: datetime) -> bool:
    try:
        return datetime.strptime(name.rpartition("-")[0], TIME).replace(tzinfo=UTC) < than
    except ValueError:  # somebody else's folder
        return False
