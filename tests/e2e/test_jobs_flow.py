"""From a zip of pictures to the detector that everybody sees, and back, beside a camera that stays on."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, WebSocket, expect

from tests.e2e.camera_page import start_camera
from tests.e2e.run_page import TRAINING, cancel, drawing, start_run, state, wait_for_epoch
from tests.e2e.site_process import SiteProcess
from tests.ml.drawn_faces import make_dataset

PASSWORD = "long enough for a test"
KEEPER = f"""
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
keeper = get_user_model().objects.create_user("keeper", password={PASSWORD!r}, is_staff=True)
keeper.user_permissions.add(Permission.objects.get(codename="change_detectorversion"))
"""
EPOCHS = 12


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteProcess]:
    """A site of its own, as the first version that is promoted here is to be the only one."""
    site = SiteProcess(tmp_path_factory.mktemp("flow"))
    site.start()
    site.manage("shell", "-c", KEEPER)
    yield site
    site.stop()


class LiveWatch:
    """What a visitor's camera page is told over its one WebSocket."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.sockets: list[WebSocket] = []
        self.heard: list[dict] = []
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        self.sockets.append(socket)
        socket.on("framereceived", lambda payload: self.heard.append(json.loads(payload)))

    def kinds(self) -> set[str]:
        return {message["type"] for message in self.heard}

    def announced(self) -> list[str]:
        return [message["version"] for message in self.heard if message["type"] == "detector"]

    def expect_detector(self, name: str) -> None:
        """Wait until the version is announced, and until ten more frames are answered after it."""
        expect(self.page.locator("#number-detector")).to_have_text(name)
        answers = 0

        def is_the_tenth(payload: str) -> bool:
            nonlocal answers
            answers += json.loads(payload)["type"] == "prediction"
            return answers == 10

        (socket,) = self.sockets
        socket.wait_for_event("framereceived", is_the_tenth)
        assert self.announced()[-1] == name


def test_staff_trains_compares_promotes_and_rolls_back_while_a_camera_stays_on(
    site: SiteProcess, open_page: Callable[..., Page], browser: Browser, tmp_path: Path
) -> None:
    page = open_page(browser)
    page.goto(f"{site.url}/datasets/")
    page.get_by_label("Name").fill("keeper")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    make_dataset(tmp_path / "set", train=54, valid=18, size=96)
    upload = page.get_by_role("form", name="Upload a zip")
    upload.get_by_label("Name").fill("drawn faces")
    upload.get_by_label("Zip archive").set_input_files(
        shutil.make_archive(str(tmp_path / "faces"), "zip", tmp_path, "set")
    )
    upload.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="No problems")).to_be_visible()
    expect(page.get_by_role("row", name="happy 6 2")).to_be_visible()

    page.get_by_role("link", name="Train on it").click()
    expect(page.get_by_label("drawn faces")).to_be_checked()
    start_run(page, "drawn", epochs=EPOCHS)
    expect(page.locator("#said")).to_have_text(re.compile(rf"epoch \d+ of {EPOCHS}"), timeout=TRAINING)
    first = wait_for_epoch(page, 1)
    progress = page.locator("#progress").evaluate("bar => bar.value")
    drawn = [drawing(page.locator(chart)) for chart in ("#losses", "#figures")]
    wait_for_epoch(page, first + 3)  # a quick machine may have drawn one more meanwhile
    assert page.locator("#progress").evaluate("bar => bar.value") > progress
    assert drawing(page.locator("#losses")) != drawn[0]
    assert drawing(page.locator("#figures")) != drawn[1]

    cancel(page)
    expect(state(page)).to_have_text("cancelled", timeout=TRAINING)
    version = page.locator("#version")
    expect(version).to_have_text("drawn")  # the best is kept
    kept = version.get_attribute("href")
    reached = wait_for_epoch(page, 2)
    assert reached < EPOCHS

    page.get_by_role("button", name="Resume").click()
    expect(state(page)).to_have_text("running", timeout=TRAINING)
    assert wait_for_epoch(page, reached + 1) > reached
    expect(state(page)).to_have_text("succeeded", timeout=TRAINING)
    expect(page.locator("#said")).to_have_text(f"Done: {EPOCHS} epochs.")
    expect(version).not_to_have_attribute("href", kept)
    trained = version.inner_text()

    version.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(trained)
    page.get_by_role("link", name="Compare with the active one").click()
    page.get_by_role("button", name="Evaluate what is missing").click()
    expect(page.get_by_role("heading", name="Where they disagree")).to_be_visible(timeout=TRAINING)
    expect(page.get_by_text("The validation pictures of drawn faces.", exact=True)).to_be_visible()

    visitor = open_page(browser)
    live = LiveWatch(visitor)
    start_camera(visitor)
    shipped = visitor.locator("#number-detector").inner_text()

    page.get_by_role("main").get_by_role("link", name=trained, exact=True).click()
    page.get_by_role("button", name="Promote").click()
    question = page.get_by_role("dialog", name=f"Serve {trained}?")
    expect(question).to_contain_text(f"takes the place of {shipped}")
    question.get_by_role("button", name="Promote").click()
    expect(page.get_by_role("status")).to_contain_text(f"{trained} is active.")
    live.expect_detector(trained)

    page.get_by_role("button", name="Roll back").click()
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    expect(page.get_by_role("status")).to_contain_text(f"{shipped} is active again.")
    live.expect_detector(shipped)

    assert live.announced() == [trained, shipped]
    assert live.kinds() == {"hello", "prediction", "detector"}
    assert not live.sockets[0].is_closed()
