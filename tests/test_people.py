"""Roles, one-time passwords, sessions, settings and the audit, on SQLite and on a real MariaDB."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from deid.errors import UsageError
from deid.settings import Settings
from deid.store import (
    CHANGEABLE,
    Action,
    Actor,
    Events,
    NewUser,
    Role,
    RunState,
    SessionKind,
    SignIn,
    Store,
    open_store,
    session_hash,
)
from deid.store import sessions as sessions_module

PASSWORD = "correct horse battery"
ADA = NewUser("ada", PASSWORD, "Ada", "Lovelace", "ada@example.org", Role.ADMINISTRATOR)
BOB = NewUser("bob", PASSWORD, "Bob", "", "", Role.STAFF)
BY_ADA = Actor("ada", "this machine")


@pytest.fixture
def staffed(store: Store) -> Store:
    """A store with the administrator Ada and the staff member Bob."""
    store.add_user(ADA)
    store.add_user(BOB, BY_ADA)
    return store


def actions(store: Store, wanted: Events | None = None) -> list[tuple[str, str, str]]:
    """Who, what and to what, oldest first."""
    return [(each.user, each.action, each.subject) for each in reversed(store.events(wanted or Events()))]


# Roles


@pytest.mark.parametrize(
    ("role", "administers", "uploads", "sees_all"),
    [(Role.ADMINISTRATOR, True, True, True), (Role.STAFF, False, True, True), (Role.DEMO, False, False, False)],
)
def test_what_a_role_may(role: Role, administers: bool, uploads: bool, sees_all: bool) -> None:
    assert (role.may_administer, role.may_upload, role.sees_all_runs) == (administers, uploads, sees_all)


def test_a_role_change_acts_in_open_sessions(staffed: Store) -> None:
    mine = session_hash(staffed.create_session("bob"))
    staffed.change_role("bob", Role.DEMO, BY_ADA)
    user = staffed.session_user(mine)
    assert user is not None
    assert user.role is Role.DEMO


@pytest.mark.parametrize(
    "change",
    [lambda store: store.disable_user("ada", BY_ADA), lambda store: store.change_role("ada", Role.STAFF, BY_ADA)],
    ids=["disable", "role"],
)
def test_the_last_administrator_stays(staffed: Store, change: Callable[[Store], object]) -> None:
    with pytest.raises(UsageError, match="left to administer"):
        change(staffed)
    ada = staffed.user("ada")
    assert ada is not None
    assert (ada.active, ada.role) == (True, Role.ADMINISTRATOR)
    staffed.change_role("bob", Role.ADMINISTRATOR, BY_ADA)
    change(staffed)


def test_the_console_may_disable_the_last_administrator(staffed: Store) -> None:
    staffed.disable_user("ada")
    ada = staffed.user("ada")
    assert ada is not None
    assert not ada.active


def test_two_administrators_cannot_remove_each_other_at_the_same_time(staffed: Store) -> None:
    staffed.change_role("bob", Role.ADMINISTRATOR, BY_ADA)

    def disable(name: str) -> bool:
        try:
            staffed.disable_user(name, Actor(name))
        except UsageError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(disable, ["ada", "bob"])) == [False, True]


# One-time passwords


def test_an_invited_user_must_choose_a_password(staffed: Store) -> None:
    password = staffed.invite(replace(BOB, username="cleo", password=""), BY_ADA)
    assert staffed.check_password("cleo", password) is SignIn.WELCOME
    cleo = staffed.user("cleo")
    assert cleo is not None
    assert cleo.must_choose_password
    with pytest.raises(UsageError, match="another password"):
        staffed.set_password("cleo", password)
    staffed.set_password("cleo", "another good sentence")
    cleo = staffed.user("cleo")
    assert cleo is not None
    assert not cleo.must_choose_password
    assert staffed.check_password("cleo", password) is SignIn.WRONG


def test_a_one_time_password_ends_after_a_while(staffed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    password, _ = staffed.reset_password("bob", BY_ADA)
    assert staffed.check_password("bob", PASSWORD) is SignIn.WRONG
    assert staffed.check_password("bob", password) is SignIn.WELCOME
    later = sessions_module.now() + timedelta(hours=73)
    monkeypatch.setattr(sessions_module, "now", lambda: later)
    assert staffed.check_password("bob", password) is SignIn.WRONG


def test_a_reset_ends_all_sessions(staffed: Store) -> None:
    mine = session_hash(staffed.create_session("bob"))
    _, ended = staffed.reset_password("bob", BY_ADA)
    assert ended == (mine,)
    assert staffed.session_user(mine) is None


def test_one_time_passwords_are_long_and_never_the_same(staffed: Store) -> None:
    found = {staffed.reset_password("bob")[0] for _ in range(20)}
    assert len(found) == 20
    assert {len(each) for each in found} == {19}


# Sessions


def test_open_sessions_are_listed_with_the_kind_of_browser(staffed: Store) -> None:
    first = session_hash(staffed.create_session("bob", Actor("bob", "local network"), "Firefox on Linux"))
    second = session_hash(staffed.create_session("bob"))
    staffed.create_session("ada")
    found = {each.id_hash: (each.browser, each.address) for each in staffed.sessions("bob")}
    assert found == {first: ("Firefox on Linux", "local network"), second: ("", "console")}
    staffed.revoke_session(second)
    assert [each.id_hash for each in staffed.sessions("bob")] == [first]


def test_when_a_session_was_last_seen_is_kept_to_the_minute(staffed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = session_hash(staffed.create_session("bob"))
    start = staffed.sessions("bob")[0].seen
    for seconds, kept in ((30, 0), (90, 90), (120, 90)):
        monkeypatch.setattr(sessions_module, "now", lambda at=start + timedelta(seconds=seconds): at)
        assert staffed.session_user(mine) is not None
        assert staffed.sessions("bob")[0].seen == start + timedelta(seconds=kept)


def test_all_other_sessions_end_at_once(staffed: Store) -> None:
    mine, other = (session_hash(staffed.create_session("bob")) for _ in range(2))
    assert staffed.revoke_sessions("bob", keep=mine) == (other,)
    assert staffed.revoke_sessions("bob", keep=mine) == ()
    assert staffed.session_user(mine) is not None


# The audit


def test_everything_about_people_leaves_a_row(staffed: Store) -> None:
    store = staffed
    store.check_password("bob", "wrong password one")
    bob = Actor("bob", "local network")
    first = session_hash(store.create_session("bob", bob))
    store.change_profile("bob", "Bob", "Hope", "", bob)
    store.set_password("bob", "another good sentence", bob, keep_session=first)
    store.revoke_session(first, bob, Action.SIGN_OUT)
    store.change_role("bob", Role.DEMO, BY_ADA)
    store.reset_password("bob", BY_ADA)
    store.disable_user("bob", BY_ADA)
    store.enable_user("bob", BY_ADA)
    store.change_setting("box_padding", 5, BY_ADA)
    store.start_run("bob", "page", 1)
    store.record(bob, Action.DOWNLOADED, "run 1")
    run = store.runs()[0].id
    assert actions(store) == [
        ("", "user added", "user ada as administrator"),
        ("ada", "user added", "user bob as staff"),
        ("", "sign-in failed", "user bob"),
        ("bob", "sign-in", ""),
        ("bob", "profile changed", "user bob"),
        ("bob", "password changed", "user bob"),
        ("bob", "sign-out", "user bob"),
        ("ada", "role changed", "user bob to demo"),
        ("ada", "password reset", "user bob"),
        ("ada", "user disabled", "user bob"),
        ("ada", "user enabled", "user bob"),
        ("ada", "setting changed", "box_padding = 5"),
        ("bob", "run started", f"run {run}"),
        ("bob", "downloaded", "run 1"),
    ]
    assert {each.address for each in store.events(Events(user="ada"))} == {"console", "this machine"}


def test_a_refused_change_leaves_no_row(staffed: Store) -> None:
    before = staffed.count_events()
    for refused in (
        lambda: staffed.disable_user("ada", BY_ADA),
        lambda: staffed.add_user(BOB, BY_ADA),
        lambda: staffed.change_setting("box_padding", 99, BY_ADA),
    ):
        with pytest.raises(UsageError):
            refused()
    assert staffed.count_events() == before


def test_attempts_are_told_and_what_was_typed_is_not(staffed: Store, database: Settings) -> None:
    for _ in range(6):
        staffed.check_password("my secret password", "typed in the wrong field")
    told = [event for event in staffed.events() if event.subject == "unknown name"]
    assert [event.action for event in told] == ["locked out"] + ["sign-in failed"] * 5
    engine = create_engine(database.database_url)
    with engine.connect() as connection:
        assert "secret" not in str(connection.execute(text("SELECT * FROM audit")).all())
    engine.dispose()


def test_a_session_that_ended_already_is_not_told_twice(staffed: Store) -> None:
    mine = session_hash(staffed.create_session("bob"))
    staffed.revoke_session(mine)
    staffed.revoke_session(mine)
    staffed.revoke_session(session_hash("never was"))
    assert staffed.count_events(Events(action=Action.SESSION_ENDED)) == 1


def test_the_audit_is_filtered_in_the_database(staffed: Store) -> None:
    staffed.add_user(replace(BOB, username="bobby"), BY_ADA)
    staffed.create_session("bob")
    today = staffed.events()[0].at.date()
    day = timedelta(days=1)
    assert staffed.count_events(Events(since=today, until=today)) == staffed.count_events() == 4
    assert staffed.count_events(Events(since=today + day)) == 0
    assert staffed.count_events(Events(until=today - day)) == 0
    assert actions(staffed, Events(user="bob")) == [("ada", "user added", "user bob as staff"), ("bob", "sign-in", "")]
    assert actions(staffed, Events(user="")) == [("", "user added", "user ada as administrator")]
    assert actions(staffed, Events(action=Action.SIGN_IN)) == [("bob", "sign-in", "")]


def test_all_rows_come_page_by_page(staffed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deid.store.audit._PAGE", 3)
    for number in range(7):
        staffed.record(BY_ADA, Action.EXPORTED, f"run {number}")
    found = list(staffed.all_events())
    assert len(found) == staffed.count_events() == 9
    assert [each.id for each in found] == sorted((each.id for each in found), reverse=True)


# Settings


def test_a_changed_setting_is_in_force_for_every_process(staffed: Store, database: Settings) -> None:
    assert staffed.in_force() == database
    staffed.change_setting("phi_threshold", 0.35, BY_ADA)
    staffed.change_setting("lockout_attempts", 3, BY_ADA)
    other = open_store(database)
    for store in (staffed, other):
        assert (store.in_force().phi_threshold, store.in_force().lockout_attempts) == (0.35, 3)
    for _ in range(3):
        assert other.check_password("bob", "a wrong password") is SignIn.WRONG
    assert other.check_password("bob", PASSWORD) is SignIn.LOCKED
    other.close()


def test_the_environment_stands_above_the_database(
    staffed: Store, database: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    staffed.change_setting("box_padding", 9, BY_ADA)
    monkeypatch.setenv("DEID_BOX_PADDING", "4")
    store = open_store(replace(database, box_padding=4))
    assert store.in_force().box_padding == 4
    with pytest.raises(UsageError, match="environment"):
        store.change_setting("box_padding", 7, BY_ADA)
    store.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [("phi_threshold", 0.9), ("phi_threshold", 0.0), ("box_padding", -1), ("database_url", 1), ("nonsense", 1)],
)
def test_what_may_not_be_set_here_is_refused(staffed: Store, name: str, value: float) -> None:
    with pytest.raises(UsageError):
        staffed.change_setting(name, value, BY_ADA)


def test_the_bounds_hold_every_default(settings: Settings) -> None:
    assert all(bounds.least <= getattr(settings, name) <= bounds.most for name, bounds in CHANGEABLE.items())


# Programs


def test_a_programs_session_is_no_browsers(staffed: Store) -> None:
    token = session_hash(staffed.create_session("ada", kind=SessionKind.PROGRAM))
    cookie = session_hash(staffed.create_session("ada"))
    assert staffed.session_user(token) is None
    assert staffed.session_user(cookie, SessionKind.PROGRAM) is None
    found = staffed.session_user(token, SessionKind.PROGRAM)
    assert found is not None
    assert found.username == "ada"
    assert set(staffed.revoke_sessions("ada")) == {token, cookie}
    assert staffed.session_user(token, SessionKind.PROGRAM) is None


def test_what_was_done_and_runs_by_state_are_counted(staffed: Store) -> None:
    before = staffed.count_actions()
    staffed.check_password("ada", "not the right one")
    assert staffed.count_actions()["sign-in failed"] == before.get("sign-in failed", 0) + 1
    staffed.finish_run(staffed.start_run("ada", "files", 1))
    staffed.start_run("", "batch", 1)
    counts = staffed.count_runs()
    assert (counts[RunState.FINISHED], counts[RunState.RUNNING], counts[RunState.FAILED]) == (1, 1, 0)
