"""What a browser may do with our pages, and which pages may open our WebSockets."""

from collections.abc import Callable
from urllib.parse import ParseResult

from channels.security.websocket import OriginValidator
from django.http import HttpRequest, HttpResponse

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
# The API's documentation is a vendored page with a style sheet in it.
API_DOCS_POLICY = f"{CONTENT_SECURITY_POLICY}; style-src 'self' 'unsafe-inline'"
PERMISSIONS_POLICY = "camera=(self), microphone=(), geolocation=(), payment=(), usb=()"


class BrowserPolicyMiddleware:
    """Sends Content-Security-Policy (only what is served from here runs) and Permissions-Policy (camera)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request and add the two headers unless the view set its own."""
        response = self.get_response(request)
        is_docs = request.resolver_match is not None and request.resolver_match.url_name == "api-docs"
        policy = API_DOCS_POLICY if is_docs else CONTENT_SECURITY_POLICY
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        return response


class OwnPagesOnly(OriginValidator):
    """Refuses WebSockets opened by other sites' pages.

    Browsers always send Origin and pages cannot forge it; a client that sends none is a program, which no
    visitor can be tricked into running, so it is let in.
    """

    def valid_origin(self, parsed_origin: ParseResult | None) -> bool:
        """Whether a connection with this Origin header (None: no such header) may open."""
        return parsed_origin is None or self.validate_origin(parsed_origin)
