"""The main thing: a face in the camera, and the hamster makes it too."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, WebSocket, expect

from tests.e2e.camera_page import start_camera, wait_for_answers, wait_for_face
from tests.e2e.fake_camera import face_in_film
from tests.e2e.site_process import SiteProcess

SECONDS = 1000


def iou(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0.0, width) * max(0.0, height)
    areas = [(x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in (one, other)]
    return shared / (sum(areas) - shared)


@pytest.fixture
def live_page(open_page: Callable[..., Page], browser: Browser) -> Page:
    page = open_page(browser)
    start_camera(page)
    wait_for_face(page)
    return page


def test_face_in_the_camera_is_boxed_named_and_copied_by_the_hamster(live_page: Page) -> None:
    (box,) = json.loads(live_page.locator("#overlay").get_attribute("data-boxes"))
    assert iou(tuple(box), face_in_film()) >= 0.5
    expect(live_page.locator("#reading")).to_contain_text("Looks happy, ")
    expect(live_page.locator("#hamster")).to_have_attribute("data-emotion", "happy")
    expect(live_page.locator(".bar.leading .bar-name")).to_have_text("Happy")


def test_at_least_ten_frames_a_second_are_answered(live_page: Page) -> None:
    expect(live_page.locator("#stage")).to_have_attribute("data-fps", re.compile(r"^[1-9]\d"))
    expect(live_page.locator("#number-delay")).to_have_text(re.compile(r"^\d+$"))
    expect(live_page.locator("#number-dropped")).to_have_text(re.compile(r"^\d+$"))


def test_nine_bars_show_the_nine_scores(live_page: Page) -> None:
    values = live_page.locator(".bar-value").all_inner_texts()
    assert len(values) == 9
    assert 0 < sum(int(value) for value in values) <= 105


def test_change_of_expression_is_announced_and_not_every_frame(live_page: Page) -> None:
    expect(live_page.locator("#announcer")).to_contain_text("Looks happy")
    live_page.evaluate(
        """() => {
            const count = (name, element, what) => {
                globalThis[name] = 0;
                const add = (changes) => { globalThis[name] += changes.length; };
                new MutationObserver(add).observe(element, what);
            };
            count("said", document.querySelector("#announcer"), { childList: true, subtree: true });
            count("answered", document.querySelector("#overlay"), { attributeFilter: ["data-boxes"] });
        }"""
    )
    live_page.wait_for_function("() => answered >= 25")
    assert live_page.evaluate("said") == 0


def test_stop_lets_the_camera_go_and_the_hamster_waits(live_page: Page) -> None:
    track = live_page.evaluate_handle("document.querySelector('#video').srcObject.getVideoTracks()[0]")
    live_page.get_by_role("button", name="Stop").click()
    expect(live_page.locator("#stage")).to_have_attribute("data-state", "stopped")
    expect(live_page.locator("#notice-title")).to_have_text("The camera is off")
    expect(live_page.locator("#hamster")).to_have_attribute("data-emotion", "unknown")
    assert track.evaluate("track => track.readyState") == "ended"


def test_camera_can_be_started_and_stopped_with_the_keyboard_alone(
    open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser)
    action = page.locator("#notice-action")
    for _ in range(8):
        page.keyboard.press("Tab")
        if action.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")
    wait_for_answers(page)
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")  # the card of the session
    expect(action).to_be_focused()


def test_connection_comes_back_by_itself_after_the_server_was_restarted(
    open_page: Callable[..., Page], browser: Browser, site: SiteProcess
) -> None:
    page = open_page(browser, expect_errors=True)
    start_camera(page)
    wait_for_answers(page)
    site.stop()
    try:
        expect(page.locator("#strip-text")).to_contain_text("Connection lost. Trying again")
        expect(page.locator("#hamster")).to_have_attribute("data-emotion", "unknown")
        expect(page.locator("#reading")).to_have_text("Biscuit cannot see you")
    finally:
        site.start()
    page.wait_for_selector('#stage[data-connection="open"]', timeout=30 * SECONDS)
    wait_for_answers(page)
    expect(page.locator("#strip")).to_be_hidden()


def test_hidden_tab_sends_no_frames(open_page: Callable[..., Page], browser: Browser) -> None:
    page = open_page(
        browser, script="Object.defineProperty(document, 'hidden', { get: () => globalThis.away === true });"
    )
    start_camera(page)
    wait_for_answers(page)
    page.evaluate("away = true; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#number-fps")).to_have_text("–")
    expect(page.locator("#stage")).to_have_attribute("data-connection", "open")
    page.evaluate("away = false; document.dispatchEvent(new Event('visibilitychange'))")
    wait_for_answers(page)


def test_settings_reach_the_picture_and_the_server(open_page: Callable[..., Page], browser: Browser) -> None:
    page = open_page(browser)
    words: list[str] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", lambda data: words.append(data) if isinstance(data, str) else None)

    page.on("websocket", listen)
    start_camera(page)
    wait_for_answers(page)
    expect(page.locator("#seen")).to_contain_class("mirrored")
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("switch", name="Mirror the camera").click()
    expect(page.locator("#seen")).not_to_contain_class("mirrored")
    page.get_by_role("slider", name="Smoothing").fill("0.8")
    page.get_by_role("combobox", name="Camera").select_option(index=1)
    wait_for_answers(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Settings")).to_be_focused()
    assert [json.loads(word) for word in words][-1] == {"type": "configure", "smoothing": 0.8}
    page.reload()
    page.get_by_role("button", name="Settings").click()
    expect(page.get_by_role("switch", name="Mirror the camera")).not_to_be_checked()


def test_boxes_can_be_switched_off(live_page: Page) -> None:
    painted = """() => {
        const canvas = document.querySelector("#overlay");
        return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean);
    }"""
    live_page.wait_for_function(painted)
    live_page.get_by_role("button", name="Settings").click()
    live_page.get_by_role("switch", name="Show boxes").click()
    live_page.wait_for_function(f"() => !({painted})()")
