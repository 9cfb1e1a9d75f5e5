"""Each cell of the table of permissions (tests/site/permissions.py), with a session and with a token."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver

from detector.checks import RATES
from detector.services.tokens import make_token
from tests.site.house import (
    BY_KEY,
    METHODS,
    PUBLIC,
    SIGN_IN,
    STAFF,
    Address,
    House,
    audience_of,
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


@pytest.fixture
def house(tmp_path, settings) -> House:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.HAMSTER = {**settings.HAMSTER, **dict.fromkeys(RATES, "")}
    cache.clear()
    return House(tmp_path / "incoming")


def clients_of(house: House) -> dict[str, dict[str, Any]]:
    """What each visitor's requests carry: a session, and a token."""
    people = {"owner": house.owner, "other": house.other, "staff": house.staff, "clerk": house.other_staff}
    return {
        "nobody": {"session": None, "token": None},
        **{
            name: {
                "session": client.cookies["sessionid"].value,
                "token": make_token(owner=get_user(client), name="of the table")[1],
            }
            for name, client in people.items()
        },
    }


def ask(
    path: str, method: str, *, form: dict[str, int], session: str | None = None, token: str | None = None
) -> str:
    """What comes of one request, which changes nothing: as in the table. What is evaluated, on what, is said
    in a form."""
    client = Client(raise_request_exception=False)
    if session:
        client.cookies["sessionid"] = session
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with transaction.atomic():
        if method == "POST" and path.endswith("evaluate/"):
            response = client.post(path, form, headers=headers)
        else:
            response = client.generic(method, path, headers=headers)
        transaction.set_rollback(True)
    return told(response)


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
    """A method that is not there is tried by a stranger and by somebody who is let in."""
    carried, wrong = clients_of(house), []
    for route, methods in METHODS_OF.items():
        path = house.fill(Address(route, route.removeprefix("api/"), parameters_of(route)))
        for visitor in VISITORS if method in methods else ("nobody", "staff"):
            cell = expected(route, method, visitor, **whose(route))
            got = ask(path, method, form=house.form, session=carried[visitor]["session"])
            if got != cell:
                wrong.append(f"{method} /{route} as {visitor}: {got}, not {cell}")
    assert not wrong, "\n".join(wrong)


def test_a_token_opens_what_its_accounts_session_opens_in_the_api_and_nothing_else(house):
    carried, wrong = clients_of(house), []
    for route, methods in METHODS_OF.items():
        path = house.fill(Address(route, route.removeprefix("api/"), parameters_of(route)))
        for method in methods:
            for visitor in ("owner", "other", "staff") if route.startswith("api/") else ("staff",):
                taken_for = visitor if route.startswith("api/") else "nobody"
                cell = expected(route, method, taken_for, **whose(route))
                if (route, method) == ("api/tokens/", "POST"):
                    cell = "403"
                got = ask(path, method, form=house.form, token=carried[visitor]["token"])
                if got != cell:
                    wrong.append(f"{method} /{route} with a token of {visitor}: {got}, not {cell}")
    assert not wrong, "\n".join(wrong)


def test_the_document_is_the_table():
    assert (ROOT / "docs" / "PERMISSIONS.md").read_text(encoding="utf-8") == document(), (
        "python -m tests.site.permissions > docs/PERMISSIONS.md"
    )
