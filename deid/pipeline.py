"""The stages in order: the only module that knows it.

A `Case` (case.py) is one file on its way. Each step takes a case and returns a new one with its own part filled; a
step that is done again drops what came after it. `run` does them all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import perf_counter

import numpy as np

from deid import header, second_look, verify
from deid.between import lines_between
from deid.beyond import go_on
from deid.boxes import Area, draw_boxes, merge_regions
from deid.case import Case, Engines, Options, Step
from deid.cautions import cautions
from deid.changes import Stored, changed_part, read_part
from deid.classify import find_phi
from deid.codecs.raw import forget_decoded, iter_raw_frames, pixel_format, pixel_keyword, raw_frame
from deid.codes import code_regions
from deid.judging import HeaderJudge
from deid.load import load
from deid.ocr import read_frame
from deid.redact import redact
from deid.render import distinct_views, frame_count, render_stored
from deid.scratch import IN_MEMORY, Content, Scratch
from deid.values import (
    Check,
    FrameFindings,
    FrameWords,
    Outcome,
    Region,
    Stage,
    View,
    Word,
)

__all__ = ["Case", "Engines", "Options", "Step", "open_case", "run", "run_step", "steps_of", "verdict"]


def run(
    data: Content,
    engines: Engines,
    options: Options,
    watch: Callable[[Step], None] = lambda step: None,
    scratch: Scratch = IN_MEMORY,
) -> Case:
    """Every step for one file; `watch` is told of each step before it begins, and may stop the work by raising.

    Raises
    ------
    RefusedError
        Where the input is nothing to de-identify.
    QuarantineError
        Where a step cannot finish.
    """
    case = open_case(data, options, without_pixels=True, scratch=scratch)
    try:
        for step in steps_of(case):
            watch(step)
            case = run_step(case, step, engines, options)
    finally:
        forget_decoded()
    return case


def open_case(data: Content, options: Options, *, without_pixels: bool = False, scratch: Scratch = IN_MEMORY) -> Case:
    """The case of a file that was accepted, with what its header says of people, places and dates.

    `without_pixels` also accepts reports, plans, waveforms and the like: they have no frames.
    """
    start = perf_counter()
    dataset = load(
        data,
        max_frames=options.max_frames,
        max_pixels_per_frame=options.max_pixels_per_frame,
        without_pixels=without_pixels,
        scratch=scratch,
    )
    frames = frame_count(dataset) if pixel_keyword(dataset) else 0
    case = Case(dataset, frames, header.harvest(dataset), scratch=scratch)
    if not frames:
        case = replace(case, redacted=dataset, effective=())
    return replace(case, seconds={Stage.LOAD: perf_counter() - start})


def steps_of(case: Case) -> tuple[Step, ...]:
    """The steps that apply to a file: all of them, or for one without pixels those of the header."""
    return tuple(Step) if case.frames else (Step.HEADER, Step.VERIFY)


def run_step(case: Case, step: Step, engines: Engines, options: Options) -> Case:
    """The case after one step; the steps before it must have been done.

    What the first VERIFY can still read is overwritten too, and all is verified again, once.

    Raises
    ------
    ValueError
        Where an earlier step is missing.
    """
    needed, action = _STEPS[step]
    if needed and getattr(case, needed) is None:
        raise ValueError(f"the step before {step} has not been done")
    try:
        after = action(_without_later(case, step), engines, options)
        if step is Step.VERIFY and after.residue:
            after = _verify(_without_residue(after, engines, options), engines, options)
    finally:
        for reader in engines.readers:
            reader.forget()
    return after


def verdict(case: Case) -> tuple[Outcome, str]:
    """How the file ends, and why in a sentence."""
    if case.checks is None:
        return Outcome.NEEDS_REVIEW, "The file has not been verified."
    failed = [check for check in case.checks if not check.passed]
    hard = [check for check in failed if not check.review]
    if hard:
        return Outcome.QUARANTINED, " ".join(check.detail for check in hard)
    if failed:
        return Outcome.NEEDS_REVIEW, " ".join(check.detail for check in failed)
    return Outcome.CLEANED, ""


def _convert(case: Case, engines: Engines, options: Options) -> Case:
    """Which frames are there, and which repeat an earlier one."""
    with _timed(case, Stage.RENDER) as seconds:
        seen: dict[bytes, int] = {}
        repeats: dict[int, list[int]] = {}
        for frame, stored in enumerate(iter_raw_frames(case.dataset)):
            digest = hashlib.blake2b(np.ascontiguousarray(stored).data, digest_size=16).digest()
            first = seen.setdefault(digest, frame)
            repeats.setdefault(first, [])
            if first != frame:
                repeats[first].append(frame)
    found = tuple((first, tuple(later)) for first, later in repeats.items())
    return replace(case, representative=found, seconds=seconds)


def _read(case: Case, engines: Engines, options: Options) -> Case:
    found = []
    seconds = case.seconds
    before: tuple[Word, ...] = ()
    last: Stored | None = None
    codes: tuple[Region, ...] = ()
    for frame, repeats in case.representative or ():
        case = replace(case, seconds=seconds)
        with _timed(case, Stage.RENDER) as seconds:
            stored = raw_frame(case.dataset, frame)
            views = distinct_views(case.dataset, stored)
        with _timed(replace(case, seconds=seconds), Stage.OCR) as seconds:
            part = None if last is None else changed_part(stored, last, before)
            if part is None:
                before = read_frame(views, engines.readers, before)
            else:
                before = read_part(views, engines.readers, before, part)
            last = stored
            codes = merge_regions((*codes, *code_regions(views, engines.codes)))
        found.append(FrameWords(frame, repeats, before))
    return replace(case, words=tuple(found), codes=codes, seconds=seconds)


def _find(case: Case, engines: Engines, options: Options) -> Case:
    with _timed(case, Stage.CLASSIFY) as seconds:
        found = find_phi(case.words or (), case.hints, engines.classifier, options.policy, options.threshold)
    return replace(case, findings=found, seconds=seconds)


def _boxes(case: Case, engines: Engines, options: Options) -> Case:
    layout = pixel_format(case.dataset)
    drawn = draw_boxes(_longer(case), Area(layout.rows, layout.columns), options.padding_px)
    everywhere = merge_regions((*(case.codes or ()), *(region for region in drawn if region.frame is None)))
    return replace(case, regions=(*everywhere, *(region for region in drawn if region.frame is not None)))


def _longer(case: Case) -> tuple[FrameFindings, ...]:
    """What was found, with boxes that go as far as the ink does, and lines beside them that nobody read."""
    frames = []
    found = case.findings or ()
    kept = {each.word.box for frame in found for each in frame.findings if not each.is_phi} if len(found) > 1 else set()
    for frame in found:
        if frame.findings:
            even = render_stored(case.dataset, raw_frame(case.dataset, frame.frame), View.LOCAL)
            elsewhere = kept - {each.word.box for each in frame.findings}
            longer = go_on(frame.findings, even, tuple(elsewhere))
            frame = replace(frame, findings=lines_between(longer, even))
        frames.append(frame)
    return tuple(frames)


def _redact(case: Case, engines: Engines, options: Options) -> Case:
    with _timed(case, Stage.REDACT) as seconds:
        redacted, effective = redact(case.dataset, case.regions or (), case.scratch)
    return replace(case, redacted=redacted, effective=effective, seconds=seconds)


def _header(case: Case, engines: Engines, options: Options) -> Case:
    assert case.redacted is not None
    with _timed(case, Stage.HEADER) as seconds:
        needles = header.needles(case.dataset, options.profile)
        cleaned, removals = header.clean(
            case.redacted,
            engines.key,
            options.profile,
            HeaderJudge(case.hints, engines.classifier, options.threshold),
            pixels_changed=bool(case.effective),
            pixels_examined=bool(case.frames) and case.words is not None,
        )
    with _timed(replace(case, seconds=seconds), Stage.WRITE) as seconds:
        written = header.write(cleaned, case.scratch)
    return replace(case, cleaned=cleaned, removals=removals, needles=needles, written=written, seconds=seconds)


def _verify(case: Case, engines: Engines, options: Options) -> Case:
    assert case.written is not None and case.needles is not None
    with _timed(case, Stage.VERIFY) as seconds:
        if case.frames:
            checks, difference = verify.check_written(
                case.dataset, case.written, case.effective or (), case.needles, options.profile
            )
        else:
            checks, difference = verify.check_header(case.written, case.needles, options.profile), None
        residue: tuple[Region, ...] = ()
        readable: tuple[Region, ...] = ()
        if case.frames and all(check.passed for check in checks):
            residue, readable = second_look.apart(second_look.still_readable(case, engines, options), case.kept)
            checks = (*checks, *second_look.checks_of(residue, readable, case.kept), *_held_checks(case))
    return replace(case, checks=checks, difference=difference, residue=residue, kept_readable=readable, seconds=seconds)


def _without_residue(case: Case, engines: Engines, options: Options) -> Case:
    """The case with what could still be read overwritten too."""
    wider = replace(case, regions=merge_regions((*(case.regions or ()), *case.residue)))
    return _header(_redact(wider, engines, options), engines, options)


def _held_checks(case: Case) -> tuple[Check, ...]:
    """What lets a file wait for a person although nothing is wrong with it."""
    found = cautions(case.dataset, case.words or ())
    return tuple(Check(each.name, False, each.sentence, review=True) for each in found if each.holds)


_Action = Callable[[Case, Engines, Options], Case]
_STEPS: dict[Step, tuple[str, _Action]] = {
    Step.CONVERT: ("", _convert),
    Step.READ: ("representative", _read),
    Step.FIND: ("words", _find),
    Step.BOXES: ("findings", _boxes),
    Step.REDACT: ("regions", _redact),
    Step.HEADER: ("redacted", _header),
    Step.VERIFY: ("written", _verify),
}
_PARTS: dict[Step, tuple[str, ...]] = {
    Step.CONVERT: ("representative",),
    Step.READ: ("words", "codes"),
    Step.FIND: ("findings",),
    Step.BOXES: ("regions",),
    Step.REDACT: ("redacted", "effective"),
    Step.HEADER: ("cleaned", "removals", "needles", "written"),
    Step.VERIFY: ("checks", "difference"),
}


def _without_later(case: Case, step: Step) -> Case:
    """The case without the results of this step and of those after it."""
    later = list(Step)[list(Step).index(step) :]
    cleared: dict[str, object] = {part: None for each in later for part in _PARTS[each]}
    return replace(case, residue=(), kept_readable=(), **cleared)  # type: ignore[arg-type]


@contextmanager
def _timed(case: Case, stage: Stage) -> Iterator[dict[Stage, float]]:
    """A copy of the case's times, to which the time spent inside is added for one stage."""
    seconds = dict(case.seconds)
    start = perf_counter()
    try:
        yield seconds
    finally:
        seconds[stage] = seconds.get(stage, 0.0) + perf_counter() - start
