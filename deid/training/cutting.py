"""Lines cut out of made-up pictures as the reader cuts them, in batches of one length: what the recogniser learns from.

A batch's strips are as long as each other, so that nothing but what the reader itself fills up is filled up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset

from deid.bench.typefaces import Typeface, typefaces
from deid.grounds import PADDING_PX, bordered, even_ground
from deid.training.lettering import LEGIBLE, Lettered, LetteredLine, Lettering
from deid.values import UNNAMED

HEIGHT, SHORTEST, LONGEST = 48, 192, 1280
"""Of strips, pixels: the first two as in deid/engines/rapidocr.py."""
STEP = 32
"""Strips are as long as a multiple of this: they are stretched by as little as that takes."""
COLUMN = 8
"""Pixels of a strip for which the recogniser gives one answer."""
EASY = 0.8
"""Likeness from which on the network as it was is to be believed as well."""
BARE_SHARE, KEPT_SHARE, PART_SHARE, WITHIN_SHARE = 0.06, 0.06, 0.3, 0.15
TALL = 1.5
"""As in deid/engines/finding.py."""
MOST_FAILURES = 20
_SCRIPTS = {
    "Latin": (0x41, 0x17F),
    "Greek": (0x391, 0x3CA),
    "Chinese": (0x4E00, 0x9FA5),
    "Japanese": (0x3041, 0x30FF),
    "Korean": (0xAC00, 0xD7A3),
}

_LOOKALIKES = frozenset("АВЕКМНОРСТХУЅІЈаеорсхуѕіјёЁїЇѐ٥١")
"""Cyrillic letters and Arabic digits that may be Latin ones."""

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """A line as the recogniser takes it."""

    grey: Picture
    """Shape (HEIGHT, columns)."""
    text: str | None
    """What stands there, "" for nothing; None where the network as it was is to be believed."""
    easy: bool
    traits: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Strips of one length."""

    grey: Picture
    """Shape (strips, HEIGHT, columns)."""
    lengths: NDArray[np.int64]
    """Columns of each strip that are not filled up."""
    targets: NDArray[np.int64]
    """Numbers of the characters, shape (strips, most characters); 0 beyond the text's end."""
    counts: NDArray[np.int64]
    """Characters of each."""
    told: NDArray[np.bool_]
    """Whether the text is known."""
    easy: NDArray[np.bool_]
    traits: tuple[tuple[str, ...], ...]
    held: bool
    """Whether it is kept apart for measuring."""


class Strips(IterableDataset[Batch]):
    """Batches without end, each of `pixels` from end to end; the first `held` strips are of pictures of their own."""

    def __init__(self, fonts: Path, characters: Sequence[str], seed: int, *, held: int, pixels: int) -> None:
        self._fonts, self._seed, self._held, self._pixels = fonts, seed, held, pixels
        self._numbers = {character: number for number, character in enumerate(characters) if number}

    def __iter__(self) -> Iterator[Batch]:
        worker = torch.utils.data.get_worker_info()
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        rng = np.random.default_rng([self._seed, worker.id if worker else 0])
        faces = typefaces(self._fonts)
        lettering = Lettering(rng, faces)
        held = -(-self._held // (worker.num_workers if worker else 1))
        waiting: dict[int, list[Strip]] = defaultdict(list)
        failures = 0
        while True:
            try:
                made = lettering.make(empty=rng.random() < BARE_SHARE / 2)
                strips = strips_of(made, rng, faces)
                failures = 0
            except (cv2.error, ValueError, IndexError, OSError):  # one picture that cannot be made is none
                failures += 1
                if failures > MOST_FAILURES:
                    raise
                continue
            for strip in map(self._named, strips):
                if self._is_usable(strip):
                    waiting[_length(strip)].append(strip)
            if held > 0:
                if sum(len(each) for each in waiting.values()) >= held:
                    for length, each in waiting.items():
                        yield self._batch(each, length, held=True)
                    waiting.clear()
                    held = 0
                continue
            for length in [each for each, ready in waiting.items() if len(ready) * each >= self._pixels]:
                yield self._batch(waiting.pop(length), length, held=False)

    def _named(self, strip: Strip) -> Strip:
        """The strip with UNNAMED for each letter and digit that the network has no name for.

        Where none of them but looks like a Latin one, nobody can tell.
        """
        text = strip.text or ""
        unnamed = {each for each in text if each.isalnum() and each not in self._numbers}
        if not unnamed:
            return strip
        if unnamed <= _LOOKALIKES and all(each in self._numbers or each in unnamed for each in text):
            return replace(strip, text=None, easy=True, traits=("kept", "lookalike"))
        text = "".join(UNNAMED if each in unnamed else each for each in text)
        return replace(strip, text=text, easy=False, traits=(*strip.traits, "unnamed"))

    def _is_usable(self, strip: Strip) -> bool:
        """Whether the network knows all characters and has an answer for each."""
        text = strip.text or ""
        twice = sum(one == two for one, two in pairwise(text))
        return all(each in self._numbers for each in text) and len(text) + twice <= _length(strip) // COLUMN

    def _batch(self, strips: Sequence[Strip], length: int, *, held: bool) -> Batch:
        texts = [strip.text or "" for strip in strips]
        grey = np.zeros((len(strips), HEIGHT, length), np.uint8)
        targets = np.zeros((len(strips), max([1, *map(len, texts)])), np.int64)
        for number, (strip, text) in enumerate(zip(strips, texts, strict=True)):
            grey[number, :, : strip.grey.shape[1]] = strip.grey
            targets[number, : len(text)] = [self._numbers[each] for each in text]
        return Batch(
            grey,
            np.array([strip.grey.shape[1] for strip in strips]),
            targets,
            np.array([len(text) for text in texts]),
            np.array([strip.text is not None for strip in strips]),
            np.array([strip.easy for strip in strips]),
            tuple(strip.traits for strip in strips),
            held,
        )


def _length(strip: Strip) -> int:
    return max(int(strip.grey.shape[1]), SHORTEST)


def strips_of(made: Lettered, rng: np.random.Generator, faces: Sequence[Typeface]) -> list[Strip]:
    """What is cut out of one picture: each line in both views, ground, and now and then lines of other scripts."""
    even = even_ground(made.grey)
    views = {"plain": bordered(made.grey), "even": bordered(even)}
    legible = [number for number, line in enumerate(made.lines) if line.likeness >= LEGIBLE]
    strips: list[Strip] = []
    for number in legible:
        for view, picture in views.items():
            strip = _strip_of_line(made, number, picture, view, rng)
            strips += [] if strip is None else [strip]
    for _ in range(rng.poisson(BARE_SHARE * len(strips)) if made.lines else 4):
        bare = _bare(made, views, rng)
        strips += [] if bare is None else [bare]
    for _ in range(rng.poisson(KEPT_SHARE * len(strips))):
        kept = _kept(rng, faces)
        strips += [] if kept is None else [kept]
    return strips


def _strip_of_line(made: Lettered, number: int, picture: Picture, view: str, rng: np.random.Generator) -> Strip | None:
    line = made.lines[number]
    seen = _seen(line, made.grey.shape)
    if seen is None:
        return None
    text, start, stop, is_part = _part(line, *seen, rng)
    if not text:
        return None
    left, top, right, bottom = line.box
    across = (left, right) if line.turn else (top, bottom)
    height = across[1] - across[0]
    ends = rng.uniform(-0.03, 0.5, 2) * height
    begin, end = (start if is_part else start - ends[0]), (stop if is_part else stop + ends[1])
    low, high = across[0] - rng.uniform(-0.05, 0.35) * height, across[1] + rng.uniform(-0.05, 0.35) * height
    begin, end = _beside_others(made, number, (begin, end), (start, stop))
    box = (low, begin, high, end) if line.turn else (begin, low, end, high)
    crop = _cut(picture, box, line.turn, rng)
    traits = (
        view,
        f"{_bucket(line.size, (9, 12, 20))} px",
        f"likeness {_bucket(line.likeness, (0.5, 0.65, 0.8))}",
        script_of(text),
        *(("turned",) if line.turn else ()),
        *(("part",) if is_part else ()),
        *(("clipped",) if text not in line.text or len(seen[0]) < len(line.text) else ()),
        f"{_bucket(len(text), (2, 8, 20))} characters",
    )
    return _sized(crop, text, line.likeness >= EASY, traits)


def _seen(line: LetteredLine, shape: tuple[int, ...]) -> tuple[list[int], int] | None:
    """Which characters are inside the picture and how long it is along the line; None where one is cut in half."""
    length = shape[0] if line.turn else shape[1]
    left, top, right, bottom = line.box
    height = right - left if line.turn else bottom - top
    edge = (left <= 0 or right >= shape[1]) if line.turn else (top <= 0 or bottom >= shape[0])
    if edge and height < 0.45 * line.size:
        return None
    inside = []
    for number, (start, stop) in enumerate(line.cells):
        share = (min(stop, length) - max(start, 0)) / max(stop - start, 1)
        if 0.3 < share < 0.8 and not line.text[number].isspace():
            return None
        if share >= 0.8:
            inside.append(number)
    return inside, length


def _part(
    line: LetteredLine, inside: Sequence[int], length: int, rng: np.random.Generator
) -> tuple[str, float, float, bool]:
    """Text of what is cut out, where it begins and stops along the line, and whether it is a part of what is seen."""
    text = "".join(line.text[each] for each in inside)
    cells = [line.cells[each] for each in inside]
    left, top, right, bottom = line.box
    whole = (float(top), float(bottom)) if line.turn else (float(left), float(right))
    is_back = line.turn == 1
    cuts = [number for number, each in enumerate(text) if each == " "]
    is_within = rng.random() < WITHIN_SHARE
    if is_within:
        cuts = list(range(1, len(text)))
    if not cuts or rng.random() >= PART_SHARE:
        return " ".join(text.split()), *whole, False
    chosen = sorted(int(each) for each in rng.choice(cuts, min(len(cuts), int(rng.integers(1, 3))), replace=False))
    if len(chosen) == 1:
        chosen = [0, chosen[0]] if rng.random() < 0.5 else [chosen[0], len(text)]
    first, last = chosen
    part = text[first:last]
    if not part.strip():
        return "", 0.0, 0.0, True
    start, stop = (_cut_at(cells, text, each, is_back, rng) for each in (first, last))
    start, stop = (stop, start) if is_back else (start, stop)
    return " ".join(part.split()), max(start, whole[0] - 2), min(stop, whole[1] + 2), True


def _cut_at(cells: Sequence[tuple[int, int]], text: str, at: int, is_back: bool, rng: np.random.Generator) -> float:
    """Where a cut before a character lies: in the space, or between two letters."""
    if at >= len(text):
        return float(cells[-1][0] - 2 if is_back else cells[-1][1] + 2)
    start, stop = cells[at]
    if text[at] == " ":
        return float(start + rng.uniform(0.1, 0.9) * (stop - start))
    return float(stop if is_back else start)


def _beside_others(
    made: Lettered, number: int, reach: tuple[float, float], own: tuple[float, float]
) -> tuple[float, float]:
    """The two ends, no further than where another line begins."""
    line = made.lines[number]
    turned = bool(line.turn)
    begin, end = reach
    for other, each in enumerate(made.lines):
        if other == number:
            continue
        level = min(line.box[2 if turned else 3], each.box[2 if turned else 3]) - max(
            line.box[0 if turned else 1], each.box[0 if turned else 1]
        )
        if level <= 0:
            continue
        start, stop = (each.box[1], each.box[3]) if turned else (each.box[0], each.box[2])
        if stop <= own[0] + 2:
            begin = max(begin, min(stop + 1, own[0]))
        if start >= own[1] - 2:
            end = min(end, max(start - 1, own[1]))
    return begin, end


def _cut(
    picture: Picture, box: tuple[float, float, float, float], turn: int, rng: np.random.Generator
) -> Picture | None:
    """The upright pixels of a box of the picture without its border."""
    left, top, right, bottom = (each + PADDING_PX for each in box)
    left, top = max(left, 0), max(top, 0)
    right, bottom = min(right, picture.shape[1]), min(bottom, picture.shape[0])
    if right - left < 3 or bottom - top < 3:
        return None
    if bottom - top >= TALL * (right - left) or turn:
        part = picture[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))]
        return np.ascontiguousarray(np.rot90(part, -turn))
    lean = np.tan(np.deg2rad(rng.normal(0, 0.5))) * (right - left) / 2
    lean = float(np.clip(lean, *(0.12 * np.array([-1, 1]) * (bottom - top))))
    quad = [[left, top - lean], [right, top + lean], [right, bottom + lean], [left, bottom - lean]]
    return _straight(picture, np.array(quad, np.float32))


def _straight(picture: Picture, quad: NDArray[np.float32]) -> Picture:
    """The pixels between four corners, as the package of the recogniser takes them."""
    size = int(np.linalg.norm(quad[0] - quad[1])), int(np.linalg.norm(quad[0] - quad[3]))
    flat = np.array([[0, 0], [size[0], 0], size, [0, size[1]]], np.float32)
    way = cv2.getPerspectiveTransform(quad, flat)
    crop = cv2.warpPerspective(picture, way, size, borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_CUBIC)
    return np.asarray(crop, np.uint8)


def _sized(crop: Picture | None, text: str | None, easy: bool, traits: tuple[str, ...]) -> Strip | None:
    """The crop at the recogniser's height; None where it is too long for it."""
    if crop is None or min(crop.shape) < 3:
        return None
    length = int(np.ceil(HEIGHT * crop.shape[1] / crop.shape[0]))
    if length > SHORTEST:
        length = round(length / STEP) * STEP
    if length > LONGEST:
        return None
    return Strip(np.asarray(cv2.resize(crop, (length, HEIGHT)), np.uint8), text, easy, traits)


def _bare(made: Lettered, views: dict[str, Picture], rng: np.random.Generator) -> Strip | None:
    """A place without ink, as large as a line."""
    rows, columns = made.grey.shape
    height = int(rng.integers(8, 40))
    width = min(round(height * rng.uniform(0.6, 10)), columns - 2)
    for _ in range(8):
        top, left = int(rng.integers(rows - height)), int(rng.integers(columns - width))
        if not made.ink[top : top + height, left : left + width].any():
            view = str(rng.choice(list(views)))
            crop = _cut(views[view], (left, top, left + width, top + height), 0, rng)
            return _sized(crop, "", False, (view, "no text"))
    return None


def _kept(rng: np.random.Generator, faces: Sequence[Typeface]) -> Strip | None:
    """Letters of one script, clean, in which the network shall not change."""
    script = str(rng.choice(list(_SCRIPTS)))
    face = faces[int(rng.integers(len(faces)))]
    letters = (chr(int(each)) for each in rng.integers(*_SCRIPTS[script], int(rng.integers(2, 10))))
    text = "".join(each for each in letters if each.isalpha() and face.can_draw(each))
    if not text:
        return None
    ink = face.draw(text, int(rng.integers(20, 48))).ink
    grounds = rng.uniform(0, 60), rng.uniform(160, 255)
    ground, colour = grounds if rng.random() < 0.5 else grounds[::-1]
    return _sized(np.asarray(ground + (colour - ground) * ink, np.uint8), None, True, ("kept", script))


def script_of(text: str) -> str:
    """The script of the first letter that is not ASCII."""
    for each in text:
        if not each.isascii():
            code = ord(each)
            return next((name for name, (low, high) in _SCRIPTS.items() if low <= code < high), "other")
    return "ASCII"


def _bucket(value: float, edges: Sequence[Any]) -> str:
    for low, high in zip((None, *edges), edges, strict=False):
        if value <= high:
            return f"<= {high}" if low is None else f"{low} to {high}"
    return f"> {edges[-1]}"
