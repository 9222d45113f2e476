"""People who may sign in, their attempts and their sessions."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from sqlalchemy import CursorResult, Update, case, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from deid.errors import UsageError
from deid.settings import Settings
from deid.store.database import Database
from deid.store.filelock import locked
from deid.store.passwords import hash_password, matches, password_fault
from deid.store.records import NewUser, Role, SignIn, User
from deid.store.schema import SignInFailureRow, UserRow, WebSessionRow, now
from deid.store.secrets import secret, write_private

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,188}")
_SETUP_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class Accounts:
    """The part of the store that knows users."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._name_key = secret(settings.home, "sign-in-names")

    # Users

    def add_user(self, new: NewUser) -> User:
        """The user, from now on able to sign in.

        Raises
        ------
        UsageError
            Where a field cannot be used or the name is taken.
        """
        row = _user_row(new)
        try:
            with self._database.write() as session:
                session.add(row)
                session.flush()
                return _user(row)
        except Exception as exc:
            if isinstance(exc.__cause__, IntegrityError):
                raise UsageError(f"There is already a user {row.username!r}.") from exc
            raise

    def users(self) -> tuple[User, ...]:
        """Everybody, active or not, by user name."""
        with self._database.read() as session:
            return tuple(_user(row) for row in session.scalars(select(UserRow).order_by(UserRow.username)))

    def user(self, username: str) -> User | None:
        """The user of that name, active or not."""
        with self._database.read() as session:
            row = session.scalar(select(UserRow).where(UserRow.username == username.strip().lower()))
            return _user(row) if row else None

    def disable_user(self, username: str) -> None:
        """Shut a user out, at once in every browser.

        Raises
        ------
        UsageError
            Where there is no such user.
        """
        self._change(username, active=False)
        self.revoke_sessions(username)

    def enable_user(self, username: str) -> None:
        """Let a disabled user in again.

        Raises
        ------
        UsageError
            Where there is no such user.
        """
        self._change(username, active=True)

    def change_profile(self, username: str, first_name: str, last_name: str, email: str) -> None:
        """Replace a user's name and address.

        Raises
        ------
        UsageError
            Where a field cannot be used or there is no such user.
        """
        _check_profile(first_name, last_name, email)
        self._change(username, first_name=first_name.strip(), last_name=last_name.strip(), email=email.strip())

    def set_password(self, username: str, password: str, *, keep_session: str = "") -> None:
        """Replace a user's password, and sign the user out everywhere but in the session with this id hash.

        Raises
        ------
        UsageError
            Where the password is too weak or there is no such user.
        """
        if fault := password_fault(password):
            raise UsageError(fault)
        self.set_password_hash(username, hash_password(password), keep_session=keep_session)

    def set_password_hash(self, username: str, password_hash: str, *, keep_session: str = "") -> None:
        """`set_password` for a password that was checked and hashed already.

        Raises
        ------
        UsageError
            Where there is no such user.
        """
        self._change(username, password_hash=password_hash)
        self.revoke_sessions(username, keep=keep_session)

    def _change(self, username: str, **columns: object) -> None:
        name = username.strip().lower()
        with self._database.write() as session:
            if not _changed(session, update(UserRow).where(UserRow.username == name).values(**columns)):
                raise UsageError(f"There is no user {name!r}.")

    # Signing in

    def check_password(self, username: str, password: str) -> SignIn:
        """Whether this is an active user's password; counts failures, the same for names that do not exist.

        An attempt is counted before the password is looked at, so that guesses made at the same time cannot pass
        the limit together.
        """
        name = username.strip().lower()
        if not self._take_attempt(name):
            return SignIn.LOCKED
        with self._database.read() as session:
            known = session.scalar(select(UserRow.password_hash).where(UserRow.username == name, UserRow.active))
        if not matches(password, known):
            return SignIn.WRONG
        with self._database.write() as session:
            session.execute(delete(SignInFailureRow).where(SignInFailureRow.name_hash == self._name_hash(name)))
        return SignIn.WELCOME

    def _name_hash(self, name: str) -> str:
        return hmac.new(self._name_key, name.encode(), hashlib.sha256).hexdigest()

    def _take_attempt(self, name: str) -> bool:
        row, moment = SignInFailureRow, now()
        until = moment + timedelta(minutes=self._settings.lockout_minutes)
        mine = row.name_hash == self._name_hash(name)
        count_up = (
            update(row)
            .where(mine, (row.failures < self._settings.lockout_attempts) | (row.until <= moment))
            .ordered_values(  # MySQL assigns from left to right: `failures` must see the old `until`
                (row.failures, case((row.until <= moment, 1), else_=row.failures + 1)), (row.until, until)
            )
        )
        with self._database.write() as session:
            if _changed(session, count_up):
                return True
            if session.scalar(select(func.count()).select_from(row).where(mine)):
                return False
            session.execute(delete(row).where(row.until <= moment))
        try:
            with self._database.write() as session:
                session.execute(insert(row).values(name_hash=self._name_hash(name), failures=1, until=until))
        except Exception as exc:
            if not isinstance(exc.__cause__, IntegrityError):
                raise
            with self._database.write() as session:  # another attempt made the row meanwhile
                return _changed(session, count_up)
        return True

    # Sessions

    def create_session(self, username: str) -> str:
        """A new session's opaque id; the database keeps only its hash.

        Raises
        ------
        UsageError
            Where there is no such active user.
        """
        opaque = secrets.token_urlsafe(32)
        expires = now() + timedelta(hours=self._settings.session_hours)
        with self._database.write() as session:
            user_id = session.scalar(select(UserRow.id).where(UserRow.username == username, UserRow.active))
            if user_id is None:
                raise UsageError(f"There is no active user {username!r}.")
            session.execute(delete(WebSessionRow).where(WebSessionRow.expires <= now()))
            session.add(WebSessionRow(id_hash=session_hash(opaque), user_id=user_id, expires=expires, revoked=False))
        return opaque

    def session_user(self, id_hash: str) -> User | None:
        """Who is signed in with the session of this id hash; None when it has ended or the user may no longer in."""
        if not id_hash:
            return None
        with self._database.read() as session:
            row = session.scalar(
                select(UserRow)
                .join(WebSessionRow, WebSessionRow.user_id == UserRow.id)
                .where(
                    WebSessionRow.id_hash == id_hash,
                    WebSessionRow.revoked.is_(False),
                    WebSessionRow.expires > now(),
                    UserRow.active,
                )
            )
            return _user(row) if row else None

    def revoke_session(self, id_hash: str) -> None:
        """End one session."""
        with self._database.write() as session:
            session.execute(update(WebSessionRow).where(WebSessionRow.id_hash == id_hash).values(revoked=True))

    def revoke_sessions(self, username: str, *, keep: str = "") -> None:
        """End all sessions of a user, but the one with the id hash `keep`."""
        mine = select(UserRow.id).where(UserRow.username == username.strip().lower()).scalar_subquery()
        with self._database.write() as session:
            session.execute(
                update(WebSessionRow)
                .where(WebSessionRow.user_id == mine, WebSessionRow.id_hash != keep)
                .values(revoked=True)
            )

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

    def set_up(self, code: str, new: NewUser) -> User:
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
            return self.add_user(
                NewUser(new.username, new.password, new.first_name, new.last_name, new.email, Role.ADMINISTRATOR)
            )

    @property
    def _setup_file(self) -> Path:
        return self._settings.home / "setup-code"


def session_hash(opaque: str) -> str:
    """What the database keeps of a session's id."""
    return hashlib.sha256(opaque.encode()).hexdigest()


def _changed(session: Session, statement: Update) -> bool:
    return cast("CursorResult[Any]", session.execute(statement)).rowcount > 0


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


def _user(row: UserRow) -> User:
    return User(row.id, row.username, row.first_name, row.last_name, row.email, Role(row.role), row.active, row.created)
