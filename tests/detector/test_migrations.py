"""A database of the first release comes to the newest one with its rows, on either kind of database."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.apps.registry import Apps
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from detector.models import BatchItem, BatchJob, Dataset, DetectorVersion, TrainingRun
from tests.databases import POSTGRES, database_url

ALIAS = "migrated"
THEN = datetime(2026, 5, 1, tzinfo=UTC)
RESULT = {"emotion": "happy", "confidence": 0.9, "boxes": []}


@pytest.fixture
def database(tmp_path: Path, django_db_blocker):
    """Another database than the tests', empty; its alias."""
    address = database_url(tmp_path)
    name = address.rpartition("/")[2].partition("?")[0] if POSTGRES else address.removeprefix("sqlite:///")
    connections.databases[ALIAS] = {**connection.settings_dict, "NAME": name}
    with django_db_blocker.unblock():
        yield ALIAS
        connections[ALIAS].close()
    del connections.databases[ALIAS]
    del connections[ALIAS]


def migrate(database: str, migration: str | None = None) -> Apps:
    """Bring the database to this migration of the detector's, or to the newest ones; the models of then."""
    executor = MigrationExecutor(connections[database])
    leaves = executor.loader.graph.leaf_nodes()
    targets = [leaf for leaf in leaves if leaf[0] != "detector"] if migration is None else []
    newest = executor.loader.graph.leaf_nodes("detector")
    targets += newest if migration is None else [("detector", migration)]
    return executor.migrate(targets).apps


def test_rows_of_the_first_release_and_of_the_first_batches_come_along(database):
    def models(apps: Apps, *names: str) -> list:
        return [apps.get_model("detector", name).objects.using(database) for name in names]

    first = migrate(database, "0001_initial")
    users = first.get_model("auth", "User").objects.using(database)
    keeper = users.create(username="keeper")
    versions, runs, audit = models(first, "DetectorVersion", "TrainingRun", "AuditEntry")
    retired = versions.create(name="hamster-1", state="retired", source="shipped", sha256="1" * 64)
    active = versions.create(
        name="hamster-2", state="active", source="imported", sha256="2" * 64, previous=retired, card={"a": 1}
    )
    run = runs.create(name="ours", data_dirs=["/faces"], status="failed", owner=keeper, error="no memory")
    audit.create(action="promote", subject="hamster-2", actor=keeper, actor_name="keeper")

    with_batches = migrate(database, "0007_training_runs")
    batches, items, datasets = models(with_batches, "BatchJob", "BatchItem", "Dataset")
    batch = batches.create(owner_id=keeper.pk, total=2, folder="batches/1", state="failed", expires_at=THEN)
    items.create(batch_id=batch.pk, number=1, name="a.jpg", state="succeeded", result=RESULT)
    items.create(batch_id=batch.pk, number=2, name="b.jpg", state="failed", error_code="bad_image")
    datasets.create(name="faces", folder="/faces", owner_id=keeper.pk, heartbeat_at=THEN)

    migrate(database)
    version = DetectorVersion.objects.using(database).get(state="active")
    assert (version.pk, version.previous.name, version.card) == (active.pk, "hamster-1", {"a": 1})
    assert (version.is_shadow, version.speed) == (False, {})
    kept = TrainingRun.objects.using(database).get()
    assert (kept.pk, kept.owner.username, kept.data_dirs) == (run.pk, "keeper", ["/faces"])
    assert kept.error == "no memory"
    assert BatchJob.objects.using(database).get().owner_id == keeper.pk
    found = BatchItem.objects.using(database).order_by("number")
    assert [(item.emotion, item.result) for item in found] == [("happy", RESULT), ("", None)]
    assert Dataset.objects.using(database).get().from_corrections is False
