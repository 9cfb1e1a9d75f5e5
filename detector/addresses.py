"""Whose request this is: the address that rates and places are counted by."""

from rest_framework.settings import api_settings


def client_address(peer: str | None, forwarded_for: str | None) -> str | None:
    """The client's address, from the connection's peer and the `X-Forwarded-For` header.

    `NUM_PROXIES` proxies are believed; what a client itself writes into the header is not.
    """
    proxies = api_settings.NUM_PROXIES
    if not proxies or not forwarded_for:
        return peer
    addresses = forwarded_for.split(",")
    return addresses[-min(proxies, len(addresses))].strip()
