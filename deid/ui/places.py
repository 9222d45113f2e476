"""The pages by name: where their scripts are and what they are called."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

LANDING = "dashboard"
PAGES = {
    LANDING: ("Dashboard", ":material/home:"),
    "pipeline": ("Pipeline", ":material/image_search:"),
    "statistics": ("Statistics", ":material/bar_chart:"),
    "account": ("Account", ":material/person:"),
}
SIGN_OUT = "sign-out"

_SCRIPTS = Path(__file__).resolve().parents[2] / "pages"


def page(slug: str) -> st.Page:
    """The page to register, to link to or to switch to."""
    title, icon = PAGES[slug]
    return st.Page(_SCRIPTS / f"{slug}.py", title=title, icon=icon, url_path=slug, default=slug == LANDING)
