"""The entry script: who is here decides which pages there are."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from deid.ui import auth, keys, places, shared, welcome


def _sign_out() -> None:
    """Sign out at a click in the menu; somebody sent here by a link is asked first."""
    if st.session_state.get(keys.VISITED) or st.button("Sign out", type="primary"):
        auth.sign_out()


def _signed_in(name: str) -> dict[str, list[st.Page]]:
    leave = st.Page(_sign_out, title="Sign out", icon=":material/logout:", url_path=places.SIGN_OUT)
    main = [places.page(slug) for slug in places.PAGES if slug != "account"]
    return {"": main, name: [places.page("account"), leave]}


def _signed_out() -> list[st.Page]:
    """Every address leads to the same form, so that a link works after signing in."""
    front = welcome.first_run if shared.store().needs_setup() else welcome.sign_in
    slugs = (*places.PAGES, places.SIGN_OUT)
    return [st.Page(front, title="Sign in", url_path=slug, default=slug == places.LANDING) for slug in slugs]


st.set_page_config(page_title="DICOM de-identifier", page_icon=":material/shield_person:", layout="wide")
st.logo(str(Path(__file__).with_name("logo.svg")), size="large")
user = auth.current_user()
if user is None:
    st.navigation(_signed_out(), position="hidden").run()
else:
    chosen = st.navigation(_signed_in(user.first_name or user.username), position="top")
    auth.plant_cookie()
    chosen.run()
