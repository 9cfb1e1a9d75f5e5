"""Training in a real browser, with a real worker: start a run, watch it learn, cancel it, resume it."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.run_page import EPOCH, TRAINING, cancel, drawing, start_run, state, wait_for_epoch
from tests.e2e.site_process import SiteProcess
from tests.ml.drawn_faces import make_dataset

PASSWORD = "long enough for a test"
KEEPER = f"""
from django.contrib.auth import get_user_model
get_user_model().objects.filter(username="trainer").exists() or (
    get_user_model().objects.create_user("trainer", password={PASSWORD!r}, is_staff=True))
"""
STOP_ALL = """
from detector.models import TrainingRun
from detector.services.training import request_cancel
for run in TrainingRun.objects.filter(status__in=("queued", "running"), cancel_requested=False):
    request_cancel(run=run)
"""
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def faces(site: SiteProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a data set of drawn faces; no run goes on afterwards."""
    folder = make_dataset(tmp_path_factory.mktemp("training") / "faces", train=18, valid=9, size=64)
    site.manage("shell", "-c", KEEPER)
    site.manage("add_dataset", "drawn faces", str(folder))
    yield "drawn faces"
    site.manage("shell", "-c", STOP_ALL)


@pytest.fixture
def staff_page(site: SiteProcess, open_page: Callable[..., Page], browser: Browser) -> Callable[..., Page]:
    """Opens a page for a member of the staff: `staff_page("/training/")`."""

    def open_for_staff(address: str, **options: object) -> Page:
        page = open_page(browser, **options)
        page.goto(f"{site.url}{address}")
        page.get_by_label("Name").fill("trainer")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).not_to_have_text("Sign in")
        return page

    return open_for_staff


def test_a_run_is_started_watched_by_two_cancelled_and_resumed(
    staff_page: Callable[..., Page], faces: str
) -> None:
    page = staff_page("/training/new/")
    page.get_by_label(faces).check()
    start_run(page, "first", epochs=500)
    expect(page.locator("#said")).to_have_text(re.compile(r"Learning .*epoch \d+ of 500"), timeout=TRAINING)
    expect(page.locator("#left")).to_have_text(re.compile(r"about .* left"), timeout=TRAINING)
    expect(page.locator("#memory")).to_have_text(re.compile("GiB used at most"))
    expect(page.locator("#command")).to_contain_text("-m ml.train --json")
    first = wait_for_epoch(page, 1)
    before = drawing(page.locator("#losses"))
    wait_for_epoch(page, first + 3)  # a quick machine may have drawn some more meanwhile
    assert drawing(page.locator("#losses")) != before
    expect(page.locator("#figures-said")).to_have_text(EPOCH)

    other = page.context.new_page()
    other.goto(page.url)
    page.reload()
    seen = wait_for_epoch(page, 4)
    assert wait_for_epoch(other, seen) >= seen

    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Let it go on").click()
    expect(page.locator("#said")).not_to_contain_text("cancelled")
    cancel(page)
    expect(page.get_by_text("The best it has learned is kept.")).to_be_visible()
    for watcher in (page, other):
        expect(state(watcher)).to_have_text("cancelled", timeout=TRAINING)
        expect(watcher.locator("#version")).to_have_text("first")
        expect(watcher.get_by_role("button", name="Cancel", exact=True)).to_be_hidden()

    reached = wait_for_epoch(page, 4)
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("waits for the training worker again")).to_be_visible()
    expect(state(other)).to_have_text("running", timeout=TRAINING)
    assert wait_for_epoch(other, reached + 1) > reached
    expect(page.locator("#command")).to_contain_text("--resume")
    page.locator("#log").scroll_into_view_if_needed()
    expect(page.locator("#log")).not_to_be_empty()
    cancel(page)
    expect(page.locator("#said")).to_have_text(re.compile("cancelled", re.IGNORECASE))


def test_a_second_run_waits_in_line_and_is_cancelled_at_once(
    site: SiteProcess, staff_page: Callable[..., Page], faces: str
) -> None:
    page = staff_page("/training/new/")
    page.get_by_label(faces).check()
    start_run(page, "ahead", epochs=500)
    expect(page.locator("#said")).to_have_text(re.compile("Learning|in line"), timeout=TRAINING)
    page.goto(f"{site.url}/training/new/")
    page.get_by_label(faces).check()
    start_run(page, "behind", epochs=3)
    expect(page.locator("#said")).to_have_text(re.compile("in line"))
    cancel(page)
    expect(state(page)).to_have_text("cancelled")
    page.goto(f"{site.url}/training/")
    row = page.get_by_role("row", name=re.compile("ahead"))
    expect(row.locator("[data-said]")).to_have_text(
        re.compile("left|Learning|in line|epoch"), timeout=TRAINING
    )
    page.get_by_role("link", name="Cancelled").click()
    expect(page.get_by_role("link", name="behind")).to_be_visible()
    expect(page.get_by_role("link", name="ahead")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_phone(staff_page: Callable[..., Page], faces: str, scheme: str) -> None:
    page = staff_page("/training/", viewport=PHONE, color_scheme=scheme)
    addresses = ["/training/", "/training/new/"]
    links = page.locator(".table a").all()
    addresses += [links[0].get_attribute("href")] if links else []
    for address in addresses:
        page.goto(page.url.split("/training")[0] + address)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
