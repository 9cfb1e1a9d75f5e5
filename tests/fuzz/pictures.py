"""Fuzz of the decoding: real pictures of every kind, damaged where their formats say what matters."""

import math
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st
from PIL import Image, ImageCms

from ml.config import EMOTIONS
from ml.images import ImageError, decode_image, upright_size
from ml.predictor import Predictor
from tests.detector.pictures import encoded, scene
from tests.fuzz.parts import Part
from tests.fuzz.recipes import Recipe, recipes
from tests.ml.red_cell_detector import write_red_cell_detector

MAX_PIXELS = 250_000
SIZE = (64, 48)
NUMBERS = (0, 1, 2, 7, 8, 255, 256, 32767, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)
JUNK = (b"\0", b"\xff", b"\x7f", b"\x80", b"\xff\xd8\xff\xe1", b"\xff\xda\x00\x08", b"\xff" * 64, b"\0" * 300)
BOMB = zlib.compress(b"\0" * 2**21, 9)
"""Two megabytes in two kilobytes."""


def _bases() -> list[bytes]:
    picture, second = scene(size=SIZE), scene(size=SIZE, face=False)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a picture"
    grey16 = Image.new("I;16", SIZE, 40_000)
    more = {"save_all": True, "append_images": [second], "duration": 40}
    alpha = scene(size=SIZE, mode="RGBA")
    alpha.putalpha(scene(size=SIZE).getchannel("R"))
    return [
        *(encoded(picture), encoded(picture, progressive=True), encoded(picture, exif=exif)),
        *(
            encoded(picture, icc_profile=profile),
            encoded(picture.convert("L")),
            encoded(picture, "MPO", **more),
        ),
        *(encoded(scene(size=SIZE, mode="CMYK")), encoded(picture, subsampling=0, quality=95)),
        *(
            encoded(picture, "PNG"),
            encoded(alpha, "PNG"),
            encoded(grey16, "PNG"),
            encoded(picture, "PNG", **more),
        ),
        *(encoded(picture.convert("1"), "PNG"), encoded(picture, "PNG", icc_profile=profile, exif=exif)),
        encoded(picture.convert("P", palette=Image.Palette.ADAPTIVE), "PNG", transparency=0),
        *(encoded(picture, "WEBP"), encoded(picture, "WEBP", lossless=True), encoded(alpha, "WEBP")),
        *(encoded(picture, "WEBP", **more), encoded(picture, "WEBP", exif=exif, icc_profile=profile)),
        *(encoded(picture, "GIF"), encoded(picture, "GIF", **more), encoded(alpha, "GIF")),
        *(
            encoded(picture, "BMP"),
            encoded(picture.convert("1"), "BMP"),
            encoded(picture.convert("P"), "BMP"),
        ),
        *(encoded(picture, "TIFF"), encoded(picture, "TIFF", compression="tiff_lzw")),
        *(encoded(picture, "TIFF", compression="tiff_adobe_deflate"), encoded(grey16, "TIFF")),
        *(encoded(picture.convert("F"), "TIFF"), encoded(scene(size=SIZE, mode="CMYK"), "TIFF")),
        *(encoded(picture, "TIFF", compression="jpeg"), encoded(picture.convert("1"), "TIFF")),
    ]


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks, at = [], 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return chunks


INSERTED = (
    (b"iCCP", b"icc\0\0" + BOMB),
    (b"zTXt", b"text\0\0" + BOMB),
    (b"iTXt", b"text\0\1\0en\0\0" + BOMB),
    (b"tEXt", b"\xff" * 50),
    (b"eXIf", b"MM\0*\xff\xff\xff\xff"),
    (b"acTL", struct.pack(">II", 2**31 - 1, 0)),
    (b"fcTL", struct.pack(">IIIIIHHBB", 0, 2**31 - 1, 64, 0, 0, 1, 0, 9, 9)),
    (b"PLTE", b"\0" * 7),
    (b"tRNS", b"\0"),
    (b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 16, 6, 0, 0, 1)),
    (b"IDAT", BOMB),
)


def _damage_png(data: bytes, kind: int, where: int, number: int) -> bytes:
    """One of: other dimensions, bit depth or colour, a chunk more, fewer, twice, elsewhere; sums right."""
    chunks = _png_chunks(data)
    place = where % len(chunks)
    header = bytearray(chunks[0][1].ljust(13, b"\0"))  # earlier damage may have put another chunk first
    match kind % 5:
        case 0:
            struct.pack_into(">I", header, 4 * (where % 2), NUMBERS[number % len(NUMBERS)])
            chunks[0] = (b"IHDR", bytes(header))
        case 1:
            header[8 + where % 5] = number % 18
            chunks[0] = (b"IHDR", bytes(header))
        case 2:
            chunks.insert(1 + place, INSERTED[number % len(INSERTED)])
        case 3:
            del chunks[place]
        case 4:
            chunks.insert(number % (len(chunks) + 1), chunks[place])
    return data[:8] + b"".join(_chunk(*chunk) for chunk in chunks)


def _jpeg_segments(data: bytes) -> list[bytes]:
    """The segments up to the scan, and all the rest as the last one."""
    segments, at = [], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        end = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
        segments.append(data[at:end])
        at = end
    return [*segments, data[at:]]


def _exif(orientation: int) -> bytes:
    body = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + struct.pack(">HHI", orientation, 0, 8)
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _damage_jpeg(data: bytes, kind: int, where: int, number: int) -> bytes:
    """One of: other dimensions or components, an EXIF of any orientation that is its own next directory, a
    segment fewer, twice or of another kind, many scans."""
    segments = _jpeg_segments(data)
    place = where % len(segments)
    match kind % 6:
        case 0:
            heads = (0xC0, 0xC1, 0xC2)
            frames = [index for index, one in enumerate(segments) if len(one) > 8 and one[1] in heads]
            for index in frames:
                changed = bytearray(segments[index])
                struct.pack_into(">H", changed, 5 + 2 * (where % 2), NUMBERS[number % len(NUMBERS)] & 0xFFFF)
                segments[index] = bytes(changed)
        case 1:
            segments.insert(0, _exif(number % 12 if where % 3 else NUMBERS[number % len(NUMBERS)] & 0xFFFF))
        case 2:
            del segments[place]
        case 3:
            segments.insert(number % (len(segments) + 1), segments[place])
        case 4:
            changed = bytearray(segments[place])
            if len(changed) > 1:
                changed[1] = 0xC0 + number % 64
            segments[place] = bytes(changed)
        case 5:
            segments[-1] = segments[-1][: 40 + where % 200] * (1 + number % 150)
    return data[:2] + b"".join(segments)


def _put_number(data: bytes, kind: int, where: int, number: int) -> bytes:
    """Another number of 1, 2 or 4 bytes, of either order, among the first ones, where sizes and tags are."""
    form = ("B", "<H", ">H", "<I", ">I")[kind % 5]
    width = struct.calcsize(form)
    at = where % max(1, min(len(data) - width, 160))
    value = NUMBERS[number % len(NUMBERS)] & (256**width - 1)
    return data[:at] + struct.pack(form, value) + data[at + width :]


def _put_number_anywhere(data: bytes, kind: int, where: int, number: int) -> bytes:
    at = where % max(1, len(data))
    return data[:at] + _put_number(data[at:], kind, 0, number)


def _cut(data: bytes, kind: int, where: int, number: int) -> bytes:
    return data[: where % (len(data) + 1)]


def _repeat(data: bytes, kind: int, where: int, number: int) -> bytes:
    at = where % (len(data) + 1)
    return data[: at + number % 400] + data[at:]


def _leave_out(data: bytes, kind: int, where: int, number: int) -> bytes:
    at = where % (len(data) + 1)
    return data[:at] + data[at + 1 + number % 60 :]


def _insert(data: bytes, kind: int, where: int, number: int) -> bytes:
    at = where % (len(data) + 1)
    return data[:at] + JUNK[number % len(JUNK)] + data[at + kind % 2 :]


def _splice(data: bytes, kind: int, where: int, number: int) -> bytes:
    other = BASES[kind % len(BASES)]
    return data[: where % (len(data) + 1)] + other[number % (len(other) + 1) :]


def _by_format(data: bytes, kind: int, where: int, number: int) -> bytes:
    if data.startswith(b"\x89PNG") and len(_png_chunks(data)) > 1:
        return _damage_png(data, kind, where, number)
    if data.startswith(b"\xff\xd8\xff"):
        try:
            return _damage_jpeg(data, kind, where, number)
        except (struct.error, IndexError):  # damaged before
            return _cut(data, kind, where, number)
    return _put_number(data, kind, where, number)


BASES = _bases()
DAMAGES: tuple[Callable[[bytes, int, int, int], bytes], ...] = (
    *(_by_format, _by_format, _by_format, _put_number, _put_number, _put_number_anywhere),
    *(_cut, _repeat, _leave_out, _insert, _splice),
)


def make_file(recipe: Recipe) -> bytes:
    """A picture, whole or damaged up to four times."""
    data = recipe.pick(BASES)
    for _ in range(recipe.number(5)):
        damage = recipe.pick(DAMAGES)
        data = damage(data, recipe.number(), recipe.number(), recipe.number())[: 2**20]
    return data


FILES = recipes(make_file, numbers=18)


class Pictures(Part):
    """`decode_image`, `upright_size` and `Predictor.predict` on damaged pictures."""

    name = "pictures"
    cases = FILES | FILES | st.binary(max_size=40)

    def __init__(self, folder: Path) -> None:
        self._predictor = Predictor(write_red_cell_detector(folder / "red.onnx", version="red"))

    def check(self, case: bytes) -> None:
        """A picture of at most so many pixels and proper detections, or one of the two errors, and the same
        one each time."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            decoded, refused = None, ""
            try:
                decoded = decode_image(case, max_pixels=MAX_PIXELS)
            except ImageError as error:
                refused = error.code
                assert error.message.isprintable() and len(error.message) < 200
            if decoded is not None:
                assert decoded.mode == "RGB"
                assert 1 <= decoded.width * decoded.height <= MAX_PIXELS
                assert decoded.size == upright_size(case, max_pixels=MAX_PIXELS)
            try:
                found, timing = self._predictor.predict(case, max_pixels=MAX_PIXELS)
            except ImageError as error:
                assert error.code == refused
                return
        assert decoded is not None
        assert timing.decode_ms >= 0
        for one in found:
            assert 0 <= one.x1 < one.x2 <= 1 and 0 <= one.y1 < one.y2 <= 1
            assert one.label in EMOTIONS and math.isfinite(one.score)
