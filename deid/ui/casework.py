"""One opened file: its steps run one by one, its pictures and boxes, and its row in the store when it is done.

Opened files lie on the desk under the owner's sign-in session; a page holds only their id.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from enum import StrEnum
from threading import Lock
from time import perf_counter

from deid.errors import QuarantineError
from deid.jobs import examine, record_of
from deid.pipeline import Case, Engines, Options, Step, open_case, run_step, verdict
from deid.render import render_frame, to_png
from deid.store import RunState, User
from deid.ui import looks, shared
from deid.ui.viewer import Mark
from deid.values import FrameFindings, FrameWords, Outcome, Region, View

_COPIES = 4
"""A finished case holds the file as read, redacted, cleaned and written."""
_PICTURES = 8
_BESIDE = "Beside the boxes a viewer may smooth colour by one pixel, though nothing stored there changed. "
_ONE_AT_A_TIME = Lock()

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
    image_id: int | None = None
    """Its row in the store, once it ended."""
    seconds: dict[Step, float] = field(default_factory=dict)
    """How long each step took when it last ran."""
    pictures: OrderedDict[tuple[Sheet, int, View], bytes] = field(default_factory=OrderedDict)

    @property
    def next_step(self) -> Step | None:
        """The first step that has not run; None when all have, or one could not finish."""
        return next((step for step in STEPS if step not in self.done), None) if not self.fault else None

    @property
    def end(self) -> tuple[Outcome, str] | None:
        """How it ended and why; None before it did."""
        if self.fault:
            return Outcome.QUARANTINED, self.fault
        return verdict(self.case) if Step.VERIFY in self.done else None


def open_file(owner: str, data: bytes, title: str, name: str, options: Options) -> str:
    """The id on the desk of a file just opened.

    Raises
    ------
    RefusedError
        Where it is not a DICOM image.
    QuarantineError
        Where its pixels cannot be decoded, or another process did not survive decoding them.
    """
    examine(data, shared.settings())
    case = open_case(data, options)
    opened = Opened(title, shared.store().name_hash(name), _COPIES * len(data), case, options)
    return shared.desk().put(owner, opened, opened.size)


def find(owner: str, case_id: str) -> Opened | None:
    """The opened file; None when it has gone from the desk."""
    return shared.desk().get(owner, case_id) if case_id else None


def advance(owner: str, case_id: str, user: User, step: Step, engines: Engines) -> Opened | None:
    """The file after one more step; a step that had run is run again, and what came after it is dropped."""
    opened = find(owner, case_id)
    if opened is None:
        return None
    start = perf_counter()
    try:
        case, fault = _stepped(opened, step, engines), ""
    except QuarantineError as exc:
        case, fault = opened.case, str(exc)
    order = list(STEPS)
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


def _stepped(opened: Opened, step: Step, engines: Engines) -> Case:
    """The case after the step; one at a time, since readers keep what they see until the step ends."""
    with _ONE_AT_A_TIME:
        return run_step(opened.case, step, engines, opened.options)


def with_options(owner: str, case_id: str, options: Options) -> Opened | None:
    """The file with other options; what they decide has to run again, so only what was read stays done."""
    opened = find(owner, case_id)
    if opened is None or opened.options == options:
        return opened
    kept = tuple(step for step in opened.done if step in (Step.CONVERT, Step.READ))
    opened = replace(opened, options=options, done=kept, fault="")
    shared.desk().replace(owner, case_id, opened, opened.size)
    return opened


def _recorded(opened: Opened, user: User, made_by: tuple[tuple[str, str], ...]) -> Opened:
    """The file with its row in the store: made when it first ended, brought up to date when it ended otherwise."""
    end = opened.end
    if end is None:
        return opened
    store, record = shared.store(), record_of(opened.case, end[0], end[1], "", made_by)
    if opened.image_id is not None:
        store.update_image(opened.image_id, record)
        return opened
    run = store.start_run(user.username, "page", 1, f"policy={opened.options.policy.value}")
    image_id = store.add_image(run, record, opened.name_hash)
    store.finish_run(run, RunState.FINISHED)
    return replace(opened, image_id=image_id)


def picture(opened: Opened, sheet: Sheet, frame: int, view: View) -> bytes:
    """A frame as PNG, as it came or as it is now; empty where there is none yet."""
    dataset = opened.case.dataset if sheet is Sheet.ORIGINAL else opened.case.redacted
    if dataset is None:
        return b""
    key = (sheet, frame, view)
    if key not in opened.pictures:
        opened.pictures[key] = to_png(render_frame(dataset, frame, view))
        while len(opened.pictures) > _PICTURES:
            opened.pictures.popitem(last=False)
    return opened.pictures[key]


def facts(opened: Opened) -> str:
    """One line about the file, without anything that identifies."""
    dataset, case = opened.case.dataset, opened.case
    modality = looks.MODALITIES.get(str(dataset.get("Modality", "")), "Image")
    shape = f"{dataset.get('Columns', 0)} × {dataset.get('Rows', 0)}"
    frames = "1 frame" if case.frames == 1 else f"{case.frames:,} frames"
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    total = sum(opened.seconds.values())
    said = [modality, shape, frames, getattr(syntax, "name", ""), looks.size(opened.size // _COPIES)]
    return " · ".join(part for part in [*said, looks.seconds(total) if total >= 0.05 else ""] if part)


def proof_sentence(opened: Opened) -> str:
    """What the comparison with the original shows; empty before there is a written file."""
    proof = opened.case.difference
    if proof is None:
        return ""
    if not proof.boxes and not proof.inside + proof.elsewhere:
        return "No pixel changed: nothing in the picture had to go. The written file was read again and checked."
    boxes = "1 box" if proof.boxes == 1 else f"{proof.boxes:,} boxes"
    where = "all" if not proof.elsewhere else f"{proof.inside:,} of them"
    return (
        f"{proof.inside + proof.elsewhere:,} pixels changed, {where} inside {boxes}; {proof.elsewhere:,} elsewhere. "
        f"{_BESIDE if proof.halo else ''}The written file was read again and checked."
    )


def words_of(opened: Opened, frame: int) -> FrameWords | None:
    """What was read in the frame, or in an earlier one with the same pixels."""
    return next((each for each in opened.case.words or () if frame in (each.frame, *each.repeats)), None)


def findings_of(opened: Opened, frame: int) -> FrameFindings | None:
    """What was decided about the frame's words."""
    return next((each for each in opened.case.findings or () if frame in (each.frame, *each.repeats)), None)


def regions_of(opened: Opened, frame: int) -> tuple[Region, ...]:
    """What goes in the frame: as overwritten where that has happened, as planned before."""
    case = opened.case
    regions = case.effective if case.effective is not None else case.regions
    return tuple(region for region in regions or () if region.frame in (None, frame))


def marks(opened: Opened, step: Step, frame: int, strong: int | None = None) -> tuple[Mark, ...]:
    """The boxes to draw over a frame at a step; number `strong` stands out."""
    if step is Step.READ and (words := words_of(opened, frame)):
        return tuple(
            Mark(word.box, looks.KEPT.colour, "", f"{word.text}\n{', '.join(word.readers)}", strong=number == strong)
            for number, word in enumerate(words.words)
        )
    if step is Step.FIND and (found := findings_of(opened, frame)):
        return tuple(_finding_mark(opened, frame, number, strong) for number in range(len(found.findings)))
    if step in (Step.BOXES, Step.REDACT, Step.VERIFY):
        return tuple(_region_mark(region, number == strong) for number, region in enumerate(regions_of(opened, frame)))
    return ()


def _finding_mark(opened: Opened, frame: int, number: int, strong: int | None) -> Mark:
    found = findings_of(opened, frame)
    assert found is not None
    finding = found.findings[number]
    stands_out = number == strong
    if not finding.is_phi:
        label = f"{finding.word.text}\nstays · P(PHI) {looks.per_cent(finding.p_phi)}"
        return Mark(finding.word.box, looks.KEPT.colour, "", label, "stays", thin=True, strong=stands_out)
    look = looks.of_reasons(finding.reasons)
    why = ", ".join(looks.REASONS[reason].label for reason in finding.reasons)
    label = f"{finding.word.text}\ngoes · P(PHI) {looks.per_cent(finding.p_phi)} · {why}"
    return Mark(finding.word.box, look.colour, look.letter, label, look.label, strong=stands_out)


def _region_mark(region: Region, strong: bool) -> Mark:
    look = looks.of_reasons(region.reasons)
    why = ", ".join(looks.REASONS[reason].label for reason in region.reasons)
    frames = "every frame" if region.frame is None else f"frame {region.frame + 1}"
    return Mark(region.box, look.colour, look.letter, f"{why} · {frames}", look.label, strong=strong)
