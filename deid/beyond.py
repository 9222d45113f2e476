"""Ink that goes on beside what goes: letters that nobody read belong to the word, or are the value of the label.

A name whose end lies on anatomy is read in part, and initials behind a label now and then not at all. Where strokes
like those of the line go on at its end, the box goes with them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.text import alnum, core, fold
from deid.values import UNREAD, Box, Evidence, Finding, Reason, Word

OPEN = "open"
"""The rule that says of a label that its value was not found."""
FARTHEST_HEIGHTS = 6.0
"""Strokes are followed so many heights behind a line; before it, where a label stands as a rule, BLIND_HEIGHTS."""
SPACE_HEIGHTS = 1.0
"""Words of a line are no further apart; a label and its value may be three times as far."""
SHARE, FAINTEST = 0.4, 12
"""Ink differs from its ground by this share of what the line's own letters do, and by so many levels."""
FEWEST_EDGES = 1.0
"""Strokes begin or end so often along one height; the edges of organs seldom do."""
SHORTEST_HEIGHTS = 0.3
"""Less than this beyond a word is its own edge."""
GROUND = 0.5
"""Where the ground above and below holds this share of a line's ink, it may be ground as well."""
BLIND_HEIGHTS = 2.2
"""Behind a label without a value, and behind a word that lacks its end, so much goes even then."""
SURE = 0.8
"""Of a word read less surely than this, letters may be missing."""
SOFT_SIGMA_PX = 0.6
_ENDS_IN_CLOCK = re.compile(r"\d[:.h]\d\d?$")
_BEFORE_MORE = ("19", "20", "apt", "apartment", "flat", "suite", "unit")
P_BESIDE = 0.75
_EVEN = 128

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _End:
    """Where a line ends, in a picture in which it runs from left to right."""

    box: Box
    """Of its last word."""
    stop: int
    """The column where other words or the frame begin."""
    gap: float
    """How far away what goes on may begin, in pixels."""
    blind: int
    """How many pixels are taken where the ground all around has as many strokes."""


@dataclass(frozen=True, slots=True)
class _Way:
    """How a picture is turned, and mirrored, so that a line runs to the right, to its end or to its beginning."""

    turns: int
    """Quarter turns against the clock, -1 to 1."""
    mirrored: bool = False

    def there(self, picture: Picture) -> Picture:
        """The picture as it is then."""
        upright = np.rot90(picture, self.turns)
        return upright[:, ::-1] if self.mirrored else upright

    def of(self, box: Box, shape: tuple[int, ...]) -> Box:
        """A box of a picture of this shape as it is then."""
        upright = _turned(box, self.turns, shape)
        columns = shape[0] if self.turns else shape[1]
        return replace(upright, left=columns - upright.right) if self.mirrored else upright

    def back(self, box: Box, shape: tuple[int, ...]) -> Box:
        """A box of the turned picture, which has this shape, as it is in the picture."""
        upright = replace(box, left=shape[1] - box.right) if self.mirrored else box
        return _turned(upright, -self.turns, shape)


def _turned(box: Box, turns: int, shape: tuple[int, ...]) -> Box:
    """The box in a picture of this shape after one quarter turn against the clock, or with it where `turns` is -1."""
    rows, columns = shape[:2]
    if turns == 1:
        return Box(box.top, columns - box.right, box.height, box.width)
    if turns == -1:
        return Box(rows - box.bottom, box.left, box.height, box.width)
    return box


def go_on(findings: Sequence[Finding], picture: Picture, kept: Sequence[Box] = ()) -> tuple[Finding, ...]:
    """The findings with boxes as long as the ink, and one more for each value that nobody read beside its label.

    `picture` is the frame on an even ground, shape (rows, columns). `kept` are words that stay in other frames.
    """
    lines: dict[int, list[int]] = {}
    for index, finding in enumerate(findings):
        lines.setdefault(finding.word.line, []).append(index)
    longer = list(findings)
    boxes = [inside(finding.word.box, picture.shape) for finding in findings]
    stays = [inside(box, picture.shape) for box in kept]
    for line in lines.values():
        words = [findings[index].word for index in line]
        alone = not any(findings[index].is_phi for index in line)
        turns = _turns(words)
        for index, way in ((line[0], _Way(turns, mirrored=True)), (line[-1], _Way(turns))):
            finding = longer[index]
            is_open = alone and not way.mirrored and any(each.rule == OPEN for each in finding.evidence)
            if not (finding.is_phi or is_open) or _runs_otherwise(finding.word):
                continue
            if way.mirrored and not _lacks_an_end(finding.word, mirrored=True):
                continue
            others = [*boxes[:index], *boxes[index + 1 :], *stays]
            word = replace(finding.word, box=boxes[index])
            beyond = _beyond(word, others, picture, way, is_open)
            if beyond is None:
                continue
            if is_open:
                longer.append(_unread(finding, beyond))
            else:
                box = finding.word.box.around(beyond)
                longer[index] = replace(finding, word=replace(finding.word, box=box))
    return tuple(longer)


def _runs_otherwise(word: Word) -> bool:
    """Whether a word that was read as lying is higher than wide: then its line runs up or down."""
    return not word.vertical and len(word.text) > 1 and word.box.height > word.box.width


def inside(box: Box, shape: tuple[int, ...]) -> Box:
    """The part of a box that lies in the picture: one may have been given room beyond its edge."""
    left, top = min(box.left, shape[1] - 1), min(box.top, shape[0] - 1)
    return Box.from_edges(left, top, max(min(box.right, shape[1]), left + 1), max(min(box.bottom, shape[0]), top + 1))


def _unread(label: Finding, box: Box) -> Finding:
    evidence = (Evidence(Reason.CONTEXT, "neighbour", P_BESIDE),)
    word = Word(UNREAD, box, 0.0, label.word.readers, label.word.line, label.word.vertical)
    return Finding(word, P_BESIDE, evidence, label.threshold)


def _turns(line: Sequence[Word]) -> int:
    """Quarter turns against the clock that make a line upright: -1 where it is read upwards."""
    if not line[-1].vertical:
        return 0
    return 1 if line[0].box.top < line[-1].box.top else -1


def _beyond(word: Word, boxes: Sequence[Box], picture: Picture, way: _Way, is_open: bool) -> Box | None:
    """The box of the strokes that go on behind the last word of a line; None where none do."""
    upright = way.there(picture)
    own = way.of(word.box, picture.shape)
    height = own.height
    farthest = BLIND_HEIGHTS if way.mirrored else FARTHEST_HEIGHTS
    stop = min(upright.shape[1], own.right + round(farthest * height))
    for each in boxes:
        other = way.of(each, picture.shape)
        level = min(other.bottom, own.bottom) - max(other.top, own.top)
        if level > 0.3 * min(other.height, height) and other.right > own.right:
            stop = min(stop, max(other.left, own.right))
    blind = BLIND_HEIGHTS * height if is_open or _lacks_an_end(word, mirrored=way.mirrored) else 0
    span = _strokes(upright, _End(own, stop, (3 if is_open else 1) * SPACE_HEIGHTS * height, round(blind)))
    if span is None or span[1] - own.right < SHORTEST_HEIGHTS * height:
        return None
    start = span[0] if is_open else own.right
    return way.back(Box.from_edges(start, own.top, span[1], own.bottom), upright.shape)


def _lacks_an_end(word: Word, *, mirrored: bool) -> bool:
    """Whether more belongs behind the word: half of the day, a year's end, a number, or letters that another view saw.

    So it may on both sides of one whose letters are hardly believed.
    """
    if word.confidence < SURE:
        return True
    own, others = alnum(word.text), [alnum(other) for other in word.others]
    if mirrored:
        return any(len(other) > len(own) and other.endswith(own) for other in others)
    if _ENDS_IN_CLOCK.search(word.text) or fold(core(word.text)) in _BEFORE_MORE:
        return True
    return any(len(other) > len(own) and other.startswith(own) for other in others)


def _strokes(upright: Picture, end: _End) -> tuple[int, int] | None:
    """The columns between which strokes like those of the last word go on behind it."""
    box = end.box
    inset = box.height // 6
    above = max(box.top - box.height, 0)
    part = np.ascontiguousarray(upright[above : box.bottom + box.height, box.left : end.stop])
    band = cv2.GaussianBlur(part, (0, 0), SOFT_SIGMA_PX).astype(np.int16) - _EVEN
    first = box.top - above
    rows = slice(first + inset, max(first + box.height - inset, first + inset + 1))
    own = band[rows, : box.width]
    dark, light = -float(np.percentile(own, 4)), float(np.percentile(own, 96))
    ink = (band if light > dark else -band) > max(SHARE * max(dark, light), FAINTEST)
    columns = ink[rows, box.width :]
    inked = np.flatnonzero(columns.any(axis=0))
    if not inked.size or inked[0] > end.gap:
        return None
    breaks = np.flatnonzero(np.diff(inked) > SPACE_HEIGHTS * box.height)
    last = int(inked[breaks[0] if breaks.size else -1]) + 1
    found = columns[:, int(inked[0]) : last]
    edges = np.count_nonzero(found[:, 1:] != found[:, :-1]) / len(found)
    if edges * box.height < FEWEST_EDGES * found.shape[1]:
        return None
    around = np.concatenate((ink[:first], ink[first + box.height :]))[:, box.width + int(inked[0]) : box.width + last]
    if around.size and around.mean() > GROUND * found.mean():
        last = min(last, end.blind)
    return (box.right + int(inked[0]), box.right + last) if last > inked[0] else None
