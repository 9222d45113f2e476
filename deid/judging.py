"""The classifier of pictures, asked about the words of a header element."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from deid.classify import Classifier, classify_words
from deid.lexicon import load_lexicon
from deid.matching import Target, targets
from deid.values import Box, Finding, Hint, Reason, Word

_LETTER_PX = 10


@dataclass(slots=True)
class HeaderJudge:
    """Says which words of a line go; see `deid.wording.Judge`.

    The model is asked only where a word is left that neither a rule nor a word list settles.
    """

    hints: Sequence[Hint]
    classifier: Classifier | None
    threshold: float
    _wanted: tuple[Target, ...] | None = field(default=None, repr=False)

    def __call__(self, words: Sequence[str]) -> list[bool]:
        """For each word, whether it goes."""
        findings = self._findings(words, None)
        if self.classifier is not None and any(Reason.UNKNOWN in finding.reasons for finding in findings):
            findings = self._findings(words, self.classifier)
        return [finding.is_phi for finding in findings]

    def _findings(self, words: Sequence[str], classifier: Classifier | None) -> tuple[Finding, ...]:
        if self._wanted is None:
            # Most headers hold vocabulary alone, so that nobody is asked.
            self._wanted = targets(self.hints, load_lexicon())
        return classify_words(as_line(words), self._wanted, load_lexicon(), classifier, self.threshold)


def as_line(words: Sequence[str]) -> list[Word]:
    """Words of plain text, side by side in one line of a picture."""
    placed, left = [], 0
    for text in words:
        placed.append(Word(text, Box(left, 0, _LETTER_PX * len(text), 2 * _LETTER_PX), 1.0, ("text",)))
        left += _LETTER_PX * (len(text) + 1)
    return placed
