"""The pages of detector versions as the server sends them, and what their buttons do."""

import io
import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from PIL import Image

from detector.models import AuditEntry, Dataset, DetectorVersion, TrainingRun
from detector.selectors.versions import active_detector, shadow_detector
from detector.services.evaluations import request_evaluation, work_on_evaluation
from detector.services.shadow import add_tally, note_refusal, start_shadow
from detector.services.versions import promote_version, register_version
from detector.shadow_tally import ShadowTally
from tests.detector.red_dataset import write_red_dataset
from tests.ml.red_cell_detector import write_red_cell_detector, write_two_look_detector

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_media_folder(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")


@pytest.fixture
def live(tmp_path) -> DetectorVersion:
    onnx = write_red_cell_detector(tmp_path / "live.onnx", version="red-1")
    return promote_version(version=register_version(onnx=onnx, source="imported"), actor=None)


@pytest.fixture
def candidate(tmp_path) -> DetectorVersion:
    onnx = write_two_look_detector(tmp_path / "candidate.onnx")
    return register_version(onnx=onnx, source="training", name="angry-1")


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    return Dataset.objects.create(name="red", folder=str(write_red_dataset(tmp_path / "red")))


def client_of(name: str, *, is_staff: bool = True, may_decide: bool = False) -> Client:
    user = get_user_model().objects.create_user(name, is_staff=is_staff)
    if may_decide:
        user.user_permissions.add(Permission.objects.get(codename="change_detectorversion"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def keeper() -> Client:
    return client_of("keeper", may_decide=True)


def evaluate(version: DetectorVersion, dataset: Dataset):
    evaluation = request_evaluation(version=version, dataset=dataset, owner=None)
    while work_on_evaluation(evaluation_id=evaluation.pk):
        pass
    evaluation.refresh_from_db()
    return evaluation


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def page_of(version: DetectorVersion) -> str:
    return reverse("webui:detector", args=[version.pk])


def said(client: Client, address: str, form: dict | None = None) -> str:
    """What the page says after a button was pressed."""
    answer = client.post(address, form or {}, follow=True)
    assert answer.status_code == 200
    return " ".join(str(message) for message in answer.context["messages"])


def test_strangers_are_asked_to_sign_in_others_are_refused_and_only_staff_see_the_link(live, dataset):
    evaluation = evaluate(live, dataset)
    pages = [
        *("/detectors/", "/detectors/compare/", page_of(live)),
        *(f"/detectors/evaluations/{evaluation.pk}/", f"/detectors/evaluations/{evaluation.pk}/pictures/0/"),
    ]
    user = client_of("user", is_staff=False)
    for page in pages:
        assert Client().get(page).headers["Location"].startswith("/accounts/login/?next=/detectors/")
        assert user.get(page).status_code == 403
        assert client_of(f"staff of {page}").get(page).status_code == 200
    assert 'href="/detectors/"' not in text_of(user, "/")
    assert 'href="/detectors/" aria-current="page"' in text_of(client_of("staff"), "/detectors/")


def test_what_is_decided_takes_the_right_to_change_versions(live, candidate):
    staff = client_of("staff")
    for act in ("promote", "rollback", "shadow", "shadow/stop"):
        assert staff.post(f"{page_of(candidate)}{act}/").status_code == 403
        assert client_of(f"user {act}", is_staff=False).post(f"{page_of(candidate)}{act}/").status_code == 403
        assert Client().post(f"{page_of(candidate)}{act}/").status_code == 302
    assert (active_detector(), shadow_detector()) == (live, None)
    assert "popovertarget" not in text_of(staff, page_of(candidate)).partition("<main")[2]


def test_a_page_says_in_words_what_a_card_does_not_have(live, keeper):
    page = text_of(keeper, page_of(live))
    for words in (
        "The card has no figures",
        "The card has no confusion matrix",
        "It was not trained on this site",
        "A card does not keep these curves",
        "No data set is registered yet",
        "Not measured yet",
    ):
        assert words in page
    assert "None" not in page
    assert live.sha256 in page


def test_the_pages_obey_the_content_policy(live, candidate, dataset, keeper):
    evaluation = evaluate(live, dataset)
    for address in (
        *("/detectors/", page_of(live), f"/detectors/evaluations/{evaluation.pk}/"),
        f"/detectors/compare/?a={live.pk}&b={candidate.pk}",
    ):
        page = text_of(keeper, address)
        assert "style=" not in page
        assert page.count("<script") == page.count('<script type="module" src="/static/') + page.count(
            'type="application/json"'
        )
        assert page.count("<h1") == 1


def test_a_card_with_figures_is_shown(live, keeper):
    rows = {"count": 3, "AP50": 0.75, "precision": 0.5, "recall": 0.25, "f1": 0.333}
    live.card = live.card | {
        "metrics": {
            "mAP50": 0.7891,
            "per_class": {"happy": rows, "sad": {"count": 0}},
            "per_source": {"ferplus": {"frames": 5, "faces": 6, "known_faces": 0}},
            "confusion": [[0] * 10 for _ in range(4)] + [[0, 0, 0, 0, 2, 0, 1, 0, 0, 0]],
        }
    }
    live.save()
    page = text_of(keeper, page_of(live))
    assert "0.789" in page
    assert "no such face among the pictures" in page
    assert "no face of known expression" in page
    assert '<td data-shade="6" data-right>2</td>' in page
    assert "not in its card" in text_of(keeper, "/detectors/")


def test_a_cell_of_the_matrix_opens_the_pictures_behind_it(live, dataset, keeper, tmp_path):
    evaluation = evaluate(live, dataset)
    cell = f"/detectors/evaluations/{evaluation.pk}/?truth=sad&amp;found=happy"
    assert f'href="{cell}" aria-label="1: sad read as happy"' in text_of(keeper, page_of(live))
    page = text_of(keeper, cell.replace("&amp;", "&"))
    picture = f"/detectors/evaluations/{evaluation.pk}/pictures/2/"
    assert f'src="{picture}"' in page
    assert (page.count('class="true-box"'), page.count('class="found-box"')) == (1, 1)
    answer = keeper.get(picture)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert Image.open(io.BytesIO(answer.content)).size == (320, 240)
    assert keeper.get(f"/detectors/evaluations/{evaluation.pk}/pictures/99/").status_code == 404
    file = Path(dataset.folder) / "valid/images/2.jpg"
    file.rename(tmp_path / "secret.jpg")
    assert keeper.get(picture).status_code == 404
    file.symlink_to(tmp_path / "secret.jpg")
    assert keeper.get(picture).status_code == 404
    assert "No picture is like this" in text_of(keeper, f"/detectors/evaluations/{evaluation.pk}/?truth=fear")


def test_the_page_of_an_evaluation_says_that_a_newer_one_took_its_place(live, dataset, keeper):
    first, second = evaluate(live, dataset), evaluate(live, dataset)
    words = "pictures of this evaluation are not kept any more"
    assert words in text_of(keeper, f"/detectors/evaluations/{first.pk}/")
    assert words not in text_of(keeper, f"/detectors/evaluations/{second.pk}/?truth=fear")


def test_precision_curves_come_from_the_evaluation(live, dataset, keeper):
    evaluate(live, dataset)
    answer = keeper.get(page_of(live))
    series = {line["label"]: line["points"] for line in answer.context["precision"]}
    assert set(series) == {"happy", "sad", "face"}
    assert series["happy"][0]["x"] == 0.0
    assert series["happy"][-1]["x"] == 1.0


def test_learning_curves_come_from_the_run(candidate, keeper, tmp_path):
    assert "no curves to show" not in text_of(keeper, page_of(candidate))
    run = TrainingRun.objects.create(name="angry", run_dir=str(tmp_path / "run"), version=candidate)
    assert "no curves to show" in text_of(keeper, page_of(candidate))
    (tmp_path / "run").mkdir()
    rows = [
        {"epoch": 1, "train": {"loss": 2.5}},
        {"epoch": 2, "train": {"loss": 1.5}, "valid": {"mAP50": 0.5}},
    ]
    (tmp_path / "run/metrics.jsonl").write_text("\n".join(map(json.dumps, rows)))
    curves = keeper.get(page_of(candidate)).context["curves"]
    assert curves["loss"] == [{"label": "loss", "points": [{"x": 1, "y": 2.5}, {"x": 2, "y": 1.5}]}]
    assert curves["quality"] == [{"label": "mAP50", "points": [{"x": 2, "y": 0.5}]}]
    assert run.name in text_of(keeper, page_of(candidate))


@pytest.mark.parametrize(
    ("language", "acts", "refusal"),
    [
        ("en", ["Promoted", "Registered"], "already the active one"),
        ("es", ["Activada", "Registrada"], "ya es la activa"),
        ("zh-hans", ["已启用", "已注册"], "已经启用"),
    ],
)
def test_history_and_refusals_are_told_in_the_language_of_the_page(live, keeper, language, acts, refusal):
    keeper.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    history = text_of(keeper, page_of(live)).partition('id="history-title"')[2]
    assert re.findall(r"</td><td>([^<]+)</td><td>system</td>", history) == acts
    assert refusal in said(keeper, f"{page_of(live)}promote/", {"instead_of": live.pk})


def test_promoting_and_rolling_back_on_the_page(live, candidate, keeper):
    assert "Serve angry-1?" in text_of(keeper, page_of(candidate))
    done = said(keeper, f"{page_of(candidate)}promote/", {"instead_of": live.pk})
    assert done == "angry-1 is active. Every web process follows within seconds."
    assert "Go back to red-1?" in text_of(keeper, page_of(candidate))
    assert "red-1 is active again" in said(keeper, f"{page_of(candidate)}rollback/")
    assert "Somebody else has just decided" in said(keeper, f"{page_of(candidate)}rollback/")
    assert active_detector() == live
    assert AuditEntry.objects.filter(actor_name="keeper").count() == 2
    assert "instead of red-1" in text_of(keeper, page_of(candidate))


def test_a_damaged_version_is_refused_with_the_reason_and_the_live_one_stays(live, candidate, keeper):
    with candidate.onnx.storage.open(candidate.onnx.name, "wb") as file:
        file.write(b"damaged")
    assert "was altered" in said(keeper, f"{page_of(candidate)}promote/", {"instead_of": live.pk})
    assert active_detector() == live
    candidate.onnx.storage.delete(candidate.onnx.name)
    assert "The file is missing from the media folder" in text_of(keeper, page_of(candidate))


def test_a_shadow_is_started_watched_and_stopped(live, candidate, keeper):
    assert 'value="10"' in text_of(keeper, page_of(candidate))
    assert "looks at 25 %" in said(keeper, f"{page_of(candidate)}shadow/", {"percent": "25"})
    assert "It has not looked at a frame yet" in text_of(keeper, page_of(candidate))
    note_refusal(version=shadow_detector(), refusal="Can't read the file.")
    refused = text_of(keeper, page_of(candidate))
    assert "It can&#x27;t run: Can&#x27;t read the file." in refused.replace("It can't", "It can&#x27;t")
    assert "no camera is on" not in refused
    tally = ShadowTally(frames=4, gave_way=1, shadow_ms=20.0, live_ms=16.0, slowest_ms=7.5)
    for agreed in (True, True, False):
        tally.count("red-1", "happy", agreed=agreed)
    tally.count("red-1", "unknown", agreed=True)
    add_tally(version_id=candidate.pk, since=shadow_detector().shadow_since, tally=tally)
    page = text_of(keeper, page_of(candidate))
    for words in ("33.3 %", "25.0 %", "5.0 ms", "4.0 ms", "7.5 ms", "no face", "4 frames looked at"):
        assert words in page
    assert "What was counted stays" in said(keeper, f"{page_of(candidate)}shadow/stop/")
    assert "is not running as a shadow" in said(keeper, f"{page_of(candidate)}shadow/stop/")
    for wrong in ("", "0", "101", "much"):
        assert "more than 0 and at most 1" in said(keeper, f"{page_of(candidate)}shadow/", {"percent": wrong})


def test_only_one_shadow_at_a_time_is_offered(live, candidate, keeper, tmp_path):
    start_shadow(version=candidate, actor=None)
    other = register_version(
        onnx=write_red_cell_detector(tmp_path / "o.onnx", version="o"), source="imported"
    )
    assert "is the shadow at present" in text_of(keeper, page_of(other))
    assert "A shadow is compared with the active version" in text_of(keeper, page_of(live))


def test_evaluating_and_measuring_from_the_page(live, dataset, keeper):
    assert "looks at red" in said(keeper, f"{page_of(live)}evaluate/", {"dataset": dataset.pk})
    assert "already" in said(keeper, f"{page_of(live)}evaluate/", {"dataset": dataset.pk})
    assert keeper.post(f"{page_of(live)}evaluate/", {"dataset": "x"}).status_code == 404
    assert "waits for a worker" in text_of(keeper, page_of(live))
    assert "measures the speed" in said(keeper, f"{page_of(live)}speed/")
    assert "Waiting for a batch worker" in text_of(keeper, page_of(live))


def test_two_versions_are_compared_on_the_same_pictures(live, candidate, dataset, keeper):
    address = f"/detectors/compare/?a={live.pk}&b={candidate.pk}"
    assert "have not both looked" in text_of(keeper, address)
    form = {"a": live.pk, "b": candidate.pk, "dataset": dataset.pk}
    assert "Both look at red" in said(keeper, "/detectors/compare/evaluate/", form)
    said(keeper, "/detectors/compare/evaluate/", form)
    for version in (live, candidate):
        (evaluation,) = version.evaluations.all()
        while work_on_evaluation(evaluation_id=evaluation.pk):
            pass
    answer = keeper.get(address)
    by_label = {row.label: row for row in answer.context["by_pictures"]}
    assert by_label["Accuracy"].change == pytest.approx(-2 / 3)
    assert by_label["Accuracy"].verdict == "worse"
    assert answer.context["page"].paginator.count == 3
    assert answer.context["split"] == {"first": 2, "second": 0, "none": 1}
    assert "sad, read as <strong>angry</strong>" in answer.content.decode()
    with CaptureQueriesContext(connection) as before:
        keeper.get(address)
    for number in range(3):
        Dataset.objects.create(name=f"other {number}", folder=f"/other/{number}")
    with CaptureQueriesContext(connection) as after:
        keeper.get(address)
    assert len(after) == len(before)
    assert keeper.get("/detectors/compare/?a=99999&b=1").status_code == 404
    assert keeper.get(f"{address}&dataset=99999").status_code == 404
    assert "Compare two" in text_of(keeper, "/detectors/compare/")
