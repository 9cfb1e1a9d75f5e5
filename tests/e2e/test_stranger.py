"""A stranger opens, allows, smiles, saves a clip, signs up, hands in a picture, corrects it, deletes all."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.camera_page import start_camera, wait_for_face
from tests.e2e.fake_camera import astronaut
from tests.e2e.test_account_pages import PHONE, sign_up
from tests.e2e.test_pictures import jpeg
from tests.e2e.test_puppets import start_recording

LAPTOP = {"width": 1440, "height": 900}
ITSELF = {"Account": "1", "Sessions signed in": "1"}


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_stranger_finds_the_way_from_the_camera_to_deleting_everything(
    open_page: Callable[..., Page], browser: Browser, size: dict[str, int]
) -> None:
    page = open_page(browser, viewport=size)
    start_camera(page)
    wait_for_face(page)
    expect(page.locator("#reading")).to_contain_text("Looks happy")

    start_recording(page)
    expect(page.locator("#recording-left")).to_have_text(re.compile(r"^1[0-3]\s"))
    page.get_by_role("button", name="Stop recording").click()
    clip = page.get_by_role("dialog", name="Your clip")
    with page.expect_download() as download:
        clip.get_by_role("link", name="Download").click()
    assert len(Path(download.value.path()).read_bytes()) > 1000
    clip.get_by_role("button", name="Discard").click()

    name = f"stranger{size['width']}"
    sign_up(page, name)
    page.get_by_role("link", name="Pictures", exact=True).click()
    page.get_by_label("Keep my results").check()
    picture = {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": jpeg(astronaut())}
    page.locator("#files").set_input_files([picture])
    expect(page.locator(".look-says")).to_contain_text("happy")

    page.get_by_role("link", name="Hamster Expression").click()
    start_camera(page)
    wait_for_face(page)
    page.get_by_role("button", name="That’s wrong").click()
    dialog = page.get_by_role("dialog", name="What does it look like?")
    dialog.get_by_role("switch", name=re.compile("^Send this small picture")).check()
    dialog.get_by_role("button", name="natural").click()
    expect(dialog.get_by_role("status")).to_contain_text("It is among your corrections")
    dialog.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Stop").click()
    card = page.get_by_role("dialog", name="That was you and Biscuit")
    card.get_by_role("button", name="Keep").click()
    expect(card.get_by_role("link", name="Look at it")).to_be_visible()
    card.get_by_role("button", name="Close").click()

    page.get_by_role("button", name=name).click()
    page.get_by_role("navigation", name="Your account").get_by_role("link", name="My data").click()
    assert kept(page) == ITSELF | {"Live sessions": "1", "Results of pictures": "1", "Corrections": "1"}
    page.get_by_role("link", name="Delete everything but the account").click()
    page.get_by_role("button", name="Delete everything").click()
    expect(page.get_by_role("status").first).to_contain_text("Everything is deleted")
    assert kept(page) == ITSELF


def kept(page: Page) -> dict[str, str]:
    """What the page of my data counts, but for what there is none of."""
    rows = page.locator("[data-kind]").evaluate_all(
        "rows => rows.map((row) => [row.dataset.kind, row.querySelector('.count').textContent])"
    )
    return {kind: count for kind, count in rows if count != "0"}
