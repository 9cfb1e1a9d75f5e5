"""What holds on every kind of page: it can be used by everybody, obeys the policy and asks nobody else."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.axe import issues
from tests.e2e.conftest import PATIENCE, note_foreign
from tests.e2e.page_kinds import FOREIGN_MADE, PAGES, PageKind, Visitor, populate, sign_in
from tests.e2e.site_process import SiteProcess

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
SCHEMES = ("light", "dark")
SAY_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.effectiveDirective} forbids ${event.blockedURI}`));
"""
SCRIPTS = re.compile(r"<script.*?</script>|</?noscript>", re.DOTALL)
# The enhanced rule asks for 7:1, which only those get who ask for more contrast.
ENHANCED = ("color-contrast-enhanced",)


def by_name(kind: PageKind) -> str:
    return kind.name


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteProcess]:
    folder = tmp_path_factory.mktemp("every")
    site = SiteProcess(folder)
    site.start()
    try:
        populate(site, folder)
        yield site
    finally:
        site.stop()


@pytest.fixture(scope="module")
def contexts(site: SiteProcess, browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """A signed-in window for each visitor and each set of options, kept for the whole module."""
    known: dict[str, BrowserContext] = {}

    def context_of(visitor: Visitor, **options: object) -> BrowserContext:
        key = f"{visitor} {sorted(options.items())}"
        if key not in known:
            usual = {"viewport": DESKTOP, "reduced_motion": "reduce", "service_workers": "block"}
            known[key] = browser.new_context(**(usual | options))
            known[key].set_default_timeout(PATIENCE)
            if visitor is not Visitor.STRANGER:
                page = known[key].new_page()
                sign_in(page, site, visitor)
                page.close()
        return known[key]

    yield context_of
    for context in known.values():
        context.close()


@pytest.fixture
def open_kind(site: SiteProcess, contexts: Callable[..., BrowserContext]) -> Iterator[Callable[..., Page]]:
    """Opens a kind of page; a policy violation, an error in the console and a request to another host fail
    the test at the end."""
    complaints: list[str] = []
    foreign: list[str] = []
    pages: list[Page] = []

    def open_kind(kind: PageKind, **options: object) -> Page:
        page = contexts(kind.visitor, **options).new_page()
        pages.append(page)
        page.add_init_script(SAY_VIOLATIONS)
        page.on("request", lambda request: note_foreign(request.url, f"127.0.0.1:{site.port}", foreign))
        page.on("pageerror", lambda error: complaints.append(str(error)))

        def listen(line) -> None:
            refused = kind.path if kind.status != 200 else kind.refused
            if line.type == "error" and line.location["url"] != site.url + refused:
                complaints.append(line.text)

        page.on("console", listen)
        answer = page.goto(site.url + kind.path)
        assert answer.status == kind.status
        page.wait_for_load_state("networkidle")
        if kind.prepare is not None:
            kind.prepare(page)
        return page

    yield open_kind
    for page in pages:
        page.close()
    assert (complaints, foreign) == ([], [])


@pytest.mark.parametrize("kind", PAGES, ids=by_name)
def test_everybody_can_use_the_page(open_kind: Callable[..., Page], kind: PageKind) -> None:
    """No serious issue for people with disabilities, in light and dark, wide and on a phone, where it also
    fits; 7:1 for those who ask for more contrast; all this within the policy, which allows nothing unsafe."""
    page = open_kind(kind)
    assert "unsafe" not in page.request.get(page.url).headers["content-security-policy"]
    found = {}
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            found[scheme, size["width"]] = issues(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    expect(page.locator("h1")).to_have_count(1)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, contrast="more")
        found[scheme, "more contrast"] = issues(page, only=ENHANCED)
    assert {how: lines for how, lines in found.items() if lines} == {}


@pytest.fixture
def open_unscripted(
    site: SiteProcess, contexts: Callable[..., BrowserContext]
) -> Iterator[Callable[[PageKind], Page]]:
    """Opens a page as a browser without JavaScript shows it, but axe, a script itself, can look at it."""
    pages: list[Page] = []

    def open_unscripted(kind: PageKind) -> Page:
        context, address = contexts(kind.visitor), site.url + kind.path
        html = SCRIPTS.sub("", context.request.get(address).text())
        pages.append(context.new_page())
        pages[-1].route(address, lambda route: route.fulfill(body=html, content_type="text/html"))
        pages[-1].goto(address)
        return pages[-1]

    yield open_unscripted
    for page in pages:
        page.close()


@pytest.mark.parametrize("name", ["camera", "pictures", "pictures-kept"])
def test_everybody_can_use_the_page_without_javascript(
    open_unscripted: Callable[[PageKind], Page], name: str
) -> None:
    page = open_unscripted(named(name))
    for size, scheme in zip((DESKTOP, PHONE), SCHEMES, strict=True):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        assert issues(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_camera_page_without_javascript_shows_the_hamster_and_no_dead_button(
    open_unscripted: Callable[[PageKind], Page],
) -> None:
    main = open_unscripted(named("camera")).get_by_role("main")
    expect(main.locator("img").first).to_be_visible()
    expect(main.get_by_role("link", name="the page of pictures")).to_be_visible()
    expect(main.get_by_role("button")).to_have_count(0)


def test_switch_that_takes_javascript_is_said_to(open_unscripted: Callable[[PageKind], Page]) -> None:
    page = open_unscripted(PageKind("none-kept", "/pictures/", Visitor.STAFF))
    expect(page.get_by_text("That switch takes JavaScript.")).to_be_visible()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_label_of_a_face_is_whole_on_a_small_picture(
    open_kind: Callable[..., Page], size: dict[str, int]
) -> None:
    page = open_kind(named("batch"))
    page.set_viewport_size(size)
    label, tile = (page.locator(found).first.bounding_box() for found in (".boxes text", ".shot-picture"))
    assert label["y"] >= tile["y"]


@pytest.mark.parametrize("kind", FOREIGN_MADE, ids=by_name)
def test_pages_that_others_made_obey_the_policy_too(open_kind: Callable[..., Page], kind: PageKind) -> None:
    page = open_kind(kind)
    assert "unsafe" not in page.request.get(page.url).headers["content-security-policy"]


def test_titles_and_descriptions_tell_pages_apart(
    site: SiteProcess, contexts: Callable[..., BrowserContext]
) -> None:
    seen: dict[str, str] = {}
    one_each = {kind.path: kind for kind in reversed(PAGES)}  # a page in several states counts once
    for kind in one_each.values():
        if kind.status == 200 and kind.prepare is None:
            text = contexts(kind.visitor).request.get(site.url + kind.path).text()
            title = re.search(r"<title>(.+)</title>", text)[1]
            description = re.search(r'<meta name="description" content="([^"]{20,})">', text)[1]
            assert "Hamster Expression" in title
            for words in (title, description):
                assert words not in seen, f"{kind.name} and {seen[words]}: {words}"
                seen[words] = kind.name


def test_in_forced_colours_what_colour_told_can_still_be_seen(open_kind: Callable[..., Page]) -> None:
    page = open_kind(named("camera-live"), forced_colors="active")
    expect(page.locator(".bar.leading .bar-fill")).to_have_count(1)
    colour = "element => getComputedStyle(element).backgroundColor"
    bar, ground = (page.locator(f".bar.leading .bar-{part}").evaluate(colour) for part in ("fill", "track"))
    assert bar != ground
    assert page.locator("#reading-dot").evaluate(colour) != page.locator("body").evaluate(colour)
    for part in (".card", ".button"):
        assert (
            page.locator(part).first.evaluate("element => getComputedStyle(element).borderTopStyle")
            == "solid"
        )
    page.get_by_role("button", name="Settings").click()
    thumb = "element => getComputedStyle(element, '::before').backgroundColor"
    switch = page.get_by_role("switch", name="Show boxes")
    on = switch.evaluate(thumb)
    switch.click()
    assert switch.evaluate(thumb) != on


def named(name: str) -> PageKind:
    return next(kind for kind in PAGES if kind.name == name)
