"""Requests to addresses that strangers name: where they go and where they don't."""

import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from detector.outbound import AddressRefused, NoAnswer, is_public, post, public_address
from tests.detector.receiver import receiver

HOUSE = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
    *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1"),
    *("::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
    *("192.0.0.8", "192.0.0.192", "192.88.99.1", "168.63.129.16", "fec0::1", "3fff::1"),
]


@pytest.mark.parametrize("address", HOUSE)
def test_what_is_not_of_the_open_internet_is_refused(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1", "0x7f.1", "2130706433", "::1", "::ffff:10.0.0.1"]
)
def test_no_spelling_of_a_private_address_is_called(host):
    with receiver() as taken:
        url = f"http://[{host}]:{taken.port}/" if ":" in host else f"http://{host}:{taken.port}/"
        with pytest.raises(AddressRefused):
            post(url, body=b"x", headers={}, seconds=2)
    assert taken.got == []


def test_a_name_is_refused_when_any_of_its_addresses_is_private(monkeypatch):
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("1.1.1.1", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: answers)
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1"):
        public_address("both.example", 80)


def test_it_connects_to_the_address_that_was_checked_and_asks_for_the_name_once(monkeypatch, hamster):
    """A name that answers differently the second time (DNS rebinding) gains nothing."""
    hamster(webhook_allow_private=True)
    asked, ask = [], socket.getaddrinfo

    def answer(host, *arguments, **options):
        if host != "rebinding.example":
            return ask(host, *arguments, **options)
        asked.append(host)
        return ask("127.0.0.1" if len(asked) == 1 else "192.0.2.1", *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with receiver() as taken:
        url = f"http://rebinding.example:{taken.port}/hook"
        assert post(url, body=b"x", headers={}, seconds=5).status == 200
    assert asked == ["rebinding.example"]
    assert taken.got[0][0]["Host"] == f"rebinding.example:{taken.port}"


def test_a_redirect_is_an_answer_and_not_followed(hamster):
    hamster(webhook_allow_private=True)
    with receiver() as target, receiver(statuses=[302], headers={"Location": target.url}) as taken:
        assert post(taken.url, body=b"x", headers={}, seconds=5).status == 302
    assert target.got == []


def test_of_a_long_answer_only_the_beginning_is_read(hamster):
    hamster(webhook_allow_private=True)
    with receiver(answer=b"y" * 50_000_000) as taken:
        assert post(taken.url, body=b"x", headers={}, seconds=5).beginning == "y" * 4096


def test_an_answer_that_drips_is_cut_off_in_time(hamster):
    hamster(webhook_allow_private=True)
    started = time.monotonic()
    with receiver(pause=0.2, answer=b"z" * 1000) as taken, pytest.raises(NoAnswer, match="within 1 seconds"):
        post(taken.url, body=b"x", headers={}, seconds=1)
    assert time.monotonic() - started < 5


def test_a_name_that_nobody_looks_up_is_cut_off_in_time(hamster, monkeypatch):
    hamster(webhook_allow_private=True)
    never = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: never.wait(20) or [])
    started = time.monotonic()
    with pytest.raises(NoAnswer, match="within 1 seconds"):
        post("http://slow.example/", body=b"x", headers={}, seconds=1)
    assert time.monotonic() - started < 5
    never.set()


def test_nobody_there_is_no_answer(hamster):
    hamster(webhook_allow_private=True)
    with receiver() as taken:
        url = taken.url
    with pytest.raises(NoAnswer, match=r"^No answer came: Connection refused\.$"):
        post(url, body=b"x", headers={}, seconds=2)


def test_a_name_without_an_address_is_refused():
    with pytest.raises(AddressRefused, match="has no address"):
        public_address("nowhere.invalid", 80)


def certificate_for(name: str, path: Path) -> Path:
    """A certificate that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.mark.parametrize(("host", "is_trusted"), [("hooks.example", True), ("other.example", False)])
def test_over_https_the_name_has_to_be_the_certificates(hamster, monkeypatch, tmp_path, host, is_trusted):
    hamster(webhook_allow_private=True)
    ask = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _host, *rest, **options: ask("127.0.0.1", *rest, **options)
    )
    certificate = certificate_for("hooks.example", tmp_path / "both.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with receiver(certificate=certificate) as taken:
        url = f"https://{host}:{taken.port}/hook"
        if is_trusted:
            assert post(url, body=b"x", headers={}, seconds=10).status == 200
        else:
            with pytest.raises(NoAnswer, match="certificate"):
                post(url, body=b"x", headers={}, seconds=10)
    assert len(taken.got) == is_trusted
