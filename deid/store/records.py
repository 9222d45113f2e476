"""What the store hands out: frozen values, none of them tied to the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from deid.values import Category, Outcome, Reason, Stage


class Role(StrEnum):
    """What a user may do."""

    ADMINISTRATOR = "administrator"
    STAFF = "staff"
    DEMO = "demo"

    @property
    def may_administer(self) -> bool:
        """Whether users, settings and the audit are open."""
        return self is Role.ADMINISTRATOR

    @property
    def may_upload(self) -> bool:
        """Whether files of one's own may be worked on; if not, the made-up studies alone."""
        return self is not Role.DEMO

    @property
    def sees_all_runs(self) -> bool:
        """Whether other people's runs may be seen; if not, one's own alone."""
        return self is not Role.DEMO


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
    password_until: datetime | None = None
    """When a one-time password ends; None: the user chose the password."""

    @property
    def must_choose_password(self) -> bool:
        """Whether the password is one that somebody else knows: nothing else may be done before it is replaced."""
        return self.password_until is not None

    @property
    def name(self) -> str:
        """First and last name, or the user name where neither is known."""
        return f"{self.first_name} {self.last_name}".strip() or self.username


class SignIn(StrEnum):
    """How an attempt to sign in ended."""

    WELCOME = "welcome"
    WRONG = "wrong"
    LOCKED = "locked"


class SessionKind(StrEnum):
    """Who holds a session: the pages take no program's, the API takes no browser's."""

    BROWSER = "browser"
    PROGRAM = "program"


@dataclass(frozen=True, slots=True)
class WebSession:
    """A browser or a program that is signed in."""

    id_hash: str
    created: datetime
    """UTC."""
    seen: datetime
    """UTC, to the minute."""
    browser: str
    address: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a user name, and the kind of address that the request came from."""

    username: str = ""
    """Empty: nobody that is known."""
    address: str = ""


CONSOLE = Actor(address="console")
"""Whoever may start programs on the server."""


class Action(StrEnum):
    """What the audit tells of."""

    SIGN_IN = "sign-in"
    SIGN_IN_FAILED = "sign-in failed"
    LOCKED_OUT = "locked out"
    SIGN_OUT = "sign-out"
    SESSION_ENDED = "session ended"
    PASSWORD_CHANGED = "password changed"  # noqa: S105 - an event
    PASSWORD_RESET = "password reset"  # noqa: S105 - an event
    PROFILE_CHANGED = "profile changed"
    USER_ADDED = "user added"
    USER_DISABLED = "user disabled"
    USER_ENABLED = "user enabled"
    ROLE_CHANGED = "role changed"
    SETTING_CHANGED = "setting changed"
    RUN_STARTED = "run started"
    DOWNLOADED = "downloaded"
    EXPORTED = "exported"
    REVIEWED = "reviewed"
    SAMPLED = "sample drawn"
    FOLDER_OPENED = "folder opened"
    FOLDER_CLOSED = "folder closed"
    PURGED = "purged"


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the audit."""

    id: int
    at: datetime
    """UTC."""
    user: str
    """User name; empty where nobody was signed in."""
    action: str
    subject: str
    address: str


@dataclass(frozen=True, slots=True)
class Events:
    """Which rows of the audit; None: all."""

    since: date | None = None
    until: date | None = None
    """Inclusive."""
    user: str | None = None
    """By this user, or about this user; empty: by nobody who was signed in."""
    action: Action | None = None


class RunState(StrEnum):
    """Where a run is."""

    PLANNED = "planned"
    """Its files are being listed, or it waits for its turn."""
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """The program stopped before it ended."""

    @property
    def goes_on(self) -> bool:
        """Whether it has not ended."""
        return self in (RunState.PLANNED, RunState.RUNNING)


class Pending(StrEnum):
    """Where a file is that has no outcome yet."""

    PLANNED = "planned"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file of a run, by its number in the run's private manifest."""

    number: int
    state: Outcome | Pending
    input_hash: str = ""
    settings_hash: str = ""


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
class Selection:
    """Which runs figures are about; None: all. A run belongs to the day (UTC) on which it started."""

    since: date | None = None
    until: date | None = None
    """Inclusive."""
    user: str | None = None
    """User name; empty: the command line."""
    run: int | None = None


EVERYTHING = Selection()


class Decision(StrEnum):
    """What a person made of an image."""

    APPROVED = "approved"
    REJECTED = "rejected"


class Purpose(StrEnum):
    """Why a person looked."""

    REVIEW = "review"
    SAMPLE = "sample"


@dataclass(frozen=True, slots=True)
class Review:
    """What a person decided about an image, in numbers."""

    decision: Decision
    purpose: Purpose = Purpose.REVIEW
    covered: int = 0
    """Boxes that the person added."""
    kept: int = 0
    """Places that the machine meant to go and the person kept."""
    readable: int = 0
    """Of those, how many could still be read in the written file."""
    confirmed: bool = False
    """Whether the person answered a second question."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A decision with who took it and when."""

    run_id: int
    image_id: int | None
    user: str
    """User name."""
    at: datetime
    """UTC."""
    review: Review


@dataclass(frozen=True, slots=True)
class StageTime:
    """How long a stage took over all images, in seconds, each figure within 5 %."""

    stage: Stage
    images: int
    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Totals:
    """Figures over the images of some runs. An image is a file that was not refused."""

    images: int = 0
    signed: int = 0
    unsigned: int = 0
    """Images without integer pixels are neither signed nor unsigned."""
    by_modality: tuple[tuple[str, int], ...] = ()
    """Most frequent first; an empty modality is one that the file did not state."""
    by_syntax: tuple[tuple[str, int], ...] = ()
    """UIDs of the transfer syntaxes that came in, most frequent first."""
    by_outcome: tuple[tuple[Outcome, int], ...] = ()
    """Refused files too."""
    by_reason: tuple[tuple[Reason, int], ...] = ()
    """Words that went."""
    by_category: tuple[tuple[Category, int], ...] = ()
    """The same words."""
    failed_checks: tuple[tuple[str, int], ...] = ()
    """Images that did not pass a check of `verify`, by its name."""
    warnings: tuple[tuple[str, int], ...] = ()
    """Images that something wants eyes in, by its name in `cautions`."""
    times: tuple[StageTime, ...] = ()

    def count(self, outcome: Outcome) -> int:
        """Files that ended so."""
        return dict(self.by_outcome).get(outcome, 0)

    @property
    def words(self) -> int:
        """Words that went."""
        return sum(count for _, count in self.by_reason)


@dataclass(frozen=True, slots=True)
class Day:
    """What the runs that started on one day (UTC) came to."""

    day: date
    runs: int
    outcomes: tuple[tuple[Outcome, int], ...]


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Which version of the tables a database has, without having changed it."""

    where: str
    """Its URL without the password."""
    kind: str
    current: str | None
    """None: there are no tables yet."""
    newest: str
    """What this program was written for."""
    known: frozenset[str]


@dataclass(frozen=True, slots=True)
class Health:
    """How the database is."""

    kind: str
    """`SQLite`, `MariaDB` or `MySQL`, with its version."""
    milliseconds: float
    """What one question takes."""
