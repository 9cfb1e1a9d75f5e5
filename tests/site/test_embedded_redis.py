import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import redis
from django.conf import settings
from django.core.cache import cache

from hamster_site.embedded_redis import LONGEST_SOCKET_PATH, EmbeddedRedis, embedded_redis_url

HOLDER = """
import sys
from pathlib import Path
from hamster_site.embedded_redis import EmbeddedRedis
server = EmbeddedRedis(Path(sys.argv[1]))
server.start()
print(server._process.pid, flush=True)
sys.stdin.read()
"""


def test_cache_and_settings_use_the_embedded_server():
    cache.set("greeting", "hello")
    assert settings.REDIS_URL.startswith("unix://")
    assert cache.get("greeting") == "hello"


def test_queued_data_survive_a_restart(tmp_path: Path):
    server = EmbeddedRedis(tmp_path)
    server.start()
    with redis.Redis.from_url(server.url) as client:
        client.rpush("batch", "job 1")
    server.stop()
    server.start()
    with redis.Redis.from_url(server.url) as client:
        assert client.lrange("batch", 0, -1) == [b"job 1"]
    server.stop()
    assert not server.is_running


def test_socket_is_private_and_short_even_in_a_deep_folder(tmp_path: Path):
    folder = tmp_path / ("d" * 60) / ("e" * 60)
    folder.mkdir(parents=True)
    path = Path(embedded_redis_url(folder).removeprefix("unix://"))
    assert len(os.fsencode(path)) <= LONGEST_SOCKET_PATH
    server = EmbeddedRedis(folder)
    server.start()
    try:
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0
    finally:
        server.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_server_dies_with_a_killed_parent(tmp_path: Path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        server = psutil.Process(int(holder.stdout.readline()))
        holder.send_signal(signal.SIGKILL)
        server.wait(timeout=10)
    assert not server.is_running()
