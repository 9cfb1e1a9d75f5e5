"""What is refused of any zip archive that comes from outside, by what its table of contents says.

Whoever unpacks one asks here before anything is unpacked, and has words and codes of its own for each fault.
"""

import re
import stat
import struct
import zipfile
import zlib
from enum import Enum
from io import FileIO
from pathlib import Path, PurePosixPath

from detector.conf import MIB

ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
SMALL = MIB  # whatever its ratio, unpacking this much harms nobody
# bzip2 and LZMA may unpack a few kilobytes to hundreds of megabytes in one go.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
DRIVE = re.compile("[A-Za-z]:")
DAMAGES = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError),
    *(struct.error, IndexError, OverflowError),
)
"""What zipfile raises on damaged archives."""


class Fault(Enum):
    """Why an entry is not unpacked."""

    OUTSIDE = "its name points outside of the archive"
    NO_FILE = "a link or a device"
    LOCKED = "a password"
    METHOD = "packed in another way than deflate"
    RATIO = "it unpacks to suspiciously much"


class TableTooLarge(Exception):
    """The archive's table of contents is larger than any acceptable one."""


class BoundedTable(FileIO):
    """An archive that is not read in pieces of more than `most_bytes`: zipfile reads the table of contents in
    one piece, and makes objects of some hundred bytes from each of its entries. Raises TableTooLarge."""

    def __init__(self, path: Path, *, most_bytes: int) -> None:
        super().__init__(path)
        self._most_bytes = max(most_bytes, MIB)

    def read(self, size: int = -1, /) -> bytes:
        if size > self._most_bytes:
            raise TableTooLarge
        return super().read(size)


def parts(entry: zipfile.ZipInfo) -> tuple[str, ...]:
    """The folders and the name of an entry, whichever slashes it was written with."""
    return PurePosixPath(entry.filename.replace("\\", "/")).parts


def is_folder(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is a folder. One without a name, over which zipfile stumbles, counts as one."""
    return not entry.filename or entry.is_dir()


def is_by_the_way(entry: zipfile.ZipInfo) -> bool:
    """Folders, and what systems add to archives unasked: `__MACOSX`, `.DS_Store` and other dot files."""
    hidden = any(part.startswith(".") and part != ".." for part in parts(entry))
    return is_folder(entry) or hidden or "__MACOSX" in parts(entry)


def fault_of(entry: zipfile.ZipInfo, *, most_ratio: float) -> Fault | None:
    """What is wrong with an entry, or None. `most_ratio`: unpacked bytes for each packed one."""
    path = entry.filename.replace("\\", "/")
    if path.startswith("/") or DRIVE.match(path) or ".." in parts(entry):
        return Fault.OUTSIDE
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        return Fault.NO_FILE
    if entry.flag_bits & 1:
        return Fault.LOCKED
    if entry.compress_type not in METHODS:
        return Fault.METHOD
    if entry.file_size > max(SMALL, most_ratio * entry.compress_size):
        return Fault.RATIO
    return None
