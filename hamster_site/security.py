"""What a browser may do with our pages, and which pages may open our WebSockets."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any
from urllib.parse import ParseResult, urlparse

from channels.security.websocket import OriginValidator
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port, validate_host

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
Application = Callable[[Message, Receive, Send], Awaitable[None]]


async def refuse_socket(scope: Message, receive: Receive, send: Send) -> None:
    """ASGI application that opens no WebSocket; the client sees status 403."""
    await receive()  # websocket.connect
    await send({"type": "websocket.close"})


class OwnPagesOnly(OriginValidator):
    """Refuses WebSockets opened by other sites' pages, which another port of this host is too.

    `hosts` are the names that this site answers to, as in ALLOWED_HOSTS; `origins` are other sites whose
    pages may open sockets, as in CSRF_TRUSTED_ORIGINS; with `https` our own pages come over HTTPS only.
    Browsers always send Origin and pages cannot forge it; a client that sends none is a program, which no
    visitor can be tricked into running, so it is let in.
    """

    def __init__(
        self, application: Application, hosts: Sequence[str], origins: Sequence[str], *, https: bool
    ) -> None:
        super().__init__(application, [origin.replace("://*.", "://.") for origin in origins])
        self.hosts = hosts
        self.https = https

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one WebSocket (ASGI 3)."""
        origins = [value.decode("latin1") for name, value in scope["headers"] if name == b"origin"]
        host = dict(scope["headers"]).get(b"host", b"").decode("latin1")
        may_open = all(self._may_open(origin, host) for origin in origins)
        # Not by the parent, whose refusal is a consumer that has to reach the channel layer first.
        await (self.application if may_open else refuse_socket)(scope, receive, send)

    def _may_open(self, origin: str, host: str) -> bool:
        try:
            page = urlparse(origin)
            return self._is_own(page, host) or self.validate_origin(page)
        except ValueError:  # brackets and ports that make no sense
            return False

    def _is_own(self, page: ParseResult, host: str) -> bool:
        if page.scheme not in (("https",) if self.https else ("http", "https")):
            return False
        here = urlparse(f"{page.scheme}://{host}")
        is_same = (page.hostname, self.get_origin_port(page)) == (here.hostname, self.get_origin_port(here))
        # Also a name that is somebody else's may lead here.
        return is_same and validate_host(split_domain_port(host)[0], self.hosts)
