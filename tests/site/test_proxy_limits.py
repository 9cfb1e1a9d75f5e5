"""What the proxy keeps away by itself: nginx with the product's configuration in front of a web that is none.

Visitors say in X-Visitor which address they come from, and TLS is as weak as the configuration lets it be.
"""

import contextlib
import os
import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from tests.detector.workers import wait_until
from tests.site.proxy import PATH, ROOT, Proxy, make_secrets, missing_programs

pytestmark = pytest.mark.skipif(
    bool(missing_programs()), reason=f"not installed: {', '.join(missing_programs())}"
)
FOR_TESTS = """
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Visitor;
    ssl_ciphers ALL:@SECLEVEL=0;
"""
NAMES = "localhost,hamster.example.com"
CONNECTIONS = 200
CUT_OFF_AFTER = 10  # seconds
LINK = "/accounts/password/reset/key/1-secret/?token=secret"


class Web(BaseHTTPRequestHandler):
    """Answers everything but `/broken`, and remembers the headers that came."""

    came: list[dict[str, str]] = []

    def do_GET(self) -> None:
        """A request without a body."""
        self.came.append({name.lower(): value for name, value in self.headers.items()})
        if self.path != "/broken":
            self.send_response(204)
            self.end_headers()

    def do_POST(self) -> None:
        """One with a body, which is waited for."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Webs(ThreadingHTTPServer):
    """As many at once as come."""

    daemon_threads = True
    request_queue_size = 512


@pytest.fixture(scope="module")
def proxy(tmp_path_factory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("proxy")
    make_secrets(folder / "secrets", NAMES)
    with Webs(("127.0.0.1", 0), Web) as web:
        Thread(target=web.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{web.server_port}"
        proxy = Proxy(folder, folder / "secrets", address, hosts=NAMES, more=FOR_TESTS)
        proxy.start()
        yield proxy
        proxy.stop()
        web.shutdown()


@contextlib.contextmanager
def connection(proxy: Proxy) -> Iterator[ssl.SSLSocket]:
    with (
        socket.create_connection(("127.0.0.1", proxy.https_port), timeout=60) as plain,
        proxy.trust.wrap_socket(plain, server_hostname="localhost") as client,
    ):
        yield client


def request(path: str, visitor: str, *headers: str, method: str = "GET") -> bytes:
    lines = (f"{method} {path} HTTP/1.1", "Host: localhost", f"X-Visitor: {visitor}", *headers, "", "")
    return "\r\n".join(lines).encode()


def all_said(client: ssl.SSLSocket) -> bytes:
    """What comes until the connection ends."""
    said = b""
    with contextlib.suppress(ConnectionResetError, ssl.SSLEOFError):
        while piece := client.recv(65536):
            said += piece
    return said


def answers(proxy: Proxy, path: str, visitors: list[str]) -> bytes:
    """To a request of each visitor's, as fast as they can be written."""
    requests = [request(path, visitor) for visitor in visitors[:-1]]
    with connection(proxy) as client:
        client.sendall(b"".join(requests) + request(path, visitors[-1], "Connection: close"))
        return all_said(client)


def statuses(proxy: Proxy, path: str, visitors: list[str]) -> list[int]:
    """The same, of each its status."""
    return [int(code) for code in re.findall(rb"^HTTP/1.1 (\d+)", answers(proxy, path, visitors), re.M)]


def get(proxy: Proxy, path: str, host: str, **headers: str) -> httpx.Response:
    """An answer over TLS to who asks for this host."""
    address = f"https://127.0.0.1:{proxy.https_port}{path}"
    return httpx.get(address, headers={"Host": host} | headers, verify=False)


@pytest.mark.parametrize(
    ("path", "visitor", "at_once"),
    [
        *(("/", "10.0.0.1", 200), ("/static/a.css", "10.0.0.2", 400)),
        *(("/ws/live/", "10.0.0.3", 200), ("/api/predict", "10.0.0.4", 200), ("/health", "10.0.0.5", 200)),
    ],
)
def test_flood_from_one_address_is_limited_and_others_are_served(proxy, path, visitor, at_once):
    codes = statuses(proxy, path, [visitor] * (at_once + 300))
    assert codes.index(429) > at_once
    assert statuses(proxy, path, [f"{visitor}0"]) == [204]


def test_whoever_is_refused_is_told_when_to_come_again_in_the_one_error_shape_or_in_words(proxy):
    for path, text in (("/api/predict", b'{"error": {"code": "throttled", '), ("/", b"Too many requests. ")):
        said = answers(proxy, path, ["10.0.0.6"] * 500)
        head, _, body = said[said.index(b"HTTP/1.1 429 ") :].partition(b"\r\n\r\n")
        assert b"\r\nRetry-After: 5" in head
        assert body.startswith(text)


def test_ipv6_addresses_of_one_home_count_as_one(proxy):
    homes = [[f"2001:db8:0:{home}::{number:x}:1" for number in range(500)] for home in (1, 2)]
    assert 429 in statuses(proxy, "/", homes[0])
    assert statuses(proxy, "/", homes[1][:1]) == [204]


def test_address_has_so_many_connections_and_no_more(proxy):
    waiting = request("/static/", "10.0.1.1", "Content-Length: 1", method="POST")
    with contextlib.ExitStack() as stack:
        for _ in range(CONNECTIONS):
            stack.enter_context(connection(proxy)).sendall(waiting)
        wait_until(lambda: statuses(proxy, "/static/", ["10.0.1.1"]) == [429], "one to be refused")
        assert statuses(proxy, "/static/", ["10.0.1.2"]) == [204]


def test_head_that_drips_and_body_that_stops_are_cut_off(proxy):
    def seconds_until_cut_off(first: bytes, more: bytes) -> float:
        started = time.monotonic()
        with connection(proxy) as client, contextlib.suppress(ConnectionResetError, ssl.SSLError, OSError):
            client.sendall(first)
            client.settimeout(0.5)
            while time.monotonic() - started < 3 * CUT_OFF_AFTER:
                try:
                    if client.recv(4096) == b"":
                        break
                except TimeoutError:
                    client.sendall(more)
        return time.monotonic() - started

    head = request("/", "10.0.2.1")[:-2]
    body = request("/api/predict/stream", "10.0.2.2", "Content-Length: 1000", method="POST") + b"{"
    with ThreadPoolExecutor() as pool:
        took = list(pool.map(seconds_until_cut_off, (head, body), (b"X: x\r\n", b"")))
    assert all(CUT_OFF_AFTER - 1 < seconds < 2 * CUT_OFF_AFTER for seconds in took), took


def test_other_patience_is_as_short(proxy):
    """Half a minute, which nobody wants to wait for here."""
    configuration = proxy.configuration.read_text()
    assert "\n    keepalive_timeout 30s;" in configuration
    assert "\n    send_timeout 30s;" in configuration


@pytest.mark.parametrize(
    ("version", "is_spoken"),
    [
        (ssl.TLSVersion.TLSv1, False),
        (ssl.TLSVersion.TLSv1_1, False),
        (ssl.TLSVersion.TLSv1_2, True),
        (ssl.TLSVersion.TLSv1_3, True),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_is_refused(proxy, version, is_spoken):
    context = proxy.trust
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", proxy.https_port)) as plain:
        try:
            context.wrap_socket(plain, server_hostname="localhost").close()
        except ssl.SSLError:
            assert not is_spoken
        else:
            assert is_spoken


def test_only_what_the_proxy_knows_itself_is_told_the_web(proxy):
    claims = {"X-Request-ID": "chosen", "X-Forwarded-For": "9.9.9.9", "X-Forwarded-Proto": "gopher"}
    answer = get(proxy, "/", "Hamster.Example.com:8443", **{"X-Visitor": "10.0.3.1"}, **claims)
    assert answer.headers["Server"] == "nginx"
    came = Web.came[-1]
    assert re.fullmatch("[0-9a-f]{32}", came["x-request-id"])
    assert (came["x-forwarded-for"], came["x-forwarded-proto"]) == ("10.0.3.1", "https")
    assert came["host"] == "hamster.example.com:8443"


@pytest.mark.parametrize(
    "name", ["web", "web:8000", "127.0.0.1", "nobody.example.com", "localhost.example.com"]
)
def test_other_names_than_the_sites_are_answered_by_nobody(proxy, name):
    came = len(Web.came)
    assert get(proxy, "/accounts/password/reset/", name).status_code == 421
    plain = httpx.get(f"http://127.0.0.1:{proxy.http_port}/", headers={"Host": name})
    assert (plain.status_code, "Location" in plain.headers) == (421, False)
    assert len(Web.came) == came


def test_header_names_no_other_host_than_the_first_line(proxy):
    with connection(proxy) as client:
        client.sendall(b"GET https://localhost/ HTTP/1.1\r\nHost: web:8000\r\nConnection: close\r\n\r\n")
        assert b" 204 " in all_said(client)
    assert Web.came[-1]["host"] == "localhost:8000"


def test_plain_http_leads_to_the_name_that_was_asked_for(proxy):
    plain = httpx.get(
        f"http://127.0.0.1:{proxy.http_port}/help/?a=1", headers={"Host": "hamster.example.com"}
    )
    assert plain.status_code == 308
    assert plain.headers["Location"] == f"https://hamster.example.com:{proxy.https_port}/help/?a=1"


def test_certificate_is_for_all_names(proxy):
    command = ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", str(proxy.certificate)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert all(f"DNS:{name}" in said for name in NAMES.split(","))


def test_nothing_is_kept_of_a_visit(proxy):
    said = proxy.log.read_text()
    assert 429 in statuses(proxy, LINK, ["10.0.4.1"] * 500)
    get(proxy, "/broken", "localhost", Authorization="Bearer secret")
    with connection(proxy) as client:
        client.sendall(request(LINK, "10.0.4.2", f"Content-Length: {2**30}", method="POST"))
        assert b" 413 " in client.recv(4096)
    with socket.create_connection(("127.0.0.1", proxy.https_port)) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        plain.recv(4096)
    challenges = proxy.certificate.parent / "acme/.well-known/acme-challenge"
    challenges.mkdir(parents=True)
    os.mkfifo(challenges / "pipe")  # which nginx finds critical
    address = f"http://127.0.0.1:{proxy.http_port}/.well-known/acme-challenge/pipe?token=secret"
    assert httpx.get(address, headers={"Host": "localhost"}).status_code >= 400
    assert proxy.log.read_text() == said
    opened = [file.path for worker in proxy.workers() for file in worker.open_files()]
    assert not [path for path in opened if path != str(proxy.log)]
    made = {path.name for path in (proxy.folder / "proxy").rglob("*") if path.is_file()}
    assert made == {"nginx.conf", "nginx.pid"}


def test_container_listens_on_all_of_its_addresses(proxy, tmp_path):
    environment = {
        **{"PATH": PATH, "PROXY_DIR": str(tmp_path), "TLS_CERTIFICATE": str(proxy.certificate)},
        "TLS_KEY": str(proxy.certificate.with_name("tls_key")),
    }
    command = ["sh", str(ROOT / "tools/proxy/start.sh"), "-t"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    listens = set(re.findall(r"listen (\S+) +ssl", (tmp_path / "nginx.conf").read_text()))
    assert listens == ({"8443", "[::]:8443"} if Path("/proc/net/if_inet6").exists() else {"8443"})


def test_reloading_with_a_certificate_that_is_none_is_told(proxy):
    certificate = proxy.certificate.read_text()
    proxy.certificate.write_text("none")
    proxy.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "cannot load certificate" in proxy.log.read_text(), "nginx to say so")
    proxy.certificate.write_text(certificate)
