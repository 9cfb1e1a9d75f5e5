"""Withdrawal codes.

A code is kept nowhere. So that a repeated request gets the one that its first answer held, it is computed
from the key, which only its sender has, and from the site's secret.
"""

import secrets

from django.utils.crypto import salted_hmac

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that is read as something else
CODE_LENGTH, CODE_GROUP = 24, 4  # 120 bits: not to be guessed, and as good as a salt


def new_code(key: str = "") -> str:
    """A withdrawal code, in groups that can be read out: `AB2C-...`; for the same `key` always the same."""
    if key:
        number = int.from_bytes(salted_hmac("correction code", key, algorithm="sha256").digest())
    else:
        number = secrets.randbits(256)
    letters = "".join(ALPHABET[number >> 5 * place & 31] for place in range(CODE_LENGTH))
    return "-".join(letters[start : start + CODE_GROUP] for start in range(0, CODE_LENGTH, CODE_GROUP))
