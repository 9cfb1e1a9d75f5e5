"""What batch workers do: take some pictures that wait, look at them, write down what was found.

Pictures are taken by a conditional UPDATE that writes a claim drawn for this one time; results are written,
many at once, only where that claim still stands. So whatever messages come twice and whoever dies, no picture
that is finished is looked at again, and one that a dead worker had is taken by the next.
"""

import logging
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from datetime import timedelta

from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import F, Max, QuerySet
from django.utils import timezone

from detector.conf import config
from detector.engine import get_engine
from detector.engine.inference import InferenceEngine
from detector.engine.pictures import Outcome, Picture
from detector.errors import HamsterError
from detector.models import OPEN, BatchItem, BatchJob
from detector.origin import on_behalf_of
from detector.services.batches import LANES, conclude, send_messages

logger = logging.getLogger(__name__)
State = BatchItem.State
MOST_ATTEMPTS = 3
WRITE_INTERVAL = 1.0  # seconds after which what was found is written down: a dead worker takes no more along
LONGEST_CHUNK = 5.0  # seconds: other batches want their turn, and a worker may be asked to stop
SILENCE = timedelta(seconds=60)  # nothing was taken for this long though something waits: messages were lost
WRITTEN = ("state", "result", "emotion", "error_code", "error_message", "finished_at")
WORKER_DIED = (
    f"The worker died {MOST_ATTEMPTS} times while it looked at this picture. Often it has run out of memory."
)


class MissingFile(HamsterError):
    """The stored picture can't be read any more."""

    code = "missing_file"
    message = "The stored picture can't be read."


def work_on_next_chunk() -> bool:
    """Take a few pictures of the batch that was served the longest ago and look at them.

    Returns whether there was anything to take. A picture that nobody can look at fails on its own.
    """
    claimed = claim_chunk()
    if not claimed:
        return False
    with on_behalf_of(claimed[0].batch.asked_by):
        look_at(items=claimed)
        conclude(batch_id=claimed[0].batch_id)
    return True


def claim_chunk() -> list[BatchItem]:
    """Make a few waiting items of one batch ours; empty when none waits.

    One that a worker died with is taken alone: if it kills its workers, then no others with it.
    """
    while (batch := _next_batch()) is not None:
        waiting = batch.items.filter(state=State.QUEUED)
        now, claim = timezone.now(), secrets.token_hex(16)
        if batch.cancel_requested:  # they were given back after the others had been cancelled
            waiting.update(state=State.CANCELLED, finished_at=now)
            conclude(batch_id=batch.pk)
            continue
        with transaction.atomic():
            chosen = BatchItem.objects.filter(pk__in=_chosen(waiting), state=State.QUEUED)
            taken = chosen.update(
                state=State.RUNNING, claim=claim, claimed_at=now, attempts=F("attempts") + 1
            )
        open_batch = BatchJob.objects.filter(pk=batch.pk, state__in=OPEN)
        open_batch.update(state=BatchJob.State.RUNNING, served_at=now)
        if taken and (
            items := list(BatchItem.objects.filter(claim=claim).select_related("batch").order_by("number"))
        ):
            return items
    return []


def look_at(*, items: Sequence[BatchItem]) -> int:
    """Look at the pictures of one claim, as many side by side as the engine has workers, and write down what
    came out, at least once a second. Returns how many were still ours to write.

    What is not begun when time is up, or when the batch is being cancelled, is given back.
    """
    engine, written = get_engine(), 0
    time_is_up = time.monotonic() + min(config.batch_claim_seconds / 2, LONGEST_CHUNK)
    with ThreadPoolExecutor(config.engine_workers, thread_name_prefix="batch") as pool:
        waiting = {pool.submit(copy_context().run, _see, engine, item): item for item in items}
        while waiting:
            seen, _ = wait(waiting, timeout=WRITE_INTERVAL)
            written += _write_down({waiting.pop(future): future.result() for future in seen})
            if waiting and (time.monotonic() > time_is_up or _is_cancelled(items[0].batch_id)):
                given_back = [future for future in waiting if future.cancel()]
                _release([waiting.pop(future) for future in given_back])
    return written


def recover_batches() -> int:
    """Put right what dead workers and lost messages left; returns how many items were waiting for that."""
    limit = timezone.now() - timedelta(seconds=config.batch_claim_seconds)
    abandoned = BatchItem.objects.filter(state=State.RUNNING, claimed_at__lt=limit)
    given_up = abandoned.filter(attempts__gte=MOST_ATTEMPTS).update(
        state=State.FAILED,
        finished_at=timezone.now(),
        error_code="worker_died",
        error_message=WORKER_DIED,
    )
    again = abandoned.update(state=State.QUEUED)
    if found := given_up + again:
        logger.error("%d pictures were abandoned by their worker; %d are looked at again", found, again)
    for batch_id in BatchJob.objects.filter(state__in=OPEN).values_list("pk", flat=True):
        conclude(batch_id=batch_id)
    if again or _is_stalled():
        send_messages(LANES)
    return found


def _next_batch() -> BatchJob | None:
    waiting = BatchJob.objects.filter(state__in=OPEN, items__state=State.QUEUED)
    return waiting.order_by(F("served_at").asc(nulls_first=True), "pk").first()


def _chosen(waiting: QuerySet[BatchItem]) -> list[int]:
    # PostgreSQL passes over what another worker is just taking; SQLite lets nobody in beside us anyway.
    passes_over = connection.features.has_select_for_update_skip_locked
    waiting = waiting.select_for_update(skip_locked=passes_over)
    first = waiting.order_by("attempts", "number").first()
    if first is not None and first.attempts:
        return [first.pk]
    return list(
        waiting.filter(attempts=0).order_by("number").values_list("pk", flat=True)[: config.batch_chunk]
    )


def _is_stalled() -> bool:
    limit = timezone.now() - SILENCE
    waiting = BatchJob.objects.filter(state__in=OPEN, items__state=State.QUEUED, created_at__lt=limit)
    latest = BatchJob.objects.aggregate(latest=Max("served_at"))["latest"]
    return waiting.exists() and (latest is None or latest < limit)


def _see(engine: InferenceEngine, item: BatchItem) -> Outcome:
    """What the engine says of the item's picture. On a thread of its own: no database."""
    try:
        picture = Picture(
            _content(item), max_pixels=config.upload_max_pixels, max_faces=config.upload_max_faces
        )
    except MissingFile as error:
        return Outcome(item.number, None, error=error)
    return engine.look_at(picture)


def _content(item: BatchItem) -> bytes:
    try:
        with default_storage.open(item.file.name) as file:
            return file.read()
    except OSError as error:
        logger.warning("%s of batch %s: %s", item.name, item.batch_id, error)
        raise MissingFile() from error


def _write_down(outcomes: Mapping[BatchItem, Outcome]) -> int:
    """All in one transaction; returns how many rows still bore our claim."""
    if not outcomes:
        return 0
    now = timezone.now()
    for item, outcome in outcomes.items():
        item.finished_at = now
        if outcome.error is None:
            item.state, item.result = State.SUCCEEDED, outcome.as_prediction()
            item.emotion = item.result["emotion"]
        else:
            item.state = State.FAILED
            item.error_code, item.error_message = outcome.error.code, outcome.error.message
    batch = BatchJob.objects.filter(pk=next(iter(outcomes)).batch_id)
    with transaction.atomic():
        written = _update_claimed(outcomes)
        if detector := next((outcome.detector for outcome in outcomes.values() if not outcome.error), None):
            batch.exclude(detector=detector).update(detector=detector)
    return written


def _update_claimed(items: Iterable[BatchItem]) -> int:
    """One statement for all: a tenth of the time of `bulk_update`, whose CASE has an arm for each value."""
    fields = [BatchItem._meta.get_field(name) for name in WRITTEN]
    columns = ", ".join(f"{connection.ops.quote_name(field.column)} = %s" for field in fields)
    table = connection.ops.quote_name(BatchItem._meta.db_table)
    statement = f"UPDATE {table} SET {columns} WHERE id = %s AND claim = %s AND state = %s"  # noqa: S608  # nosec B608
    with connection.cursor() as cursor:
        cursor.executemany(
            statement,
            [
                (
                    *(field.get_db_prep_save(getattr(item, field.attname), connection) for field in fields),
                    *(item.pk, item.claim, State.RUNNING.value),
                )
                for item in items
            ],
        )
        return cursor.rowcount


def _is_cancelled(batch_id: int) -> bool:
    return BatchJob.objects.filter(pk=batch_id, cancel_requested=True).exists()


def _release(items: Sequence[BatchItem]) -> None:
    if items:
        mine = BatchItem.objects.filter(claim=items[0].claim, state=State.RUNNING)
        mine.filter(pk__in=[item.pk for item in items]).update(state=State.QUEUED, attempts=F("attempts") - 1)
