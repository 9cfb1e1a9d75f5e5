"""Whose request this is: the address that rates and places are counted by."""

from ipaddress import ip_address, ip_network

from rest_framework.settings import api_settings


def client_address(peer: str | None, forwarded_for: str | None) -> str | None:
    """The client's address, from the connection's peer and the `X-Forwarded-For` header.

    `NUM_PROXIES` proxies are believed; what a client itself writes into the header is not.
    """
    proxies = api_settings.NUM_PROXIES
    if not proxies or not forwarded_for:
        return _household(peer)
    addresses = forwarded_for.split(",")
    return _household(addresses[-min(proxies, len(addresses))].strip())


def _household(address: str | None) -> str | None:
    """Of IPv6 the first 64 bits: a single home has all the addresses that begin with them."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return address  # of a Unix socket, say
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, 64), strict=False).network_address)
