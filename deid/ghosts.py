"""Words that a reader made of pieces of several lines, each of which was read well: nothing stands there by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from deid.values import Box, Evidence, Finding, Reason, Word

READ_WELL, LOWER, SHARE = 0.8, 0.8, 0.5
"""What was read less surely over words of this confidence, so much lower, that cover this share of it, is nothing."""
P_GHOST = 0.2
_DOUBTS = frozenset((Reason.UNREADABLE, Reason.UNKNOWN, Reason.MODEL))


def without_ghosts(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings, of which those stay that a reader made of pieces of other lines, each of which was read well.

    Whatever of those identifies goes by itself.
    """
    clear = [each.word for each in findings if each.word.confidence >= READ_WELL]
    return tuple(
        replace(each, p_phi=P_GHOST, evidence=(Evidence(Reason.LEXICON, "ghost", P_GHOST), *each.evidence))
        if each.is_phi and _is_ghost(each, clear)
        else each
        for each in findings
    )


def _is_ghost(finding: Finding, clear: Sequence[Word]) -> bool:
    if finding.word.confidence >= READ_WELL or not set(finding.reasons) <= _DOUBTS:
        return False
    box = finding.word.box
    pieces = [
        each.box.overlap(box)
        for each in clear
        if each.line != finding.word.line and _is_lower(each, box) and each.box.overlap(box)
    ]
    return len(pieces) > 1 and sum(pieces) >= SHARE * box.area


def _is_lower(piece: Word, box: Box) -> bool:
    """Whether the piece is lower than the box; one that runs up or down may be narrower instead."""
    return piece.box.height < LOWER * box.height or (piece.vertical and piece.box.width < LOWER * box.width)
