"""Data sets in a real browser, with a real worker: upload one, read the report, look through the pictures."""

import re
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.e2e.site_process import SiteProcess
from tests.ml.drawn_faces import make_dataset

PASSWORD = "long enough for a test"
KEEPER = """
from django.contrib.auth import get_user_model
get_user_model().objects.filter(username="keeper").exists() or (
    get_user_model().objects.create_user("keeper", password=%r, is_staff=True))
"""
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def staff_page(site: SiteProcess, open_page: Callable[..., Page], browser: Browser) -> Callable[..., Page]:
    """Opens the list of data sets for a member of the staff."""

    def open_list(**options: object) -> Page:
        site.manage("shell", "-c", KEEPER % PASSWORD)
        page = open_page(browser, **options)
        page.goto(f"{site.url}/datasets/")
        page.get_by_label("Name").fill("keeper")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Data sets", level=1)).to_be_visible()
        return page

    return open_list


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """A data set with a broken picture, two bad lines and a picture that is in both splits."""
    root = make_dataset(tmp_path / "set", train=27, valid=9)
    pictures = sorted((root / "train" / "images").iterdir())
    labels = root / "train" / "labels"
    pictures[0].write_bytes(b"not a picture")
    (labels / f"{pictures[1].stem}.txt").write_text("0 0.5 0.5 0.2 0.2\n11 0.5 0.5 0.2 0.2\n4 nan 0 0 0\n")
    with Image.open(pictures[4]) as picture:
        picture.resize((160, 160)).save(root / "valid" / "images" / "again.jpg", quality=70)
    shutil.copy(labels / f"{pictures[4].stem}.txt", root / "valid" / "labels" / "again.txt")
    return root


def upload(page: Page, name: str, archive: Path) -> None:
    form = page.get_by_role("form", name="Upload a zip")
    form.get_by_label("Name").fill(name)
    form.get_by_label("Zip archive").set_input_files(archive)
    form.get_by_role("button", name="Upload").click()


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


ALL_HERE = "() => [...document.images].every((image) => image.complete && image.naturalWidth > 0)"


def test_staff_upload_a_set_read_its_report_and_look_through_it(
    staff_page: Callable[..., Page], faulty: Path, tmp_path: Path
) -> None:
    page = staff_page()
    name = f"Drawn {uuid.uuid4().hex[:6]}"
    upload(page, name, Path(shutil.make_archive(str(tmp_path / "faces"), "zip", tmp_path, "set")))
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    expect(page.get_by_role("heading", name="3 problems")).to_be_visible()

    problems = page.get_by_role("region", name="3 problems")
    expect(problems.get_by_role("row")).to_have_count(4)
    for row in (
        "train/images/colour_train_0000.jpg Not an image",
        "train/labels/colour_train_0001.txt 2 unknown class 11",
        "train/labels/colour_train_0001.txt 3 a value that is not finite",
    ):
        expect(problems.get_by_role("row", name=row)).to_be_visible()
    expect(page.get_by_role("heading", name="1 picture with a twin in another split")).to_be_visible()
    expect(page.locator(".pairs img")).to_have_count(2)
    expect(page.get_by_role("row", name="happy 3 2")).to_be_visible()
    expect(page.locator("#sizes-chart")).to_have_attribute("aria-label", re.compile("64 to 127 pixels: "))
    assert fits(page)

    page.get_by_role("main").get_by_role("link", name="Pictures", exact=True).click()
    expect(page.get_by_text("37 pictures")).to_be_visible()
    expect(page.locator(".sample")).to_have_count(24)
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".sample")).to_have_count(13)

    page.get_by_label("Split").select_option("valid")
    page.get_by_label("With a face that is labelled").select_option("happy")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("2 pictures")).to_be_visible()
    expect(page.locator(".sample rect")).to_have_count(2)
    page.wait_for_function(
        "() => [...document.images].every((image) => image.complete && image.naturalWidth)"
    )
    picture, box = (page.locator(f".sample {part}").first.bounding_box() for part in ("img", "rect"))
    assert picture["x"] <= box["x"]
    assert box["x"] + box["width"] <= picture["x"] + picture["width"] + 3

    page.get_by_label("Split").select_option("")
    page.get_by_label("With a face that is labelled").select_option("")
    page.get_by_label("Problems only").check()
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("2 pictures")).to_be_visible()
    expect(page.get_by_text("Line 2: unknown class 11")).to_be_visible()

    page.get_by_role("link", name="Back to the report").click()
    page.get_by_role("button", name="Check again").click()
    expect(page.get_by_role("heading", name="3 problems")).to_be_visible()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text(f"{name} was deleted.")).to_be_visible()
    expect(page.get_by_role("link", name=name)).to_have_count(0)


def test_what_is_no_data_set_is_explained_beside_the_form(
    staff_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = staff_page(expect_errors=True)
    junk = tmp_path / "junk.zip"
    junk.write_bytes(b"junk" * 1000)
    upload(page, "Junk", junk)
    expect(page.get_by_role("alert")).to_have_text(
        "This is not a zip archive, or it is damaged or cut short."
    )
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "a.jpg").write_bytes(b"x")
    upload(page, "Junk", Path(shutil.make_archive(str(tmp_path / "h"), "zip", tmp_path, "holiday")))
    expect(page.get_by_role("alert")).to_contain_text("train/images")
    expect(page.get_by_role("button", name="Upload")).to_be_enabled()


WAIT = """
from django.utils import timezone
from detector.models import Dataset
assert Dataset.objects.filter(name=%r).update(
    state="queued", progress=0, claim="", attempts=0, images=None, problem_count=None, report=None,
    heartbeat_at=timezone.now())
"""
CHECK = """
from detector.models import Dataset
from detector.services.datasets import send_check
send_check(Dataset.objects.get(name=%r).pk)
"""
DELETE = """
from detector.models import Dataset
Dataset.objects.get(name=%r).delete()
"""


def test_a_registered_folder_is_watched_from_the_list_on_a_phone(
    staff_page: Callable[..., Page], site: SiteProcess, tmp_path: Path
) -> None:
    page = staff_page(viewport=PHONE)
    assert fits(page)
    form = page.get_by_role("form", name="Register a folder")
    name = f"Folder {uuid.uuid4().hex[:6]}"
    form.get_by_label("Name").fill(name)
    form.get_by_label("Folder").fill(str(make_dataset(tmp_path / "reg", train=9, valid=9)))
    form.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", name="No problems")).to_be_visible()
    assert fits(page)
    page.get_by_role("main").get_by_role("link", name="Pictures", exact=True).click()
    expect(page.get_by_text("18 pictures")).to_be_visible()
    assert fits(page)

    site.manage("shell", "-c", WAIT % name)  # with nobody told, so that the list is there before the check
    page.goto(f"{site.url}/datasets/")
    row = page.get_by_role("row", name=name)
    expect(row).to_contain_text("queued")
    page.get_by_role("form", name="Upload a zip").get_by_label("Name").fill("not sent yet")
    site.manage("shell", "-c", CHECK % name)
    expect(row).to_contain_text("succeeded")
    expect(row).to_contain_text("18")
    expect(row.locator("progress")).to_have_count(0)

    site.manage("shell", "-c", WAIT % name)
    other = page.context.new_page()
    other.goto(f"{site.url}/datasets/")
    row = other.get_by_role("row", name=name)
    expect(row).to_contain_text("queued")
    site.manage("shell", "-c", DELETE % name)
    expect(row).to_have_count(0)
    other.close()
    # The page was not loaded anew: an upload would have gone on.
    expect(page.get_by_role("form", name="Upload a zip").get_by_label("Name")).to_have_value("not sent yet")
