"""Letters of five by seven dots, as character displays and old consoles have them, in three looks."""

from __future__ import annotations

from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

ADVANCE_DOTS, HEIGHT_DOTS = 6, 8
"""One empty column follows each letter; the eighth row holds what hangs below the line."""
CAPITAL_DOTS = 7
_COLUMNS = bytes.fromhex(
    "0000000000 00005f0000 0007000700 147f147f14 242a7f2a12 2313086462 3649562050 0008070300 001c224100 0041221c00"
    "2a1c7f1c2a 08083e0808 0080703000 0808080808 0000606000 2010080402 3e5149453e 00427f4000 7249494946 2141494d33"
    "1814127f10 2745454539 3c4a494931 4121110907 3649494936 464949291e 0000140000 0040340000 0008142241 1414141414"
    "0041221408 0201590906 3e415d594e 7c1211127c 7f49494936 3e41414122 7f4141413e 7f49494941 7f09090901 3e41415173"
    "7f0808087f 00417f4100 2040413f01 7f08142241 7f40404040 7f021c027f 7f0408107f 3e4141413e 7f09090906 3e4151215e"
    "7f09192946 2649494932 03017f0103 3f4040403f 1f2040201f 3f4038403f 6314081463 0304780403 6159494d43 007f414141"
    "0204081020 004141417f 0402010204 4040404040 0003070800 2054547840 7f28444438 3844444428 384444287f 3854545418"
    "00087e0902 18a4a49c78 7f08040478 00447d4000 2040403d00 7f10284400 00417f4000 7c04780478 7c08040478 3844444438"
    "fc18242418 18242418fc 7c08040408 4854545424 04043f4424 3c4040207c 1c2040201c 3c4030403c 4428102844 4c9090907c"
    "4464544c44 0008364100 0000770000 0041360800 0201020402".replace(" ", "")
)
"""From the space to the tilde, five columns each, the lowest bit on top."""


class Look(Enum):
    """How a dot is drawn."""

    BLOCKS = "blocks"
    DOTS = "dots"
    STROKES = "strokes"


def can_draw(text: str) -> bool:
    """Whether there are dots for every character."""
    return all(" " <= each <= "~" for each in text)


def draw_dots(text: str, pitch: int, look: Look) -> NDArray[np.float32]:
    """Coverage 0 to 1 of the text, `pitch` pixels a dot, shape (8 pitch, 6 pitch times the characters)."""
    cells = np.hstack([_letter(each) for each in text])
    if look is Look.BLOCKS:
        return np.kron(cells, np.ones((pitch, pitch), np.float32))
    if look is Look.DOTS:
        dot = np.zeros((pitch, pitch), np.float32)
        dot[: max(pitch - 1, 1), : max(pitch - 1, 1)] = 1
        return np.kron(cells, dot)
    return _strokes(cells, pitch)


def _letter(character: str) -> NDArray[np.float32]:
    start = (ord(character) - 32) * 5
    columns = np.frombuffer(_COLUMNS[start : start + 5], np.uint8)
    bits = np.unpackbits(columns[:, None], axis=1, bitorder="little").T.astype(np.float32)
    return np.pad(bits, ((0, 0), (0, 1)))


def _strokes(cells: NDArray[np.float32], pitch: int) -> NDArray[np.float32]:
    """Thin lines from each dot to its neighbours, slanting ones where no straight ones join the two."""
    plane = np.zeros((cells.shape[0] * pitch, cells.shape[1] * pitch), np.uint8)
    rows, columns = np.nonzero(cells)
    lit = set(zip(rows.tolist(), columns.tolist(), strict=True))
    for row, column in lit:
        plane[row * pitch + pitch // 2, column * pitch + pitch // 2] = 255
        for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
            other = (row + down, column + right)
            joined = down and right and ((row, other[1]) in lit or (other[0], column) in lit)
            if other in lit and not joined:
                ends = [(x * pitch + pitch // 2, y * pitch + pitch // 2) for y, x in ((row, column), other)]
                cv2.line(plane, ends[0], ends[1], 255, 1 + (pitch >= 6), cv2.LINE_AA)
    return plane.astype(np.float32) / np.float32(255)
