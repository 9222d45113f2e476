"""The tables as the code sees them. A change here needs a numbered migration beside it.

No column may ever hold PHI: no recognised text, no header value, no file name. Times are UTC without a zone.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, DateTime, Double, ForeignKey, Index, Integer, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Key = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up only in a column declared INTEGER."""


def now() -> datetime:
    """The moment as the tables keep it: UTC, whole seconds, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


class Base(DeclarativeBase):
    """Base of all tables; constraints get names that a migration can refer to."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UserRow(Base):
    """A person who may sign in."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    """Lower case."""
    first_name: Mapped[str] = mapped_column(String(100))
    last_name: Mapped[str] = mapped_column(String(100))
    email: Mapped[str] = mapped_column(String(254))
    password_hash: Mapped[str] = mapped_column(String(72))
    role: Mapped[str] = mapped_column(String(16))
    active: Mapped[bool] = mapped_column(default=True)
    created: Mapped[datetime] = mapped_column(DateTime, default=now)
    password_until: Mapped[datetime | None] = mapped_column(DateTime)
    """When a one-time password ends; None: the user chose the password."""


class SignInFailureRow(Base):
    """Failed sign-ins under one name, whether or not such a user exists."""

    __tablename__ = "sign_in_failures"

    name_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Keyed: people type passwords into the name field."""
    failures: Mapped[int]
    until: Mapped[datetime] = mapped_column(DateTime, index=True)
    """When the failures are forgotten."""


class WebSessionRow(Base):
    """A browser, or a program with a bearer token, that is signed in."""

    __tablename__ = "web_sessions"

    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the id in the cookie, or of the token."""
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created: Mapped[datetime] = mapped_column(DateTime, default=now)
    expires: Mapped[datetime] = mapped_column(DateTime, index=True)
    revoked: Mapped[bool] = mapped_column(default=False)
    seen: Mapped[datetime] = mapped_column(DateTime, default=now)
    browser: Mapped[str] = mapped_column(String(40), default="")
    """Kind of browser and system, without versions."""
    address: Mapped[str] = mapped_column(String(16), default="")
    """Kind of address; never the address."""
    kind: Mapped[str] = mapped_column(String(8), default="browser")


class SettingRow(Base):
    """A setting that an administrator changed while the server ran."""

    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(40))


class AuditRow(Base):
    """Something that somebody did."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime, default=now, index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    """None: the command line, or somebody who is not signed in."""
    action: Mapped[str] = mapped_column(String(24), index=True)
    subject: Mapped[str] = mapped_column(String(80))
    """What it was done to, as an id: `user ada`, `run 12`."""
    address: Mapped[str] = mapped_column(String(16))


class RunRow(Base):
    """A batch of files, or one file worked on in the pages."""

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    """None: the command line."""
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), default="running")
    planned: Mapped[int]
    settings: Mapped[str] = mapped_column(Text)
    """Summary of the options in force; no paths."""
    started: Mapped[datetime] = mapped_column(DateTime, default=now, index=True)
    ended: Mapped[datetime | None] = mapped_column(DateTime)


class ImageRow(Base):
    """One file of a run, and what became of it."""

    __tablename__ = "images"
    __table_args__ = (
        Index("ix_images_run_id_number", "run_id", "number", unique=True),
        Index("ix_images_run_id_outcome_number", "run_id", "outcome", "number"),
        Index("ix_images_outcome_signed", "outcome", "signed"),
        Index("ix_images_modality_outcome", "modality", "outcome"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    number: Mapped[int | None]
    """In the run's private manifest, from 0; None: the file was never planned, it came with its end."""
    name_hash: Mapped[str] = mapped_column(String(64), index=True)
    """HMAC of the file's name under a key of this installation."""
    input_hash: Mapped[str] = mapped_column(String(64), default="")
    """HMAC of the file's content under the same key; empty where that is not known."""
    settings_hash: Mapped[str] = mapped_column(String(64), default="")
    """SHA-256 of everything that decides what a file comes to beside its content."""
    outcome: Mapped[str] = mapped_column(String(16))
    """An Outcome, or a Pending where the file has not come to its end: such a row is in no figure."""
    reason: Mapped[str] = mapped_column(String(500))
    modality: Mapped[str] = mapped_column(String(16))
    syntax_in: Mapped[str] = mapped_column(String(64))
    syntax_out: Mapped[str] = mapped_column(String(64))
    frames: Mapped[int]
    signed: Mapped[bool | None]
    box_count: Mapped[int]
    kept: Mapped[int]
    seconds: Mapped[float]
    stage_seconds: Mapped[str] = mapped_column(Text)
    """JSON object: stage -> seconds."""
    made_by: Mapped[str] = mapped_column(Text)
    """JSON object: engine -> version or hash."""
    created: Mapped[datetime] = mapped_column(DateTime, default=now, index=True)
    phi_words: Mapped[str | None] = mapped_column(Text)
    """JSON array of [reason, category, number of words that go]; None: recorded before this was counted."""
    failed_checks: Mapped[str | None] = mapped_column(Text)
    """JSON array of names."""
    warnings: Mapped[str | None] = mapped_column(Text)
    """JSON array of names of what wants eyes; None: recorded before this was counted."""
    claimed_by: Mapped[int | None] = mapped_column(Key)
    """The user who looks at it to decide; nobody else may meanwhile."""
    claimed_until: Mapped[datetime | None] = mapped_column(DateTime)


class RunFigureRow(Base):
    """How often a value came up among the images of one run.

    Every filter of the statistics is a property of the run, so sums over these rows are right for each of them, and
    there are far fewer rows than images. They follow from `images`, in the same transaction.
    """

    __tablename__ = "run_figures"
    __table_args__ = (Index("ix_run_figures_kind_value_count", "kind", "value", "count"),)

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    value: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)


class BoxRow(Base):
    """Pixels that were overwritten in an image; half-open, in stored pixels, origin top left."""

    __tablename__ = "boxes"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), index=True)
    frame: Mapped[int | None]
    """None: every frame."""
    left: Mapped[int] = mapped_column("box_left")
    top: Mapped[int] = mapped_column("box_top")
    width: Mapped[int]
    height: Mapped[int]
    reasons: Mapped[str] = mapped_column(String(120))
    """Space between each."""
    score: Mapped[float]


class ReviewRow(Base):
    """What a person decided about an image."""

    __tablename__ = "reviews"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), index=True)
    image_id: Mapped[int | None] = mapped_column(ForeignKey("images.id"), index=True)
    """None: a file that an earlier version put aside without saying which it was."""
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    at: Mapped[datetime] = mapped_column(DateTime, default=now, index=True)
    purpose: Mapped[str] = mapped_column(String(16))
    """`review`, or `sample` of files that came out clean."""
    decision: Mapped[str] = mapped_column(String(16))
    covered: Mapped[int]
    """Boxes that the person added."""
    kept: Mapped[int]
    """Places that the machine meant to go and the person kept."""
    readable: Mapped[int]
    """Of those, how many could still be read in the written file."""
    confirmed: Mapped[bool]
    """Whether the person answered a second question."""


class SampleRow(Base):
    """The random sample of a run's clean files; what people said of it stands in `reviews`."""

    __tablename__ = "samples"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True, autoincrement=False)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    at: Mapped[datetime] = mapped_column(DateTime, default=now)
    population: Mapped[int]
    """Clean files that it was drawn from."""
    share: Mapped[float] = mapped_column(Double)
    confidence: Mapped[float] = mapped_column(Double)
    seed: Mapped[int] = mapped_column(BigInteger)


class SampleImageRow(Base):
    """A file of a sample."""

    __tablename__ = "sample_images"

    run_id: Mapped[int] = mapped_column(ForeignKey("samples.run_id"), primary_key=True, autoincrement=False)
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), primary_key=True, autoincrement=False, index=True)


class FolderRow(Base):
    """A folder of the server that the pages may read from or write to; an administrator's choice, no path of a file."""

    __tablename__ = "folders"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    path: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(String(8))
    """`input` or `output`."""
