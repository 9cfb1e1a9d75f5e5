"""How often one address or account may call. The rates are settings; Redis counts for all processes."""

import logging
from typing import TYPE_CHECKING

from django.http import HttpRequest
from redis.exceptions import RedisError
from rest_framework.throttling import AnonRateThrottle, SimpleRateThrottle, UserRateThrottle

from detector.addresses import client_address
from detector.conf import config

if TYPE_CHECKING:  # the views import their default throttle, this module
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)


class ConfiguredRate(SimpleRateThrottle):
    """`config.<scope>_rate` requests; an empty rate means no limit."""

    def get_rate(self) -> str | None:
        return getattr(config, f"{self.scope}_rate") or None

    def get_ident(self, request: HttpRequest) -> str | None:
        return client_address(request.META.get("REMOTE_ADDR"), request.headers.get("X-Forwarded-For"))

    def allow_request(self, request: HttpRequest, view: "APIView") -> bool:
        """Without Redis nothing is counted, and the site goes on."""
        try:
            return super().allow_request(request, view)
        except RedisError as error:
            logger.error("requests are not being limited: %s", error)
            return True


class AddressRate(ConfiguredRate, AnonRateThrottle):
    """Requests of an anonymous address."""

    scope = "api"


class PredictRate(AddressRate):
    """Uploads."""

    scope = "predict"


class StreamRate(AddressRate):
    """Frames sent one by one."""

    scope = "stream"


class BatchRate(ConfiguredRate, UserRateThrottle):
    """Batches made, cancelled or taken up again by one account."""

    scope = "batch"


class BatchReadRate(ConfiguredRate, UserRateThrottle):
    """Everything else one account does with its batches."""

    scope = "batch_read"


class LiveSessionRate(ConfiguredRate, UserRateThrottle):
    """Whatever one account does with its kept live sessions."""

    scope = "live_session"
