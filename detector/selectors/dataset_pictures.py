"""Pictures of data sets, small, for whoever looks through them."""

import io
from pathlib import Path
from threading import BoundedSemaphore

from PIL import Image

from detector.conf import config
from detector.errors import HamsterError
from detector.models import Dataset
from ml.images import ImageError, decode_image
from ml.inspection import MAX_FILE_BYTES

QUALITY = 82
# A page asks for two dozen pictures at once, and a large one takes much memory while it is decoded.
decoding = BoundedSemaphore(2)


class NoPicture(HamsterError):
    """The file is gone, broken, or not one of the data set's."""

    code = "no_picture"
    status = 404
    message = "This picture can't be shown."


def small_picture(dataset: Dataset, file: str, *, side: int) -> bytes:
    """A JPEG of the picture, upright, at most `side` pixels wide and high. Raises NoPicture.

    What is served is always drawn anew from decoded pixels: no file leaves the server as it is. Links that
    lead out of the data set are not followed.
    """
    root = Path(dataset.folder)
    try:
        root, path = root.resolve(), (root / file).resolve()
        if not path.is_relative_to(root) or not path.is_file() or path.stat().st_size > MAX_FILE_BYTES:
            raise NoPicture()
        with decoding:
            image = decode_image(path.read_bytes(), max_pixels=config.upload_max_pixels, target=side)
            image.thumbnail((side, side), Image.Resampling.BILINEAR)
    except (OSError, RuntimeError, ValueError, ImageError) as error:
        raise NoPicture() from error
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
