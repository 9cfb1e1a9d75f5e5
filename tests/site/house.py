"""Every address of the site, whom it is for, and a house with rows of everything for the tests that walk it.

An address that is not known here fails those tests. Say in `AREAS` or `PUBLIC` whom it is for, and in `House`
what fills its parameters.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from detector.consent import consent_in_force
from detector.models import (
    BatchItem,
    Dataset,
    DatasetSample,
    DetectorVersion,
    Evaluation,
    Prediction,
    TrainingRun,
)
from detector.services.batches import create_batch
from detector.services.corrections import Shown, submit_correction
from detector.services.live_sessions import keep_session
from detector.services.tokens import make_token
from detector.services.versions import register_version
from detector.session_record import read_record
from tests.detector.batches import FACE, incoming
from tests.detector.live_sessions import record
from tests.detector.pictures import FACE as RED
from tests.ml.drawn_faces import make_dataset
from tests.ml.red_cell_detector import write_red_cell_detector

SECRET = "secret-of-the-owner"
PASSWORD = "long enough for a test"
PUBLIC = {
    *(
        "",
        "accounts/login/",
        "accounts/logout/",
        "health",
        "health/ready",
        "metrics",
        "admin/login/",
        "admin/logout/",
    ),
    *("accounts/signup/", "accounts/inactive/", "accounts/confirm-email/", "accounts/password/set/"),
    *("accounts/password/reset/", "accounts/password/reset/done/", "accounts/password/reset/key/done/"),
    *("pictures/", "api/predict", "api/predict/stream", "api/schema/", "api/docs/"),
    # Anybody sends corrections, and withdraws with a code; the pages list one's own only.
    *("corrections/", "corrections/withdraw/", "api/corrections/"),
    *("help/", "about/", "privacy/", "offline/"),
    *("manifest.webmanifest", "service-worker.js", "favicon.ico", "robots.txt"),
    *("i18n/setlang/", "jsi18n/es/", "jsi18n/zh-hans/"),
}
# For whoever holds the key, which a mail brought: tests/webui/test_accounts.py tries them.
BY_KEY = {
    r"accounts/confirm-email/(?P<key>[-:\w]+)/",
    "accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/",
}
OWN, STAFF = "of whom it belongs to", "for staff"
AREAS = {
    "account": OWN,
    "accounts": OWN,
    "batches": OWN,
    "tokens": OWN,
    "pictures": OWN,
    "predictions": OWN,
    "sessions": OWN,
    "live-sessions": OWN,
    "training": STAFF,
    "training-runs": STAFF,
    "detectors": STAFF,
    "datasets": STAFF,
    "corrections": OWN,
    "corrections/review": STAFF,
    "admin": STAFF,
}
METHODS = ("get", "post", "put", "patch", "delete")
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")
SIGN_IN = ("/accounts/login/", "/admin/login/")


class Address(NamedTuple):
    """A route as the resolver has it, whom it is for, and its parameters."""

    route: str
    path: str
    parameters: tuple[str, ...]

    @property
    def area(self) -> str:
        return area_of(self.path)

    @property
    def audience(self) -> str:
        return AREAS[self.area]


def area_of(path: str) -> str:
    """Pages and API of the same things are one area; a part of it that is for others is one of its own."""
    own = [area for area in AREAS if "/" in area and path.startswith(f"{area}/")]
    return own[0] if own else path.partition("/")[0]


def audience_of(route: str) -> str:
    """For whom a route is that is not for everybody."""
    return AREAS[area_of(route.removeprefix("api/"))]


def routes(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Every route below."""
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route.replace("^", "").removesuffix("$")
        else:
            yield from routes(pattern, route)


def addresses() -> list[Address]:
    """Every route that is not for everybody."""
    return [
        Address(route, route.removeprefix("api/"), parameters_of(route))
        for route in routes(get_resolver())
        if route not in PUBLIC | BY_KEY
    ]


def parameters_of(route: str) -> tuple[str, ...]:
    return tuple(one or other for one, other in PARAMETER.findall(route))


def body_of(response: HttpResponse) -> bytes:
    """All of an answer, also of one that comes in parts."""
    return b"".join(response.streaming_content) if response.streaming else response.content


def user(name: str, **values: bool | str) -> Any:
    return get_user_model().objects.create_user(name, **values)


def with_password_of(one: Any, account: Any) -> Any:
    """The account with the same password, which is not computed once more: that takes long."""
    account.password = one.password
    account.save(update_fields=["password"])
    return account


def signed_in(account: Any) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(account)
    return client


class House:
    """Rows of an owner and of the staff, with the secret in all their names, and the visitors."""

    def __init__(self, folder: Path) -> None:
        owner = user("owner", password=PASSWORD)
        staff = user("keeper", password=PASSWORD, is_staff=True, is_superuser=True)
        folder.mkdir()
        batch = create_batch(owner=owner, files=incoming(folder, **{f"{SECRET}_jpg": FACE}))
        result = {"emotion": "happy", "confidence": 0.9, "boxes": [], "detector": SECRET, "timing_ms": {}}
        batch.items.update(state=BatchItem.State.SUCCEEDED, result=result, finished_at=timezone.now())
        kept = Prediction.objects.create(
            **{"owner": owner, "expires_at": timezone.now(), "name": SECRET, "result": result},
            **{"width": 4, "height": 3, "emotion": "happy", "detector": SECRET, "thumbnail": FACE},
        )
        onnx = write_red_cell_detector(folder / "red.onnx", version=SECRET)
        version = register_version(onnx=onnx, source=DetectorVersion.Source.TRAINING)
        faces = make_dataset(folder / "faces", train=1, valid=1, size=64)
        data = Dataset.objects.create(name=SECRET, folder=str(faces), owner=staff)
        picture = "valid/images/colour_valid_0000.jpg"
        sample = DatasetSample.objects.create(
            **{"dataset": data, "split": "valid", "file": picture, "width": 64, "height": 64},
            **{"faces": [], "classes": 0, "has_problems": False},
        )
        evaluation = Evaluation.objects.create(version=version, dataset=data, owner=staff, total=1, done=1)
        looked_at = {"path": picture, "size": [64, 64], "source": "", "truth": [], "found": [], "problem": ""}
        evaluation.parts.create(start=0, pictures=[looked_at])
        shown = Shown("happy", 0.9, SECRET)
        correction, _ = submit_correction(
            **{"owner": owner, "picture": FACE, "box": RED, "shown": shown, "label": "sad"},
            consent=consent_in_force().version,
        )
        run = TrainingRun.objects.create(
            **{"name": SECRET, "owner": staff, "data_dirs": [str(faces)], "run_dir": str(folder)},
            **{"status": TrainingRun.Status.FAILED, "error": SECRET},
        )
        token, _ = make_token(owner=owner, name=SECRET)
        session = keep_session(owner=owner, record=read_record(record(name=SECRET)))
        self.files = [batch.items.get().file.name, version.onnx.name, correction.crop.name]
        self.values: dict[str, dict[str, object]] = {
            "account": {"pk": token.pk},
            "tokens": {"pk": token.pk},
            "batches": {"pk": batch.pk, "number": 1},
            "pictures": {"pk": kept.pk},
            "predictions": {"pk": kept.pk},
            "sessions": {"pk": session.pk},
            "live-sessions": {"pk": session.pk},
            "training": {"pk": run.pk},
            "training-runs": {"pk": run.pk},
            "datasets": {"pk": data.pk, "sample": sample.pk},
            "corrections": {"pk": correction.pk},
            "detectors": {"pk": version.pk, "evaluation": evaluation.pk},
            "detectors/evaluations": {"pk": evaluation.pk, "number": 0},
            "admin": {"app_label": "detector", "content_type_id": 1, "object_id": 1, "id": 1, "url": "no/"},
        }
        self.form = {"dataset": data.pk, "a": version.pk, "b": version.pk}
        self.owner, self.staff, self.stranger = signed_in(owner), signed_in(staff), Client()
        self.other = signed_in(with_password_of(owner, user("other")))
        self.other_staff = signed_in(with_password_of(owner, user("clerk", is_staff=True)))

    def fill(self, address: Address) -> str:
        """The address with the ids of these rows. Fails for a parameter that nobody has told us about."""
        known: dict[str, object] = {}
        for path in sorted(self.values):  # the more exact ones last
            if address.path.startswith(f"{path}/"):
                known |= self.values[path]
        unknown = [name for name in address.parameters if name not in known]
        assert not unknown, f"{address.route}: what fills {unknown}? {__doc__}"
        return "/" + PARAMETER.sub(lambda match: str(known[match[1] or match[2]]), address.route)
