"""People who may sign in: added, changed, kept out."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from deid.errors import UsageError
from deid.settings import Settings
from deid.store.audit import about, note
from deid.store.database import Database
from deid.store.filelock import locked
from deid.store.passwords import hash_password, matches, new_one_time_password, password_fault
from deid.store.records import CONSOLE, Action, Actor, NewUser, Role, User
from deid.store.schema import UserRow, now
from deid.store.secrets import write_private
from deid.store.sessions import end_sessions, session_hash, user_of

ONE_TIME_HOURS = 72
"""How long a password that an administrator handed over may be used."""
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,188}")
_SETUP_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class Accounts:
    """The part of the store that knows users. What ends sessions returns their id hashes."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    def add_user(self, new: NewUser, by: Actor = CONSOLE) -> User:
        """The user, from now on able to sign in.

        Raises
        ------
        UsageError
            Where a field cannot be used or the name is taken.
        """
        return self._add(_user_row(new), by)

    def invite(self, new: NewUser, by: Actor) -> str:
        """A one-time password for a user just added; the new user's own is not looked at.

        Raises
        ------
        UsageError
            Where a field cannot be used or the name is taken.
        """
        password = new_one_time_password()
        row = _user_row(replace(new, password=password))
        row.password_until = now() + timedelta(hours=ONE_TIME_HOURS)
        self._add(row, by)
        return password

    def _add(self, row: UserRow, by: Actor) -> User:
        try:
            with self._database.write() as session:
                session.add(row)
                session.flush()
                note(session, by, Action.USER_ADDED, f"{about(row.username)} as {row.role}")
                return user_of(row)
        except Exception as exc:
            if isinstance(exc.__cause__, IntegrityError):
                raise UsageError(f"There is already a user {row.username!r}.") from exc
            raise

    def users(self) -> tuple[User, ...]:
        """Everybody, active or not, by user name."""
        with self._database.read() as session:
            return tuple(user_of(row) for row in session.scalars(select(UserRow).order_by(UserRow.username)))

    def user(self, username: str) -> User | None:
        """The user of that name, active or not."""
        with self._database.read() as session:
            row = session.scalar(select(UserRow).where(UserRow.username == username.strip().lower()))
            return user_of(row) if row else None

    def disable_user(self, username: str, by: Actor = CONSOLE) -> tuple[str, ...]:
        """Shut a user out, at once in every browser.

        Raises
        ------
        UsageError
            Where there is no such user, or nobody would be left to administer in the pages.
        """
        with self._changing(username) as (session, row):
            _check_not_the_last(session, row, by)
            row.active = False
            note(session, by, Action.USER_DISABLED, about(row.username))
            return end_sessions(session, row.id)

    def enable_user(self, username: str, by: Actor = CONSOLE) -> None:
        """Let a disabled user in again.

        Raises
        ------
        UsageError
            Where there is no such user.
        """
        with self._changing(username) as (session, row):
            row.active = True
            note(session, by, Action.USER_ENABLED, about(row.username))

    def change_role(self, username: str, role: Role, by: Actor = CONSOLE) -> None:
        """Let a user do more, or less, from the next click on.

        Raises
        ------
        UsageError
            Where there is no such user, or nobody would be left to administer in the pages.
        """
        with self._changing(username) as (session, row):
            if row.role == role.value:
                return
            _check_not_the_last(session, row, by)
            row.role = role.value
            note(session, by, Action.ROLE_CHANGED, f"{about(row.username)} to {role.value}")

    def change_profile(self, username: str, first_name: str, last_name: str, email: str, by: Actor = CONSOLE) -> None:
        """Replace a user's name and address.

        Raises
        ------
        UsageError
            Where a field cannot be used or there is no such user.
        """
        _check_profile(first_name, last_name, email)
        with self._changing(username) as (session, row):
            row.first_name, row.last_name, row.email = first_name.strip(), last_name.strip(), email.strip()
            note(session, by, Action.PROFILE_CHANGED, about(row.username))

    def set_password(
        self, username: str, password: str, by: Actor = CONSOLE, *, keep_session: str = ""
    ) -> tuple[str, ...]:
        """Replace a user's password, and sign the user out everywhere but in the session with this id hash.

        Raises
        ------
        UsageError
            Where the password is too weak, is the one-time password, or there is no such user.
        """
        if fault := password_fault(password):
            raise UsageError(fault)
        known = self.user(username)
        if known and known.must_choose_password and self._is_password(username, password):
            raise UsageError("Choose another password than the one that you were given.")
        return self.set_password_hash(username, hash_password(password), by, keep_session=keep_session)

    def set_password_hash(
        self, username: str, password_hash: str, by: Actor = CONSOLE, *, keep_session: str = ""
    ) -> tuple[str, ...]:
        """`set_password` for a password that was checked and hashed already.

        Raises
        ------
        UsageError
            Where there is no such user.
        """
        with self._changing(username) as (session, row):
            row.password_hash, row.password_until = password_hash, None
            note(session, by, Action.PASSWORD_CHANGED, about(row.username))
            return end_sessions(session, row.id, keep=keep_session)

    def reset_password(self, username: str, by: Actor = CONSOLE) -> tuple[str, tuple[str, ...]]:
        """A one-time password that takes the place of a user's own, and the sessions that ended.

        Raises
        ------
        UsageError
            Where there is no such user.
        """
        password = new_one_time_password()
        password_hash = hash_password(password)
        with self._changing(username) as (session, row):
            row.password_hash, row.password_until = password_hash, now() + timedelta(hours=ONE_TIME_HOURS)
            note(session, by, Action.PASSWORD_RESET, about(row.username))
            return password, end_sessions(session, row.id)

    def _is_password(self, username: str, password: str) -> bool:
        with self._database.read() as session:
            known = session.scalar(select(UserRow.password_hash).where(UserRow.username == username.strip().lower()))
        return matches(password, known)

    @contextmanager
    def _changing(self, username: str) -> Iterator[tuple[Session, UserRow]]:
        name = username.strip().lower()
        with self._database.write() as session:
            # Administrators are locked too: two who disable each other at the same time must not both succeed.
            rows = session.scalars(
                select(UserRow)
                .where((UserRow.username == name) | (UserRow.role == Role.ADMINISTRATOR.value))
                .order_by(UserRow.id)
                .with_for_update()
            ).all()
            row = next((row for row in rows if row.username == name), None)
            if row is None:
                raise UsageError(f"There is no user {name!r}.")
            yield session, row

    # The first administrator

    def needs_setup(self) -> bool:
        """Whether there is no user yet."""
        with self._database.read() as session:
            return session.scalar(select(UserRow.id).limit(1)) is None

    def new_setup_code(self) -> str:
        """A code that lets whoever reads the server's console make the first administrator; older ones end."""
        code = "-".join("".join(secrets.choice(_SETUP_ALPHABET) for _ in range(4)) for _ in range(4))
        write_private(self._setup_file, session_hash(code).encode())
        return code

    def set_up(self, code: str, new: NewUser, by: Actor = CONSOLE) -> User:
        """The first administrator; the code is used up.

        Raises
        ------
        UsageError
            Where the code is not the one on the console, there are users already, or a field cannot be used.
        """
        _user_row(new)
        with locked(self._settings.home / ".setup.lock"):
            kept = self._setup_file.read_text() if self._setup_file.exists() else ""
            if not hmac.compare_digest(kept, session_hash(code.strip().upper())) or not self.needs_setup():
                raise UsageError("This is not the setup code that the server printed on its console.")
            self._setup_file.unlink()
            return self.add_user(replace(new, role=Role.ADMINISTRATOR), by)

    @property
    def _setup_file(self) -> Path:
        return self._settings.home / "setup-code"


def _check_not_the_last(session: Session, row: UserRow, by: Actor) -> None:
    """Refuse a change after which nobody in the pages could undo it; the console always can."""
    if by == CONSOLE or row.role != Role.ADMINISTRATOR.value or not row.active:
        return
    others = select(UserRow.id).where(UserRow.role == Role.ADMINISTRATOR.value, UserRow.active, UserRow.id != row.id)
    if session.scalar(others.limit(1)) is None:
        raise UsageError("Nobody would be left to administer: make somebody else administrator first.")


def _check_profile(first_name: str, last_name: str, email: str) -> None:
    for name in (first_name, last_name):
        if len(name.strip()) > 100 or not name.isprintable():
            raise UsageError("A name has at most 100 printable characters.")
    if email.strip() and not _EMAIL.fullmatch(email.strip()):
        raise UsageError("This is not an e-mail address.")


def _user_row(new: NewUser) -> UserRow:
    username = new.username.strip().lower()
    if not _USERNAME.fullmatch(username):
        raise UsageError("A user name has letters a to z, digits, dots, dashes and underscores, 64 at most.")
    _check_profile(new.first_name, new.last_name, new.email)
    if fault := password_fault(new.password):
        raise UsageError(fault)
    return UserRow(
        username=username,
        first_name=new.first_name.strip(),
        last_name=new.last_name.strip(),
        email=new.email.strip(),
        password_hash=hash_password(new.password),
        role=new.role.value,
        active=True,
    )
