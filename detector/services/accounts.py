"""Accounts: taking everything out, deleting everything, ending the account itself."""

import logging
import zipfile
from collections.abc import Iterator
from contextlib import suppress

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from detector.my_data import KEPT, Document
from detector.services.account_rows import AccountGone, lock_account

logger = logging.getLogger(__name__)
PIECE = 64 * 1024


def zip_of_everything(*, user: AbstractBaseUser) -> Iterator[bytes]:
    """A zip archive of all that is kept about the account, in pieces as it is read: nothing waits in memory.

    What disappears meanwhile is left out.
    """
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for kind in KEPT:
            for document in kind.export(user):
                yield from _written(archive, document, pipe)
    yield pipe.taken()


def _written(archive: zipfile.ZipFile, document: Document, pipe: "_Pipe") -> Iterator[bytes]:
    if isinstance(document.content, bytes):
        archive.writestr(document.path, document.content)
        yield pipe.taken()
        return
    try:
        source = document.content()
    except FileNotFoundError:
        return
    with source, archive.open(document.path, "w", force_zip64=True) as target:
        while piece := source.read(PIECE):
            target.write(piece)
            yield pipe.taken()


class _Pipe:
    """What zipfile writes to: it can only go on, and somebody takes what has come."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        """All that came since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def delete_everything(*, user: AbstractBaseUser) -> None:
    """Delete all that is kept about the account, but for the account; its sessions and tokens end too."""
    _delete_kept(user)
    with suppress(AccountGone), transaction.atomic():
        # What makes something for an account locks its row first: whatever came before this is there now.
        lock_account(user.pk)
        _delete_kept(user)
    logger.info("everything of account %s is deleted", user.pk)


def delete_account(*, user: AbstractBaseUser) -> None:
    """Delete the account and everything that is kept about it. What is running for it is cancelled first."""
    _delete_kept(user)
    with suppress(AccountGone), transaction.atomic():  # by the same button, pressed twice
        lock_account(user.pk)
        _delete_kept(user)
        get_user_model().objects.get(pk=user.pk).delete()
    logger.info("account %s is deleted", user.pk)


def _delete_kept(user: AbstractBaseUser) -> None:
    for kind in KEPT:
        if kind.delete is not None:
            kind.delete(user)
