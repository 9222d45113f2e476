"""Who looks at which image, and what was decided about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from deid.errors import UsageError
from deid.store.audit import note
from deid.store.database import Database
from deid.store.records import Action, Actor, Decision, Purpose, Review, Reviewed
from deid.store.schema import ImageRow, ReviewRow, UserRow, now
from deid.store.work import put_end
from deid.values import FileRecord, Outcome


@dataclass(frozen=True, slots=True)
class Subject:
    """What is decided about."""

    run_id: int
    image_id: int | None
    """None: a file that an earlier version put aside without saying which it was."""


class Reviews:
    """The part of the store that knows decisions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def waiting_image(self, run_id: int, name_hash: str) -> int | None:
        """The id of the run's image of this name, one that needs a review before others; None where there is none."""
        found = (
            select(ImageRow.id)
            .where(ImageRow.name_hash == name_hash, ImageRow.run_id == run_id)
            .order_by((ImageRow.outcome == Outcome.NEEDS_REVIEW.value).desc(), ImageRow.id)
            .limit(1)
        )
        with self._database.read() as session:
            return session.scalar(found)

    def claim(self, image_id: int, username: str, seconds: float) -> str:
        """The user name of whoever looks at the image for so long: this user, or somebody who was there before."""
        me = select(UserRow.id).where(UserRow.username == username).scalar_subquery()
        free = or_(ImageRow.claimed_until.is_(None), ImageRow.claimed_until < now(), ImageRow.claimed_by == me)
        until = now() + timedelta(seconds=seconds)
        with self._database.write() as session:
            session.execute(
                update(ImageRow).where(ImageRow.id == image_id, free).values(claimed_by=me, claimed_until=until),
                execution_options={"synchronize_session": False},
            )
            return _holder(session, image_id)

    def holder(self, image_id: int) -> str:
        """The user name of whoever looks at the image now; empty where nobody does."""
        with self._database.read() as session:
            return _holder(session, image_id)

    def release(self, image_id: int, username: str) -> None:
        """Let others look at the image, where this user did."""
        me = select(UserRow.id).where(UserRow.username == username).scalar_subquery()
        with self._database.write() as session:
            session.execute(
                update(ImageRow)
                .where(ImageRow.id == image_id, ImageRow.claimed_by == me)
                .values(claimed_by=None, claimed_until=None),
                execution_options={"synchronize_session": False},
            )

    def decide(
        self,
        by: Actor,
        subject: Subject,
        review: Review,
        record: FileRecord | None = None,
        then: Callable[[], None] = lambda: None,
    ) -> None:
        """Keep a decision, with the image's new end where it has one; its claim ends.

        `then` carries it out: where that raises, nothing was decided.

        Raises
        ------
        UsageError
            Where somebody else looks at the image now.
        """
        image_id = subject.image_id
        with self._database.write() as session:
            if image_id is not None:
                check_free(session, image_id, by)
                if record is not None:
                    put_end(session, session.get_one(ImageRow, image_id, with_for_update=True), record)
                row = session.get_one(ImageRow, image_id)
                row.claimed_by = row.claimed_until = None
            keep_review(session, by, subject, review)
            session.flush()
            then()

    def reviews(self, run_id: int) -> tuple[Reviewed, ...]:
        """What was decided about a run's images, first to last."""
        found = (
            select(ReviewRow, UserRow.username)
            .join(UserRow, ReviewRow.user_id == UserRow.id, isouter=True)
            .where(ReviewRow.run_id == run_id)
            .order_by(ReviewRow.id)
        )
        with self._database.read() as session:
            return tuple(_reviewed(row, username or "") for row, username in session.execute(found))


def check_free(session: Session, image_id: int, by: Actor) -> None:
    """Nothing, where nobody else looks at the image now.

    Raises
    ------
    UsageError
        Where somebody does.
    """
    holder = _holder(session, image_id)
    if holder not in ("", by.username):
        raise UsageError(f"{holder} looks at this image now: nothing was decided.")


def keep_review(session: Session, by: Actor, subject: Subject, review: Review) -> None:
    """Write down a decision, and that it was taken."""
    user_id = session.scalar(select(UserRow.id).where(UserRow.username == by.username))
    session.add(
        ReviewRow(
            run_id=subject.run_id,
            image_id=subject.image_id,
            user_id=user_id,
            purpose=review.purpose.value,
            decision=review.decision.value,
            covered=review.covered,
            kept=review.kept,
            readable=review.readable,
            confirmed=review.confirmed,
        )
    )
    image = f" image {subject.image_id}" if subject.image_id is not None else ""
    told = f"run {subject.run_id}{image} {review.purpose.value} {review.decision.value}"
    note(session, by, Action.REVIEWED, told)


def _holder(session: Session, image_id: int) -> str:
    held = (
        select(UserRow.username)
        .join(ImageRow, ImageRow.claimed_by == UserRow.id)
        .where(ImageRow.id == image_id, ImageRow.claimed_until >= now())
    )
    return session.scalar(held) or ""


def _reviewed(row: ReviewRow, username: str) -> Reviewed:
    review = Review(
        Decision(row.decision), Purpose(row.purpose), row.covered, row.kept, row.readable, bool(row.confirmed)
    )
    return Reviewed(row.run_id, row.image_id, username, row.at, review)
