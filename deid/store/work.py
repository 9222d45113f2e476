"""Runs, images and boxes: written one by one, with the figures of their run."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from deid.store.audit import note
from deid.store.database import Database
from deid.store.figures import conditions_of, count_in, outcomes_of
from deid.store.records import CONSOLE, EVERYTHING, Action, Actor, Pending, Run, RunState, Selection
from deid.store.schema import BoxRow, ImageRow, RunRow, UserRow, now
from deid.values import FileRecord, Region

PENDING = frozenset(each.value for each in Pending)
_MODALITY = re.compile(r"[A-Z0-9]{1,16}")
_UID = re.compile(r"[0-9.]{1,64}")


class Work:
    """The part of the store that knows runs."""

    def __init__(self, database: Database, name_key: bytes) -> None:
        self._database = database
        self._file_key = name_key

    def name_hash(self, name: str) -> str:
        """The keyed hash that stands for a file's name."""
        return hmac.new(self._file_key, name.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()

    def content_hash(self, sha256: str) -> str:
        """The keyed hash that stands for a file's content, of which this is the SHA-256."""
        return self.name_hash(f"content:{sha256}")

    def start_run(
        self, user: str, kind: str, planned: int, settings: str = "", state: RunState = RunState.RUNNING
    ) -> int:
        """The id of a new run by this user name (empty: the command line) over so many files."""
        with self._database.write() as session:
            user_id = session.scalar(select(UserRow.id).where(UserRow.username == user)) if user else None
            run = RunRow(user_id=user_id, kind=kind, planned=planned, settings=settings, state=state.value)
            session.add(run)
            session.flush()
            note(session, Actor(user) if user else CONSOLE, Action.RUN_STARTED, f"run {run.id}")
            return run.id

    def add_image(self, run_id: int, record: FileRecord, name_hash: str) -> int:
        """The id of the image just recorded. Of the record's `file` nothing is kept."""
        row = ImageRow(run_id=run_id, name_hash=name_hash, **_columns(record))
        with self._database.write() as session:
            session.add(row)
            session.flush()
            count_in(session, row)
            _add_boxes(session, row.id, record)
            return row.id

    def update_image(self, image_id: int, record: FileRecord) -> None:
        """Put another end in the place of the one recorded: the same file, worked on again."""
        with self._database.write() as session:
            put_end(session, session.get_one(ImageRow, image_id, with_for_update=True), record)

    def finish_run(self, run_id: int, state: RunState = RunState.FINISHED) -> None:
        """Note that no more images come."""
        with self._database.write() as session:
            session.execute(update(RunRow).where(RunRow.id == run_id).values(state=state.value, ended=now()))

    def run(self, run_id: int) -> Run | None:
        """One run; None where there is none of that number."""
        return next(iter(self.runs(1, Selection(run=run_id))), None)

    def count_runs(self) -> dict[RunState, int]:
        """How many runs are in each state."""
        wanted = select(RunRow.state, func.count()).group_by(RunRow.state)
        with self._database.read() as session:
            found: dict[str, int] = {state: int(count) for state, count in session.execute(wanted)}
        return {state: found.get(state.value, 0) for state in RunState}

    def runs(self, limit: int = 20, about: Selection = EVERYTHING) -> tuple[Run, ...]:
        """The latest of the selected runs, newest first."""
        latest = (
            select(RunRow, UserRow.username)
            .join(UserRow, RunRow.user_id == UserRow.id, isouter=True)
            .where(*conditions_of(about))
            .order_by(RunRow.id.desc())
            .limit(limit)
        )
        with self._database.read() as session:
            found = session.execute(latest).all()
            outcomes = outcomes_of(session, [run.id for run, _ in found])
        return tuple(
            Run(
                run.id,
                run.kind,
                RunState(run.state),
                username or "",
                run.planned,
                run.started,
                run.ended,
                outcomes.get(run.id, ()),
            )
            for run, username in found
        )


def put_end(session: Session, row: ImageRow, record: FileRecord) -> None:
    """Give a row an end, in the place of the one that it may have."""
    take_out_end(session, row)
    for name, value in _columns(record).items():
        setattr(row, name, value)
    count_in(session, row)
    _add_boxes(session, row.id, record)


def take_out_end(session: Session, row: ImageRow) -> None:
    """Take the end that a row may have out of the figures, and its boxes."""
    if row.outcome not in PENDING:
        count_in(session, row, -1)
        session.execute(delete(BoxRow).where(BoxRow.image_id == row.id))


def _columns(record: FileRecord) -> dict[str, Any]:
    return {
        "outcome": record.outcome.value,
        "reason": record.reason[:500],
        "modality": _matching(_MODALITY, record.modality),
        "syntax_in": _matching(_UID, record.syntax_in),
        "syntax_out": _matching(_UID, record.syntax_out),
        "frames": record.frames,
        "signed": record.signed,
        "box_count": len(record.boxes),
        "kept": record.kept,
        "seconds": sum(seconds for _, seconds in record.seconds),
        "stage_seconds": json.dumps({stage.value: round(seconds, 4) for stage, seconds in record.seconds}),
        "made_by": json.dumps(dict(record.made_by)),
        "phi_words": json.dumps([(each.reason.value, each.category.value, each.words) for each in record.phi_words]),
        "failed_checks": json.dumps(record.failed_checks),
        "warnings": json.dumps(record.warnings),
    }


def _add_boxes(session: Session, image_id: int, record: FileRecord) -> None:
    if record.boxes:
        session.execute(insert(BoxRow), [_box(image_id, region) for region in record.boxes])


def _matching(pattern: re.Pattern[str], value: str) -> str:
    """The value where it looks as it should: a header may hold anything anywhere."""
    return value if pattern.fullmatch(value) else ""


def _box(image_id: int, region: Region) -> dict[str, object]:
    return {
        "image_id": image_id,
        "frame": region.frame,
        "left": region.box.left,
        "top": region.box.top,
        "width": region.box.width,
        "height": region.box.height,
        "reasons": " ".join(reason.value for reason in region.reasons),
        "score": region.score,
    }
