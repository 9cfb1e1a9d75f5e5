"""Detector versions over REST: who may do what, what comes back, what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.test import Client

from detector.jobs import WATCHABLE
from detector.models import AuditEntry, Dataset, DetectorVersion, TrainingRun
from detector.selectors.versions import active_detector
from detector.services.evaluations import work_on_evaluation
from detector.services.speed import measure_speed
from detector.services.versions import promote_version, register_version
from tests.detector.red_dataset import write_red_dataset

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_media_folder(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    cache.clear()


@pytest.fixture
def live(red_one) -> DetectorVersion:
    return promote_version(version=register_version(onnx=red_one, source="shipped"), actor=None)


@pytest.fixture
def candidate(red_two) -> DetectorVersion:
    return register_version(onnx=red_two, source="imported")


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    return Dataset.objects.create(name="red", folder=str(write_red_dataset(tmp_path / "red")))


@pytest.fixture
def signed_in() -> Callable[..., Client]:
    """A client of an account: `signed_in("name", is_staff=True, may_decide=True)`."""

    def signed_in(name: str, *, is_staff: bool = False, may_decide: bool = False) -> Client:
        user = get_user_model().objects.create_user(name, is_staff=is_staff)
        if may_decide:
            user.user_permissions.add(Permission.objects.get(codename="change_detectorversion"))
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def keeper(signed_in) -> Client:
    return signed_in("keeper", is_staff=True, may_decide=True)


def post(client: Client, path: str, body: dict | None = None):
    return client.post(f"/api/detectors/{path}", json.dumps(body or {}), "application/json")


def code_of(answer) -> str:
    return answer.json()["error"]["code"]


def test_only_staff_may_look_and_only_who_has_the_right_may_decide(live, candidate, signed_in):
    reads = [
        "",
        f"{live.pk}/",
        f"{live.pk}/download/",
        f"{live.pk}/evaluations/",
        f"{live.pk}/evaluations/1/",
    ]
    jobs = [f"{candidate.pk}/speed/", f"{candidate.pk}/evaluations/"]
    acts = [f"{candidate.pk}/promote/", "rollback/", f"{candidate.pk}/shadow/"]
    for client, code in ((Client(), "not_authenticated"), (signed_in("user"), "permission_denied")):
        answers = [client.get(f"/api/detectors/{path}") for path in reads]
        answers += [post(client, path) for path in (*jobs, *acts)]
        answers.append(client.delete(f"/api/detectors/{candidate.pk}/shadow/"))
        assert {(answer.status_code, code_of(answer)) for answer in answers} == {(403, code)}
    staff = signed_in("staff", is_staff=True)
    assert [staff.get(f"/api/detectors/{path}").status_code for path in reads] == [200, 200, 200, 200, 404]
    answers = [post(staff, path) for path in acts]
    assert {(answer.status_code, code_of(answer)) for answer in answers} == {(403, "permission_denied")}
    assert active_detector() == live


def test_versions_are_listed_in_pages_and_chosen_by_state_and_source(live, candidate, keeper, monkeypatch):
    monkeypatch.setattr("detector.api.batch_views.NewestFirst.page_size", 1)
    page = keeper.get("/api/detectors/").json()
    rest = keeper.get(page["next"]).json()
    rows = [*page["results"], *rest["results"]]
    assert [(row["name"], row["state"]) for row in rows] == [("red-2", "candidate"), ("red-1", "active")]
    assert rows[0]["size"] > 100
    for query, names in (("state=active", ["red-1"]), ("source=imported", ["red-2"]), ("state=retired", [])):
        results = keeper.get(f"/api/detectors/?{query}").json()["results"]
        assert [row["name"] for row in results] == names
    assert code_of(keeper.get("/api/detectors/?state=lost")) == "invalid"


def test_one_version_has_its_card(live, keeper):
    row = keeper.get(f"/api/detectors/{live.pk}/").json()
    assert (row["card"]["input_size"], row["shadow"], row["speed"]) == (128, None, {})
    assert keeper.get("/api/detectors/987654/").status_code == 404


def test_promoting_and_rolling_back_leave_audit_lines(live, candidate, keeper):
    promoted = post(keeper, f"{candidate.pk}/promote/", {"instead_of": live.pk})
    assert (promoted.status_code, promoted.json()["state"], promoted.json()["previous"]) == (
        *(200, "active"),
        "red-1",
    )
    again = post(keeper, f"{candidate.pk}/promote/")
    assert (again.status_code, code_of(again)) == (409, "already_active")
    back = post(keeper, "rollback/")
    assert (back.status_code, back.json()["name"]) == (200, "red-1")
    again = post(keeper, "rollback/")
    assert (again.status_code, code_of(again)) == (409, "nothing_to_roll_back_to")
    lines = AuditEntry.objects.order_by("-id").values_list("action", "subject", "actor_name")[:2]
    assert list(lines) == [("roll back", "red-1", "keeper"), ("promote", "red-2", "keeper")]


def test_who_decides_on_an_old_sight_of_things_is_told(live, candidate, keeper):
    promote_version(version=candidate, actor=None)
    for path in (f"{live.pk}/promote/", "rollback/"):
        answer = post(keeper, path, {"instead_of": live.pk})
        assert (answer.status_code, code_of(answer)) == (409, "changed_meanwhile")
        assert answer.json()["error"]["details"] == {"active": "red-2"}
    assert active_detector() == candidate


def test_a_damaged_version_is_refused_and_the_live_one_stays(live, candidate, keeper):
    with candidate.onnx.storage.open(candidate.onnx.name, "wb") as file:
        file.write(b"damaged")
    for path in ("promote/", "shadow/"):
        answer = post(keeper, f"{candidate.pk}/{path}")
        assert (answer.status_code, code_of(answer)) == (400, "bad_detector")
        assert "altered" in answer.json()["error"]["message"]
    assert active_detector() == live


def test_a_shadow_is_started_and_stopped(live, candidate, keeper):
    started = post(keeper, f"{candidate.pk}/shadow/", {"share": 0.5}).json()
    assert (started["is_shadow"], started["shadow_share"]) == (True, 0.5)
    again = post(keeper, f"{candidate.pk}/shadow/")
    assert (again.status_code, code_of(again)) == (409, "already_shadow")
    assert keeper.delete(f"/api/detectors/{candidate.pk}/shadow/").json()["is_shadow"] is False
    again = keeper.delete(f"/api/detectors/{candidate.pk}/shadow/")
    assert (again.status_code, code_of(again)) == (409, "not_shadow")
    wrong = post(keeper, f"{candidate.pk}/shadow/", {"share": 2})
    assert (wrong.status_code, code_of(wrong)) == (400, "bad_share")
    assert code_of(post(keeper, f"{candidate.pk}/shadow/", {"share": "much"})) == "invalid"


def test_an_evaluation_is_started_once_and_ends_with_figures(live, dataset, keeper):
    started = post(keeper, f"{live.pk}/evaluations/", {"dataset": dataset.pk})
    assert (started.status_code, started.json()["state"]) == (202, "queued")
    again = post(keeper, f"{live.pk}/evaluations/", {"dataset": dataset.pk})
    assert (again.status_code, code_of(again)) == (409, "evaluation_open")
    while work_on_evaluation(evaluation_id=started.json()["id"]):
        pass
    row = keeper.get(f"/api/detectors/{live.pk}/evaluations/{started.json()['id']}/").json()
    assert (row["state"], row["progress"], row["figures"]["known_faces"]) == ("succeeded", 1.0, 3)
    assert keeper.get(f"/api/detectors/{live.pk}/evaluations/").json()["results"] == [row]
    assert code_of(post(keeper, f"{live.pk}/evaluations/", {"dataset": 987654})) == "invalid"
    empty = Dataset.objects.create(name="empty", folder="/nowhere")
    refused = post(keeper, f"{live.pk}/evaluations/", {"dataset": empty.pk})
    assert (refused.status_code, code_of(refused)) == (400, "bad_dataset")


def test_the_speed_is_measured_by_a_worker(live, keeper):
    asked = post(keeper, f"{live.pk}/speed/")
    assert (asked.status_code, bool(asked.json()["speed"]["asked_at"])) == (202, True)
    measure_speed(version_id=live.pk)
    speed = keeper.get(f"/api/detectors/{live.pk}/").json()["speed"]
    assert speed["face_ms"] > 0
    assert speed["asked_at"] is None


def test_the_files_of_a_version_are_downloaded(live, candidate, keeper, red_one, tmp_path):
    def download(version: DetectorVersion, form: str):
        return keeper.get(f"/api/detectors/{version.pk}/download/?as={form}")

    assert download(live, "onnx").getvalue() == red_one.read_bytes()
    card = download(live, "card")
    assert json.loads(card.getvalue()) == live.card
    assert card["Content-Disposition"] == 'attachment; filename="red-1.card.json"'
    missing = download(candidate, "pt")
    assert (missing.status_code, code_of(missing)) == (404, "file_missing")
    assert "red-2" in missing.json()["error"]["message"]
    (tmp_path / "detector.pt").write_bytes(b"checkpoint")
    TrainingRun.objects.create(name="red-2", run_dir=str(tmp_path), version=candidate)
    checkpoint = download(candidate, "pt")
    assert (checkpoint.getvalue(), checkpoint["Content-Type"]) == (b"checkpoint", "application/octet-stream")
    assert code_of(download(live, "exe")) == "invalid"
    Path(live.onnx.path).write_bytes(b"another")
    damaged = download(live, "onnx")
    assert (damaged.status_code, code_of(damaged)) == (409, "file_changed")
    live.onnx.storage.delete(live.onnx.name)
    assert code_of(download(live, "onnx")) == "file_missing"


def test_versions_and_evaluations_are_watched_by_staff_alone(live):
    staff = get_user_model().objects.create_user("staff", is_staff=True)
    user = get_user_model().objects.create_user("user")
    assert WATCHABLE["detector"](staff, live.pk)["name"] == "red-1"
    assert WATCHABLE["detector"](user, live.pk) is None
    assert WATCHABLE["detector"](staff, 987654) is None
    assert WATCHABLE["evaluation"](staff, 987654) is None
