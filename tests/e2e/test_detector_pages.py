"""The pages of detector versions in a real browser: staff evaluates, compares, promotes and rolls back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.detector.red_dataset import write_red_dataset
from tests.e2e.camera_page import start_camera
from tests.e2e.conftest import PATIENCE, note_foreign
from tests.e2e.site_process import SiteProcess
from tests.ml.red_cell_detector import write_red_cell_detector, write_two_look_detector

WORKER_PATIENCE = 120_000
ACCOUNT = (
    "from django.contrib.auth import get_user_model as model;"
    "model().objects.create_superuser('keeper', '', 'a long enough one')"
)
DATASET = "from detector.models import Dataset; Dataset.objects.create(name='red', folder={folder!r})"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteProcess]:
    """A site of its own: it serves red-1, angry-1 is a candidate, and there is a data set."""
    folder = tmp_path_factory.mktemp("detectors")
    shipped = write_red_cell_detector(folder / "live.onnx", version="red-1")
    site = SiteProcess(folder, HAMSTER_SHIPPED_DETECTOR=str(shipped), HAMSTER_SHADOW_FLUSH_SECONDS="0.5")
    site.start()
    candidate = write_two_look_detector(folder / "candidate.onnx")
    site.manage("register_detector", str(candidate), "--name", "angry-1")
    red: Path = write_red_dataset(folder / "red")
    site.manage("shell", "--no-imports", "-c", f"{ACCOUNT}; {DATASET.format(folder=str(red))}")
    yield site
    site.stop()


@pytest.fixture
def page(site: SiteProcess, browser: Browser) -> Iterator[Page]:
    """Signed in; what goes to other hosts and every error in the console fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    foreign: list[str] = []
    page.on("request", lambda request: note_foreign(request.url, f"127.0.0.1:{site.port}", foreign))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{site.url}/accounts/login/?next=/detectors/")
    page.get_by_label("Name").fill("keeper")
    page.get_by_label("Password").fill("a long enough one")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{site.url}/detectors/")
    yield page
    context.close()
    assert (foreign, complaints) == ([], [])


RENAMED = """(shown, name) => {
  shown.textContent = name;
  const range = document.createRange();
  range.selectNodeContents(shown);
  return new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size;
}"""  # how many lines the name takes


def test_the_name_of_a_version_breaks_only_when_it_is_very_long(page: Page, site: SiteProcess) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site.url}/detectors/compare/?a=1&b=2")
    first, second = (
        page.locator(".table").first.get_by_text(name, exact=True) for name in ("red-1", "angry-1")
    )
    assert second.evaluate(RENAMED, "a-very-long-name-of-a-version-" + "x" * 60) > 1
    assert first.evaluate(RENAMED, "hamster-5.1") == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_an_evaluation_comes_along_by_itself_and_a_cell_opens_its_pictures(page: Page) -> None:
    page.get_by_role("link", name="red-1").click()
    page.get_by_role("button", name="Measure").click()
    page.get_by_role("button", name="Evaluate").click()
    cell = page.get_by_role("link", name="1: sad read as happy")
    expect(cell).to_be_visible(timeout=WORKER_PATIENCE)
    expect(page.get_by_text("a frame with one face")).to_be_visible(timeout=WORKER_PATIENCE)
    expect(page.locator("canvas[data-lines=precision-curves]")).to_be_visible()
    cell.click()
    expect(page.get_by_text("1 picture.")).to_be_visible()
    picture = page.locator(".look img")
    expect(picture).to_have_js_property("naturalWidth", 320)
    expect(page.locator(".found-box")).to_have_count(1)


def test_two_versions_are_compared_and_one_is_promoted_and_rolled_back(page: Page, site: SiteProcess) -> None:
    page.get_by_label("with that one").select_option("angry-1")
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("button", name="Evaluate what is missing").click()
    expect(page.get_by_role("heading", name="Where they disagree")).to_be_visible(timeout=WORKER_PATIENCE)
    expect(page.get_by_text("3 pictures.")).to_be_visible()

    camera = page.context.new_page()
    camera.goto(site.url)
    start_camera(camera)
    detector = camera.locator("#number-detector")
    expect(detector).to_have_text("red-1")

    page.get_by_role("main").get_by_role("link", name="angry-1").click()
    page.get_by_role("button", name="Promote").click()
    question = page.get_by_role("dialog", name="Serve angry-1?")
    expect(question).to_be_visible()
    expect(question.get_by_role("button", name="Promote")).to_be_focused()
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    page.get_by_role("button", name="Promote").click()
    page.keyboard.press("Enter")
    expect(page.get_by_text("angry-1 is active. Every web process follows")).to_be_visible()
    expect(detector).to_have_text("angry-1", timeout=5000)
    page.get_by_role("button", name="Roll back").click()
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    expect(page.get_by_text("red-1 is active again.")).to_be_visible()
    expect(detector).to_have_text("red-1", timeout=5000)


def test_a_shadow_is_counted_while_a_camera_is_on_and_nothing_of_it_is_seen(
    page: Page, site: SiteProcess
) -> None:
    page.get_by_role("link", name="angry-1").click()
    page.get_by_label("Share of the live frames").fill("100")
    page.get_by_role("button", name="Start as a shadow").click()
    expect(page.get_by_text("It has not looked at a frame yet")).to_be_visible()
    camera = page.context.new_page()
    camera.goto(site.url)
    start_camera(camera)
    expect(camera.locator("#number-detector")).to_have_text("red-1")
    expect(page.get_by_text("frames looked at beside red-1")).to_be_visible(timeout=WORKER_PATIENCE)
    expect(camera.locator("#number-detector")).to_have_text("red-1")
    page.get_by_role("button", name="Stop the shadow").click()
    expect(page.get_by_text("What was counted stays.")).to_be_visible()
    expect(page.get_by_text("frames looked at beside red-1")).to_be_visible()


def test_the_pages_fit_on_a_phone(page: Page, site: SiteProcess) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/detectors/", "/detectors/1/", "/detectors/2/", "/detectors/compare/?a=1&b=2"):
        page.goto(f"{site.url}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
