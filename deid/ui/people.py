"""The parts of the account and administration pages that are about people."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from deid.errors import UsageError
from deid.store import ONE_TIME_HOURS, NewUser, Role, User, WebSession
from deid.ui import auth, keys, looks, shared

ROLES = {
    Role.ADMINISTRATOR: "Administrator: everything, and users, settings and the audit log",
    Role.STAFF: "Staff: files of their own, reviews, statistics",
    Role.DEMO: "Demo: the made-up studies only",
}


# One's own


def profile_form(user: User) -> None:
    """A form for name and address."""
    with st.form("profile"):
        st.subheader("Your name")
        first_name = st.text_input("First name", user.first_name, autocomplete="given-name")
        last_name = st.text_input("Last name", user.last_name, autocomplete="family-name")
        email = st.text_input("E-mail", user.email, autocomplete="email")
        if not st.form_submit_button("Save", type="primary"):
            return
        try:
            shared.store().change_profile(user.username, first_name, last_name, email, auth.actor(user))
        except UsageError as exc:
            st.error(str(exc), icon=":material/error:")
            return
    st.toast("Saved.", icon=":material/check:")
    st.rerun()


def own_sessions(user: User) -> None:
    """The browsers in which the user is signed in, each with a button to end it."""
    mine = st.session_state[keys.SESSION]
    found = shared.store().sessions(user.username)
    st.subheader("Where you are signed in")
    with st.container(border=True):
        for number, each in enumerate(found):
            _session(user, each, number, here=each.id_hash == mine)
        if len(found) > 1:
            st.button(
                "Sign out everywhere else", icon=":material/devices_off:", on_click=_end_others, args=(user, mine)
            )


def _session(user: User, session: WebSession, number: int, *, here: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container():
            where = " · ".join(part for part in (session.browser or "A browser", session.address) if part)
            st.markdown(f"**{where}**" + ("  :green-badge[this browser]" if here else ""))
            st.caption(f"Signed in {looks.ago(session.created)}, last used {looks.ago(session.seen)}.")
        if not here:
            st.button("End", key=f"end-session-{number}", on_click=_end, args=(user, session.id_hash))


def _end(user: User, id_hash: str) -> None:
    shared.store().revoke_session(id_hash, auth.actor(user))
    auth.forget((id_hash,))


def _end_others(user: User, mine: str) -> None:
    auth.forget(shared.store().revoke_sessions(user.username, auth.actor(user), keep=mine))


# Everybody


def administer(me: User) -> None:
    """Who may come in: a table, a form to add somebody, and what can be changed about one person."""
    users = shared.store().users()
    if st.button("Add a user", type="primary", icon=":material/person_add:"):
        _add(me)
    st.markdown(f"**{sum(user.active for user in users):,}** of {len(users):,} users may sign in.")
    st.dataframe(users_table(users), hide_index=True)
    st.subheader("Change a user")
    by_name = {user.username: user for user in users}
    chosen = st.selectbox(
        "User",
        list(by_name),
        index=None,
        placeholder="Choose a user, or type a name",
        format_func=lambda name: f"{by_name[name].name} ({name})",
        key="administered-user",
    )
    if chosen is None:
        st.caption("Role, password and access are changed here, one user at a time.")
    else:
        _change(me, by_name[chosen])


def users_table(users: tuple[User, ...]) -> pd.DataFrame:
    """One row a user."""
    return pd.DataFrame(
        {
            "User name": [user.username for user in users],
            "Name": [user.name for user in users],
            "E-mail": [user.email for user in users],
            "Role": [user.role.value for user in users],
            "State": [_state(user) for user in users],
            "Since": [user.created.date() for user in users],
        }
    )


def _state(user: User) -> str:
    if not user.active:
        return "disabled"
    return "has not chosen a password yet" if user.must_choose_password else "active"


def _change(me: User, user: User) -> None:
    """Role, password and access of one user. Nothing here takes effect before it is confirmed."""
    with st.container(border=True):
        st.markdown(f"**{user.name}** · {user.username} · {user.role.value} · {_state(user)}")
        with st.container(horizontal=True):
            if st.button("Change the role", icon=":material/badge:"):
                _change_role(me, user)
            if st.button("Reset the password", icon=":material/key:"):
                _reset(me, user)
            if user.active and st.button("Disable", icon=":material/block:"):
                _disable(me, user)
            if not user.active and st.button("Enable", icon=":material/check_circle:"):
                shared.store().enable_user(user.username, auth.actor(me))
                st.rerun()


@st.dialog("Add a user", on_dismiss="rerun")
def _add(me: User) -> None:
    place = st.empty()
    with place.form("add-user", border=False):
        username = st.text_input("User name", help="Letters a to z, digits, dots, dashes.", autocomplete="off")
        first_name = st.text_input("First name", autocomplete="off")
        last_name = st.text_input("Last name", autocomplete="off")
        email = st.text_input("E-mail (optional)", autocomplete="off")
        role = st.radio("Role", list(ROLES), index=1, format_func=ROLES.__getitem__)
        if not st.form_submit_button("Add", type="primary"):
            return
        try:
            password = shared.store().invite(NewUser(username, "", first_name, last_name, email, role), auth.actor(me))
        except UsageError as exc:
            st.error(str(exc), icon=":material/error:")
            return
    with place.container():
        _hand_over(username.strip().lower(), password)


@st.dialog("Reset the password", on_dismiss="rerun")
def _reset(me: User, user: User) -> None:
    place = st.empty()
    with place.container():
        st.write(f"{user.name} is signed out everywhere and needs the one-time password that you get here.")
        if not st.button("Reset it", type="primary"):
            return
        try:
            password, ended = shared.store().reset_password(user.username, auth.actor(me))
        except UsageError as exc:
            st.error(str(exc), icon=":material/error:")
            return
        auth.forget(ended)
    with place.container():
        _hand_over(user.username, password)


def _hand_over(username: str, password: str) -> None:
    st.success(f"**{username}** can sign in with this password within {ONE_TIME_HOURS} hours:")
    st.code(password, language=None)
    st.write("It is shown only now. Tell it in person or by telephone; a password of their own is asked for at once.")
    st.caption("Close this when the password is told.")


@st.dialog("Change the role")
def _change_role(me: User, user: User) -> None:
    roles = list(ROLES)
    role = st.radio("Role", roles, index=roles.index(user.role), format_func=ROLES.__getitem__)
    _confirm("Change it", lambda: shared.store().change_role(user.username, role, auth.actor(me)))


@st.dialog("Disable a user")
def _disable(me: User, user: User) -> None:
    st.write(f"{user.name} is signed out everywhere, and cannot sign in until you enable the account again.")
    _confirm("Disable", lambda: auth.forget(shared.store().disable_user(user.username, auth.actor(me))))


def _confirm(label: str, change: Callable[[], None]) -> None:
    if not st.button(label, type="primary"):
        return
    try:
        change()
    except UsageError as exc:
        st.error(str(exc), icon=":material/error:")
    else:
        st.rerun()
