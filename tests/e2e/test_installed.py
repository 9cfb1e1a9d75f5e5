"""The installed app: what its worker keeps, what is seen without a server, how it follows changes."""

import json
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.camera_page import start_camera, wait_for_face
from tests.e2e.conftest import PATIENCE
from tests.e2e.page_kinds import PASSWORD, Visitor, sign_in
from tests.e2e.site_process import SiteProcess

PERSON = f"""
from django.contrib.auth import get_user_model
get_user_model().objects.create_user("mia", password={PASSWORD!r})
"""
KEPT = """async () => Object.fromEntries(await Promise.all((await caches.keys()).map(async (name) =>
  [name, (await (await caches.open(name)).keys()).map((request) => new URL(request.url).pathname)])))"""
CONTROLLED = """async () => {
  const workers = navigator.serviceWorker;
  if (workers.controller) return;
  await new Promise((done) => workers.addEventListener("controllerchange", done, { once: true }));
}"""
ANOTHER_CACHE = """async (before) => {
  for (const started = Date.now(); Date.now() - started < 20000;) {
    const names = await caches.keys();
    if (names.length === 1 && names[0] !== before) return true;
    await new Promise(requestAnimationFrame);
  }
  return false;
}"""
HASHED = re.compile(r"/static/.+\.[0-9a-f]{12}\.(js|css|svg|png|ico|jpg)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteProcess]:
    site = SiteProcess(tmp_path_factory.mktemp("installed"))
    site.start()
    site.manage("shell", "--no-imports", "-c", PERSON)
    yield site
    site.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def visit(context: BrowserContext, site: SiteProcess) -> Callable[[], Page]:
    """Opens the camera page and waits until the service worker has it."""

    def visit() -> Page:
        page = context.new_page()
        page.goto(site.url)
        page.evaluate(CONTROLLED)
        return page

    return visit


def test_only_the_static_shell_is_kept_whatever_a_signed_in_person_opens(
    visit: Callable[[], Page], site: SiteProcess
) -> None:
    page = visit()
    sign_in(page, site, Visitor.PERSON)
    start_camera(page)
    wait_for_face(page)
    page.get_by_role("button", name="Stop").click()
    page.keyboard.press("Escape")  # the card of the session
    page.get_by_role("button", name="Try a sample").click()
    wait_for_face(page)
    page.goto(f"{site.url}/batches/")
    assert page.evaluate("fetch('/api/batches/').then((answer) => answer.status)") == 200
    page.goto(f"{site.url}/about/")
    (kept,) = page.evaluate(KEPT).values()
    assert len(kept) > 20
    assert [path for path in kept if not HASHED.fullmatch(path)] == ["/offline/"]
    stored = page.evaluate("caches.match('/offline/?language=en').then((answer) => answer.text())")
    assert "mia" not in stored
    assert "csrf" not in stored


def test_without_a_server_the_hamster_says_so_and_the_page_comes_back_with_it(
    visit: Callable[[], Page], site: SiteProcess
) -> None:
    page = visit()
    site.stop()
    try:
        page.goto(f"{site.url}/help/")
        expect(page.get_by_role("heading", name="Biscuit cannot reach the server")).to_be_visible()
        expect(page.get_by_role("main").locator("img")).not_to_have_js_property("naturalWidth", 0)
        expect(page.locator("html")).to_have_css("background-color", "rgb(251, 246, 236)")
    finally:
        site.start()
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", name="Help", exact=True)).to_be_visible()


def test_a_change_of_the_site_replaces_what_is_kept(visit: Callable[[], Page], site: SiteProcess) -> None:
    page = visit()
    (before,) = page.evaluate(KEPT)
    site.stop()
    # What collecting another set of static files would write.
    manifest = site.log.parent / "var" / "static" / "staticfiles.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(content | {"hash": "another"}))
    site.start()
    page.reload()
    assert page.evaluate(ANOTHER_CACHE, before)
    (kept,) = page.evaluate(KEPT).values()
    assert "/offline/" in kept


def test_worker_and_manifest_are_served_for_the_whole_site(
    context: BrowserContext, site: SiteProcess
) -> None:
    worker = context.request.get(f"{site.url}/service-worker.js")
    assert worker.headers["content-type"] == "text/javascript"
    assert worker.headers["cache-control"] == "no-cache"
    manifest = context.request.get(f"{site.url}/manifest.webmanifest")
    assert manifest.headers["content-type"] == "application/manifest+json"
    for icon in manifest.json()["icons"]:
        assert context.request.get(site.url + icon["src"]).status == 200


def test_the_browser_finds_nothing_that_keeps_it_from_installing(
    context: BrowserContext, visit: Callable[[], Page]
) -> None:
    devtools = context.new_cdp_session(visit())
    found = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # A window of a test is a private one, which installs nothing, whatever the site.
    assert {error["errorId"] for error in found} <= {"in-incognito"}
    assert devtools.send("Page.getAppManifest")["errors"] == []
