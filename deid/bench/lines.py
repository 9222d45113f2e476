"""Lines of text drawn as one patch: ink, and which word owns each pixel of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.bench.dots import ADVANCE_DOTS
from deid.bench.typefaces import Dotted, Typeface
from deid.bench.wording import Line, Said

INK = 0.4
"""Coverage from which a pixel belongs to a letter."""
SPACE_SHARE = 0.34
LEADING = 1.12


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Drawn lines. Word k of `words` owns the pixels of `owner` that are k + 1."""

    words: tuple[Said, ...]
    cells: tuple[tuple[tuple[int, int], ...], ...]
    """Of each word; columns, or rows where the patch was turned."""
    ink: NDArray[np.float32]
    owner: NDArray[np.int32]
    turned: bool = False


def draw_lines(lines: Sequence[Line], face: Typeface, size: int) -> Patch:
    """The lines below each other, left-aligned."""
    space = ADVANCE_DOTS * max(size // 8, 1) if isinstance(face, Dotted) else max(round(size * SPACE_SHARE), 3)
    rows: list[tuple[NDArray[np.float32], NDArray[np.int32]]] = []
    words: list[Said] = []
    cells: list[tuple[tuple[int, int], ...]] = []
    for line in lines:
        inks, owners, left = [], [], 0
        for word in line:
            drawn = face.draw(word.text, size)
            words.append(word)
            cells.append(tuple((left + start, left + stop) for start, stop in drawn.cells))
            gap = np.zeros((drawn.ink.shape[0], space), np.float32)
            inks += [drawn.ink, gap]
            owners += [np.where(drawn.ink >= INK, len(words), 0), gap]
            left += drawn.ink.shape[1] + space
        rows.append((np.hstack(inks), np.hstack(owners).astype(np.int32)))
    height = round(max(row.shape[0] for row, _ in rows) * (LEADING if len(rows) > 1 else 1))
    width = max(row.shape[1] for row, _ in rows)
    ink, owner = np.zeros((height * len(rows), width), np.float32), np.zeros((height * len(rows), width), np.int32)
    for number, (row, own) in enumerate(rows):
        place = slice(number * height, number * height + row.shape[0]), slice(0, row.shape[1])
        ink[place], owner[place] = row, own
    return Patch(tuple(words), tuple(cells), ink, owner)


def turn(patch: Patch, quarters: int) -> Patch:
    """The patch turned counter-clockwise by one quarter, or by three."""
    width = patch.ink.shape[1]
    if quarters == 1:
        cells = tuple(tuple((width - stop, width - start) for start, stop in word) for word in patch.cells)
    else:
        cells = patch.cells
    return Patch(patch.words, cells, np.rot90(patch.ink, quarters), np.rot90(patch.owner, quarters), turned=True)


def soften(patch: Patch, sigma: float) -> Patch:
    """The patch with soft edges, as scaled screens have them."""
    ink = np.asarray(cv2.GaussianBlur(np.ascontiguousarray(patch.ink), (0, 0), sigma), np.float32)
    return Patch(patch.words, patch.cells, ink, patch.owner, patch.turned)
