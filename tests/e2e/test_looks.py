"""How the page fits its window, light and dark. SCREENSHOTS=FOLDER keeps the pictures for the README."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
LAPTOPS = [
    DESKTOP,
    {"width": 1280, "height": 720},
    {"width": 1366, "height": 768},
    {"width": 1366, "height": 650},
]


def size_name(size: dict[str, int]) -> str:
    return f"{size['width']}x{size['height']}"


def start_camera(page: Page) -> None:
    page.get_by_role("button", name="Start the camera").click()
    page.wait_for_selector('#stage[data-connection="open"]')


@pytest.mark.parametrize("size", LAPTOPS, ids=size_name)
def test_laptop_needs_no_scrolling(
    open_page: Callable[..., Page], browser: Browser, size: dict[str, int]
) -> None:
    page = open_page(browser, viewport=size)
    start_camera(page)
    height, width = page.evaluate("[document.body.scrollHeight, document.documentElement.scrollWidth]")
    assert height <= size["height"]
    assert width <= size["width"]


@pytest.mark.parametrize("size", LAPTOPS, ids=size_name)
def test_camera_and_hamster_are_equals_side_by_side(
    open_page: Callable[..., Page], browser: Browser, size: dict[str, int]
) -> None:
    page = open_page(browser, viewport=size)
    camera, hamster = page.locator("#seen").bounding_box(), page.locator(".hamster").bounding_box()
    assert camera["y"] == hamster["y"]
    assert camera["width"] == pytest.approx(hamster["width"], abs=0.5)
    assert camera["height"] == pytest.approx(hamster["height"], abs=0.5)
    assert camera["x"] + camera["width"] < hamster["x"]


@pytest.mark.parametrize("width", [320, 390, 600, 820])
def test_narrow_window_has_the_hamster_on_top_and_no_sideways_scrolling(
    open_page: Callable[..., Page], browser: Browser, width: int
) -> None:
    page = open_page(browser, viewport={"width": width, "height": 1180})
    camera, hamster = page.locator("#seen").bounding_box(), page.locator(".hamster").bounding_box()
    assert hamster["y"] < camera["y"]
    assert camera["height"] < hamster["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(251, 246, 236)"), ("dark", "rgb(27, 23, 20)")])
def test_paper_follows_the_visitors_choice_of_light_or_dark(
    open_page: Callable[..., Page], browser: Browser, scheme: str, paper: str
) -> None:
    page = open_page(browser, color_scheme=scheme)
    expect(page.locator("html")).to_have_css("background-color", paper)


def test_less_motion_is_respected(open_page: Callable[..., Page], browser: Browser) -> None:
    page = open_page(browser, reduced_motion="reduce")
    expect(page.locator(".bar-fill").first).to_have_css("transition-duration", "0s")


@pytest.mark.parametrize(
    ("name", "size", "scheme"),
    [("desktop", DESKTOP, "light"), ("dark", DESKTOP, "dark"), ("phone", PHONE, "light")],
    ids=lambda value: value if isinstance(value, str) else size_name(value),
)
def test_stage_with_a_face_looks_as_in_the_screenshots(
    open_page: Callable[..., Page],
    browser: Browser,
    tmp_path: Path,
    name: str,
    size: dict[str, int],
    scheme: str,
) -> None:
    page = open_page(browser, viewport=size, color_scheme=scheme)
    start_camera(page)
    expect(page.locator("#hamster")).to_have_attribute("data-emotion", "happy")
    expect(page.locator("#number-fps")).not_to_have_text("–")
    path = Path(os.environ.get("SCREENSHOTS", tmp_path)) / f"{name}.png"
    page.screenshot(path=path)
    with Image.open(path) as shot:
        # A page that was not painted has few colours; 256 are enough for the README and keep the files small.
        assert len(shot.convert("RGB").getcolors(maxcolors=2**24)) > 1000
        shot.convert("RGB").quantize(256, kmeans=5).save(path, optimize=True)
