"""RapidOCR (PP-OCRv6 detector and recogniser, ONNX, models inside the wheel) as an OcrEngine.

Its own word boxes cut a line in proportion to its characters, which blackens labels together with values. Here the
recogniser's position of each character is kept, and words are cut where the ink has its widest gap.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deid.engines.detector import Detector, Quad
from deid.errors import EngineError
from deid.values import UNREAD, Box, Word

DETECT_SIDE_PX = 1280
"""Pictures are searched with their longer side at this length, or doubled where that is less."""
TILE_SIDE_PX = 2600
"""Larger pictures are searched in overlapping tiles of this side too, lest small text vanish in scaling."""
TILE_OVERLAP_PX = 250
SPACE_ADVANCES = 1.75
"""Characters further apart than this many median advances have a space between them that the recogniser dropped."""
SPACE_INK = 0.6
"""And this share of an advance between them holds no ink: a wide letter also moves its neighbours apart."""
REMEMBERED_LINES = 4000
SHORTEST_LINE_PX = 192
"""Shorter lines of 48 pixels' height are filled up to this length. The package's 320 takes a fifth longer, reads no
better and drops a space now and then."""
LONG_LINE = 3.0
"""A line this many times as long as high holds several letters, if it is one."""
FEWEST_LETTERS = 0.55
"""Where fewer letters than this many a line's height were read along it, it was not read: others have twice as many."""
KNOWN_LEVEL, KNOWN_GAP = 0.6, 0.6
"""A known word stands in a line of which it covers this share of the height, and this many heights hold no letter."""
SURE_LINE = 0.7
"""And the detector is as sure as this that there is text."""

_Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Reading:
    """A recognised line: each character with its centre along the line, 0 to 1, and its confidence."""

    text: str
    centres: tuple[float, ...]
    confidences: tuple[float, ...]

    @property
    def confidence(self) -> float:
        return float(np.mean(self.confidences)) if self.confidences else 0.0


class RapidOcr:
    """Finds lines of text and reads them; answers with words."""

    name = "rapidocr"
    finds_lines = True

    def __init__(self, threads: int = 1, *, exact: bool = True) -> None:
        try:
            from rapidocr import RapidOCR
            from rapidocr.ch_ppocr_rec.typings import TextRecInput
            from rapidocr.utils.process_img import get_rotate_crop_image

            engine: Any = RapidOCR(
                params={
                    "Global.log_level": "critical",
                    "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                }
            )
            self._recognise = engine._load_rec_model()
            self._recognise.rec_image_shape = [3, 48, SHORTEST_LINE_PX]
        except Exception as exc:  # whatever the package raises at start-up is one thing to the caller
            raise EngineError("RapidOCR cannot be started: install requirements.txt again.") from exc
        logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
        self._detector = Detector(threads, exact=exact)
        self._rec_input = TextRecInput
        self._cut_out = get_rotate_crop_image
        self.version = f"{importlib.metadata.version('rapidocr')} {self._detector.precision}"
        self._remembered: OrderedDict[bytes, _Reading] = OrderedDict()

    def read(self, picture: _Picture, side_px: int | None = None, known: Sequence[Box] = ()) -> tuple[Word, ...]:
        """Words of one picture, shape (rows, columns) or (rows, columns, 3), in its coordinates.

        Searched with its longer side at `side_px`; without one at DETECT_SIDE_PX, and larger pictures in tiles too.
        Lines that `known` words cover from end to end are not read.
        """
        colour = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
        words: list[Word] = []
        for line, (quad, score, crop, turns) in enumerate(self._lines(np.ascontiguousarray(colour), side_px)):
            if _is_known(quad, known):
                continue
            readings = [self._remember(np.ascontiguousarray(np.rot90(crop, turn))) for turn in turns]
            best = max(range(len(turns)), key=lambda each: readings[each].confidence)
            if _is_unread(readings[best], crop) and score >= SURE_LINE:
                box = _place(quad, 0, 1, 0, picture.shape)
                words += [] if box is None else [Word(UNREAD, box, 0.0, (self.name,), line, vertical=len(turns) > 1)]
                continue
            ink = _ink(np.rot90(crop, turns[best]))
            for text, start, stop, confidence in _split(readings[best], ink):
                box = _place(quad, start, stop, turns[best], picture.shape)
                if box is not None:
                    words.append(Word(text, box, confidence, (self.name,), line, vertical=turns[best] != 0))
        return tuple(words)

    def _lines(self, colour: _Picture, side_px: int | None) -> list[tuple[Quad, float, _Picture, tuple[int, ...]]]:
        """Each line's corners, how sure it is text, its pixels, and the quarter turns under which it may be upright."""
        found = self._detector.search(colour, side_px or DETECT_SIDE_PX)
        tiles = _tiles(colour.shape[0], colour.shape[1]) if side_px is None else []
        for top, left in tiles if len(tiles) > 1 else ():
            tile = colour[top : top + TILE_SIDE_PX, left : left + TILE_SIDE_PX]
            there = self._detector.search(tile, DETECT_SIDE_PX)
            found += [(quad + np.array([left, top], np.float32), score) for quad, score in there]
        lines: list[tuple[Quad, float, _Picture, tuple[int, ...]]] = []
        for quad, score in _without_repeats(found):
            left, top, right, bottom = _bounds(quad)
            tall = bottom - top >= 1.5 * (right - left)
            upright = colour[max(top, 0) : bottom, max(left, 0) : right]
            crop = upright if tall else self._cut_out(colour, quad.copy())
            if crop.size:
                lines.append((quad, score, np.asarray(crop, np.uint8), (1, -1, 0) if tall else (0,)))
        return lines

    def _remember(self, crop: _Picture) -> _Reading:
        """The reading of a line; equal pixels are read once."""
        key = hashlib.blake2b(crop.tobytes() + str(crop.shape).encode(), digest_size=16).digest()
        if key in self._remembered:
            self._remembered.move_to_end(key)
            return self._remembered[key]
        answer = self._recognise(self._rec_input(img=[crop], return_word_box=True))
        reading = _reading(answer.txts[0], answer.word_results[0])
        self._remembered[key] = reading
        if len(self._remembered) > REMEMBERED_LINES:
            self._remembered.popitem(last=False)
        return reading

    def forget(self) -> None:
        """Drops what was remembered of lines read, so that nothing of one file is kept for the next."""
        self._remembered.clear()


def _is_known(quad: Quad, known: Sequence[Box]) -> bool:
    """Whether known words stand all along a line, with no room for a letter before, between or after them."""
    if not known:
        return False
    left, top, right, bottom = _bounds(quad)
    tall = bottom - top > right - left
    height = right - left if tall else bottom - top
    spans = []
    for box in known:
        across = min(box.right, right) - max(box.left, left), min(box.bottom, bottom) - max(box.top, top)
        level = across[0] if tall else across[1]
        if min(across) > 0 and level >= KNOWN_LEVEL * height:
            spans.append((box.top, box.bottom) if tall else (box.left, box.right))
    reached = top if tall else left
    for start, stop in sorted(spans):
        if start - reached > KNOWN_GAP * height:
            return False
        reached = max(reached, stop)
    return (bottom if tall else right) - reached <= KNOWN_GAP * height


def _is_unread(reading: _Reading, crop: _Picture) -> bool:
    """Whether a line is too long for the few letters that were read of it."""
    length = max(crop.shape[:2]) / max(min(crop.shape[:2]), 1)
    letters = sum(each.isalnum() for each in reading.text)
    return bool(length >= LONG_LINE and letters < FEWEST_LETTERS * length)


def _reading(text: str, info: Any) -> _Reading:
    """Characters that are not white space, with centres as shares of the line's length."""
    letters = "".join("".join(word) for word in info.words)
    columns = [column for word in info.word_cols for column in word]
    length = max(float(info.line_txt_len), 1.0)
    shown = "".join(text.split())
    if len(columns) != len(shown) or letters != shown:
        columns = list(np.linspace(0, length, len(shown), endpoint=False))
    confidences = [*info.confs, *[0.0] * len(shown)][: len(shown)]
    centres: list[float] = []
    spaced: list[str] = []
    marks = iter(zip(shown, columns, strict=True))
    for character in text:
        if character.isspace():
            spaced.append(" ")
            continue
        mark, column = next(marks)
        spaced.append(mark)
        centres.append(min((float(column) + 0.5) / length, 1.0))
    return _Reading("".join(spaced), tuple(centres), tuple(float(each) for each in confidences))


def _split(reading: _Reading, ink: NDArray[np.float64]) -> list[tuple[str, float, float, float]]:
    """(text, start, stop, confidence) of each word, start and stop as shares of the line's length."""
    pieces = _pieces(reading, ink)
    if not pieces:
        return []
    cuts = [0.0]
    for before, after in pairwise(pieces):
        cuts.append(_gap(ink, reading.centres[before[-1]], reading.centres[after[0]])[0])
    cuts.append(1.0)
    shown = "".join(reading.text.split())
    words = []
    for piece, start, stop in zip(pieces, cuts, cuts[1:], strict=False):
        confidence = float(np.mean([reading.confidences[each] for each in piece]))
        words.append(("".join(shown[each] for each in piece), start, max(stop, start + 1e-3), confidence))
    return words


def _pieces(reading: _Reading, ink: NDArray[np.float64]) -> list[list[int]]:
    """Indices of the characters of each word: cut at white space, after a label, at a wide gap."""
    advances = np.diff(reading.centres)
    typical = float(np.median(advances)) if len(advances) >= 4 else np.inf
    pieces: list[list[int]] = []
    current: list[int] = []
    index = 0
    shown = "".join(reading.text.split())
    for character in reading.text:
        if character == " ":
            if current:
                pieces.append(current)
            current = []
            continue
        wide = bool(current) and reading.centres[index] - reading.centres[index - 1] > SPACE_ADVANCES * typical
        wide = wide and _gap(ink, reading.centres[index - 1], reading.centres[index])[1] > SPACE_INK * typical
        after_label = _ends_label("".join(shown[each] for each in current), character)
        if current and (after_label or (wide and character.isalnum() and shown[current[-1]].isalnum())):
            pieces.append(current)
            current = []
        current.append(index)
        index += 1
    if current:
        pieces.append(current)
    return pieces


def _ends_label(text: str, following: str) -> bool:
    """Whether a label ends here though no space was seen.

    "DOB:" does before anything, "D.O.B." and "No." before a digit, "Dr." before a capital letter.
    """
    if len(text) < 2 or text[-2].isdigit():
        return False
    if text[-1] == ":":
        return True
    letters = text.replace(".", "")
    if text[-1] != "." or len(letters) < 2 or not letters.isalpha():
        return False
    return following.isdigit() or (text[-2].islower() and following.isupper())


def _ink(crop: _Picture) -> NDArray[np.float64]:
    """How much each column of a line differs from its ground, shape (columns,)."""
    grey = crop.astype(np.float64).mean(axis=2)
    ground = np.median(grey)
    middle = grey[grey.shape[0] // 8 : max(grey.shape[0] * 7 // 8, 1)]
    return np.asarray(np.abs(middle - ground).max(axis=0, initial=0))


def _gap(ink: NDArray[np.float64], start: float, stop: float) -> tuple[float, float]:
    """Middle and length of the longest run without ink between two character centres, as shares of the line."""
    first, last = int(start * len(ink)), int(np.ceil(stop * len(ink)))
    part = ink[first:last]
    if len(part) < 3:
        return (start + stop) / 2, 0.0
    empty = part <= part.min() + 0.25 * (part.max() - part.min())
    edges = np.flatnonzero(np.diff(np.concatenate(([0], empty.astype(np.int8), [0]))))
    runs = edges.reshape(-1, 2)
    longest = runs[np.argmax(runs[:, 1] - runs[:, 0])]
    return float(first + longest.mean()) / len(ink), float(longest[1] - longest[0]) / len(ink)


def _place(quad: NDArray[np.float32], start: float, stop: float, turn: int, shape: tuple[int, ...]) -> Box | None:
    """The upright box around the part of a line between two shares of its length."""
    left_top, right_top, right_bottom, left_bottom = quad
    if turn:
        left, top, right, bottom = (float(each) for each in _bounds(quad))
        height = bottom - top
        # After one counter-clockwise turn the line runs from the picture's top to its bottom; -1 is the other way.
        begin, end = (start, stop) if turn > 0 else (1 - stop, 1 - start)
        corners = np.array([[left, top + begin * height], [right, top + end * height]])
    else:
        corners = np.array(
            [
                left_top + (right_top - left_top) * start,
                left_top + (right_top - left_top) * stop,
                left_bottom + (right_bottom - left_bottom) * start,
                left_bottom + (right_bottom - left_bottom) * stop,
            ]
        )
    low = np.floor(corners.min(axis=0)).astype(int)
    high = np.ceil(corners.max(axis=0)).astype(int)
    left_px, top_px = max(int(low[0]), 0), max(int(low[1]), 0)
    right_px, bottom_px = min(int(high[0]), shape[1]), min(int(high[1]), shape[0])
    if right_px <= left_px or bottom_px <= top_px:
        return None
    return Box.from_edges(left_px, top_px, right_px, bottom_px)


def _bounds(quad: NDArray[np.float32]) -> tuple[int, int, int, int]:
    low, high = np.floor(quad.min(axis=0)), np.ceil(quad.max(axis=0))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _tiles(rows: int, columns: int) -> list[tuple[int, int]]:
    """Top left corners of overlapping tiles that cover the picture."""

    def starts(length: int) -> list[int]:
        if length <= TILE_SIDE_PX:
            return [0]
        count = -(-(length - TILE_OVERLAP_PX) // (TILE_SIDE_PX - TILE_OVERLAP_PX))
        return [round(each * (length - TILE_SIDE_PX) / (count - 1)) for each in range(count)]

    return [(top, left) for top in starts(rows) for left in starts(columns)]


def _without_repeats(found: list[tuple[Quad, float]]) -> list[tuple[Quad, float]]:
    """Lines found twice, once: one that lies mostly inside a larger one of its height is dropped."""
    by_size = sorted(found, key=lambda line: -float(np.prod(line[0].max(axis=0) - line[0].min(axis=0))))
    kept: list[tuple[Quad, float]] = []
    for quad, score in by_size:
        if not any(_lies_in(quad, each) for each, _ in kept):
            kept.append((quad, score))
    return sorted(kept, key=lambda line: (float(line[0][:, 1].min()), float(line[0][:, 0].min())))


def _lies_in(quad: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    low, high = quad.min(axis=0), quad.max(axis=0)
    shared = np.minimum(high, other.max(axis=0)) - np.maximum(low, other.min(axis=0))
    height, other_height = (float(np.ptp(each[:, 1])) for each in (quad, other))
    inside = float(np.prod(np.clip(shared, 0, None))) > 0.8 * float(np.prod(high - low))
    return inside and height > 0.6 * other_height
