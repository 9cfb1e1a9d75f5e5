"""Training runs: asking for one, claiming it, watching over its process, and what becomes of it.

A run is a row first. A message only wakes a worker, which takes the run that is first in line. Whoever turns
it from queued to running owns it, so a message too many does no harm; a run whose owner stopped writing its
heartbeat has died with it. It is taken up again, but not without end: it may be the run itself that kills
its workers.
"""

import importlib.util
import logging
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

from celery import current_app
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import OperationalError as BrokerError

from detector.conf import config
from detector.errors import HamsterError
from detector.models import Dataset, TrainingRun
from detector.selectors.checkpoints import checkpoint_of
from detector.selectors.training import RESUMABLE, has_checkpoint, waiting_runs
from detector.services.account_rows import lock_account

logger = logging.getLogger(__name__)
Status = TrainingRun.Status
# With the interval at which workers look for silent runs, together less than a minute.
HEARTBEAT_LIMIT = timedelta(seconds=config.training_claim_seconds)
RESEND_AFTER = timedelta(minutes=1)
MOST_RESUMPTIONS = 3
TASK = "detector.tasks.train"
GIVEN_UP = (
    f"This training or its worker died, and died again the {MOST_RESUMPTIONS} times it was taken up, always "
    "before another epoch was finished. It is not tried again by itself. Often the machine has run out of "
    "memory: see the worker's log, and close other programs. To go on from the last checkpoint, press Resume "
    "on the page of the run."
)
TRAINING_PACKAGES = ("torch", "torchvision", "onnx", "pycocotools", "matplotlib", "tqdm")


class UnusableDataDirs(HamsterError):
    """The folders named for a training run are not there or hold no training pictures."""

    code = "bad_data_dirs"


class NotCancellable(HamsterError):
    """The run has ended already."""

    code = "not_cancellable"
    status = 409
    message = _("This training run has ended already.")


class NotResumable(HamsterError):
    """Only a run that has failed or was cancelled can be resumed."""

    code = "not_resumable"
    status = 409
    message = _("Only a training run that has failed or was cancelled can be resumed.")


class NoCheckpoint(HamsterError):
    """The version to start from has no checkpoint on this server."""

    code = "no_checkpoint"
    message = _("This detector version has no checkpoint on this server to start from.")


class BadSettings(HamsterError):
    """Settings that cannot train; the details name each."""

    code = "bad_settings"


def how_to_install_training() -> str | None:
    """What to install before this machine can train, or None; looks packages up without importing them."""
    missing = [name for name in TRAINING_PACKAGES if importlib.util.find_spec(name) is None]
    if not missing:
        return None
    return (
        f"Training needs packages that are not installed here ({', '.join(missing)}). "
        "Install them with: pip install -r requirements.txt"
    )


def check_data_dirs(data_dirs: Sequence[str]) -> list[str]:
    """The folders as absolute paths. Raises UnusableDataDirs unless each has a `train/images`."""
    if not data_dirs:
        raise UnusableDataDirs(gettext("Name at least one data folder."))
    return [str(_data_dir(name)) for name in data_dirs]


def _data_dir(name: str) -> Path:
    """The folder as an absolute path. Raises UnusableDataDirs."""
    try:
        folder = Path(name).expanduser().resolve()
        has_pictures = (folder / "train" / "images").is_dir()
    except (OSError, RuntimeError) as error:  # a folder of others, a name too long, ~ of nobody here
        raise UnusableDataDirs(
            gettext("{folder} cannot be read: {error}").format(folder=name, error=error),
            details={"folder": name},
        ) from error
    if not has_pictures:
        raise UnusableDataDirs(
            gettext("{folder} has no folder train/images.").format(folder=folder),
            details={"folder": str(folder)},
        )
    return folder


def queue_training_run(
    *, run: TrainingRun, owner: AbstractBaseUser | None, datasets: Iterable[Dataset] = ()
) -> TrainingRun:
    """Save a new run and hand it to a training worker once the transaction is committed.

    It learns from the folders of `datasets` and from `run.data_dirs`. Raises UnusableDataDirs, NoCheckpoint,
    BadSettings, AccountGone.
    """
    datasets = list(datasets)
    folders = [*(dataset.folder for dataset in datasets), *run.data_dirs]
    run.data_dirs = check_data_dirs(list(dict.fromkeys(folders)))
    run.init_weights = _init_weights(run)
    run.owner = owner
    run.status = Status.QUEUED
    try:
        run.clean_fields(exclude=("report",))
    except ValidationError as error:
        first = next(iter(error.message_dict.items()))
        raise BadSettings(f"{first[0]}: {first[1][0]}", details=error.message_dict) from error
    with transaction.atomic():
        lock_account(owner and owner.pk)
        # Locked, in one order: who deletes a data set looks for its runs under the same lock.
        needed = Dataset.objects.filter(folder__in={*folders, *run.data_dirs})
        there = set(needed.select_for_update().order_by("pk").values_list("pk", flat=True))
        if gone := [dataset.name for dataset in datasets if dataset.pk not in there]:
            raise UnusableDataDirs(
                gettext("{name} has just been deleted.").format(name=gone[0]), details={"dataset": gone[0]}
            )
        run.save()
        run.datasets.set(datasets)
        run.run_dir = _folder_of(run)
        run.save(update_fields=["run_dir"])
        transaction.on_commit(lambda: _send(run.pk))
    return run


def _folder_of(run: TrainingRun) -> str:
    return str(Path(settings.VAR_DIR) / "runs" / f"{run.pk}-{slugify(run.name)[:60] or 'run'}")


def _init_weights(run: TrainingRun) -> str:
    if run.start_from is None:
        return ""
    checkpoint = checkpoint_of(run.start_from)
    if checkpoint is None:
        raise NoCheckpoint(details={"version": run.start_from.name})
    return str(checkpoint)


def request_cancel(*, run: TrainingRun) -> None:
    """Cancel a queued run at once, and ask the worker of a running one to stop it. Raises NotCancellable."""
    now = timezone.now()
    rows = TrainingRun.objects.filter(pk=run.pk)
    if rows.filter(status=Status.QUEUED).update(
        status=Status.CANCELLED, cancel_requested=True, finished_at=now
    ):
        return
    if not rows.filter(status=Status.RUNNING).update(cancel_requested=True):
        raise NotCancellable


def resume(*, run: TrainingRun) -> None:
    """Queue a failed or cancelled run once more, to go on from its last checkpoint if it has one.

    Raises NotResumable, UnusableDataDirs.
    """
    changes = {} if has_checkpoint(run) else {"progress": 0.0}
    if not run.run_dir:  # it would be trained, and logged, in the folder that the worker was started in
        changes["run_dir"] = _folder_of(run)
    now = timezone.now()
    with transaction.atomic():
        stopped = TrainingRun.objects.filter(pk=run.pk, status__in=RESUMABLE)
        if not stopped.update(
            status=Status.QUEUED,
            error="",
            finished_at=None,
            cancel_requested=False,
            resumptions=0,
            report={},
            queued_at=now,
            sent_at=now,
            **changes,
        ):
            raise NotResumable
        for folder in run.data_dirs:
            _data_dir(folder)
        transaction.on_commit(lambda: _send(run.pk))


def claim_training_run() -> TrainingRun | None:
    """Turn the run that is first in line into a running one of ours; None when none waits."""
    while (first := waiting_runs().first()) is not None:
        now = timezone.now()
        mine = TrainingRun.objects.filter(pk=first.pk, status=Status.QUEUED)
        if mine.update(status=Status.RUNNING, started_at=now, heartbeat_at=now, error=""):
            return TrainingRun.objects.get(pk=first.pk)
    return None


def recover_abandoned_runs() -> int:
    """Deal with the runs whose worker died, told by a heartbeat that stopped; returns how many there were.

    They are queued again, but one that was to be cancelled is.
    """
    limit = timezone.now() - HEARTBEAT_LIMIT
    silent = TrainingRun.objects.filter(status=Status.RUNNING, heartbeat_at__lt=limit)
    for run in silent:
        logger.error("training run %s was abandoned by its worker", run.pk)
        still_silent = still_running(run).filter(heartbeat_at__lt=limit)
        if run.cancel_requested:
            still_silent.update(status=Status.CANCELLED, finished_at=timezone.now())
        else:
            _take_up(run, still_silent)
    return len(silent)


def resend_next_run() -> bool:
    """Wake a worker once more for the run that is next; returns whether a message was sent.

    Its message may have been lost with Redis, while others run or not. None is sent while one lies
    in the queue: then every worker is busy, and reads it when it is free. Raises BrokerError without Redis.
    """
    now = timezone.now()
    first = waiting_runs().first()
    if first is None or first.sent_at > now - RESEND_AFTER or _is_message_waiting():
        return False
    if not TrainingRun.objects.filter(pk=first.pk, sent_at=first.sent_at).update(sent_at=now):
        return False  # another worker is just doing it
    _send(first.pk)
    return True


def _is_message_waiting() -> bool:
    queue = current_app.amqp.router.route({}, TASK)["queue"].name
    with current_app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1)
        return connection.channel().queue_declare(queue).message_count > 0


def still_running(run: TrainingRun) -> QuerySet[TrainingRun]:
    """The row of a claimed run, or nothing if it has ended or somebody else has claimed it since."""
    return TrainingRun.objects.filter(pk=run.pk, status=Status.RUNNING, started_at=run.started_at)


def fail_run(*, run: TrainingRun, error: str) -> None:
    """Write down why a running run failed."""
    _fail(run, still_running(run), error)


def _fail(run: TrainingRun, row: QuerySet[TrainingRun], error: str) -> None:
    if row.update(status=Status.FAILED, error=error, finished_at=timezone.now()):
        logger.error("training run %s failed: %s", run.pk, error)


def take_up_again(*, run: TrainingRun) -> None:
    """Queue a running run that died with its worker or alone; it goes on from its last checkpoint.

    One that has been taken up MOST_RESUMPTIONS times without another epoch has failed.
    """
    _take_up(run, still_running(run))


def _take_up(run: TrainingRun, row: QuerySet[TrainingRun]) -> None:
    if run.resumptions >= MOST_RESUMPTIONS:
        _fail(run, row, GIVEN_UP)
    else:
        _queue_again(run, row, resumptions=run.resumptions + 1)


def give_back(*, run: TrainingRun) -> None:
    """Queue a running run again, to go on from its last checkpoint: its worker is stopping."""
    _queue_again(run, still_running(run))


def _queue_again(run: TrainingRun, row: QuerySet[TrainingRun], **changes: object) -> None:
    with transaction.atomic():
        if row.update(status=Status.QUEUED, sent_at=timezone.now(), **changes):
            transaction.on_commit(lambda: _send(run.pk))


def _send(run_id: int) -> None:
    """Wake a worker. Without Redis the row waits; a message is sent later (`resend_next_run`)."""
    try:
        current_app.send_task(TASK)
    except BrokerError as error:
        logger.error("training run %s waits until Redis answers: %s", run_id, error)
