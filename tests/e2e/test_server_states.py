"""What the page says when the server is full, when it is slow, and when it gets another detector."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, WebSocket, expect

from tests.e2e.camera_page import start_camera, wait_for_answers, wait_for_face
from tests.e2e.site_process import SiteProcess
from tests.ml.red_cell_detector import write_red_cell_detector


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteProcess]:
    """A site with a place for one camera."""
    site = SiteProcess(tmp_path_factory.mktemp("small-site"), HAMSTER_ENGINE_MAX_CONNECTIONS="1")
    site.start()
    yield site
    site.stop()


def connection(page: Page, state: str) -> None:
    expect(page.locator("#stage")).to_have_attribute("data-connection", state)


def sockets_of(page: Page) -> list[WebSocket]:
    """Every WebSocket that the page opens from now on, as it opens them."""
    opened: list[WebSocket] = []

    def note(socket: WebSocket) -> None:
        opened.append(socket)

    page.on("websocket", note)
    return opened


def test_visitor_who_finds_the_server_full_is_told_and_gets_the_next_place(
    open_page: Callable[..., Page], browser: Browser
) -> None:
    inside, outside = open_page(browser), open_page(browser)
    start_camera(inside)
    wait_for_answers(inside)
    start_camera(outside)
    connection(outside, "full")
    expect(outside.locator("#strip-text")).to_contain_text("The server is full. Trying again")
    expect(outside.locator("#announcer")).to_contain_text("The server is full")
    expect(outside.get_by_role("button", name="Try now")).to_be_visible()
    expect(outside.locator("#hamster")).to_have_attribute("data-emotion", "unknown")
    connection(inside, "open")
    inside.get_by_role("button", name="Stop").click()
    connection(outside, "open")
    wait_for_answers(outside)
    expect(outside.locator("#strip")).to_be_hidden()


def test_late_answers_are_explained_until_they_come_in_time_again(
    open_page: Callable[..., Page], browser: Browser, site: SiteProcess
) -> None:
    page = open_page(browser)
    sockets = sockets_of(page)
    start_camera(page)
    wait_for_answers(page)
    connected = len(sockets)
    with site.suspended():
        connection(page, "late")
        expect(page.locator("#strip-text")).to_have_text("Answers come late.")
    connection(page, "open")
    expect(page.locator("#strip")).to_be_hidden()
    wait_for_answers(page)
    assert len(sockets) == connected, "a slow server is no lost one"


def test_a_lost_network_is_named_at_once_and_the_page_goes_on_when_it_is_back(
    open_page: Callable[..., Page], browser: Browser, site: SiteProcess
) -> None:
    page = open_page(browser, expect_errors=True)
    start_camera(page)
    wait_for_face(page)
    page.context.set_offline(True)
    expect(page.locator("#strip-text")).to_contain_text("Connection lost", timeout=1500)
    expect(page.locator("#stage")).not_to_have_attribute("data-faces", "1")
    page.wait_for_timeout(5000)
    connection(page, "lost")
    page.context.set_offline(False)
    connection(page, "open")
    wait_for_face(page)


def test_promoted_detector_is_announced_and_answers_on_the_same_connection(
    open_page: Callable[..., Page], browser: Browser, site: SiteProcess, tmp_path: Path
) -> None:
    site.manage("register_detector", str(write_red_cell_detector(tmp_path / "red.onnx", version="red-1")))
    page = open_page(browser)
    sockets = sockets_of(page)
    start_camera(page)
    wait_for_answers(page)
    connected = len(sockets)
    site.manage("promote", "red-1")
    expect(page.locator("#strip-text")).to_have_text("A new detector is at work: red-1.")
    expect(page.locator("#number-detector")).to_have_text("red-1")
    with sockets[-1].expect_event(
        "framereceived", lambda message: json.loads(message)["type"] == "prediction"
    ):
        connection(page, "open")
    expect(page.locator("#strip")).to_be_hidden()
    assert len(sockets) == connected
    site.manage("rollback")
