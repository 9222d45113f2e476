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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deid.engines.detector import MODELS, Detector
from deid.engines.finding import Line, bounds, find_lines, is_known
from deid.errors import EngineError
from deid.text import is_letter, letter_count
from deid.values import CLOSE, KNOWN, UNREAD, Box, Search, Word

FAINT_READ, FAINT_LETTERS = 0.7, 2
"""A line that shows faintly is one if it was read as surely as this, and as so many letters."""
FAINT_LINE = 0.12
"""Or, unread, if it is long and the detector is as sure as this: then its text goes."""
FAINT_BLOCK, FAINT_BLOCK_PX = 2.2, 40
"""Or is this many times as long as high, and as high as this: several lines that no closer look told apart."""
SPACE_ADVANCES = 1.75
"""Characters further apart than this many median advances have a space between them that the recogniser dropped."""
SPACE_INK = 0.6
"""And this share of an advance between them holds no ink: a wide letter also moves its neighbours apart."""
CLEAR_GAP = 0.5
"""A gap on an uneven ground shows less than this share of a line's contrast: then a stroke may stand anywhere in it."""
WIDE_GAP = 0.5
"""A gap of this share of the widest may be the one between two words as well."""
HALF_LETTER = 0.25
"""Of the way from one character's middle to the next one's, with a space between them."""
LATE_COLUMNS = 0.25
"""The recogniser tells of a character so much later than at its middle: the mean of 886 characters."""
RECOGNISER = MODELS / "recogniser.onnx"
"""The package's PP-OCRv6, trained further (`deid.training.reading`)."""
TRAINED = "trained-2"
"""Which training the two networks in use are of: told with the version, since it decides what is read."""
REMEMBERED_LINES = 4000
SHORTEST_LINE_PX = 192
"""Shorter lines of 48 pixels' height are filled up to this length. The package's 320 takes a fifth longer, reads no
better and drops a space now and then."""
LONG_LINE = 3.0
"""A line this many times as long as high holds several letters, if it is one."""
FEWEST_LETTERS = 0.55
"""Where fewer letters than this many a line's height were read along it, it was not read: others have twice as many."""
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

            engine: Any = RapidOCR(
                params={
                    "Global.log_level": "critical",
                    "Rec.model_path": str(RECOGNISER),
                    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                }
            )
            self._recognise = engine._load_rec_model()
            self._recognise.rec_image_shape = [3, 48, SHORTEST_LINE_PX]
        except Exception as exc:  # whatever the package raises at start-up is one thing to the caller
            raise EngineError("RapidOCR cannot be started: install requirements.txt again.") from exc
        logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
        self._detector = Detector(threads, exact=exact)
        # Lines are short: reading several side by side gains more than sharing out one among threads.
        self._side_by_side = ThreadPoolExecutor(threads, "reader").map if threads > 1 else map
        self._rec_input = TextRecInput
        self.version = f"{importlib.metadata.version('rapidocr')} {TRAINED} {self._detector.precision}"
        self._remembered: OrderedDict[bytes, _Reading] = OrderedDict()
        self._remembering = Lock()

    def read(self, picture: _Picture, search: Search = CLOSE, known: Sequence[Box] = ()) -> tuple[Word, ...]:
        """Words of one picture, shape (rows, columns) or (rows, columns, 3), in its coordinates.

        Searched as `find_lines` says. A line that `known` words cover from end to
        end is not read: one word stands for it, with KNOWN as its text.
        """
        colour = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
        read: list[Word] = []
        lines, again = [], []
        for number, line in enumerate(find_lines(self._detector, colour, search, known)):
            if is_known(line.quad, known):
                again.append((number, line))
            elif line.crop.size:
                lines.append((number, line))
        readings = self._side_by_side(self._best, [line for _, line in lines])
        for (number, line), (turn, reading) in zip(lines, readings, strict=True):
            crop = line.crop
            is_read = reading.confidence >= FAINT_READ and letter_count(reading.text) >= FAINT_LETTERS
            is_there = line.faint and line.score >= FAINT_LINE and _is_long_or_block(crop)
            if line.faint and not (is_read or is_there):
                continue
            if (line.score >= SURE_LINE and _is_unread(reading, crop)) or (is_there and not is_read):
                box = _place(line.quad, 0, 1, 0, picture.shape)
                vertical = len(line.turns) > 1
                read += [] if box is None else [Word(UNREAD, box, 0.0, (self.name,), number, vertical=vertical)]
                continue
            for text, start, stop, confidence in _split(reading, _ink(np.rot90(crop, turn))):
                box = _place(line.quad, start, stop, turn, picture.shape)
                if box is not None:
                    read.append(Word(text, box, confidence, (self.name,), number, vertical=turn != 0))
        for number, line in again:
            box = _place(line.quad, 0, 1, 0, picture.shape)
            read += [] if box is None else [Word(KNOWN, box, 0.0, (self.name,), number, vertical=len(line.turns) > 1)]
        return tuple(read)

    def _best(self, line: Line) -> tuple[int, _Reading]:
        """The turn under which a line is read most surely, and what is read."""
        readings = [(turn, self._remember(np.ascontiguousarray(np.rot90(line.crop, turn)))) for turn in line.turns]
        return max(readings, key=lambda each: each[1].confidence)

    def _remember(self, crop: _Picture) -> _Reading:
        """The reading of a line; equal pixels are read once."""
        key = hashlib.blake2b(crop.tobytes() + str(crop.shape).encode(), digest_size=16).digest()
        with self._remembering:
            if key in self._remembered:
                self._remembered.move_to_end(key)
                return self._remembered[key]
        answer = self._recognise(self._rec_input(img=[crop], return_word_box=True))
        reading = _reading(answer.txts[0], answer.word_results[0])
        with self._remembering:
            self._remembered[key] = reading
            if len(self._remembered) > REMEMBERED_LINES:
                self._remembered.popitem(last=False)
        return reading

    def forget(self) -> None:
        """Drops what was remembered of lines read, so that nothing of one file is kept for the next."""
        self._remembered.clear()


def _is_unread(reading: _Reading, crop: _Picture) -> bool:
    """Whether a line is too long for the few letters that were read of it."""
    return bool(_length(crop) >= LONG_LINE and letter_count(reading.text) < FEWEST_LETTERS * _length(crop))


def _is_long_or_block(crop: _Picture) -> bool:
    """Whether what shows faintly has the shape of a line, or of a block of lines, and not of a blob."""
    return _length(crop) >= (FAINT_BLOCK if min(crop.shape[:2]) >= FAINT_BLOCK_PX else LONG_LINE)


def _length(crop: _Picture) -> float:
    """Of a line, in its heights."""
    return float(max(crop.shape[:2]) / max(min(crop.shape[:2]), 1))


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
        centres.append(min((float(column) + 0.5 - LATE_COLUMNS) / length, 1.0))
    return _Reading("".join(spaced), tuple(centres), tuple(float(each) for each in confidences))


def _split(reading: _Reading, ink: NDArray[np.float64]) -> list[tuple[str, float, float, float]]:
    """(text, start, stop, confidence) of each word, start and stop as shares of the line's length.

    A word ends in the middle of the gap beside it; where it is not clear which gap that is, it reaches as far as a
    stroke of it may stand. The first and the last word reach the ends of the line.
    """
    pieces = _pieces(reading, ink)
    if not pieces:
        return []
    seams = [_seam(ink, reading.centres[before[-1]], reading.centres[after[0]]) for before, after in pairwise(pieces)]
    starts = [0.0, *(start for start, _ in seams)]
    stops = [*(stop for _, stop in seams), 1.0]
    shown = "".join(reading.text.split())
    words = []
    for piece, start, stop in zip(pieces, starts, stops, strict=True):
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
        wide = wide and _widest(ink, reading.centres[index - 1], reading.centres[index]) > SPACE_INK * typical
        after_label = _ends_label("".join(shown[each] for each in current), character)
        if current and (after_label or (wide and is_letter(character) and is_letter(shown[current[-1]]))):
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


def _seam(ink: NDArray[np.float64], start: float, stop: float) -> tuple[float, float]:
    """Where the word after a seam may begin and the one before it may end, between two character centres."""
    part = ink[int(start * len(ink)) : int(np.ceil(stop * len(ink)))]
    gaps = _gaps(ink, start, stop)
    least = CLEAR_GAP * np.ptp(ink)
    if not len(gaps) or np.ptp(part) < least < part.max() - ink.min():
        return start + HALF_LETTER * (stop - start), stop - HALF_LETTER * (stop - start)
    lengths = np.ptp(gaps, axis=1)
    wide = gaps[lengths >= WIDE_GAP * lengths.max()]
    return float(wide[0].mean()), float(wide[-1].mean())


def _widest(ink: NDArray[np.float64], start: float, stop: float) -> float:
    """Length of the longest run without ink between two character centres, as a share of the line."""
    return float(np.ptp(_gaps(ink, start, stop), axis=1).max(initial=0))


def _gaps(ink: NDArray[np.float64], start: float, stop: float) -> NDArray[np.float64]:
    """Begin and end of each run without ink between two character centres, shape (runs, 2), as shares of the line."""
    first, last = int(start * len(ink)), int(np.ceil(stop * len(ink)))
    part = ink[first:last]
    if len(part) < 3:
        return np.empty((0, 2))
    empty = part <= part.min() + 0.25 * (part.max() - part.min())
    edges = np.flatnonzero(np.diff(np.concatenate(([0], empty.astype(np.int8), [0]))))
    return np.asarray((first + edges.reshape(-1, 2)) / len(ink))


def _place(quad: NDArray[np.float32], start: float, stop: float, turn: int, shape: tuple[int, ...]) -> Box | None:
    """The upright box around the part of a line between two shares of its length."""
    left_top, right_top, right_bottom, left_bottom = quad
    if turn:
        left, top, right, bottom = (float(each) for each in bounds(quad))
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
