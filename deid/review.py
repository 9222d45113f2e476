"""What a person decides about the boxes of an image, and the file made anew by it.

Decisions are a list of frozen values, the last one undone first. They are about pixels, never about text: a list can be
kept in a file, and be applied to other images of the same layout.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from deid.boxes import lies_in
from deid.pipeline import Case, Engines, Options, Step, open_case, run_step
from deid.values import Box, Check, Reason, Region


class Deed(StrEnum):
    """What is decided about a box."""

    COVER = "cover"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Correction:
    """One decision. `frame` None: in every frame."""

    deed: Deed
    box: Box
    frame: int | None = None
    batch: str = ""
    """What was applied to several images at once has the same name in each; empty: it is about this image alone."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """What the machine has decided: what it overwrites, and what it could still read afterwards."""

    regions: tuple[Region, ...] = ()
    open: tuple[Region, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to become of an image."""

    regions: tuple[Region, ...]
    """What goes."""
    kept: tuple[Region, ...] = ()
    """What the machine meant to go and a person keeps, with the machine's reasons."""
    open: tuple[Region, ...] = ()
    """What could still be read and nobody has decided about."""

    @property
    def drawn(self) -> int:
        """Boxes that a person added."""
        return sum(region.reasons == (Reason.DRAWN,) for region in self.regions)


def plan(suggested: Suggested, corrections: Iterable[Correction], frames: int) -> Plan:
    """What the decisions, in their order, make of what the machine suggested for an image of so many frames."""
    made = Plan(suggested.regions, (), suggested.open)
    for each in corrections:
        made = _covered(made, each) if each.deed is Deed.COVER else _uncovered(made, each, frames)
    return replace(made, kept=tuple(each for each in made.kept if not _is_covered(each, made.regions)))


def opened(data: bytes, engines: Engines, options: Options) -> Case:
    """The case of a file with its words read and judged, ready for `redone`.

    Raises
    ------
    DeidError
        Where it cannot be opened or read.
    """
    case = open_case(data, options)
    for step in (Step.CONVERT, Step.READ, Step.FIND):
        case = run_step(case, step, engines, options)
    return case


def redone(case: Case, decided: Plan, engines: Engines, options: Options) -> Case:
    """The case redacted, cleaned and verified as decided; its words must have been read.

    What VERIFY can still read is overwritten too, except where a person decided to keep the picture as it is.

    Raises
    ------
    QuarantineError
        Where a step cannot finish.
    """
    case = replace(case, regions=decided.regions, kept=decided.kept)
    for step in (Step.REDACT, Step.HEADER, Step.VERIFY):
        case = run_step(case, step, engines, options)
    return case


def faults(case: Case) -> tuple[Check, ...]:
    """Checks that no person can overrule: a file with one of them never leaves."""
    return tuple(check for check in case.checks or () if not check.passed and not check.review)


def questions(case: Case) -> tuple[Check, ...]:
    """Checks that a person has to answer for a second time before the file may leave."""
    return tuple(check for check in case.checks or () if not check.passed and check.review)


def may_leave(case: Case, *, confirmed: bool) -> bool:
    """Whether the file may go out: every check passed, or those that ask a person were confirmed."""
    if case.written is None or not case.checks or faults(case):
        return False
    return confirmed or not questions(case)


def answers(case: Case) -> tuple[Check, ...]:
    """The checks as they stand once a person has confirmed: none is open, and each says so."""
    return tuple(
        replace(check, passed=True, detail=f"{check.detail} A person confirmed it.")
        if not check.passed and check.review
        else check
        for check in case.checks or ()
    )


def without_batch(corrections: Sequence[Correction], batch: str) -> tuple[Correction, ...]:
    """The decisions without those that were applied to several images under this name."""
    return tuple(each for each in corrections if each.batch != batch)


def _covered(made: Plan, wish: Correction) -> Plan:
    """The plan with the box overwritten; what was kept or open in this very place goes as the machine had meant it."""
    back = tuple(each for each in (*made.kept, *made.open) if each.box == wish.box and _reaches(wish, each))
    whole = any(each.frame in (None, wish.frame) for each in back)
    drawn = () if whole else (Region(wish.frame, wish.box, (Reason.DRAWN,), 1.0),)
    return Plan(
        (*made.regions, *back, *drawn),
        tuple(each for each in made.kept if each not in back),
        tuple(each for each in made.open if not (_reaches(wish, each) and lies_in(each.box, wish.box))),
    )


def _uncovered(made: Plan, wish: Correction, frames: int) -> Plan:
    """The plan without what lies in the box; of what reached further, only this frame's part is taken out."""
    regions: list[Region] = []
    kept = list(made.kept)
    for region in made.regions:
        if not lies_in(region.box, wish.box) or not _meets(wish, region):
            regions.append(region)
            continue
        if region.frame is None and wish.frame is not None:
            regions.extend(replace(region, frame=frame) for frame in range(frames) if frame != wish.frame)
        if region.reasons != (Reason.DRAWN,):
            kept.append(replace(region, frame=wish.frame if region.frame is None else region.frame))
    decided = [each for each in made.open if lies_in(each.box, wish.box) and _meets(wish, each)]
    kept.extend(decided)
    return Plan(tuple(regions), tuple(dict.fromkeys(kept)), tuple(each for each in made.open if each not in decided))


def _reaches(wish: Correction, region: Region) -> bool:
    """Whether the decision is about every frame that the region is in."""
    return wish.frame is None or wish.frame == region.frame


def _meets(wish: Correction, region: Region) -> bool:
    """Whether the decision is about a frame that the region is in."""
    return wish.frame is None or region.frame in (None, wish.frame)


def _is_covered(kept: Region, regions: Iterable[Region]) -> bool:
    return any(lies_in(kept.box, region.box) and region.frame in (None, kept.frame) for region in regions)
