"""Random samples of clean files: what was drawn, who looked at it, and what was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from deid.errors import UsageError
from deid.store.audit import note
from deid.store.database import Database
from deid.store.figures import conditions_of, count_in
from deid.store.records import EVERYTHING, Action, Actor, Decision, Purpose, Review, Selection
from deid.store.reviews import Subject, check_free, keep_review
from deid.store.schema import ImageRow, ReviewRow, RunRow, SampleImageRow, SampleRow, UserRow
from deid.values import Outcome


@dataclass(frozen=True, slots=True)
class Draw:
    """How a sample is drawn, so that the same one can be drawn again."""

    population: int
    """Clean files with pictures that the run had at that time."""
    share: float
    """Less than this is to be shown, where none leaks."""
    confidence: float
    seed: int


@dataclass(frozen=True, slots=True)
class Sampled:
    """A sample of a run's clean files, and what people said of it so far."""

    run_id: int
    draw: Draw
    by: str
    """User name."""
    at: datetime
    """UTC."""
    said: tuple[tuple[int, Decision | None], ...]
    """(image, what was said of it), in the order drawn; None: nobody has looked."""

    @property
    def size(self) -> int:
        """Files that were drawn."""
        return len(self.said)

    @property
    def looked(self) -> int:
        """Files that somebody has looked at."""
        return sum(decision is not None for _, decision in self.said)

    @property
    def leaks(self) -> int:
        """Files in which somebody saw a leak."""
        return sum(decision is Decision.REJECTED for _, decision in self.said)


class Samples:
    """The part of the store that knows samples."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def clean_images(self, run_id: int) -> tuple[int, ...]:
        """Ids of the run's images that came out clean and have pictures, in their order."""
        found = (
            select(ImageRow.id)
            .where(ImageRow.run_id == run_id, ImageRow.outcome == Outcome.CLEANED.value, ImageRow.frames > 0)
            .order_by(ImageRow.id)
        )
        with self._database.read() as session:
            return tuple(session.scalars(found))

    def image_name(self, run_id: int, image_id: int) -> str:
        """The keyed hash of the name of a run's image; empty where there is none."""
        found = select(ImageRow.name_hash).where(ImageRow.id == image_id, ImageRow.run_id == run_id)
        with self._database.read() as session:
            return session.scalar(found) or ""

    def keep_sample(self, by: Actor, run_id: int, draw: Draw, images: Sequence[int]) -> None:
        """Keep the one sample of a run.

        Raises
        ------
        UsageError
            Where it has one already: a second draw would let people choose the one they like.
        """
        with self._database.write() as session:
            user_id = session.scalar(select(UserRow.id).where(UserRow.username == by.username))
            session.add(
                SampleRow(
                    run_id=run_id,
                    user_id=user_id,
                    population=draw.population,
                    share=draw.share,
                    confidence=draw.confidence,
                    seed=draw.seed,
                )
            )
            try:
                session.flush()
            except IntegrityError as exc:
                raise UsageError("A sample of this run was drawn already.") from exc
            session.execute(insert(SampleImageRow), [{"run_id": run_id, "image_id": each} for each in images])
            note(session, by, Action.SAMPLED, f"run {run_id}: {len(images)} of {draw.population}")

    def sample(self, run_id: int) -> Sampled | None:
        """The sample of a run; None where none was drawn."""
        return next(iter(self.samples(Selection(run=run_id))), None)

    def samples(self, about: Selection = EVERYTHING) -> tuple[Sampled, ...]:
        """The samples of the selected runs, the latest run first."""
        drawn = (
            select(SampleRow, UserRow.username)
            .join(RunRow, SampleRow.run_id == RunRow.id)
            .join(UserRow, SampleRow.user_id == UserRow.id, isouter=True)
            .where(*conditions_of(about))
            .order_by(SampleRow.run_id.desc())
        )
        with self._database.read() as session:
            found = session.execute(drawn).all()
            runs = [row.run_id for row, _ in found]
            images = session.execute(
                select(SampleImageRow.run_id, SampleImageRow.image_id)
                .where(SampleImageRow.run_id.in_(runs))
                .order_by(SampleImageRow.image_id)
            ).all()
            looked = select(ReviewRow.image_id, ReviewRow.decision).where(
                ReviewRow.run_id.in_(runs), ReviewRow.purpose == Purpose.SAMPLE.value
            )
            said = {
                image: Decision(decision) for image, decision in session.execute(looked.order_by(ReviewRow.id.desc()))
            }
        return tuple(
            Sampled(
                row.run_id,
                Draw(row.population, row.share, row.confidence, row.seed),
                username or "",
                row.at,
                tuple((image, said.get(image)) for run, image in images if run == row.run_id),
            )
            for row, username in found
        )

    def say(
        self, by: Actor, subject: Subject, decision: Decision, reason: str = "", then: Callable[[], None] = lambda: None
    ) -> None:
        """Keep what somebody saw in a file of a sample; with a leak it is no clean file any more, for this reason.

        `then` carries it out: where that raises, nothing was said.

        Raises
        ------
        UsageError
            Where somebody else looks at it now, or has looked.
        """
        assert subject.image_id is not None
        looked = select(ReviewRow.id).where(
            ReviewRow.image_id == subject.image_id, ReviewRow.purpose == Purpose.SAMPLE.value
        )
        with self._database.write() as session:
            row = session.get_one(ImageRow, subject.image_id, with_for_update=True)
            check_free(session, subject.image_id, by)
            if session.scalar(looked.limit(1)) is not None:
                raise UsageError("Somebody has looked at this file already.")
            if decision is Decision.REJECTED:
                count_in(session, row, -1)
                row.outcome, row.reason = Outcome.NEEDS_REVIEW.value, reason[:500]
                count_in(session, row)
            row.claimed_by = row.claimed_until = None
            keep_review(session, by, subject, Review(decision, Purpose.SAMPLE))
            session.flush()
            then()
