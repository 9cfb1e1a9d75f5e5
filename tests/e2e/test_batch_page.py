"""Batches in a real browser with a real worker: drop pictures, watch, look through, download, try again."""

import base64
import csv
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.detector.pictures import encoded, scene
from tests.detector.receiver import receiver
from tests.e2e.site_process import ROOT, SiteProcess

ASTRONAUT = (ROOT / "webui" / "static" / "webui" / "sample" / "astronaut.jpg").read_bytes()
PLAIN = encoded(scene(face=False))
SLOW = encoded(scene(size=(4000, 3000)), "PNG")
PEOPLE = """
from django.contrib.auth import get_user_model
get_user_model().objects.create_user("mia", password="a long enough one")
"""
DROP = """
async ([place, files]) => {
  const carried = new DataTransfer();
  for (const { name, content } of files) {
    const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    carried.items.add(new File([bytes], name));
  }
  const target = document.querySelector(place);
  for (const type of ["dragenter", "dragover", "drop"]) {
    target.dispatchEvent(new DragEvent(type, { dataTransfer: carried, bubbles: true, cancelable: true }));
  }
}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory):
    site = SiteProcess(tmp_path_factory.mktemp("site"), HAMSTER_WEBHOOK_ALLOW_PRIVATE="true")
    site.start()
    site.manage("shell", "-c", PEOPLE)
    yield site
    site.stop()


@pytest.fixture
def page(open_page: Callable[..., Page], browser: Browser, site: SiteProcess) -> Page:
    """The page of batches, signed in as Mia."""
    return signed_in(open_page(browser), site)


def signed_in(page: Page, site: SiteProcess) -> Page:
    page.goto(f"{site.url}/batches/")
    page.get_by_label("Name").fill("mia")
    page.get_by_label("Password").fill("a long enough one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Batches", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Hand in")).to_be_enabled()  # it takes what is dropped
    return page


def drop(page: Page, *files: tuple[str, bytes]) -> None:
    carried = [{"name": name, "content": base64.b64encode(content).decode()} for name, content in files]
    page.evaluate(DROP, ["#drop", carried])


def drop_by_mouse(page: Page, path: Path) -> None:
    """As a person drops a file: what no script takes is the browser's."""
    place = page.locator("#drop").bounding_box()
    where = {"x": place["x"] + place["width"] / 2, "y": place["y"] + place["height"] / 2}
    carried = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    devtools = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, **where, "data": carried})


def hand_in(page: Page) -> None:
    page.get_by_role("button", name="Hand in").click()
    page.wait_for_url(re.compile(r"/batches/\d+/$"), timeout=60_000)


def wait_for_end(page: Page, state: str) -> None:
    expect(page.locator("#state")).to_have_text(state, timeout=90_000)


@pytest.mark.parametrize("how", ["chosen", "dropped"])
def test_nothing_is_handed_in_before_the_script_is_there_and_what_came_meanwhile_counts(
    page: Page, tmp_path: Path, how: str
) -> None:
    picture = tmp_path / "a.jpg"
    picture.write_bytes(ASTRONAUT)
    held: list[Route] = []
    script = re.compile(r"/js/batches[.\w]*\.js$")

    def hold(route: Route) -> None:
        held.append(route)

    page.route(script, hold)
    with page.expect_request(script):
        page.reload(wait_until="commit")
    hand_in = page.get_by_role("button", name="Hand in")
    expect(hand_in).to_be_disabled()
    if how == "chosen":
        page.locator("#files").set_input_files(picture)
    else:
        drop_by_mouse(page, picture)
    held[0].continue_()
    expect(hand_in).to_be_enabled()
    expect(page.locator("#chosen")).to_contain_text("1 file")


def test_pictures_whose_answer_was_lost_are_handed_in_again_and_make_one_batch(
    site: SiteProcess, open_page: Callable[..., Page], browser: Browser
) -> None:
    page = signed_in(open_page(browser, expect_errors=True), site)

    def lose_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/api/batches/", lose_answer, times=1)
    drop(page, ("astronaut.jpg", ASTRONAUT))
    page.get_by_role("button", name="Hand in").click()
    expect(page.locator("#upload-error")).to_contain_text("nothing is handed in twice")
    hand_in(page)
    wait_for_end(page, "succeeded")
    page.goto(f"{site.url}/batches/")
    expect(page.locator("[data-batch]")).to_have_count(1)


def test_dropped_pictures_are_looked_at_shown_with_boxes_and_downloaded(page: Page) -> None:
    drop(page, ("astronaut.jpg", ASTRONAUT), ("plain.jpg", PLAIN))
    drop(page, ("notes.txt", b"no picture"))
    expect(page.locator("#chosen")).to_contain_text("3 files")
    hand_in(page)
    wait_for_end(page, "succeeded")
    expect(page.locator("#says")).to_have_text("3 of 3 done, 1 failed")
    expect(page.locator(".gallery .shot")).to_have_count(3)
    face = page.locator('.shot[data-number="1"]')
    expect(face.locator("svg text")).to_contain_text(re.compile("Happy \\d+"))
    picture, box = face.locator("img").bounding_box(), face.locator("rect").bounding_box()
    assert picture["x"] < box["x"]
    assert box["x"] + box["width"] < picture["x"] + picture["width"]
    assert face.locator("img").evaluate("image => image.naturalWidth") > 100
    expect(page.locator('.shot[data-number="3"]')).to_contain_text("Not an image")
    expect(page.locator("#chart")).to_have_attribute("aria-label", re.compile("Happy 1, No face 1"))
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV").click()
    lines = list(csv.DictReader(Path(started.value.path()).read_text().splitlines()))
    assert [line["label"] for line in lines] == ["happy", "", ""]


def test_progress_is_seen_without_a_reload_and_what_was_cancelled_is_tried_again(page: Page) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        for number in range(60):
            packed.writestr(f"{number}.png", SLOW)
    drop(page, ("holiday.zip", archive.getvalue()))
    hand_in(page)
    page.evaluate("window.stayed = true")
    expect(page.locator("#says")).to_have_text(re.compile("^[1-9]\\d* of 60 done$"))
    assert page.evaluate("window.stayed")
    page.get_by_role("button", name="Cancel").click()
    wait_for_end(page, "cancelled")
    expect(page.locator("#says")).to_have_text(re.compile("60 of 60 done, [1-9]\\d* cancelled"))
    page.get_by_role("button", name="Try again").click()
    wait_for_end(page, "succeeded")
    expect(page.locator("#says")).to_have_text("60 of 60 done")
    page.get_by_role("link", name=re.compile("^No face")).click()
    expect(page.get_by_text("Page 1 of 3")).to_be_visible()
    page.get_by_role("link", name="Next").click()
    expect(page.locator('.shot[data-number="25"]')).to_be_visible()


def test_a_picture_opens_large_with_its_box_by_the_keyboard_and_closes(page: Page) -> None:
    drop(page, ("astronaut.jpg", ASTRONAUT))
    hand_in(page)
    wait_for_end(page, "succeeded")
    page.locator(".shot-picture").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("rect")).to_be_visible()
    expect(dialog).to_contain_text("astronaut.jpg")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_webhook_is_told_and_its_secret_shown_once(page: Page) -> None:
    with receiver() as taken:
        drop(page, ("astronaut.jpg", ASTRONAUT))
        page.get_by_text("Tell another program").click()
        page.get_by_role("textbox", name="Webhook").fill(taken.url)
        page.get_by_role("button", name="Hand in").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        secret = page.locator("#secret-value").inner_text()
        page.get_by_role("button", name="I have it").click()
        page.wait_for_url(re.compile(r"/batches/\d+/$"), timeout=60_000)
        expect(page.locator("#webhook .state")).to_have_text("delivered")
        expect(page.locator("#webhook table")).to_contain_text("200")
    assert len(taken.got) == 1
    assert len(secret) > 40
    assert secret not in page.content()


def test_too_many_files_and_too_much_are_said_before_anything_is_sent(page: Page) -> None:
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose pictures first")
    huge = """
    () => {
      const carried = new DataTransfer();
      carried.items.add(new File([new Uint8Array(200_000_000)], "huge.jpg"));
      document.querySelector("#drop").dispatchEvent(
        new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true }));
    }
    """
    page.evaluate(huge)
    expect(page.get_by_role("alert")).to_contain_text("A batch has at most")
    expect(page.get_by_role("button", name="Hand in")).to_be_disabled()
    page.get_by_role("button", name="Choose others").click()
    drop(page, *[(f"{number}.jpg", b"") for number in range(2001)])
    expect(page.get_by_role("alert")).to_contain_text("at most 2000 pictures")


def test_deleting_asks_first(page: Page) -> None:
    drop(page, ("plain.jpg", PLAIN))
    hand_in(page)
    address = page.url
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("link", name="Keep it").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status").filter(has_text="are deleted")).to_be_visible()
    assert page.request.get(address).status == 404
