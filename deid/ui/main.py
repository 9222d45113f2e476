"""The entry script: who is here decides which pages there are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from deid.store import User
from deid.ui import auth, keys, places, shared, welcome


def _sign_out() -> None:
    """Sign out at a click in the menu; somebody sent here by a link is asked first."""
    if st.session_state.get(keys.VISITED) or st.button("Sign out", type="primary"):
        auth.sign_out()


def _home() -> None:
    """The landing page under its own name: Streamlit knows the default page by an empty address only."""
    st.switch_page(places.page(places.LANDING))


def _signed_in(user: User) -> dict[str, list[st.Page]]:
    """All pages; one that the role may not see is not in the menu, and says so where its address is typed."""
    leave = st.Page(_sign_out, title="Sign out", icon=":material/logout:", url_path=places.SIGN_OUT)
    main = [places.page(slug, user.role) for slug in places.PAGES if slug != places.ACCOUNT]
    home = st.Page(_home, url_path=places.LANDING, visibility="hidden")
    return {"": [*main, home], user.first_name or user.username: [places.page(places.ACCOUNT), leave]}


def _only(front: Callable[[], None], title: str) -> list[st.Page]:
    """Every address leads to the same form, so that a link works afterwards."""
    slugs = ("", *places.PAGES, places.SIGN_OUT)
    return [st.Page(front, title=title, url_path=slug or "welcome", default=not slug) for slug in slugs]


st.set_page_config(page_title="DICOM de-identifier", page_icon=":material/shield_person:", layout="wide")
st.logo(str(Path(__file__).with_name("logo.svg")), size="large")
user = auth.current_user()
if user is None:
    front = welcome.first_run if shared.store().needs_setup() else welcome.sign_in
    st.navigation(_only(front, "Sign in"), position="hidden").run()
elif user.must_choose_password:
    chosen = st.navigation(_only(welcome.choose_password, "Choose a password"), position="hidden")
    auth.plant_cookie()
    chosen.run()
else:
    chosen = st.navigation(_signed_in(user), position="top")
    auth.plant_cookie()
    chosen.run()
