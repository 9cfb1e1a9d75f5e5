"""Pictures as pages show them: drawn anew from decoded pixels, upright and small.

So no file leaves the server as it is, and nothing that one may hide reaches a page.
"""

import io

from PIL import Image

from detector.conf import config
from detector.engine import decoding_turn
from ml.images import decode_image

QUALITY = 82
SMALL, LARGE = 320, 1280  # pixels, the longer side


def thumbnail(content: bytes, *, side: int) -> bytes:
    """A picture file as a JPEG of at most `side` pixels in width and height. Raises ml.images.ImageError."""
    image = small_copy(content, side=side)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def small_copy(content: bytes, *, side: int) -> Image.Image:
    """A picture file's upright RGB pixels and nothing else, at most `side` wide and high.

    Raises ml.images.ImageError.
    """
    with decoding_turn():
        image = decode_image(content, max_pixels=config.upload_max_pixels, target=side)
        image.thumbnail((side, side), Image.Resampling.BILINEAR)
    image.info = {}  # Pillow would write a comment into the new file too
    return image
