"""The language of a WebSocket or a request that Django does not see: that of the page it comes from."""

from collections.abc import Mapping

from django.http import HttpRequest, parse_cookie
from django.utils.translation import get_language_from_request


def language_of(headers: Mapping[bytes, bytes]) -> str:
    """What its sender has chosen, or else what the browser asks for. Names of headers are lower case."""
    request = HttpRequest()
    request.COOKIES = parse_cookie(headers.get(b"cookie", b"").decode("latin1"))
    request.META["HTTP_ACCEPT_LANGUAGE"] = headers.get(b"accept-language", b"").decode("latin1")
    return get_language_from_request(request)
