"""Locks that belong to no row: for what has to be counted over a whole table before one is added to it."""

from enum import IntEnum

from django.db import connection

OURS = 0x4841  # the first half of each key, so that other programs in the same database have theirs


class Lock(IntEnum):
    """What only one at a time may do."""

    CORRECTIONS = 1
    DATASET_UPLOADS = 2
    DETECTOR_FILES = 3
    WEBHOOK_CALLS = 4


def hold(lock: Lock) -> None:
    """Hold a lock until the transaction ends; wait while somebody else does. What the next query reads is
    what those before left. In SQLite a transaction has the whole database from its start on."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [OURS, lock.value])
