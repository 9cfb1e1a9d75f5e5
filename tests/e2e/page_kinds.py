"""Every kind of page of the site. A new one is a line in `PAGES`, and test_every_page.py opens it too."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from playwright.sync_api import Page

from tests.e2e.camera_page import wait_for_face
from tests.e2e.site_process import ROOT, SiteProcess
from tests.ml.drawn_faces import make_dataset
from tests.ml.red_cell_detector import write_two_look_detector

PASSWORD = "a long enough one"
LOOKS = 60  # at the database; each takes a second or more
SAMPLE = ROOT / "webui" / "static" / "webui" / "sample" / "astronaut.jpg"


class Visitor(Enum):
    """Who opens a page."""

    STRANGER = ""
    PERSON = "mia"
    STAFF = "keeper"


@dataclass(frozen=True)
class PageKind:
    """`prepare` brings an opened page into the state that is meant."""

    name: str
    path: str
    visitor: Visitor = Visitor.STRANGER
    status: int = 200
    prepare: Callable[[Page], None] | None = None


# By their ids, not by their names: the pages are opened in other languages too.
def camera_on(page: Page) -> None:
    page.locator("#notice-action").click()
    page.wait_for_selector('#stage[data-state="live"]')
    wait_for_face(page)


def settings_open(page: Page) -> None:
    page.locator("#open-settings").click()


def sample_shown(page: Page) -> None:
    page.locator("#sample").click()
    wait_for_face(page)


def promotion_asked(page: Page) -> None:
    page.locator('.main[popovertarget="promote"]').click()


# The ids are those of `populate`.
PAGES = (
    PageKind("camera", "/"),
    PageKind("camera-live", "/", prepare=camera_on),
    PageKind("camera-sample", "/", prepare=sample_shown),
    PageKind("camera-settings", "/", prepare=settings_open),
    PageKind("sign-in", "/accounts/login/"),
    PageKind("sign-up", "/accounts/signup/"),
    PageKind("password-reset", "/accounts/password/reset/"),
    PageKind("pictures", "/pictures/"),
    PageKind("corrections", "/corrections/"),
    PageKind("help", "/help/"),
    PageKind("about", "/about/"),
    PageKind("privacy", "/privacy/"),
    PageKind("offline", "/offline/"),
    PageKind("not-found", "/no-such-page/", status=404),
    PageKind("forbidden", "/training/", Visitor.PERSON, status=403),
    PageKind("nothing-to-see", "/detectors/1/promote/", Visitor.STAFF, status=405),
    PageKind("profile", "/account/", Visitor.PERSON),
    PageKind("tokens", "/account/tokens/", Visitor.PERSON),
    PageKind("my-data", "/account/data/", Visitor.PERSON),
    PageKind("delete-everything", "/account/data/delete/", Visitor.PERSON),
    PageKind("delete-account", "/account/delete/", Visitor.PERSON),
    PageKind("signed-in", "/accounts/sessions/", Visitor.PERSON),
    PageKind("pictures-kept", "/pictures/", Visitor.PERSON),
    PageKind("sessions", "/sessions/", Visitor.PERSON),
    PageKind("batches", "/batches/", Visitor.PERSON),
    PageKind("batch", "/batches/1/", Visitor.PERSON),
    PageKind("batch-delete", "/batches/1/delete/", Visitor.PERSON),
    PageKind("datasets", "/datasets/", Visitor.STAFF),
    PageKind("dataset", "/datasets/1/", Visitor.STAFF),
    PageKind("dataset-samples", "/datasets/1/samples/", Visitor.STAFF),
    PageKind("dataset-delete", "/datasets/1/delete/", Visitor.STAFF),
    PageKind("training", "/training/", Visitor.STAFF),
    PageKind("new-training", "/training/new/", Visitor.STAFF),
    PageKind("training-run", "/training/1/", Visitor.STAFF),
    PageKind("corrections-review", "/corrections/review/", Visitor.STAFF),
    PageKind("detectors", "/detectors/", Visitor.STAFF),
    PageKind("detector", "/detectors/1/", Visitor.STAFF),
    PageKind("detector-promote", "/detectors/2/", Visitor.STAFF, prepare=promotion_asked),
    PageKind("compare", "/detectors/compare/?a=1&b=2", Visitor.STAFF),
    PageKind("evaluation", "/detectors/evaluations/1/", Visitor.STAFF),
)
# Pages of others that we serve: they obey the same policy, and their makers answer for the rest.
FOREIGN_MADE = (
    PageKind("api-docs", "/api/docs/"),
    PageKind("admin-sign-in", "/admin/login/"),
    PageKind("admin", "/admin/", Visitor.STAFF),
    PageKind("admin-list", "/admin/detector/batchjob/", Visitor.STAFF),
    PageKind("admin-user", "/admin/auth/user/1/change/", Visitor.STAFF),
)

ROWS = """
from django.contrib.auth import get_user_model
from detector.models import DetectorVersion, TrainingRun
from detector.services.datasets import register_dataset
from detector.services.evaluations import request_evaluation
users = get_user_model().objects
staff = users.create_superuser("keeper", "", {password!r})
users.create_user("mia", password={password!r})
dataset = register_dataset(name="drawn faces", folder={folder!r}, owner=staff)
for version in DetectorVersion.objects.order_by("id"):
    request_evaluation(version=version, dataset=dataset, owner=staff)
TrainingRun.objects.create(name="first try", status="failed", error="The disk is full.", owner=staff)
"""
EVERYTHING_IS_DONE = """
from detector.models import Dataset, Evaluation
open_rows = [rows for rows in (Dataset.objects, Evaluation.objects) if rows.exclude(state="succeeded")]
print("not yet" if open_rows else "done")
"""


def populate(site: SiteProcess, folder: Path) -> None:
    """Two people, two detectors, a data set that both were evaluated on, a training run and a batch."""
    site.manage("register_detector", str(write_two_look_detector(folder / "angry.onnx")), "--name", "angry-1")
    rows = ROWS.format(password=PASSWORD, folder=str(make_dataset(folder / "faces", train=9, valid=9)))
    site.manage("shell", "--no-imports", "-c", rows)
    pictures = folder / "pictures"
    pictures.mkdir()
    shutil.copy(SAMPLE, pictures / "astronaut.jpg")
    (pictures / "broken.jpg").write_bytes(b"not a picture")
    site.manage("batch", str(pictures), "--user", "mia")
    for _ in range(LOOKS):
        if "done" in site.manage("shell", "--no-imports", "-c", EVERYTHING_IS_DONE):
            return
    raise AssertionError("the worker has not come to an end: " + site.log.read_text()[-2000:])


def sign_in(page: Page, site: SiteProcess, visitor: Visitor) -> None:
    """As that visitor, who has an account."""
    page.goto(f"{site.url}/accounts/login/")
    page.get_by_label("Name").fill(visitor.value)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{site.url}/")
