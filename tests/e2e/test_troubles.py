"""Every state in which the camera cannot be shown is said in plain words, with what to do."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.camera_page import start_camera, wait_for_answers, wait_for_face
from tests.e2e.conftest import PATIENCE
from tests.e2e.page_kinds import SAMPLE
from tests.e2e.site_process import INSECURE_HOST

ALLOW = "--use-fake-ui-for-media-stream"


def failing_camera(name: str) -> str:
    """A script that makes every request for the camera fail with this DOMException."""
    return f"navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('no', '{name}'); }};"


def test_first_visit_shows_one_sentence_and_one_button_and_asks_for_nothing(
    open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(
        browser, script="navigator.mediaDevices.getUserMedia = () => { throw new Error('asked too early'); };"
    )
    expect(page.locator("#stage")).to_have_attribute("data-state", "first")
    expect(page.locator("#notice").get_by_role("button")).to_have_count(1)
    expect(page.locator("#hamster")).to_have_attribute("data-emotion", "unknown")


def test_refused_camera_is_explained(open_page: Callable[..., Page], launch: Callable[..., Browser]) -> None:
    """Headless Chromium refuses when nobody answers its question."""
    page = open_page(launch("--use-fake-device-for-media-stream"))
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#notice-title")).to_have_text("The camera is not allowed")
    expect(page.locator("#announcer")).to_contain_text("The camera is not allowed")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.get_by_role("button", name="Use a picture")).to_be_visible()


def test_no_camera_is_explained(open_page: Callable[..., Page], launch: Callable[..., Browser]) -> None:
    page = open_page(launch("--use-fake-device-for-media-stream=device-count=0", ALLOW))
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#notice-title")).to_have_text("No camera found")


def test_address_without_a_camera_is_explained(open_page: Callable[..., Page], browser: Browser) -> None:
    page = open_page(browser, host=INSECURE_HOST, expect_errors=True)
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#notice-title")).to_have_text("No camera at this address")
    with page.expect_file_chooser():
        page.locator("#notice-action").click()


@pytest.mark.parametrize(
    ("error", "title"),
    [
        ("NotReadableError", "The camera is in use"),
        ("AbortError", "The camera is in use"),
        ("OverconstrainedError", "No camera found"),
        ("SecurityError", "The camera is not allowed"),
    ],
)
def test_each_failure_of_the_camera_has_its_words(
    open_page: Callable[..., Page], browser: Browser, error: str, title: str
) -> None:
    page = open_page(browser, script=failing_camera(error))
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#notice-title")).to_have_text(title)


def test_question_for_permission_is_explained_and_can_be_cancelled(
    open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser, script="navigator.mediaDevices.getUserMedia = () => new Promise(() => {});")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#notice-title")).to_have_text("May Biscuit see you?")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#stage")).to_have_attribute("data-state", "stopped")


def test_camera_that_goes_away_is_explained(open_page: Callable[..., Page], browser: Browser) -> None:
    page = open_page(browser)
    page.get_by_role("button", name="Start the camera").click()
    page.wait_for_selector('#stage[data-connection="open"]')
    page.evaluate(
        "document.querySelector('#video').srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))"
    )
    expect(page.locator("#notice-title")).to_have_text("The camera has gone")
    page.keyboard.press("Escape")  # the card of the session
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector('#stage[data-connection="open"]')


def test_session_that_the_camera_ended_has_a_card(open_page: Callable[..., Page], browser: Browser) -> None:
    page = open_page(browser)
    page.get_by_role("button", name="Start the camera").click()
    wait_for_face(page)
    page.evaluate(
        "document.querySelector('#video').srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))"
    )
    card = page.get_by_role("dialog", name="That was you and Biscuit")
    expect(card).to_contain_text("happy")
    card.get_by_role("button", name="Close").click()
    expect(page.locator("#notice-title")).to_have_text("The camera has gone")


def test_session_that_a_picture_ended_has_a_card(open_page: Callable[..., Page], browser: Browser) -> None:
    page = open_page(browser)
    page.get_by_role("button", name="Start the camera").click()
    wait_for_face(page)
    page.locator("#file").set_input_files(SAMPLE)
    card = page.get_by_role("dialog", name="That was you and Biscuit")
    expect(card).to_contain_text("happy")
    card.get_by_role("button", name="Close").click()
    expect(page.locator("#stage")).to_have_attribute("data-state", "picture")
    expect(page.locator("#stage")).to_have_attribute("data-faces", "1")


def test_two_tabs_are_both_answered(open_page: Callable[..., Page], browser: Browser) -> None:
    """Of one browser, side by side in two windows."""
    first = open_page(browser)
    second = first.context.new_page()
    second.set_default_timeout(PATIENCE)
    second.goto(first.url)
    for page in (first, second):
        start_camera(page)
    for page in (first, second, first):
        wait_for_face(page)
        wait_for_answers(page)
        expect(page.locator("#strip")).to_be_hidden()


def test_browser_without_websockets_is_told_and_can_use_pictures(
    open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser, script="delete globalThis.WebSocket;")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#notice-title")).to_have_text("No live hamster in this browser")
    with page.expect_file_chooser():
        page.locator("#notice-action").click()
    page.get_by_role("button", name="Try a sample").click()
    expect(page.locator("#stage")).to_have_attribute("data-state", "picture")


def test_page_works_where_nothing_may_be_stored(open_page: Callable[..., Page], browser: Browser) -> None:
    """As in private windows of some browsers."""
    page = open_page(
        browser,
        script="""Object.defineProperty(globalThis, "localStorage", {
            get() { throw new DOMException("denied", "SecurityError"); },
        });""",
    )
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("switch", name="Mirror the camera").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Start the camera").click()
    page.wait_for_selector('#stage[data-connection="open"]')
    expect(page.locator("#seen")).not_to_contain_class("mirrored")
