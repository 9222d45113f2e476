"""The file's own header values, looked for in the picture despite what readers do to letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from deid.lexicon import Lexicon
from deid.text import alnum, confused, core, digit_count, fold, parts
from deid.values import Hint

ALIKE = 84.0
"""Per cent of equal letters from which a word is taken for a header value that a reader got wrong."""
SHORTEST_ALONE = 3
SHORTEST_INSIDE = 5
PARTICLES = frozenset(
    "van von der den de del della di da dos das du la le el al bin ibn ben ter ten zu zum zur st san".split()  # noqa: SIM905
)
"""What stands before family names and is often not seen; folded."""


@dataclass(frozen=True, slots=True)
class Target:
    """A token of a header value."""

    keyword: str
    text: str
    """Letters and digits, upper case."""
    looks: str
    """The same with confusable letters made equal."""
    common: bool
    """A word of console text too: it counts only beside another token of its value."""
    value: int
    """Which header value it belongs to."""
    before: int = 0
    """Characters of the particles that stand before it in a name, spaces included: "van der " before "Meer"."""


def targets(hints: Sequence[Hint], lexicon: Lexicon) -> tuple[Target, ...]:
    """Every token of the hints that is worth looking for."""
    found: dict[tuple[str, int], Target] = {}
    for number, hint in enumerate(hints):
        whole = alnum(hint.value)
        pieces = [alnum(each) for each in parts(hint.value)]
        for piece in [whole, *pieces] if digit_count(whole) else pieces:
            if len(piece) >= SHORTEST_ALONE:
                common = _is_common(piece, hint, lexicon) or (piece.isdigit() and len(piece) < SHORTEST_INSIDE)
                before = _particles(hint.value, piece)
                found.setdefault((piece, number), Target(hint.keyword, piece, confused(piece), common, number, before))
    return tuple(found.values())


def _particles(value: str, piece: str) -> int:
    """How many characters the particles right before a piece of a value take, with a space behind each."""
    pieces = parts(value)
    index = next((i for i, each in enumerate(pieces) if alnum(each) == piece), 0)
    length = 0
    while index > 0 and fold(pieces[index - 1]) in PARTICLES:
        index -= 1
        length += len(pieces[index]) + 1
    return length


def _is_common(piece: str, hint: Hint, lexicon: Lexicon) -> bool:
    """Whether a token says nothing by itself. A name of one word is looked for even where it is a word of DICOM's."""
    if hint.keyword.endswith("Name") and hint.keyword.startswith(
        ("Patient", "Ref", "Perf", "Oper", "Name", "Req", "Phys")
    ):
        return fold(piece) in lexicon.console if len(parts(hint.value)) == 1 else lexicon.knows(piece)
    return lexicon.knows(piece)


def missing(reading: str, target: Target, *, first: bool = False) -> tuple[int, int]:
    """Characters of the target that lie before and after what a reader saw of it.

    Before the `first` word of a line that includes particles of a name.
    """
    before = target.before if first else 0
    looks = confused(core(reading))
    start = target.looks.find(looks)
    if start < 0 or len(looks) >= len(target.looks):
        return before, 0
    return start + before, len(target.looks) - start - len(looks)


def match_line(words: Sequence[tuple[str, ...]], wanted: Sequence[Target]) -> dict[int, Target]:
    """For each word of a line (given as its readings) that is a header value: the target it is."""
    direct: dict[int, Target] = {}
    weak: dict[int, list[Target]] = {}
    for index, readings in enumerate(words):
        looks = [look for look in (confused(core(reading)) for reading in readings) if len(look) >= SHORTEST_ALONE]
        hits = [target for target in wanted if any(_is(look, target) for look in looks)]
        sure = next((target for target in hits if not target.common), None)
        if sure is not None:
            direct[index] = sure
        elif hits:
            weak[index] = hits
    for index, hits in weak.items():
        near = [direct[i] for i in (index - 2, index - 1, index + 1, index + 2) if i in direct]
        near += [
            other
            for i in (index - 1, index + 1)
            for other in weak.get(i, ())
            if other.text not in {h.text for h in hits}
        ]
        confirmed = next((hit for hit in hits if any(hit.value == other.value for other in near)), None)
        if confirmed is not None:
            direct[index] = confirmed
    return direct


def _is(looks: str, target: Target) -> bool:
    """Whether one reading, its confusable letters made equal, is the target, whole, inside, or nearly."""
    if looks == target.looks or looks.rstrip("5") == target.looks:
        return True
    if len(target.looks) >= SHORTEST_INSIDE and target.looks in looks:
        return True
    if len(looks) >= SHORTEST_INSIDE and looks in target.looks and (len(looks) * 2 >= len(target.looks)):
        return True
    if min(len(looks), len(target.looks)) < SHORTEST_INSIDE:
        return False
    return fuzz.ratio(looks, target.looks) >= ALIKE
