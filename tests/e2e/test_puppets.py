"""Several hamsters, the mask, pictures and clips that stay in the browser, and why the hamster looks so."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, WebSocket, expect

from tests.e2e.camera_page import start_camera, wait_for_answers, wait_for_face
from tests.e2e.fake_camera import HEIGHT, SWAY, WIDTH, astronaut, two_astronauts, write_film

CARD = (255, 255, 255)
# Where anything is painted on the mask: left, top, right, bottom as fractions of the canvas, or null.
PAINTED = """() => {
    const canvas = document.querySelector("#mask");
    const { width, height } = canvas;
    if (!width || !height) return null;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    let [left, top, right, bottom] = [width, height, -1, -1];
    for (let i = 0; i < width * height; i += 1) {
        if (data[i * 4 + 3] < 128) continue;
        const [x, y] = [i % width, Math.floor(i / width)];
        left = Math.min(left, x); right = Math.max(right, x);
        top = Math.min(top, y); bottom = Math.max(bottom, y);
    }
    return right < 0 ? null : [left / width, top / height, (right + 1) / width, (bottom + 1) / height];
}"""


@pytest.fixture(scope="module")
def pair_browser(launch: Callable[..., Browser], tmp_path_factory: pytest.TempPathFactory) -> Browser:
    """A browser whose camera shows two people."""
    film = tmp_path_factory.mktemp("pair") / "pair.y4m"
    write_film(film, two_astronauts(WIDTH + 2 * SWAY, HEIGHT))
    return launch(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )


@pytest.fixture
def live_page(open_page: Callable[..., Page], browser: Browser) -> Page:
    page = open_page(browser)
    start_camera(page)
    wait_for_face(page)
    return page


def look_at(page: Page, picture: Image.Image) -> None:
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=92)
    page.locator("#file").set_input_files(
        {"name": "picture.jpg", "mimeType": "image/jpeg", "buffer": data.getvalue()}
    )
    page.wait_for_selector('#stage[data-state="picture"]')


def crowd(count: int) -> Image.Image:
    """Rows of four astronauts."""
    head = astronaut().crop((100, 10, 360, 270)).resize((240, 240))
    whole = Image.new("RGB", (960, 240 * -(-count // 4)), (150, 140, 130))
    for index in range(count):
        whole.paste(head, (240 * (index % 4), 240 * (index // 4)))
    return whole


def hamsters(page: Page, count: int) -> None:
    expect(page.locator("#hamster")).to_have_attribute("data-count", str(count))
    expect(page.locator("#hamster").get_by_role("img")).to_have_count(count)


def switch_mask(page: Page) -> None:
    page.get_by_role("switch", name="Hamster mask").click()


def save_picture(page: Page) -> Image.Image:
    page.get_by_role("button", name="Save", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save a picture").click()
    expect(page.locator("#keep-says")).to_have_text(f"Saved as {download.value.suggested_filename}.")
    page.keyboard.press("Escape")
    return Image.open(Path(download.value.path())).convert("RGB")


def start_recording(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Record a clip").click()
    expect(page.locator("#recording-left")).to_have_text(re.compile(r"^\d+\ss left$"))


# The width of the hamster's place in the frames after it has one.
WATCH_WIDTHS = """window.widths = [];
const look = () => {
  const place = document.querySelector(".hamster-place");
  if (place?.style.width && place.offsetParent) widths.push(place.getBoundingClientRect().width);
  requestAnimationFrame(look);
};
requestAnimationFrame(look);"""
HIDE = """async () => {
  const card = document.querySelector("#hamster");
  const frame = () => new Promise(requestAnimationFrame);
  card.style.display = "none";
  await frame();
  await frame();
  widths.length = 0;
  card.style.display = "";
}"""


def test_hamster_is_in_its_place_at_once_also_after_its_card_was_hidden(
    open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser, script=WATCH_WIDTHS)
    for again in (False, True):
        if again:
            page.evaluate(HIDE)
        page.wait_for_function("() => widths.length >= 10")
        widths = page.evaluate("() => widths")
        assert min(widths) == max(widths) > 100


def test_two_people_see_two_hamsters_side_by_side(
    open_page: Callable[..., Page], pair_browser: Browser
) -> None:
    page = open_page(pair_browser)
    start_camera(page)
    hamsters(page, 2)
    expect(page.locator("#hamster").get_by_role("img", name="looks happy")).to_have_count(2)
    page.wait_for_function("() => document.getAnimations().every(({ playState }) => playState !== 'running')")
    one, other = (place.bounding_box() for place in page.locator(".hamster-place").all())
    assert one["y"] == pytest.approx(other["y"], abs=1)
    assert abs(one["x"] - other["x"]) >= one["width"] - 1


def test_hamsters_come_and_leave_with_the_faces_of_a_picture(
    open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser)
    look_at(page, two_astronauts())
    hamsters(page, 2)
    look_at(page, crowd(8))
    hamsters(page, 6)
    expect(page.locator("#reading-hint")).to_have_text("8 faces, 6 hamsters. The words follow the biggest.")
    look_at(page, astronaut())
    hamsters(page, 1)


def test_mask_lies_over_the_face_in_the_mirrored_video_until_it_is_switched_off(live_page: Page) -> None:
    switch_mask(live_page)
    painted = live_page.wait_for_function(PAINTED).json_value()
    ((x1, y1, x2, y2),) = json.loads(live_page.locator("#overlay").get_attribute("data-boxes"))
    margin = 0.03  # the face sways and the mask follows a moment later
    assert painted[0] <= 1 - x2 + margin
    assert painted[2] >= 1 - x1 - margin
    assert painted[1] <= y1 + margin
    assert painted[3] >= y2 - margin
    assert painted[2] - painted[0] < 0.7
    switch_mask(live_page)
    live_page.wait_for_function(f"() => ({PAINTED})() === null")


def test_mask_lies_over_every_face_of_a_picture(open_page: Callable[..., Page], browser: Browser) -> None:
    page = open_page(browser)
    people = crowd(8)
    look_at(page, people)
    switch_mask(page)
    page.wait_for_function(PAINTED)
    saved = save_picture(page)
    assert saved.size == people.size
    changed = np.abs(np.asarray(saved, dtype=float) - np.asarray(people, dtype=float)).max(axis=2) > 40
    for index in range(8):
        left, top = 240 * (index % 4), 240 * (index // 4)
        face = changed[top + 50 : top + 160, left + 75 : left + 155]
        assert face.mean() > 0.5, f"face {index + 1} can be seen"


def test_saved_picture_without_the_mask_is_the_hamster_alone(live_page: Page) -> None:
    live_page.get_by_role("button", name="Save", exact=True).click()
    expect(live_page.locator("#keep-shows")).to_contain_text(
        "Only the hamster’s card will be in it; you will not."
    )
    live_page.keyboard.press("Escape")
    saved = save_picture(live_page)
    colours = {colour for _, colour in saved.getcolors(maxcolors=2**24)}
    assert saved.width == 960
    assert saved.getpixel((3, saved.height // 2)) == CARD
    assert (0xEC, 0xAD, 0x55) in colours, "no golden fur"


def test_saved_picture_with_the_mask_is_the_video_with_the_hamster_over_the_face(live_page: Page) -> None:
    switch_mask(live_page)
    live_page.wait_for_function(PAINTED)
    live_page.get_by_role("button", name="Save", exact=True).click()
    expect(live_page.locator("#keep-shows")).to_contain_text("You will be in it")
    live_page.keyboard.press("Escape")
    saved = save_picture(live_page)
    colours = {colour for _, colour in saved.getcolors(maxcolors=2**24)}
    assert (0xEC, 0xAD, 0x55) in colours, "no golden fur"
    lower = np.asarray(saved)[int(saved.height * 0.8) :]
    orange = (lower[..., 0] > 150) & (lower[..., 2] < 120)
    assert orange.mean() > 0.1, "no suit of the astronaut"


def test_clip_is_recorded_stopped_early_shown_downloaded_and_discarded_without_an_upload(
    live_page: Page,
) -> None:
    sent: list[str] = []

    def note(request: Any) -> None:
        sent.append(f"{request.method} {request.url}")

    live_page.on("request", note)
    start_recording(live_page)
    expect(live_page.get_by_role("button", name="Stop recording")).to_be_focused()
    expect(live_page.locator("#recording-left")).to_have_text(re.compile(r"^(1[0-3]|\d)\s"))
    live_page.get_by_role("button", name="Stop recording").click()
    clip = live_page.get_by_role("dialog", name="Your clip")
    expect(clip).to_be_visible()
    live_page.wait_for_function("() => document.querySelector('#clip-film').videoWidth === 960")
    length = live_page.evaluate("document.querySelector('#clip-film').duration")
    expect(clip.locator("#clip-says")).to_contain_text(f"{length:.1f}")
    with live_page.expect_download() as download:
        clip.get_by_role("link", name="Download").click()
    film = Path(download.value.path()).read_bytes()
    assert len(film) > 1000
    assert film.startswith(b"\x1aE\xdf\xa3") or film[4:8] == b"ftyp"
    clip.get_by_role("button", name="Discard").click()
    expect(clip).to_be_hidden()
    expect(live_page.locator("#clip-film")).not_to_have_attribute("src", re.compile("."))
    assert [line for line in sent if "blob:" not in line] == []


def test_clip_ends_by_itself_after_fifteen_seconds(live_page: Page) -> None:
    start_recording(live_page)
    expect(live_page.get_by_role("dialog", name="Your clip")).to_be_visible(timeout=40_000)
    expect(live_page.locator("#clip-says")).to_have_text(
        re.compile(r"^1[45]\.\d\ss, as long as a clip can be")
    )


def test_clip_ends_when_the_camera_goes_away(live_page: Page) -> None:
    start_recording(live_page)
    expect(live_page.locator("#recording-left")).to_have_text(re.compile(r"^(1[0-4]|\d)\s"))
    live_page.evaluate(
        "document.querySelector('#video').srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))"
    )
    expect(live_page.get_by_role("dialog", name="Your clip")).to_be_visible()
    expect(live_page.locator("#clip-says")).to_contain_text("because the picture went away")
    expect(live_page.locator("#notice-title")).to_have_text("The camera has gone")


def test_browser_that_cannot_record_says_so_and_still_saves_pictures(
    open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser, script="delete globalThis.MediaRecorder;")
    look_at(page, astronaut())
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("button", name="Record a clip")).to_be_hidden()
    expect(page.locator("#record-missing")).to_contain_text("This browser cannot record clips")
    page.keyboard.press("Escape")
    assert save_picture(page).width == 960


def test_panel_says_why_with_the_frame_that_was_sent_and_stays_as_it_was(
    open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser)
    answers: dict[int, dict[str, Any]] = {}

    def hear(message: str | bytes) -> None:
        answer = json.loads(message)
        if answer["type"] == "prediction":
            answers[answer["frame"]] = answer

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", hear)

    page.on("websocket", listen)
    start_camera(page)
    wait_for_face(page)
    page.get_by_role("button", name="Why this hamster?").click()
    panel = page.get_by_role("dialog", name="Why this hamster?")
    expect(panel).to_be_visible()
    number = int(panel.locator("#why-number").inner_text())
    (face,) = answers[number]["faces"]
    rows = panel.locator("#why-scores tbody tr").all()
    assert len(rows) == 9
    for row in rows:
        name = row.locator("th").inner_text().lower()
        raw, smoothed = (float(text) for text in row.locator("td").all_inner_texts())
        assert raw == pytest.approx(face["raw_scores"][name] * 100, abs=0.06)
        assert smoothed == pytest.approx(face["scores"][name] * 100, abs=0.06)
    expect(panel.locator("#why-detector")).to_have_text(page.locator("#number-detector").inner_text())
    expect(panel.locator("#why-box")).to_contain_text(f"{round(face['x1'] * 100)}\u00a0% from the left")
    before = panel.inner_text()
    page.evaluate("globalThis.later = document.querySelector('#overlay').dataset.boxes")
    page.wait_for_function("() => document.querySelector('#overlay').dataset.boxes !== later")
    assert panel.inner_text() == before
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.get_by_role("button", name="Why this hamster?")).to_be_focused()
    assert page.evaluate("document.querySelector('#why-closeup').width") == 0, "the close-up was kept"


def test_panel_shows_the_close_up_of_each_face_of_a_picture(
    open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser)
    look_at(page, two_astronauts())
    page.get_by_role("button", name="Why this hamster?").click()
    faces = page.get_by_role("group", name="Which face").get_by_role("button")
    expect(faces).to_have_count(2)
    boxes = []
    for face in faces.all():
        face.click()
        expect(face).to_have_attribute("aria-pressed", "true")
        boxes.append(page.locator("#why-box").inner_text())
    left, right = (int(box.split("\u00a0")[0]) for box in boxes)
    assert left < 40 < right
    expect(page.locator("#why-scores tbody tr").first.locator("td")).to_have_count(1)
    shot = Image.open(io.BytesIO(page.locator("#why-closeup").screenshot())).convert("RGB")
    assert len(shot.getcolors(maxcolors=2**24)) > 500


def test_mask_can_be_worn_with_the_keyboard_alone(live_page: Page) -> None:
    switch = live_page.get_by_role("switch", name="Hamster mask")
    switch.focus()
    live_page.keyboard.press("Space")
    expect(switch).to_have_attribute("aria-checked", "true")
    wait_for_answers(live_page)
    expect(switch).to_be_focused()
