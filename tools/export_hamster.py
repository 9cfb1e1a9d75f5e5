"""Write the still pictures of the hamster: the rig's ten poses as standalone SVG files.

``python tools/export_hamster.py`` writes webui/static/webui/hamster/stills/NAME.svg; ``--check`` only says
which of them are out of date (exit status 1). The rig itself draws them in a headless Chromium;
``--chromium`` names one that is not on the PATH.
"""

import argparse
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Error, Page, Route, sync_playwright

HAMSTER = Path(__file__).resolve().parent.parent / "webui" / "static" / "webui" / "hamster"
STILLS = HAMSTER / "stills"
ORIGIN = "http://hamster.invalid"
POLICY = {"Content-Security-Policy": "default-src 'self'"}
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")

DRAW = """async () => {
  const [{ buildRig }, { POSES }, { LABELS }] = await Promise.all(
    ["rig.js", "poses.js", "hamster.js"].map((name) => import(`/${name}`)));
  return Object.fromEntries(Object.entries(POSES).map(([name, pose]) => {
    const rig = buildRig(`biscuit-${name}`);
    rig.apply(pose);
    for (const unseen of rig.svg.querySelectorAll("[display=none]")) unseen.remove();
    for (const shown of rig.svg.querySelectorAll("[display]")) shown.removeAttribute("display");
    const title = document.createElementNS(rig.svg.namespaceURI, "title");
    title.textContent = LABELS[name];
    rig.svg.prepend(title);
    return [name, new XMLSerializer().serializeToString(rig.svg)];
  }));
}"""


def find_chromium() -> str | None:
    """Return the path of a Chromium on the PATH, or None."""
    return next((found for name in CHROMIUM_NAMES if (found := shutil.which(name))), None)


def serve(page: Page) -> None:
    """Open an empty page whose modules come from the hamster's folder, under the site's policy."""

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(ORIGIN).lstrip("/")
        module = HAMSTER / name
        if not name:
            route.fulfill(content_type="text/html", headers=POLICY, body="<!doctype html>")
        elif module.is_file():
            route.fulfill(content_type="text/javascript", body=module.read_bytes())
        else:
            route.fulfill(status=404)

    page.route("**/*", answer)
    page.goto(ORIGIN)


def draw_stills(page: Page) -> dict[str, str]:
    """Return the SVG text of every pose by its name; `page` was opened with `serve`."""
    drawn = page.evaluate(DRAW)
    return {name: svg.replace("><", ">\n<") + "\n" for name, svg in drawn.items()}


def outdated(drawn: dict[str, str]) -> list[str]:
    """Return the names of the files that are missing, differ from `drawn`, or have no pose any more."""
    written = {path.stem: path.read_text(encoding="utf-8") for path in STILLS.glob("*.svg")}
    return sorted(name for name in drawn.keys() | written.keys() if drawn.get(name) != written.get(name))


def main() -> int:
    """Write the stills, or check them."""
    parser = argparse.ArgumentParser(description="Write the still pictures of the hamster.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is out of date")
    parser.add_argument("--chromium", default=find_chromium(), help="path of the browser")
    options = parser.parse_args()
    if options.chromium is None:
        print("No Chromium found. Install one, or name it with --chromium.", file=sys.stderr)
        return 2
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
            page = browser.new_page()
            serve(page)
            drawn = draw_stills(page)
            browser.close()
    except Error as error:
        print(f"Chromium could not draw the hamster: {error}", file=sys.stderr)
        return 2
    stale = outdated(drawn)
    if options.check:
        print(f"Out of date: {', '.join(stale)}" if stale else "All stills are up to date.")
        return int(bool(stale))
    STILLS.mkdir(exist_ok=True)
    for name in stale:
        path = STILLS / f"{name}.svg"
        if name in drawn:
            path.write_text(drawn[name], encoding="utf-8")
        else:
            path.unlink()
    print(f"Wrote {', '.join(stale)}" if stale else "All stills were up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
