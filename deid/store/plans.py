"""The files of a run as rows before, while and after they are worked on; each is known by its number in the run.

Every call here may be made again after the database was lost in the middle of it, and comes to the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, insert, select, update

from deid.store.database import Database
from deid.store.records import Pending, PlannedFile, RunState
from deid.store.schema import ImageRow, RunRow, now
from deid.store.work import PENDING, put_end, take_out_end
from deid.values import FileRecord, Outcome

_NOTHING_YET = {
    "outcome": Pending.PLANNED.value,
    "reason": "",
    "modality": "",
    "syntax_in": "",
    "syntax_out": "",
    "frames": 0,
    "signed": None,
    "box_count": 0,
    "kept": 0,
    "seconds": 0.0,
    "stage_seconds": "{}",
    "made_by": "{}",
    "phi_words": None,
    "failed_checks": None,
    "warnings": None,
    "input_hash": "",
    "settings_hash": "",
}


class Plans:
    """The part of the store that knows which files are still to be done."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def plan(self, run_id: int, first: int, name_hashes: Sequence[str]) -> None:
        """Add files to a run, numbered from `first` on; what had these numbers or higher ones is forgotten."""
        moment = now()
        rows = [
            _NOTHING_YET | {"run_id": run_id, "number": number, "name_hash": name_hash, "created": moment}
            for number, name_hash in enumerate(name_hashes, first)
        ]
        with self._database.write() as session:
            session.execute(delete(ImageRow).where(ImageRow.run_id == run_id, ImageRow.number >= first))
            if rows:
                session.execute(insert(ImageRow), rows)

    def plan_run(self, run_id: int, planned: int) -> None:
        """Note how many files a run has."""
        self._change_run(run_id, planned=planned)

    def begin_run(self, run_id: int) -> None:
        """Note that a run is being worked on, for the first time or again; files that broke off are planned."""
        with self._database.write() as session:
            session.execute(
                update(ImageRow)
                .where(ImageRow.run_id == run_id, ImageRow.outcome == Pending.RUNNING.value)
                .values(outcome=Pending.PLANNED.value)
            )
            session.execute(update(RunRow).where(RunRow.id == run_id).values(state=RunState.RUNNING.value, ended=None))

    def begin_image(self, run_id: int, number: int) -> None:
        """Note that a planned file is being worked on."""
        with self._database.write() as session:
            session.execute(
                update(ImageRow)
                .where(*_file(run_id, number), ImageRow.outcome == Pending.PLANNED.value)
                .values(outcome=Pending.RUNNING.value)
            )

    def end_image(
        self, run_id: int, number: int, record: FileRecord, input_hash: str = "", settings_hash: str = ""
    ) -> None:
        """Put what became of a planned file in its row. Of the record's `file` nothing is kept."""
        with self._database.write() as session:
            row = session.scalars(select(ImageRow).where(*_file(run_id, number)).with_for_update()).one()
            put_end(session, row, record)
            row.input_hash, row.settings_hash, row.created = input_hash, settings_hash, now()

    def plan_again(self, run_id: int, numbers: Sequence[int]) -> None:
        """Let files that had come to their end be done again."""
        with self._database.write() as session:
            chosen = select(ImageRow).where(ImageRow.run_id == run_id, ImageRow.number.in_(numbers))
            for row in session.scalars(chosen.with_for_update()):
                take_out_end(session, row)
                for name, value in _NOTHING_YET.items():
                    setattr(row, name, value)

    def ended(self, run_id: int, after: int = -1, limit: int = 1000) -> tuple[PlannedFile, ...]:
        """The next files with an outcome, in the order of their numbers."""
        return self._files(run_id, after, limit, ImageRow.outcome.not_in(sorted(PENDING)))

    def planned_files(
        self, run_id: int, state: Outcome | Pending | None = None, after: int = -1, limit: int = 1000
    ) -> tuple[PlannedFile, ...]:
        """The next files of a run, those in one state where it is given, in the order of their numbers."""
        return self._files(run_id, after, limit, *([ImageRow.outcome == state.value] if state else []))

    def pending(self, run_id: int, skip: int, limit: int) -> tuple[int, ...]:
        """Numbers of files without an outcome, those that broke off first; so many of them, after so many."""
        row = ImageRow
        broken = select(row.number).where(row.run_id == run_id, row.outcome == Pending.RUNNING.value)
        planned = select(row.number).where(row.run_id == run_id, row.outcome == Pending.PLANNED.value)
        with self._database.read() as session:
            begun = session.scalars(broken.order_by(row.number)).all()
            some = begun[skip : skip + limit]
            rest = planned.order_by(row.number).offset(max(skip - len(begun), 0)).limit(limit - len(some))
            found = [*some, *session.scalars(rest)]
        return tuple(number for number in found if number is not None)

    def _files(self, run_id: int, after: int, limit: int, *conditions: ColumnElement[bool]) -> tuple[PlannedFile, ...]:
        row = ImageRow
        wanted = (
            select(row.number, row.outcome, row.input_hash, row.settings_hash)
            .where(row.run_id == run_id, row.number > after, *conditions)
            .order_by(row.number)
            .limit(limit)
        )
        with self._database.read() as session:
            found = session.execute(wanted).all()
        return tuple(PlannedFile(number or 0, _state(outcome), *hashes) for number, outcome, *hashes in found)

    def _change_run(self, run_id: int, **values: object) -> None:
        with self._database.write() as session:
            session.execute(update(RunRow).where(RunRow.id == run_id).values(**values))


def _file(run_id: int, number: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return ImageRow.run_id == run_id, ImageRow.number == number


def _state(value: str) -> Outcome | Pending:
    return Pending(value) if value in PENDING else Outcome(value)
