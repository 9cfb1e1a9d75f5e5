"""How the camera's pictures are packed: on a thread of their own, and on the page's where that can't be."""

import io
import json
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.e2e.camera_page import start_camera, wait_for_answers, wait_for_face
from tests.e2e.fake_camera import HEIGHT, SCALE, SWAY, WIDTH, astronaut

NO_VIDEO_FRAMES = "delete globalThis.VideoFrame;"
WATCH_WHAT_IS_SENT = """
const { send } = WebSocket.prototype;
WebSocket.prototype.send = function (data) {
    if (data instanceof Blob) globalThis.sent = data;
    send.call(this, data);
};
"""


def off_the_film(frame: Image.Image) -> float:
    """The mean difference of a frame's pixels from what the camera shows, wherever it sways to; 0..255."""
    side = round(512 * SCALE)
    picture = astronaut().resize((side, side), Image.Resampling.LANCZOS)
    shown = [picture.crop((left, 0, left + WIDTH, HEIGHT)) for left in range(2 * SWAY + 1)]
    pixels = np.asarray(frame, dtype=float)
    return min(float(np.abs(pixels - np.asarray(one.resize(frame.size))).mean()) for one in shown)


def assert_frames_are_sent_and_answered(page: Page) -> None:
    wait_for_answers(page)
    wait_for_face(page)
    message = bytes(page.evaluate("async () => [...new Uint8Array(await sent.arrayBuffer())]"))
    frame = Image.open(io.BytesIO(message[4:]))
    assert frame.format == "JPEG"
    assert frame.size == (320, 240)
    assert off_the_film(frame) < 8
    page.get_by_role("button", name="That’s wrong").click()
    cut = page.evaluate("""() => {
        const canvas = document.querySelector("#correction-crop");
        const { width, height } = canvas;
        return [width, height, [...canvas.getContext("2d").getImageData(0, 0, width, height).data]];
    }""")
    pixels = np.array(cut[2]).reshape(cut[1], cut[0], 4)[..., :3]
    assert pixels.std() > 30, "the face that is to be corrected is seen"
    page.keyboard.press("Escape")
    (box,) = json.loads(page.locator("#overlay").get_attribute("data-boxes"))
    assert 0 < box[0] < box[2] < 1


def test_pictures_are_packed_on_a_thread_of_their_own(
    open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser, script=WATCH_WHAT_IS_SENT)
    assert page.workers == [], "nobody needs it before the camera is on"
    page.evaluate("""() => {
        globalThis.packedHere = 0;
        const { toBlob } = HTMLCanvasElement.prototype;
        HTMLCanvasElement.prototype.toBlob = function (...wishes) {
            packedHere += 1;
            return toBlob.apply(this, wishes);
        };
    }""")
    start_camera(page)
    assert_frames_are_sent_and_answered(page)
    assert len(page.workers) == 1
    assert page.evaluate("packedHere") == 0


def test_browser_without_video_frames_packs_on_the_page(
    open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser, script=WATCH_WHAT_IS_SENT + NO_VIDEO_FRAMES)
    start_camera(page)
    assert_frames_are_sent_and_answered(page)
    assert page.workers == []


def test_thread_that_does_not_come_is_replaced_by_the_page(
    open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser, script=WATCH_WHAT_IS_SENT, expect_errors=True)
    page.route("**/packer_worker*.js", lambda route: route.abort())
    start_camera(page)
    assert_frames_are_sent_and_answered(page)
    assert page.workers == []


@pytest.mark.parametrize(
    "trouble",
    [
        "globalThis.Worker = class { constructor() { throw new Error('not here'); } };",
        "Worker.prototype.postMessage = () => { throw new Error('not this'); };",
        "Worker.prototype.postMessage = () => {};",  # silence
    ],
)
def test_thread_that_takes_no_pictures_is_replaced_by_the_page(
    open_page: Callable[..., Page], browser: Browser, trouble: str
) -> None:
    page = open_page(browser, script=WATCH_WHAT_IS_SENT + trouble)
    start_camera(page)
    assert_frames_are_sent_and_answered(page)
    assert page.workers == []


def test_thread_that_fails_is_replaced_by_the_page(open_page: Callable[..., Page], browser: Browser) -> None:
    page = open_page(browser, script=WATCH_WHAT_IS_SENT, expect_errors=True)
    start_camera(page)
    wait_for_answers(page)
    (worker,) = page.workers
    with page.expect_console_message(lambda line: "own thread" in line.text):
        worker.evaluate("() => { OffscreenCanvas.prototype.convertToBlob = undefined; }")
    page.evaluate("delete globalThis.sent")
    page.wait_for_function("() => globalThis.sent")
    assert_frames_are_sent_and_answered(page)
    assert page.workers == []
