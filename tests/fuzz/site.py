"""A whole site to be fuzzed, with a row of everything, and who visits it."""

import json
import re
from pathlib import Path

import psutil

from detector.checks import RATES
from tests.detector.batches import FACE
from tests.detector.live_sessions import record
from tests.e2e.site_process import SiteProcess
from tests.ml.drawn_faces import make_dataset

NO_LIMITS = {f"HAMSTER_{name.upper()}": "" for name in RATES} | {
    **{"HAMSTER_LIVE_MAX_FPS": "1000", "HAMSTER_ACCOUNT_LIVE_MAX_FPS": "1000"},
    **{"HAMSTER_LIVE_ABUSE_FACTOR": "1000", "HAMSTER_LIVE_MAX_PER_ADDRESS": "0"},
}
FAILURE = re.compile(r" (ERROR|CRITICAL) |Traceback| 5\d\d in \d+ ms")

# Tokens with numbers that nobody guesses: a fuzzer deletes whatever it finds.
_PEOPLE = """
from django.contrib.auth import get_user_model
from detector.models import ApiToken
from detector.services.tokens import make_token
texts = {}
for number, name in enumerate(("keeper", "mia")):
    person = get_user_model().objects.create_user(name, is_staff=not number, is_superuser=not number)
    token, texts[name] = make_token(owner=person, name="of the fuzzer")
    ApiToken.objects.filter(pk=token.pk).update(id=7_340_021 + number)
import json
print("TOKENS", json.dumps(texts | {"": ""}))
"""
_ROWS = """
import json
from contextlib import suppress
from pathlib import Path
from django.contrib.auth import get_user_model
from detector.consent import consent_in_force
from detector.models import Dataset, DetectorVersion, Prediction, TrainingRun
from detector.services.batch_intake import Incoming
from detector.services.batches import TooManyBatches, create_batch
from detector.services.correction_refusals import CorrectionShareFull, CorrectionsFull
from detector.services.corrections import Shown, submit_correction
from detector.services.datasets import register_dataset
from detector.services.evaluations import EvaluationIsOpen, request_evaluation
from detector.services.live_sessions import keep_session
from detector.services.predictions import keep_prediction
from detector.services.tokens import make_token
from detector.session_record import read_record
face, session = Path({face!r}), json.loads({session!r})
result = {{"emotion": "unknown", "confidence": 0.0, "boxes": [], "detector": "x", "timing_ms": {{}}}}
for person in get_user_model().objects.all():
    for _ in range(3):
        keep_prediction(
            owner=person, name="a.jpg", content=face.read_bytes(), result=result, with_thumbnail=True
        )
        keep_session(owner=person, record=read_record(session))
        make_token(owner=person, name="another")
    with suppress(TooManyBatches):
        create_batch(owner=person, files=[Incoming("a.jpg", face), Incoming("b.zip", face)])
    with suppress(CorrectionShareFull, CorrectionsFull):
        submit_correction(
            owner=person, picture=face.read_bytes(), box=dict(x1=0.25, y1=0.3, x2=0.5, y2=0.6),
            shown=Shown("happy", 0.9, "x"), label="sad", consent=consent_in_force().version,
        )
    if person.is_staff:
        data = Dataset.objects.filter(folder={folder!r}).first() or register_dataset(
            name="faces {number}", folder={folder!r}, owner=person)
        TrainingRun.objects.create(
            name="first try", status="failed", error="The disk is full.", owner=person, run_dir={runs!r}
        )
        with suppress(EvaluationIsOpen):
            request_evaluation(version=DetectorVersion.objects.latest("id"), dataset=data, owner=person)
"""


class FuzzedSite:
    """Starts it; `fill` may be called again when rows have been deleted."""

    def __init__(self, folder: Path) -> None:
        self.process = SiteProcess(folder, **NO_LIMITS)
        self._folder = folder
        self._fills = 0
        self.tokens: dict[str, str] = {}

    def start(self) -> None:
        """Start it and make the people."""
        self.process.start()
        printed = self.process.manage("shell", "--no-imports", "-c", _PEOPLE)
        self.tokens = json.loads(printed.partition("TOKENS ")[2])
        (self._folder / "face.jpg").write_bytes(FACE)
        make_dataset(self._folder / "faces", train=9, valid=9, size=64)

    def fill(self) -> None:
        """Give each of them rows of every kind."""
        self._fills += 1
        values = {
            **{"face": str(self._folder / "face.jpg"), "session": json.dumps(record())},
            **{"folder": str(self._folder / "faces"), "number": self._fills},
            "runs": str(self._folder / "runs"),
        }
        self.process.manage("shell", "--no-imports", "-c", _ROWS.format(**values))

    def failures(self) -> list[str]:
        """Lines of the log that say that something failed here, not at the visitor's."""
        return [line for line in self.process.log.read_text().splitlines() if FAILURE.search(line)]

    def memory(self) -> int:
        """The web process's resident bytes."""
        children = psutil.Process(self.process.process.pid).children()
        (web,) = [child for child in children if "daphne" in child.cmdline()]
        return web.memory_info().rss
