"""Evaluations: what is found and kept, what is refused, that turns are taken and workers may die."""

from datetime import timedelta

import pytest
import redis
from django.conf import settings as site_settings
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import timezone

from detector.models import Dataset, DetectorVersion, Evaluation, EvaluationPart
from detector.selectors.evaluations import (
    disagreements,
    evaluations,
    latest_on_each,
    newest_on,
    picture_path,
    pictures_with,
)
from detector.services.evaluations import (
    MOST_ATTEMPTS,
    EvaluationIsOpen,
    UnusableDataset,
    recover_evaluations,
    request_evaluation,
    work_on_evaluation,
)
from detector.services.speed import measure_speed, recover_speed_measurements, request_speed
from detector.services.versions import register_version
from detector.tasks import evaluate as evaluate_task
from tests.detector.red_dataset import CORNERS, write_red_dataset
from tests.detector.workers import batch_worker, wait_until
from tests.ml.red_cell_detector import write_two_look_detector

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_folder_and_queue(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    with redis.Redis.from_url(site_settings.REDIS_URL) as client:
        client.delete("batch", "unacked", "unacked_index")
        yield
        client.delete("batch", "unacked", "unacked_index")


@pytest.fixture
def version(red_one) -> DetectorVersion:
    return register_version(onnx=red_one, source="imported")


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    return Dataset.objects.create(name="red", folder=str(write_red_dataset(tmp_path / "red")))


def carry_out(evaluation: Evaluation) -> Evaluation:
    while work_on_evaluation(evaluation_id=evaluation.pk):
        pass
    evaluation.refresh_from_db()
    return evaluation


def evaluate(version: DetectorVersion, dataset: Dataset) -> Evaluation:
    return carry_out(request_evaluation(version=version, dataset=dataset, owner=None))


def test_an_evaluation_gives_figures_curves_and_the_pictures_behind_each_cell(version, dataset):
    evaluation = evaluate(version, dataset)
    assert (evaluation.state, evaluation.done, evaluation.total, evaluation.error) == ("succeeded", 4, 4, "")
    figures = evaluation.figures
    assert (figures["known_faces"], figures["accuracy"]) == (3, pytest.approx(2 / 3))
    assert figures["per_class"]["happy"]["recall"] == 1.0
    assert figures["precision_curves"]["happy"][0] > 0.5
    assert figures["unreadable"] == 0
    (wrong,) = pictures_with(evaluation, truth="sad", found="happy")
    assert (wrong.number, wrong.path) == (2, "valid/images/2.jpg")
    (face,) = wrong.faces
    assert face.true_box == pytest.approx(CORNERS, abs=0.01)
    assert face.found_box == pytest.approx(CORNERS, abs=0.03)
    assert face.score > 0.5
    assert [picture.number for picture in pictures_with(evaluation, wrong=True)] == [2]
    assert [picture.number for picture in pictures_with(evaluation, truth="happy")] == [0, 1]
    assert pictures_with(evaluation, found="missed") == []
    assert picture_path(evaluation, 3) == "valid/images/3.jpg"
    assert picture_path(evaluation, 4) is None


def test_a_turn_ends_after_its_time_and_the_next_goes_on(version, dataset, hamster):
    hamster(evaluation_slice_seconds=0)
    evaluation = request_evaluation(version=version, dataset=dataset, owner=None)
    for done in (1, 2, 3, 4):
        assert work_on_evaluation(evaluation_id=evaluation.pk)
        evaluation.refresh_from_db()
        assert (evaluation.state, evaluation.done, evaluation.progress) == ("running", done, done / 4)
    assert not work_on_evaluation(evaluation_id=evaluation.pk)
    assert evaluation.parts.count() == 4
    assert not work_on_evaluation(evaluation_id=evaluation.pk)  # a message that comes twice
    evaluation.refresh_from_db()
    assert evaluation.figures["frames"] == 4


def test_a_message_that_comes_twice_takes_no_turn_and_is_not_sent_on(version, dataset, hamster):
    hamster(evaluation_slice_seconds=0)
    evaluation = request_evaluation(version=version, dataset=dataset, owner=None)
    with redis.Redis.from_url(site_settings.REDIS_URL) as broker:
        evaluate_task(evaluation.pk, 0)
        waiting = broker.llen("batch")
        evaluate_task(evaluation.pk, 0)
        assert broker.llen("batch") == waiting
    evaluation.refresh_from_db()
    assert evaluation.done == 1


def test_a_picture_that_cannot_be_read_counts_as_one_without_a_find(version, dataset, tmp_path):
    (tmp_path / "red/valid/images/0.jpg").write_bytes(b"junk")
    evaluation = evaluate(version, dataset)
    assert evaluation.figures["unreadable"] == 1
    assert [picture.number for picture in pictures_with(evaluation, truth="happy", found="missed")] == [0]


def test_links_out_of_the_data_set_are_not_opened(version, dataset, tmp_path):
    picture = tmp_path / "red" / "valid" / "images" / "0.jpg"
    picture.rename(tmp_path / "secret.jpg")
    picture.symlink_to(tmp_path / "secret.jpg")
    assert evaluate(version, dataset).figures["unreadable"] == 1


def test_what_cannot_be_evaluated_is_refused_or_fails_with_a_reason(version, dataset, tmp_path):
    empty = Dataset.objects.create(name="empty", folder=str(tmp_path))
    with pytest.raises(UnusableDataset, match="valid/images"):
        request_evaluation(version=version, dataset=empty, owner=None)
    evaluation = request_evaluation(version=version, dataset=dataset, owner=None)
    with pytest.raises(EvaluationIsOpen):
        request_evaluation(version=version, dataset=dataset, owner=None)
    for image in (tmp_path / "red/valid/images").iterdir():
        image.unlink()
    carry_out(evaluation)
    assert (evaluation.state, evaluation.finished_at is None) == ("failed", False)
    assert "no usable image" in evaluation.error


def test_a_data_set_that_disappears_in_the_middle_fails_the_evaluation(version, dataset, hamster, tmp_path):
    hamster(evaluation_slice_seconds=0)
    evaluation = request_evaluation(version=version, dataset=dataset, owner=None)
    assert work_on_evaluation(evaluation_id=evaluation.pk)
    (tmp_path / "red").rename(tmp_path / "elsewhere")
    carry_out(evaluation)
    assert (evaluation.state, evaluation.done) == ("failed", 1)
    assert "has no folder valid/images any more" in evaluation.error


def test_an_error_that_nobody_foresaw_is_said_as_it_is(version, dataset, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("detector.services.evaluations.look_at", fail)
    evaluation = evaluate(version, dataset)
    assert (evaluation.state, evaluation.error) == ("failed", "RuntimeError: boom")


def test_a_damaged_detector_fails_the_evaluation(version, dataset):
    evaluation = request_evaluation(version=version, dataset=dataset, owner=None)
    version.onnx.storage.delete(version.onnx.name)
    carry_out(evaluation)
    assert evaluation.state == "failed"
    assert "Can't read the detector file" in evaluation.error


def test_disagreements_of_two_versions(version, dataset, tmp_path):
    other = register_version(onnx=write_two_look_detector(tmp_path / "two.onnx"), source="imported")
    first, second = evaluate(version, dataset), evaluate(other, dataset)
    pairs = disagreements(first, second)
    assert [one.number for one, _ in pairs] == [0, 1, 2]
    assert {(one.faces[0].found, two.faces[0].found) for one, two in pairs} == {("happy", "angry")}
    assert disagreements(first, first) == []


def test_the_newest_finished_one_counts(version, dataset):
    first, second = evaluate(version, dataset), evaluate(version, dataset)
    request_evaluation(version=version, dataset=dataset, owner=None)
    assert latest_on_each(version=version) == [second]
    assert newest_on(version=version, dataset=dataset) == second
    loaded = evaluations().first()
    assert "card" in loaded.version.get_deferred_fields()
    assert "report" in loaded.dataset.get_deferred_fields()
    assert (first.figures["frames"], first.parts.exists(), second.parts.exists()) == (4, False, True)


def test_the_admin_deletes_an_evaluation_with_what_was_found(version, dataset, admin_client, client):
    evaluation = evaluate(version, dataset)
    page = reverse("admin:detector_evaluation_delete", args=[evaluation.pk])
    client.force_login(get_user_model().objects.create_user("staff", is_staff=True))
    assert client.post(page, {"post": "yes"}).status_code == 403
    assert "found in 4 pictures" in admin_client.get(page).content.decode()
    assert admin_client.post(page, {"post": "yes"}).status_code == 302
    assert not Evaluation.objects.exists()
    assert not EvaluationPart.objects.exists()
    assert Dataset.objects.exists()


def test_one_whose_worker_died_is_sent_again_but_not_without_end(version, dataset):
    evaluation = request_evaluation(version=version, dataset=dataset, owner=None)
    assert recover_evaluations() == 0
    row = Evaluation.objects.filter(pk=evaluation.pk)
    row.update(state="running", claim="dead", claimed_at=timezone.now())
    assert not work_on_evaluation(evaluation_id=evaluation.pk)  # somebody has it
    row.update(claimed_at=timezone.now() - timedelta(hours=1), attempts=1)
    assert recover_evaluations() == 1
    assert recover_evaluations() == 0  # another worker that looks
    row.update(claimed_at=timezone.now() - timedelta(hours=1), attempts=MOST_ATTEMPTS)
    assert recover_evaluations() == 0
    evaluation.refresh_from_db()
    assert (evaluation.state, "died" in evaluation.error) == ("failed", True)


def test_a_worker_evaluates_and_measures_and_a_killed_one_loses_nothing(version, dataset, tmp_path, red_one):
    """Killed after its first picture; the next worker goes on from there."""
    request_speed(version=version)
    with batch_worker(tmp_path / "first.log", red_one, HAMSTER_EVALUATION_SLICE_SECONDS="0") as first:
        wait_until(lambda: DetectorVersion.objects.get(pk=version.pk).speed.get("face_ms"), "the speed")
        evaluation = request_evaluation(version=version, dataset=dataset, owner=None)
        wait_until(evaluation.parts.exists, "the first picture")
        first.kill()
    Evaluation.objects.filter(pk=evaluation.pk).update(claimed_at=timezone.now() - timedelta(hours=1))
    recover_evaluations()
    with batch_worker(tmp_path / "second.log", red_one):
        wait_until(lambda: Evaluation.objects.get(pk=evaluation.pk).finished_at, "the evaluation")
    evaluation.refresh_from_db()
    assert (evaluation.state, evaluation.done) == ("succeeded", 4)
    assert len(evaluation.parts.first().pictures) == 1
    speed = DetectorVersion.objects.get(pk=version.pk).speed
    assert speed["cpu"]
    assert speed["asked_at"] is None


def test_the_speed_of_a_damaged_file_is_an_error_and_the_old_figures_stay(version):
    request_speed(version=version)
    measure_speed(version_id=version.pk)
    before = DetectorVersion.objects.get(pk=version.pk).speed
    assert before["no_face_ms"] > 0
    version.onnx.storage.delete(version.onnx.name)
    measure_speed(version_id=version.pk)  # a message that comes twice
    assert DetectorVersion.objects.get(pk=version.pk).speed == before
    request_speed(version=version)
    measure_speed(version_id=version.pk)
    after = DetectorVersion.objects.get(pk=version.pk).speed
    assert (after["face_ms"], "Can't read" in after["error"]) == (before["face_ms"], True)


def test_a_measurement_that_breaks_says_why(version, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("detector.services.speed._measure", fail)
    request_speed(version=version)
    measure_speed(version_id=version.pk)
    speed = DetectorVersion.objects.get(pk=version.pk).speed
    assert (speed["asked_at"], "RuntimeError: boom" in speed["error"]) == (None, True)


def test_a_measurement_whose_message_is_lost_is_sent_again_but_not_without_end(version):
    request_speed(version=version)
    assert recover_speed_measurements() == 0
    speed = DetectorVersion.objects.get(pk=version.pk).speed
    long_ago = (timezone.now() - timedelta(hours=1)).isoformat()
    row = DetectorVersion.objects.filter(pk=version.pk)
    row.update(speed=speed | {"asked_at": long_ago})
    assert recover_speed_measurements() == 1
    assert recover_speed_measurements() == 0  # another worker that looks
    row.update(speed=speed | {"asked_at": long_ago, "attempts": 3})
    assert recover_speed_measurements() == 0
    assert (row.get().speed["asked_at"], "died" in row.get().speed["error"]) == (None, True)
