"""Data sets: registering a folder, taking in an upload, asking for a check, deleting.

An uploaded one is unpacked before its row is written, because that may take a while; the folders of processes
that died in between are found and deleted too.
"""

import logging
from datetime import timedelta
from pathlib import Path

from celery import current_app
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from detector.conf import config
from detector.errors import HamsterError
from detector.models import OPEN, Dataset, Evaluation, JobState, TrainingRun
from detector.selectors.datasets import uploaded_bytes
from detector.services.account_rows import lock_account
from detector.services.dataset_files import delete_folder, delete_leftovers, new_folder, uploads_root
from detector.services.dataset_intake import ArchiveTooLarge, unpack
from detector.services.locks import Lock, hold

logger = logging.getLogger(__name__)
NAME_LENGTH = 120
FOLDER_LENGTH = 400
LONGEST_INTAKE = timedelta(days=1)  # a folder that still has no row after this never gets one


class BadName(HamsterError):
    """No name, or none that fits on a line."""

    code = "bad_name"

    def __init__(self) -> None:
        said = gettext("Give the data set a name of 1 to {most} characters on one line.")
        super().__init__(said.format(most=NAME_LENGTH))


class NameTaken(HamsterError):
    """Another data set has that name."""

    code = "name_taken"
    status = 409

    def __init__(self, name: str) -> None:
        said = gettext("There is a data set {name} already. Choose another name.")
        super().__init__(said.format(name=repr(name)))


class FolderTaken(HamsterError):
    """Another data set is that folder."""

    code = "folder_taken"
    status = 409

    def __init__(self, name: str) -> None:
        said = gettext("This folder is registered already, as {name}.")
        super().__init__(said.format(name=repr(name)))


class NotADataset(HamsterError):
    """No folder in YOLO layout."""

    code = "not_a_dataset"


class CheckRunning(HamsterError):
    """The data set is being checked, or waits for it."""

    code = "check_running"
    status = 409
    message = _("This data set is being checked already.")


class DatasetInUse(HamsterError):
    """A training run or an evaluation that has not ended needs the files."""

    code = "dataset_in_use"
    status = 409

    def __init__(self, user: TrainingRun | Evaluation) -> None:
        if isinstance(user, Evaluation):
            said = gettext("The detector {name} looks at this data set. Wait for its end.")
            message = said.format(name=user.version.name)
            details = {"evaluation": user.pk}
        else:
            said = gettext(
                "The training run {name} learns from this data set. Cancel it first, or wait for its end."
            )
            message = said.format(name=repr(user.name))
            details = {"training_run": user.pk}
        super().__init__(message, details=details)


def register_dataset(*, name: str, folder: str, owner: AbstractBaseUser | None) -> Dataset:
    """Note a folder on this server as a data set and have it checked; nothing in it is ever changed.

    Raises BadName, NameTaken, NotADataset, FolderTaken, AccountGone.
    """
    name = free_name(name)
    path = yolo_folder(folder)
    return _save(Dataset(name=name, folder=str(path), owner=owner))


def upload_dataset(*, name: str, archive: Path, owner: AbstractBaseUser | None) -> Dataset:
    """Unpack a zip archive in YOLO layout into a folder of its own and have it checked.

    Raises BadName, NameTaken, BadArchive or one of its kind, DiskFull, AccountGone; then nothing is kept.
    """
    name = free_name(name)
    dataset = Dataset(name=name, uploaded=True, folder=str(new_folder()), owner=owner)
    folder = Path(dataset.folder)
    room = config.dataset_quota_bytes - uploaded_bytes()
    dataset.size = unpack(archive=archive, folder=folder, room=room)
    try:
        return _save(dataset)
    except BaseException:
        delete_folder(folder)
        raise


def keep_made_dataset(*, dataset: Dataset) -> Dataset:
    """Save a data set whose files the site has just written into `new_folder()`, and have it checked.

    `name`, `folder`, `size` and `owner` are filled in. Raises NameTaken, ArchiveTooLarge, AccountGone.
    """
    dataset.uploaded = True
    return _save(dataset)


def check_again(*, dataset: Dataset, begin_anew: bool = False) -> None:
    """Queue the check of a data set once more; one that is going on is begun anew or, without `begin_anew`,
    refused. Raises CheckRunning."""
    with transaction.atomic():
        rows = Dataset.objects.filter(pk=dataset.pk)
        ended = rows if begin_anew else rows.exclude(state__in=OPEN)
        if not ended.update(
            state=JobState.QUEUED,
            progress=0.0,
            attempts=0,
            error="",
            report=None,
            images=None,
            problem_count=None,
            heartbeat_at=timezone.now(),
        ):
            raise CheckRunning()
        _send_on_commit(dataset.pk)


def delete_dataset(*, dataset: Dataset) -> None:
    """Forget a data set with all evaluations on it, and delete its files if they were uploaded; a worker that
    checks it notices.

    Raises DatasetInUse.
    """
    with transaction.atomic():
        list(Dataset.objects.select_for_update().filter(pk=dataset.pk))  # who queues a run locks it too
        if (user := user_of(dataset)) is not None:
            raise DatasetInUse(user)
        Dataset.objects.filter(pk=dataset.pk).delete()
    if dataset.uploaded:
        delete_folder(Path(dataset.folder))
    logger.info("data set %s was deleted", dataset.name)


def user_of(dataset: Dataset) -> TrainingRun | Evaluation | None:
    """An evaluation on the data set that has not ended, or a training run that has not and learns from files
    that would be deleted with it."""
    evaluation = dataset.evaluations.filter(state__in=OPEN).select_related("version").first()
    if evaluation is not None:
        return evaluation
    if not dataset.uploaded:
        return None
    runs = TrainingRun.objects.filter(status__in=OPEN)
    return next((run for run in runs if dataset.folder in run.data_dirs), None)


def delete_forgotten_uploads() -> None:
    """Delete the folders of uploads that were cut off long ago."""
    known = set(Dataset.objects.filter(uploaded=True).values_list("folder", flat=True))
    delete_leftovers(known=known, made_before=timezone.now() - LONGEST_INTAKE)


def send_check(dataset_id: int) -> None:
    """A message for the batch workers. One that comes twice does nothing."""
    current_app.send_task("detector.tasks.check_dataset", args=[dataset_id])


def _send_on_commit(dataset_id: int) -> None:
    # Robust: when Redis is away the row is there all the same, and a worker finds it later.
    transaction.on_commit(lambda: send_check(dataset_id), robust=True)


def free_name(name: str) -> str:
    """The name without blanks around it. Raises BadName, NameTaken."""
    name = name.strip()
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
        raise BadName()
    if Dataset.objects.filter(name=name).exists():
        raise NameTaken(name)
    return name


def yolo_folder(folder: str) -> Path:
    """A folder in YOLO layout that is no data set yet, resolved. Raises NotADataset, FolderTaken."""
    try:
        path = Path(folder.strip()).expanduser()
        is_absolute, path = path.is_absolute(), path.resolve()
        has_pictures = (path / "train" / "images").is_dir()
    except (
        OSError,
        RuntimeError,
        ValueError,
    ) as error:  # a folder of others, a name too long, ~ of nobody here
        raise NotADataset(
            gettext("{folder} cannot be read: {error}").format(
                folder=repr(folder[:FOLDER_LENGTH]), error=error
            )
        ) from error
    if not is_absolute:
        raise NotADataset(gettext("Write the folder's whole path on the server, from / on."))
    if not has_pictures:
        raise NotADataset(
            gettext("{folder} has no folder train/images.").format(folder=str(path)[:FOLDER_LENGTH])
        )
    if len(str(path)) > FOLDER_LENGTH:
        raise NotADataset(gettext("The path has more than {most} characters.").format(most=FOLDER_LENGTH))
    if path.is_relative_to(uploads_root()):
        raise NotADataset(gettext("This folder belongs to an uploaded data set."))
    if (taken := Dataset.objects.filter(folder=str(path)).first()) is not None:
        raise FolderTaken(taken.name)
    return path


def _save(dataset: Dataset) -> Dataset:
    dataset.heartbeat_at = timezone.now()
    try:
        with transaction.atomic():
            lock_account(dataset.owner_id)
            if dataset.uploaded:
                hold(Lock.DATASET_UPLOADS)  # two must not both take the room that is left
                if uploaded_bytes() + dataset.size > config.dataset_quota_bytes:
                    raise ArchiveTooLarge(gettext("Other uploads have just taken the room that was left."))
            dataset.save()
            _send_on_commit(dataset.pk)
    except IntegrityError as error:  # somebody else was quicker
        if not dataset.uploaded and (taken := Dataset.objects.filter(folder=dataset.folder).first()):
            raise FolderTaken(taken.name) from error
        raise NameTaken(dataset.name) from error
    logger.info("data set %s: %s", dataset.name, dataset.folder)
    return dataset
