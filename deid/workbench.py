"""What people who look at images work with: what waits for whom, decisions kept on the way, and how each one ends.

Whoever started a run decides about its files; administrators decide about everybody's, and about those of the command
line. An approved file goes where its run's clean files are.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from deid import waiting
from deid.errors import UsageError
from deid.pipeline import Case
from deid.publishing import publish
from deid.review import Correction, Plan, answers, may_leave, plan, without_batch
from deid.runfiles import RunFiles
from deid.settings import Settings
from deid.single import record_of
from deid.store import Actor, Decision, Review, Run, Store, Subject, User
from deid.values import FileRecord, Outcome
from deid.waiting import Note, Waiting

CLAIM_SECONDS = 600.0
"""So long after the last click an image is free for somebody else."""
REJECTED = "A person looked at it and rejected it."


class Scope(StrEnum):
    """What a correction is about."""

    FRAME = "frame"
    IMAGE = "image"
    SERIES = "series"
    DEVICE = "device"
    """Pictures of the same size from the same model of device."""


@dataclass(frozen=True, slots=True)
class Item:
    """A file in somebody's queue."""

    file: Waiting
    run: Run | None
    """None where the store knows of none."""
    note: Note | None
    """None: an earlier version put it aside without one."""
    image_id: int | None

    @property
    def key(self) -> str:
        """What it is called in the page's address."""
        return self.file.key

    @property
    def subject(self) -> Subject:
        """What the store calls it."""
        return Subject(self.file.run_id, self.image_id)

    def __repr__(self) -> str:
        return f"Item({self.key})"


@dataclass(frozen=True, slots=True, eq=False)
class Remade:
    """A file made anew by what was decided about its boxes."""

    case: Case
    decided: Plan
    made_by: tuple[tuple[str, str], ...]


class Workbench:
    """The queue of this installation."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._home, self._store = settings.home, store

    # What waits

    def keys(self, user: User) -> tuple[str, ...]:
        """What waits for this user, oldest run first."""
        found = (each for run in waiting.runs(self._home) if self._is_for(user, run) for each in self._of(run))
        return tuple(each.key for each in found)

    def item(self, user: User, key: str) -> Item | None:
        """One file that waits for this user; None where it does not, or no longer."""
        run_id, _, name = key.partition("/")
        if not (run_id.isdecimal() and len(run_id) < 12) or not self._is_for(user, int(run_id)):
            return None
        file = next((each for each in self._of(int(run_id)) if each.name == name), None)
        if file is None:
            return None
        note = file.note()
        hashed = self._store.name_hash(str(note.source)) if note else ""
        image_id = note.image_id if note else None
        if note and image_id is None:
            image_id = self._store.waiting_image(file.run_id, hashed)
        return Item(file, self._store.run(file.run_id), note, image_id)

    def alike(self, user: User, item: Item, scope: Scope) -> tuple[Item, ...]:
        """The item, and what waits for this user beside it of the same series or device and nobody else looks at."""
        if item.note is None or scope in (Scope.FRAME, Scope.IMAGE):
            return (item,)
        found = []
        for key in self.keys(user):
            other = self.item(user, key) if key != item.key else item
            if other is None or other.note is None or not _are_alike(item.note, other.note, scope):
                continue
            if other.image_id is None or self._store.holder(other.image_id) in ("", user.username):
                found.append(other)
        return tuple(found)

    def claim(self, user: User, item: Item) -> str:
        """The user name of whoever looks at the item now: this user, or somebody who was there before."""
        if item.image_id is None:
            return user.username
        return self._store.claim(item.image_id, user.username, CLAIM_SECONDS)

    def release(self, user: User, item: Item) -> None:
        """Let others look at the item."""
        if item.image_id is not None:
            self._store.release(item.image_id, user.username)

    # Decisions about boxes

    def plan(self, item: Item) -> Plan:
        """What is to become of the item as it is decided now."""
        if item.note is None:
            return Plan(())
        return plan(item.note.suggested, item.file.corrections(), item.note.frames)

    def correct(self, user: User, item: Item, correction: Correction, scope: Scope) -> int:
        """Add a decision; how many files it is about."""
        about = self.alike(user, item, scope)
        batch = uuid.uuid4().hex[:12] if len(about) > 1 else ""
        frame = correction.frame if scope is Scope.FRAME else None
        for each in about:
            each.file.decide((*each.file.corrections(), replace(correction, frame=frame, batch=batch)))
        return len(about)

    def undo(self, user: User, item: Item) -> int:
        """Take the item's last decision back, in every file that it was about; how many those were."""
        corrections = item.file.corrections()
        if not corrections:
            return 0
        batch = corrections[-1].batch
        if not batch:
            item.file.decide(corrections[:-1])
            return 1
        count = 0
        for key in self.keys(user):
            file = Waiting(self._home, int(key.partition("/")[0]), key.partition("/")[2])
            before = file.corrections()
            after = without_batch(before, batch)
            if after != before:
                file.decide(after)
                count += 1
        return count

    # Decisions about files

    def approve(self, by: Actor, item: Item, made: Remade, *, confirmed: bool) -> None:
        """Let the file go out as it was made anew.

        Raises
        ------
        UsageError
            Where a check stands against it, a second answer is missing, or somebody else looks at it now.
        OSError
            Where it cannot be written.
        """
        case = made.case
        if not may_leave(case, confirmed=confirmed) or case.written is None or item.note is None:
            raise UsageError("This file did not pass its checks: it cannot be approved as it is.")
        note, written = item.note, case.written
        answered = replace(case, checks=answers(case))
        record = record_of(answered, Outcome.CLEANED, "", str(note.place), made.made_by)
        review = Review(
            Decision.APPROVED,
            covered=made.decided.drawn,
            kept=len(made.decided.kept),
            readable=len(case.kept_readable),
            confirmed=confirmed,
        )
        files = RunFiles(self._home, item.file.run_id)

        def carry_out() -> None:
            folder = files.outputs if files.were_handed_in else item.file.approved
            publish(written, folder.joinpath(*note.place.parts), item.file.staging)
            files.amend(note.place, record, published=files.were_handed_in)

        self._end(by, item, review, record, carry_out)

    def reject(self, by: Actor, item: Item, case: Case | None) -> None:
        """Keep the file from going out, for good; nothing of it waits any longer.

        Raises
        ------
        UsageError
            Where somebody else looks at it now.
        """
        name = str(item.note.place) if item.note else ""
        if case is None:
            record = FileRecord(name, Outcome.QUARANTINED, REJECTED)
        else:
            record = replace(record_of(case, Outcome.QUARANTINED, REJECTED, name), boxes=())
        files = RunFiles(self._home, item.file.run_id)

        def carry_out() -> None:
            if item.note:
                files.amend(item.note.place, record, published=False)

        self._end(by, item, Review(Decision.REJECTED), record, carry_out)

    # What was approved of runs that have no other place for it

    def approved(self, user: User) -> tuple[tuple[int, int], ...]:
        """(run, number of files)."""
        folders = ((run, waiting.approved(self._home, run)) for run in waiting.runs(self._home))
        counts = ((run, sum(each.is_file() for each in folder.rglob("*"))) for run, folder in folders)
        return tuple((run, count) for run, count in counts if count and self._is_for(user, run))

    def _end(self, by: Actor, item: Item, review: Review, record: FileRecord, carry_out: Callable[[], None]) -> None:
        self._store.decide(by, item.subject, review, record, carry_out)
        item.file.remove()

    def _of(self, run_id: int) -> tuple[Waiting, ...]:
        return waiting.of_run(self._home, run_id)

    def _is_for(self, user: User, run_id: int) -> bool:
        return decides_about(user, self._store.run(run_id))


def decides_about(user: User, run: Run | None) -> bool:
    """Whether a user decides about a run's files: an administrator about all, others about those of their own."""
    return user.role.may_administer or (run is not None and bool(run.user) and run.user == user.username)


def _are_alike(one: Note, other: Note, scope: Scope) -> bool:
    if scope is Scope.SERIES:
        return bool(one.series) and one.series == other.series
    return bool(one.device) and one.device == other.device
