"""REST: predictions, detectors, health."""

import base64
import json

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS

from detector.engine.detectors import LoadedDetector
from ml.config import EMOTIONS
from tests.detector.held_predictor import HeldPredictor
from tests.detector.pictures import FACE, ODD_PICTURES, Odd, encoded, scene

pytestmark = pytest.mark.usefixtures("engine")
FRAME = encoded(scene())


@pytest.fixture(autouse=True)
def _fresh_throttles():
    cache.clear()


def upload(client: Client, data: bytes = FRAME, field: str = "file"):
    return client.post("/api/predict", {field: SimpleUploadedFile("picture", data)})


def stream(client: Client, image: object):
    return client.post("/api/predict/stream", json.dumps({"image": image}), "application/json")


def both_ways(client: Client, data: bytes):
    return [upload(client, data), stream(client, base64.b64encode(data).decode())]


def code_of(response) -> str:
    return response.json()["error"]["code"]


def test_both_ways_give_the_same_prediction_and_it_begins_with_the_originals_fields(client):
    for response in both_ways(client, FRAME):
        assert response.status_code == 200
        answer = response.json()
        assert list(answer) == ["emotion", "confidence", "boxes", "detector", "timing_ms"]
        assert (answer["emotion"], answer["detector"]) == ("happy", "shipped")
        (box,) = answer["boxes"]
        assert set(box) == {"label", "score", "x1", "y1", "x2", "y2", "scores"}
        assert tuple(box["scores"]) == EMOTIONS
        assert answer["confidence"] == box["score"] == max(box["scores"].values())
        assert {name: box[name] for name in FACE} == pytest.approx(FACE, abs=0.02)
        assert set(answer["timing_ms"]) == {"decode", "queue", "inference", "total"}


def test_a_data_url_is_taken_as_well(client):
    response = stream(client, "data:image/jpeg;base64," + base64.b64encode(FRAME).decode())
    assert response.json()["emotion"] == "happy"


def test_no_face_is_unknown(client):
    answer = upload(client, encoded(scene(face=False))).json()
    assert (answer["emotion"], answer["confidence"], answer["boxes"]) == ("unknown", 0.0, [])


@pytest.mark.parametrize("odd", ODD_PICTURES, ids=lambda odd: odd.name)
def test_odd_pictures_are_looked_at_or_refused(client, odd: Odd):
    for response in both_ways(client, odd.data):
        if odd.code is None:
            assert response.status_code == 200
            boxes = response.json()["boxes"]
            assert len(boxes) == odd.faces
            for box in boxes:
                assert {name: box[name] for name in FACE} == pytest.approx(FACE, abs=0.02)
        else:
            assert response.status_code == {"bad_image": 400, "image_too_large": 413}[odd.code]
            assert code_of(response) == odd.code
    assert upload(client).status_code == 200


def test_a_wrong_field_name_is_explained(client):
    response = upload(client, field="picture")
    assert (response.status_code, code_of(response)) == (400, "invalid")
    assert '"file"' in response.json()["error"]["details"]["file"][0]


@pytest.mark.parametrize("body", ["{}", "[]", '{"image": 7}', '{"image": null}', '"text"'])
def test_a_stream_body_without_an_image_is_explained(client, body):
    response = client.post("/api/predict/stream", body, "application/json")
    assert (response.status_code, code_of(response)) == (400, "invalid")


@pytest.mark.parametrize("image", ["no base64!", "data:image/png,abc", "data:", "YWJj=YWJj", "é"])
def test_text_that_is_no_base64_is_a_bad_image(client, image):
    response = stream(client, image)
    assert (response.status_code, code_of(response)) == (400, "bad_image")


def test_huge_base64_is_refused_before_it_is_decoded(client, hamster, monkeypatch):
    hamster(upload_max_bytes=4096)
    monkeypatch.setattr("detector.api.serializers.base64.b64decode", None)
    for size in (5500, 100_000):
        response = stream(client, "A" * size)
        assert (response.status_code, code_of(response)) == (413, "image_too_large")


def test_an_upload_over_the_limit_is_refused(client, hamster):
    hamster(upload_max_bytes=4096)
    for size in (4097, 100_000):
        response = upload(client, bytes(size))
        assert (response.status_code, code_of(response)) == (413, "image_too_large")


@pytest.mark.parametrize("body", ['{"image":[' + "{}," * 500_000 + "{}]}", "[" + "0," * 500_000 + "0]"])
def test_json_of_a_million_values_is_refused_before_it_is_parsed(client, monkeypatch, body):
    monkeypatch.setattr(json, "load", lambda *_, **__: pytest.fail("it was parsed"))
    response = client.post("/api/predict/stream", body, "application/json")
    assert response.status_code == 400
    assert code_of(response) == "parse_error"


@pytest.mark.parametrize("charset", ["punycode", "idna", "utf-16"])
def test_only_utf_8_is_read(client, charset):
    """Python knows encodings that take minutes for a few hundred kilobytes, or fail in ways of their own."""
    body = json.dumps({"image": base64.b64encode(FRAME).decode()}).encode()
    for path, named in (
        ("/api/predict/stream", "application/json"),
        ("/api/predict", "multipart/form-data; boundary=b"),
    ):
        response = client.generic("POST", path, body, f"{named}; charset={charset}")
        assert response.status_code == 400
        assert code_of(response) == "parse_error"
    assert (
        client.generic("POST", "/api/predict/stream", body, "application/json; charset=UTF-8").status_code
        == 200
    )


def test_base64_may_be_wrapped_into_lines(client):
    assert stream(client, base64.encodebytes(FRAME).decode()).status_code == 200


def test_nested_json_beyond_reason_is_a_parse_error(client):
    response = client.post("/api/predict/stream", '{"image":' + "[" * 200_000, "application/json")
    assert (response.status_code, code_of(response)) == (400, "parse_error")


def test_a_full_engine_answers_busy_and_when_to_come_back(client, engine, red_one, hamster):
    hamster(engine_request_timeout=0.05)

    held = HeldPredictor(red_one)
    engine.install(LoadedDetector("held", held))
    response = upload(client)
    held.go.set()
    assert (response.status_code, code_of(response)) == (503, "server_busy")
    assert response.headers["Retry-After"] == "1"


def test_too_many_requests_are_throttled_each_way_for_itself(client, hamster):
    hamster(predict_rate="2/minute", stream_rate="2/minute")
    assert [upload(client).status_code for _ in range(3)] == [200, 200, 429]
    response = upload(client)
    assert code_of(response) == "throttled"
    assert 0 < int(response.headers["Retry-After"]) <= 60
    assert stream(client, base64.b64encode(FRAME).decode()).status_code == 200


def test_a_client_cannot_escape_the_throttle_by_inventing_addresses(client, hamster):
    hamster(predict_rate="1/minute")
    codes = [
        client.post("/api/predict", headers={"X-Forwarded-For": f"10.0.0.{number}"}).status_code
        for number in range(2)
    ]
    assert codes[1] == 429


def test_every_address_but_health_is_throttled(client, hamster):
    hamster(api_rate="1/minute")
    for path in ("/api/schema/", "/api/docs/"):
        cache.clear()
        assert [client.get(path).status_code for _ in range(2)] == [200, 429]
    for path in ("/health", "/health/ready"):
        assert [client.get(path).status_code for _ in range(3)] == [200] * 3


def test_predictions_go_on_without_redis(client, settings, caplog):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    assert upload(client).status_code == 200
    assert "not being limited" in caplog.text


def test_health_tells_name_version_and_detector_without_the_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get("/health").json()
    assert answer == {"name": "Hamster Expression", "version": "0.1.0", "status": "ok", "detector": "shipped"}


def test_ready_has_one_line_for_each_dependency(client):
    response = client.get("/health/ready")
    assert response.status_code == 200
    answer = response.json()
    assert {name: answer[name]["status"] for name in ("database", "redis", "detector")} == {
        "database": "ok",
        "redis": "ok",
        "detector": "ok",
    }


def test_ready_is_503_and_names_the_dependency_that_fails(client, settings, caplog):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    response = client.get("/health/ready")
    assert response.status_code == 503
    answer = response.json()
    assert (answer["status"], answer["redis"]["status"], answer["database"]["status"]) == (
        "unavailable",
        "failed",
        "ok",
    )
    assert answer["redis"]["message"] == "Redis does not answer"
    assert "127.0.0.1:1" in caplog.text  # the reason is not for strangers


def test_ready_is_503_without_its_tables(client):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE detector_detectorversion RENAME TO elsewhere")
    try:
        response = client.get("/health/ready")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO detector_detectorversion")
    assert (response.status_code, response.json()["database"]["status"]) == (503, "failed")


def test_the_schema_describes_every_address_and_has_nothing_to_warn_of(client, capsys):
    GENERATOR_STATS.reset()
    schema = client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    assert set(schema["paths"]) == {
        "/health",
        "/health/ready",
        "/api/predict",
        "/api/predict/stream",
        "/api/detectors/",
        "/api/detectors/rollback/",
        "/api/detectors/{id}/",
        "/api/detectors/{id}/promote/",
        "/api/detectors/{id}/shadow/",
        "/api/detectors/{id}/speed/",
        "/api/detectors/{id}/download/",
        "/api/detectors/{id}/evaluations/",
        "/api/detectors/{id}/evaluations/{evaluation}/",
        "/api/batches/",
        "/api/batches/{id}/",
        "/api/batches/{id}/items/",
        "/api/batches/{id}/cancel/",
        "/api/batches/{id}/retry/",
        "/api/batches/{id}/download/",
        "/api/batches/{id}/webhook-attempts/",
        "/api/predictions/",
        "/api/predictions/download/",
        "/api/predictions/{id}/",
        "/api/predictions/{id}/thumbnail/",
        "/api/live-sessions/",
        "/api/live-sessions/{id}/",
        "/api/live-sessions/{id}/download/",
        "/api/corrections/",
        "/api/corrections/{id}/",
        "/api/datasets/",
        "/api/datasets/{id}/",
        "/api/datasets/{id}/check/",
        "/api/datasets/{id}/samples/",
        "/api/training-runs/",
        "/api/training-runs/{id}/",
        "/api/training-runs/{id}/epochs/",
        "/api/training-runs/{id}/cancel/",
        "/api/training-runs/{id}/resume/",
        "/api/tokens/",
        "/api/tokens/{id}/",
    }
    assert not GENERATOR_STATS, capsys.readouterr().err
    report = schema["components"]["schemas"]["TrainingRun"]["properties"]["report"]
    assert "TrainingReport" in json.dumps(report)


def test_the_docs_page_needs_nothing_from_other_hosts(client):
    page = client.get("/api/docs/").content.decode()
    assert "swagger-ui" in page
    assert "http://" not in page
    assert "https://" not in page
