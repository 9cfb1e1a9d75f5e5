from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

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
