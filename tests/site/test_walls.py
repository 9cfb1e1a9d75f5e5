"""Nobody reaches what is another's by any address: all of them are walked, by method and by visitor.

tests/site/house.py knows the addresses; tests/site/permissions.py what each visitor gets at each.
"""

import re
from functools import partial
from http.cookies import SimpleCookie

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator

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
    body_of,
    parameters_of,
    routes,
)
from tests.site.permissions import METHODS_OF

pytestmark = pytest.mark.django_db


def assert_refused(response: HttpResponse) -> None:
    """A 403, a 404, a redirect to where one signs in, or a method that is there for nobody."""
    where = f"{response.request['REQUEST_METHOD']} {response.request['PATH_INFO']}"
    assert SECRET.encode() not in body_of(response), where
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
    # The first knows nobody; tests/site/test_socket_permissions.py walks the second.
    assert [str(pattern.pattern) for pattern in websocket_urlpatterns] == ["ws/live/", "ws/jobs/"]


def beyond_the_table() -> list[Address]:
    """The admin's and what the table of permissions leaves out (tests/site/test_permissions.py)."""
    found = [address for address in addresses() if address.route not in METHODS_OF]
    assert "admin" in {address.area for address in found}
    return found


def test_strangers_get_nothing(house):
    for address in beyond_the_table():
        for response in ask(house.stranger, house.fill(address)):
            assert_refused(response)


@pytest.mark.parametrize("visitor", ["other", "other_staff"])
def test_people_get_nothing_of_what_is_for_staff_and_nobody_what_is_another_persons(house, visitor):
    for address in beyond_the_table():
        is_for_staff = address.audience == STAFF
        if is_for_staff and visitor == "other_staff":
            continue
        for response in ask(getattr(house, visitor), house.fill(address)):
            if is_for_staff or address.parameters:
                assert_refused(response)
            else:
                assert SECRET.encode() not in body_of(response), address.route


def test_what_the_table_leaves_out_does_open_for_those_it_is_for(house):
    for address in beyond_the_table():
        if address.area != "admin":
            response = keeper_of(house, address).get(house.fill(address))
            assert response.status_code in (200, 302), f"{address.route}: {response.status_code}"


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
    browsers = {keeper: Client(enforce_csrf_checks=True) for keeper in (house.owner, house.staff)}
    for address in addresses():
        keeper = keeper_of(house, address)
        for method in changed_by:
            browsers[keeper].cookies = SimpleCookie({"sessionid": keeper.cookies["sessionid"].value})
            act = partial(getattr(browsers[keeper], method), house.fill(address))
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


def test_no_address_serves_stored_files(house, settings):
    settings.WHITENOISE_USE_FINDERS = True
    prefixes = ("", "media/", "static/", "static/../media/", "static/%2e%2e/media/", "files/", "var/media/")
    for client in (house.stranger, house.other, house.owner, house.staff):
        for name in house.files:
            assert {client.get(f"/{prefix}{name}").status_code for prefix in prefixes} == {404}
