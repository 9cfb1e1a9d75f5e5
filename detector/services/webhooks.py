"""Webhooks: telling an address of its owner's choice that a batch has ended.

The row says what is to be sent and when, so neither a lost message nor a dead worker loses it; an attempt is
made by who moves `due_at` on, so a message that comes twice sends nothing twice. A receiver that has answered
may still be told again when the worker dies before that is written down: the event's id is then the same.

Of one owner's webhooks one is called at a time, so that nobody whose addresses never answer keeps everybody's
waiting. What comes meanwhile waits in its row, without a message: each call that ends sends for the next one.
"""

import hashlib
import hmac
import json
import logging
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from celery import current_app
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from detector.conf import config
from detector.errors import HamsterError
from detector.models import BatchJob, Webhook, WebhookAttempt
from detector.outbound import AddressRefused, NoAnswer, post, public_address
from detector.services.locks import Lock, hold
from detector.stored_texts import translated

logger = logging.getLogger(__name__)
State = Webhook.State
GROWTH = 4  # each pause is so many times the one before
CLAIM = timedelta(seconds=60)  # so long beyond the time limit of a request: the worker has died
LATE = timedelta(seconds=15)  # something due for so long has lost its message
is_url = URLValidator(schemes=["http", "https"])


class BadWebhook(HamsterError):
    """The address can't be one that is told of the end of a batch."""

    code = "bad_webhook"
    message = _("The webhook has to be an address like https://example.com/batches.")


def check_url(url: str) -> str:
    """The address, tidied. Raises BadWebhook; whether its host is public is asked again for each request."""
    url = url.strip()
    try:
        is_url(url)
        parts = urlsplit(url)
        is_plain = url.isascii() and url.isprintable() and " " not in url
        usable = is_plain and len(url) <= 500 and parts.hostname and "@" not in parts.netloc
        port = parts.port or 443
    except (ValidationError, ValueError) as error:
        raise BadWebhook() from error
    if not usable:
        raise BadWebhook()
    try:
        public_address(parts.hostname, port, look_up=parts.hostname == "localhost")
    except AddressRefused as error:
        message = gettext("The webhook can't be called: {reason}")
        raise BadWebhook(message.format(reason=translated(error.message))) from error
    return parts._replace(fragment="").geturl()


def new_webhook(*, batch: BatchJob, url: str) -> Webhook:
    """A webhook of the batch, not saved yet, with a secret of its own."""
    return Webhook(batch=batch, url=url, secret=secrets.token_urlsafe(32))


def announce_end(*, batch_id: int) -> None:
    """The batch has ended: its webhook, if it has one, is to be told. For inside the same transaction."""
    for webhook in Webhook.objects.filter(batch=batch_id):
        Webhook.objects.filter(pk=webhook.pk).update(
            state=State.WAITING, event=secrets.token_hex(16), tries=0, due_at=timezone.now()
        )
        transaction.on_commit(lambda pk=webhook.pk: _send(pk), robust=True)


def forget_end(*, batch_id: int) -> None:
    """The batch goes on after all: nothing more is sent of its earlier end."""
    Webhook.objects.filter(batch=batch_id).update(state=State.IDLE, due_at=None)


def make_attempt(*, webhook_id: int, describe: Callable[[int], dict[str, Any] | None]) -> bool:
    """Tell the webhook of the end of its batch if it is due, and none of its owner's is being called; whether
    an attempt was made.

    `describe` gives the batch as the API does.
    """
    webhook = _claim(webhook_id)
    if webhook is None:
        return False
    try:
        batch = describe(webhook.batch_id)
        if not batch:
            return False
        attempt = _ask(webhook, {"event": webhook.event, "type": "batch.ended", "batch": batch})
        _write_down(webhook, attempt)
        return True
    finally:
        _pass_on(webhook)


def sign(*, secret: str, timestamp: int, body: bytes) -> str:
    """The value of the header X-Hamster-Signature."""
    digest = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def resend_due_webhooks() -> int:
    """Send a message for each owner's first webhook that is overdue, unless one of theirs is being called;
    returns how many."""
    now, found = timezone.now(), 0
    late = _due(now - LATE)
    busy = set(_called(now).values_list("batch__owner", flat=True))
    first: dict[int | None, int] = {}
    for pk, owner in late.order_by("due_at", "pk").values_list("pk", "batch__owner"):
        first.setdefault(owner, pk)
    for owner, pk in first.items():
        # Only one of the workers that look sends it.
        if owner not in busy and late.filter(pk=pk).update(due_at=now):
            _send(pk)
            found += 1
    return found


def pause_after(tries: int) -> float:
    """Seconds until the next attempt after so many."""
    return config.webhook_backoff_seconds * GROWTH ** (tries - 1)


def _due(at: datetime) -> QuerySet[Webhook]:
    return Webhook.objects.filter(state=State.WAITING, due_at__lte=at)


def _called(at: datetime) -> QuerySet[Webhook]:
    return Webhook.objects.filter(calling_until__gt=at)


def _claim(webhook_id: int) -> Webhook | None:
    """The webhook, and its owner's only place, for one attempt; None if it is not due or has to wait."""
    with transaction.atomic():
        hold(Lock.WEBHOOK_CALLS)
        now = timezone.now()
        due = _due(now).select_for_update(of=("self",)).select_related("batch")
        webhook = due.filter(pk=webhook_id).first()
        if webhook is None or _called(now).filter(batch__owner=webhook.batch.owner_id).exists():
            return None
        over = now + CLAIM + timedelta(seconds=config.webhook_timeout_seconds)
        webhook.due_at = webhook.calling_until = over
        webhook.tries += 1
        webhook.save(update_fields=["due_at", "calling_until", "tries"])
    return webhook


def _pass_on(webhook: Webhook) -> None:
    """The call is over: the place is for that webhook of the same owner that has been due for the longest."""
    Webhook.objects.filter(pk=webhook.pk, calling_until=webhook.calling_until).update(calling_until=None)
    # Looked for afterwards: what comes due from now on finds the place free by itself.
    waiting = _due(timezone.now()).filter(batch__owner=webhook.batch.owner_id)
    following = waiting.order_by("due_at", "pk").values_list("pk", flat=True).first()
    if following is not None:
        transaction.on_commit(lambda: _send(following), robust=True)


def _ask(webhook: Webhook, event: dict[str, Any]) -> WebhookAttempt:
    body = json.dumps(event, separators=(",", ":")).encode()
    attempt = WebhookAttempt(webhook=webhook, event=webhook.event, started_at=timezone.now())
    started = time.monotonic()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Hamster-Expression",
        "X-Hamster-Event": webhook.event,
        "X-Hamster-Signature": sign(secret=webhook.secret, timestamp=int(time.time()), body=body),
    }
    try:
        answer = post(webhook.url, body=body, headers=headers, seconds=config.webhook_timeout_seconds)
        attempt.status, attempt.answer = answer.status, answer.beginning.replace("\0", "")[:500]
        if not 200 <= answer.status < 300:
            attempt.error = f"Answered {answer.status} instead of 2xx."
    except (AddressRefused, NoAnswer) as error:
        attempt.error = error.message[:300]
    attempt.milliseconds = round((time.monotonic() - started) * 1000)
    return attempt


def _write_down(webhook: Webhook, attempt: WebhookAttempt) -> None:
    with transaction.atomic():
        now = Webhook.objects.select_for_update().filter(pk=webhook.pk).first()
        if now is None:  # deleted with its batch
            return
        attempt.save()
        if now.event != webhook.event or now.state != State.WAITING:
            return
        now.due_at = None
        if attempt.succeeded:
            now.state = State.DELIVERED
        elif now.tries >= config.webhook_attempts:
            now.state = State.GIVEN_UP
        else:
            pause = pause_after(now.tries)
            now.due_at = timezone.now() + timedelta(seconds=pause)
            transaction.on_commit(lambda: _send(webhook.pk, pause), robust=True)
        now.save(update_fields=["state", "due_at"])
    logger.info("%s of batch %s: %s", webhook, webhook.batch_id, attempt)


def _send(webhook_id: int, after: float = 0.0) -> None:
    current_app.send_task("detector.tasks.deliver_webhook", args=[webhook_id], countdown=after)
