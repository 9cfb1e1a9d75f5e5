"""The pages in other languages, in a real browser: chosen at the foot, whole, and fitting on a phone."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.utils.translation import to_locale
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.axe import issues
from tests.e2e.camera_page import start_camera, wait_for_face
from tests.e2e.conftest import PATIENCE
from tests.e2e.page_kinds import PAGES, PageKind, Visitor, populate, sign_in
from tests.e2e.site_process import ROOT, SiteProcess
from tests.site.catalogues import read_po

PHONE = {"width": 390, "height": 844}
LANGUAGES = ("es", "zh-hans")
LEAST_WORDS = 3
VISITOR_PAGES = [kind for kind in PAGES if kind.visitor is not Visitor.STAFF and kind.prepare is None]
TEXTS = """() => {
  const NAMES = ["aria-label", "alt", "title", "placeholder"];
  const texts = [document.title, document.querySelector("meta[name=description]").content];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) texts.push(node.data);
    else for (const name of NAMES) texts.push(node.getAttribute(name) ?? "");
  }
  return texts.map((text) => text.replace(/\\s+/g, " ").trim()).filter(Boolean);
}"""


def english_of(language: str) -> list[str]:
    """What the English says in three words or more; a value or a tag in it may be anything."""
    folder = ROOT / "locale" / to_locale(language) / "LC_MESSAGES"
    entries = [entry for domain in ("django", "djangojs") for entry in read_po(folder / f"{domain}.po")]
    pieces = {
        piece.strip()
        for entry in entries
        if entry.msgid not in entry.forms
        for text in (entry.msgid, entry.plural)
        for piece in re.split(r"%\(\w+\)s|\{\w+\}|<[^>]+>", text.replace("%%", "%"))
    }
    return sorted(piece for piece in pieces if len(re.findall(r"[A-Za-z]{2,}", piece)) >= LEAST_WORDS)


@pytest.fixture(scope="module")
def own_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteProcess]:
    folder: Path = tmp_path_factory.mktemp("languages")
    site = SiteProcess(folder)
    site.start()
    try:
        populate(site, folder)
        yield site
    finally:
        site.stop()


@pytest.fixture(scope="module")
def contexts(own_site: SiteProcess, browser: Browser) -> Iterator[Callable[[Visitor, str], BrowserContext]]:
    """A window of each visitor in each language, signed in while it was still English."""
    known: dict[tuple[Visitor, str], BrowserContext] = {}

    def context_of(visitor: Visitor, language: str) -> BrowserContext:
        if (visitor, language) not in known:
            context = browser.new_context(viewport=PHONE, reduced_motion="reduce", service_workers="block")
            context.set_default_timeout(PATIENCE)
            if visitor is not Visitor.STRANGER:
                sign_in(context.new_page(), own_site, visitor)
            context.add_cookies([{"name": "language", "value": language, "url": own_site.url}])
            known[visitor, language] = context
        return known[visitor, language]

    yield context_of
    for context in known.values():
        context.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", VISITOR_PAGES, ids=lambda kind: kind.name)
def test_visitor_page_says_nothing_in_english_and_fits_on_a_phone(
    own_site: SiteProcess, contexts: Callable[..., BrowserContext], kind: PageKind, language: str
) -> None:
    page = contexts(kind.visitor, language).new_page()
    try:
        answer = page.goto(own_site.url + kind.path)
        assert answer.status == kind.status
        page.wait_for_load_state("networkidle")
        assert page.locator("html").get_attribute("lang") == language
        texts = page.evaluate(TEXTS)
        english = {piece for piece in english_of(language) for text in texts if piece in text}
        assert english == set()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert issues(page) == []
    finally:
        page.close()


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
@pytest.mark.parametrize(
    ("visitor", "path"),
    [(Visitor.STRANGER, "/"), (Visitor.STRANGER, "/help/"), (Visitor.PERSON, "/help/")],
    ids=["stranger at the camera", "stranger elsewhere", "person"],
)
def test_top_is_one_row_on_a_tablet(
    own_site: SiteProcess, contexts: Callable[..., BrowserContext], visitor: Visitor, path: str, language: str
) -> None:
    page = contexts(visitor, language).new_page()
    try:
        page.set_viewport_size({"width": 820, "height": 1180})
        page.goto(own_site.url + path)
        links = page.locator(".top .place")
        assert links.count() >= 3
        boxes = [one.bounding_box() for one in page.locator(".brand, .top .place").all()]
        middles = [box["y"] + box["height"] / 2 for box in boxes]
        assert max(middles) - min(middles) < 4
    finally:
        page.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_live_camera_speaks_the_language(
    open_page: Callable[..., Page], browser: Browser, language: str
) -> None:
    page = open_page(browser, viewport=PHONE, locale="es-ES" if language == "es" else "zh-CN")
    words = {"es": r"^Cara de .+, \d+\s%$", "zh-hans": r"^看起来.+，\d+%$"}[language]
    start = {"es": "Encender la cámara", "zh-hans": "打开摄像头"}[language]
    page.locator("#notice").get_by_role("button", name=start).click()
    wait_for_face(page)
    expect(page.locator("#reading")).to_have_text(re.compile(words))
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    english = english_of(language)
    assert [piece for piece in english for text in page.evaluate(TEXTS) if piece in text] == []


def test_spanish_and_back_at_the_foot_of_the_camera_page(
    open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser)
    start = page.locator("#notice").get_by_role("button")
    expect(start).to_have_text("Start the camera")
    spanish = page.get_by_role("button", name="Español")
    spanish.focus()
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", "es")
    expect(start).to_have_text("Encender la cámara")
    expect(page.locator("#notice-title")).to_have_text("Pon una cara")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(start).to_have_text("Start the camera")
    start_camera(page)
    wait_for_face(page)


def test_language_is_chosen_without_scripts_too(site: SiteProcess, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.url}/help/")
    page.get_by_role("button", name="简体中文").click()
    expect(page).to_have_url(f"{site.url}/help/")
    expect(page.get_by_role("heading", level=1)).to_have_text("帮助")
    context.close()
