"""Fuzz of the zip reading, of data sets and of batches: archives that lie, and archives that are damaged."""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from django.conf import settings
from django.test.utils import override_settings

from detector.errors import HamsterError
from detector.services.batch_intake import NAME_LENGTH, Incoming, candidates
from detector.services.dataset_files import uploads_root
from detector.services.dataset_intake import unpack
from tests.fuzz.parts import Part
from tests.fuzz.recipes import Recipe, recipes

ROOM = 600_000
LIMITS = {
    **{"batch_max_items": 8, "batch_max_file_bytes": 200_000, "batch_max_bytes": 500_000},
    **{"dataset_max_files": 8, "dataset_max_bytes": 500_000, "dataset_free_bytes": 0},
}
PICTURE = b"\xff\xd8\xff" + b"picture" * 20
CONTENTS = (
    PICTURE,
    PICTURE,
    PICTURE,
    b"",
    b"0 0.5 0.5 0.1 0.1\n",
    b"PK\x03\x04nested",
    b"\0" * 150_000,
    b"GIF89a",
)
BOMB = b"\xff\xd8\xff" + b"\0" * 3_000_000
NAMES = (
    *("train/images/a.jpg", "train/images/b.jpg", "train/labels/a.txt", "valid/images/a.jpg", "data.yaml"),
    *(
        "train/images/a.jpg",
        "TRAIN/images/a.JPG",
        "train/images/A.jpg",
        "top/train/images/a.jpg",
        "a.jpg",
        "b.png",
    ),
    *(
        "../a.jpg",
        "train/images/../../../a.jpg",
        "/etc/a.jpg",
        "//host/a.jpg",
        "C:/a.jpg",
        "c:a.jpg",
        "..",
        ".",
    ),
    *(
        "..\\..\\a.jpg",
        "train\\images\\c.jpg",
        "train/images/",
        "train/images",
        "train//images//a.jpg",
        "./a.jpg",
    ),
    *(
        "train/images/a.jpg/b.jpg",
        "a\0.jpg",
        "a\n.jpg",
        "\u202egpj.a",
        "é.jpg",
        "e\u0301.jpg",
        "\ud7ff.jpg",
        "日本.jpg",
    ),
    *(
        "train/images/" + "x" * 250 + ".jpg",
        "train/images/" + "x" * 260 + ".jpg",
        "x/" * 300 + "a.jpg",
        "",
        " ",
        "/",
    ),
    *(
        "nul.jpg",
        "a.zip",
        "train/images/a.jpg.zip",
        "__MACOSX/a.jpg",
        ".DS_Store",
        "train/images/.jpg",
        "~/a.jpg",
    ),
)
MODES = (
    0,
    0,
    0,
    0,
    stat.S_IFREG | 0o644,
    stat.S_IFREG | 0o4777,
    stat.S_IFLNK | 0o777,
    stat.S_IFDIR,
    stat.S_IFIFO,
)
METHODS = (
    zipfile.ZIP_STORED,
    zipfile.ZIP_DEFLATED,
    zipfile.ZIP_DEFLATED,
    zipfile.ZIP_BZIP2,
    zipfile.ZIP_LZMA,
)
NUMBERS = (0, 1, 2, 8, 99, 255, 65535, 2**31 - 1, 2**31, 2**32 - 1)
ZIP64 = struct.pack("<HHQQQ", 1, 24, 2**63, 2**40, 2**50)
EXTRAS = (b"", b"", b"", ZIP64, ZIP64[:9], b"\x75\x70\xff\xff\x01", struct.pack("<HH", 1, 0), b"\x01")
LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
ZIP64_END = (
    struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 2**40, 2**40, 2**62, 2**63)
    + struct.pack("<4sIQI", b"PK\x06\x07", 0, 0, 1)
)  # fmt: skip

Entry = tuple[str, bytes, int, int, bytes]


@cache
def _packed(content: bytes, method: int) -> bytes:
    """The content as it lies in an archive."""
    compressor = zipfile._get_compressor(method, 9)
    return compressor.compress(content) + compressor.flush() if compressor else content


_sum = cache(zlib.crc32)


def _archive(entries: list[Entry]) -> bytes:
    """Written by hand: `zipfile` would put right what is to be wrong."""
    body, table = io.BytesIO(), io.BytesIO()
    for name, content, mode, method, extra in entries:
        raw, packed, at = name.encode("utf-8", "replace"), _packed(content, method), body.tell()
        flags = 0 if name.isascii() else 0x800
        sums = struct.pack("<III", _sum(content), len(packed), len(content))
        body.write(struct.pack("<4sHHHHH", LOCAL, 20, flags, method, 0, 33) + sums)
        body.write(struct.pack("<HH", len(raw), len(extra)) + raw + extra + packed)
        table.write(struct.pack("<4sHHHHHH", CENTRAL, 0x0314, 20, flags, method, 0, 33) + sums)
        table.write(struct.pack("<HHHHHII", len(raw), len(extra), 0, 0, 0, mode << 16, at) + raw + extra)
    count, size = len(entries), len(table.getvalue())
    end = struct.pack("<4sHHHHIIH", END, 0, 0, count, count, size, body.tell(), 0)
    return body.getvalue() + table.getvalue() + end


def _put_field(data: bytes, which: int, where: int, number: int) -> bytes:
    """Another number in one of the fields of a header: flags, method, sums, sizes, lengths, offsets."""
    mark = (LOCAL, CENTRAL, CENTRAL, END)[which % 4]
    found, at = [], data.find(mark)
    while at >= 0:
        found.append(at)
        at = data.find(mark, at + 1)
    if not found:
        return _put_byte(data, which, where, number)
    at = found[which % len(found)] + 4 + 2 * (where % 21)
    form = "<H" if number % 2 else "<I"
    width = struct.calcsize(form)
    value = struct.pack(form, NUMBERS[number % len(NUMBERS)] & (256**width - 1))
    return (data[:at] + value + data[at + width :])[: len(data)]


def _put_byte(data: bytes, which: int, where: int, number: int) -> bytes:
    at = where % (len(data) + 1)
    return data[:at] + bytes([number % 256]) + data[at + 1 :]


def _cut(data: bytes, which: int, where: int, number: int) -> bytes:
    at = where % (len(data) + 1)
    return data[at:] if which % 4 == 0 else data[:at]


def _lock(data: bytes, which: int, where: int, number: int) -> bytes:
    """The flag of a password in the table of contents, or in the header of a file alone."""
    mark, offset = ((CENTRAL, 8), (LOCAL, 6))[which % 2]
    at = data.find(mark)
    return data[: at + offset] + bytes([1 + number % 128]) + data[at + offset + 1 :] if at >= 0 else data


def _zip64(data: bytes, which: int, where: int, number: int) -> bytes:
    at = data.rfind(END)
    return data[:at] + ZIP64_END + data[at:] if at >= 0 else data


def _other_name(data: bytes, which: int, where: int, number: int) -> bytes:
    """The name in a file's own header is not that of the table of contents, or is in no known encoding."""
    raw = (b"../../a.jpg", b"\xff\xfe\x80", b"\x81\x40", b"train/images/z.jpg")[number % 4]
    at = data.find(LOCAL)
    if which % 2:
        at = data.find(CENTRAL) + 16
    return data[: at + 30] + raw + data[at + 30 + len(raw) :]


def _around(data: bytes, which: int, where: int, number: int) -> bytes:
    junk = bytes([number % 256]) * (where % 300)
    return junk + data if which % 2 else data + junk


DAMAGES: tuple[Callable[[bytes, int, int, int], bytes], ...] = (
    *(_put_field, _put_field, _put_field, _put_byte, _cut, _lock, _zip64, _other_name, _around),
)


def _entry(recipe: Recipe) -> Entry:
    names = recipe.pick((NAMES, NAMES[:5], NAMES[:5], ()))
    name = recipe.pick(names) if names else recipe.text(12)
    content = recipe.pick(CONTENTS) if recipe.number(12) else BOMB
    return name, content, recipe.pick(MODES), recipe.pick(METHODS), recipe.pick(EXTRAS)


def _built(recipe: Recipe) -> bytes:
    data = _archive([_entry(recipe) for _ in range(recipe.number(10))])
    for _ in range(recipe.number(4)):
        damage = recipe.pick(DAMAGES)
        data = damage(data, recipe.number(), recipe.number(), recipe.number())
    return data


FILES = recipes(_built, numbers=90)


class Archives(Part):
    """`unpack` of data sets and `candidates` of batches."""

    name = "archives"
    cases = FILES

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._outside = folder / "outside"
        self._outside.mkdir()
        self._archive = self._outside / "set.zip"
        self._var = self._outside / "var"
        self._settings = override_settings(VAR_DIR=self._var, HAMSTER={**settings.HAMSTER, **LIMITS})

    def check(self, case: bytes) -> None:
        """Files of the layout inside the folder, no more than there is room for; or an error and nothing."""
        self._archive.write_bytes(case)
        with self._settings:
            self._unpack()
            self._take_apart()
        assert {path.name for path in self._outside.iterdir()} <= {"set.zip", "var"}
        assert {path.name for path in self._folder.iterdir()} == {"outside"}

    def _unpack(self) -> None:
        new = uploads_root() / "new"
        try:
            size = unpack(archive=self._archive, folder=new, room=ROOM)
        except HamsterError as error:
            assert 400 <= error.status < 500 and str(error.message)
            assert not new.exists()
        else:
            files = [path for path in new.rglob("*") if not path.is_dir()]
            assert files and all(path.is_file() and not path.is_symlink() for path in files)
            assert sum(path.stat().st_size for path in files) == size <= LIMITS["dataset_max_bytes"]
            assert len(files) <= LIMITS["dataset_max_files"]
            assert any(path.parent == new / "train" / "images" for path in files)
            for path in sorted(new.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            new.rmdir()
        assert not uploads_root().exists() or not list(uploads_root().iterdir())

    def _take_apart(self) -> None:
        count, total = 0, 0
        for candidate in candidates([Incoming("set.zip", self._archive)]):
            count += 1
            assert candidate.name.isprintable() and 1 <= len(candidate.name) <= NAME_LENGTH
            assert (candidate.content is None) != (candidate.refusal is None)
            if candidate.content is not None:
                content = candidate.content.read()
                total += len(content)
                assert len(content) <= LIMITS["batch_max_file_bytes"]
            else:
                assert candidate.refusal.code and candidate.refusal.message
        assert 1 <= count <= LIMITS["batch_max_items"]
        assert total <= LIMITS["batch_max_bytes"]
