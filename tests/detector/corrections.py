"""Corrections for tests: drawn faces, no photographs."""

from pathlib import Path
from typing import Any

import numpy as np
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from detector.conf import config
from detector.consent import consent_in_force
from detector.models import Correction
from detector.services.corrections import Shown, submit_correction
from ml.config import EMOTIONS
from tests.detector.pictures import encoded
from tests.ml.drawn_faces import draw_scene

BOX = {"x1": 0.2, "y1": 0.25, "x2": 0.8, "y2": 0.9}
SHOWN = Shown("happy", 0.93, "red-1")


def face(seed: int = 0, *, emotion: str = "sad", size: int = 160) -> bytes:
    """A JPEG of one drawn face; other seeds look different."""
    return encoded(drawn_face(seed, emotion=emotion, size=size), quality=92)


def drawn_face(seed: int = 0, *, emotion: str = "sad", size: int = 160) -> Image.Image:
    return draw_scene(np.random.default_rng(seed), EMOTIONS.index(emotion), size)[0]


def send(
    *, owner: Any = None, picture: bytes | None = None, label: str = "sad", seed: int = 0
) -> tuple[Correction, str]:
    """A correction as the service keeps it, and its code."""
    return submit_correction(
        owner=owner,
        picture=face(seed) if picture is None else picture,
        box=BOX,
        shown=SHOWN,
        label=label,
        consent=consent_in_force().version,
    )


def fields(**changed: object) -> dict[str, object]:
    """What the camera page posts; `name=None` leaves a field out."""
    said = {
        **{"file": SimpleUploadedFile("face.jpg", face(), "image/jpeg"), **BOX, "label": "sad"},
        **{"shown_label": "happy", "shown_score": "0.93", "detector": "red-1"},
        "consent": consent_in_force().version,
        **changed,
    }
    return {name: value for name, value in said.items() if value is not None}


def post(client: Client, **changed: object):
    """POST a correction."""
    return client.post("/api/corrections/", fields(**changed))


def stored(media: Path) -> list[str]:
    """The names of the crops in a media folder."""
    return sorted(path.name for path in (media / config.corrections_folder).glob("*"))
