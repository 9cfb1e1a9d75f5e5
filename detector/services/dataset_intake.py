"""The archive of a data set, unpacked: only what belongs to the YOLO layout, to where it belongs.

Everything is refused that a careless unpacker falls for. The table of contents decides first, before anything
is written; what turns out while unpacking leaves nothing behind either.
"""

import re
import shutil
import stat
import zipfile
import zlib
from dataclasses import dataclass
from io import FileIO
from pathlib import Path, PurePosixPath

from detector.conf import MIB, config
from detector.errors import FULL, DiskFull, HamsterError
from detector.services.dataset_files import check_room, delete_folder
from ml.dataset import IMAGE_SUFFIXES, SPLITS

ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
ARCHIVE_SUFFIXES = {".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar"}
# bzip2 and LZMA may unpack a few kilobytes to hundreds of megabytes in one go.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
SMALL = MIB  # whatever its ratio, unpacking this much harms nobody
MOST_RATIO = 100
ENTRY_BYTES = 512  # of the table of contents, an entry: names are rarely longer than 200
PIECE = MIB
DRIVE = re.compile("[A-Za-z]:")
TOP_FILES = {"data.yaml", "manifest.csv"}
FOLDERS = {name for names in SPLITS.values() for name in names}
DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


class BadArchive(HamsterError):
    """Not a zip archive, or a damaged one."""

    code = "bad_archive"
    message = "This is not a zip archive, or it is damaged or cut short."


class EmptyArchive(BadArchive):
    """Nothing in it."""

    code = "empty_archive"
    message = "The zip archive holds no files."


class NotYolo(BadArchive):
    """Not the layout of a data set."""

    code = "not_a_dataset"
    message = (
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


class _TableLimit(FileIO):
    """A file that refuses to be read in pieces larger than any acceptable table of contents: zipfile reads
    the table in one piece, and makes objects of some hundred bytes from each of its entries."""

    def read(self, size: int = -1, /) -> bytes:
        if size > max(config.dataset_max_files * ENTRY_BYTES, PIECE):
            raise _too_many_files()
        return super().read(size)


def unpack(*, archive: Path, folder: Path, room: int) -> int:
    """Unpack a zip archive into the new `folder` and return the bytes it took, at most `room`.

    Raises BadArchive, or one of its kind, or DiskFull; then there is no `folder`.
    """
    try:
        with _TableLimit(archive) as file, zipfile.ZipFile(file) as opened:
            plan = _plan(opened)
            if plan.size > room:
                raise ArchiveTooLarge(
                    f"The data set has {plan.size} bytes; there are {max(room, 0)} left for uploads.",
                    details={"bytes": plan.size, "left": max(room, 0)},
                )
            check_room(plan.size)
            for entry, path in plan.entries:
                _write(opened, entry, folder / path)
    except BaseException as error:
        delete_folder(folder)
        if isinstance(error, DAMAGES):
            raise BadArchive() from error
        if isinstance(error, OSError):
            raise (DiskFull() if error.errno in FULL else BadArchive()) from error
        raise
    return plan.size


def _plan(archive: zipfile.ZipFile) -> Plan:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if not entries:
        raise EmptyArchive()
    if len(entries) > config.dataset_max_files:
        raise _too_many_files()
    for entry in entries:
        _check(entry)
    wanted = [entry for entry in entries if not _is_by_the_way(entry)]
    if sum(entry.file_size for entry in wanted) > config.dataset_max_bytes:
        raise ArchiveTooLarge(
            f"The data set unpacks to more than {config.dataset_max_bytes} bytes.",
            details={"max_bytes": config.dataset_max_bytes},
        )
    depth = _depth_of_train(wanted)
    places: dict[str, PurePosixPath] = {}
    chosen = []
    for entry in wanted:
        path = PurePosixPath(*_parts(entry)[depth:])
        if not _belongs(path):
            continue
        if places.setdefault(str(path).lower(), path) is not path:
            raise UnsafeArchive(f"The zip archive holds {path} twice.")
        chosen.append((entry, path))
    return Plan(chosen, sum(entry.file_size for entry, _ in chosen))


def _check(entry: zipfile.ZipInfo) -> None:
    """Refuse by what the table of contents says, before anything is unpacked."""
    name = entry.filename
    path = name.replace("\\", "/")
    if path.startswith("/") or DRIVE.match(path) or ".." in _parts(entry):
        raise UnsafeArchive(f"{name[:200]!r} points outside of the zip archive.")
    if not name.isprintable():
        raise UnsafeArchive(f"{name[:200]!r} is no name for a file.")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise UnsafeArchive(f"{name[:200]!r} is a link or a device, not a file.")
    if PurePosixPath(path).suffix.lower() in ARCHIVE_SUFFIXES:
        raise _nested(name)
    if entry.flag_bits & 1:
        raise UnsafeArchive("The zip archive is locked with a password.")
    if entry.compress_type not in METHODS:
        raise UnsafeArchive(
            f"{name[:200]!r} is packed in a way that is not supported; use plain zip (deflate)."
        )
    if entry.file_size > max(SMALL, MOST_RATIO * entry.compress_size):
        raise UnsafeArchive(f"{name[:200]!r} unpacks to suspiciously much.")


def _parts(entry: zipfile.ZipInfo) -> tuple[str, ...]:
    return PurePosixPath(entry.filename.replace("\\", "/")).parts


def _is_by_the_way(entry: zipfile.ZipInfo) -> bool:
    """What systems add to archives unasked: `__MACOSX`, `.DS_Store` and other dot files."""
    return any(part.startswith(".") or part == "__MACOSX" for part in _parts(entry))


def _depth_of_train(entries: list[zipfile.ZipInfo]) -> int:
    """0 when train/images is at the top, 1 when everything is inside one folder. Raises NotYolo."""
    for depth in (0, 1):
        if any(_is_training_picture(_parts(entry)[depth:]) for entry in entries):
            if depth and len({_parts(entry)[0] for entry in entries}) > 1:
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
    """At most as many bytes as the table of contents says; more are a damage, found by the checksum."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as source, path.open("xb") as target:
        head = source.read(PIECE)
        if head.startswith(ZIP_MARKS):
            raise _nested(entry.filename)
        target.write(head)
        shutil.copyfileobj(source, target, PIECE)


def _nested(name: str) -> NestedArchive:
    return NestedArchive(f"{name[:200]!r} is an archive inside the archive; put its files in directly.")


def _too_many_files() -> ArchiveTooLarge:
    limit = config.dataset_max_files
    return ArchiveTooLarge(f"A data set has at most {limit} files.", details={"max_files": limit})
