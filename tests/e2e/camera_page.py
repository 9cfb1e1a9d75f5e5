"""What a visitor does on the camera page, and what to wait for there."""

import re

from playwright.sync_api import Page, expect


def start_camera(page: Page) -> None:
    """Press the button and wait for the picture."""
    page.get_by_role("button", name="Start the camera").click()
    page.wait_for_selector('#stage[data-state="live"]')


def wait_for_face(page: Page) -> None:
    """Wait until one face is seen."""
    page.wait_for_selector('#stage[data-faces="1"]')


def wait_for_answers(page: Page) -> None:
    """Wait until the server answers at least one frame a second."""
    expect(page.locator("#stage")).to_have_attribute("data-fps", re.compile(r"[1-9]"))
