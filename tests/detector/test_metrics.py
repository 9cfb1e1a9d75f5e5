"""What Prometheus reads of a real web process while cameras send to it."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.detector.live_site import FRAME, PATIENCE, ROOT, LiveSite, ask, message

TOKEN = "only-for-tests"
Sample = tuple[str, frozenset[tuple[str, str]]]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, red_one: Path) -> Iterator[LiveSite]:
    site = LiveSite(tmp_path_factory.mktemp("watched"), red_one, METRICS_TOKEN=TOKEN)
    site.start()
    yield site
    site.stop()


def families(site: LiveSite) -> list[Metric]:
    answer = httpx.get(
        f"http://127.0.0.1:{site.port}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}
    ).raise_for_status()
    return list(text_string_to_metric_families(answer.text))


def read(site: LiveSite) -> dict[Sample, float]:
    """All figures by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families(site)
        for sample in family.samples
    }


def figure(figures: dict[Sample, float], name: str, **labels: str) -> float:
    return figures.get((name, frozenset(labels.items())), 0.0)


@pytest.mark.parametrize("given", [None, "", "Bearer", f"Bearer {TOKEN}x", f"Token {TOKEN}", "Bearer \xe9"])
def test_without_the_token_there_is_no_such_address(watched, given):
    headers = {} if given is None else {"Authorization": given.encode("latin1")}
    answer = httpx.get(f"http://127.0.0.1:{watched.port}/metrics", headers=headers)
    assert answer.status_code == 404
    assert "hamster_frames" not in answer.text


def test_without_the_setting_there_is_no_such_address(client, settings):
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


async def test_every_frame_is_counted_as_what_became_of_it(watched):
    before = read(watched)

    def change(name: str, **labels: str) -> float:
        return figure(after, name, **labels) - figure(before, name, **labels)

    async with watched.connect() as camera:
        await camera.recv()
        for number in range(3):
            await ask(camera, number)
        assert (await ask(camera, 3, b"no picture"))["type"] == "error"
        assert (await ask(camera, 3, FRAME.ljust(524_289, b"\0")))["code"] == "image_too_large"
        for number in range(4, 40):  # faster than it may
            await camera.send(message(number))
        counted, deadline = 0.0, time.monotonic() + PATIENCE
        while counted < 41 and time.monotonic() < deadline:
            after = read(watched)
            answered = change("hamster_pictures_total", kind="live", outcome="answered")
            refused = change("hamster_pictures_total", kind="live", outcome="bad_image")
            too_large = change("hamster_pictures_total", kind="live", outcome="image_too_large")
            dropped = {
                reason: change("hamster_frames_dropped_total", reason=reason)
                for reason in ("too_fast", "replaced", "unread")
            }
            counted = answered + refused + too_large + sum(dropped.values())
        assert figure(after, "hamster_live_places", of="taken") == 1
    assert change("hamster_frames_received_total") == counted == 41
    assert answered >= 4
    assert (refused, too_large) == (1, 1)
    assert dropped["too_fast"] > 0
    for stage in ("queue", "decode", "inference", "total"):
        assert change("hamster_stage_seconds_count", kind="live", stage=stage) == answered
    assert figure(after, "hamster_live_places", of="all") > 100


def test_single_requests_the_detector_and_jobs_are_told(watched):
    before = read(watched)
    answer = httpx.post(
        f"http://127.0.0.1:{watched.port}/api/predict", files={"file": ("a.jpg", message(0)[4:])}, timeout=60
    )
    assert answer.status_code == 200
    after = read(watched)
    name, labels = "hamster_pictures_total", {"kind": "request", "outcome": "answered"}
    assert figure(after, name, **labels) == figure(before, name, **labels) + 1
    (served,) = [dict(labels) for name, labels in after if name == "hamster_detector_info"]
    assert served["version"] == "red-1"
    for kind in ("batch", "batch_item", "training_run", "dataset_check", "evaluation"):
        assert ("hamster_jobs", frozenset({("kind", kind), ("state", "queued")})) in after
    assert figure(after, "process_resident_memory_bytes") > 2**25


def test_the_dashboard_asks_for_nothing_that_is_not_told(watched):
    told = {
        family.name + ending for family in families(watched) for ending in ("", "_total", "_bucket", "_info")
    }
    panels = json.loads((ROOT / "docs/grafana.json").read_text())["panels"]
    asked = {
        name
        for panel in panels
        for target in panel["targets"]
        for name in re.findall(r"\b(?:hamster|process)_\w+", target["expr"])
    }
    assert len(asked) >= 8
    assert asked <= told
