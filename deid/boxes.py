"""Pure geometry: the words that go become boxes in stored pixels, padded, and merged over frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deid.values import Box, FrameFindings, Reason, Region, Word, in_order

END_HEIGHTS = 0.2
"""Beyond the first and last word of a run, letters may stand that no reader saw: this share of its height is added."""
TOUCH_PX = 2
"""Neighbouring words of a line may share this much, since their edges are rounded outwards."""
STACKED, ALIKE = 0.5, 1.5
"""Boxes of lines that stand close share up to this much of their height, where the one is at most so much higher."""
SAME_BOX = 0.5
"""Boxes of two frames whose shared area is this much of their union are one."""

LIES_IN = 0.8
"""A box lies in an area that holds this share of it: two readings of a word seldom have the very same edges."""


@dataclass(frozen=True, slots=True)
class Area:
    """The size of a frame in pixels."""

    rows: int
    columns: int


def draw_boxes(frames: Sequence[FrameFindings], area: Area, padding_px: int) -> tuple[Region, ...]:
    """The regions to overwrite: each word that goes, in every frame.

    What identifies is burned into all frames of a loop as a rule, though no reader sees it in each. Only what nobody
    could read is overwritten just where it was seen, since it may be anatomy.
    """
    everywhere: list[Region] = []
    here: list[Region] = []
    for frame in frames:
        kept = [finding.word.box for finding in frame.findings if not finding.is_phi]
        for finding in frame.findings:
            if not finding.is_phi:
                continue
            box = pad(finding.word, kept, area, padding_px)
            if box is None:
                continue
            region = Region(None, box, finding.reasons, round(finding.p_phi, 4))
            if len(frames) > 1 and set(finding.reasons) <= {Reason.UNREADABLE}:
                here.extend(
                    Region(number, box, region.reasons, region.score) for number in (frame.frame, *frame.repeats)
                )
            else:
                everywhere.append(region)
    return (*merge_regions(everywhere), *here)


def pad(word: Word, kept: Iterable[Box], area: Area, padding_px: int) -> Box | None:
    """The word's box grown by the padding and along its line, without reaching into a kept word; None off the frame."""
    box = word.box
    along = padding_px + round(END_HEIGHTS * min(box.height, box.width))
    across = padding_px
    sideways, upward = (across, along) if word.vertical else (along, across)
    left, top = box.left - sideways, box.top - upward
    right, bottom = box.right + sideways, box.bottom + upward
    for other in kept:
        if other.top >= bottom or other.bottom <= top or other.left >= right or other.right <= left:
            continue
        if other.left >= box.right - TOUCH_PX:
            right = box.right
        elif other.right <= box.left + TOUCH_PX:
            left = box.left
        elif other.top >= box.bottom - TOUCH_PX:
            bottom = max(other.top, box.bottom)
        elif other.bottom <= box.top + TOUCH_PX:
            top = min(other.bottom, box.top)
        elif word.vertical and _are_stacked(_across(other), _across(box)):
            left = max(left, (box.left + other.right) // 2)
        elif word.vertical and _are_stacked(_across(box), _across(other)):
            right = min(right, (other.left + box.right + 1) // 2)
        elif not word.vertical and _are_stacked(other, box):
            top = max(top, (box.top + other.bottom) // 2)
        elif not word.vertical and _are_stacked(box, other):
            bottom = min(bottom, (other.top + box.bottom + 1) // 2)
    left, top = max(left, 0), max(top, 0)
    right, bottom = min(right, area.columns), min(bottom, area.rows)
    if right <= left or bottom <= top:
        return None
    return Box.from_edges(left, top, right, bottom)


def _across(box: Box) -> Box:
    """The box with rows and columns exchanged."""
    return Box(box.top, box.left, box.height, box.width)


def _are_stacked(upper: Box, lower: Box) -> bool:
    """Whether two boxes are of lines above each other whose ground, and none of whose letters, both of them hold."""
    heights = upper.height, lower.height
    shared = upper.bottom - lower.top
    return upper.top < lower.top and shared <= STACKED * min(heights) and max(heights) <= ALIKE * min(heights)


def merge_regions(regions: Sequence[Region]) -> tuple[Region, ...]:
    """The regions with those that cover nearly the same pixels joined into one that covers all of them."""
    merged: list[Region] = []
    for region in regions:
        index = next((i for i, each in enumerate(merged) if _is_same(each.box, region.box)), None)
        if index is None:
            merged.append(region)
        else:
            merged[index] = _union(merged[index], region)
    return tuple(merged)


def lies_in(box: Box, area: Box) -> bool:
    """Whether so much of the box lies in the area that a decision about the area is one about the box."""
    return box.overlap(area) >= LIES_IN * box.area


def _is_same(one: Box, two: Box) -> bool:
    shared = one.overlap(two)
    return shared >= SAME_BOX * (one.area + two.area - shared) or shared == min(one.area, two.area)


def _union(one: Region, two: Region) -> Region:
    return Region(one.frame, one.box.around(two.box), in_order((*one.reasons, *two.reasons)), max(one.score, two.score))
