"""What another threshold would change: words are judged again; the model is not asked anew, its answers are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deid.classify import find_phi
from deid.values import Finding, FrameFindings, FrameWords, Hint, Policy, Reason


@dataclass(frozen=True, slots=True)
class Change:
    """A word that would go and stays now, or the other way round."""

    frame: int
    number: int
    """Of the word in its frame, from 0."""
    now: Finding
    then: Finding


class _Remembered:
    """The classifier of one frame, answering what it answered before."""

    name, version = "remembered", ""

    def __init__(self, found: FrameFindings) -> None:
        lines: dict[int, list[float]] = {}
        for finding in found.findings:
            lines.setdefault(finding.word.line, []).append(_said(finding))
        self._lines = tuple(tuple(line) for line in lines.values())

    def classify(self, lines: Sequence[Sequence[str]]) -> tuple[tuple[float, ...], ...]:
        return self._lines


def changes(
    words: Sequence[FrameWords], findings: Sequence[FrameFindings], hints: Sequence[Hint], threshold: float
) -> tuple[Change, ...]:
    """The words whose decision another threshold would change, in reading order.

    Where all text goes there is nothing to change. `words` and `findings` are those of one case.
    """
    return tuple(
        Change(before.frame, number, now, then)
        for seen, before in zip(words, findings, strict=True)
        for number, (now, then) in enumerate(zip(before.findings, _judged(seen, before, hints, threshold), strict=True))
        if now.is_phi != then.is_phi
    )


def _judged(seen: FrameWords, before: FrameFindings, hints: Sequence[Hint], threshold: float) -> tuple[Finding, ...]:
    if any(Reason.POLICY in finding.reasons for finding in before.findings):
        return before.findings
    asked = any(each.reason is Reason.MODEL for finding in before.findings for each in finding.evidence)
    (found,) = find_phi([seen], hints, _Remembered(before) if asked else None, Policy.PHI, threshold)
    return found.findings


def _said(finding: Finding) -> float:
    """What the model said of the word."""
    return next(_model(finding), 1.0)


def _model(finding: Finding) -> Iterator[float]:
    return (each.p_phi for each in finding.evidence if each.reason is Reason.MODEL)
