"""Who did what, and when: ids and kinds only, never a value of a file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, insert, or_, select
from sqlalchemy.orm import Session

from deid.store.database import Database
from deid.store.records import Action, Actor, Event, Events
from deid.store.schema import AuditRow, UserRow, now

_PAGE = 5_000
_NOBODY = ""
EVERY_EVENT = Events()


class Audit:
    """The part of the store that remembers what was done."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, by: Actor, action: Action, subject: str = "") -> None:
        """Remember that somebody did something; `subject` is an id such as `run 12`, never a name of a file."""
        with self._database.write() as session:
            note(session, by, action, subject)

    def events(self, wanted: Events = EVERY_EVENT, limit: int = 200) -> tuple[Event, ...]:
        """The latest rows, newest first."""
        return tuple(self._page(wanted, None, limit))

    def all_events(self, wanted: Events = EVERY_EVENT) -> Iterator[Event]:
        """Every row, newest first, some thousand read at a time."""
        before: int | None = None
        while page := tuple(self._page(wanted, before, _PAGE)):
            yield from page
            before = page[-1].id

    def count_events(self, wanted: Events = EVERY_EVENT) -> int:
        """How many rows there are."""
        with self._database.read() as session:
            return session.scalar(select(func.count()).select_from(AuditRow).where(*_conditions(wanted))) or 0

    def count_actions(self) -> dict[str, int]:
        """How often each action was done, ever."""
        wanted = select(AuditRow.action, func.count()).group_by(AuditRow.action)
        with self._database.read() as session:
            return {action: int(count) for action, count in session.execute(wanted)}

    def _page(self, wanted: Events, before: int | None, limit: int) -> Iterator[Event]:
        earlier = [AuditRow.id < before] if before is not None else []
        chosen = (
            select(AuditRow, UserRow.username)
            .join(UserRow, AuditRow.user_id == UserRow.id, isouter=True)
            .where(*_conditions(wanted), *earlier)
            .order_by(AuditRow.id.desc())
            .limit(limit)
        )
        with self._database.read() as session:
            for row, username in session.execute(chosen):
                yield Event(row.id, row.at, username or _NOBODY, row.action, row.subject, row.address)


def note(session: Session, by: Actor, action: Action, subject: str = "") -> None:
    """`Audit.record` within a transaction: the deed and its row are kept together, or neither."""
    user_id = select(UserRow.id).where(UserRow.username == by.username).scalar_subquery() if by.username else None
    session.execute(
        insert(AuditRow).values(
            user_id=user_id, action=action.value, subject=subject[:80], address=by.address, at=now()
        )
    )


def about(username: str) -> str:
    """A user as the subject of a row."""
    return f"user {username}"


def within(moment: Any, since: date | None, until: date | None) -> list[ColumnElement[bool]]:
    """Conditions that a moment lies on these days, both included."""
    conditions: list[ColumnElement[bool]] = []
    if since:
        conditions.append(moment >= datetime.combine(since, time()))
    if until:
        conditions.append(moment < datetime.combine(until + timedelta(days=1), time()))
    return conditions


def _conditions(wanted: Events) -> list[ColumnElement[bool]]:
    conditions = within(AuditRow.at, wanted.since, wanted.until)
    if wanted.user == _NOBODY:
        conditions.append(AuditRow.user_id.is_(None))
    elif wanted.user is not None:
        mine = select(UserRow.id).where(UserRow.username == wanted.user).scalar_subquery()
        subject = about(wanted.user)
        told = or_(AuditRow.subject == subject, AuditRow.subject.startswith(f"{subject} ", autoescape=True))
        conditions.append(or_(AuditRow.user_id == mine, told))
    if wanted.action:
        conditions.append(AuditRow.action == wanted.action.value)
    return conditions
