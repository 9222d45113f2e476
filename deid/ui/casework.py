"""One opened file: its steps run one by one, its pictures and boxes, and its row in the store when it is done.

Opened files lie on the desk under the owner's sign-in session; a page holds only their id.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import PurePosixPath
from time import perf_counter

from deid import waiting
from deid.errors import QuarantineError
from deid.jobs import examine, options_of
from deid.load import load
from deid.pipeline import Case, Engines, Options, Step, open_case, run_step, steps_of, verdict
from deid.review import Suggested
from deid.runfiles import Entry, RunFiles
from deid.single import record_of, told_of
from deid.store import RunState, Subject, User
from deid.trials import Reading
from deid.ui import shared
from deid.values import Outcome, View
from deid.waiting import Note, alike

KIND = "page"
"""What a run of one file opened in the pages is called in the store."""
_COPIES = 5
"""A finished case holds the file as it came, as read, redacted, cleaned and written."""

STEPS: dict[Step, str] = {
    Step.CONVERT: "Convert",
    Step.READ: "Read text",
    Step.FIND: "Find PHI",
    Step.BOXES: "Draw boxes",
    Step.REDACT: "Redact",
    Step.HEADER: "Clean header",
    Step.VERIFY: "Verify",
}


class Sheet(StrEnum):
    """Which picture of a file."""

    ORIGINAL = "original"
    REDACTED = "redacted"
    DIFFERENCE = "difference"


@dataclass(frozen=True, eq=False)
class Opened:
    """A file on the desk. `title` and `name_hash` tell it apart; its name is not kept."""

    title: str
    name_hash: str
    size: int
    case: Case
    options: Options
    done: tuple[Step, ...] = ()
    fault: str = ""
    """Why it must not leave, as a sentence, where a step could not finish."""
    data: bytes = field(default=b"", repr=False)
    """As it came; empty where it is a run's, which keeps it."""
    subject: Subject | None = None
    """What the store calls it, once it ended."""
    seconds: dict[Step, float] = field(default_factory=dict)
    """How long each step took when it last ran."""
    pictures: OrderedDict[tuple[Sheet, int, View, bool], bytes] = field(default_factory=OrderedDict)
    trials: dict[tuple[str, str, int], Reading] = field(default_factory=dict)
    """Frames as other engines read and judge them: by readers, model and frame."""

    @property
    def bytes_in(self) -> int:
        """How large the file is."""
        return self.size // _COPIES

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that apply to it."""
        return steps_of(self.case)

    @property
    def next_step(self) -> Step | None:
        """The first step that has not run; None when all have, or one could not finish."""
        return next((step for step in self.steps if step not in self.done), None) if not self.fault else None

    @property
    def end(self) -> tuple[Outcome, str] | None:
        """How it ended and why; None before it did."""
        if self.fault:
            return Outcome.QUARANTINED, self.fault
        return verdict(self.case) if Step.VERIFY in self.done else None

    @property
    def clean_file(self) -> bytes | None:
        """What may leave; None where nothing may."""
        end = self.end
        if self.case.written is None or end is None or end[0] is not Outcome.CLEANED:
            return None
        return bytes(self.case.written)


def open_file(owner: str, data: bytes, title: str, name: str, options: Options) -> str:
    """The id on the desk of a file just opened.

    Raises
    ------
    RefusedError
        Where it is nothing to de-identify.
    QuarantineError
        Where its pixels cannot be decoded, or another process did not survive decoding them.
    """
    examine(data, shared.settings())
    case = open_case(data, options, without_pixels=True)
    opened = Opened(title, shared.store().name_hash(name), _COPIES * len(data), case, options, data=data)
    return shared.desk().put(owner, opened, opened.size)


def open_entry(owner: str, files: RunFiles, entry: Entry, title: str) -> str:
    """The id on the desk of a run's file, to look at before and after without working on it again.

    Raises
    ------
    DeidError
        Where one of the two cannot be read.
    OSError
        Where the run's files have gone.
    """
    options = options_of(shared.settings())
    data = files.original(entry.source)
    case = open_case(data, options)
    if entry.published:
        clean = load(
            files.clean(entry), max_frames=options.max_frames, max_pixels_per_frame=options.max_pixels_per_frame
        )
        case = replace(case, redacted=clean)
    case = replace(case, effective=entry.boxes)
    opened = Opened(title, "", _COPIES * len(data), case, options, done=(Step.REDACT,) if entry.published else ())
    return shared.desk().put(owner, opened, opened.size)


def find(owner: str, case_id: str) -> Opened | None:
    """The opened file; None when it has gone from the desk."""
    found = shared.desk().get(owner, case_id) if case_id else None
    return found if isinstance(found, Opened) else None


def advance(owner: str, case_id: str, user: User, step: Step, engines: Engines) -> Opened | None:
    """The file after one more step; a step that had run is run again, and what came after it is dropped."""
    opened = find(owner, case_id)
    if opened is None:
        return None
    start = perf_counter()
    try:
        case, fault = run_step(opened.case, step, engines, opened.options), ""
    except QuarantineError as exc:
        case, fault = opened.case, str(exc)
    order = opened.steps
    done = tuple(order[: order.index(step) + (not fault)])
    opened = replace(
        opened,
        case=case,
        fault=fault,
        done=done,
        seconds={**opened.seconds, step: perf_counter() - start},
        pictures=OrderedDict(item for item in opened.pictures.items() if item[0][0] is Sheet.ORIGINAL),
    )
    opened = _recorded(opened, user, engines.made_by)
    shared.desk().replace(owner, case_id, opened, opened.size)
    return opened


def with_options(owner: str, case_id: str, step: Step, options: Options) -> None:
    """Give the file other options for a step; that step and what came after it have to run again."""
    opened = find(owner, case_id)
    if opened is None or opened.options == options:
        return
    order = opened.steps
    kept = tuple(each for each in opened.done if order.index(each) < order.index(step))
    opened = replace(opened, options=options, done=kept, fault="", trials={})
    shared.desk().replace(owner, case_id, opened, opened.size)


def _recorded(opened: Opened, user: User, made_by: tuple[tuple[str, str], ...]) -> Opened:
    """The file with its row in the store: made when it first ended, brought up to date when it ended otherwise."""
    end = opened.end
    if end is None:
        return opened
    store, record = shared.store(), record_of(opened.case, end[0], end[1], "", made_by)
    subject = opened.subject
    if subject is not None and subject.image_id is not None and not store.reviews(subject.run_id):
        store.update_image(subject.image_id, record)
    else:  # what a person decided about stands: the file is worked on anew
        run = store.start_run(user.username, KIND, 1, f"policy={opened.options.policy.value}")
        subject = Subject(run, store.add_image(run, record, opened.name_hash))
        store.finish_run(run, RunState.FINISHED)
    opened = replace(opened, subject=subject)
    _let_wait(opened, subject, end)
    return opened


def _let_wait(opened: Opened, subject: Subject, end: tuple[Outcome, str]) -> None:
    """The file waits for a person where that is how it ended, and does not where it ended otherwise since.

    Its own name is not kept: the one that it waits under says nothing.
    """
    case, name = opened.case, PurePosixPath(f"image-{subject.image_id}.dcm")
    for each in waiting.of_run(shared.settings().home, subject.run_id):
        each.remove()
    if end[0] is not Outcome.NEEDS_REVIEW or not opened.data:
        return
    suggested = Suggested(case.effective or (), case.residue)
    note = Note(
        name,
        name,
        end[1],
        case.frames,
        suggested,
        opened.options,
        *alike(case.dataset),
        subject.image_id,
        told_of(case),
    )
    waiting.hold(shared.settings().home, subject.run_id, note, opened.data)
