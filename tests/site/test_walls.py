"""Nobody reaches what is another's by any address: all of them are walked, by method and by visitor.

An address that this test does not know fails it. Say in `AREAS` or `PUBLIC` whom it is for, and in `House`
what fills its parameters.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.contrib.auth import get_user, get_user_model
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from detector.checks import RATES
from detector.consent import consent_in_force
from detector.jobs import WATCHABLE
from detector.models import (
    BatchItem,
    Dataset,
    DatasetSample,
    DetectorVersion,
    Evaluation,
    Prediction,
    TrainingRun,
)
from detector.routing import websocket_urlpatterns
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

pytestmark = pytest.mark.django_db
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
WATCHED_AREAS = {
    "batch": "batches",
    "training-run": "training-runs",
    "detector": "detectors",
    "dataset": "datasets",
    "evaluation": "detectors/evaluations",
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


def user(name: str, **values: bool | str) -> Any:
    return get_user_model().objects.create_user(name, **values)


def signed_in(account: Any) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(account)
    return client


class House:
    """Rows of an owner and of the staff, with the secret in all their names, and the visitors."""

    def __init__(self, folder: Path) -> None:
        owner, staff = user("owner", password=PASSWORD), user("keeper", is_staff=True, is_superuser=True)
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
        self.other = signed_in(user("other"))
        self.other_staff = signed_in(user("clerk", is_staff=True))

    def fill(self, address: Address) -> str:
        """The address with the ids of these rows. Fails for a parameter that nobody has told us about."""
        known: dict[str, object] = {}
        for path in sorted(self.values):  # the more exact ones last
            if address.path.startswith(f"{path}/"):
                known |= self.values[path]
        unknown = [name for name in address.parameters if name not in known]
        assert not unknown, f"{address.route}: what fills {unknown}? {__doc__}"
        return "/" + PARAMETER.sub(lambda match: str(known[match[1] or match[2]]), address.route)


@pytest.fixture
def house(tmp_path, settings) -> House:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.HAMSTER = {**settings.HAMSTER, **dict.fromkeys(RATES, "")}
    cache.clear()
    return House(tmp_path / "incoming")


def body(response: HttpResponse) -> bytes:
    return response.getvalue() if hasattr(response, "getvalue") else b"".join(response.streaming_content)


def assert_refused(response: HttpResponse) -> None:
    """A 403, a 404, a redirect to where one signs in, or a method that is there for nobody."""
    where = f"{response.request['REQUEST_METHOD']} {response.request['PATH_INFO']}"
    assert SECRET.encode() not in body(response), where
    if response.status_code in (301, 302):
        assert response.headers["Location"].startswith(SIGN_IN), where
    else:
        assert response.status_code in (403, 404, 405), f"{where}: {response.status_code}"


def ask(client: Client, path: str) -> list[HttpResponse]:
    """The answers to all methods."""
    return [getattr(client, method)(path) for method in METHODS]


def test_every_address_has_an_audience():
    assert {address.area for address in addresses()} <= set(AREAS), __doc__
    assert not [route for route in PUBLIC if parameters_of(route)], "what has an id is not for everybody"
    assert set(routes(get_resolver())) >= PUBLIC | BY_KEY
    # The first knows nobody, the second is walked by `WATCHABLE`.
    assert [str(pattern.pattern) for pattern in websocket_urlpatterns] == ["ws/live/", "ws/jobs/"]


def test_strangers_get_nothing(house):
    for address in addresses():
        for response in ask(house.stranger, house.fill(address)):
            assert_refused(response)


def test_people_get_nothing_of_what_is_for_staff(house):
    for address in addresses():
        if address.audience == STAFF:
            for response in ask(house.other, house.fill(address)):
                assert_refused(response)


@pytest.mark.parametrize("visitor", ["other", "other_staff"])
def test_neither_people_nor_staff_get_anything_of_what_is_another_persons(house, visitor):
    for address in addresses():
        if address.audience == OWN:
            answers = ask(getattr(house, visitor), house.fill(address))
            for response in answers:
                if address.parameters:
                    assert_refused(response)
                else:
                    assert SECRET.encode() not in body(response), address.route
            if address.parameters:
                assert 404 in {response.status_code for response in answers}, address.route
    assert house.owner.get("/api/batches/").json()["results"][0]["counts"]["succeeded"] == 1


def test_the_same_addresses_do_open_for_those_they_are_for(house):
    """Otherwise the walls would be proven with addresses that nobody can use."""
    only_posted = []
    for address in addresses():
        if address.area != "admin":
            response = keeper_of(house, address).get(house.fill(address))
            if response.status_code == 405:
                only_posted.append(address)
            else:
                assert response.status_code in (200, 302), f"{address.route}: {response.status_code}"
    for address in only_posted:
        with transaction.atomic():
            response = keeper_of(house, address).post(house.fill(address), house.form)
            transaction.set_rollback(True)
        assert response.status_code not in (403, 404, 500), f"{address.route}: {response.status_code}"


def test_what_is_somebodys_runs_nothing_foreign_and_stays_out_of_caches(house):
    for address in addresses():
        response = keeper_of(house, address).get(house.fill(address))
        where = f"{address.route}: {dict(response.headers)}"
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, where
        assert "unsafe" not in policy, where
        assert response.headers["X-Content-Type-Options"] == "nosniff", where
        caching = response.headers.get("Cache-Control", "")
        assert "private" in caching or "no-store" in caching, where


def test_nothing_is_changed_for_a_signed_in_person_by_anothers_page(house):
    """Which can make a browser send its cookies, but knows no CSRF token."""
    changed_by = METHODS[1:]
    for address in addresses():
        client = Client(enforce_csrf_checks=True)
        client.cookies = keeper_of(house, address).cookies
        for method in changed_by:
            act = partial(getattr(client, method), house.fill(address))
            answer = act()
            if answer.status_code in (400, 415):  # some take JSON only, and say so first
                answer = act(data="{}", content_type="application/json")
            assert answer.status_code in (403, 405), f"{method} {address.route}: {answer.status_code}"


def keeper_of(house: House, address: Address) -> Client:
    return house.owner if address.audience == OWN else house.staff


def test_every_operation_of_the_schema_is_at_an_address_that_was_walked():
    schema = SchemaGenerator().get_schema(request=None, public=True)
    operations = [(path, method) for path, methods in schema["paths"].items() for method in methods]
    assert len(operations) > 10
    walked = {"/" + PARAMETER.sub("{}", route) for route in routes(get_resolver())}
    assert not {re.sub(r"{\w+}", "{}", path) for path, _ in operations} - walked
    assert {method for _, method in operations} <= set(METHODS)


def test_jobs_are_watched_by_those_who_may_see_them_and_nobody_else(house):
    for kind, look in WATCHABLE.items():
        path = WATCHED_AREAS[kind]
        pk, audience = house.values[path]["pk"], AREAS[area_of(path)]
        for visitor in [house.other, house.other_staff] if audience == OWN else [house.other, house.owner]:
            assert look(get_user(visitor), pk) is None, kind
        assert look(get_user(house.owner if audience == OWN else house.staff), pk), kind


def test_no_address_serves_stored_files(house):
    prefixes = ("", "media/", "static/", "static/../media/", "static/%2e%2e/media/", "files/", "var/media/")
    for client in (house.stranger, house.other, house.owner, house.staff):
        for name in house.files:
            assert {client.get(f"/{prefix}{name}").status_code for prefix in prefixes} == {404}
