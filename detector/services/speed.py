"""How fast a version is on the machine of this site's batch workers, measured when somebody asks."""

import io
import logging
import os
import statistics
from datetime import datetime, timedelta
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
from ml.processor import processor_name

logger = logging.getLogger(__name__)
FRAMES = 60
SIZE = (320, 240)
ASTRONAUT = "webui/sample/astronaut.jpg"
CROP = (0, 0, 480, 360)
SILENCE = timedelta(seconds=120)  # asked for so long ago: the message is lost, or its worker died
MOST_ATTEMPTS = 3
WORKER_DIED = f"The worker died {MOST_ATTEMPTS} times while it measured. Often it has run out of memory."


def request_speed(*, version: DetectorVersion) -> None:
    """Ask a batch worker to measure this version; what was measured before stays until it has."""
    with transaction.atomic():
        row = DetectorVersion.objects.select_for_update().get(pk=version.pk)
        row.speed = {**row.speed, "asked_at": timezone.now().isoformat(), "attempts": 0, "error": ""}
        row.save(update_fields=["speed"])
        transaction.on_commit(lambda: _send(version.pk), robust=True)


def measure_speed(*, version_id: int) -> None:
    """Measure a version on one thread of this machine and write it into its row, if that was asked for."""
    with transaction.atomic():
        version = DetectorVersion.objects.select_for_update().filter(pk=version_id).first()
        if version is None or not version.speed.get("asked_at"):
            return
        version.speed = {**version.speed, "attempts": version.speed.get("attempts", 0) + 1}
        version.save(update_fields=["speed"])
    try:
        speed = _measure(Predictor(Path(version.onnx.path), version.sha256, runtime=config.engine_runtime))
    except DetectorFileError as error:
        speed = {**version.speed, "error": error.message}
    except Exception as error:  # such as ONNX Runtime's, which share no base
        logger.exception("the speed of detector %s can't be measured", version.name)
        speed = {**version.speed, "error": f"It could not be measured: {type(error).__name__}: {error}"}
    speed["asked_at"] = None
    DetectorVersion.objects.filter(pk=version_id).update(speed=speed)
    logger.info("speed of detector %s: %s", version.name, speed)


def recover_speed_measurements() -> int:
    """Send those again that were asked for long ago, unless workers keep dying of one; returns how many."""
    return sum(
        _recover(pk) for pk, speed in DetectorVersion.objects.values_list("pk", "speed") if _is_silent(speed)
    )


def _recover(version_id: int) -> bool:
    with transaction.atomic():
        row = DetectorVersion.objects.select_for_update().filter(pk=version_id).first()
        if row is None or not _is_silent(row.speed):  # another worker has just sent it
            return False
        is_given_up = row.speed.get("attempts", 0) >= MOST_ATTEMPTS
        outcome = {"asked_at": None, "error": WORKER_DIED}
        row.speed |= outcome if is_given_up else {"asked_at": timezone.now().isoformat()}
        row.save(update_fields=["speed"])
    if not is_given_up:
        _send(version_id)
    return not is_given_up


def _is_silent(speed: dict[str, Any]) -> bool:
    asked_at = speed.get("asked_at")
    return bool(asked_at) and datetime.fromisoformat(asked_at) < timezone.now() - SILENCE


def _send(version_id: int) -> None:
    current_app.send_task("detector.tasks.measure", args=[version_id])


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
