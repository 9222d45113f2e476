"""All text of a frame: every reader's words over every view, merged, each with box, confidence and readers.

One reader finds the lines (`finds_lines`); the others read strips cut around them, and the whole picture where nothing
was found. What any of them sees is text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deid.grounds import PADDING_PX, bordered
from deid.merging import SAME_PLACE, merge, same_place, stretched
from deid.strips import Strip, cut_strips, words_of_strips
from deid.values import CLOSE, KNOWN, UNREAD, Box, Search, View, Word

COARSE_SIDE_PX = 800
"""A search at another scale finds what a close one misses: at the same scale a second one found nothing more."""
SURE = 0.6
"""A second reader is believed from this confidence on."""
SURE_LINE = 0.95
"""Known words of at least this confidence are not read again."""
GHOST, CLEAR = 0.55, 0.8
"""What was read less surely than the first over words that were read more surely than the second is nothing."""
LINE_GAP_HEIGHTS = 1.1
"""Words further apart than this many heights stand in different lines of text."""

Picture = NDArray[np.uint8]


class OcrEngine(Protocol):
    """A reader of pictures."""

    name: str
    version: str
    finds_lines: bool
    """Whether its detector is good enough to look for lines in a whole picture."""

    def read(self, picture: Picture, search: Search = CLOSE, known: Sequence[Box] = ()) -> tuple[Word, ...]:
        """Words of one picture, shape (rows, columns) or (rows, columns, 3), in its coordinates.

        One that finds lines looks for them as `search` says, and may let one word with KNOWN as its text stand for a
        line that `known` words cover from end to end.
        """
        ...

    def forget(self) -> None:
        """Drops whatever is remembered of pictures read."""
        ...


def read_frame(
    views: Mapping[View, Picture],
    readers: Sequence[OcrEngine],
    before: Sequence[Word] = (),
    search: Search = CLOSE,
    known: Sequence[Word] = (),
) -> tuple[Word, ...]:
    """The words of one frame, in lines, in stored-pixel coordinates.

    `before` are the words of the frame before: a line that stands there unchanged needs no second opinion. Where there
    are several views, they are searched as `_searches` says; a lone one as
    `search` does. Lines that are made of `known` words are not read: those are not among the answer.
    """
    finders = [reader for reader in readers if reader.finds_lines]
    others = [reader for reader in readers if not reader.finds_lines]
    words: tuple[Word, ...] = ()
    for picture, each in _searches(views, search):
        if picture.min() == picture.max():
            continue
        sure = [word.box for word in (*known, *words) if word.confidence >= SURE_LINE]
        seen: tuple[Word, ...] = ()
        for finder in finders:
            found = _read_padded(picture, finder, each, sure)
            words = stretched(words, [word for word in found if word.text == KNOWN])
            seen = merge(seen, [word for word in found if word.text != KNOWN])
        seen, fresh = _recognised(seen, before)
        fresh = tuple(word for word in fresh if not any(same_place(word.box, known.box) for known in words))
        strips = cut_strips(_unclipped(views, picture), fresh)
        for reader in others if fresh or not (seen or words) else ():
            seen = merge(seen, _second_opinion(picture, strips, reader))
        words = merge(words, seen)
    return arrange(_without_ghosts(words))


def _searches(views: Mapping[View, Picture], search: Search) -> Iterator[tuple[Picture, Search]]:
    """The one on an even ground closely, the others at COARSE_SIDE_PX."""
    local = views.get(View.LOCAL)
    others = [picture for view, picture in views.items() if view is not View.LOCAL]
    if local is None or not others:
        yield from ((picture, search) for picture in views.values())
        return
    yield local, search
    yield from ((picture, Search(COARSE_SIDE_PX)) for picture in others)


def _unclipped(views: Mapping[View, Picture], picture: Picture) -> Picture:
    """The view for readers of print: as it was taken and clipped nowhere; the picture at hand where there is none."""
    plain = next((each for view, each in views.items() if view is not View.LOCAL), picture)
    chosen = views.get(View.FULL, plain)
    return chosen if chosen.min() < chosen.max() else picture


def _without_ghosts(words: Sequence[Word]) -> tuple[Word, ...]:
    """The words but those that a reader made of pieces of several lines, each of which was read well."""
    clear = [word.box for word in words if word.confidence >= CLEAR]
    return tuple(
        word
        for word in words
        if word.confidence >= GHOST
        or word.text == UNREAD
        or sum(word.box.overlap(box) for box in clear) < SAME_PLACE * word.box.area
    )


def _recognised(seen: Sequence[Word], before: Sequence[Word]) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """All words, those of unchanged lines as they were judged before; and the words of the lines that are new."""
    lines: dict[int, list[Word]] = {}
    for word in seen:
        lines.setdefault(word.line, []).append(word)
    words: list[Word] = []
    fresh: list[Word] = []
    for number, line in lines.items():
        known = [each for each in before if any(same_place(each.box, word.box) for word in line)]
        if known and "".join(each.text for each in known) == "".join(word.text for word in line):
            words.extend(replace(each, line=number) for each in known)
        else:
            words.extend(line)
            fresh.extend(line)
    return tuple(words), tuple(fresh)


def _second_opinion(picture: Picture, strips: Sequence[Strip], reader: OcrEngine) -> tuple[Word, ...]:
    found = words_of_strips(strips, reader) if strips else _read_padded(picture, reader)
    return tuple(word for word in found if word.confidence >= SURE and any(each.isalnum() for each in word.text))


def _read_padded(
    picture: Picture, reader: OcrEngine, search: Search = CLOSE, known: Sequence[Box] = ()
) -> tuple[Word, ...]:
    """Words of the picture, read with a border around it and brought back to its coordinates."""
    words = []
    there = [Box(box.left + PADDING_PX, box.top + PADDING_PX, box.width, box.height) for box in known]
    for word in reader.read(bordered(picture), search, there):
        left, top = max(word.box.left - PADDING_PX, 0), max(word.box.top - PADDING_PX, 0)
        right = min(word.box.right - PADDING_PX, picture.shape[1])
        bottom = min(word.box.bottom - PADDING_PX, picture.shape[0])
        if right > left and bottom > top:
            words.append(replace(word, box=Box.from_edges(left, top, right, bottom)))
    return tuple(words)


def arrange(words: Sequence[Word]) -> tuple[Word, ...]:
    """The words in reading order, those of one line of text with one line number."""
    rows = _rows([(word.box.left, word.box.top, word.box.right, word.box.bottom, word) for word in _upright(words)])
    rows += _rows(_turned(words))
    rows.sort(key=lambda row: (min(each.box.top for each in row), row[0].box.left))
    return tuple(replace(word, line=number) for number, row in enumerate(rows) for word in row)


_Placed = tuple[int, int, int, int, Word]
"""Left, top, right and bottom as they are where the text is turned upright."""


def _upright(words: Sequence[Word]) -> list[Word]:
    return [word for word in words if not word.vertical]


def _turned(words: Sequence[Word]) -> list[_Placed]:
    """Sideways words as they lie when turned upright: by their line's direction, or that of the nearest other."""
    columns: dict[int, list[Word]] = {}
    for word in words:
        if word.vertical:
            columns.setdefault(word.line, []).append(word)
    rising = {number: column[-1].box.top < column[0].box.top for number, column in columns.items() if len(column) > 1}
    placed: list[_Placed] = []
    for number, column in columns.items():
        nearest = min(rising, key=lambda other: _distance(columns[other][0].box, column[0].box), default=None)
        upwards = rising[number] if number in rising else nearest is None or rising[nearest]
        for word in column:
            box = word.box
            if upwards:
                placed.append((-box.bottom, box.left, -box.top, box.right, word))
            else:
                placed.append((box.top, -box.right, box.bottom, -box.left, word))
    return placed


def _distance(one: Box, two: Box) -> int:
    """Pixels between the nearest edges of two boxes, along both axes together."""
    across = max(one.left, two.left) - min(one.right, two.right)
    down = max(one.top, two.top) - min(one.bottom, two.bottom)
    return max(across, 0) + max(down, 0)


def _rows(placed: Sequence[_Placed]) -> list[list[Word]]:
    rows: list[list[_Placed]] = []
    for each in sorted(placed, key=lambda each: each[:2]):
        fitting = [row for row in rows if _continues(row[-1], each)]
        row = next((row for row in fitting if row[-1][4].line == each[4].line), fitting[0] if fitting else None)
        if row is None:
            rows.append([each])
        else:
            row.append(each)
    return [[each[4] for each in row] for row in rows]


def _continues(before: _Placed, after: _Placed) -> bool:
    """Whether a word right of another stands in the same line of text."""
    one, two = before[3] - before[1], after[3] - after[1]
    height = min(one, two)
    shared = min(before[3], after[3]) - max(before[1], after[1])
    alike = max(one, two) <= 2.2 * height
    return shared >= 0.5 * height and alike and -height <= after[0] - before[2] <= LINE_GAP_HEIGHTS * height
