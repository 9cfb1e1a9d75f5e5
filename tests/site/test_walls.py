"""Nobody reaches what is another's by any address: all of them are walked, by method and by visitor.

tests/site/house.py knows the addresses; tests/site/permissions.py what each visitor gets at each.
"""

import re
from functools import partial

import pytest
from django.contrib.auth import get_user
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator

from detector.checks import RATES
from detector.jobs import WATCHABLE
from detector.routing import websocket_urlpatterns
from tests.site.house import (
    AREAS,
    BY_KEY,
    METHODS,
    OWN,
    PARAMETER,
    PUBLIC,
    SECRET,
    SIGN_IN,
    STAFF,
    Address,
    House,
    addresses,
    area_of,
    parameters_of,
    routes,
)

pytestmark = pytest.mark.django_db
WATCHED_AREAS = {
    "batch": "batches",
    "training-run": "training-runs",
    "detector": "detectors",
    "dataset": "datasets",
    "evaluation": "detectors/evaluations",
}


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
    assert {address.area for address in addresses()} <= set(AREAS), "for whom is it?"
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
