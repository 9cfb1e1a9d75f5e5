"""The whole site in one file: a zip archive with the database, the site's files and a manifest of both.

The database is copied first and the files after it: what its rows name is in the archive, but for what is
deleted meanwhile, which the site takes for deleted. Files that came later are left over, and swept as such.
"""

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from detector.services.dataset_files import uploads_root
from hamster_site.database_copies import FILES, dump_database

FORMAT = 1
MANIFEST = "manifest.json"
SECRET_KEY_FILE = "secret_key"  # noqa: S105 - the file's name
ASIDE = (".restoring", ".before-restore")
"""Folders in which a restore prepares what comes and puts what goes."""
CHUNK = 2**20  # bytes
PACKED = {".sqlite3", ".json", ".jsonl", ".txt", ".csv", ".log", ".yaml"}
"""What gets smaller; pictures, detectors and dumps are packed already."""


@dataclass(frozen=True, slots=True)
class Part:
    """Files of a site that a backup has below `name`; `root` is where they are on this machine."""

    name: str
    root: Path


def parts(*, with_datasets: bool) -> list[Part]:
    """What a site has beside its database: stored files, training runs and, if so wished, uploaded sets."""
    found = [
        Part("media", Path(settings.MEDIA_ROOT).resolve()),
        Part("runs", (Path(settings.VAR_DIR) / "runs").resolve()),
    ]
    return [*found, Part("datasets", uploads_root())] if with_datasets else found


def write_backup(target: Path, *, with_datasets: bool) -> dict[str, object]:
    """Write a backup of this site to a new file, which only its owner can read; the manifest.

    The file is there when it is whole. Raises FileExistsError, OSError or CopyError.
    """
    target = target.absolute()
    if target.exists():
        raise FileExistsError(f"{target} exists already; name another file.")
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    draft = Path(name)
    try:
        with (
            os.fdopen(descriptor, "wb") as file,
            tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder,
        ):
            manifest = _write(file, Path(folder), with_datasets=with_datasets)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
    return manifest


def _write(file: BinaryIO, folder: Path, *, with_datasets: bool) -> dict[str, object]:
    included = parts(with_datasets=with_datasets)
    copy = folder / FILES[connection.vendor]
    hashes: dict[str, str] = {}
    with zipfile.ZipFile(file, "w", allowZip64=True) as archive:
        dump_database(copy)
        hashes[copy.name] = _add(archive, copy, copy.name)
        copy.unlink()
        for part in included:
            for path in _files(part.root):
                # Deleted since it was listed, by whoever may delete it.
                with suppress(FileNotFoundError):
                    inside = f"{part.name}/{path.relative_to(part.root).as_posix()}"
                    hashes[inside] = _add(archive, path, inside)
        key = Path(settings.VAR_DIR) / SECRET_KEY_FILE
        if key.is_file():
            hashes[SECRET_KEY_FILE] = _add(archive, key, SECRET_KEY_FILE)
        manifest = {
            "format": FORMAT,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "database": connection.vendor,
            "migrations": sorted(MigrationRecorder(connection).applied_migrations()),
            "folders": {part.name: str(part.root) for part in included},
            "sha256": hashes,
        }
        archive.writestr(MANIFEST, json.dumps(manifest, indent=1), zipfile.ZIP_DEFLATED)
    return manifest


def _files(root: Path) -> Iterator[Path]:
    """All files below a folder, but for what restores have put aside; links are not followed."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in ASIDE)
        for name in sorted(names):
            path = Path(folder) / name
            if path.is_file() and not path.is_symlink():
                yield path


def _add(archive: zipfile.ZipFile, path: Path, inside: str) -> str:
    """Copy a file into the archive; the SHA-256 of what was copied. Raises FileNotFoundError."""
    digest = hashlib.sha256()
    with path.open("rb") as source:
        info = zipfile.ZipInfo.from_file(path, inside, strict_timestamps=False)
        packed = PurePosixPath(inside).suffix in PACKED
        info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        with archive.open(info, "w", force_zip64=True) as copy:
            while chunk := source.read(CHUNK):
                digest.update(chunk)
                copy.write(chunk)
    return digest.hexdigest()
