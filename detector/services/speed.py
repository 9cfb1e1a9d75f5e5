"""How fast a version is on the machine of this site's batch workers, measured when somebody asks."""

import io
import logging
import os
import platform
import statistics
from pathlib import Path
from typing import Any

from celery import current_app
from django.contrib.staticfiles import finders
from django.db import transaction
from django.utils import timezone
from PIL import Image

from detector.conf import config
from detector.models import DetectorVersion
from ml.predictor import DetectorFileError, Predictor

logger = logging.getLogger(__name__)
FRAMES = 60
SIZE = (320, 240)
ASTRONAUT = "webui/sample/astronaut.jpg"
CROP = (0, 0, 480, 360)


def request_speed(*, version: DetectorVersion) -> None:
    """Ask a batch worker to measure this version; what was measured before stays until it has."""
    with transaction.atomic():
        row = DetectorVersion.objects.select_for_update().get(pk=version.pk)
        row.speed = {**row.speed, "asked_at": timezone.now().isoformat(), "error": ""}
        row.save(update_fields=["speed"])
        transaction.on_commit(
            lambda: current_app.send_task("detector.tasks.measure", args=[version.pk]), robust=True
        )


def measure_speed(*, version_id: int) -> None:
    """Measure a version on one thread of this machine and write it into its row."""
    version = DetectorVersion.objects.filter(pk=version_id).first()
    if version is None:
        return
    try:
        speed = _measure(Predictor(Path(version.onnx.path), version.sha256, runtime=config.engine_runtime))
    except DetectorFileError as error:
        speed = {**version.speed, "error": error.message}
    speed["asked_at"] = None
    DetectorVersion.objects.filter(pk=version_id).update(speed=speed)
    logger.info("speed of detector %s: %s", version.name, speed)


def processor_name() -> str:
    """The processor as it calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _measure(predictor: Predictor) -> dict[str, Any]:
    predictor.warm_up()
    measured = {"face": _milliseconds(predictor, _face()), "no_face": _milliseconds(predictor, _nothing())}
    return {
        **{f"{name}_ms": round(statistics.median(values), 2) for name, values in measured.items()},
        "face_p95_ms": round(statistics.quantiles(measured["face"], n=20)[-1], 2),
        "frames": FRAMES,
        "size": "x".join(map(str, SIZE)),
        "runtime": predictor.runtime,
        "cpu": processor_name(),
        "cores": os.cpu_count(),
        "measured_at": timezone.now().isoformat(),
        "error": "",
    }


def _milliseconds(predictor: Predictor, frame: bytes) -> list[float]:
    timings = [predictor.predict(frame)[1] for _ in range(FRAMES)]
    return [timing.decode_ms + timing.inference_ms for timing in timings]


def _face() -> bytes:
    return _encoded(Image.open(str(finders.find(ASTRONAUT))).convert("RGB").crop(CROP).resize(SIZE))


def _nothing() -> bytes:
    return _encoded(Image.new("RGB", SIZE, "grey"))


def _encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
