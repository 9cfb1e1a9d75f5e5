"""Photograph every kind of page at three widths, in light and dark: one sheet a page.

    python tools/screenshots.py --out docs/screenshots
    python tools/screenshots.py --language es --only help --only camera-live --out /tmp/look

It runs the site with a folder of its own and a browser whose camera shows the astronaut, as the tests do, and
needs requirements-dev.txt and a Chromium.
"""

import argparse
import shutil
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.e2e.conftest import NAMES
from tests.e2e.fake_camera import write_film
from tests.e2e.page_kinds import PAGES, PageKind, Visitor, populate, sign_in
from tests.e2e.site_process import SiteProcess

WIDTHS = {390: 844, 820: 1180, 1440: 900}
SCHEMES = ("light", "dark")
TALLEST = 2600
"""Of a page this much is shown, in pixels."""
SCALE = 0.5
GAP = 12
LOAD_ALL = "document.querySelectorAll('img[loading=lazy]').forEach((picture) => (picture.loading = 'eager'))"
"""A photograph of a whole page does not scroll to the pictures that wait for that."""


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--language", choices=("en", "es", "zh-hans"), default="en")
    parser.add_argument("--only", action="append", choices=[kind.name for kind in PAGES], metavar="NAME")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    kinds = [kind for kind in PAGES if not options.only or kind.name in options.only]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_film(folder / "film.y4m")
        site = SiteProcess(folder)
        site.start()
        try:
            populate(site, folder)
            photograph(site, kinds, folder / "film.y4m", options.language, options.out)
        finally:
            site.stop()
    return 0


def photograph(site: SiteProcess, kinds: list[PageKind], film: Path, language: str, out: Path) -> None:
    """Write one WebP a kind of page into `out`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=next(filter(None, map(shutil.which, NAMES)), None),
            args=[
                "--no-sandbox",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-video-capture={film}",
            ],
        )
        pages = {visitor: signed_in_page(browser, site, visitor, language) for visitor in Visitor}
        for kind in kinds:
            sheet_of(pages[kind.visitor], site.url, kind).save(out / f"{kind.name}.webp", quality=80)
            print(kind.name, flush=True)
        browser.close()


def signed_in_page(browser: Browser, site: SiteProcess, visitor: Visitor, language: str) -> Page:
    """A page of that visitor, who reads that language from now on."""
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    if visitor is not Visitor.STRANGER:
        sign_in(page, site, visitor)
    context.add_cookies([{"name": "language", "value": language, "url": site.url}])
    return page


def sheet_of(page: Page, url: str, kind: PageKind) -> Image.Image:
    """The page at all widths, light and dark, side by side."""
    shots = []
    for scheme in SCHEMES:
        for width, height in WIDTHS.items():
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": height})
            page.goto(url + kind.path)
            page.wait_for_load_state("networkidle")
            if kind.prepare is not None:
                kind.prepare(page)
            page.evaluate(LOAD_ALL)
            page.wait_for_timeout(700)  # the hamster has turned to what it shows, and pictures are there
            shot = Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")
            shot = shot.crop((0, 0, shot.width, min(shot.height, TALLEST)))
            shots.append(shot.resize((round(shot.width * SCALE), round(shot.height * SCALE)), Image.LANCZOS))
    width = sum(shot.width + GAP for shot in shots) + GAP
    sheet = Image.new("RGB", (width, max(shot.height for shot in shots) + 2 * GAP), "#808080")
    left = GAP
    for shot in shots:
        sheet.paste(shot, (left, GAP))
        left += shot.width + GAP
    return sheet


if __name__ == "__main__":
    sys.exit(main())
