"""The address that rates and places are counted by."""

import pytest

from detector.addresses import client_address


@pytest.mark.parametrize(
    ("peer", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("2001:db8:1:3::9", "2001:db8:1:3::"),
        (None, None),
        ("", ""),
    ],
)
def test_of_ipv6_a_home_counts_as_one(peer, counted):
    assert client_address(peer, None) == counted


def test_only_what_a_known_proxy_wrote_is_believed(settings):
    assert client_address("192.0.2.7", "198.51.100.1") == "192.0.2.7"
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"NUM_PROXIES": 1}
    assert client_address("192.0.2.7", "203.0.113.5, 2001:db8:1:2::9") == "2001:db8:1:2::"
