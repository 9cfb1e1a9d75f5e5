"""Pictures drawn by code, for a detector that takes red for a happy face (tests.ml.red_cell_detector)."""

import io
import struct
import zlib
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw

# The red square of `scene` covers exactly one cell of the detector's input.
FACE = {"x1": 0.25, "y1": 1 / 3, "x2": 0.5, "y2": 2 / 3}


def scene(*, size: tuple[int, int] = (320, 240), face: bool = True, mode: str = "RGB") -> Image.Image:
    """A blue picture with one red square at `FACE`, or without."""
    picture = Image.new("RGB", size, "blue")
    if face:
        width, height = size
        corners = (FACE["x1"] * width, FACE["y1"] * height, FACE["x2"] * width - 1, FACE["y2"] * height - 1)
        ImageDraw.Draw(picture).rectangle(corners, fill="red")
    return picture.convert(mode)


def encoded(picture: Image.Image, format_name: str = "JPEG", **options: Any) -> bytes:
    """The picture as a file's bytes."""
    buffer = io.BytesIO()
    picture.save(buffer, format_name, **options)
    return buffer.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header claims a size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def turned_by_exif() -> bytes:
    """A JPEG stored lying on its side, with the EXIF orientation that turns it upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(scene().transpose(Image.Transpose.ROTATE_90), exif=exif)


def animated() -> bytes:
    """A GIF whose first frame has the face and whose second has none."""
    return encoded(scene(), "GIF", save_all=True, append_images=[scene(face=False)], duration=50)


def with_alpha() -> bytes:
    """A PNG whose face is opaque and whose surroundings are transparent."""
    picture = scene(mode="RGBA")
    mask = scene().getchannel("R")
    picture.putalpha(mask)
    return encoded(picture, "PNG")


def sixteen_bit() -> bytes:
    """A grey PNG of 16 bits: no red, so no face, but a proper picture."""
    return encoded(Image.new("I;16", (320, 240), 40_000), "PNG")


@dataclass(frozen=True)
class Odd:
    """A picture out of the ordinary: refused with `code`, or (None) looked at with `faces` found."""

    name: str
    data: bytes
    code: str | None = None
    faces: int = 1


ODD_PICTURES = (
    Odd("nothing at all", b"", "bad_image"),
    Odd("not an image", b"<html>I am a page</html>" * 20, "bad_image"),
    Odd("a truncated JPEG", encoded(scene())[:1500], "bad_image"),
    Odd("a truncated PNG", encoded(scene(), "PNG")[:300], "bad_image"),
    Odd("zero by zero pixels", png_claiming(0, 0), "bad_image"),
    Odd("a decompression bomb", png_claiming(60_000, 60_000), "image_too_large"),
    Odd("turned by EXIF", turned_by_exif()),
    Odd("animated", animated()),
    Odd("CMYK", encoded(scene(mode="CMYK"))),
    Odd("16 bits a channel", sixteen_bit(), faces=0),
    Odd("alpha", with_alpha()),
    Odd("WebP", encoded(scene(), "WEBP")),
)
