"""Runs, images and boxes: written one by one, summed up in SQL."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, func, insert, select, update
from sqlalchemy.orm import Session

from deid.store.database import Database
from deid.store.records import Day, Run, RunState, Totals
from deid.store.schema import BoxRow, ImageRow, RunRow, UserRow, now
from deid.values import FileRecord, Outcome, Region

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

    def start_run(self, user: str, kind: str, planned: int, settings: str = "") -> int:
        """The id of a new run by this user name (empty: the command line) over so many files."""
        with self._database.write() as session:
            user_id = session.scalar(select(UserRow.id).where(UserRow.username == user)) if user else None
            run = RunRow(user_id=user_id, kind=kind, planned=planned, settings=settings, state=RunState.RUNNING.value)
            session.add(run)
            session.flush()
            return run.id

    def add_image(self, run_id: int, record: FileRecord, name_hash: str) -> int:
        """The id of the image just recorded. Of the record's `file` nothing is kept."""
        row = ImageRow(run_id=run_id, name_hash=name_hash, **_columns(record))
        with self._database.write() as session:
            session.add(row)
            session.flush()
            _add_boxes(session, row.id, record)
            return row.id

    def update_image(self, image_id: int, record: FileRecord) -> None:
        """Put another end in the place of the one recorded: the same file, worked on again."""
        with self._database.write() as session:
            session.execute(update(ImageRow).where(ImageRow.id == image_id).values(**_columns(record)))
            session.execute(delete(BoxRow).where(BoxRow.image_id == image_id))
            _add_boxes(session, image_id, record)

    def finish_run(self, run_id: int, state: RunState = RunState.FINISHED) -> None:
        """Note that no more images come."""
        with self._database.write() as session:
            session.execute(update(RunRow).where(RunRow.id == run_id).values(state=state.value, ended=now()))

    def runs(self, limit: int = 20) -> tuple[Run, ...]:
        """The latest runs, newest first."""
        with self._database.read() as session:
            latest = (
                select(RunRow, UserRow.username)
                .join(UserRow, RunRow.user_id == UserRow.id, isouter=True)
                .order_by(RunRow.id.desc())
                .limit(limit)
            )
            found = session.execute(latest).all()
            counts: dict[int, list[tuple[Outcome, int]]] = {}
            per_run = (
                select(ImageRow.run_id, ImageRow.outcome, func.count())
                .where(ImageRow.run_id.in_([run.id for run, _ in found]))
                .group_by(ImageRow.run_id, ImageRow.outcome)
            )
            for run_id, outcome, count in session.execute(per_run):
                counts.setdefault(run_id, []).append((Outcome(outcome), int(count)))
        return tuple(
            Run(
                run.id,
                run.kind,
                RunState(run.state),
                username or "",
                run.planned,
                run.started,
                run.ended,
                _in_order(counts.get(run.id, ())),
            )
            for run, username in found
        )

    def totals(self) -> Totals:
        """Figures over everything recorded."""
        is_image = ImageRow.outcome != Outcome.REFUSED.value
        signs = select(
            func.count(),
            func.coalesce(func.sum(case((ImageRow.signed.is_(True), 1), else_=0)), 0),
            func.coalesce(func.sum(case((ImageRow.signed.is_(False), 1), else_=0)), 0),
        ).where(is_image)
        modalities = (
            select(ImageRow.modality, func.count())
            .where(is_image)
            .group_by(ImageRow.modality)
            .order_by(func.count().desc(), ImageRow.modality)
        )
        outcomes = select(ImageRow.outcome, func.count()).group_by(ImageRow.outcome)
        with self._database.read() as session:
            images, signed, unsigned = session.execute(signs).one()
            by_modality = tuple((modality, int(count)) for modality, count in session.execute(modalities))
            by_outcome = _in_order((Outcome(outcome), int(count)) for outcome, count in session.execute(outcomes))
        return Totals(int(images), int(signed), int(unsigned), by_modality, by_outcome)

    def history(self, days: int = 30) -> tuple[Day, ...]:
        """The last so many days with any work, oldest first."""
        since = datetime.combine(now().date() - timedelta(days=days - 1), datetime.min.time())
        run_day, image_day = func.date(RunRow.started), func.date(ImageRow.created)
        runs = select(run_day, func.count()).where(RunRow.started >= since).group_by(run_day)
        images = (
            select(image_day, ImageRow.outcome, func.count())
            .where(ImageRow.created >= since)
            .group_by(image_day, ImageRow.outcome)
        )
        with self._database.read() as session:
            run_counts = {_date(day): int(count) for day, count in session.execute(runs)}
            outcomes: dict[date, list[tuple[Outcome, int]]] = {}
            for day, outcome, count in session.execute(images):
                outcomes.setdefault(_date(day), []).append((Outcome(outcome), int(count)))
        return tuple(
            Day(day, run_counts.get(day, 0), _in_order(outcomes.get(day, ())))
            for day in sorted(run_counts.keys() | outcomes.keys())
        )


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
    }


def _add_boxes(session: Session, image_id: int, record: FileRecord) -> None:
    if record.boxes:
        session.execute(insert(BoxRow), [_box(image_id, region) for region in record.boxes])


def _matching(pattern: re.Pattern[str], value: str) -> str:
    """The value where it looks as it should: a header may hold anything anywhere."""
    return value if pattern.fullmatch(value) else ""


def _in_order(counts: Iterable[tuple[Outcome, int]]) -> tuple[tuple[Outcome, int], ...]:
    order = list(Outcome)
    return tuple(sorted(counts, key=lambda each: order.index(each[0])))


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


def _date(value: date | str) -> date:
    """SQLite tells a date as text."""
    return date.fromisoformat(value) if isinstance(value, str) else value
