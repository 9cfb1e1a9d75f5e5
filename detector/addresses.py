"""Whose request this is: the address that rates and places are counted by."""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from django.http import HttpRequest
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


def address_of_request(request: HttpRequest) -> str | None:
    """The same of a request."""
    return client_address(request.META.get("REMOTE_ADDR"), request.headers.get("X-Forwarded-For"))


def address_of(scope: Mapping[str, Any]) -> str | None:
    """The same of the connection of an ASGI scope."""
    forwarded_for = dict(scope["headers"]).get(b"x-forwarded-for", b"").decode("latin1")
    return client_address((scope.get("client") or [None])[0], forwarded_for)


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
