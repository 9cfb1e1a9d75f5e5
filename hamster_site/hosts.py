"""By which names the site is asked."""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.common import CommonMiddleware

ASKED_INSIDE = frozenset(("/health", "/health/ready", "/metrics"))


class PublicHosts(CommonMiddleware):
    """Django's, which refuses names that are not among ALLOWED_HOSTS, but for what those inside ask.

    Health checks and Prometheus ask each process by its own name or address. Among ALLOWED_HOSTS these would
    be names that mailed links, redirects and pages of other sites could use too.
    """

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        """Refuse the name or let it pass."""
        return None if request.path in ASKED_INSIDE else super().process_request(request)
