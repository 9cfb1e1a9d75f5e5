"""A still picture instead of the camera: the sample, a chosen file, a dropped one, a bad one."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.camera_page import start_camera, wait_for_answers
from tests.e2e.fake_camera import astronaut


def jpeg(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=90)
    return data.getvalue()


@pytest.fixture
def page(open_page: Callable[..., Page], browser: Browser) -> Page:
    return open_page(browser)


def choose(page: Page, name: str, data: bytes) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Use a picture").click()
    chooser.value.set_files([{"name": name, "mimeType": "image/jpeg", "buffer": data}])


def test_sample_picture_makes_the_hamster_smile_and_names_its_source(page: Page) -> None:
    page.get_by_role("button", name="Try a sample").click()
    expect(page.locator("#stage")).to_have_attribute("data-state", "picture")
    expect(page.locator("#hamster")).to_have_attribute("data-emotion", "happy")
    expect(page.locator("#credit")).to_contain_text("NASA, public domain")


@pytest.mark.parametrize("comes", [True, False], ids=["comes late", "fails late"])
def test_sample_that_was_overtaken_by_the_camera_changes_nothing(
    open_page: Callable[..., Page], browser: Browser, comes: bool
) -> None:
    page = open_page(browser, expect_errors=not comes)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/astronaut*.jpg", hold)
    with page.expect_request("**/astronaut*.jpg"):
        page.get_by_role("button", name="Try a sample").click()
    start_camera(page)
    wait_for_answers(page)
    with page.expect_event("requestfinished" if comes else "requestfailed"):
        held[0].continue_() if comes else held[0].abort()
    page.evaluate("() => new Promise((done) => setTimeout(done))")
    wait_for_answers(page)
    expect(page.locator("#stage")).to_have_attribute("data-state", "live")


def test_chosen_picture_is_shown_with_its_boxes(page: Page) -> None:
    choose(page, "me.jpg", jpeg(astronaut()))
    expect(page.locator("#stage")).to_have_attribute("data-faces", "1")
    expect(page.locator("#picture")).to_be_visible()
    expect(page.locator("#reading")).to_contain_text("Looks happy")
    expect(page.locator("#credit")).to_be_hidden()


def test_dropped_picture_is_looked_at(page: Page) -> None:
    files = page.evaluate_handle(
        """(bytes) => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], "dropped.jpg", { type: "image/jpeg" }));
            return files;
        }""",
        list(jpeg(astronaut())),
    )
    page.dispatch_event("#seen", "dragover", {"dataTransfer": files})
    expect(page.locator("#seen")).to_contain_class("dropping")
    page.dispatch_event("#seen", "drop", {"dataTransfer": files})
    expect(page.locator("#stage")).to_have_attribute("data-faces", "1")
    expect(page.locator("#seen")).not_to_contain_class("dropping")


def test_of_several_faces_the_biggest_is_followed(page: Page) -> None:
    head = astronaut().crop((100, 10, 360, 270))
    both = Image.new("RGB", (480, 260), (150, 140, 130))
    both.paste(head, (0, 0))
    both.paste(ImageOps.mirror(head).resize((210, 210)), (265, 25))
    choose(page, "two.jpg", jpeg(both))
    expect(page.locator("#stage")).to_have_attribute("data-faces", "2")
    expect(page.locator("#reading-hint")).to_have_text("2 faces. The words follow the biggest.")


def test_picture_without_a_face_is_said(page: Page) -> None:
    choose(page, "wall.jpg", jpeg(Image.new("RGB", (640, 480), (150, 140, 130))))
    expect(page.locator("#reading")).to_have_text("No face found")
    expect(page.locator("#hamster")).to_have_attribute("data-emotion", "unknown")


@pytest.mark.parametrize(
    "data", [b"this is a text", b"", jpeg(astronaut())[:300]], ids=["text", "empty", "cut off"]
)
def test_file_that_is_no_picture_is_explained(
    open_page: Callable[..., Page], browser: Browser, data: bytes
) -> None:
    page = open_page(browser, expect_errors=True)
    choose(page, "broken.jpg", data)
    expect(page.locator("#stage")).to_have_attribute("data-state", "bad-picture")
    expect(page.get_by_role("button", name="Use another picture")).to_be_visible()
    page.get_by_role("button", name="Try a sample").click()
    expect(page.locator("#stage")).to_have_attribute("data-state", "picture")


def test_picture_over_the_limit_is_explained(
    open_page: Callable[..., Page], browser: Browser, tmp_path: Path
) -> None:
    path = tmp_path / "big.jpg"
    path.write_bytes(jpeg(astronaut()) + b"\0" * (11 * 2**20))
    page = open_page(browser, expect_errors=True)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Use a picture").click()
    chooser.value.set_files(path)
    expect(page.locator("#notice-title")).to_have_text("That picture is too big")


def test_camera_can_follow_a_picture(page: Page) -> None:
    page.get_by_role("button", name="Try a sample").click()
    expect(page.locator("#stage")).to_have_attribute("data-state", "picture")
    page.get_by_role("button", name="Start the camera").click()
    page.wait_for_selector('#stage[data-connection="open"]')
    expect(page.locator("#picture")).to_be_hidden()
    expect(page.locator("#credit")).to_be_hidden()
