"""A whole session with the real site: the panels beside it, its card at the end, keeping it, its pages."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.e2e.camera_page import start_camera, wait_for_answers, wait_for_face
from tests.e2e.run_page import inked
from tests.e2e.site_process import SiteProcess

PASSWORD = "a long enough one"
PEOPLE = f"""
from django.contrib.auth import get_user_model
for name in ("mia", "leo"):
    get_user_model().objects.create_user(name, password="{PASSWORD}")
"""
A_WHILE = 3000
NUMBER = re.compile(r"^\d+(\.\d)?$")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory):
    site = SiteProcess(tmp_path_factory.mktemp("site"))
    site.start()
    site.manage("shell", "-c", PEOPLE)
    yield site
    site.stop()


def sign_in(page: Page, site: SiteProcess, name: str = "mia") -> None:
    page.goto(f"{site.url}/accounts/login/?next=/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector('#stage:not([data-state="loading"])')


def live_for_a_while(page: Page) -> None:
    """Start, and wait until there is something to tell."""
    start_camera(page)
    wait_for_face(page)
    page.evaluate("globalThis.begun = performance.now()")
    page.wait_for_function(f"() => performance.now() - begun > {A_WHILE}")


def stop(page: Page) -> Locator:
    page.get_by_role("button", name="Stop").click()
    card = page.get_by_role("dialog", name="That was you and Biscuit")
    expect(card).to_be_visible()
    return card


def downloaded(page: Page, button: Locator) -> Path:
    with page.expect_download() as started:
        button.click()
    return Path(started.value.path())


def test_speed_panel_tells_where_the_time_goes_and_why_the_page_sends_as_it_does(
    open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser)
    opener, panel = (
        page.get_by_role("button", name="Speed"),
        page.get_by_role("region", name="How fast it is"),
    )
    expect(panel).to_be_hidden()
    opener.press("Enter")
    expect(opener).to_have_attribute("aria-expanded", "true")
    expect(panel).to_contain_text("Nothing is sent: the camera is off.")
    start_camera(page)
    expect(panel).to_contain_text(re.compile(r"\d a second: .+\."))
    for part in ("capture", "upload", "queue", "decode", "inference", "draw", "total"):
        for cell in panel.locator(f'[data-part="{part}"] .speed-number').all():
            expect(cell).to_have_text(NUMBER)
    expect(panel.locator('[data-speed="page"]')).to_have_text(re.compile(r"^[1-9]\d*$"))
    page.get_by_role("button", name="Stop").click()
    expect(panel.locator('[data-speed="pace"]')).to_have_text("Nothing is sent: the camera is off.")
    *parts, whole = (float(text) for text in panel.locator("tbody td:nth-child(2)").all_inner_texts())
    assert sum(parts) == pytest.approx(whole, abs=4)


def test_hidden_tab_says_that_it_sends_nothing(open_page: Callable[..., Page], browser: Browser) -> None:
    page = open_page(
        browser, script="Object.defineProperty(document, 'hidden', { get: () => globalThis.away === true });"
    )
    page.get_by_role("button", name="Speed").click()
    start_camera(page)
    wait_for_answers(page)
    page.evaluate("away = true; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator('[data-speed="pace"]')).to_have_text("Nothing is sent while this tab is hidden.")
    left_out = page.locator('[data-speed="page"]').inner_text()
    expect(page.locator("#number-fps")).to_have_text("–")
    assert page.locator('[data-speed="page"]').inner_text() == left_out


def test_slow_link_is_named_and_the_page_sends_less(open_page: Callable[..., Page], browser: Browser) -> None:
    """The link is a socket on which all takes 1.5 s: the browser's own throttle leaves sockets alone."""
    page = open_page(
        browser,
        script="""
        const send = WebSocket.prototype.send;
        WebSocket.prototype.send = function (data) {
            setTimeout(() => this.readyState === 1 && send.call(this, data), 1500);
        };""",
    )
    page.get_by_role("button", name="Speed").click()
    start_camera(page)
    expect(page.locator("#speed")).to_have_attribute("data-reason", "link")
    expect(page.locator('[data-speed="pace"]')).to_have_text(
        re.compile(r"^[01](\.\d)? a second: your link takes \d{4} ms a frame\.$")
    )
    expect(page.locator("#strip-text")).to_have_text("Your connection is slow, so answers come late.")


def test_timeline_is_drawn_once_it_is_opened_and_told_in_words(
    open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    start_camera(page)
    wait_for_face(page)
    assert not [url for url in asked if "chart" in url]
    page.get_by_role("button", name="Timeline").click()
    panel = page.get_by_role("region", name="The last five minutes")
    expect(panel.locator(".ribbon-runs [data-emotion=happy] rect").first).to_be_visible()
    expect(panel.locator(".legend")).to_contain_text(re.compile(r"Happy\s*\d+\s%"))
    expect(panel.locator("#timeline-chart-said")).to_contain_text(re.compile(r"happy up to \d+\s%"))
    page.wait_for_function("() => document.querySelector('#timeline canvas').width > 0")
    assert inked(panel.locator("canvas")) > 100
    assert [url for url in asked if "vendor/chartjs" in url]
    marker = panel.get_by_role("slider", name="Look at a moment")
    marker.press("ArrowLeft")
    expect(marker).to_have_attribute("aria-valuetext", re.compile(r"^\d+:\d\d, (happy|nothing|no face)"))


def test_stranger_gets_a_card_with_exports_and_is_told_how_to_keep_it(
    open_page: Callable[..., Page], browser: Browser, site: SiteProcess
) -> None:
    page = open_page(browser, expect_errors=True)  # that keeping is refused stands in the console
    live_for_a_while(page)
    card = stop(page)
    expect(card.locator('[data-card="length"]')).to_have_text(re.compile(r"^\d+ seconds, mostly happy\.$"))
    expect(card.locator(".moments svg").first).to_have_attribute(
        "aria-label", "Biscuit the hamster looks happy"
    )
    expect(card.locator("video, canvas, img")).to_have_count(0)
    receipt = card.locator(".receipt")
    expect(receipt).to_contain_text(re.compile(r"\d+ frames were sent and \d+ of them looked at\."))
    expect(receipt).to_contain_text("Nothing. If you press Keep")
    lines = list(csv.DictReader(downloaded(page, card.get_by_role("button", name="CSV")).open()))
    assert len(lines) > 5
    assert {line["expression"] for line in lines} >= {"happy"}
    exported = json.loads(downloaded(page, card.get_by_role("button", name="JSON")).read_text())
    assert exported["summary"]["happy"] > 0.5
    with Image.open(downloaded(page, card.get_by_role("button", name="PNG"))) as picture:
        assert (picture.format, picture.size) == ("PNG", (1200, 675))
        assert len(picture.convert("RGB").getcolors(maxcolors=2**24)) > 200
    card.get_by_role("button", name="Keep").click()
    expect(card.get_by_role("status")).to_contain_text("Keeping takes an account.")
    for way in ("Sign in", "Sign up"):
        expect(card.get_by_role("link", name=f"{way} (opens a new tab)")).to_be_visible()
    card.get_by_role("button", name="Close").click()
    expect(card).to_be_hidden()
    expect(page.locator("#notice-action")).to_be_focused()


def test_receipt_of_a_short_session_tells_of_the_correction_sent_in_it(
    open_page: Callable[..., Page], browser: Browser, site: SiteProcess
) -> None:
    page = open_page(browser)
    sign_in(page, site, "leo")
    start_camera(page)
    wait_for_face(page)
    page.get_by_role("button", name="That’s wrong").click()
    dialog = page.get_by_role("dialog", name="What does it look like?")
    dialog.get_by_role("switch").check()
    dialog.get_by_role("button", name="sad").click()
    expect(dialog.get_by_role("status")).to_contain_text("It is among your corrections")
    dialog.get_by_role("button", name="Close").click()
    card = stop(page)
    kept = card.get_by_role("definition").nth(1)
    expect(kept).to_contain_text(
        "The small picture of 1 face that you corrected, until you withdraw it. If you press Keep"
    )
    expect(kept.get_by_role("link", name="Your corrections")).to_have_attribute("href", "/corrections/")
    card.get_by_role("button", name="Keep").click()
    expect(kept).to_contain_text("until you withdraw it. The numbers on this card, in your account")
    expect(kept).not_to_contain_text("No picture")
    card.get_by_role("button", name="Close").click()
    start_camera(page)
    wait_for_face(page)
    stop(page)
    expect(kept).to_have_text(re.compile("^Nothing."))


def test_receipt_that_is_open_tells_of_the_correction_that_arrives_late(
    open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser)
    start_camera(page)
    wait_for_face(page)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/corrections/", hold)
    page.get_by_role("button", name="That’s wrong").click()
    dialog = page.get_by_role("dialog", name="What does it look like?")
    dialog.get_by_role("switch").check()
    dialog.get_by_role("button", name="sad").click()
    expect(dialog.get_by_role("status")).to_contain_text("Sending")
    page.keyboard.press("Escape")
    kept = stop(page).get_by_role("definition").nth(1)
    expect(kept).to_have_text(re.compile("^Nothing."))
    held[0].continue_()
    expect(kept).to_contain_text("The small picture of 1 face")
    assert page.evaluate("JSON.parse(localStorage.getItem('hamster-corrections')).length") == 1


def test_kept_session_is_listed_shown_exported_renamed_and_deleted(
    open_page: Callable[..., Page], browser: Browser, site: SiteProcess
) -> None:
    page = open_page(browser)
    sign_in(page, site)
    live_for_a_while(page)
    card = stop(page)
    page.goto(f"{site.url}/sessions/")
    expect(page.locator("main")).to_contain_text("None kept yet.")
    page.go_back()
    live_for_a_while(page)
    stop(page)
    card.get_by_role("textbox", name="Name").fill("<b>Tea</b>")
    card.get_by_role("button", name="Keep").click()
    expect(card.get_by_role("status")).to_contain_text("Kept.")
    expect(card.locator('[data-card="kept"]')).to_contain_text("in your account")
    card.get_by_role("textbox", name="Name").fill("<i>Tea</i>")
    card.get_by_role("textbox", name="Name").press("Enter")
    expect(card.get_by_role("status")).to_contain_text("The name is saved.")
    card.get_by_role("link", name="Look at it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("<i>Tea</i>")
    address = page.url
    page.set_viewport_size({"width": 320, "height": 844})
    page.reload()
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 320
    expect(page.locator(".moments svg").first).to_be_visible()
    expect(page.locator(".ribbon-runs [data-emotion=happy] rect").first).to_be_visible()
    expect(page.locator("#chart-said")).to_contain_text("happy up to")
    lines = list(csv.DictReader(downloaded(page, page.get_by_role("link", name="CSV")).open()))
    exported = json.loads(downloaded(page, page.get_by_role("link", name="JSON")).read_text())
    assert len(lines) == len(exported["samples"]["rows"])
    with Image.open(downloaded(page, page.get_by_role("button", name="PNG"))) as picture:
        assert picture.size == (1200, 675)
    page.get_by_label("Name").fill("Coffee")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Coffee")
    page.get_by_role("link", name="Sessions").click()
    row = page.locator(".session-row")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Coffee")
    expect(row.locator(".small-ribbon [data-emotion=happy]").first).to_be_visible()
    row.get_by_role("link", name="Coffee").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("link", name="Keep it").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status").filter(has_text="deleted")).to_be_visible()
    expect(page.locator("main")).to_contain_text("None kept yet.")
    assert page.request.get(address).status == 404
