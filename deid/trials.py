"""One frame read and judged by itself, by other engines or in a demo study, to see what would differ.

Nothing here changes a file or what is decided about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from deid.demo import DemoStudy
from deid.pipeline import Case, Engines, Options, Step, open_case, run_step
from deid.text import core, fold
from deid.values import Finding, FrameFindings, FrameWords, Hint
from deid.whatif import Change, changes

SAME_WORD = 0.5
"""Two readings of a word share this much of the smaller box."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read in one frame, and what was decided about it."""

    words: FrameWords
    findings: FrameFindings
    hints: tuple[Hint, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A word as two readings have it; None where one of them has not seen it."""

    here: Finding | None
    there: Finding | None

    @property
    def differs(self) -> bool:
        """Whether only one of them saw it, or let it go, or they read other letters."""
        if self.here is None or self.there is None:
            return True
        return (self.here.is_phi, self.here.word.text) != (self.there.is_phi, self.there.word.text)


def read_alone(case: Case, frame: int, engines: Engines, options: Options) -> Reading:
    """The frame read and judged by these engines, whatever was found in the case before."""
    alone = replace(case, representative=((frame, ()),))
    for step in (Step.READ, Step.FIND):
        alone = run_step(alone, step, engines, options)
    assert alone.words is not None and alone.findings is not None
    return Reading(alone.words[0], alone.findings[0], case.hints)


def read_demo(study: DemoStudy, engines: Engines, options: Options) -> Reading:
    """The middle frame of a demo study."""
    case = open_case(study.build(), options)
    return read_alone(case, case.frames // 2, engines, options)


def demo_changes(study: DemoStudy, reading: Reading, threshold: float) -> tuple[tuple[Change, bool], ...]:
    """(what another threshold would change, whether the word is PHI in truth), for a demo study."""
    truth = {fold(core(word)) for text in study.phi_texts for word in text.split()}
    found = changes((reading.words,), (reading.findings,), reading.hints, threshold)
    return tuple((change, fold(core(change.now.word.text)) in truth) for change in found)


def pairs(here: FrameFindings, there: FrameFindings) -> tuple[Pair, ...]:
    """Each word of either reading once: those of the first in their order, then what only the second has."""
    left = list(there.findings)
    found = [Pair(one, _taken(left, one)) for one in here.findings]
    return (*found, *_unseen(left))


def _taken(left: list[Finding], one: Finding) -> Finding | None:
    """The word of the other reading in the same place, which is then no longer left."""
    box = one.word.box
    best = max(left, key=lambda each: box.overlap(each.word.box), default=None)
    if best is None or box.overlap(best.word.box) < SAME_WORD * min(box.area, best.word.box.area):
        return None
    left.remove(best)
    return best


def _unseen(left: list[Finding]) -> Iterator[Pair]:
    return (Pair(None, each) for each in left)
