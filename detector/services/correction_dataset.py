"""A data set made of the accepted corrections: YOLO layout, in a folder of its own, as uploaded ones have.

Look-alikes, such as the same face sent five times in a row, go to the same split. Which one is decided by a
hash, so that a picture rarely changes sides from one data set to the next.
"""

import csv
import hashlib
import logging
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from detector.conf import config
from detector.errors import FULL, DiskFull, HamsterError
from detector.models import NOT_A_FACE, Correction, Dataset
from detector.selectors.corrections import first_alike, used_corrections
from detector.selectors.datasets import uploaded_bytes
from detector.services.account_rows import lock_account
from detector.services.correction_files import MANIFEST, read_crop
from detector.services.dataset_files import check_room, delete_folder, new_folder
from detector.services.dataset_intake import ArchiveTooLarge
from detector.services.datasets import free_name, keep_made_dataset
from ml.config import EMOTIONS

logger = logging.getLogger(__name__)
VALID_SHARE = 0.2
SOURCE = "corrections"
COLUMNS = ("split", "file", "source", "label")
NAMES = f"train: train/images\nval: valid/images\nnc: {len(EMOTIONS)}\nnames: [{', '.join(EMOTIONS)}]\n"
BYTES_BESIDE = 512  # of labels and manifest, a picture


class NothingAccepted(HamsterError):
    """No correction to make a data set of."""

    code = "nothing_accepted"
    status = 409
    message = _("No correction is accepted yet, so there is nothing to make a data set of.")


def make_dataset(*, name: str, owner: AbstractBaseUser | None) -> Dataset:
    """Copy all accepted corrections into a new data set and have it checked. One whose sender withdraws it
    meanwhile is not in it.

    Raises BadName, NameTaken, NothingAccepted, ArchiveTooLarge, DiskFull, AccountGone; then nothing is kept.
    """
    name = free_name(name)
    used = list(used_corrections())
    if not used:
        raise NothingAccepted()
    need = sum(correction.size + BYTES_BESIDE for correction in used)
    check_room(need)
    if need > config.dataset_quota_bytes - uploaded_bytes():
        raise ArchiveTooLarge(gettext("The data sets that are kept here already take all the room they may."))
    splits = split_of_each(used)
    dataset = Dataset(name=name, folder=str(new_folder()), owner=owner, from_corrections=True)
    folder = Path(dataset.folder)
    try:
        copied = [correction for correction in used if _write_picture(folder, correction, splits)]
        with transaction.atomic():
            lock_account(owner and owner.pk)
            # Locked: who is withdrawn before this is left out here, who is after it finds the data set.
            ids = [correction.pk for correction in copied]
            standing = used_corrections().filter(pk__in=ids).select_for_update()
            kept = list(standing)
            for gone in set(copied) - set(kept):
                _delete_picture(folder, gone, splits)
            if not any(splits[correction.pk] == "train" for correction in kept):
                raise NothingAccepted()
            _write_tables(folder, kept, splits)
            dataset.size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            keep_made_dataset(dataset=dataset)
            dataset.corrections.set(kept)
    except BaseException as error:
        delete_folder(folder)
        if isinstance(error, OSError) and error.errno in FULL:
            raise DiskFull() from error
        raise
    logger.info("the data set %s was made of %d corrections", dataset, len(kept))
    return dataset


def split_of_each(corrections: Sequence[Correction]) -> dict[int, str]:
    """Ids -> "train" or "valid". There is always something to train on and, of two or more groups of
    look-alikes, something to measure on."""
    groups: dict[str, list[int]] = defaultdict(list)
    for correction, first in zip(corrections, first_alike(corrections), strict=True):
        groups[corrections[first].key].append(correction.pk)
    places = {key: int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) / 2**32 for key in groups}
    order = sorted(groups, key=places.__getitem__)
    valid = {key for key in order if places[key] < VALID_SHARE}
    if not valid and len(order) > 1:
        valid.add(order[0])
    if len(valid) == len(order):
        valid.discard(order[-1])
    return {pk: "valid" if key in valid else "train" for key, ids in groups.items() for pk in ids}


def _write_picture(folder: Path, correction: Correction, splits: dict[int, str]) -> bool:
    content = read_crop(correction)
    if content is None:
        return False
    picture, labels = _paths(folder, correction, splits)
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_bytes(content)
    if correction.final_label != NOT_A_FACE:
        labels.parent.mkdir(parents=True, exist_ok=True)
        labels.write_text(_line(correction), encoding="utf-8")
    return True


def _delete_picture(folder: Path, correction: Correction, splits: dict[int, str]) -> None:
    for path in _paths(folder, correction, splits):
        path.unlink(missing_ok=True)


def _paths(folder: Path, correction: Correction, splits: dict[int, str]) -> tuple[Path, Path]:
    split = folder / splits[correction.pk]
    return split / "images" / correction.file_name, split / "labels" / f"{correction.key}.txt"


def _line(correction: Correction) -> str:
    x, y = (correction.x1 + correction.x2) / 2, (correction.y1 + correction.y2) / 2
    width, height = correction.x2 - correction.x1, correction.y2 - correction.y1
    return f"{EMOTIONS.index(correction.final_label)} {x:.6f} {y:.6f} {width:.6f} {height:.6f}\n"


def _write_tables(folder: Path, corrections: Sequence[Correction], splits: dict[int, str]) -> None:
    (folder / "data.yaml").write_text(NAMES, encoding="utf-8")
    with (folder / MANIFEST).open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for row in corrections:
            table.writerow((splits[row.pk], row.file_name, SOURCE, row.final_label))
