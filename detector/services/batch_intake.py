"""What people hand in for a batch, taken apart: pictures, archives of them, and whatever else comes along.

A thing that is no picture becomes an item that says why, and nothing of it is kept. Whether something is a
picture is told from its first bytes; the whole of it is decoded by a worker.
"""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

from django.core.files import File

from detector.conf import config
from detector.services.zip_entries import (
    DAMAGES,
    ZIP_MARKS,
    BoundedTable,
    Fault,
    TableTooLarge,
    fault_of,
    is_by_the_way,
)

NAME_LENGTH = 255
PICTURE_MARKS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*")
HEAD = 16  # bytes that tell what a file is
ENTRY_BYTES = 1024  # of an archive's table of contents, an entry: names are rarely longer than 200
FAULTS = {
    Fault.OUTSIDE: ("unsafe_path", "The name of this file points outside of its zip archive."),
    Fault.NO_FILE: ("unsafe_path", "This is a link to another file, not a file."),
    Fault.LOCKED: ("encrypted", "This file is locked with a password."),
    Fault.METHOD: ("unsupported_compression", "This file is packed in a way that is not supported."),
    Fault.RATIO: ("suspicious_compression", "This file unpacks to suspiciously much."),
}


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file handed in: its sender's name for it, and where it lies now.

    One that `may_be_moved` is the site's own copy, so keeping it need not copy it again.
    """

    name: str
    path: Path
    may_be_moved: bool = False

    @property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size

    def close(self) -> None:
        """As Django closes the files of a request; nothing is open here."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is not looked at: a code for programs, a message for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A future item: a picture with its `content`, or something that is refused.

    The content is good until the next candidate is asked for. `size` is in bytes.
    """

    name: str
    size: int
    content: File | None = None
    refusal: Refusal | None = None


class MovableFile(File):
    """A file that a local storage may move into place instead of copying it."""

    def temporary_file_path(self) -> str:
        return self.file.name


class _Unusable(Exception):
    """Carries the refusal of an archive or of one of its entries."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(code, message)


def candidates(files: Sequence[Incoming]) -> Iterator[Candidate]:
    """Everything in the files, in order: one for each file, and one for each entry of an archive."""
    for incoming in files:
        with incoming.path.open("rb") as file:
            head = file.read(HEAD)
            file.seek(0)
            if head.startswith(ZIP_MARKS) or incoming.name.lower().endswith(".zip"):
                yield from _archive(incoming)
            else:
                yield _picture(incoming, head, file)


def _picture(incoming: Incoming, head: bytes, file: IO[bytes]) -> Candidate:
    name, size = tidy_name(incoming.name), incoming.size
    if size > config.batch_max_file_bytes:
        return Candidate(name, size, refusal=_too_large(size))
    if not is_picture(head):
        return Candidate(name, size, refusal=_no_picture(size))
    return Candidate(name, size, (MovableFile if incoming.may_be_moved else File)(file))


def _archive(incoming: Incoming) -> Iterator[Candidate]:
    try:
        table = BoundedTable(incoming.path, most_bytes=config.batch_max_items * ENTRY_BYTES)
        with table as file, zipfile.ZipFile(file) as archive:
            entries = [entry for entry in archive.infolist() if not is_by_the_way(entry)]
            _check_whole(entries)
            for entry in entries:
                yield _entry(archive, entry, f"{incoming.name}/{entry.filename}")
    except _Unusable as error:
        yield Candidate(tidy_name(incoming.name), incoming.size, refusal=error.refusal)
    except TableTooLarge:
        yield Candidate(tidy_name(incoming.name), incoming.size, refusal=_too_many_entries().refusal)
    except (*DAMAGES, OSError):
        refusal = Refusal("bad_archive", "The zip archive is damaged or cut short.")
        yield Candidate(tidy_name(incoming.name), incoming.size, refusal=refusal)


def _check_whole(entries: Sequence[zipfile.ZipInfo]) -> None:
    if not entries:
        raise _Unusable("empty_archive", "The zip archive holds no files.")
    if len(entries) > config.batch_max_items:
        raise _too_many_entries()
    if sum(entry.file_size for entry in entries) > config.batch_max_bytes:
        raise _Unusable(
            "archive_too_large", f"The zip archive unpacks to more than {config.batch_max_bytes} bytes."
        )


def _too_many_entries() -> _Unusable:
    return _Unusable("archive_too_large", f"The zip archive holds more than {config.batch_max_items} files.")


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> Candidate:
    name, size = tidy_name(name), entry.file_size
    try:
        _check_entry(entry)
        return Candidate(name, size, File(BytesIO(_unpacked(archive, entry))))
    except _Unusable as error:
        return Candidate(name, size, refusal=error.refusal)
    except (*DAMAGES, OSError):
        return Candidate(
            name, size, refusal=Refusal("bad_entry", "This file is damaged inside its zip archive.")
        )


def _check_entry(entry: zipfile.ZipInfo) -> None:
    """Refuse by what the table of contents says, before anything is unpacked."""
    if (fault := fault_of(entry, most_ratio=config.batch_max_ratio)) is not None:
        raise _Unusable(*FAULTS[fault])
    if entry.file_size > config.batch_max_file_bytes:
        raise _refused(_too_large(entry.file_size))


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """As many bytes as the table says: more are a damage, found by the checksum, and so are fewer."""
    with archive.open(entry) as file:
        head = file.read(HEAD)
        if head.startswith(ZIP_MARKS):
            raise _Unusable("nested_archive", "An archive inside an archive is not opened.")
        if not is_picture(head):
            raise _refused(_no_picture(entry.file_size))
        content = head + file.read()
    if len(content) != entry.file_size:
        raise zipfile.BadZipFile
    return content


def is_picture(head: bytes) -> bool:
    """Whether a file that starts like this may be a picture of a kind that `ml.images` decodes."""
    return head.startswith(PICTURE_MARKS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def tidy_name(name: str) -> str:
    """A sender's name for a file as one line of at most NAME_LENGTH characters, its end kept."""
    printable = "".join(character if character.isprintable() else "?" for character in name)
    return printable[-NAME_LENGTH:] or "?"


def _too_large(size: int) -> Refusal:
    limit = config.batch_max_file_bytes
    return Refusal("image_too_large", f"The file has {size} bytes; at most {limit} are accepted.")


def _no_picture(size: int) -> Refusal:
    if not size:
        return Refusal("bad_image", "The image is empty (0 bytes).")
    return Refusal("bad_image", "Not an image: expected JPEG, PNG, WebP, GIF, BMP or TIFF.")


def _refused(refusal: Refusal) -> _Unusable:
    return _Unusable(refusal.code, refusal.message)
