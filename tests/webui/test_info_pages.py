"""Help, privacy and the detector's page, and what browsers and robots ask for at fixed addresses."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client, override_settings
from PIL import Image

from detector.models import DetectorVersion
from detector.services.versions import promote_version, register_shipped_detector, register_version
from ml.config import EMOTIONS
from tests.ml.red_cell_detector import write_red_cell_detector
from webui.detector_figures import misreadings

CARD = json.loads((settings.BASE_DIR / "ml" / "weights" / "card.json").read_text(encoding="utf-8"))


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.mark.django_db
def test_about_shows_the_figures_and_tables_of_the_version_at_work(client: Client) -> None:
    version = register_shipped_detector()
    text = text_of(client, "/about/")
    metrics = CARD["metrics"]
    assert version.name in text
    assert version.sha256 in text
    assert f"of the faces are read as people read them {100 * metrics['accuracy']:.1f} %" in text
    for name in EMOTIONS:
        row = metrics["per_class"][name]
        assert f"{name} {row['count']} {row['AP50']:.3f} {row['precision']:.3f} {row['recall']:.3f}" in text
    hardest = sorted(EMOTIONS, key=lambda name: metrics["per_class"][name]["recall"])[:3]
    assert "The hardest for it are {}, {} and {}.".format(*hardest) in text
    page = client.get("/about/").content.decode()
    cells = [int(number) for number in re.findall(r'<td data-shade="\d"[^>]*>(?:<span[^>]*>)?(\d+)', page)]
    assert cells == [count for row in metrics["confusion"] for count in row]


@pytest.mark.django_db
def test_about_follows_a_promotion_and_says_what_its_card_leaves_out(client: Client, tmp_path: Path) -> None:
    register_shipped_detector()
    onnx = write_red_cell_detector(tmp_path / "red.onnx", version="red-1")
    promote_version(version=register_version(onnx=onnx, source=DetectorVersion.Source.IMPORTED), actor=None)
    text = text_of(client, "/about/")
    assert "red-1" in text
    assert "has not measured it" in text
    assert "ask who runs it what it learned from" in text
    assert "AffectNet" not in text


@pytest.mark.django_db
def test_about_says_so_when_no_detector_is_at_work(client: Client) -> None:
    assert "No detector is at work here" in text_of(client, "/about/")


@pytest.mark.django_db
def test_the_shipped_version_has_the_card_beside_its_file_also_if_it_was_registered_without(
    client: Client,
) -> None:
    version = register_shipped_detector()
    DetectorVersion.objects.update(card={"version": CARD["version"], "input_size": 320})
    assert register_shipped_detector().pk == version.pk
    assert DetectorVersion.objects.get().card["metrics"]["per_class"] == CARD["metrics"]["per_class"]


def test_misreadings_begin_with_what_is_read_worst() -> None:
    confusion = [[0] * (len(EMOTIONS) + 1) for _ in EMOTIONS]
    confusion[0][0], confusion[0][5] = 6, 4  # angry, taken for natural
    confusion[6][6], confusion[6][-1] = 1, 3  # sad, missed
    first, second = misreadings(confusion)
    assert (first.truth, first.found, first.share, first.right) == ("sad", "missed", 0.75, 0.25)
    assert (second.truth, second.found, second.share, second.right) == ("angry", "natural", 0.4, 0.6)


def test_privacy_names_the_hours_that_batches_are_kept(client: Client) -> None:
    with override_settings(HAMSTER=settings.HAMSTER | {"batch_retention_hours": 7.0}):
        assert "7 hours, or until you delete the batch" in text_of(client, "/privacy/")


@pytest.mark.parametrize(
    "address", ["/help/", "/privacy/", "/offline/", "/manifest.webmanifest", "/robots.txt"]
)
def test_explaining_pages_set_no_cookie(client: Client, address: str) -> None:
    assert not client.get(address).cookies


def test_help_names_every_trouble_in_the_words_of_the_camera_page(client: Client) -> None:
    text = text_of(client, "/help/")
    messages = (settings.BASE_DIR / "webui/static/webui/js/messages.js").read_text(encoding="utf-8")
    troubles = re.findall(
        r'title: gettext\("([^"]+)"\),\s+text: [^\n]+,\s+action: [^\n]+,\s+does: "\w+",\s+tone: "trouble"',
        messages,
    )
    assert len(troubles) >= 5
    assert [title for title in troubles if title not in text] == ["The camera has gone"]


def test_every_link_within_help_leads_to_a_place_on_it(client: Client) -> None:
    page = client.get("/help/").content.decode()
    targets = re.findall(r'href="#(\w+)"', page)
    assert len(targets) > 7
    assert [target for target in targets if f'id="{target}"' not in page] == []


def test_camera_page_without_javascript_points_to_the_page_of_pictures(client: Client) -> None:
    page = client.get("/").content.decode()
    noscript = page[page.rindex("<noscript>") : page.rindex("</noscript>")]
    assert 'href="/pictures/"' in noscript
    assert "the page of pictures" in noscript


@pytest.mark.parametrize("address", ["/", "/help/", "/about/", "/privacy/", "/no-such-page/"])
@pytest.mark.django_db
def test_foot_leads_to_help_detector_and_privacy(client: Client, address: str) -> None:
    page = client.get(address).content.decode()
    foot = page[page.index("<footer") :]
    assert all(f'href="{place}"' in foot for place in ("/help/", "/about/", "/privacy/"))


def test_manifest_names_icons_of_the_sizes_that_they_have(client: Client) -> None:
    answer = client.get("/manifest.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    manifest = answer.json()
    assert manifest["start_url"] == manifest["scope"] == "/"
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        with Image.open(finders.find(icon["src"].removeprefix("/static/"))) as picture:
            assert icon["sizes"] == f"{picture.width}x{picture.height}"
            assert icon["type"] == Image.MIME[picture.format]


def test_maskable_icon_leaves_its_edge_to_the_launcher() -> None:
    with Image.open(finders.find("webui/icons/maskable.png")) as picture:
        colours = picture.convert("RGB")
        ground = colours.getpixel((0, 0))
        difference = np.abs(np.asarray(colours, dtype=int) - ground).max(axis=2)
        y, x = np.ogrid[:512, :512]
        edge = (x - 255.5) ** 2 + (y - 255.5) ** 2 > (0.4 * 512) ** 2
    assert difference[~edge].max() > 100
    assert difference[edge].max() < 24


def test_links_to_the_site_show_a_card_at_an_absolute_address(client: Client) -> None:
    page = client.get("/help/", headers={"host": "localhost:8000"}).content.decode()
    found = dict(re.findall(r'<meta property="og:([\w:]+)" content="([^"]+)">', page))
    assert found["url"] == "http://localhost:8000/help/"
    assert found["image"] == "http://localhost:8000/static/webui/icons/card.png"
    with Image.open(finders.find("webui/icons/card.png")) as card:
        assert (
            (str(card.width), str(card.height))
            == (found["image:width"], found["image:height"])
            == ("1200", "630")
        )


def test_browsers_find_an_icon_on_pages_that_name_none(client: Client) -> None:
    answer = client.get("/favicon.ico")
    assert answer.status_code == 302
    with Image.open(finders.find(answer["Location"].removeprefix("/static/"))) as icon:
        assert {(16, 16), (32, 32), (48, 48)} == icon.info["sizes"]


def test_robots_are_kept_from_what_is_private_and_let_into_the_rest(client: Client) -> None:
    text = client.get("/robots.txt").content.decode()
    closed = re.findall(r"^Disallow: (\S+)$", text, re.MULTILINE)
    assert "/batches/" in closed
    assert "/api/" in closed
    assert not [path for path in closed if "/help/".startswith(path)]


def test_offline_page_is_the_same_for_everybody(client: Client, admin_client: Client) -> None:
    worker = client.get("/service-worker.js").content.decode()
    shell = json.loads(re.search(r"const SHELL = (\[.*?\]);", worker, re.DOTALL)[1])
    assert shell[0] == "/offline/?language=en"
    assert [path for path in shell[1:] if finders.find(path.removeprefix("/static/")) is None] == []
    assert admin_client.get("/service-worker.js").content.decode() == worker
