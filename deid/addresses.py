"""How far away a request came from: a kind of address, never the address itself."""

from __future__ import annotations

import ipaddress

THIS_MACHINE, LOCAL_NETWORK, INTERNET = "this machine", "local network", "internet"


def address_kind(address: object) -> str:
    """How far away an address is; behind a proxy, that which the proxy tells of."""
    if not isinstance(address, str):
        return THIS_MACHINE
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if parsed.is_loopback:
        return THIS_MACHINE
    return LOCAL_NETWORK if parsed.is_private else INTERNET
