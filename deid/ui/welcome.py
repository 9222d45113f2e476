"""What somebody who is not signed in sees."""

from __future__ import annotations

import streamlit as st

from deid.store import NewUser
from deid.store.passwords import MIN_CHARACTERS
from deid.ui import auth

_PROMISE = (
    "Finds names, dates and numbers **burned into** medical images, blackens exactly those pixels, cleans the header, "
    "and proves what it did."
)


def sign_in() -> None:
    """The sign-in form."""
    with _middle():
        auth.sign_in_form()
        st.caption("Forgotten your password? An administrator can give you a new one.")


def first_run() -> None:
    """The form that makes the first administrator."""
    with _middle(), st.form("setup"):
        st.subheader("Set up the first administrator")
        st.write("The server printed a one-time setup code on its console when it started.")
        code = st.text_input("Setup code", placeholder="XXXX-XXXX-XXXX-XXXX", autocomplete="off")
        left, right = st.columns(2)
        first_name = left.text_input("First name", autocomplete="given-name")
        last_name = right.text_input("Last name", autocomplete="family-name")
        username = left.text_input("User name", autocomplete="username")
        email = right.text_input("E-mail (optional)", autocomplete="email")
        password = left.text_input(
            "Password", type="password", help=f"{MIN_CHARACTERS} characters or more.", autocomplete="new-password"
        )
        repeated = right.text_input("Password again", type="password", autocomplete="new-password")
        if not st.form_submit_button("Create the account", type="primary"):
            return
        fault = auth.set_up(code, NewUser(username, password, first_name, last_name, email), repeated)
        if fault:
            st.error(fault, icon=":material/error:")
            return
    st.toast("Your account is ready: sign in.", icon=":material/check_circle:")
    st.rerun()


def choose_password() -> None:
    """The form that replaces a one-time password; nothing else can be done before."""
    user = auth.current_user()
    if user is None:
        st.rerun()
    with _middle(), st.form("own-password"):
        st.subheader(f"Welcome, {user.first_name or user.username}: choose a password")
        st.write("Somebody handed you the password that you signed in with. From now on only you know it.")
        password = st.text_input(
            "New password", type="password", help=f"{MIN_CHARACTERS} characters or more.", autocomplete="new-password"
        )
        repeated = st.text_input("New password again", type="password", autocomplete="new-password")
        if st.form_submit_button("Keep this password", type="primary"):
            if fault := auth.choose_password(user, password, repeated):
                st.error(fault, icon=":material/error:")
            else:
                st.rerun()
    if st.button("Sign out", icon=":material/logout:"):
        auth.sign_out()


def _middle() -> st.delta_generator.DeltaGenerator:
    _, middle, _ = st.columns([1, 1.6, 1])
    with middle:
        st.title("DICOM de-identifier")
        st.write(_PROMISE)
    return middle
