"""What the first page costs: bytes over the wire, and nothing that jumps while it loads."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.e2e.conftest import PATIENCE
from tests.e2e.site_process import SiteProcess

MOST_BYTES = 250 * 1024
MOST_SHIFT = 0.01
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
WATCH_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const moved = entry.sources.map(({ node }) => node?.id || node?.className || node?.nodeName);
    window.shifts.push([entry.value, moved]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""
SENT_AND_KEPT = """() => {
  const files = performance.getEntriesByType("resource").filter(({ name }) => name.includes("/static/"));
  const named = (chosen) => files.filter(chosen).map(({ name }) => name);
  return [named(({ transferSize }) => transferSize > 0), named(({ transferSize }) => transferSize === 0)];
}"""


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(service_workers="block")
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


def test_first_page_is_at_most_250_kilobytes_over_the_wire(
    site: SiteProcess, context: BrowserContext
) -> None:
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    names: dict[str, str] = {}
    sizes: dict[str, int] = {}
    devtools.on(
        "Network.requestWillBeSent", lambda event: names.update({event["requestId"]: event["request"]["url"]})
    )
    devtools.on(
        "Network.loadingFinished",
        lambda event: sizes.update({names.get(event["requestId"], "?"): int(event["encodedDataLength"])}),
    )
    page.goto(site.url)
    page.wait_for_selector('#stage:not([data-state="loading"])')
    page.wait_for_load_state("networkidle")
    assert f"{site.url}/" in sizes
    assert len(sizes) > 10
    assert sum(sizes.values()) <= MOST_BYTES, sorted(sizes.items(), key=lambda item: -item[1])[:12]


def test_static_files_come_compressed_and_are_kept_for_good(
    site: SiteProcess, context: BrowserContext
) -> None:
    page = context.new_page()
    answers = {}
    page.on("response", lambda answer: answers.update({answer.url: answer}))
    page.goto(site.url)
    page.wait_for_selector('#stage:not([data-state="loading"])')
    static = [answer for url, answer in answers.items() if "/static/" in url]
    assert len(static) > 20
    for answer in static:
        assert "immutable" in answer.headers["cache-control"], answer.url
        if answer.url.endswith((".js", ".css", ".svg")):
            assert answer.headers.get("content-encoding") == "gzip", answer.url


def test_second_visit_asks_only_for_the_page(site: SiteProcess, context: BrowserContext) -> None:
    for visit in ("first", "second"):
        page = context.new_page()
        page.goto(site.url)
        page.wait_for_selector('#stage:not([data-state="loading"])')
        page.wait_for_load_state("networkidle")
        sent, kept = page.evaluate(SENT_AND_KEPT)
        assert len(sent) > 20 if visit == "first" else len(kept) > 20
        page.close()
    assert sent == []


@pytest.mark.parametrize("path", ["/", "/help/", "/about/", "/accounts/login/"])
@pytest.mark.parametrize("size", SIZES)
def test_nothing_jumps_while_a_page_loads(
    site: SiteProcess, context: BrowserContext, path: str, size: str
) -> None:
    page = context.new_page()
    page.set_viewport_size(SIZES[size])
    page.add_init_script(WATCH_SHIFTS)
    page.goto(site.url + path)
    page.wait_for_load_state("networkidle")
    shifts = page.evaluate("window.shifts")
    assert sum(value for value, _ in shifts) < MOST_SHIFT, shifts


@pytest.mark.parametrize("size", SIZES)
def test_nothing_jumps_on_a_slow_machine_which_could_paint_half_a_page(
    site: SiteProcess, browser: Browser, size: str
) -> None:
    for _ in range(6):
        context = browser.new_context(viewport=SIZES[size])
        page = context.new_page()
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 4})
        page.add_init_script(WATCH_SHIFTS)
        page.goto(site.url)
        page.wait_for_load_state("networkidle")
        shifts = page.evaluate("window.shifts")
        context.close()
        assert sum(value for value, _ in shifts) < MOST_SHIFT, shifts
