"""What a browser may do with our pages, and which pages may open our WebSockets."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlparse

from channels.security.websocket import OriginValidator
from django.http import HttpRequest, HttpResponse

# The admin and the pages of the API's documentation do with the same.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",  # pictures that the page itself has made or was given
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
PERMISSIONS_POLICY = "camera=(self), microphone=(), geolocation=(), payment=(), usb=()"


class BrowserPolicyMiddleware:
    """Sends Content-Security-Policy (only what is served from here runs) and Permissions-Policy (camera)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request and add the two headers unless the view set its own."""
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        return response


Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def refuse_socket(scope: Message, receive: Receive, send: Send) -> None:
    """ASGI application that opens no WebSocket; the client sees status 403."""
    await receive()  # websocket.connect
    await send({"type": "websocket.close"})


class OwnPagesOnly(OriginValidator):
    """Refuses WebSockets opened by other sites' pages.

    Browsers always send Origin and pages cannot forge it; a client that sends none is a program, which no
    visitor can be tricked into running, so it is let in.
    """

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one WebSocket (ASGI 3)."""
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        is_own = all(self._is_own(origin.decode("latin1")) for origin in origins)
        # Not by the parent, whose refusal is a consumer that has to reach the channel layer first.
        await (self.application if is_own else refuse_socket)(scope, receive, send)

    def _is_own(self, origin: str) -> bool:
        try:
            parsed = urlparse(origin)
            _ = parsed.port  # raises for brackets and ports that make no sense, as urlparse does
        except ValueError:
            return False
        return self.validate_origin(parsed)
