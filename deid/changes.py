"""What changed from one frame of a loop to the next: text in pixels that stayed as they were is known already.

A scanner's console stands still around a moving picture. Only the part that moved is searched and read anew, together
with every word that reaches into it, at the scale at which the whole frame would be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deid.grounds import PADDING_PX
from deid.ocr import OcrEngine, Picture, arrange, read_frame
from deid.values import CLOSE, Box, Search, View, Word

LARGEST_PX = 2600
"""Longer pictures are searched in tiles, always whole."""
LARGEST_SHARE = 0.75
"""Where more of a frame's area than this would be searched, all of it is."""
AROUND_PX = 32
"""A detector of text needs to see the ground that it stands on."""
ROUND_PX = 64
"""Parts have sides that are multiples of this where there is room: runtimes prepare themselves for each new size."""

Stored = NDArray[np.generic]


def changed_part(stored: Stored, before: Stored, words: Sequence[Word]) -> Box | None:
    """The box to read again: all pixels that differ between two frames, and each of the words before that it touches.

    None where the whole frame has to be read.
    """
    if stored.shape != before.shape or max(stored.shape[:2]) > LARGEST_PX:
        return None
    differing = stored != before
    differing = differing.any(axis=2) if differing.ndim == 3 else differing
    rows, columns = np.flatnonzero(differing.any(axis=1)), np.flatnonzero(differing.any(axis=0))
    if not rows.size:
        return None
    edges = [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]
    part = _around(edges, stored.shape)
    while touched := [word.box for word in words if 0 < word.box.overlap(part) < word.box.area]:
        reach = (
            min(part.left + AROUND_PX, *(box.left for box in touched)),
            min(part.top + AROUND_PX, *(box.top for box in touched)),
            max(part.right - AROUND_PX, *(box.right for box in touched)),
            max(part.bottom - AROUND_PX, *(box.bottom for box in touched)),
        )
        part = _around(reach, stored.shape)
    return part if part.area <= LARGEST_SHARE * stored.shape[0] * stored.shape[1] else None


def _around(edges: Sequence[int], shape: tuple[int, ...]) -> Box:
    """The box with what stands around it, its sides rounded up where the picture has room."""
    spans = []
    for start, stop, room in ((edges[0], edges[2], shape[1]), (edges[1], edges[3], shape[0])):
        start, stop = max(start - AROUND_PX, 0), min(stop + AROUND_PX, room)
        length = min(-(-(stop - start) // ROUND_PX) * ROUND_PX, room)
        start = max(min(start, room - length), 0)
        spans.append((start, start + length))
    return Box.from_edges(spans[0][0], spans[1][0], spans[0][1], spans[1][1])


def read_part(
    views: Mapping[View, Picture], readers: Sequence[OcrEngine], words: Sequence[Word], part: Box
) -> tuple[Word, ...]:
    """The words of a frame of which only a part differs from the frame whose `words` are given."""
    shape = next(iter(views.values())).shape
    share = (max(part.width, part.height) + 2 * PADDING_PX) / (max(shape[:2]) + 2 * PADDING_PX)
    cut = {view: picture[part.top : part.bottom, part.left : part.right] for view, picture in views.items()}
    inside = [_moved(word, -part.left, -part.top) for word in words if word.box.overlap(part)]
    found = read_frame(cut, [_Nearer(reader, share) if reader.finds_lines else reader for reader in readers], inside)
    return arrange(
        [
            *(word for word in words if not word.box.overlap(part)),
            *(_moved(word, part.left, part.top) for word in found),
        ]
    )


def _moved(word: Word, right: int, down: int) -> Word:
    box = word.box
    return replace(word, box=Box(box.left + right, box.top + down, box.width, box.height))


class _Nearer:
    """A reader that searches a part of a picture at the scale of the whole."""

    def __init__(self, reader: OcrEngine, share: float) -> None:
        self._reader, self._share = reader, share
        self.name, self.version, self.finds_lines = reader.name, reader.version, reader.finds_lines

    def read(self, picture: NDArray[Any], search: Search = CLOSE, known: Sequence[Box] = ()) -> tuple[Word, ...]:
        return self._reader.read(picture, replace(search, share=search.share * self._share), known)

    def forget(self) -> None:
        self._reader.forget()
