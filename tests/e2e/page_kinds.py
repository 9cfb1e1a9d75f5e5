"""Every kind of page of the site. A new one is a line in `PAGES`, and test_every_page.py opens it too."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from playwright.sync_api import Page, expect

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
    """`prepare` brings an opened page into the state that is meant; on the way there `refused` is refused."""

    name: str
    path: str
    visitor: Visitor = Visitor.STRANGER
    status: int = 200
    prepare: Callable[[Page], None] | None = None
    refused: str = ""


# By their ids, not by their names: the pages are opened in other languages too.
def camera_on(page: Page) -> None:
    page.locator("#notice-action").click()
    page.wait_for_selector('#stage[data-state="live"]')
    wait_for_face(page)


def settings_open(page: Page) -> None:
    page.locator("#open-settings").click()


def live_with(*pressed: str) -> Callable[[Page], None]:
    """The camera is on, and these were pressed."""

    def prepare(page: Page) -> None:
        camera_on(page)
        for selector in pressed:
            page.locator(selector).click()

    return prepare


def correction_asked(page: Page) -> None:
    live_with("#wrong")(page)
    page.locator("#correction-agree").check()


def clip_recorded(page: Page) -> None:
    live_with("#open-keep", "#record-clip")(page)
    expect(page.locator("#recording-left")).to_have_text(re.compile("1[0-3]"))
    page.locator("#recording-stop").click()
    expect(page.locator("#clip")).to_be_visible()


def panels_open(page: Page) -> None:
    live_with("#open-speed", "#open-timeline")(page)
    expect(page.locator(".ribbon-runs [data-emotion=happy] rect").first).to_be_visible()


def session_kept(page: Page) -> None:
    live_with("#toggle", "#session-card [data-card=keep]")(page)
    expect(page.locator("#session-card [data-card=open]")).to_be_visible()


def pictures_handed_in(page: Page) -> None:
    broken = {"name": "broken.jpg", "mimeType": "image/jpeg", "buffer": b"not a picture"}
    good = {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": SAMPLE.read_bytes()}
    page.locator("#files").set_input_files([good, broken])
    expect(page.locator('.look[data-state="done"]')).to_have_count(1)
    expect(page.locator('.look[data-state="failed"]')).to_have_count(1)


def token_made(page: Page) -> None:
    page.locator("#id_name").fill("my robot")
    page.locator("main form .button.main").click()
    expect(page.locator("#made")).to_be_visible()


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
    PageKind("camera-why", "/", prepare=live_with("#open-why")),
    PageKind("camera-save", "/", prepare=live_with("#open-keep")),
    PageKind("camera-clip", "/", prepare=clip_recorded),
    PageKind("camera-correction", "/", prepare=correction_asked),
    PageKind("camera-panels", "/", prepare=panels_open),
    PageKind("camera-session-card", "/", prepare=live_with("#toggle")),
    PageKind("sign-in", "/accounts/login/"),
    PageKind("sign-up", "/accounts/signup/"),
    PageKind("password-reset", "/accounts/password/reset/"),
    PageKind("password-reset-sent", "/accounts/password/reset/done/"),
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
    PageKind("token-made", "/account/tokens/", Visitor.PERSON, prepare=token_made),
    PageKind("e-mail", "/accounts/email/", Visitor.PERSON),
    PageKind("password", "/accounts/password/change/", Visitor.PERSON),
    PageKind("reauthenticate", "/accounts/reauthenticate/", Visitor.PERSON),
    PageKind("sign-out", "/accounts/logout/", Visitor.PERSON),
    PageKind("my-data", "/account/data/", Visitor.PERSON),
    PageKind("delete-everything", "/account/data/delete/", Visitor.PERSON),
    PageKind("delete-account", "/account/delete/", Visitor.PERSON),
    PageKind("signed-in", "/accounts/sessions/", Visitor.PERSON),
    PageKind("pictures-kept", "/pictures/", Visitor.PERSON),
    PageKind(
        "pictures-results", "/pictures/", Visitor.PERSON, prepare=pictures_handed_in, refused="/api/predict"
    ),
    PageKind("camera-session-kept", "/", Visitor.PERSON, prepare=session_kept),
    PageKind("session", "/sessions/1/", Visitor.PERSON),
    PageKind("session-delete", "/sessions/1/delete/", Visitor.PERSON),
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
from detector.services.live_sessions import keep_session
from detector.session_record import read_record
from tests.detector.live_sessions import record
users = get_user_model().objects
staff = users.create_superuser("keeper", "", {password!r})
mia = users.create_user("mia", password={password!r})
keep_session(owner=mia, record=read_record(record(name="Tea")))
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
    """Two people, two detectors, both evaluated on a data set, a training run, a batch and a session."""
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
