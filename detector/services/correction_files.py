"""The crops of corrections: drawn anew when they come, stored one by one, and deleted wherever they are."""

import csv
import io
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from detector.conf import config
from detector.errors import FULL, DiskFull
from detector.models import Correction, Dataset
from detector.thumbnails import small_copy
from ml.dataset import SPLITS
from ml.duplicates import signature
from ml.images import BadImage

logger = logging.getLogger(__name__)
SIDE = 320  # pixels, the longer side at most
SMALLEST_SIDE = 24
QUALITY = 90
MANIFEST = "manifest.csv"
LONGEST_INTAKE = timedelta(hours=1)  # a crop that still has no row after this never gets one


@dataclass(frozen=True, slots=True)
class Crop:
    """A crop as it is kept: a JPEG of ours, and the signature that look-alikes are found by."""

    jpeg: bytes
    signature: bytes


def redraw(content: bytes) -> Crop:
    """Decode what was sent and draw it anew, small, with nothing but its pixels.

    Raises ml.images.ImageError.
    """
    image = small_copy(content, side=SIDE)
    if min(image.size) < SMALLEST_SIDE:
        raise BadImage(f"The picture has {image.width}x{image.height} pixels; {SMALLEST_SIDE} are needed.")
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return Crop(buffer.getvalue(), signature(image).tobytes())


def store(correction: Correction, jpeg: bytes) -> None:
    """Write the crop's file and note it on the row, which is not saved. Raises DiskFull."""
    name = f"{config.corrections_folder}/{correction.file_name}"
    try:
        correction.crop.name = default_storage.save(name, ContentFile(jpeg))
    except OSError as error:
        if error.errno in FULL:
            raise DiskFull() from error
        raise
    correction.size = len(jpeg)


def read_crop(correction: Correction) -> bytes | None:
    """The crop as a JPEG; None when it is not there any more."""
    if not correction.crop:
        return None
    try:
        with default_storage.open(correction.crop.name) as file:
            return file.read()
    except OSError as error:
        logger.warning("the crop of %s can't be read: %s", correction, error)
        return None


def delete_crop(name: str) -> bool:
    """Delete a crop's file; whether it is gone. What can't be deleted is logged."""
    try:
        default_storage.delete(name)
    except OSError:
        logger.exception("%s could not be deleted", name)
        return False
    return True


def delete_forgotten_crops() -> None:
    """Delete crops that no row knows, an hour after they were written: their request was cut off."""
    try:
        names = default_storage.listdir(config.corrections_folder)[1]
    except FileNotFoundError:
        return
    known = set(Correction.objects.exclude(crop="").values_list("crop", flat=True))
    for name in names:
        path = f"{config.corrections_folder}/{name}"
        with suppress(FileNotFoundError):  # withdrawn just now
            if (
                path not in known
                and default_storage.get_modified_time(path) < timezone.now() - LONGEST_INTAKE
            ):
                delete_crop(path)
                logger.warning("deleted %s, which belonged to no correction", path)


def remove_from_dataset(dataset: Dataset, file_name: str) -> bool:
    """Take a crop, its labels and its line of the manifest out of a data set; whether it is gone."""
    folder = Path(dataset.folder)
    try:
        with transaction.atomic():
            # One at a time: each writes the manifest anew.
            list(Dataset.objects.select_for_update().filter(pk=dataset.pk).values_list("pk"))
            freed = _delete_pictures(folder, file_name) + _strike_out(folder / MANIFEST, file_name)
            dataset.samples.filter(file__endswith=f"/{file_name}").delete()
            Dataset.objects.filter(pk=dataset.pk).update(size=Greatest(F("size") - freed, 0))
    except OSError:
        logger.exception("%s could not be taken out of the data set %s", file_name, dataset)
        return False
    return True


def _delete_pictures(folder: Path, file_name: str) -> int:
    freed = 0
    for split in SPLITS:
        picture = folder / split / "images" / file_name
        for path in (picture, folder / split / "labels" / picture.with_suffix(".txt").name):
            with suppress(FileNotFoundError):
                size = path.stat().st_size
                path.unlink()
                freed += size
    return freed


def _strike_out(manifest: Path, file_name: str) -> int:
    """Leave a file's line out of the manifest; returns by how many bytes that made it shorter."""
    try:
        before = manifest.read_text(encoding="utf-8")
    except FileNotFoundError:
        return 0
    rows = [row for row in csv.reader(io.StringIO(before)) if file_name not in row]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    newer = manifest.with_suffix(".new")
    newer.write_text(text.getvalue(), encoding="utf-8")
    newer.replace(manifest)
    return len(before.encode()) - len(text.getvalue().encode())
