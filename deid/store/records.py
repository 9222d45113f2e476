"""What the store hands out: frozen values, none of them tied to the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from deid.values import Outcome


class Role(StrEnum):
    """What a user may do."""

    ADMINISTRATOR = "administrator"
    STAFF = "staff"
    DEMO = "demo"


@dataclass(frozen=True, slots=True)
class NewUser:
    """A person to be let in."""

    username: str
    password: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    role: Role = Role.STAFF

    def __repr__(self) -> str:
        return f"NewUser({self.username!r})"


@dataclass(frozen=True, slots=True)
class User:
    """A person who may sign in."""

    id: int
    username: str
    first_name: str
    last_name: str
    email: str
    role: Role
    active: bool
    created: datetime

    @property
    def name(self) -> str:
        """First and last name, or the user name where neither is known."""
        return f"{self.first_name} {self.last_name}".strip() or self.username


class SignIn(StrEnum):
    """How an attempt to sign in ended."""

    WELCOME = "welcome"
    WRONG = "wrong"
    LOCKED = "locked"


class RunState(StrEnum):
    """Where a run is."""

    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Run:
    """A run with what became of its files."""

    id: int
    kind: str
    state: RunState
    user: str
    """User name; empty for the command line."""
    planned: int
    started: datetime
    """UTC."""
    ended: datetime | None
    outcomes: tuple[tuple[Outcome, int], ...]

    @property
    def done(self) -> int:
        """Files that have an outcome."""
        return sum(count for _, count in self.outcomes)

    def count(self, outcome: Outcome) -> int:
        """Files that ended so."""
        return dict(self.outcomes).get(outcome, 0)


@dataclass(frozen=True, slots=True)
class Totals:
    """Figures over everything recorded. An image is a file that was not refused."""

    images: int
    signed: int
    unsigned: int
    """Images without integer pixels are neither signed nor unsigned."""
    by_modality: tuple[tuple[str, int], ...]
    """Most frequent first; an empty modality is one that the file did not state."""
    by_outcome: tuple[tuple[Outcome, int], ...]
    """Refused files too."""

    def count(self, outcome: Outcome) -> int:
        """Files that ended so."""
        return dict(self.by_outcome).get(outcome, 0)


@dataclass(frozen=True, slots=True)
class Day:
    """What was done on one day (UTC)."""

    day: date
    runs: int
    outcomes: tuple[tuple[Outcome, int], ...]
