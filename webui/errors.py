"""Error pages: what happened and what to do, also while the database is down."""

import logging
import math
from collections.abc import Callable

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from detector.api.errors import API_PATHS
from detector.errors import DatabaseDown, is_database_down

logger = logging.getLogger(__name__)
PAGES = (400, 403, 404, 405, 429, 500, 503)


def error_page(
    request: HttpRequest | None, status: int, template: str | None = None, *, retry_after: int = 60
) -> HttpResponse:
    """The page of an error; `request` is None where nothing of it can be trusted. `retry_after`: seconds."""
    template = template or f"{status if status in PAGES else 400 if status < 500 else 500}.html"
    context = {"status": status, "minutes": math.ceil(retry_after / 60)}
    try:
        page = render_to_string(template, context, request)
    except DatabaseError:  # who the visitor is stands there
        page = render_to_string(template, context)
    return HttpResponse(page, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler400`; the host that was asked for may be what is wrong with the request."""
    return error_page(None, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler403`."""
    return error_page(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler404`."""
    return error_page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """`handler500`; what broke may be what the page would ask."""
    return error_page(None, 500)


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """`CSRF_FAILURE_VIEW`."""
    return error_page(request, 403, "403_csrf.html")


class ErrorPages:
    """Middleware: an error that has no words (a method that an address does not know, too many requests) gets
    its page, except from the API, which has a shape of its own; so does a database that does not answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        response = self.get_response(request)
        is_mute = response.status_code >= 400 and not response.streaming and not response.content
        if is_mute and not request.path_info.startswith(API_PATHS):
            retry_after = int(response.headers.get("Retry-After", 60))
            page = error_page(request, response.status_code, retry_after=retry_after)
            response.content, response.headers["Content-Type"] = page.content, page.headers["Content-Type"]
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The page of a view that could not ask the database; other failures are not for here."""
        if not is_database_down(exception):
            return None
        logger.error("%s failed, the database does not answer: %s", request.path, exception)
        page = error_page(None, DatabaseDown.status)
        page.headers["Retry-After"] = str(DatabaseDown.retry_after)
        return page
