"""HTTP requests to addresses that strangers name.

They go to public addresses only, and to the very address that was checked, so a name that answers differently
the second time gains nothing. Redirects and proxies are not followed; time and the answer's size are bounded.
"""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import httpcore
from django.utils.translation import gettext_lazy as _

from detector.conf import config
from detector.errors import HamsterError

ANSWER_BYTES = 4096
# Translated to IPv4 addresses by gateways, which may lead back into the house.
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
# Not for the open internet either, though not every version of Python knows: protocol assignments (a cloud's
# metadata among them), relays, site-local, documentation, a cloud's host.
NOT_PUBLIC = [
    ipaddress.ip_network(block)
    for block in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "fec0::/10", "3fff::/20")
]


class AddressRefused(HamsterError):
    """The host has no address, or one that is not public."""

    code = "address_refused"
    message = _("Only public addresses are called.")


class NoAnswer(HamsterError):
    """Nobody answered, not in time, or not in HTTP."""

    code = "no_answer"
    message = "No answer came."


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status and how the body begins."""

    status: int
    beginning: str


def post(url: str, *, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
    """POST within so many seconds. Raises AddressRefused or NoAnswer."""
    backend = _PublicBackend(time.monotonic() + seconds)
    trust = ssl.create_default_context()
    try:
        with (
            httpcore.ConnectionPool(network_backend=backend, ssl_context=trust) as pool,
            pool.stream("POST", url, headers=list(headers.items()), content=body) as response,
        ):
            beginning = b""
            for piece in response.iter_stream():
                beginning += piece
                if len(beginning) >= ANSWER_BYTES:
                    break
            return Answer(response.status, beginning[:ANSWER_BYTES].decode(errors="replace"))
    except httpcore.TimeoutException as error:
        raise NoAnswer(f"No answer came within {seconds:g} seconds.") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        raise NoAnswer(f"No answer came: {_reason(error)}.") from error


def public_address(host: str, port: int, *, look_up: bool = True) -> str | None:
    """The numeric address to call for a host. Raises AddressRefused unless all of its addresses are public.

    Without `look_up` names are not asked for and None is returned for them.
    """
    flags = 0 if look_up else socket.AI_NUMERICHOST
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except (OSError, UnicodeError) as error:
        if not look_up:
            return None
        raise AddressRefused(f"{host} has no address: {_reason(error)}.") from error
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not (config.webhook_allow_private or is_public(address)):
            raise AddressRefused(f"{host} is at {address}, which is not a public address.")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IPv4 or IPv6 address belongs to the open internet, and so does every one it stands for."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip.sixtofour is not None or ip.teredo is not None or ip in TRANSLATED:
            return False
    special = ip.is_multicast or ip.is_reserved or ip.is_loopback or ip.is_link_local or ip.is_unspecified
    return ip.is_global and not special and not any(ip in block for block in NOT_PUBLIC)


def _reason(error: Exception) -> str:
    """What the system or the library says is wrong, without the system's number for it."""
    first = error.args[0] if error.args else None
    cause = first if isinstance(first, OSError) else error  # httpcore's errors wrap the system's
    said = getattr(cause, "strerror", None) or str(cause) or type(error).__name__
    return said.removesuffix(".")


def _look_up(host: str, port: int, seconds: float) -> str | None:
    """`public_address` within so many seconds. The system's own look-up can't be told when to stop, so it is
    left behind in a thread of its own. Raises AddressRefused or httpcore.ConnectTimeout."""
    found: Future[str | None] = Future()

    def ask() -> None:
        try:
            found.set_result(public_address(host, port))
        except Exception as error:
            found.set_exception(error)

    threading.Thread(target=ask, name=f"look-up of {host}", daemon=True).start()
    try:
        return found.result(seconds)
    except TimeoutError as error:
        raise httpcore.ConnectTimeout from error


def _left_until(end: float) -> float:
    """Seconds. Raises httpcore.ReadTimeout when there are none."""
    left = end - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left


class _PublicBackend(httpcore.NetworkBackend):
    """Connects where `public_address` says, and lets nothing last longer than `ends_at`."""

    def __init__(self, ends_at: float) -> None:
        self._ends_at = ends_at
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        address = _look_up(host, port, _left_until(self._ends_at))
        left = _left_until(self._ends_at)
        stream = self._sockets.connect_tcp(address, port, left, local_address, socket_options)
        return _BoundedStream(stream, self._ends_at)


class _BoundedStream(httpcore.NetworkStream):
    """A stream whose every wait is cut to what is left, so that an answer can't come in drop by drop."""

    def __init__(self, stream: httpcore.NetworkStream, ends_at: float) -> None:
        self._stream = stream
        self._ends_at = ends_at

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left_until(self._ends_at))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left_until(self._ends_at))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _left_until(self._ends_at))
        return _BoundedStream(stream, self._ends_at)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
