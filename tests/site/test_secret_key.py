from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured

from detector.socket_accounts import account_of_session
from hamster_site.secret_key import stored_secret_key


def test_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path):
    path = tmp_path / "secret_key"
    key = stored_secret_key(path, create=True)
    assert len(key) >= 50
    assert stored_secret_key(path, create=False) == key
    assert path.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [path]


def test_missing_key_stops_a_site_that_may_not_make_one(tmp_path: Path):
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY"):
        stored_secret_key(tmp_path / "secret_key", create=False)


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path):
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: stored_secret_key(tmp_path / "key", create=True), range(32)))
    assert len(keys) == 1


@pytest.mark.django_db
def test_who_is_signed_in_stays_so_under_a_new_key_while_the_old_one_is_named(client, settings):
    mia = get_user_model().objects.create_user("mia")
    client.force_login(mia)
    old = client.session.session_key
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    for _ in range(2):  # sockets of pages that were open before
        assert account_of_session(old) == mia
    assert client.get("/account/").status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get("/account/").status_code == 200
    assert account_of_session(client.session.session_key) == mia


@pytest.mark.django_db
def test_a_new_key_alone_ends_all_sessions(client, settings):
    client.force_login(get_user_model().objects.create_user("mia"))
    settings.SECRET_KEY = "another"
    assert client.get("/account/").status_code == 302
