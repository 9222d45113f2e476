"""What there is to see of an opened file: its pictures, its boxes, its header before and after, and a few sentences."""

from __future__ import annotations

import numpy as np
from pydicom import Dataset

from deid.beside import ElementPair, compare_headers
from deid.codecs.raw import raw_frame
from deid.compare import changed_pixels
from deid.pipeline import Case, Step
from deid.render import blurred, render_frame, to_png
from deid.ui import looks, why
from deid.ui.casework import Opened, Sheet
from deid.ui.viewer import Mark
from deid.values import Finding, FrameFindings, FrameWords, Region, View, Word

_PICTURES = 8
_BESIDE = "Beside the boxes a viewer may smooth colour by one pixel, though nothing stored there changed. "
_CHANGED = (255, 0, 170)
"""Red, green and blue of a changed pixel in the difference: a colour that no image has by itself."""
_DIMMED = 0.4
CHANGES = "XZDUC"
"""The actions of PS3.15 that leave an element otherwise than it was."""


def picture(opened: Opened, sheet: Sheet, frame: int, view: View, *, hidden: bool = False) -> bytes:
    """A frame as PNG: as it came, as it is now, or what differs; empty where there is none yet.

    `hidden` blurs what may show a patient's data: the frame as it came.
    """
    if sheet is not Sheet.ORIGINAL and opened.case.redacted is None:
        return b""
    key = (sheet, frame, view, hidden)
    if key not in opened.pictures:
        opened.pictures[key] = _picture(opened.case, sheet, frame, view, hidden=hidden)
        while len(opened.pictures) > _PICTURES:
            opened.pictures.popitem(last=False)
    return opened.pictures[key]


def _picture(case: Case, sheet: Sheet, frame: int, view: View, *, hidden: bool) -> bytes:
    if sheet is Sheet.ORIGINAL:
        shown = render_frame(case.dataset, frame, view)
        return to_png(blurred(shown) if hidden else shown)
    assert case.redacted is not None
    shown = render_frame(case.redacted, frame, view)
    if sheet is Sheet.DIFFERENCE:
        grey = shown if shown.ndim == 2 else shown.mean(axis=2)
        shown = np.repeat((grey * _DIMMED).astype(np.uint8)[..., None], 3, axis=2)
        shown[changed_pixels(raw_frame(case.dataset, frame), raw_frame(case.redacted, frame))] = _CHANGED
    return to_png(shown)


def header_pairs(opened: Opened) -> tuple[ElementPair, ...]:
    """The header before and after; empty before it is cleaned."""
    case = opened.case
    return compare_headers(case.dataset, case.cleaned, case.removals or ()) if case.cleaned is not None else ()


def changed(opened: Opened) -> tuple[ElementPair, ...]:
    """The elements of the header that are not as they were."""
    return tuple(pair for pair in header_pairs(opened) if pair.action in CHANGES)


def account(opened: Opened, step: Step) -> tuple[str, str]:
    """What a step that has run was given, and what it made of it."""
    case = opened.case
    words = sum(len(frame.words) for frame in case.words or ())
    going = sum(finding.is_phi for frame in case.findings or () for finding in frame.findings)
    unique = len(case.representative or ())
    pixels = sum(region.box.area for region in case.effective or ())
    checks = case.checks or ()
    return {
        Step.CONVERT: (looks.count(case.frames, "stored frame"), looks.count(unique, "different picture")),
        Step.READ: (looks.count(unique, "picture"), looks.count(words, "word")),
        Step.FIND: (looks.count(words, "word"), f"{going:,} go, {words - going:,} stay"),
        Step.BOXES: (looks.count(going, "word"), looks.count(len(case.regions or ()), "box", "boxes")),
        Step.REDACT: (looks.count(len(case.regions or ()), "box", "boxes"), f"{looks.count(pixels, 'pixel')} covered"),
        Step.HEADER: (
            looks.count(len(case.dataset), "header element"),
            f"{looks.count(len(changed(opened)), 'change')}, {looks.size(len(case.written or b''))} written",
        ),
        Step.VERIFY: (
            f"{looks.size(len(case.written or b''))} as written",
            f"{sum(check.passed for check in checks):,} of {looks.count(len(checks), 'check')} passed",
        ),
    }[step]


def facts(opened: Opened) -> str:
    """One line about the file, without anything that identifies."""
    total = sum(opened.seconds.values())
    said = [facts_of(opened.case.dataset, opened.case.frames), looks.size(opened.bytes_in)]
    return " · ".join(part for part in [*said, looks.seconds(total) if total >= 0.05 else ""] if part)


def facts_of(dataset: Dataset, frames: int) -> str:
    """Kind, size, frames and syntax of an image, or of an object without pixels."""
    modality = looks.MODALITIES.get(str(dataset.get("Modality", "")), "Image" if frames else "No image")
    shape = f"{dataset.get('Columns', 0)} × {dataset.get('Rows', 0)}" if frames else ""
    syntax = looks.syntax(str(dataset.file_meta.get("TransferSyntaxUID", "")))
    told = looks.count(frames, "frame") if frames else "no picture"
    return " · ".join(part for part in (modality, shape, told, syntax) if part)


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


def marks(
    opened: Opened, step: Step, frame: int, strong: int | None = None, *, hidden: bool = False
) -> tuple[Mark, ...]:
    """The boxes to draw over a frame at a step; number `strong` stands out, `hidden` tells no word's text."""
    if step is Step.READ and (words := words_of(opened, frame)):
        return tuple(
            _word_mark(looks.told(word.text, hidden=hidden), word, strong=number == strong)
            for number, word in enumerate(words.words)
        )
    if step is Step.FIND and (found := findings_of(opened, frame)):
        return finding_marks(found, strong, hidden=hidden)
    if step in (Step.BOXES, Step.REDACT, Step.VERIFY):
        return tuple(
            region_mark(region, strong=number == strong) for number, region in enumerate(regions_of(opened, frame))
        )
    return ()


def finding_marks(found: FrameFindings, strong: int | None = None, *, hidden: bool) -> tuple[Mark, ...]:
    """A box a word, in the order of the findings."""
    return tuple(
        _finding_mark(looks.told(finding.word.text, hidden=hidden), finding, strong=number == strong)
        for number, finding in enumerate(found.findings)
    )


def _word_mark(text: str, word: Word, *, strong: bool) -> Mark:
    return Mark(word.box, looks.KEPT.colour, "", f"{text}\n{', '.join(word.readers)}", strong=strong)


def _finding_mark(text: str, finding: Finding, *, strong: bool) -> Mark:
    told = f"{text}\n{why.sentence(finding)}"
    if not finding.is_phi:
        return Mark(finding.word.box, looks.KEPT.colour, "", told, "stays", thin=True, strong=strong)
    look = looks.of_reasons(finding.reasons)
    return Mark(finding.word.box, look.colour, look.letter, told, look.label, strong=strong)


def region_mark(region: Region, *, strong: bool = False) -> Mark:
    """The box of what goes."""
    look = looks.of_reasons(region.reasons)
    why = ", ".join(looks.REASONS[reason].label for reason in region.reasons)
    frames = "every frame" if region.frame is None else f"frame {region.frame + 1}"
    return Mark(region.box, look.colour, look.letter, f"{why} · {frames}", look.label, strong=strong)
