"""The one error shape of the API: `{"error": {"code", "message", "details"}}`, whatever went wrong."""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import sync_and_async_middleware
from django.utils.translation import gettext
from rest_framework import exceptions
from rest_framework.response import Response

from detector.errors import FULL, DatabaseDown, DiskFull, HamsterError, is_database_down
from detector.stored_texts import translated
from ml.images import ImageError, ImageTooLarge

logger = logging.getLogger(__name__)
API_PATHS = ("/api/", "/health")


def error_body(code: str, message: str, details: Any = None) -> dict[str, Any]:
    """The shape. `details` is an object, empty where there is nothing more to say."""
    return {"error": {"code": code, "message": message, "details": details or {}}}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Any exception of an API view as a response; what nobody foresaw is logged and becomes a 500."""
    if is_database_down(error):
        logger.error("%s failed, the database does not answer: %s", context["request"].path, error)
        error = DatabaseDown()
    if isinstance(error, OSError) and error.errno in FULL:
        logger.error("%s failed: %s", context["request"].path, error)
        error = DiskFull()
    if isinstance(error, HamsterError):
        headers = {"Retry-After": str(error.retry_after)} if hasattr(error, "retry_after") else None
        body = error_body(error.code, translated(error.message), error.details)
        return Response(body, error.status, headers=headers)
    if isinstance(error, ImageError):
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if isinstance(error, ImageTooLarge) else 400
        return Response(error_body(error.code, translated(error.message)), status)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, RequestDataTooBig):
        body = error_body("request_too_large", gettext("The request is too large."))
        return Response(body, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    elif isinstance(error, SuspiciousOperation):
        logger.warning("suspicious request: %s", error)
        error = exceptions.ParseError(gettext("The request is malformed."))
    if isinstance(error, exceptions.APIException):
        return _framework_error(error)
    logger.error("%s failed", context["request"].path, exc_info=error)
    return Response(
        error_body("server_error", gettext("Something went wrong here; it has been logged.")), 500
    )


def _framework_error(error: exceptions.APIException) -> Response:
    if isinstance(error, exceptions.Throttled):
        seconds = int(error.wait or 1)
        message = gettext("Too many requests. Please try again in {seconds} s.").format(seconds=seconds)
        body = error_body("throttled", message, {"retry_after": seconds})
        return Response(body, error.status_code, headers={"Retry-After": str(seconds)})
    headers = {"WWW-Authenticate": error.auth_header} if getattr(error, "auth_header", None) else None
    if isinstance(error, exceptions.ValidationError):
        details = error.detail if isinstance(error.detail, dict) else {"errors": error.detail}
        body = error_body("invalid", gettext("Some fields are missing or wrong; see details."), details)
    else:
        body = error_body(error.detail.code, str(error.detail))
    return Response(body, error.status_code, headers=headers)


@sync_and_async_middleware
def api_error_shape(
    get_response: Callable[[HttpRequest], HttpResponse | Awaitable[HttpResponse]],
) -> Callable[[HttpRequest], Any]:
    """Middleware: errors that no API view has seen (no such address, a refused host, a failure in another
    middleware) leave `/api/` and `/health` in the shape as well."""

    def shaped(request: HttpRequest, response: HttpResponse) -> HttpResponse:
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        if response.status_code < 400 or is_json or not request.path_info.startswith(API_PATHS):
            return response
        status = HTTPStatus(response.status_code)
        message = f"There is nothing at {request.path_info}." if status == 404 else f"{status.phrase}."
        replacement = JsonResponse(
            error_body(status.phrase.lower().replace(" ", "_"), message), status=status
        )
        for name in ("Allow", "Retry-After", "WWW-Authenticate", "Vary"):
            if name in response.headers:
                replacement.headers[name] = response.headers[name]
        return replacement

    if iscoroutinefunction(get_response):

        async def middleware(request: HttpRequest) -> HttpResponse:
            return shaped(request, await get_response(request))
    else:

        def middleware(request: HttpRequest) -> HttpResponse:
            return shaped(request, get_response(request))

    return middleware
