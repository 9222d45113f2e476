"""Attempts to sign in, and the browsers that are signed in."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Update, case, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from deid.errors import UsageError
from deid.settings import Settings
from deid.store.audit import about, note
from deid.store.choices import Choices
from deid.store.database import Database
from deid.store.passwords import matches
from deid.store.records import CONSOLE, Action, Actor, Role, SessionKind, SignIn, User, WebSession
from deid.store.schema import SignInFailureRow, UserRow, WebSessionRow, now
from deid.store.secrets import secret

_SEEN_EVERY = timedelta(minutes=1)
"""A session's row is not written at each click."""


class Sessions(Choices):
    """The part of the store that knows who is signed in."""

    def __init__(self, database: Database, settings: Settings) -> None:
        Choices.__init__(self, database, settings)
        self._name_key = secret(settings.home, "sign-in-names")

    # Signing in

    def check_password(self, username: str, password: str, by: Actor = CONSOLE) -> SignIn:
        """Whether this is an active user's password; counts failures, the same for names that do not exist.

        An attempt is counted before the password is looked at, so that guesses made at the same time cannot pass
        the limit together.
        """
        name = username.strip().lower()
        if not self._take_attempt(name):
            self._note_failure(name, by, Action.LOCKED_OUT)
            return SignIn.LOCKED
        valid = or_(UserRow.password_until.is_(None), UserRow.password_until > now())
        with self._database.read() as session:
            known = session.scalar(select(UserRow.password_hash).where(UserRow.username == name, UserRow.active, valid))
        if not matches(password, known):
            self._note_failure(name, by, Action.SIGN_IN_FAILED)
            return SignIn.WRONG
        with self._database.write() as session:
            session.execute(delete(SignInFailureRow).where(SignInFailureRow.name_hash == self._name_hash(name)))
        return SignIn.WELCOME

    def _name_hash(self, name: str) -> str:
        return hmac.new(self._name_key, name.encode(), hashlib.sha256).hexdigest()

    def _note_failure(self, name: str, by: Actor, action: Action) -> None:
        with self._database.write() as session:
            known = session.scalar(select(UserRow.username).where(UserRow.username == name))
            note(session, Actor(address=by.address), action, about(known) if known else "unknown name")

    def _take_attempt(self, name: str) -> bool:
        row, moment, settings = SignInFailureRow, now(), self.in_force()
        until = moment + timedelta(minutes=settings.lockout_minutes)
        mine = row.name_hash == self._name_hash(name)
        count_up = (
            update(row)
            .where(mine, (row.failures < settings.lockout_attempts) | (row.until <= moment))
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

    def create_session(
        self, username: str, by: Actor = CONSOLE, browser: str = "", kind: SessionKind = SessionKind.BROWSER
    ) -> str:
        """A new session's opaque id; the database keeps only its hash. `browser` is a kind, without versions.

        A program's lasts DEID_TOKEN_MINUTES, and its id is the bearer token.

        Raises
        ------
        UsageError
            Where there is no such active user.
        """
        opaque = secrets.token_urlsafe(32)
        settings = self.in_force()
        is_program = kind is SessionKind.PROGRAM
        lasts = timedelta(minutes=settings.token_minutes) if is_program else timedelta(hours=settings.session_hours)
        expires = now() + lasts
        with self._database.write() as session:
            user_id = session.scalar(select(UserRow.id).where(UserRow.username == username, UserRow.active))
            if user_id is None:
                raise UsageError(f"There is no active user {username!r}.")
            session.execute(delete(WebSessionRow).where(WebSessionRow.expires <= now()))
            row = WebSessionRow(id_hash=session_hash(opaque), user_id=user_id, expires=expires, revoked=False)
            row.browser, row.address, row.kind = browser[:40], by.address, kind.value
            session.add(row)
            note(session, Actor(username, by.address), Action.SIGN_IN, "API" if is_program else "")
        return opaque

    def session_user(self, id_hash: str, kind: SessionKind = SessionKind.BROWSER) -> User | None:
        """Who is signed in with the session of this id hash; None when it has ended or the user may no longer in."""
        if not id_hash:
            return None
        alive = (WebSessionRow.id_hash == id_hash, WebSessionRow.revoked.is_(False), WebSessionRow.expires > now())
        with self._database.read() as session:
            found = session.execute(
                select(UserRow, WebSessionRow.seen)
                .join(WebSessionRow, WebSessionRow.user_id == UserRow.id)
                .where(*alive, WebSessionRow.kind == kind.value, UserRow.active)
            ).one_or_none()
        if found is None:
            return None
        row, seen = found
        if now() - seen >= _SEEN_EVERY:
            with self._database.write() as session:
                session.execute(update(WebSessionRow).where(*alive).values(seen=now()))
        return user_of(row)

    def sessions(self, username: str) -> tuple[WebSession, ...]:
        """The browsers and programs in which a user is signed in, the one seen last first."""
        with self._database.read() as session:
            rows = session.scalars(
                select(WebSessionRow)
                .join(UserRow, WebSessionRow.user_id == UserRow.id)
                .where(UserRow.username == username, WebSessionRow.revoked.is_(False), WebSessionRow.expires > now())
                .order_by(WebSessionRow.seen.desc(), WebSessionRow.created.desc())
            )
            return tuple(WebSession(row.id_hash, row.created, row.seen, row.browser, row.address) for row in rows)

    def revoke_session(self, id_hash: str, by: Actor = CONSOLE, action: Action = Action.SESSION_ENDED) -> None:
        """End one session."""
        with self._database.write() as session:
            owner = session.scalar(
                select(UserRow.username)
                .join(WebSessionRow, WebSessionRow.user_id == UserRow.id)
                .where(WebSessionRow.id_hash == id_hash)
            )
            if _changed(session, _revoking().where(WebSessionRow.id_hash == id_hash)):
                note(session, by, action, about(owner or ""))

    def revoke_sessions(self, username: str, by: Actor = CONSOLE, *, keep: str = "") -> tuple[str, ...]:
        """End all sessions of a user, but the one with the id hash `keep`; the id hashes of those that ended."""
        name = username.strip().lower()
        with self._database.write() as session:
            user_id = session.scalar(select(UserRow.id).where(UserRow.username == name))
            ended = end_sessions(session, user_id, keep=keep) if user_id is not None else ()
            if ended:
                note(session, by, Action.SESSION_ENDED, about(name))
            return ended


def session_hash(opaque: str) -> str:
    """What the database keeps of a session's id."""
    return hashlib.sha256(opaque.encode()).hexdigest()


def end_sessions(session: Session, user_id: int, *, keep: str = "") -> tuple[str, ...]:
    """`Sessions.revoke_sessions` within a transaction."""
    theirs = (WebSessionRow.user_id == user_id, WebSessionRow.id_hash != keep)
    open_ones = select(WebSessionRow.id_hash).where(*theirs, WebSessionRow.revoked.is_(False))
    ended = tuple(session.scalars(open_ones))
    session.execute(_revoking().where(*theirs))
    return ended


def user_of(row: UserRow) -> User:
    """The user as the rest of the program knows it."""
    return User(
        row.id,
        row.username,
        row.first_name,
        row.last_name,
        row.email,
        Role(row.role),
        row.active,
        row.created,
        row.password_until,
    )


def _revoking() -> Update:
    return update(WebSessionRow).where(WebSessionRow.revoked.is_(False)).values(revoked=True)


def _changed(session: Session, statement: Update) -> bool:
    return cast("CursorResult[Any]", session.execute(statement)).rowcount > 0
