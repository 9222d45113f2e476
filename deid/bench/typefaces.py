"""Typefaces for made-up cases: those that come with the packages, letters of dots, and whatever is installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from deid.bench.dots import ADVANCE_DOTS, CAPITAL_DOTS, Look, can_draw, draw_dots
from deid.errors import UsageError

INSTALLED = Path("/usr/share/fonts")
_ENDINGS = (".ttf", ".otf", ".ttc")
_CAPITALS_HIGH = 0.72
"""Height of a capital in multiples of the type's size."""
_NO_GLYPH = "\uffff"


@dataclass(frozen=True, slots=True, eq=False)
class Inked:
    """A drawn word."""

    ink: NDArray[np.float32]
    """Coverage 0 to 1, shape (rows, columns); words of one line have the same rows."""
    cells: tuple[tuple[int, int], ...]
    """Half-open columns of each character."""


class Typeface(Protocol):
    """Draws words."""

    name: str

    def can_draw(self, text: str) -> bool:
        """Whether the typeface has every character."""
        ...

    def draw(self, word: str, size: int) -> Inked:
        """The word in a type of `size` pixels."""
        ...


class Dotted:
    """Letters of dots: their size is the multiple of eight pixels that comes nearest."""

    def __init__(self, look: Look) -> None:
        self.name = look.value
        self._look = look

    def can_draw(self, text: str) -> bool:
        """ASCII alone."""
        return can_draw(text)

    def draw(self, word: str, size: int) -> Inked:
        """The word in dots."""
        pitch = max(round(size * _CAPITALS_HIGH / CAPITAL_DOTS), 2 if self._look is Look.STROKES else 1)
        ink = draw_dots(word, pitch, self._look)
        advance = ADVANCE_DOTS * pitch
        return Inked(ink, tuple((each * advance, (each + 1) * advance) for each in range(len(word))))


class Drawn:
    """OpenCV's own typeface."""

    name = "opencv"

    def can_draw(self, text: str) -> bool:
        """Printable ASCII alone is sure to be there."""
        return can_draw(text)

    def draw(self, word: str, size: int) -> Inked:
        """The word with smooth edges."""
        scale = size * _CAPITALS_HIGH / 21
        weight = 2 if size >= 22 else 1
        edges = [
            cv2.getTextSize(word[:each], cv2.FONT_HERSHEY_SIMPLEX, scale, weight)[0][0] if each else 0
            for each in range(len(word) + 1)
        ]
        plane = np.zeros((round(size * 1.4), edges[-1] + 4), np.uint8)
        cv2.putText(plane, word, (1, round(size * 1.05)), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, weight, cv2.LINE_AA)
        cells = tuple((start, stop + 2) for start, stop in pairwise(edges))
        return Inked(plane.astype(np.float32) / np.float32(255), cells)


class Outlined:
    """A typeface from a file, or Pillow's own, with smooth edges or without."""

    def __init__(self, name: str, path: Path | None = None, *, smooth: bool = True) -> None:
        self.name = name
        self._path = path
        self._smooth = smooth

    def can_draw(self, text: str) -> bool:
        """Whether no character comes out as the sign for what is missing."""
        missing = _bitmap(self._path, _NO_GLYPH)
        return all(each.isspace() or _bitmap(self._path, each) != missing for each in text)

    def draw(self, word: str, size: int) -> Inked:
        """The word, kerned as the file says."""
        font = _font(self._path, size)
        edges = [round(font.getlength(word[:each])) for each in range(len(word) + 1)]
        sheet = Image.new("L" if self._smooth else "1", (edges[-1] + 6, round(size * 1.5)), 0)
        ImageDraw.Draw(sheet).text((2, round(size * 0.15)), word, fill=255 if self._smooth else 1, font=font)
        ink = np.asarray(sheet, np.float32) / np.float32(255 if self._smooth else 1)
        cells = tuple((start + 1, stop + 3) for start, stop in pairwise(edges))
        return Inked(ink, cells)


def typefaces(folder: Path | None = None) -> tuple[Typeface, ...]:
    """All typefaces there are, in the order of their names: the same cases need the same ones.

    Files come from `folder` where one is given, from those of this machine else.

    Raises
    ------
    UsageError
        Where the folder holds no file of a typeface.
    """
    paths = sorted(path for path in (folder or INSTALLED).rglob("*") if path.suffix.lower() in _ENDINGS)
    if folder is not None and not paths:
        raise UsageError("The folder of typefaces holds no .ttf, .otf or .ttc file.")
    found: list[Typeface] = [*(Dotted(look) for look in Look), Drawn()]
    found += [Outlined("pillow"), Outlined("pillow-jagged", smooth=False)]
    found += [Outlined(path.stem, path) for path in paths if _is_upright(path)]
    return tuple(found)


def fit_for(text: str, faces: Sequence[Typeface]) -> tuple[Typeface, ...]:
    """Those that have every character of the text."""
    return tuple(face for face in faces if face.can_draw(text))


def _is_upright(path: Path) -> bool:
    """Whether a file's letters can be read as type: no symbols, no formulas."""
    if any(word in path.stem.lower() for word in ("math", "symbol", "emoji", "icon", "dingbat")):
        return False
    try:
        return Outlined(path.stem, path).can_draw("Ag09")
    except OSError:
        return False


@lru_cache(maxsize=512)
def _font(path: Path | None, size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=size) if path is None else ImageFont.truetype(str(path), size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


@lru_cache(maxsize=100_000)
def _bitmap(path: Path | None, character: str) -> bytes:
    mask = _font(path, 24).getmask(character)
    return bytes(mask) + repr(mask.size).encode()
