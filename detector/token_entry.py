"""Where tokens come in: an address that has shown too many bad ones is not looked up in the database again.

Tokens that have opened something lately are still let in from there: behind one address there may be many.
"""

import logging
from contextlib import suppress

from django.core.cache import cache
from redis.exceptions import RedisError

from detector.api.throttles import BadTokenRate, TooOften
from detector.models import ApiToken
from detector.services.tokens import BadToken, check_token, digest_of

logger = logging.getLogger(__name__)
REMEMBERED = 3600  # seconds


def enter_with_token(text: str, *, address: str | None) -> ApiToken:
    """The token with this text, shown by this address. Raises BadToken, TooOften after too many of them."""
    rate, good = BadTokenRate(address), f"token-good:{digest_of(text)}"
    try:
        known = cache.get_many([rate.key, good])
    except RedisError as error:
        logger.error("bad tokens are not being limited: %s", error)
        return check_token(text)
    was_good = good in known
    if not was_good and (wait := rate.wait_after(known.get(rate.key, []))):
        raise TooOften(wait)
    try:
        token = check_token(text)
    except BadToken:
        rate.count()
        _remember(good, was_good, False)
        raise
    _remember(good, was_good, True)
    return token


def _remember(good: str, was_good: bool, is_good: bool) -> None:
    with suppress(RedisError):
        if was_good and not is_good:
            cache.delete(good)
        elif is_good and not was_good:
            cache.set(good, True, REMEMBERED)
