"""What there is to tell of a run when its files are given away."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

from sqlalchemy import func, select

from deid.store.database import Database
from deid.store.schema import BoxRow, ImageRow, RunRow
from deid.values import Outcome


@dataclass(frozen=True, slots=True)
class Ends:
    """How a run's files ended, and by what means; no value of any file."""

    settings: str
    """Summary of the options in force."""
    reasons: tuple[tuple[Outcome, str, int], ...]
    """(outcome, why as a sentence, files), most files first; files that came out clean have no reason."""
    made_by: tuple[tuple[str, str], ...]
    """(engine, version or hash), each once."""
    boxes: int
    """Overwritten."""


class Releases:
    """The part of the store that knows what a release is made of."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ends(self, run_id: int) -> Ends:
        """How the files of a run ended."""
        mine = ImageRow.run_id == run_id
        with self._database.read() as session:
            settings = session.scalar(select(RunRow.settings).where(RunRow.id == run_id)) or ""
            told = session.execute(
                select(ImageRow.outcome, ImageRow.reason, func.count())
                .where(mine, ImageRow.reason != "")
                .group_by(ImageRow.outcome, ImageRow.reason)
            ).all()
            makers = session.scalars(select(ImageRow.made_by).where(mine).distinct()).all()
            boxes = session.scalar(select(func.count()).select_from(BoxRow).join(ImageRow).where(mine)) or 0
        reasons = sorted(((Outcome(end), why, count) for end, why, count in told), key=lambda each: (-each[2], each[1]))
        engines = Counter(pair for text in makers for pair in json.loads(text).items())
        return Ends(settings, tuple(reasons), tuple(sorted(engines)), boxes)
