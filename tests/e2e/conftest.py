"""A real browser against the real site. Without a Chromium these tests are skipped and say so."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.e2e.fake_camera import write_film
from tests.e2e.site_process import INSECURE_HOST, SiteProcess

LAPTOP = {"width": 1440, "height": 900}
PATIENCE = 20_000
expect.set_options(timeout=PATIENCE)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteProcess]:
    site = SiteProcess(tmp_path_factory.mktemp("site"))
    site.start()
    yield site
    site.stop()


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "astronaut.y4m"
    write_film(path)
    return path


def chromium_path(playwright: Playwright) -> str:
    installed = next((path for name in NAMES if (path := shutil.which(name))), None)
    own = playwright.chromium.executable_path
    if installed is None and not Path(own).is_file():
        pytest.skip(f"no browser here: none of {', '.join(NAMES)}, and Playwright has not installed its own")
    return installed or own


# For one module at a time: Playwright keeps an event loop running, which other asynchronous tests can't bear.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def launch(playwright: Playwright) -> Iterator[Callable[..., Browser]]:
    browsers: list[Browser] = []

    def launch(*arguments: str) -> Browser:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(playwright),
            args=["--no-sandbox", f"--host-resolver-rules=MAP {INSECURE_HOST} 127.0.0.1", *arguments],
        )
        browsers.append(browser)
        return browser

    yield launch
    for browser in browsers:
        browser.close()


@pytest.fixture(scope="module")
def browser(launch: Callable[..., Browser], film: Path) -> Browser:
    """A browser whose camera shows the astronaut and whose visitor always allows it."""
    return launch(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )


@pytest.fixture
def open_page(site: SiteProcess) -> Iterator[Callable[..., Page]]:
    """Opens the camera page: `open_page(browser, viewport=..., script=...)`.

    What the page asks of any other host, and every error in its console, fails the test at the end.
    """
    contexts: list[BrowserContext] = []
    foreign: list[str] = []
    complaints: list[str] = []

    def open_page(
        browser: Browser,
        *,
        script: str = "",
        host: str = "127.0.0.1",
        expect_errors: bool = False,
        **options: object,
    ) -> Page:
        # What a service worker does has tests of its own; here every request is the page's.
        context = browser.new_context(**({"viewport": LAPTOP, "service_workers": "block"} | options))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        origin = f"{host}:{site.port}"
        page.on("request", lambda request: note_foreign(request.url, origin, foreign))
        if not expect_errors:
            page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if script:
            page.add_init_script(script)
        page.goto(f"http://{origin}/")
        page.wait_for_selector('#stage:not([data-state="loading"])')
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert foreign == []
    assert complaints == []


def note_foreign(url: str, origin: str, foreign: list[str]) -> None:
    if not url.startswith((f"http://{origin}/", "data:", "blob:")):
        foreign.append(url)
