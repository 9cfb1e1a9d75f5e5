"""What a web process counts for Prometheus while it serves: frames, and how long each stage takes.

Names and units follow Prometheus's conventions (seconds, `_total`). `detector.api.metrics` tells them.
"""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY = CollectorRegistry()

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.2, 0.35, 0.5, 1.0, 2.5, 10.0)
"""Upper bounds in seconds: decoding takes a millisecond, a late answer half a second."""

FRAMES_RECEIVED = Counter("hamster_frames_received", "Frames that live cameras have sent.", registry=REGISTRY)
FRAMES_DROPPED = Counter(
    "hamster_frames_dropped",
    "Frames of live cameras that were not looked at: a newer one came first (replaced), the camera sends "
    "faster than it may (too_fast), does not take its answers (unread), or has left (gone).",
    ["reason"],
    registry=REGISTRY,
)
PICTURES = Counter(
    "hamster_pictures",
    "Pictures of live cameras (live) and of single requests (request) by what became of them: answered, or "
    "the code of the error.",
    ["kind", "outcome"],
    registry=REGISTRY,
)
STAGES = Histogram(
    "hamster_stage_seconds",
    "How long an answered picture waited (queue), was decoded (decode), was looked at (inference), and the "
    "three together (total).",
    ["kind", "stage"],
    buckets=BUCKETS,
    registry=REGISTRY,
)


def count_answer(kind: str, timing_ms: Mapping[str, float]) -> None:
    """Take in an answered picture: `kind` is live or request. Thread-safe."""
    PICTURES.labels(kind, "answered").inc()
    for stage, milliseconds in timing_ms.items():
        STAGES.labels(kind, stage).observe(milliseconds / 1000)


def count_failure(kind: str, code: str) -> None:
    """Take in a picture that got an error instead. Thread-safe."""
    PICTURES.labels(kind, code).inc()
