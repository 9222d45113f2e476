"""The pages by name: where their scripts are, what they are called, and who may see them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from deid.store import Role

LANDING, ACCOUNT = "dashboard", "account"
SIGN_OUT = "sign-out"


@dataclass(frozen=True, slots=True)
class Place:
    """A page as the navigation shows it."""

    title: str
    icon: str
    for_administrators: bool = False

    def is_for(self, role: Role) -> bool:
        """Whether the navigation offers it; the page itself asks again."""
        return role.may_administer or not self.for_administrators


PAGES = {
    LANDING: Place("Dashboard", ":material/home:"),
    "pipeline": Place("Pipeline", ":material/image_search:"),
    "review": Place("Review", ":material/rate_review:"),
    "quality": Place("Quality", ":material/verified:"),
    "statistics": Place("Statistics", ":material/bar_chart:"),
    "administration": Place("Administration", ":material/admin_panel_settings:", for_administrators=True),
    ACCOUNT: Place("Account", ":material/person:"),
}

_SCRIPTS = Path(__file__).resolve().parents[2] / "pages"


def page(slug: str, role: Role | None = None) -> st.Page:
    """The page to register, to link to or to switch to; hidden from a role that it is not for."""
    place = PAGES[slug]
    return st.Page(
        _SCRIPTS / f"{slug}.py",
        title=place.title,
        icon=place.icon,
        url_path="home" if slug == LANDING else slug,  # the landing page's address is empty, and main.py leads there
        default=slug == LANDING,
        visibility="visible" if role is None or place.is_for(role) else "hidden",
    )
