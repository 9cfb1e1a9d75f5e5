"""An account from its first day to its last, by keyboard where it can be."""

import io
import json
import re
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.site_process import SiteProcess

PHONE = {"width": 390, "height": 844}
PASSWORD = "long enough for a test"
OF_AN_ACCOUNT = (
    *("/account/", "/account/data/", "/account/data/delete/", "/account/delete/", "/account/tokens/"),
    *("/accounts/email/", "/accounts/logout/", "/accounts/password/change/", "/accounts/reauthenticate/"),
    *("/accounts/sessions/", "/no-such-page/"),
)


def ask(site: SiteProcess, token: str) -> tuple[int, dict]:
    """What a program with this token is answered."""
    request = urllib.request.Request(f"{site.url}/api/tokens/", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def sign_up(page: Page, name: str, **more: str) -> None:
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("E-mail").fill(more.get("email", ""))
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector('#stage:not([data-state="loading"])')


@pytest.mark.parametrize("size", [{"width": 1440, "height": 900}, PHONE], ids=["laptop", "phone"])
def test_from_signing_up_to_a_token_to_my_data_to_the_end(
    site: SiteProcess, open_page: Callable[..., Page], browser: Browser, size: dict[str, int]
) -> None:
    page = open_page(browser, viewport=size)
    name = f"mia{size['width']}"
    sign_up(page, name)

    menu = page.get_by_role("button", name=name)
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="API tokens")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="API tokens")).to_be_hidden()
    expect(menu).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Profile")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    page.get_by_label("What it is for").fill("my robot")
    page.get_by_role("button", name="Make it").click()
    token = page.locator("#made-text").inner_text()
    status, answer = ask(site, token)
    assert (status, answer["results"][0]["name"]) == (200, "my robot")

    page.get_by_role("navigation", name="More").get_by_role("link", name="My data").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all").click()
    archive = zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes()))
    assert json.loads(archive.read("account.json"))["name"] == name
    assert json.loads(archive.read("tokens.json"))[0]["last_used_at"]

    page.get_by_role("link", name="Delete the account").click()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Delete the account").click()
    expect(page.get_by_role("status").first).to_contain_text("Goodbye")
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert ask(site, token)[0] == 401
    page.goto(f"{site.url}/account/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_forgotten_password_is_replaced_with_the_mail_that_the_site_prints(
    site: SiteProcess, open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser)
    sign_up(page, "ben", email="ben@example.com")
    page.get_by_role("button", name="ben").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("link", name="Forgotten your password?").click()
    page.get_by_label("E-mail").fill("ben@example.com")
    page.get_by_role("button", name="Send the mail").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    (link,) = re.findall(r"http://\S+/password/reset/key/\S+", site.log.read_text())
    page.goto(link)
    for label in ("New password", "The same password again"):
        page.get_by_label(label).fill("another long one")
    page.get_by_role("button", name="Take this one").click()
    page.get_by_role("main").get_by_role("link", name="Sign in").click()
    page.get_by_label("Name").fill("ben@example.com")
    page.get_by_label("Password").fill("another long one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="ben")).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 820, 1440])
def test_the_top_has_room_for_all_places(
    site: SiteProcess, open_page: Callable[..., Page], browser: Browser, width: int
) -> None:
    page = open_page(browser, viewport={"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sign_up(page, f"eva{width}")
    # As staff sees them.
    all_places = ["Pictures", "Sessions", "Batches", "Training", "Data sets", "Detectors", "Corrections 12"]
    page.locator(".places").evaluate(
        """(places, all) => places.replaceChildren(...all.map((text) => {
            const place = places.firstElementChild.cloneNode();
            place.textContent = text;
            return place;
        }))""",
        all_places,
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in all_places:
        expect(page.locator(".places").get_by_role("link", name=name)).to_be_in_viewport()
    button = page.get_by_role("button", name=f"eva{width}").bounding_box()
    assert button["height"] >= 24
    if width == 1440:
        assert page.locator(".top").bounding_box()["height"] == 72


def test_names_of_one_long_word_widen_no_page(
    site: SiteProcess, open_page: Callable[..., Page], browser: Browser
) -> None:
    name, longest = "W" * 150, "W" * 80
    page = open_page(browser, viewport=PHONE, expect_errors=True)  # one page is none
    sign_up(page, name, email=f"{'w' * 60}@example.com")
    wide: list[tuple[str, int]] = []

    def look(place: str) -> None:
        for width in (320, 390):
            page.set_viewport_size({"width": width, "height": 844})
            if page.evaluate("document.scrollingElement.scrollWidth") > width:
                wide.append((place, width))

    look("camera")
    page.get_by_role("button", name=name).click()
    look("menu")
    for path in OF_AN_ACCOUNT:
        page.goto(site.url + path)
        look(path)
    page.goto(f"{site.url}/account/tokens/")
    page.get_by_label("What it is for").fill(longest)
    page.get_by_role("button", name="Make it").click()
    expect(page.locator("#made")).to_contain_text(longest)
    look("new token")
    page.get_by_role("button", name=f"Revoke {longest}").click()
    expect(page.get_by_role("status")).to_contain_text(longest)
    look("message")
    assert wide == []
