"""Bytes from a stranger to an upright RGB image, or a named error.

Nothing is decoded before its pixel count is known to be within the limit, and whatever Pillow raises on a
damaged file becomes one of the two errors here.
"""

import io
import math
from typing import ClassVar

import numpy as np
from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")  # JPEG includes MPO
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".mpo", ".tif", ".tiff"})
DEFAULT_MAX_PIXELS = 40_000_000

MAX_SCANS = 100
"""A progressive JPEG has about ten; each is a pass over the whole picture."""

_SCAN_MARK = b"\xff\xda"
_TILE_TAGS = (322, 323)
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LYING = (
    *(Image.Transpose.TRANSPOSE, Image.Transpose.TRANSVERSE),
    *(Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270),
)


class ImageError(Exception):
    """An image that can't be used. `code` is stable, `message` is for the person who sent it."""

    code: ClassVar[str] = "image_error"

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message


class BadImage(ImageError):
    """Not an image, damaged, empty, or of a kind that is not supported."""

    code = "bad_image"


class ImageTooLarge(ImageError):
    """More pixels than the limit; found out before anything is decoded."""

    code = "image_too_large"


def decode_image(
    data: bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS, target: int | None = None
) -> Image.Image:
    """Decode the first frame of an image file to RGB, upright, transparency over white.

    `max_pixels` limits width x height as the file declares them. With `target` a large JPEG may be decoded at
    1/2, 1/4 or 1/8 of its size as long as its longer side keeps at least `target` pixels: much faster.

    Raises `BadImage` or `ImageTooLarge`, and nothing else, whatever the bytes are.
    """
    with _open(data, max_pixels) as image:
        _check_size(image.size, max_pixels)
        _check_work(image, data, max_pixels)
        try:
            return _load_rgb(image, target)
        except ImageError:
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise ImageTooLarge(f"The image has more than {max_pixels} pixels.") from error
        except (
            Exception
        ) as error:  # as above: truncated data alone raises OSError, SyntaxError, struct.error, ...
            raise BadImage(f"The {image.format} image is damaged or cut short.") from error


def upright_size(data: bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> tuple[int, int]:
    """Width and height of an image once it is turned upright, as its file declares them.

    Raises `BadImage` or `ImageTooLarge`.
    """
    with _open(data, max_pixels) as image:
        _check_size(image.size, max_pixels)
        width, height = image.size
        return (height, width) if _turn(image) in _LYING else (width, height)


def _open(data: bytes, max_pixels: int) -> Image.Image:
    if not data:
        raise BadImage("The image is empty (0 bytes).")
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLarge(f"The image has more than {max_pixels} pixels.") from error
    except Exception as error:  # Pillow's plugins raise a dozen kinds of error on bad headers
        raise BadImage("Not an image: expected JPEG, PNG, WebP, GIF, BMP or TIFF.") from error


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise BadImage(f"The image has no pixels ({width}x{height}).")
    if width * height > max_pixels:
        raise ImageTooLarge(
            f"The image has {width}x{height} pixels; the limit is {max_pixels} pixels in all."
        )


def _check_work(image: Image.Image, data: bytes, max_pixels: int) -> None:
    """Refuse files that take far more work than their size in pixels says."""
    if image.format in ("JPEG", "MPO") and data.count(_SCAN_MARK) > MAX_SCANS:
        raise BadImage(f"The JPEG image has more than {MAX_SCANS} scans.")
    if image.format == "TIFF":
        tile = [image.tag_v2.get(tag, 0) for tag in _TILE_TAGS]
        if not all(isinstance(side, int) for side in tile) or math.prod(tile) > max_pixels:
            raise ImageTooLarge(f"The image has tiles of more than {max_pixels} pixels.")


def _load_rgb(image: Image.Image, target: int | None) -> Image.Image:
    if target is not None and image.format in ("JPEG", "MPO"):
        shrink = target / max(image.size)
        image.draft("RGB", tuple(max(1, round(side * shrink)) for side in image.size))
    turn = _turn(image)  # first of all: a PNG may hold a second orientation behind its pixels
    image.load()
    rgb = _to_rgb(image)
    image.close()  # its pixels: turning takes as many again
    return rgb if turn is None else rgb.transpose(turn)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What turns an image that was just opened upright; none for TIFF, which Pillow turns by itself."""
    if image.format == "TIFF":
        return None
    try:
        return _UPRIGHT.get(image.getexif().get(_ORIENTATION_TAG))
    except Exception:  # broken EXIF in an image whose pixels are fine: show it as it lies
        return None


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        image = _eight_bit(image)
    elif image.mode == "F":
        raise BadImage("Images with floating-point pixels are not supported.")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image if image.mode == "RGBA" else image.convert("RGBA")
    if layer is not image:
        image.close()
    white = Image.new("RGB", layer.size, "white")
    white.paste(layer, mask=layer)
    return white


def _eight_bit(image: Image.Image) -> Image.Image:
    """Grey of 16 bits, which Pillow would clip at 255 rather than scale, to 8 bits."""
    grey = np.asarray(image)
    if image.mode != "I" or grey.max() > 255:
        grey = np.clip(grey, 0, 65535)
        grey >>= 8
    return Image.fromarray(grey.astype(np.uint8))
