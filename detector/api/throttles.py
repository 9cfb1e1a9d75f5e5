"""How often one address or account may call. The rates are settings; Redis counts for all processes."""

import logging
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.http import HttpRequest
from django.utils.translation import gettext
from redis.exceptions import RedisError
from rest_framework.throttling import AnonRateThrottle, SimpleRateThrottle, UserRateThrottle

from detector.addresses import address_of_request
from detector.conf import config
from detector.errors import HamsterError

if TYPE_CHECKING:  # the views import their default throttle, this module
    from rest_framework.request import Request
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)


class ConfiguredRate(SimpleRateThrottle):
    """`config.<scope>_rate` requests; an empty rate means no limit."""

    def get_rate(self) -> str | None:
        return getattr(config, f"{self.scope}_rate") or None

    def get_ident(self, request: HttpRequest) -> str | None:
        return address_of_request(request)

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


class TooOften(HamsterError):
    """Over a rate."""

    code = "throttled"
    status = 429

    def __init__(self, wait: float) -> None:
        self.retry_after = math.ceil(wait)
        message = gettext("Too many requests. Please try again in {seconds} s.")
        super().__init__(message.format(seconds=self.retry_after), details={"retry_after": self.retry_after})


class KnownAddress(ConfiguredRate):
    """What an address does elsewhere than in views of the API."""

    def __init__(self, address: str | None) -> None:
        super().__init__()
        self.key = self.cache_format % {"scope": self.scope, "ident": address}

    def get_cache_key(self, request: None, view: None) -> str:
        return self.key

    def count(self) -> bool:
        """Take note of one more, unless there were too many: whether it was within the rate."""
        return self.allow_request(None, None)

    def spend(self) -> None:
        """The same. Raises TooOften."""
        if not self.count():
            raise TooOften(self.wait() or 1)

    def wait_after(self, history: Sequence[float]) -> float:
        """Seconds until one more is within the rate, after these moments, the newest first; 0: now."""
        if self.rate is None:
            return 0.0
        recent = [moment for moment in history if moment > self.timer() - self.duration]
        return recent[-1] + self.duration - self.timer() if len(recent) >= self.num_requests else 0.0


class BadTokenRate(KnownAddress):
    """Requests of an address with a token that opens nothing."""

    scope = "unauthorized"


class SocketRate(KnownAddress):
    """WebSockets that an address opens."""

    scope = "socket"


class DataDownloadRate(ConfiguredRate, UserRateThrottle):
    """Archives of everything that is kept about one account."""

    scope = "data_download"


class PredictRate(AddressRate):
    """Uploads."""

    scope = "predict"


class KeptRate(ConfiguredRate, UserRateThrottle):
    """What one account does with the predictions that it keeps."""

    scope = "kept"


class StreamRate(AddressRate):
    """Frames sent one by one."""

    scope = "stream"


class AccountRate(ConfiguredRate, UserRateThrottle):
    """Requests of one account, its sessions and tokens together."""

    scope = "account_api"

    def get_cache_key(self, request: "Request", view: "APIView") -> str | None:
        """None for strangers, whom the rates of addresses are for."""
        return super().get_cache_key(request, view) if request.user.is_authenticated else None


class AccountPredictRate(AccountRate):
    """Uploads of one account."""

    scope = "account_predict"


class AccountStreamRate(AccountRate):
    """Frames that one account sends one by one."""

    scope = "account_stream"


class BatchRate(ConfiguredRate, UserRateThrottle):
    """Batches made, cancelled or taken up again by one account."""

    scope = "batch"


class BatchReadRate(ConfiguredRate, UserRateThrottle):
    """Everything else one account does with its batches."""

    scope = "batch_read"


class CorrectionRate(ConfiguredRate, UserRateThrottle):
    """Corrections sent by one account, or by an address without one."""

    scope = "correction"


class LiveSessionRate(ConfiguredRate, UserRateThrottle):
    """Whatever one account does with its kept live sessions."""

    scope = "live_session"
