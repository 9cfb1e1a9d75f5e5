"""`/metrics`, which Prometheus reads: each web process speaks of itself, and of the jobs that all share."""

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.db import Error as DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from detector import __version__
from detector.engine import get_engine
from detector.metrics import REGISTRY
from detector.selectors.jobs import jobs_by_state


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures as text for whoever sends `Authorization: Bearer METRICS_TOKEN`; 404 for all others, and
    for everybody while that setting is empty."""
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    given = request.headers.get("Authorization", "")
    if not settings.METRICS_TOKEN or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise Http404
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


class _State(Collector):
    """What is asked for only when somebody reads: places, the line, the detector served, jobs."""

    def collect(self) -> Iterator[GaugeMetricFamily | InfoMetricFamily]:
        engine = get_engine()
        line = engine.line_state()
        places = GaugeMetricFamily(
            "hamster_live_places", "Places for live cameras: taken, and all there are.", labels=["of"]
        )
        places.add_metric(["taken"], line.mailboxes)
        places.add_metric(["all"], line.max_mailboxes)
        yield places
        waiting = GaugeMetricFamily(
            "hamster_queue_pictures", "Pictures that wait for the engine.", labels=["kind"]
        )
        waiting.add_metric(["live"], line.waiting_frames)
        waiting.add_metric(["request"], line.waiting_requests)
        yield waiting
        served = {"version": engine.detector_name or "", "site": __version__}
        yield InfoMetricFamily("hamster_detector", "The detector that this process serves.", value=served)
        yield from _jobs()


def _jobs() -> Iterator[GaugeMetricFamily]:
    """Jobs by kind and state; none while the database does not answer, so that the rest is still told."""
    try:
        counted = jobs_by_state()
    except DatabaseError:
        return
    jobs = GaugeMetricFamily("hamster_jobs", "Jobs by where they stand.", labels=["kind", "state"])
    for names, count in counted.items():
        jobs.add_metric(names, count)
    yield jobs


ProcessCollector(registry=REGISTRY)
REGISTRY.register(_State())
