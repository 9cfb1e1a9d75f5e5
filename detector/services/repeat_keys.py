"""Keys with which a request can be sent again without being carried out twice (header Idempotency-Key)."""

import re

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from detector.errors import HamsterError

KEY = re.compile(r"[A-Za-z0-9_-]{32,128}")


class BadKey(HamsterError):
    """No key, or one that could be another's by chance."""

    code = "bad_idempotency_key"
    message = _("Idempotency-Key takes 32 to 128 letters, digits, - and _, drawn at random for each request.")


class KeyTaken(HamsterError):
    """Something else came with this key."""

    code = "idempotency_key_taken"
    status = 409
    message = _("Something else was sent with this Idempotency-Key. Draw a new one for each request.")


def hash_key(key: str, owner_pk: int | None, *, of: str) -> str:
    """What is kept of a key; of something else, or another account's, or nobody's, it is another key.

    Raises BadKey.
    """
    if not KEY.fullmatch(key):
        raise BadKey()
    return salted_hmac(f"{of} key", f"{owner_pk or ''} {key}", algorithm="sha256").hexdigest()
