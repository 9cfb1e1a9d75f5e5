"""Withdrawal codes, and the keys with which a request can be repeated without making a second correction.

A code is kept nowhere. So that a repeated request gets the one that its first answer held, it is computed
from the key, which only its sender has, and from the site's secret.
"""

import re
import secrets

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from detector.errors import HamsterError

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that is read as something else
CODE_LENGTH, CODE_GROUP = 24, 4  # 120 bits: not to be guessed, and as good as a salt
KEY = re.compile(r"[A-Za-z0-9_-]{32,128}")


class BadKey(HamsterError):
    """No key, or one that could be another's by chance."""

    code = "bad_idempotency_key"
    message = _(
        "Idempotency-Key takes 32 to 128 letters, digits, - and _, drawn at random for each correction."
    )


def new_code(key: str = "") -> str:
    """A withdrawal code, in groups that can be read out: `AB2C-...`; for the same `key` always the same."""
    if key:
        number = int.from_bytes(salted_hmac("correction code", key, algorithm="sha256").digest())
    else:
        number = secrets.randbits(256)
    letters = "".join(ALPHABET[number >> 5 * place & 31] for place in range(CODE_LENGTH))
    return "-".join(letters[start : start + CODE_GROUP] for start in range(0, CODE_LENGTH, CODE_GROUP))


def hash_key(key: str, owner_pk: int | None) -> str:
    """What is kept of a key; another account's, or nobody's, is another key. Raises BadKey."""
    if not KEY.fullmatch(key):
        raise BadKey()
    return salted_hmac("correction key", f"{owner_pk or ''} {key}", algorithm="sha256").hexdigest()
