"""Burned-in text of the demo studies: what stands where, drawn with fonts that come with the packages.

In a line, what a de-identifier must remove stands in braces: `"ID: {4471-09}"`. A block's text and the truth about it
are thus one thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_RUN = re.compile(r"\{([^{}]*)\}|([^{}]+)")


class Font(Enum):
    """A typeface: Pillow's own, which has no accents, or one of OpenCV's own."""

    PLAIN = "plain"
    ROUND = "round"
    ROUND_BOLD = "round-bold"


class Align(Enum):
    """Which edge of a block's lines stands at `left`."""

    LEFT = "left"
    MIDDLE = "middle"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of text below each other. `left` and `top` are pixels of the picture, `size` is the line's height."""

    left: int
    top: int
    lines: tuple[str, ...]
    size: int = 18
    font: Font = Font.PLAIN
    align: Align = Align.LEFT
    leading: float = 1.25
    """Distance of two lines in multiples of `size`."""
    colour: tuple[int, int, int] = (235, 235, 235)
    """Red, green, blue; a grey picture takes the brightest of them."""
    outlined: bool = False
    """With a dark rim, as over anatomy."""
    turned: bool = False
    """A quarter turn counter-clockwise: `left` and `top` are where the first line begins, at the bottom."""


def phi_texts(blocks: Iterable[Block]) -> tuple[str, ...]:
    """Each text in braces once, in the order of the blocks."""
    return tuple(dict.fromkeys(text for text, phi in _runs_of(blocks) if phi))


def kept_texts(blocks: Iterable[Block]) -> tuple[str, ...]:
    """Each text outside of braces once, in the order of the blocks."""
    return tuple(dict.fromkeys(text for text, phi in _runs_of(blocks) if not phi))


def letter(
    picture: NDArray[np.float32], blocks: Iterable[Block], black: float = 0, white: float = 255
) -> NDArray[np.float32]:
    """The picture (rows, columns) or (rows, columns, 3), valued from `black` to `white`, with the blocks over it."""
    drawn = picture
    for block in blocks:
        ink = _ink(block, picture.shape[0], picture.shape[1])
        if block.outlined:
            rim = cv2.GaussianBlur(np.asarray(cv2.dilate(ink, np.ones((5, 5), np.uint8))), (0, 0), 1.0)
            drawn = _blend(drawn, np.asarray(rim, np.float32), np.full(3, black, np.float32))
        drawn = _blend(
            drawn,
            ink,
            np.float32(black) + np.array(block.colour, np.float32) / np.float32(255) * np.float32(white - black),
        )
    return drawn


def letter_levels(plane: NDArray[np.float32], blocks: Iterable[Block], white: int) -> NDArray[np.uint16]:
    """A plane of 0 to 1 as levels of 0 to `white`, with the blocks over it, brighter than all else."""
    lettered = letter(plane * np.float32(white * 0.93), blocks, 0, white)
    return np.asarray(np.clip(np.rint(lettered), 0, white), np.uint16)


def _blend(drawn: NDArray[np.float32], ink: NDArray[np.float32], colour: NDArray[np.float32]) -> NDArray[np.float32]:
    """`ink` (0 to 1) of a colour over the picture."""
    if drawn.ndim == 2:
        return np.asarray(drawn * (1 - ink) + ink * colour.max(), np.float32)
    return np.asarray(drawn * (1 - ink[..., None]) + ink[..., None] * colour, np.float32)


def _runs_of(blocks: Iterable[Block]) -> Iterator[tuple[str, bool]]:
    for block in blocks:
        for line in block.lines:
            for phi, kept in _RUN.findall(line):
                text = (phi or kept).strip()
                if text:
                    yield text, bool(phi)


def _ink(block: Block, rows: int, columns: int) -> NDArray[np.float32]:
    """Coverage of each pixel, 0 to 1."""
    height, width = (columns, rows) if block.turned else (rows, columns)
    left, top = (rows - block.top, block.left) if block.turned else (block.left, block.top)
    sheet = Image.new("L", (width, height), 0)
    for number, line in enumerate(block.lines):
        text = line.replace("{", "").replace("}", "")
        y = top + round(number * block.size * block.leading)
        x = left - round(_width(text, block) * {Align.LEFT: 0.0, Align.MIDDLE: 0.5, Align.RIGHT: 1.0}[block.align])
        sheet = _write(sheet, text, (x, y), block)
    ink = np.asarray(sheet, np.float32) / np.float32(255)
    return np.asarray(np.rot90(ink) if block.turned else ink, np.float32)


def _write(sheet: Image.Image, text: str, where: tuple[int, int], block: Block) -> Image.Image:
    if block.font is Font.PLAIN:
        ImageDraw.Draw(sheet).text(where, text, fill=255, font=_plain(block.size))
        return sheet
    drawn = np.array(sheet)
    x, y = where
    scale, weight = _round(block)
    cv2.putText(
        drawn, text, (x, y + round(block.size * 0.8)), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, weight, cv2.LINE_AA
    )
    return Image.fromarray(drawn)


def _width(text: str, block: Block) -> float:
    if block.font is Font.PLAIN:
        return float(_plain(block.size).getlength(text))
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, *_round(block))
    return float(width)


def _round(block: Block) -> tuple[float, int]:
    """Scale and weight in OpenCV's measure: capitals are 21 pixels high at scale 1."""
    return block.size * 0.72 / 21, 2 if block.font is Font.ROUND_BOLD else 1


@lru_cache(maxsize=32)
def _plain(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=size * 0.9)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType")
    return font
