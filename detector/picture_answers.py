"""Small pictures of what is private, as answers to a browser."""

import hashlib
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag

# Kept, but asked about before each use: what has been deleted here is shown no more.
ASKED_EACH_TIME = "private, no-cache"
# For what strangers have sent: browsers do nothing with it but show it.
SHOWN_ONLY = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}


def jpeg_answer(request: HttpRequest, draw: Callable[[], bytes], *, identity: bytes) -> HttpResponse:
    """The JPEG that `draw` makes, or 304 for a browser that has it; another `identity` is another picture."""
    etag = quote_etag(hashlib.sha256(identity).hexdigest())
    answer = get_conditional_response(request, etag=etag)
    if answer is None:
        answer = HttpResponse(draw(), content_type="image/jpeg")
    for name, value in {"ETag": etag, "Cache-Control": ASKED_EACH_TIME, **SHOWN_ONLY}.items():
        answer.headers[name] = value
    return answer
