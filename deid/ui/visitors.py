"""What may be kept of where a request came from: kinds of addresses and browsers, never the address itself."""

from __future__ import annotations

import streamlit as st

from deid.addresses import address_kind
from deid.store import Actor

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrom", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
"""Order matters: most browsers also claim to be others."""


def actor(username: str = "") -> Actor:
    """Who does something in this tab, for the audit."""
    return Actor(username, address_kind(st.context.ip_address))


def browser() -> str:
    """The kind of browser that this tab is in."""
    return browser_kind(st.context.headers.get("User-Agent"))


def browser_kind(agent: object) -> str:
    """Browser and system, without versions, of a User-Agent header."""
    if not isinstance(agent, str):
        return ""
    parts = (next((said for mark, said in known if mark in agent), "") for known in (_BROWSERS, _SYSTEMS))
    return " on ".join(part for part in parts if part)
