"""Made-up pictures with burned-in text that is hard to see, and what stands where: readers learn from them.

Nothing of them is anybody's: grounds are drawn (`deid.bench.scenes`), words come from the vocabulary of DICOM and of
consoles, from syllables and digits.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.bench.scenes import ground
from deid.bench.typefaces import Dotted, Inked, Typeface
from deid.demo.shapes import cloud, grain
from deid.grounds import even_ground
from deid.training.clutter import clutter
from deid.training.strings import line_of

Plane = NDArray[np.float32]
Picture = NDArray[np.uint8]

MODALITIES = ("US", "US", "US", "CT", "MR", "CR", "DX", "XA", "MG")
POOL = 40
"""Drawn grounds that are kept; one is drawn anew for every RENEWED pictures."""
RENEWED = 12
LEGIBLE = 0.35
"""Lines whose ink has less likeness to what is seen there cannot be read by a person."""
TRIED = 12
"""So many typefaces are looked at for one that has the letters of a line."""
_INK = 0.4


@dataclass(frozen=True, slots=True)
class LetteredLine:
    """A line of text in a picture."""

    text: str
    box: tuple[int, int, int, int]
    """Left, top, right and bottom of its ink inside the picture, half-open pixels."""
    cells: tuple[tuple[int, int], ...]
    """Half-open columns of each character of the text in the picture, rows where the line is turned."""
    turn: int
    """Quarter turns against the clock by which it was turned: 0, 1 or 3."""
    size: int
    """Of the type, pixels."""
    likeness: float = 0.0
    """Correlation of its letters' ink with what is seen there on an even ground, 0 to 1: a quarter of them has less."""


@dataclass(slots=True, eq=False)
class Lettered:
    """A picture with text."""

    grey: Picture
    """As stored, shape (rows, columns)."""
    ink: Plane
    """Coverage 0 to 1 of all text; where letters are made of dots, of whole letters."""
    lines: tuple[LetteredLine, ...]


@dataclass(slots=True, eq=False)
class _Sheet:
    """The picture while it is lettered."""

    levels: Plane
    rng: random.Random
    solid: Plane = field(init=False)
    taken: NDArray[np.bool_] = field(init=False)
    lines: list[LetteredLine] = field(default_factory=list)
    owners: list[tuple[tuple[slice, slice], NDArray[np.bool_]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.solid = np.zeros_like(self.levels)
        self.taken = np.zeros(self.levels.shape, bool)


class Lettering:
    """Makes pictures without end from one source of chance; of the blocks of lines, `sideways` run up or down."""

    def __init__(self, rng: np.random.Generator, faces: Sequence[Typeface], *, sideways: float = 0.1) -> None:
        self._sideways = sideways
        self._noise = rng
        self._rng = random.Random(int(rng.integers(1 << 62)))  # noqa: S311 - made-up text, no secret
        dots = [face for face in faces if isinstance(face, Dotted)]
        self._faces = [*faces, *dots * max(len(faces) // 12, 1)]
        self._pool: list[Plane] = []
        self._made = 0

    def make(self, *, empty: bool = False) -> Lettered:
        """The next picture; an `empty` one has no text."""
        rng, noise = self._rng, self._noise
        rows, columns = rng.randint(360, 768), rng.randint(400, 832)
        enlarged = rng.uniform(1.2, 2.0) if rng.random() < 0.15 else 1.0
        size = round(rows / enlarged), round(columns / enlarged)
        sheet = _Sheet(self._ground(size), rng)
        if rng.random() < 0.5:
            clutter(sheet.levels, rng)
        for _ in range(0 if empty else rng.randint(2, 9)):
            self._block(sheet)
        levels = sheet.levels
        if rng.random() < 0.2:
            levels = levels * (1 + rng.uniform(0.02, 0.15) * grain(noise, size, rng.uniform(0, 1.5)))
        if rng.random() < 0.6:
            levels = levels + rng.uniform(0.5, 7) * grain(noise, size, rng.choice((0, 0, 0.6, 1.0)))
        levels = np.asarray(np.clip(levels, 0, 255), np.float32)
        if enlarged > 1:
            levels = np.asarray(cv2.resize(levels, (columns, rows), interpolation=cv2.INTER_CUBIC), np.float32)
        grey = np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)
        if rng.random() < 0.35:
            quality = int(min(15 + rng.expovariate(1 / 25), 95))
            _, data = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
            grey = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
        if rng.random() < 0.2:
            grey = 255 - grey
        solid = sheet.solid if enlarged == 1 else np.asarray(cv2.resize(sheet.solid, (columns, rows)), np.float32)
        return Lettered(grey, solid, _finished(sheet, grey, enlarged))

    def _ground(self, size: tuple[int, int]) -> Plane:
        rng, noise = self._rng, self._noise
        kind = rng.random()
        if kind < 0.08:
            plane = np.full(size, rng.choice((0.0, 0.0, rng.uniform(0, 255))), np.float32)
        elif kind < 0.22:
            plane = np.clip(
                rng.uniform(20, 200) + rng.uniform(10, 110) * cloud(noise, size, rng.randint(2, 12), 4), 0, 255
            )
            if rng.random() < 0.6:
                speckle = np.abs(grain(noise, size, rng.uniform(0.5, 2.0)))
                plane = plane * (1 - (strength := rng.uniform(0.2, 1.0)) + strength * speckle * 1.2)
        else:
            plane = self._drawn(size)
        if rng.random() < 0.3:
            plane = plane * rng.uniform(0.3, 1.1) + rng.uniform(0, 60)
        if rng.random() < 0.15:
            plane = 255 - plane
        return np.asarray(np.clip(plane, 0, 255), np.float32).copy()

    def _drawn(self, size: tuple[int, int]) -> Plane:
        """Anatomy of the pool: turned over, or a part of it enlarged."""
        rng = self._rng
        if len(self._pool) < POOL or self._made % RENEWED == 0:
            rows, columns = rng.randint(380, 640), rng.randint(400, 720)
            self._pool.append(ground(rng.choice(MODALITIES), self._noise, (rows, columns)))
            del self._pool[:-POOL]
        self._made += 1
        plane = rng.choice(self._pool)
        if rng.random() < 0.5:
            plane = plane[:, ::-1]
        if rng.random() < 0.3:
            rows, columns = (round(side * rng.uniform(0.5, 1)) for side in plane.shape)
            top, left = (rng.randint(0, side - part) for side, part in zip(plane.shape, (rows, columns), strict=True))
            plane = plane[top : top + rows, left : left + columns]
        way = rng.choice((cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA))
        return np.asarray(cv2.resize(np.ascontiguousarray(plane), size[::-1], interpolation=way), np.float32)

    def _block(self, sheet: _Sheet) -> None:
        rng = self._rng
        chance = rng.random()
        size = rng.randint(8, 11) if chance < 0.22 else rng.randint(11, 24) if chance < 0.85 else rng.randint(24, 80)
        count = 1 if size > 40 else rng.choice((1, 1, 1, 2, 3, 4, 6))
        texts = [line_of(rng, large=size > 40) for _ in range(count)]
        face = next((each for each in rng.choices(self._faces, k=TRIED) if each.can_draw(texts[0])), None)
        if face is None:
            return
        texts = [text for text in texts if face.can_draw(text)]
        drawn = [face.draw(text, size) for text in texts]
        pitch = max(round(size * 0.72 / 7), 1) if isinstance(face, Dotted) else 0
        turned = rng.choice((1, 3)) if rng.random() < self._sideways else 0
        _place(sheet, texts, drawn, size, pitch, turned)


def _place(sheet: _Sheet, texts: Sequence[str], drawn: Sequence[Inked], size: int, pitch: int, turned: int) -> None:
    """One block of lines in one style where there is room for it."""
    rng = sheet.rng
    leading = rng.uniform(0.85, 1.4)
    height = round(drawn[0].ink.shape[0] * leading)
    block = np.zeros(
        (height * (len(drawn) - 1) + drawn[-1].ink.shape[0], max(d.ink.shape[1] for d in drawn)), np.float32
    )
    owner = np.zeros(block.shape, np.int32)
    for number, each in enumerate(drawn):
        place = slice(number * height, number * height + each.ink.shape[0]), slice(0, each.ink.shape[1])
        np.maximum(block[place], each.ink, out=block[place])
        owner[place][each.ink >= _INK] = number + 1
    solid = cv2.morphologyEx(block, cv2.MORPH_CLOSE, np.ones((pitch, pitch), np.uint8)) if pitch > 1 else block
    if rng.random() < 0.3:
        block = np.asarray(cv2.GaussianBlur(block, (0, 0), rng.uniform(0.3, 0.8)), np.float32)
    block, solid, owner = (np.ascontiguousarray(np.rot90(each, turned)) for each in (block, solid, owner))
    spot = _spot(sheet, block.shape)
    if spot is None:
        return
    top, left = spot
    rows, columns = sheet.levels.shape
    whole = (
        slice(max(top, 0), min(top + block.shape[0], rows)),
        slice(max(left, 0), min(left + block.shape[1], columns)),
    )
    part = tuple(slice(each.start - at, each.stop - at) for each, at in zip(whole, spot, strict=True))
    _ink(sheet, whole, block[part[0], part[1]])
    sheet.solid[whole] = np.maximum(sheet.solid[whole], solid[part[0], part[1]])
    sheet.taken[whole] = True
    for number, (text, each) in enumerate(zip(texts, drawn, strict=True)):
        own = owner[part[0], part[1]] == number + 1
        if own.any():
            _enter(sheet, text, each, own, whole, spot, turned, block.shape, size)


def _enter(
    sheet: _Sheet,
    text: str,
    drawn: Inked,
    own: NDArray[np.bool_],
    whole: tuple[slice, slice],
    spot: tuple[int, int],
    turned: int,
    shape: tuple[int, ...],
    size: int,
) -> None:
    ys, xs = np.nonzero(own)
    top, left = whole[0].start, whole[1].start
    box = int(xs.min()) + left, int(ys.min()) + top, int(xs.max()) + left + 1, int(ys.max()) + top + 1
    cells = drawn.cells
    if turned == 1:
        cells = tuple((shape[0] - stop, shape[0] - start) for start, stop in cells)
    at = spot[0] if turned else spot[1]
    cells = tuple((start + at, stop + at) for start, stop in cells)
    sheet.lines.append(LetteredLine(text, box, cells, turned, size))
    sheet.owners.append((whole, own))


def _spot(sheet: _Sheet, shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Top and left of a free place, now and then beyond the border."""
    rng = sheet.rng
    rows, columns = sheet.taken.shape
    height, width = shape
    if height > rows or width > columns:
        return None
    for _ in range(12):
        top, left = rng.randint(0, rows - height), rng.randint(0, columns - width)
        if rng.random() < 0.35:
            margin = rng.randint(0, 10)
            top = rng.choice((min(margin, rows - height), max(rows - height - margin, 0)))
            left = rng.choice((min(margin, columns - width), max(columns - width - margin, 0), left))
        if rng.random() < 0.08:
            hidden = rng.randint(2, 16)
            if rng.random() < 0.5:
                left = rng.choice((-hidden, columns - width + hidden))
            else:
                top = rng.choice((-hidden // 2, rows - height + hidden // 2))
        place = sheet.taken[max(top - 3, 0) : top + height + 3, max(left - 8, 0) : left + width + 8]
        shows = -height < top < rows and -width < left < columns
        if shows and not place.any():
            return top, left
    return None


def _ink(sheet: _Sheet, whole: tuple[slice, slice], ink: Plane) -> None:
    """Draws ink in a style: strong or faint, on a bar, with a rim, hardly there."""
    rng = sheet.rng
    under = sheet.levels[whole]
    level = float(np.median(under))
    brighter = level < 128 if rng.random() < 0.85 else level >= 128
    room = 255 - level if brighter else level
    chance = rng.random()
    apart = (
        rng.uniform(16, 45) if chance < 0.25 else rng.uniform(45, 110) if chance < 0.5 else rng.uniform(0.6, 1) * room
    )
    colour = level + apart if brighter else level - apart
    style = rng.random()
    if style < 0.07:
        bar = rng.uniform(0, 255)
        under = np.full_like(under, bar)
        colour = bar - rng.uniform(40, 200) if bar > 128 else bar + rng.uniform(40, 200)
    elif style < 0.15:
        rim = np.asarray(cv2.dilate(ink, np.ones((3, 3), np.uint8)))
        under = under * (1 - rim) + (255 - colour) * rim * np.float32(0.8)
    elif style < 0.2:
        ink = ink * np.float32(rng.uniform(0.4, 0.9))
    sheet.levels[whole] = under * (1 - ink) + np.float32(np.clip(colour, 0, 255)) * ink


def _finished(sheet: _Sheet, grey: Picture, enlarged: float) -> tuple[LetteredLine, ...]:
    """The lines in the picture as it is stored, each with its likeness to its ink."""
    rows, columns = grey.shape
    shown = even_ground(grey).astype(np.float32)
    done = []
    for line, (whole, own) in zip(sheet.lines, sheet.owners, strict=True):
        mine = np.zeros(sheet.levels.shape, np.float32)
        mine[whole] = own
        if enlarged > 1:
            mine = np.asarray(cv2.resize(mine, (columns, rows)), np.float32)
        left, top, right, bottom = (round(each * enlarged) for each in line.box)
        box = left, top, min(right, columns), min(bottom, rows)
        cells = tuple((round(start * enlarged), round(stop * enlarged)) for start, stop in line.cells)
        likeness = _likeness(mine >= _INK, shown, box, cells, line.turn)
        done.append(LetteredLine(line.text, box, cells, line.turn, round(line.size * enlarged), likeness))
    return tuple(done)


def _likeness(
    inked: NDArray[np.bool_], shown: Plane, box: tuple[int, ...], cells: Sequence[tuple[int, int]], turn: int
) -> float:
    """The lower quartile over a line's letters."""
    left, top, right, bottom = box
    told = []
    for start, stop in cells[:: max(len(cells) // 12, 1)]:
        along = slice(max(start - 2, 0), max(stop + 2, 0))
        across = slice(max((left if turn else top) - 2, 0), (right if turn else bottom) + 2)
        place = (along, across) if turn else (across, along)
        ink, seen = inked[place].ravel(), shown[place].ravel()
        if ink.any() and not ink.all():
            told.append(abs(float(np.corrcoef(ink, seen)[0, 1])) if seen.std() > 0.5 else 0.0)
    return float(np.percentile(told, 25)) if told else 0.0
