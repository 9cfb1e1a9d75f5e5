"""Static files: everything that is named is there, and nothing comes from elsewhere."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from PIL import Image

from ml.config import EMOTIONS

WEBUI = Path(__file__).resolve().parents[2] / "webui"
STATIC = WEBUI / "static" / "webui"
SOURCES = sorted(  # of our own: libraries name their homes in comments, and load nothing
    path
    for path in WEBUI.rglob("*")
    if path.suffix in {".html", ".css", ".js"} and "vendor" not in path.parts
)
SVG_NAMESPACE = "http://www.w3.org/2000/svg"


class Links(HTMLParser):
    """Collects every src and href of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in {"src", "href", "data-url"} and value]


@pytest.mark.parametrize("address", ["/", "/pictures/", "/no-such-page/"])
def test_static_files_that_a_page_names_exist(client: Client, address: str) -> None:
    links = Links()
    links.feed(client.get(address).content.decode())
    static = [link.removeprefix("/static/") for link in links.found if link.startswith("/static/")]
    assert static
    assert [name for name in static if finders.find(name) is None] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(WEBUI)))
def test_nothing_is_loaded_from_another_site(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace(SVG_NAMESPACE, "")
    assert re.findall(r"https?://[^\s\"'`$]+|[\"'(]//[a-z]", text) == []


def test_modules_import_only_modules_that_exist() -> None:
    for path in STATIC.rglob("*.js"):
        for name in re.findall(
            r"""(?:from|import)\s*\(?\s*["']([^"']+)["']""", path.read_text(encoding="utf-8")
        ):
            assert name.startswith("."), f"{path.name} imports {name}"
            assert (path.parent / name).is_file(), f"{path.name} imports {name}"


def test_the_page_knows_the_nine_expressions_in_the_detectors_order() -> None:
    source = (STATIC / "js" / "emotions.js").read_text(encoding="utf-8")
    names = re.search(r"EMOTIONS = Object\.freeze\((\[.*?\])\)", source, re.DOTALL)
    assert names is not None
    assert tuple(json.loads(re.sub(r",\s*\]", "]", names[1]))) == EMOTIONS


def test_sample_picture_is_small_and_carries_nobodys_data() -> None:
    path = STATIC / "sample" / "astronaut.jpg"
    assert path.stat().st_size < 100_000
    with Image.open(path) as picture:
        assert picture.format == "JPEG"
        assert not picture.getexif()


def luminance(colour: str) -> float:
    """Relative luminance of "#RRGGBB" as WCAG 2 defines it."""
    channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1..21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def palette(scheme: str) -> dict[str, str]:
    """The custom properties that hold a plain colour, light or dark."""
    sheet = (STATIC / "css" / "tokens.css").read_text(encoding="utf-8")
    light, dark = sheet.split("@media (prefers-color-scheme: dark)")
    pattern = r"--([a-z-]+): (#[0-9A-F]{6});"
    colours = dict(re.findall(pattern, light))
    return colours if scheme == "light" else colours | dict(re.findall(pattern, dark))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("ink", "paper"),
        ("ink", "card"),
        ("quiet", "paper"),
        ("quiet", "card"),
        ("honey", "card"),
        ("on-honey", "honey"),
        ("on-honey", "honey-pressed"),
    ],
)
def test_text_can_be_read(scheme: str, text: str, ground: str) -> None:
    colours = palette(scheme)
    assert contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("edge", "ground"), [("control-edge", "paper"), ("control-edge", "card"), ("honey", "paper")]
)
def test_controls_can_be_seen(scheme: str, edge: str, ground: str) -> None:
    colours = palette(scheme)
    assert contrast(colours[edge], colours[ground]) >= 3.0
