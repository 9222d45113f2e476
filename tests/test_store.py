"""The store on SQLite and on a real MariaDB."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from deid.errors import StoreError, UsageError
from deid.settings import Settings
from deid.store import NewUser, Role, RunState, SignIn, Store, open_store, secret, session_hash
from deid.store import sessions as sessions_module
from deid.store.database import migrate
from deid.store.filelock import locked
from deid.store.schema import Base
from deid.store.secrets import private_folder
from deid.values import Box, FileRecord, Outcome, Reason, Region, Stage
from tests.conftest import empty

PASSWORD = "correct horse battery"
ADA = NewUser("Ada", PASSWORD, "Ada", "Lovelace", "ada@example.org", Role.STAFF)


@pytest.fixture
def bare(database: Settings) -> Iterator[Settings]:
    """Settings of a database that no migration has seen; what a test does to it is not seen by the next."""
    on_server = not database.database_url.startswith("sqlite")
    if on_server:
        empty(database.database_url, keep_schema=False)
    yield database
    if on_server:
        empty(database.database_url, keep_schema=False)


def record(outcome: Outcome = Outcome.CLEANED, *, signed: bool | None = False, modality: str = "US") -> FileRecord:
    return FileRecord(
        file="SMITH^JOHN.dcm",
        outcome=outcome,
        reason="" if outcome is Outcome.CLEANED else "Somebody should look.",
        modality=modality,
        syntax_in="1.2.840.10008.1.2.1",
        syntax_out="1.2.840.10008.1.2.1",
        frames=1,
        signed=signed,
        boxes=(Region(None, Box(1, 2, 3, 4), (Reason.HEADER, Reason.MODEL), 0.99),),
        kept=7,
        seconds=((Stage.LOAD, 0.25), (Stage.OCR, 1.5)),
        made_by=(("tesseract", "5.5.0"),),
    )


# The schema


def test_the_migrations_make_the_schema_that_the_code_expects(bare: Settings) -> None:
    open_store(bare).close()
    engine = create_engine(bare.database_url)
    found = inspect(engine)
    for table in Base.metadata.sorted_tables:
        columns = {column["name"]: column for column in found.get_columns(table.name)}
        assert set(columns) == {column.name for column in table.columns}
        for column in table.columns:
            assert columns[column.name]["nullable"] == column.nullable, (table.name, column.name)
        assert {i.name for i in table.indexes} <= {i["name"] for i in found.get_indexes(table.name)}
    engine.dispose()


def test_what_an_older_version_recorded_is_counted(bare: Settings) -> None:
    private_folder(bare.home)
    engine = create_engine(bare.database_url)
    with engine.connect() as connection:
        migrate(connection, "0001")
        connection.execute(text("INSERT INTO runs VALUES (1, NULL, 'page', 'finished', 4, '', '2026-01-02', NULL)"))
        for outcome, signed in (("cleaned", 1), ("cleaned", 0), ("needs_review", None), ("refused", None)):
            connection.execute(
                text(
                    "INSERT INTO images (run_id, name_hash, outcome, reason, modality, syntax_in, syntax_out, frames, "
                    "signed, box_count, kept, seconds, stage_seconds, made_by, created) VALUES "
                    "(1, 'h', :outcome, '', 'US', '1.2', '', 1, :signed, 0, 0, 1.5, :times, '{}', '2026-01-02')"
                ),
                {"outcome": outcome, "signed": signed, "times": '{"ocr": 1.5}'},
            )
        connection.commit()
    engine.dispose()
    store = open_store(bare)
    totals = store.totals()
    assert (totals.images, totals.signed, totals.unsigned, totals.by_modality) == (3, 1, 1, (("US", 3),))
    assert dict(totals.by_outcome)[Outcome.CLEANED] == 2
    (ocr,) = totals.times
    assert (ocr.stage, ocr.images, ocr.median) == (Stage.OCR, 4, pytest.approx(1.5, rel=0.05))
    assert store.runs()[0].count(Outcome.REFUSED) == 1
    store.close()


def test_opening_again_changes_nothing(store: Store, database: Settings) -> None:
    store.add_user(ADA)
    again = open_store(database)
    assert [user.username for user in again.users()] == ["ada"]
    again.close()


def test_opening_at_the_same_time_migrates_once(bare: Settings) -> None:
    with ThreadPoolExecutor(12) as pool:
        stores = list(pool.map(lambda _: open_store(bare), range(12)))
    assert all(store.needs_setup() for store in stores)
    for store in stores:
        store.close()


def test_opening_waits_while_another_process_prepares_the_database(settings: Settings) -> None:
    private_folder(settings.home)
    path = settings.home / "deid.sqlite"
    with ThreadPoolExecutor(1) as pool:
        with locked(settings.home / ".migrate.lock"), sqlite3.connect(path) as other:
            other.executescript("CREATE TABLE being_made (id INTEGER); BEGIN IMMEDIATE")
            opening = pool.submit(open_store, settings)
            with pytest.raises(TimeoutError):
                opening.result(0.5)
        other.close()
        opening.result(30).close()


def test_a_newer_database_is_refused_in_one_line(bare: Settings) -> None:
    open_store(bare).close()
    engine = create_engine(bare.database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError, match="newer version") as caught:
        open_store(bare)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "mysql+pymysql://deid:sesame-open@127.0.0.1:1/deid",
        "sqlite:////no/such/folder/deid.sqlite",
        "postgresql://deid:sesame-open@127.0.0.1/deid",
        "sesame-open",
    ],
    ids=["nobody listens", "no folder", "other database", "no URL"],
)
def test_an_unreachable_database_is_one_clear_line_without_the_password(settings: Settings, url: str) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(replace(settings, database_url=url))
    assert "\n" not in str(caught.value)
    assert "sesame-open" not in str(caught.value)


def test_sqlite_and_its_folder_are_private(settings: Settings) -> None:
    open_store(settings).close()
    assert stat.S_IMODE(settings.home.stat().st_mode) == 0o700
    assert stat.S_IMODE((settings.home / "deid.sqlite").stat().st_mode) == 0o600


# Users


def test_a_user_comes_back_with_the_name_in_lower_case(store: Store) -> None:
    store.add_user(ADA)
    user = store.user("ADA")
    assert user is not None
    assert (user.username, user.name, user.role, user.active) == ("ada", "Ada Lovelace", Role.STAFF, True)


def test_a_name_is_taken_once(store: Store) -> None:
    store.add_user(ADA)
    with pytest.raises(UsageError, match="already"):
        store.add_user(replace(ADA, username="ADA"))


@pytest.mark.parametrize(
    "change",
    [
        {"username": "a b"},
        {"username": ""},
        {"password": "short"},
        {"password": "x" * 73 + "abcdef"},
        {"password": "aaaaaaaaaaaaaaa"},
        {"password": " correct horse battery"},
        {"email": "nobody"},
        {"first_name": "x" * 101},
    ],
    ids=["space", "no name", "short", "over 72 bytes", "one letter", "leading space", "no address", "long name"],
)
def test_a_user_that_cannot_be_is_refused(store: Store, change: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        store.add_user(replace(ADA, **change))
    assert store.users() == ()


def test_the_password_is_kept_as_a_hash_only(store: Store, database: Settings) -> None:
    store.add_user(ADA)
    engine = create_engine(database.database_url)
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT * FROM users")).one()
    engine.dispose()
    assert PASSWORD not in str(kept)
    assert "$2b$" in str(kept)


def test_a_password_change_ends_the_other_sessions(store: Store) -> None:
    store.add_user(ADA)
    mine, other = (session_hash(store.create_session("ada")) for _ in range(2))
    store.set_password("ada", "another good sentence", keep_session=mine)
    assert store.session_user(mine) is not None
    assert store.session_user(other) is None
    assert store.check_password("ada", PASSWORD) is SignIn.WRONG
    assert store.check_password("ada", "another good sentence") is SignIn.WELCOME


def test_a_disabled_user_is_out_at_once(store: Store) -> None:
    store.add_user(ADA)
    mine = session_hash(store.create_session("ada"))
    store.disable_user("Ada")
    assert store.session_user(mine) is None
    assert store.check_password("ada", PASSWORD) is SignIn.WRONG
    with pytest.raises(UsageError):
        store.create_session("ada")
    store.enable_user("ada")
    assert store.session_user(mine) is None
    assert store.check_password("ada", PASSWORD) is SignIn.WELCOME


def test_changing_nobody_is_an_error(store: Store) -> None:
    with pytest.raises(UsageError, match="no user"):
        store.disable_user("nobody")


# Signing in


@pytest.mark.parametrize("name", ["ada", "no-such-user"])
def test_failures_lock_a_name_for_a_while_whether_it_exists_or_not(
    store: Store, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add_user(ADA)
    for _ in range(5):
        assert store.check_password(name, "a wrong password") is SignIn.WRONG
    assert store.check_password(name.upper(), PASSWORD) is SignIn.LOCKED
    later = sessions_module.now() + timedelta(minutes=16)
    monkeypatch.setattr(sessions_module, "now", lambda: later)
    expected = SignIn.WELCOME if name == "ada" else SignIn.WRONG
    assert store.check_password(name, PASSWORD) is expected


def test_a_success_forgets_the_failures(store: Store) -> None:
    store.add_user(ADA)
    for _ in range(3):
        for _ in range(4):
            store.check_password("ada", "a wrong password")
        assert store.check_password("ada", PASSWORD) is SignIn.WELCOME


def test_guesses_made_at_the_same_time_do_not_pass_the_limit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add_user(ADA)
    looked_at = []
    lock = threading.Lock()

    def counted(password: str, password_hash: str | None) -> bool:
        with lock:
            looked_at.append(password)
        return False

    monkeypatch.setattr(sessions_module, "matches", counted)
    with ThreadPoolExecutor(10) as pool:
        ends = list(pool.map(lambda i: store.check_password("ada", f"guess {i}"), range(10)))
    assert len(looked_at) == 5
    assert ends.count(SignIn.LOCKED) == 5


def test_an_unknown_name_costs_a_hash_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []

    def spy(password: str, password_hash: str | None) -> bool:
        seen.append(password_hash)
        return original(password, password_hash)

    original: Callable[[str, str | None], bool] = sessions_module.matches
    monkeypatch.setattr(sessions_module, "matches", spy)
    assert store.check_password("nobody", "whatever it is") is SignIn.WRONG
    assert seen == [None]


# Sessions


def test_a_session_ends_when_revoked_and_when_it_expires(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add_user(ADA)
    first, second = (session_hash(store.create_session("ada")) for _ in range(2))
    store.revoke_session(first)
    assert store.session_user(first) is None
    assert store.session_user(second) is not None
    later = sessions_module.now() + timedelta(hours=9)
    monkeypatch.setattr(sessions_module, "now", lambda: later)
    assert store.session_user(second) is None


def test_the_database_does_not_hold_what_the_cookie_holds(store: Store, database: Settings) -> None:
    store.add_user(ADA)
    opaque = store.create_session("ada")
    engine = create_engine(database.database_url)
    with engine.connect() as connection:
        assert opaque not in str(connection.execute(text("SELECT * FROM web_sessions")).all())
    engine.dispose()
    assert store.session_user(opaque) is None


# The first administrator


def test_the_setup_code_makes_one_administrator_once(store: Store, database: Settings) -> None:
    code = store.new_setup_code()
    assert code not in (database.home / "setup-code").read_text()
    assert stat.S_IMODE((database.home / "setup-code").stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="setup code"):
        store.set_up("AAAA-AAAA-AAAA-AAAA", ADA)
    with pytest.raises(UsageError, match="password"):
        store.set_up(code, replace(ADA, password="short"))
    assert store.set_up(code.lower(), ADA).role is Role.ADMINISTRATOR
    with pytest.raises(UsageError, match="setup code"):
        store.set_up(code, replace(ADA, username="eve"))
    assert not store.needs_setup()


def test_an_empty_code_never_fits(store: Store) -> None:
    with pytest.raises(UsageError):
        store.set_up("", ADA)


def test_a_code_is_worthless_once_there_is_a_user(store: Store) -> None:
    code = store.new_setup_code()
    store.add_user(ADA)
    with pytest.raises(UsageError):
        store.set_up(code, replace(ADA, username="eve"))


# Runs


def test_totals_are_zero_at_first(store: Store) -> None:
    totals = store.totals()
    assert (totals.images, totals.signed, totals.unsigned, totals.by_modality, totals.by_outcome) == (0, 0, 0, (), ())
    assert store.runs() == ()
    assert store.history() == ()


def test_totals_and_history_count_what_was_recorded(store: Store) -> None:
    store.add_user(ADA)
    run = store.start_run("ada", "folder", 5, "policy=phi")
    for each in (
        record(),
        record(signed=True, modality="CT"),
        record(Outcome.NEEDS_REVIEW, modality="CT"),
        record(Outcome.QUARANTINED, signed=None, modality="CT"),
        record(Outcome.REFUSED, signed=None, modality=""),
    ):
        store.add_image(run, each, store.name_hash(each.file))
    store.finish_run(run)
    totals = store.totals()
    assert (totals.images, totals.signed, totals.unsigned) == (4, 1, 2)
    assert totals.by_modality == (("CT", 3), ("US", 1))
    assert totals.by_outcome == (
        (Outcome.CLEANED, 2),
        (Outcome.NEEDS_REVIEW, 1),
        (Outcome.QUARANTINED, 1),
        (Outcome.REFUSED, 1),
    )
    (day,) = store.history()
    assert (day.runs, dict(day.outcomes)[Outcome.CLEANED]) == (1, 2)


def test_the_latest_runs_come_first_with_their_user_and_counts(store: Store) -> None:
    store.add_user(ADA)
    first = store.start_run("ada", "page", 1)
    store.add_image(first, record(), store.name_hash("a"))
    store.finish_run(first, RunState.CANCELLED)
    second = store.start_run("", "command", 2)
    runs = store.runs(10)
    assert [run.id for run in runs] == [second, first]
    assert [(run.user, run.state, run.done) for run in runs] == [
        ("", RunState.RUNNING, 0),
        ("ada", RunState.CANCELLED, 1),
    ]
    assert runs[1].ended is not None
    assert store.runs(1) == runs[:1]


def test_an_image_worked_on_again_is_counted_once_with_its_last_end(store: Store) -> None:
    run = store.start_run("", "page", 1)
    image = store.add_image(run, record(Outcome.NEEDS_REVIEW), store.name_hash("a"))
    store.update_image(image, record())
    totals = store.totals()
    assert (totals.images, totals.by_outcome) == (1, ((Outcome.CLEANED, 1),))


def test_no_name_and_nothing_odd_from_the_header_is_kept(store: Store, database: Settings) -> None:
    run = store.start_run("", "command", 1)
    odd = replace(record(modality="Smith"), syntax_in="John", file="SMITH^JOHN.dcm")
    store.add_image(run, odd, store.name_hash(odd.file))
    engine = create_engine(database.database_url)
    with engine.connect() as connection:
        kept = str([connection.execute(text(f"SELECT * FROM {table}")).all() for table in ("runs", "images", "boxes")])
    engine.dispose()
    assert not any(planted in kept.lower() for planted in ("smith", "john"))


def test_writers_in_several_threads_wait_for_each_other(store: Store) -> None:
    run = store.start_run("", "command", 40)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: store.add_image(run, record(), store.name_hash(str(i))), range(40)))
    assert store.totals().images == 40


# Secrets


def test_a_secret_is_made_once_and_is_private(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with ThreadPoolExecutor(8) as pool:
        values = set(pool.map(lambda _: secret(home, "pseudonym-key"), range(16)))
    assert len(values) == 1
    assert len(values.pop()) == 32
    assert secret(home, "other") != secret(home, "pseudonym-key")
    assert stat.S_IMODE((home / "secrets" / "pseudonym-key").stat().st_mode) == 0o600
    assert sorted(path.name for path in (home / "secrets").iterdir()) == [".lock", "other", "pseudonym-key"]


def test_a_damaged_secret_is_never_replaced(tmp_path: Path) -> None:
    secret(tmp_path, "pseudonym-key")
    (tmp_path / "secrets" / "pseudonym-key").write_bytes(b"half")
    with pytest.raises(StoreError, match="damaged"):
        secret(tmp_path, "pseudonym-key")
    assert (tmp_path / "secrets" / "pseudonym-key").read_bytes() == b"half"
