"""The archive of a data set, unpacked: only what belongs to the YOLO layout, to where it belongs.

Everything is refused that a careless unpacker falls for. The table of contents decides first, before anything
is written; what turns out while unpacking leaves nothing behind either.
"""

import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from detector.conf import MIB, config
from detector.errors import FULL, DiskFull, HamsterError
from detector.services.dataset_files import check_room, delete_folder
from detector.services.zip_entries import (
    DAMAGES,
    ZIP_MARKS,
    BoundedTable,
    Fault,
    TableTooLarge,
    fault_of,
    is_by_the_way,
    is_folder,
    parts,
)
from ml.dataset import IMAGE_SUFFIXES, SPLITS

ARCHIVE_SUFFIXES = {".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar"}
MOST_RATIO = 100
ENTRY_BYTES = 512  # of the table of contents, an entry: names are rarely longer than 200
PIECE = MIB
TOP_FILES = {"data.yaml", "manifest.csv"}
FOLDERS = {name for names in SPLITS.values() for name in names}
FAULTS = {
    Fault.OUTSIDE: _("{name} points outside of the zip archive."),
    Fault.NO_FILE: _("{name} is a link or a device, not a file."),
    Fault.LOCKED: _("The zip archive is locked with a password."),
    Fault.METHOD: _("{name} is packed in a way that is not supported; use plain zip (deflate)."),
    Fault.RATIO: _("{name} unpacks to suspiciously much."),
}


class BadArchive(HamsterError):
    """Not a zip archive, or a damaged one."""

    code = "bad_archive"
    message = _("This is not a zip archive, or it is damaged or cut short.")


class EmptyArchive(BadArchive):
    """Nothing in it."""

    code = "empty_archive"
    message = _("The zip archive holds no files.")


class NotYolo(BadArchive):
    """Not the layout of a data set."""

    code = "not_a_dataset"
    message = _(
        "The zip archive has no pictures in a folder train/images. It has to hold train/images, "
        "train/labels, valid/images and so on, at its top or inside one folder."
    )


class UnsafeArchive(BadArchive):
    """An entry that would be written somewhere else, or that is not what it says."""

    code = "unsafe_archive"


class NestedArchive(BadArchive):
    """An archive inside."""

    code = "nested_archive"


class ArchiveTooLarge(BadArchive):
    """More files or bytes than a data set may have."""

    code = "dataset_too_large"
    status = 413


@dataclass(frozen=True, slots=True)
class Plan:
    """What of an archive is unpacked to which file of the data set, and its bytes in all."""

    entries: list[tuple[zipfile.ZipInfo, PurePosixPath]]
    size: int


def unpack(*, archive: Path, folder: Path, room: int) -> int:
    """Unpack a zip archive into the new `folder` and return the bytes it took, at most `room`.

    Raises BadArchive, or one of its kind, or DiskFull; then there is no `folder`.
    """
    try:
        table = BoundedTable(archive, most_bytes=config.dataset_max_files * ENTRY_BYTES)
        with table as file, zipfile.ZipFile(file) as opened:
            plan = _plan(opened)
            if plan.size > room:
                raise ArchiveTooLarge(
                    gettext("The data set has {size} bytes; there are {left} left for uploads.").format(
                        size=plan.size, left=max(room, 0)
                    ),
                    details={"bytes": plan.size, "left": max(room, 0)},
                )
            check_room(plan.size)
            for entry, path in plan.entries:
                _write(opened, entry, folder / path)
    except BaseException as error:
        delete_folder(folder)
        if isinstance(error, TableTooLarge):
            raise _too_many_files() from error
        if isinstance(error, DAMAGES):
            raise BadArchive() from error
        if isinstance(error, OSError):
            raise (DiskFull() if error.errno in FULL else BadArchive()) from error
        raise
    return plan.size


def _plan(archive: zipfile.ZipFile) -> Plan:
    entries = [entry for entry in archive.infolist() if not is_folder(entry)]
    if not entries:
        raise EmptyArchive()
    if len(entries) > config.dataset_max_files:
        raise _too_many_files()
    for entry in entries:
        _check(entry)
    wanted = [entry for entry in entries if not is_by_the_way(entry)]
    if sum(entry.file_size for entry in wanted) > config.dataset_max_bytes:
        raise ArchiveTooLarge(
            gettext("The data set unpacks to more than {limit} bytes.").format(
                limit=config.dataset_max_bytes
            ),
            details={"max_bytes": config.dataset_max_bytes},
        )
    depth = _depth_of_train(wanted)
    places: dict[str, PurePosixPath] = {}
    chosen = []
    for entry in wanted:
        path = PurePosixPath(*parts(entry)[depth:])
        if not _belongs(path):
            continue
        if places.setdefault(str(path).lower(), path) is not path:
            raise UnsafeArchive(gettext("The zip archive holds {name} twice.").format(name=path))
        chosen.append((entry, path))
    return Plan(chosen, sum(entry.file_size for entry, _ in chosen))


def _check(entry: zipfile.ZipInfo) -> None:
    """Refuse by what the table of contents says, before anything is unpacked."""
    name = entry.filename
    fault = fault_of(entry, most_ratio=MOST_RATIO)
    if fault is not None:
        raise UnsafeArchive(FAULTS[fault].format(name=repr(name[:200])))
    if not name.isprintable():
        raise UnsafeArchive(gettext("{name} is no name for a file.").format(name=repr(name[:200])))
    if PurePosixPath(name).suffix.lower() in ARCHIVE_SUFFIXES:
        raise _nested(name)


def _depth_of_train(entries: list[zipfile.ZipInfo]) -> int:
    """0 when train/images is at the top, 1 when everything is inside one folder. Raises NotYolo."""
    for depth in (0, 1):
        if any(_is_training_picture(parts(entry)[depth:]) for entry in entries):
            if depth and len({parts(entry)[:1] for entry in entries}) > 1:
                break
            return depth
    raise NotYolo()


def _is_training_picture(parts: tuple[str, ...]) -> bool:
    return len(parts) == 3 and parts[:2] == ("train", "images") and _belongs(PurePosixPath(*parts))


def _belongs(path: PurePosixPath) -> bool:
    """Whether a file is part of the layout; whatever else is in an archive is not unpacked."""
    parts, suffix = path.parts, path.suffix.lower()
    if len(parts) == 1:
        return parts[0] in TOP_FILES
    is_inside = len(parts) == 3 and parts[0] in FOLDERS
    return is_inside and (
        (parts[1] == "images" and suffix in IMAGE_SUFFIXES) or (parts[1] == "labels" and suffix == ".txt")
    )


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    """As many bytes as the table of contents says: more are a damage, found by the checksum; fewer would
    count for more than they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as source, path.open("xb") as target:
        head = source.read(PIECE)
        if head.startswith(ZIP_MARKS):
            raise _nested(entry.filename)
        target.write(head)
        shutil.copyfileobj(source, target, PIECE)
        if target.tell() != entry.file_size:
            raise zipfile.BadZipFile


def _nested(name: str) -> NestedArchive:
    said = gettext("{name} is an archive inside the archive; put its files in directly.")
    return NestedArchive(said.format(name=repr(name[:200])))


def _too_many_files() -> ArchiveTooLarge:
    limit = config.dataset_max_files
    said = gettext("A data set has at most {limit} files.")
    return ArchiveTooLarge(said.format(limit=limit), details={"max_files": limit})
