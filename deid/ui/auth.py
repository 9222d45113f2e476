"""Signing in and out: streamlit-authenticator's form over our users, our sessions in place of its cookie."""

from __future__ import annotations

from typing import Any, NoReturn

import streamlit as st
import streamlit_authenticator as stauth
import streamlit_authenticator.controllers.cookie_controller as cookie_controller
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit_authenticator.utilities import CredentialsError, LoginError, ResetError, Validator

from deid.errors import UsageError
from deid.serving import COOKIE
from deid.store import EVERYTHING, Action, Actor, NewUser, Selection, SignIn, User, secret
from deid.store.passwords import MIN_CHARACTERS, password_fault
from deid.ui import keys, shared, visitors
from deid.ui.guard import EXCHANGE, cookie_hash
from deid.ui.tabs import TABS
from deid.ui.tickets import TICKETS

_PLANT = st.components.v2.component(
    "deid_session",
    html="<span hidden></span>",
    js=f"""
const spent = new Set();
export default function ({{ data, setTriggerValue }}) {{
  if (!data || !data.ticket || spent.has(data.ticket)) return;
  spent.add(data.ticket);
  fetch("{EXCHANGE}", {{ method: "POST", credentials: "same-origin", headers: {{ "X-Ticket": data.ticket }} }})
    .finally(() => setTriggerValue("done", true));
}}""",
)


class _DatabaseCookie:
    """Stands where streamlit-authenticator has its signed cookie, which still signs in after signing out."""

    def __init__(self, *_unused: object) -> None:
        self.cookie_manager = None

    def get_cookie(self) -> dict[str, str] | None:
        id_hash = cookie_hash(st.context.cookies.get(COOKIE))
        user = shared.store().session_user(id_hash)
        if user is None:
            return None
        st.session_state[keys.SESSION] = id_hash
        return {"username": user.username}

    def set_cookie(self) -> None:
        username = st.session_state["username"]
        by = visitors.actor(username)
        old = cookie_hash(st.context.cookies.get(COOKIE))
        shared.store().revoke_session(old, by)
        shared.desk().clear(old)
        session_id = shared.store().create_session(username, by, visitors.browser())
        st.session_state[keys.SESSION] = cookie_hash(session_id)
        st.session_state[keys.TICKET] = TICKETS.issue(session_id)

    def delete_cookie(self) -> None:
        id_hash = st.session_state.get(keys.SESSION, "")
        by = visitors.actor(st.session_state.get("username") or "")
        shared.store().revoke_session(id_hash, by, Action.SIGN_OUT)
        shared.desk().clear(id_hash)


cookie_controller.CookieModel = _DatabaseCookie


class _Policy(Validator):  # type: ignore[misc]
    """The store's rules for a password, where streamlit-authenticator has its own."""

    def validate_password(self, password: str) -> bool:
        return not password_fault(password)

    def diagnose_password(self, password: str) -> str:
        return password_fault(password)


def current_user() -> User | None:
    """Who is signed in in this browser; the database is asked each time, so that a revoked session ends at once."""
    if not st.session_state.get("authentication_status"):
        _authenticator().login("unrendered")
    owner = st.session_state.get(keys.SESSION, "")
    user = shared.store().session_user(owner)
    if user is None and st.session_state.get("authentication_status"):
        _leave(owner)
    if tab := get_script_run_ctx():
        TABS.note(tab.session_id, owner if user else "")
    return user


def require_user() -> User:
    """Who is signed in; a page that begins with this shows nothing to anybody else."""
    user = current_user()
    if user is None or user.must_choose_password:
        st.error("Please sign in." if user is None else "Please choose a password of your own first.")
        st.stop()
    st.session_state[keys.VISITED] = True
    return user


def require_administrator() -> User:
    """An administrator who is signed in; a page that begins with this shows nothing to anybody else."""
    user = require_user()
    if not user.role.may_administer:
        st.title("Administration")
        st.error("This page is for administrators.", icon=":material/lock:")
        st.stop()
    return user


def reach(user: User) -> Selection:
    """The runs that a user may see."""
    return EVERYTHING if user.role.sees_all_runs else Selection(user=user.username)


def actor(user: User) -> Actor:
    """The user, as the audit wants to know who did something."""
    return visitors.actor(user.username)


def forget(ended: tuple[str, ...]) -> None:
    """Drop what lies open for sessions that have ended, given by their id hashes."""
    for id_hash in ended:
        shared.desk().clear(id_hash)


def _leave(owner: str) -> None:
    """Let go of everything that this tab holds: opened files, uploads, choices."""
    shared.desk().clear(owner)
    if tab := get_script_run_ctx():
        tab.uploaded_file_mgr.remove_session_files(tab.session_id)
    st.session_state.clear()


def sign_in_form() -> None:
    """The form, and what it says when it is not the right password."""
    fields = {"Form name": "Sign in", "Username": "User name", "Password": "Password", "Login": "Sign in"}
    try:
        _authenticator().login(fields=fields, clear_on_submit=False)
    except LoginError as exc:
        st.error(str(exc), icon=":material/lock_clock:")
        return
    if st.session_state.get("authentication_status"):
        st.rerun()
    if st.session_state.get("authentication_status") is False:
        st.error("The user name or the password is not right.", icon=":material/block:")


def set_up(code: str, new: NewUser, repeated: str) -> str:
    """Make the first administrator; what is wrong as a sentence, empty where all is well."""
    if new.password != repeated:
        return "The two passwords are not the same."
    try:
        shared.store().set_up(code, new, visitors.actor())
    except UsageError as exc:
        return str(exc)
    return ""


def plant_cookie() -> None:
    """Let the browser fetch its session cookie, once after signing in."""
    if ticket := st.session_state.get(keys.TICKET):
        _PLANT(key="deid.plant", data={"ticket": ticket}, on_done_change=_planted)


def _planted() -> None:
    st.session_state.pop(keys.TICKET, None)


def sign_out() -> NoReturn:
    """End this browser's session and everything opened in it."""
    owner = st.session_state.get(keys.SESSION, "")
    _authenticator().logout(location="unrendered")
    _leave(owner)
    st.rerun()


def password_form(user: User) -> None:
    """A form to change the password; doing so signs the user out in every other browser."""
    authenticator = _authenticator()
    fields = {
        "Form name": "Change password",
        "Current password": "Current password",
        "New password": "New password",
        "Repeat password": "New password again",
        "Reset": "Change password",
    }
    try:
        changed = authenticator.reset_password(user.username, fields=fields, clear_on_submit=True)
    except (CredentialsError, LoginError, ResetError) as exc:
        st.error(str(exc) or "The current password is not right.")
        return
    if changed:
        _keep_new_hash(authenticator, user)
        st.success("Your password is changed; other browsers are signed out.", icon=":material/check:")


def _keep_new_hash(authenticator: Any, user: User) -> None:
    new_hash = _model(authenticator).credentials["usernames"][user.username]["password"]
    keep = st.session_state[keys.SESSION]
    forget(shared.store().set_password_hash(user.username, new_hash, actor(user), keep_session=keep))


def choose_password(user: User, password: str, repeated: str) -> str:
    """Replace a one-time password; what is wrong as a sentence, empty where all is well."""
    if password != repeated:
        return "The two passwords are not the same."
    keep = st.session_state[keys.SESSION]
    try:
        forget(shared.store().set_password(user.username, password, actor(user), keep_session=keep))
    except UsageError as exc:
        return str(exc)
    return ""


def _authenticator() -> Any:
    """streamlit-authenticator with at most one user in memory, and no password hash."""
    store = shared.store()
    id_hash = st.session_state.get(keys.SESSION) or cookie_hash(st.context.cookies.get(COOKIE))
    user = store.session_user(id_hash)
    authenticator = stauth.Authenticate(
        {"usernames": {user.username: _entry(user)} if user else {}},
        COOKIE,
        secret(shared.environment().home, "authenticator").hex(),
        validator=_Policy(),
        auto_hash=False,
        login_sleep_time=0.0,
        password_instructions=f"{MIN_CHARACTERS} characters or more; a sentence is good.",
    )
    model = _model(authenticator)

    def check(username: str, password: str) -> bool:
        match store.check_password(username, password, visitors.actor()):
            case SignIn.LOCKED:
                minutes = f"{shared.settings().lockout_minutes:.0f}"
                raise LoginError(f"Too many attempts with this name. Wait {minutes} minutes, then try again.")
            case SignIn.WRONG:
                return False
        known = store.user(username)
        assert known is not None
        model.credentials["usernames"][username] = _entry(known)
        return True

    model.check_credentials = check
    return authenticator


def _model(authenticator: Any) -> Any:
    return authenticator.authentication_controller.authentication_model


def _entry(user: User) -> dict[str, object]:
    return {
        "password": "",  # never compared: `check` asks the database
        "email": user.email,
        "first_name": user.first_name or user.username,
        "last_name": user.last_name,
        "roles": [user.role.value],
    }
