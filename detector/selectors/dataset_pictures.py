"""Pictures of data sets, small, for whoever looks through them."""

from pathlib import Path

from django.utils.translation import gettext_lazy as _

from detector.errors import HamsterError
from detector.models import Dataset
from detector.thumbnails import thumbnail
from ml.images import ImageError
from ml.inside import UnusableFile, read_inside


class NoPicture(HamsterError):
    """The file is gone, broken, or not one of the data set's."""

    code = "no_picture"
    status = 404
    message = _("This picture can't be shown.")


def small_picture(dataset: Dataset, file: str, *, side: int) -> bytes:
    """A JPEG of the picture, at most `side` pixels wide and high. Raises NoPicture."""
    try:
        root = Path(dataset.folder).resolve()
        return thumbnail(read_inside(root / file, root), side=side)
    except (OSError, UnusableFile, ImageError) as error:
        raise NoPicture() from error
