"""What staff does on the pages of a training run, and what to wait for there."""

import re

from playwright.sync_api import Locator, Page, expect

TRAINING = 300_000  # milliseconds; it shares its processors with the browser and the site
EPOCH = re.compile(r"After epoch (\d+):")


def start_run(page: Page, name: str, *, epochs: int) -> None:
    """Fill in the rest of the form for a run that takes seconds an epoch, and press the button."""
    page.get_by_label("Name").fill(name)
    for label, value in (
        ("Epochs", str(epochs)),
        ("Image size", "64"),
        ("Batch size", "8"),
        ("Device", "cpu"),
    ):
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def state(page: Page) -> Locator:
    """The word that says how the run is."""
    return page.locator("#state")


def wait_for_epoch(page: Page, least: int) -> int:
    """Wait until the curves reach that epoch, and return the one they have reached."""
    said = page.locator("#losses-said")
    for _ in range(least + 1):
        expect(said).to_have_text(EPOCH, timeout=TRAINING)
        text = said.inner_text()
        if (reached := int(EPOCH.search(text)[1])) >= least:
            return reached
        expect(said).not_to_have_text(text, timeout=TRAINING)
    raise AssertionError(f"epoch {least} was not reached")


def inked(canvas: Locator) -> int:
    """How many points of a chart are drawn on."""
    return canvas.evaluate(
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
        ".filter((value, index) => index % 4 == 3 && value).length"
    )


def drawing(canvas: Locator) -> str:
    """What a chart that is not blank looks like, as a PNG in a data URL: more epochs may cover fewer points,
    on a new scale."""
    assert inked(canvas) > 100
    return canvas.evaluate("c => c.toDataURL()")


def cancel(page: Page) -> None:
    """Press the button and say yes."""
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the run").click()
