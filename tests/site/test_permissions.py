"""Each cell of the table of permissions (tests/site/permissions.py), with a session and with a token."""

from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from django.contrib.auth import get_user
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver

from detector.services.tokens import make_token
from tests.site.house import (
    BY_KEY,
    METHODS,
    PUBLIC,
    SECRET,
    SIGN_IN,
    STAFF,
    Address,
    House,
    audience_of,
    body_of,
    parameters_of,
    routes,
)
from tests.site.permissions import LET_IN, METHODS_OF, VISITORS, document, expected

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
# Whoever comes, and however: tests/webui/test_accounts.py and test_languages.py are about these.
NO_TABLE = {
    *("accounts/login/", "accounts/logout/", "accounts/signup/", "accounts/confirm-email/"),
    *("accounts/password/set/", "accounts/password/reset/", "accounts/reauthenticate/"),
    *("manifest.webmanifest", "service-worker.js", "favicon.ico", "robots.txt", "metrics"),
    *("i18n/setlang/", "jsi18n/es/", "jsi18n/zh-hans/"),
}


class Visitor:
    """Somebody with a session, a token or neither. What an answer sets in a browser is forgotten."""

    def __init__(self, house: House, session: str | None = None, token: str | None = None) -> None:
        self._form = house.form
        self._cookies = {"sessionid": session} if session else {}
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = Client(raise_request_exception=False, headers=headers)

    def ask(self, route: str, path: str, method: str) -> tuple[str, HttpResponse]:
        """What comes of one request, as in the table, and the answer. Only what is refused could change
        something. Where there is nothing but to post, a form says what is evaluated, on what."""
        self._client.cookies = SimpleCookie(self._cookies)
        with transaction.atomic():
            if method == "POST" and "GET" not in METHODS_OF[route]:
                response = self._client.post(path, self._form)
            else:
                response = self._client.generic(method, path)
            got = told(response)
            transaction.set_rollback(got == LET_IN)
        return got, response


def by_session(house: House) -> dict[str, Visitor]:
    return {"nobody": Visitor(house)} | {
        name: Visitor(house, session=client.cookies["sessionid"].value)
        for name, client in people_of(house).items()
    }


def by_token(house: House) -> dict[str, Visitor]:
    return {
        name: Visitor(house, token=make_token(owner=get_user(client), name="of the table")[1])
        for name, client in people_of(house).items()
    }


def people_of(house: House) -> dict[str, Client]:
    return {"owner": house.owner, "other": house.other, "staff": house.staff, "clerk": house.other_staff}


def told(response: HttpResponse) -> str:
    if response.status_code in (301, 302) and response.headers["Location"].startswith(SIGN_IN):
        return "sign in"
    return str(response.status_code) if response.status_code in (401, 403, 404, 405, 500) else LET_IN


def whose(route: str) -> dict[str, bool]:
    return {
        "is_public": route in PUBLIC,
        "is_staff_only": route not in PUBLIC and audience_of(route) == STAFF,
    }


def test_every_address_has_its_line():
    known = {route for route in routes(get_resolver()) if not route.startswith("admin/")}
    assert set(METHODS_OF) == known - NO_TABLE - BY_KEY


@pytest.mark.parametrize("method", [method.upper() for method in METHODS])
def test_each_cell_is_as_the_table_says(house, method):
    """Methods that are not there are tried too. Nobody but its owner, or staff for what is staff's, is told
    anything of what is in there, and what they may only look at does open for them."""
    visitors, wrong = by_session(house), []
    for route in METHODS_OF:
        path = house.fill(Address(route, route.removeprefix("api/"), parameters_of(route)))
        kind = whose(route)
        for name in VISITORS:
            cell = expected(route, method, name, **kind)
            got, response = visitors[name].ask(route, path, method)
            where = f"{method} /{route} as {name}"
            if got != cell:
                wrong.append(f"{where}: {got}, not {cell}")
            may_know = got == LET_IN if kind["is_staff_only"] else name == "owner"
            if not may_know and SECRET.encode() in body_of(response):
                wrong.append(f"{where} is told what is not theirs")
            opens = response.status_code in (200, 302)
            if method == "GET" and got == LET_IN and not kind["is_public"] and not opens:
                wrong.append(f"{where}: {response.status_code}")
    assert not wrong, "\n".join(wrong)
    assert house.owner.get("/api/batches/").json()["results"][0]["counts"]["succeeded"] == 1


def test_a_token_opens_what_its_accounts_session_opens_in_the_api_and_nothing_else(house):
    visitors, wrong = by_token(house), []
    for route, methods in METHODS_OF.items():
        path = house.fill(Address(route, route.removeprefix("api/"), parameters_of(route)))
        for method in methods:
            for name in ("owner", "other", "staff") if route.startswith("api/") else ("staff",):
                taken_for = name if route.startswith("api/") else "nobody"
                cell = expected(route, method, taken_for, **whose(route))
                if (route, method) == ("api/tokens/", "POST"):
                    cell = "403"
                got, response = visitors[name].ask(route, path, method)
                if got != cell:
                    wrong.append(f"{method} /{route} with a token of {name}: {got}, not {cell}")
                if got != LET_IN and SECRET.encode() in body_of(response):
                    wrong.append(f"{method} /{route} with a token of {name} is told what is not theirs")
    assert not wrong, "\n".join(wrong)


def test_the_document_is_the_table():
    assert (ROOT / "docs" / "PERMISSIONS.md").read_text(encoding="utf-8") == document(), (
        "python -m tests.site.permissions > docs/PERMISSIONS.md"
    )
