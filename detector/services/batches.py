"""Batches of pictures: handing one in, cancelling it, taking it up again, deleting it.

Its files are stored before its rows are written, because that may take a while, in a folder of its own; the
folders of processes that died in between are found and deleted too.
"""

import hashlib
import logging
import math
from collections.abc import Sequence
from datetime import timedelta

from celery import current_app
from django.contrib.auth.models import AbstractBaseUser
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from detector.conf import config
from detector.errors import HamsterError
from detector.models import OPEN, BatchItem, BatchJob
from detector.origin import connection_id
from detector.selectors.batches import retryable_items
from detector.services.account_rows import lock_account
from detector.services.batch_files import delete_folder, delete_leftovers, new_folder
from detector.services.batch_intake import Candidate, Incoming, candidates
from detector.services.repeat_keys import KeyTaken, hash_key
from detector.services.webhooks import announce_end, check_url, forget_end, new_webhook

logger = logging.getLogger(__name__)
State = BatchJob.State
ItemState = BatchItem.State
LANES = 8  # messages sent for a new batch: so many workers begin on it at once
LONGEST_INTAKE = timedelta(days=1)  # a folder that still has no batch after this never gets one


class NoFiles(HamsterError):
    """Nothing was handed in."""

    code = "no_files"
    message = _('Send the pictures or zip archives as files in the multipart field "files".')


class TooManyItems(HamsterError):
    """More pictures than a batch may have."""

    code = "too_many_items"
    status = 413

    def __init__(self) -> None:
        limit = config.batch_max_items
        message = gettext("A batch has at most {limit} pictures.").format(limit=limit)
        super().__init__(message, details={"max_items": limit})


class BatchTooLarge(HamsterError):
    """More bytes than a batch may have."""

    code = "batch_too_large"
    status = 413

    def __init__(self) -> None:
        limit = config.batch_max_bytes
        super().__init__(
            gettext("The pictures of a batch have at most {limit} bytes together.").format(limit=limit),
            details={"max_bytes": limit},
        )


class TooManyBatches(HamsterError):
    """The account has as many unfinished batches as it may."""

    code = "too_many_batches"
    status = 409

    def __init__(self) -> None:
        limit = config.batch_max_open
        super().__init__(
            gettext("You have {limit} batches that have not ended. Wait for one, or cancel one.").format(
                limit=limit
            ),
            details={"max_open": limit},
        )


class NotCancellable(HamsterError):
    """The batch has ended already."""

    code = "not_cancellable"
    status = 409
    message = _("This batch has ended already.")


class NothingToRetry(HamsterError):
    """The batch has not ended, or nothing in it can be tried again."""

    code = "nothing_to_retry"
    status = 409
    message = _("Nothing in this batch can be tried again: only pictures that failed or were cancelled can.")


def create_batch(
    *, owner: AbstractBaseUser, files: Sequence[Incoming], webhook: str = "", key: str = ""
) -> BatchJob:
    """Store what was handed in and queue it; what is no picture becomes an item that has failed already.
    Where a batch of this `key` is there already, that is returned, and nothing more is kept.

    The address `webhook`, if there is one, is told when the batch has ended. Raises NoFiles, BadWebhook,
    TooManyItems, BatchTooLarge, TooManyBatches, AccountGone, BadKey or KeyTaken; then nothing is kept.
    """
    if not files:
        raise NoFiles()
    if len(files) > config.batch_max_items:
        raise TooManyItems()
    repeat_key = key and hash_key(key, owner.pk, of="batch")
    handed_in = key and _digest(files, webhook)
    if (earlier := _handed_in_before(repeat_key, handed_in)) is not None:
        return earlier
    webhook = webhook and check_url(webhook)
    _check_open_batches(owner)
    now = timezone.now()
    batch = BatchJob(
        owner=owner,
        asked_by=connection_id.get(),
        repeat_key=repeat_key,
        handed_in=handed_in,
        folder=new_folder(at=now),
        expires_at=now + timedelta(hours=config.batch_retention_hours),
    )
    try:
        items = _store(batch, files)
        with transaction.atomic():
            # Whoever else makes one for this account waits here, so that none is counted too late.
            lock_account(owner.pk)
            if (earlier := _handed_in_before(repeat_key, handed_in)) is not None:  # both came at once
                delete_folder(batch.folder)
                return earlier
            _check_open_batches(owner)
            batch.save()
            BatchItem.objects.bulk_create(items, batch_size=200)
            if webhook:
                new_webhook(batch=batch, url=webhook).save()
            conclude(batch_id=batch.pk)
            waiting = sum(item.state == ItemState.QUEUED for item in items)
            send_on_commit(waiting)
    except BaseException:
        delete_folder(batch.folder)
        raise
    logger.info("batch %s has %d items, %d of them refused", batch.pk, len(items), len(items) - waiting)
    return batch


def request_cancel(*, batch: BatchJob) -> None:
    """Cancel what waits of the batch; what a worker has just now is finished. Raises NotCancellable."""
    now = timezone.now()
    with transaction.atomic():
        if not BatchJob.objects.filter(pk=batch.pk, state__in=OPEN).update(cancel_requested=True):
            raise NotCancellable()
        batch.items.filter(state=ItemState.QUEUED).update(state=ItemState.CANCELLED, finished_at=now)
        conclude(batch_id=batch.pk)


def retry(*, batch: BatchJob) -> None:
    """Queue the pictures of an ended batch that failed or were cancelled once more; what was refused when it
    was handed in is not there any more and stays refused.

    Raises NothingToRetry, TooManyBatches, AccountGone.
    """
    again = retryable_items(batch)
    with transaction.atomic():
        if batch.owner_id is not None:
            lock_account(batch.owner_id)
            _check_open_batches(batch.owner)
        ended = BatchJob.objects.filter(pk=batch.pk).exclude(state__in=OPEN)
        if not ended.update(state=State.QUEUED, cancel_requested=False, finished_at=None):
            raise NothingToRetry()
        count = again.update(
            state=ItemState.QUEUED, attempts=0, claim="", error_code="", error_message="", finished_at=None
        )
        if not count:
            raise NothingToRetry()
        forget_end(batch_id=batch.pk)
        send_on_commit(count)


def conclude(*, batch_id: int) -> bool:
    """Write down the end of an open batch in which nothing is left to do; whether this call did."""
    items = BatchItem.objects.filter(batch=batch_id)
    with transaction.atomic():
        # Locked before the look: while this waited, somebody may have ended it and the owner tried it again.
        batch = BatchJob.objects.select_for_update().filter(pk=batch_id, state__in=OPEN).first()
        if batch is None or items.filter(state__in=(ItemState.QUEUED, ItemState.RUNNING)).exists():
            return False
        if items.filter(state=ItemState.CANCELLED).exists():
            state = State.CANCELLED
        else:
            state = State.SUCCEEDED if items.filter(state=ItemState.SUCCEEDED).exists() else State.FAILED
        BatchJob.objects.filter(pk=batch_id).update(state=state, finished_at=timezone.now())
        announce_end(batch_id=batch_id)
    logger.info("batch %s %s", batch_id, state)
    return True


def delete_batch(*, batch: BatchJob) -> None:
    """Delete a batch and its files at once, ended or not; a worker that has some of it notices."""
    BatchJob.objects.filter(pk=batch.pk).delete()
    delete_folder(batch.folder)


def expire_batches() -> int:
    """Delete the batches whose time is over, and folders that never got a batch; returns how many batches."""
    expired = list(BatchJob.objects.filter(expires_at__lte=timezone.now()))
    for batch in expired:
        delete_batch(batch=batch)
        logger.info("batch %s has expired", batch.pk)
    known = set(BatchJob.objects.values_list("folder", flat=True))
    delete_leftovers(known=known, made_before=timezone.now() - LONGEST_INTAKE)
    return len(expired)


def send_on_commit(items: int) -> None:
    """Tell the batch workers of so many waiting items once the transaction is committed."""
    lanes = min(LANES, math.ceil(items / config.batch_chunk))
    # Robust: when Redis is away the rows are there all the same, and a worker finds them later.
    transaction.on_commit(lambda: send_messages(lanes), robust=True)


def send_messages(lanes: int) -> None:
    """So many messages for the batch workers, each of which is work until nothing waits."""
    for _lane in range(lanes):
        current_app.send_task("detector.tasks.work_on_batches")


def _digest(files: Sequence[Incoming], webhook: str) -> str:
    """SHA-256 of everything that was handed in."""
    parts = [webhook.encode(errors="surrogatepass")]
    for incoming in files:
        with incoming.path.open("rb") as file:
            parts += (
                incoming.name.encode(errors="surrogatepass"),
                hashlib.file_digest(file, "sha256").digest(),
            )
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _handed_in_before(repeat_key: str, handed_in: str) -> BatchJob | None:
    """The batch of this key, as long as it is there. Raises KeyTaken if something else came with it."""
    earlier = BatchJob.objects.filter(repeat_key=repeat_key).first() if repeat_key else None
    if earlier is not None and earlier.handed_in != handed_in:
        raise KeyTaken()
    return earlier


def _check_open_batches(owner: AbstractBaseUser) -> None:
    if BatchJob.objects.filter(owner=owner, state__in=OPEN).count() >= config.batch_max_open:
        raise TooManyBatches()


def _store(batch: BatchJob, files: Sequence[Incoming]) -> list[BatchItem]:
    items: list[BatchItem] = []
    stored = 0
    for number, candidate in enumerate(candidates(files), start=1):
        if number > config.batch_max_items:
            raise TooManyItems()
        stored += 0 if candidate.content is None else candidate.size
        if stored > config.batch_max_bytes:
            raise BatchTooLarge()
        items.append(_item(batch, number, candidate))
    batch.total = len(items)
    return items


def _item(batch: BatchJob, number: int, candidate: Candidate) -> BatchItem:
    item = BatchItem(batch=batch, number=number, name=candidate.name, size=candidate.size)
    if candidate.refusal is None:
        item.file = default_storage.save(f"{batch.folder}/{number:05}", candidate.content)
    else:
        item.state = ItemState.FAILED
        item.error_code, item.error_message = candidate.refusal.code, candidate.refusal.message
        item.finished_at = timezone.now()
    return item
