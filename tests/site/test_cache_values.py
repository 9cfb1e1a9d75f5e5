import pickle
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.core.cache import cache


class Planted:
    """Runs when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple:
        return Path.touch, (self.trace,)


def test_what_somebody_writes_into_redis_is_never_run(tmp_path):
    trace = tmp_path / "ran"
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.set(cache.make_key("planted"), pickle.dumps(Planted(trace)))
    with pytest.raises(ValueError, match=r"JSON|decode|Expecting|utf"):
        cache.get("planted")
    assert not trace.exists()
    cache.delete("planted")


def test_the_cache_gives_back_what_limits_keep_there():
    for value in (1, True, [1.5, 2.5], "text", None, {"a": [1]}):
        cache.set("value", value, 10)
        assert cache.get("value", "nothing") == value
    cache.set("count", 1, 10)
    assert cache.incr("count") == 2
