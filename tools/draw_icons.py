"""Draw the icons of the site and the card that links to it show, from the still pictures of the hamster.

``python tools/draw_icons.py`` writes webui/static/webui/icons/ with a headless Chromium; ``--chromium`` names
one that is not on the PATH. Run it after tools/export_hamster.py has changed the stills.
"""

import argparse
import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Error, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent))
from export_hamster import STILLS, find_chromium

ICONS = STILLS.parent.parent / "icons"
PAPER, INK, QUIET = "#FBF6EC", "#2A211B", "#6D5F54"
CARD = (1200, 630)
FAVICON_SIDES = (16, 32, 48)
FACES = ("surprised", "happy", "angry", "sleepy")


def still(name: str) -> str:
    """The SVG of a pose, to stand in a page."""
    return (STILLS / f"{name}.svg").read_text(encoding="utf-8")


def icon(*, side: int, share: float, ground: str) -> str:
    """A page with the hamster in the middle of a square; `share` is the hamster's part of its side."""
    return f"""<style>
      body {{ margin: 0; display: grid; place-items: center; width: {side}px; height: {side}px;
             background: {ground}; }}
      svg {{ width: {side * share}px; height: {side * share}px; }}
    </style>{still("happy")}"""


def card() -> str:
    """The card: what it is in one sentence, and four faces on the edge of a table."""
    faces = "".join(f"<div>{still(name)}</div>" for name in FACES)
    return f"""<style>
      body {{ margin: 0; width: 1200px; height: 630px; overflow: hidden; background: {PAPER}; color: {INK};
             font-family: "Noto Sans", "DejaVu Sans", sans-serif; }}
      h1 {{ margin: 56px 72px 0; font-size: 68px; line-height: 1.1; letter-spacing: -0.02em; }}
      p {{ margin: 20px 72px 0; font-size: 32px; color: {QUIET}; }}
      .faces {{ position: absolute; bottom: -28px; left: -8px; display: flex; }}
      .faces div {{ width: 328px; margin-right: -32px; }}
      svg {{ display: block; width: 100%; }}
    </style><h1>Make a face, and a hamster makes the same one</h1><p>Hamster Expression</p>
    <div class="faces">{faces}</div>"""


def shoot(page: Page, html: str, width: int, height: int, *, clear: bool = False) -> Image.Image:
    """A picture of a page; `clear`: without a ground."""
    page.set_viewport_size({"width": width, "height": height})
    page.set_content(f"<!doctype html>{html}")
    return Image.open(io.BytesIO(page.screenshot(omit_background=clear)))


def draw(page: Page) -> None:
    """Write all of them."""
    ICONS.mkdir(exist_ok=True)

    def write(picture: Image.Image, name: str) -> None:
        # The drawings have few colours, and a palette makes the files a third as large.
        picture.quantize(256, method=Image.Quantize.FASTOCTREE).save(ICONS / f"{name}.png", optimize=True)

    clear = {"share": 1.0, "ground": "transparent"}
    write(shoot(page, icon(side=192, **clear), 192, 192, clear=True), "192")
    write(shoot(page, icon(side=512, **clear), 512, 512, clear=True), "512")
    # A launcher cuts any shape from it that leaves the inner 80 %.
    write(shoot(page, icon(side=512, share=0.6, ground=PAPER), 512, 512), "maskable")
    write(shoot(page, icon(side=180, share=0.9, ground=PAPER), 180, 180), "apple-touch")
    write(shoot(page, card(), *CARD), "card")
    small = shoot(page, icon(side=96, **clear), 96, 96, clear=True)
    small.save(ICONS / "favicon.ico", sizes=[(side, side) for side in FAVICON_SIDES])


def main() -> int:
    """Draw them."""
    parser = argparse.ArgumentParser(description="Draw the icons of the site from the stills.")
    parser.add_argument("--chromium", default=find_chromium(), help="path of the browser")
    options = parser.parse_args()
    if options.chromium is None:
        print("No Chromium found. Install one, or name it with --chromium.", file=sys.stderr)
        return 2
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
            draw(browser.new_page())
            browser.close()
    except Error as error:
        print(f"Chromium could not draw the icons: {error}", file=sys.stderr)
        return 2
    print(f"Wrote {ICONS}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
