"""Corrections in the admin: to be read, and to be withdrawn for their senders."""

import pytest

from detector.models import Correction
from tests.detector.corrections import send, stored

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/admin/detector/correction/"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media"


def test_the_pages_show_all_but_secrets(admin_client):
    correction, _ = send()
    assert f"correction {correction.pk}" in admin_client.get(PAGE).content.decode()
    page = admin_client.get(f"{PAGE}{correction.pk}/change/").content.decode()
    assert f"/corrections/review/{correction.pk}/crop/" in page
    assert correction.code_hash not in page
    assert correction.crop.name not in page
    assert admin_client.get(f"{PAGE}add/").status_code == 403


def test_deleting_withdraws_with_the_picture(admin_client, media):
    first, second = (send(seed=seed)[0] for seed in range(2))
    admin_client.post(f"{PAGE}{first.pk}/delete/", {"post": "yes"})
    action = {"action": "delete_selected", "_selected_action": [second.pk], "post": "yes"}
    admin_client.post(PAGE, action)
    assert not Correction.objects.exists()
    assert stored(media) == []
