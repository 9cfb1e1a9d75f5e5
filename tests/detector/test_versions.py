"""Registering, promoting and rolling back, and the process that follows."""

import re
import shutil
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from detector.engine import refused_detector
from detector.engine.inference import InferenceEngine
from detector.engine.watcher import VersionWatcher
from detector.models import AuditEntry, DetectorVersion
from detector.selectors.versions import active_detector
from detector.services.versions import (
    AlreadyActive,
    NothingToRollBackTo,
    UnusableDetectorFile,
    promote_version,
    register_shipped_detector,
    register_version,
    roll_back,
)
from ml.config import EMOTIONS
from tests.ml.red_cell_detector import write_red_cell_detector

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_media_folder(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")


@pytest.fixture
def first(red_one) -> DetectorVersion:
    return register_version(onnx=red_one, source="imported")


@pytest.fixture
def second(red_two) -> DetectorVersion:
    return register_version(onnx=red_two, source="imported")


@pytest.fixture
def watcher() -> VersionWatcher:
    """A watcher that looks when the test says so, over an engine that serves nothing yet."""
    return VersionWatcher(InferenceEngine(workers=1, max_connections=1, max_requests=1), every_seconds=60)


def acts() -> list[tuple[str, str, str]]:
    entries = AuditEntry.objects.order_by("id")
    return [(entry.action, entry.subject, entry.actor_name) for entry in entries]


def test_a_registered_file_is_a_candidate_named_by_its_card(first):
    assert (first.name, first.state) == ("red-1", "candidate")
    assert first.card["input_size"] == 128
    assert first.onnx.storage.exists(first.onnx.name)


def test_the_same_file_again_is_the_same_version(first, red_one):
    assert register_version(onnx=red_one, source="training") == first
    assert DetectorVersion.objects.count() == 1


def test_another_file_of_the_same_name_gets_a_name_of_its_own(first, tmp_path):
    other = write_red_cell_detector(tmp_path / "other.onnx", version="red-1", input_size=160)
    version = register_version(onnx=other, source="training")
    assert version.name == f"red-1-{version.sha256[:8]}"


def test_a_name_is_never_longer_than_its_column(tmp_path):
    """SQLite takes any length; PostgreSQL refuses the row, and a finished training run would be lost."""
    names = []
    for size in (160, 192):
        onnx = write_red_cell_detector(tmp_path / f"{size}.onnx", version="red-1", input_size=size)
        names.append(register_version(onnx=onnx, source="training", name="long " * 30).name)
    assert names[0] != names[1]
    assert [len(name) for name in names] == [120, 120]


def test_a_lost_file_is_restored_by_registering_it_again(first, red_one):
    first.onnx.storage.delete(first.onnx.name)
    register_version(onnx=red_one, source="imported")
    first.refresh_from_db()
    assert first.onnx.storage.exists(first.onnx.name)


@pytest.mark.parametrize(
    "card", [{"emotions": [*EMOTIONS[:8], "bored"]}, {"emotions": None}, {"version": None}], ids=str
)
def test_a_file_of_other_classes_or_without_a_card_is_not_registered(tmp_path, card):
    with pytest.raises(UnusableDetectorFile):
        register_version(onnx=write_red_cell_detector(tmp_path / "x.onnx", **card), source="imported")
    assert not DetectorVersion.objects.exists()


def test_a_damaged_or_missing_file_is_not_registered(tmp_path, red_one):
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(red_one.read_bytes()[:200])
    for file in (damaged, tmp_path / "missing.onnx"):
        with pytest.raises(UnusableDetectorFile):
            register_version(onnx=file, source="imported")


def test_promoting_retires_what_was_active_and_leaves_audit_entries(first, second, admin_user):
    promote_version(version=first, actor=None)
    promote_version(version=second, actor=admin_user)
    assert active_detector() == second
    assert DetectorVersion.objects.get(pk=first.pk).state == "retired"
    assert acts()[-2:] == [("promote", "red-1", "system"), ("promote", "red-2", "admin")]


def test_promoting_the_active_version_is_refused(first):
    promote_version(version=first, actor=None)
    with pytest.raises(AlreadyActive):
        promote_version(version=first, actor=None)


def test_rolling_back_returns_to_the_one_before_as_often_as_there_is_one(first, second):
    promote_version(version=first, actor=None)
    promote_version(version=second, actor=None)
    assert roll_back(actor=None) == first
    assert active_detector() == first
    assert DetectorVersion.objects.get(pk=second.pk).state == "retired"
    assert acts()[-1] == ("roll back", "red-1", "system")
    with pytest.raises(NothingToRollBackTo):
        roll_back(actor=None)


def test_a_file_altered_after_registration_is_not_promoted(first, second, red_one):
    promote_version(version=second, actor=None)
    shutil.copy(second.onnx.path, first.onnx.path)
    with pytest.raises(UnusableDetectorFile, match="SHA-256"):
        promote_version(version=first, actor=None)
    assert active_detector() == second


def test_the_shipped_detector_becomes_active_once_and_stays_as_people_decide(
    hamster, red_one, red_two, second
):
    hamster(shipped_detector=red_one)
    shipped = register_shipped_detector()
    assert shipped.state == "active"
    promote_version(version=second, actor=None)
    register_shipped_detector()
    assert active_detector() == second


def test_a_newer_shipped_detector_replaces_an_older_shipped_one(hamster, red_one, red_two):
    hamster(shipped_detector=red_one)
    older = register_shipped_detector()
    hamster(shipped_detector=red_two)
    assert active_detector() == older
    newer = register_shipped_detector()
    assert active_detector() == newer
    roll_back(actor=None)
    register_shipped_detector()
    assert active_detector() == older


def test_commands_list_promote_and_roll_back(first, second, red_two):
    call_command("promote", "red-1", stdout=StringIO())
    call_command("promote", "red-2", stdout=StringIO())
    call_command("rollback", stdout=StringIO())
    listing = StringIO()
    call_command("detectors", stdout=listing)
    assert [line.split()[0] for line in listing.getvalue().splitlines()] == ["retired", "active"]
    with pytest.raises(CommandError, match="no detector version"):
        call_command("promote", "red-3")


def test_the_admin_promotes_and_rolls_back_once_somebody_says_yes(admin_client, first, second):
    page = reverse("admin:detector_detectorversion_changelist")

    def act(name: str, version: DetectorVersion, **answer: str) -> str:
        asked = {"action": name, "_selected_action": [version.pk], **answer}
        return admin_client.post(page, asked, follow=True).content.decode()

    def say_yes(name: str, version: DetectorVersion) -> str:
        shown = re.search(r'name="instead_of" value="(\d*)"', act(name, version))
        return act(name, version, confirmed="yes", instead_of=shown[1])

    for version in (first, second):
        say_yes("promote", version)
    assert active_detector() == second
    assert "Serve red-1 again instead of red-2?" in act("roll_back", first)
    for unreadable in ({}, {"instead_of": "x"}, {"instead_of": "9" * 30}):
        act("roll_back", first, confirmed="yes", **unreadable)
    assert active_detector() == second
    say_yes("roll_back", first)
    assert active_detector() == first
    assert acts()[-1] == ("roll back", "red-1", "admin")
    assert "Serve this version to everybody" in act("promote", second)
    assert active_detector() == first
    assert admin_client.get(reverse("admin:detector_auditentry_changelist")).status_code == 200


@pytest.mark.parametrize("action", ["promote", "roll_back"])
def test_a_yes_in_the_admin_replaces_only_what_the_question_was_about(admin_client, first, second, action):
    page = reverse("admin:detector_detectorversion_changelist")
    promote_version(version=first, actor=None)
    promote_version(version=second, actor=None)
    asked = {"action": action, "_selected_action": [first.pk]}
    field = f'name="instead_of" value="{second.pk}"'
    assert field in admin_client.post(page, asked).content.decode()
    promote_version(version=first, actor=None)  # somebody else, before the answer
    answer = {**asked, "confirmed": "yes", "instead_of": second.pk}
    said = admin_client.post(page, answer, follow=True).content.decode()
    assert "Somebody else has just decided" in said
    assert active_detector() == first


def test_the_watcher_follows_promotions(watcher, first, second):
    watcher.look()
    assert watcher._engine.detector_name is None
    promote_version(version=first, actor=None)
    watcher.look()
    assert watcher._engine.detector_name == "red-1"
    promote_version(version=second, actor=None)
    watcher.look()
    assert watcher._engine.detector_name == "red-2"


def test_the_watcher_refuses_an_altered_file_keeps_the_old_one_and_says_so(watcher, first, second, caplog):
    promote_version(version=first, actor=None)
    watcher.look()
    promote_version(version=second, actor=None)
    shutil.copy(first.onnx.path, second.onnx.path)
    watcher.look()
    assert watcher._engine.detector_name == "red-1"
    assert "SHA-256" in watcher.refusal
    assert [record.levelname for record in caplog.records if "refused" in record.message] == ["ERROR"]
    watcher.look()
    assert caplog.text.count("refused") == 1
    roll_back(actor=None)
    watcher.look()
    assert watcher.refusal is None


def test_a_process_without_registered_versions_serves_the_shipped_detector(engine):
    assert engine.detector_name == "shipped"
    assert refused_detector() is None
