"""`manage.py up`: the whole site on this machine, until Ctrl-C."""

import errno
import logging
import signal
import socket
import sys
import threading
import urllib.error
import urllib.request
from argparse import ArgumentParser

import redis
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from detector.management.command import ExactCommand
from hamster_site.embedded_redis import EmbeddedRedis, EmbeddedRedisError
from hamster_site.supervisor import Service
from hamster_site.up_lock import only_one_here

logger = logging.getLogger(__name__)
SLOW_START = 60.0  # seconds without an answer after which we say what is missing
WATCH_INTERVAL = 0.25  # seconds


class Command(ExactCommand):
    """Starts Redis, the database, the web process and the workers, and stops them in order."""

    help = "Start the whole site on this machine and stop it with Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the address; everything else is a setting."""
        parser.add_argument("--host", default=settings.HOST, help="address to listen on (HOST)")
        parser.add_argument("--port", type=int, default=settings.PORT, help="port to listen on (PORT)")

    def handle(self, *, host: str, port: int, **_: object) -> None:
        """Run until a signal asks to stop. Raises CommandError when the site cannot start."""
        sys.stdout.reconfigure(line_buffering=True)  # so that `| tee log` shows each line as it comes
        stop = _stop_on_signals()
        url = f"http://{_reachable(host)}:{port}/"
        with only_one_here(settings.VAR_DIR, url):
            _require_free_port(host, port)
            server = _connect_redis()
            try:
                self.stdout.write("Preparing the database ...")
                call_command("prepare")
                self.stdout.write("Starting the site ...")
                self._run(site_services(host, port), server, url, stop)
            finally:
                if server is not None:
                    server.stop()
                self.stdout.write("Hamster Expression has stopped.")

    def _run(
        self, services: list[Service], server: EmbeddedRedis | None, url: str, stop: threading.Event
    ) -> None:
        waited, ready, warned = 0.0, False, False
        try:
            while not stop.is_set():
                if server is not None and not server.is_running:
                    logger.error("Redis died; starting it again")
                    server.start()
                for service in services:
                    service.watch()
                if not ready:
                    missing = _what_is_not_ready(url)
                    ready = missing is None
                    if ready:
                        self.stdout.write(self.style.SUCCESS(f"Hamster Expression is ready: {url}"))
                        self.stdout.write("Press Ctrl-C to stop it.")
                    elif waited > SLOW_START and not warned:
                        warned = True
                        self.stderr.write(f"The site does not answer as it should yet: {missing}")
                stop.wait(WATCH_INTERVAL)
                waited += WATCH_INTERVAL
            self.stdout.write("Stopping ...")
            stop.clear()
        finally:
            for service in services:
                service.ask_to_stop()
            for service in services:
                service.stop(at_once=stop.is_set())  # set again by a second Ctrl-C


def site_services(host: str, port: int) -> list[Service]:
    """The web process, which listens on this address, and the workers."""
    python = (sys.executable, "-m")
    worker = (*python, "celery", "--quiet", "--app", "hamster_site", "worker", "--loglevel", "INFO")
    light = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    return [
        Service(
            "web",
            [
                *(*python, "daphne", "--bind", host, "--port", str(port)),
                *("--verbosity", "0", "--no-server-name", "--application-close-timeout", "2"),
                *("--ping-interval", "15", "--ping-timeout", "20"),
                "hamster_site.asgi:application",
            ],
            # Fewer of glibc's arenas: 229 instead of 243 MB after a mixed load, and no slower.
            {"MALLOC_ARENA_MAX": "2"},
        ),
        Service(
            "batch",
            # Nicer than the others: it takes every core, and the pages are to stay quick meanwhile.
            [
                *("nice", "-n", "10"),
                *(*worker, "--queues", "batch", "--hostname", "batch@%h", "--concurrency", "1", *light),
            ],
        ),
        # Apart from the pictures: calls to strangers' servers are mostly waiting.
        Service(
            "webhooks",
            [
                *(*worker, "--queues", "webhooks", "--hostname", "webhooks@%h"),
                *("--pool", "threads", "--concurrency", "4", *light),
            ],
        ),
        # The training task only watches a process of its own, so the worker needs no pool.
        Service(
            "training",
            [*worker, "--queues", "training", "--hostname", "training@%h", "--pool", "solo", *light],
        ),
    ]


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _reachable(host: str) -> str:
    """The address by which this machine itself reaches a server that listens on `host`."""
    host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # nosec B104
    return f"[{host}]" if ":" in host else host


def _require_free_port(host: str, port: int) -> None:
    if not 0 < port < 65536:
        raise CommandError(f"PORT must be between 1 and 65535, not {port}.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(
                f"Port {port} is already in use. Stop the other program or run with PORT={port + 1}."
            ) from error
        raise CommandError(f"Cannot listen on {host} port {port}: {error.strerror}.") from error


def _connect_redis() -> EmbeddedRedis | None:
    """Start the embedded Redis, or check the one that REDIS_URL names. Raises CommandError."""
    if not settings.REDIS_IS_EMBEDDED:
        try:
            with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5) as client:
                client.ping()
        except (redis.RedisError, ValueError) as error:
            raise CommandError(f"No Redis answers at REDIS_URL: {error}") from error
        return None
    server = EmbeddedRedis(settings.VAR_DIR)
    try:
        server.start()
    except EmbeddedRedisError as error:
        raise CommandError(str(error)) from error
    return server


def _what_is_not_ready(url: str) -> str | None:
    """None when the site answers that it is ready, else what is wrong in one line."""
    # A leading dot stands for the domain and all below it.
    host = next((name.lstrip(".") for name in settings.ALLOWED_HOSTS if name.strip("*.")), "localhost")
    request = urllib.request.Request(f"{url}health/ready", headers={"Host": host})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=2):  # noqa: S310  # nosec B310
            return None
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read(500).decode(errors='replace')}"
    except OSError as error:
        return str(error)
