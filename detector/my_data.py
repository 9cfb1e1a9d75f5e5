"""What the site keeps about an account: an entry for each kind, to count it, take it out and delete it.

A new kind of kept thing is one more entry of `KEPT`. They are deleted in this order.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import AbstractBaseUser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from detector.api.batch_serializers import BatchDetailSerializer
from detector.api.live_session_serializers import LiveSessionDetailSerializer
from detector.api.token_serializers import ApiTokenSerializer
from detector.downloads import as_object
from detector.models import OPEN, BatchItem
from detector.prediction_downloads import as_object as as_kept_prediction
from detector.selectors.batches import batches_of
from detector.selectors.corrections import corrections_of, count_corrections, export_corrections
from detector.selectors.live_sessions import live_sessions_of
from detector.selectors.predictions import predictions_of
from detector.selectors.tokens import tokens_of
from detector.services.batches import NotCancellable, delete_batch, request_cancel
from detector.services.correction_files import read_crop
from detector.services.corrections import delete_corrections
from detector.services.predictions import delete_predictions

User = AbstractBaseUser


@dataclass(frozen=True, slots=True)
class Document:
    """One file of a download: its path there, and its content, or a function that opens it."""

    path: str
    content: bytes | Callable[[], IO[bytes]]


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind of thing that is kept about an account.

    `page` is the name of the address where its owner sees it. `delete` takes all of it away, files too; None
    for what lasts as long as the account.
    """

    name: str | Promise
    about: str | Promise
    page: str
    count: Callable[[User], int]
    export: Callable[[User], Iterator[Document]]
    delete: Callable[[User], None] | None = None


def as_json(path: str, value: Any) -> Document:
    """A document of JSON. Values may be times."""
    text = json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1)
    return Document(path, text.encode())


def safe_name(name: str) -> str:
    """The last part of a name that somebody gave, fit for any file system."""
    last = PurePosixPath(name.replace("\\", "/")).name
    return re.sub(r"[^\w.() -]", "_", last)[-100:] or "_"


def _export_account(user: User) -> Iterator[Document]:
    addresses = EmailAddress.objects.filter(user_id=user.pk)
    yield as_json(
        "account.json",
        {
            "name": user.get_username(),
            "first_name": user.first_name,
            "last_name": user.last_name,
            "email": user.email,
            "email_addresses": list(addresses.values("email", "verified", "primary")),
            "staff": user.is_staff,
            "joined": user.date_joined,
            "last_sign_in": user.last_login,
        },
    )


def _export_sessions(user: User) -> Iterator[Document]:
    rows = UserSession.objects.filter(user_id=user.pk).order_by("created_at")
    yield as_json("sessions.json", list(rows.values("created_at", "last_seen_at", "ip", "user_agent")))


def _end_sessions(user: User) -> None:
    for session in UserSession.objects.filter(user_id=user.pk):
        session.end()


def _export_tokens(user: User) -> Iterator[Document]:
    yield as_json("tokens.json", ApiTokenSerializer(tokens_of(owner=user), many=True).data)


def _export_batches(user: User) -> Iterator[Document]:
    for batch in batches_of(owner=user):
        folder = f"batches/{batch.pk}"
        items = list(batch.items.order_by("number"))
        about = BatchDetailSerializer(batch).data
        yield as_json(f"{folder}/batch.json", {**about, "items": [as_object(item) for item in items]})
        for item in items:
            if item.file:
                yield Document(f"{folder}/{item.number:05} {safe_name(item.name)}", _opener(item))


def _opener(item: BatchItem) -> Callable[[], IO[bytes]]:
    return lambda: item.file.storage.open(item.file.name)


def _delete_batches(user: User) -> None:
    for batch in batches_of(owner=user):
        if batch.state in OPEN:
            with suppress(NotCancellable):  # it has just ended
                request_cancel(batch=batch)
        delete_batch(batch=batch)


def _export_predictions(user: User) -> Iterator[Document]:
    kept = predictions_of(owner=user)
    yield as_json("pictures/results.json", [as_kept_prediction(prediction) for prediction in kept.iterator()])
    for prediction in kept.exclude(thumbnail=None).defer(None).iterator(chunk_size=20):
        name = f"pictures/{prediction.pk} {safe_name(prediction.name)}.jpg"
        yield Document(name, bytes(prediction.thumbnail))


def _export_live_sessions(user: User) -> Iterator[Document]:
    for session in live_sessions_of(owner=user).iterator():
        yield as_json(f"live-sessions/{session.pk}.json", LiveSessionDetailSerializer(session).data)


def _export_corrections(user: User) -> Iterator[Document]:
    yield as_json("corrections/corrections.json", list(export_corrections(owner=user)))
    for correction in corrections_of(owner=user):
        if (crop := read_crop(correction)) is not None:
            yield Document(f"corrections/{correction.file_name}", crop)


KEPT = [
    Kept(
        _("Results of pictures"),
        _(
            "What was found in pictures whose results you chose to keep, "
            "and small copies where you chose those."
        ),
        "webui:pictures",
        lambda user: predictions_of(owner=user).count(),
        _export_predictions,
        lambda user: delete_predictions(owner=user),
    ),
    Kept(
        _("Live sessions"),
        _("Scores over time of sessions before the camera that you chose to keep."),
        "webui:sessions",
        lambda user: live_sessions_of(owner=user).count(),
        _export_live_sessions,
        lambda user: live_sessions_of(owner=user).delete(),
    ),
    Kept(
        _("Batches"),
        _("Pictures that you handed in, and what was found in them. They go by themselves after a while."),
        "webui:batches",
        lambda user: batches_of(owner=user).count(),
        _export_batches,
        _delete_batches,
    ),
    Kept(
        _("Corrections"),
        _("Small pictures of faces that you agreed to send, because the detector read them wrong."),
        "webui:corrections",
        lambda user: count_corrections(owner=user),
        _export_corrections,
        lambda user: delete_corrections(owner=user),
    ),
    Kept(
        _("API tokens"),
        _("Their names and when they were used. The tokens themselves are not kept, only a hash of each."),
        "webui:tokens",
        lambda user: tokens_of(owner=user).count(),
        _export_tokens,
        lambda user: tokens_of(owner=user).delete(),
    ),
    Kept(
        _("Sessions signed in"),
        _("Since when, from which address and with which browser."),
        "usersessions_list",
        lambda user: UserSession.objects.filter(user_id=user.pk).count(),
        _export_sessions,
        _end_sessions,
    ),
    Kept(
        _("Account"),
        _("Your name, your e-mail address if you gave one, and a hash of your password."),
        "webui:profile",
        lambda user: 1,
        _export_account,
    ),
]
