"""The page of still pictures in a real browser: drops, pastes, the camera, keeping, without JavaScript."""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.e2e.fake_camera import astronaut
from tests.e2e.site_process import SiteProcess
from tests.e2e.test_batch_page import PEOPLE, drop
from tests.e2e.test_pictures import jpeg

FACE = jpeg(astronaut())
WALL = jpeg(Image.new("RGB", (640, 480), (150, 140, 130)))
RATE = 40
FORGET_COUNTS = "from django.core.cache import cache; cache.clear()"
# What the page has sent, and how many at a time.
WATCH = """
window.sent = { now: 0, most: 0, all: 0 };
const send = XMLHttpRequest.prototype.send;
XMLHttpRequest.prototype.send = function (body) {
  sent.all += 1;
  sent.now += 1;
  sent.most = Math.max(sent.most, sent.now);
  this.addEventListener("loadend", () => { sent.now -= 1; });
  send.call(this, body);
};
"""
COPY = """
async (bytes) => {
  const picture = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d").drawImage(picture, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/png" });
  await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteProcess]:
    site = SiteProcess(
        tmp_path_factory.mktemp("site"), HAMSTER_PREDICT_RATE=f"{RATE}/minute", HAMSTER_KEPT_MAX="30"
    )
    site.start()
    site.manage("shell", "-c", PEOPLE)
    yield site
    site.stop()


@pytest.fixture
def pictures(open_page: Callable[..., Page], browser: Browser, site: SiteProcess) -> Callable[..., Page]:
    """Opens the page: `pictures(account="mia")`, or for a stranger."""

    def pictures(*, account: str = "", **options: object) -> Page:
        page = open_page(browser, script=WATCH, **options)
        if account:
            page.goto(f"{site.url}/accounts/login/?next=/pictures/")
            page.get_by_label("Name").fill(account)
            page.get_by_label("Password").fill("a long enough one")
            page.get_by_role("button", name="Sign in").click()
        else:
            page.goto(f"{site.url}/pictures/")
        expect(page.locator("#drop-says")).to_have_text("Drop pictures here, or choose them")
        return page

    return pictures


def card(page: Page, name: str):
    return page.locator(".look").filter(has=page.locator(f'.look-name[title="{name}"]'))


def choose(page: Page, *files: tuple[str, bytes]) -> None:
    page.locator("#files").set_input_files(
        [{"name": name, "mimeType": "image/jpeg", "buffer": data} for name, data in files]
    )


def wait_for(page: Page, words: str) -> None:
    expect(page.locator("#count")).to_have_text(words)


def test_two_dropped_pictures_each_get_their_own_result(pictures: Callable[..., Page]) -> None:
    page = pictures()
    drop(page, ("astronaut.jpg", FACE), ("wall.jpg", WALL))
    wait_for(page, "2 of 2 done")
    face, wall = card(page, "astronaut.jpg"), card(page, "wall.jpg")
    expect(face.locator(".look-says")).to_contain_text(re.compile(r"Looks happy, \d+"))
    expect(face.locator(".look-hamster")).to_have_attribute("src", re.compile("stills/happy.svg$"))
    assert face.locator(".look-hamster").evaluate(
        "async (image) => (await image.decode(), image.naturalWidth)"
    )
    (x1, y1, x2, y2) = face.locator(".look-overlay").evaluate("canvas => JSON.parse(canvas.dataset.boxes)[0]")
    assert (0.25 < x1 < x2 < 0.65) and (0 < y1 < y2 < 0.45)
    face.get_by_text("The nine scores").click()
    expect(face.locator(".bar")).to_have_count(9)
    expect(face.locator(".bar.leading")).to_contain_text("Happy")
    expect(wall.locator(".look-says")).to_have_text("No face found")
    expect(wall.locator(".look-scores")).to_be_hidden()
    expect(page.locator("#announcer")).to_contain_text("2 of 2 done")
    assert page.evaluate("sent") == {"now": 0, "most": 1, "all": 2}


def test_a_bad_picture_has_its_own_error_and_the_others_do_not_mind(pictures: Callable[..., Page]) -> None:
    page = pictures(expect_errors=True)
    script = "<img src=x onerror=alert(1)>.txt"
    choose(page, (script, b"this is a text"), ("astronaut.jpg", FACE), ("n" * 240 + ".jpg", b""))
    wait_for(page, "3 of 3 done, 2 failed")
    bad = page.locator('.look[data-state="failed"]').first
    expect(bad.locator(".look-says")).to_have_text("That is not a picture")
    expect(bad.locator(".look-name")).to_have_text(script)
    expect(card(page, "astronaut.jpg").locator(".look-says")).to_contain_text("Looks happy")
    bad.get_by_role("button", name="Try").click()
    wait_for(page, "3 of 3 done, 2 failed")
    assert page.evaluate("sent.all") == 4
    bad.get_by_role("button", name="Remove").click()
    wait_for(page, "2 of 2 done, 1 failed")
    page.get_by_role("button", name="Clear the list").click()
    expect(page.locator("#results")).to_be_hidden()


def test_too_many_bytes_are_said_before_anything_is_sent(pictures: Callable[..., Page]) -> None:
    page = pictures()
    choose(page, ("huge.jpg", bytes(10 * 2**20 + 1)))
    wait_for(page, "1 of 1 done, 1 failed")
    expect(card(page, "huge.jpg").locator(".look-says")).to_have_text("That picture is too big")
    assert page.evaluate("sent.all") == 0


def test_the_rate_limit_is_said_and_waited_out(pictures: Callable[..., Page], site: SiteProcess) -> None:
    page = pictures(expect_errors=True)
    page.clock.install()
    page.evaluate(
        """async (rate) => {
          for (let sent = 0; sent < rate; sent += 1) await fetch("/api/predict", { method: "POST" });
        }""",
        RATE,
    )
    choose(page, ("astronaut.jpg", FACE), ("wall.jpg", WALL))
    expect(page.locator("#pause")).to_contain_text(re.compile(r"It goes on by itself in \d+\ss\."))
    expect(page.locator("#announcer")).to_contain_text("asks to wait")
    expect(card(page, "astronaut.jpg").locator(".look-says")).to_have_text("Waiting for its turn")
    assert page.evaluate("sent.all") == 1
    site.manage("shell", "-c", FORGET_COUNTS)
    page.clock.fast_forward(60_000)
    wait_for(page, "2 of 2 done")
    expect(page.locator("#pause")).to_be_hidden()
    assert page.evaluate("sent.all") == 3


def test_pictures_are_pasted_by_the_button_and_by_the_keyboard(
    pictures: Callable[..., Page], site: SiteProcess
) -> None:
    page = pictures()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    page.evaluate("() => navigator.clipboard.writeText('only words')")
    page.get_by_role("button", name="Paste").click()
    expect(page.get_by_role("alert")).to_contain_text("no picture in the clipboard")
    page.evaluate(COPY, list(FACE))
    page.get_by_role("button", name="Paste").click()
    wait_for(page, "1 of 1 done")
    expect(page.get_by_role("alert")).to_be_hidden()
    page.locator("#results-title").focus()
    page.keyboard.press("Control+V")
    wait_for(page, "2 of 2 done")
    expect(page.locator(".look-says").filter(has_text="Looks happy")).to_have_count(2)


def test_the_camera_is_asked_for_only_when_wanted_and_let_go(pictures: Callable[..., Page]) -> None:
    page = pictures()
    page.evaluate(
        """() => {
          window.asked = [];
          const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = async (what) => {
            const stream = await ask(what);
            asked.push(stream);
            return stream;
          };
        }"""
    )
    choose(page, ("wall.jpg", WALL))
    wait_for(page, "1 of 1 done")
    assert page.evaluate("asked.length") == 0
    page.get_by_role("button", name="Take a picture").press("Enter")
    expect(page.get_by_role("button", name="Take it")).to_be_enabled()
    page.get_by_role("button", name="Take it").press("Enter")
    wait_for(page, "2 of 2 done")
    expect(card(page, "camera.jpg").locator(".look-says")).to_contain_text("Looks happy")
    assert page.evaluate("asked.map((stream) => stream.getTracks()[0].readyState)") == ["ended"]


def test_results_are_kept_only_on_demand_shown_filtered_and_deleted(pictures: Callable[..., Page]) -> None:
    page = pictures(account="mia")
    history = page.locator("#history")
    keep, small = page.get_by_label("Keep my results"), page.get_by_label("Keep a small picture too")
    expect(keep).not_to_be_checked()
    expect(small).to_be_disabled()
    drop(page, ("first.jpg", FACE), ("second.jpg", WALL))
    wait_for(page, "2 of 2 done")
    expect(history).to_contain_text("You keep 0 of at most 30")

    keep.focus()
    page.keyboard.press("Space")
    small.check()
    drop(page, ("astronaut.jpg", FACE), ("wall.jpg", WALL), ("again.jpg", FACE), ("and again.jpg", FACE))
    wait_for(page, "6 of 6 done")
    assert page.evaluate("sent.most") == 2
    expect(card(page, "astronaut.jpg")).to_contain_text("Kept.")
    expect(history.locator("[data-kept]")).to_have_count(4)
    picture = history.locator('[data-kept] img[alt="astronaut.jpg"]')
    assert picture.evaluate("async (image) => (await image.decode(), image.naturalWidth)") == 320
    expect(history.locator("rect")).to_have_count(3)

    history.get_by_role("link", name="No face 1").click()
    expect(history.locator("[data-kept]")).to_have_count(1)
    expect(history.get_by_role("link", name="No face 1")).to_be_focused()
    assert page.url.endswith("?show=unknown")
    expect(page.locator(".look")).to_have_count(6)
    page.go_back()
    expect(history.locator("[data-kept]")).to_have_count(4)
    with page.expect_download() as started:
        history.get_by_role("link", name="CSV").click()
    lines = list(csv.DictReader(Path(started.value.path()).read_text().splitlines()))
    assert sorted(line["label"] for line in lines) == ["", "happy", "happy", "happy"]

    history.get_by_role("button", name="Delete the result of wall.jpg").click()
    expect(history.locator("[data-kept]")).to_have_count(3)
    page.reload()
    expect(keep).to_be_checked()
    page.get_by_role("link", name="Delete all").click()
    page.get_by_role("button", name="Keep them").click()
    expect(history.locator("[data-kept]")).to_have_count(3)
    page.get_by_role("link", name="Delete all").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(history).to_contain_text("You keep 0 of at most 30")


def test_without_javascript_one_picture_is_looked_at(
    pictures: Callable[..., Page], site: SiteProcess
) -> None:
    page = pictures().context.browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{site.url}/pictures/")
    expect(page.get_by_role("button", name="Paste")).to_be_hidden()
    choose(page, ("astronaut.jpg", FACE))
    page.get_by_role("button", name="Look at it").click()
    result = page.locator("#result")
    expect(result).to_contain_text(re.compile(r"Looks happy, \d+ %"))
    picture, box = result.locator(".shot-frame img").bounding_box(), result.locator("rect").bounding_box()
    assert picture["x"] < box["x"] < box["x"] + box["width"] < picture["x"] + picture["width"]
    assert picture["y"] < box["y"] < box["y"] + box["height"] < picture["y"] + picture["height"]
    choose(page, ("notes.txt", b"this is a text"))
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("alert")).to_contain_text("damaged or of another kind")
    page.context.close()


@pytest.mark.parametrize("width", [320, 390, 820])
def test_narrow_windows_do_not_scroll_sideways(pictures: Callable[..., Page], width: int) -> None:
    page = pictures(viewport={"width": width, "height": 900})
    choose(page, ("a very long name " * 8 + ".jpg", FACE))
    wait_for(page, "1 of 1 done")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
