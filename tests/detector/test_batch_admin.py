"""Batches in the admin."""

from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.utils import timezone

from detector.models import BatchJob, Webhook, WebhookAttempt
from detector.services.batch_work import work_on_next_chunk
from detector.services.batches import NothingToRetry, create_batch
from tests.detector.batches import FACE, incoming

pytestmark = pytest.mark.usefixtures("engine")
PAGE = "/admin/detector/batchjob/"


@pytest.fixture
def batch(tmp_path, admin_user) -> BatchJob:
    folder = tmp_path / "incoming"
    folder.mkdir()
    return create_batch(owner=admin_user, files=incoming(folder, a_jpg=FACE, notes_txt=b"junk"))


def act(client, action: str, batch: BatchJob, **more: str) -> str:
    data = {"action": action, "_selected_action": [batch.pk], **more}
    return client.post(PAGE, data, follow=True).content.decode()


def state_of(batch: BatchJob) -> str:
    return BatchJob.objects.get(pk=batch.pk).state


def test_staff_cancel_a_batch_and_take_it_up_again(admin_client, batch):
    assert "Cancel these batches?" in act(admin_client, "cancel", batch)
    assert state_of(batch) == "queued"
    assert "is being cancelled" in act(admin_client, "cancel", batch, confirmed="yes")
    assert state_of(batch) == "cancelled"
    assert "is waiting for a worker again" in act(admin_client, "retry", batch)
    assert state_of(batch) == "queued"
    assert NothingToRetry.message.split(":")[0] in act(admin_client, "retry", batch)


def test_pages_show_batches_and_items_and_change_nothing(admin_client, batch):
    work_on_next_chunk()
    for page in (f"{PAGE}?state__exact=succeeded", f"{PAGE}?q={batch.pk}"):
        assert f"batch {batch.pk}" in admin_client.get(page).content.decode()
    page = admin_client.get(f"{PAGE}{batch.pk}/change/").content.decode()
    assert "2 items" in page
    assert 'name="state"' not in page
    assert "_save" not in page
    listed = admin_client.get(f"/admin/detector/batchitem/?batch__id__exact={batch.pk}").content.decode()
    assert "a.jpg" in listed
    assert "happy" in listed
    assert "bad_image" in listed
    item = batch.items.get(number=1)
    page = admin_client.get(f"/admin/detector/batchitem/{item.pk}/change/").content.decode()
    assert item.file.name in page
    assert "surprised" in page


def test_only_who_may_change_batches_cancels_them(client, batch):
    viewer = get_user_model().objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_batchjob"))
    client.force_login(viewer)
    act(client, "cancel", batch, confirmed="yes")
    assert state_of(batch) == "queued"


def test_deleting_asks_and_takes_the_files_along(admin_client, batch):
    folder = Path(settings.MEDIA_ROOT) / batch.folder
    assert "Are you sure" in act(admin_client, "delete_selected", batch)
    assert folder.exists()
    act(admin_client, "delete_selected", batch, post="yes")
    assert not BatchJob.objects.exists()
    assert not folder.exists()


def test_attempts_of_a_webhook_are_listed_and_its_secret_is_not(admin_client, batch):
    webhook = Webhook.objects.create(batch=batch, url="https://example.com/ended", secret="a-deep-secret")
    WebhookAttempt.objects.create(
        webhook=webhook,
        event="e",
        started_at=timezone.now(),
        milliseconds=12,
        status=500,
        error="Answered 500",
    )
    page = admin_client.get(f"{PAGE}{batch.pk}/change/").content.decode()
    assert "https://example.com/ended" in page
    assert "1 attempts" in page
    listed = admin_client.get(f"/admin/detector/webhookattempt/?webhook__id__exact={webhook.pk}")
    assert "Answered 500" in listed.content.decode()
    assert "a-deep-secret" not in page + listed.content.decode()
