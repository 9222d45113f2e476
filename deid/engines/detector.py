"""Where lines of text are in a picture, unread: RapidOCR's detector (PP-OCRv6, in the package) run by OpenVINO.

The recogniser is not loaded, so that a quick look over many files starts quickly.
"""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.engines.network import Network
from deid.errors import EngineError
from deid.values import Box

MODELS = Path(__file__).parent.parent / "models"
PACKAGE = Path(str(importlib.metadata.distribution("rapidocr").locate_file("rapidocr")))
DETECTOR = MODELS / "detector.onnx"
"""The package's PP-OCRv6, trained further (`deid.training.searching`)."""
LARGEST_SCALE = 2.0
FAINT = ((0.15, 0.25), (0.03, 0.06))
"""How sure of a pixel, and of a line, the detector is at least where ground hides text: the package asks for twice the
first, and bare anatomy hardly reaches the second, but for a disc or a ring."""
HIGHEST_SHARE = 0.4
"""What is higher and wider than this share of the picture is no line: the detector takes whole pictures for one."""
SURE_FIND = 0.75
"""Anatomy without text reached 0.72 before the network was trained further, drawn anatomy 0.56 since."""
SEVERAL_LINES = 3
"""So many less sure lines together are text: 168 drawn pictures of anatomy without text show one at most."""
_STEP_PX = 32
"""The network takes sides that are multiples of this."""
FILL_PX = 128
"""Or of this, where pictures are filled up to few sizes: a new size costs OpenVINO as much as a search."""

Picture = NDArray[np.uint8]
Quad = NDArray[np.float32]
"""The corners of a line, shape (4, 2), x before y: left top, right top, right bottom, left bottom."""
FoundLine = tuple[Quad, float]
"""A line's corners, and how sure the detector is of it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Map:
    """How sure the network is of each pixel of a picture as it was sized for it."""

    values: NDArray[np.float32]
    size: tuple[int, int]
    scale: float
    tallest: float
    """Pixels of this size that the shorter side of a line may have."""


class Detector:
    """Finds lines; a picture is searched at the size that the caller names.

    One that is not `exact` works in bfloat16 where the processor does, in 60 % of the time: the same lines, but for a
    few pixels of their edges (docs/benchmarks.md). One of `few_sizes` fills pictures up instead of stretching them a
    little.
    """

    def __init__(self, threads: int = 1, *, exact: bool = True, few_sizes: bool = False) -> None:
        self._fill_px = FILL_PX if few_sizes else 0
        try:
            from rapidocr.ch_ppocr_det.utils import DBPostProcess
            from rapidocr.utils.parse_parameters import ParseParams

            chosen: Any = ParseParams.load(PACKAGE / "config.yaml").Det
            names = ("thresh", "box_thresh", "max_candidates", "unclip_ratio", "use_dilation", "score_mode")
            usual = {name: chosen[name] for name in names}
            self._lines_of_map = DBPostProcess(**usual)
            self._faint_lines_of_map = [
                DBPostProcess(**usual | {"thresh": pixel, "box_thresh": line}) for pixel, line in FAINT
            ]
            mean, std = np.array(chosen["mean"]), np.array(chosen["std"])
            samples = np.arange(256, dtype=np.float32)[:, None] * (1 / 255)
            self._values_of_samples = np.asarray((samples - mean) / std, np.float32)[None]
            self._network = Network(DETECTOR, threads, exact=exact)
            self.precision = self._network.precision
        except Exception as exc:  # whatever the package raises at start-up is one thing to the caller
            raise EngineError("RapidOCR cannot be started: install requirements.txt again.") from exc

    def search(self, picture: Picture, side_px: int) -> list[FoundLine]:
        """The corners of each line in a picture, (rows, columns) or (rows, columns, 3), and how sure the detector is.

        Searched with its longer side at `side_px`, or LARGEST_SCALE times its size where that is less.
        """
        return self._lines(self._lines_of_map, self._map(picture, _scale(picture, side_px), self._fill_px))

    def search_enlarged(self, picture: Picture, scale: float) -> list[FoundLine]:
        """The lines of a part of a picture, searched at `scale` times its size."""
        return self._lines(self._lines_of_map, self._map(picture, scale, FILL_PX))

    def search_closely(self, picture: Picture, side_px: int) -> tuple[list[FoundLine], list[list[FoundLine]]]:
        """The lines as `search` finds them, and for each of FAINT those that the same search shows so faintly.

        The surer lines are among the fainter ones again, where they stand close several as one.
        """
        seen = self._map(picture, _scale(picture, side_px), self._fill_px)
        return (
            self._lines(self._lines_of_map, seen),
            [self._lines(lines_of_map, seen) for lines_of_map in self._faint_lines_of_map],
        )

    def _map(self, picture: Picture, scale: float, fill_px: int) -> _Map:
        way = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        scaled = cv2.resize(np.ascontiguousarray(picture), None, fx=scale, fy=scale, interpolation=way)
        rows, columns = scaled.shape[:2]
        if fill_px:
            lower, right = (-side % fill_px for side in (rows, columns))
            sized = cv2.copyMakeBorder(scaled, 0, lower, 0, right, cv2.BORDER_REPLICATE)
            rows, columns = sized.shape[:2]
        else:
            size = [max(round(side / _STEP_PX), 1) * _STEP_PX for side in (columns, rows)]
            sized = cv2.resize(scaled, size)
        tallest = HIGHEST_SHARE * min(picture.shape[:2]) * scale
        return _Map(self._network(self._values(np.asarray(sized, np.uint8))), (rows, columns), scale, tallest)

    def _lines(self, lines_of_map: Any, seen: _Map) -> list[FoundLine]:
        found, scores = lines_of_map(seen.values, seen.size)
        quads = (np.asarray(quad, np.float32) for quad in found)
        return [
            (np.asarray(quad / seen.scale, np.float32), float(score))
            for quad, score in zip(quads, scores, strict=True)
            if float(np.ptp(quad, axis=0).min()) <= seen.tallest
        ]

    def find(self, picture: Picture, side_px: int) -> tuple[Box, ...]:
        """Where lines surely are in a picture of shape (rows, columns) or (rows, columns, 3)."""
        edges = np.array([picture.shape[1], picture.shape[0]])
        boxes = []
        found = self.search(picture, side_px)
        for quad in (quad for quad, score in found if score >= SURE_FIND or len(found) >= SEVERAL_LINES):
            low = np.clip(np.floor(quad.min(axis=0)).astype(int), 0, edges)
            high = np.clip(np.ceil(quad.max(axis=0)).astype(int), 0, edges)
            if (high > low).all():
                boxes.append(Box.from_edges(*(int(each) for each in (*low, *high))))
        return tuple(boxes)

    def _values(self, picture: Picture) -> NDArray[np.float32]:
        """A picture as the network takes it, shape (1, 3, rows, columns)."""
        colour = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
        values = np.asarray(cv2.LUT(colour, self._values_of_samples), np.float32)
        return np.ascontiguousarray(values.transpose(2, 0, 1))[None]


def _scale(picture: Picture, side_px: int) -> float:
    """What brings the longer side of a picture to `side_px`, or LARGEST_SCALE where that is less."""
    return float(min(LARGEST_SCALE, side_px / max(picture.shape[:2])))
