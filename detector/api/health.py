"""Is the process alive, and can it do its work?"""

import logging
from collections.abc import Callable

from django.conf import settings
from django.db import Error as DatabaseError
from drf_spectacular.utils import extend_schema
from redis import Redis
from redis.exceptions import RedisError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from detector import __version__
from detector.api.serializers import HealthSerializer, ReadinessSerializer
from detector.engine import get_engine, refused_detector
from detector.selectors.versions import active_detector

logger = logging.getLogger(__name__)
PATIENCE_SECONDS = 2.0


class Failed(Exception):
    """A dependency does not work. The text is for strangers; its cause goes to the log."""


class HealthView(APIView):
    """Liveness: answers as long as the process does, asking no database."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()

    @extend_schema(responses=HealthSerializer, operation_id="health")
    def get(self, request: Request) -> Response:
        return Response(
            {
                "name": settings.SPECTACULAR_SETTINGS["TITLE"],
                "version": __version__,
                "status": "ok",
                "detector": get_engine().detector_name,
            }
        )


class ReadyView(APIView):
    """Readiness: one line for each dependency; 503 while one of them fails."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()

    @extend_schema(responses={200: ReadinessSerializer, 503: ReadinessSerializer}, operation_id="ready")
    def get(self, request: Request) -> Response:
        lines = {name: _line(check) for name, check in CHECKS.items()}
        ready = all(line["status"] == "ok" for line in lines.values())
        return Response({"status": "ok" if ready else "unavailable", **lines}, 200 if ready else 503)


def check_database() -> str:
    """Whether the tables can be read."""
    try:
        version = active_detector()
    except DatabaseError as error:
        raise Failed("the database does not answer as it should") from error
    return f"active detector: {version.name}" if version else "no detector is registered"


def check_redis() -> str:
    """Whether Redis answers."""
    try:
        with Redis.from_url(
            settings.REDIS_URL, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS
        ) as client:
            client.ping()
    except RedisError as error:
        raise Failed("Redis does not answer") from error
    return ""


def check_detector() -> str:
    """Whether pictures can be looked at, and whether by the version that should be active."""
    serving, refusal = get_engine().detector_name, refused_detector()
    if serving is None:
        raise Failed("no detector is loaded")
    return f"serving {serving}; the active one was refused" if refusal else f"serving {serving}"


CHECKS: dict[str, Callable[[], str]] = {
    "database": check_database,
    "redis": check_redis,
    "detector": check_detector,
}


def _line(check: Callable[[], str]) -> dict[str, str]:
    try:
        return {"status": "ok", "message": check()}
    except Failed as failure:
        logger.warning(
            "not ready: %s (%s)", failure, failure.__cause__ or refused_detector() or "no cause known"
        )
        return {"status": "failed", "message": str(failure)}
