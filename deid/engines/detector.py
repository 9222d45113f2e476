"""Where lines of text are in a picture, unread: RapidOCR's detector (PP-OCRv6, in the package) run by OpenVINO.

The recogniser is not loaded, so that a quick look over many files starts quickly.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.engines.network import Network
from deid.errors import EngineError
from deid.values import Box

PACKAGE = Path(str(importlib.metadata.distribution("rapidocr").locate_file("rapidocr")))
DETECTOR = PACKAGE / "models/PP-OCRv6_det_small.onnx"
LARGEST_SCALE = 2.0
HIGHEST_SHARE = 0.4
"""What is higher and wider than this share of the picture is no line: the detector takes whole pictures for one."""
SURE_FIND = 0.75
"""Anatomy without text reaches 0.72."""
_STEP_PX = 32
"""The network takes sides that are multiples of this."""

Picture = NDArray[np.uint8]
Quad = NDArray[np.float32]
"""The corners of a line, shape (4, 2), x before y: left top, right top, right bottom, left bottom."""


class Detector:
    """Finds lines; a picture is searched at the size that the caller names."""

    def __init__(self, threads: int = 1) -> None:
        try:
            from rapidocr.ch_ppocr_det.utils import DBPostProcess
            from rapidocr.utils.parse_parameters import ParseParams

            chosen: Any = ParseParams.load(PACKAGE / "config.yaml").Det
            names = ("thresh", "box_thresh", "max_candidates", "unclip_ratio", "use_dilation", "score_mode")
            self._lines_of_map = DBPostProcess(**{name: chosen[name] for name in names})
            self._mean, self._std = (np.array(chosen[name], np.float32) * 255 for name in ("mean", "std"))
            self._network = Network(DETECTOR, threads)
        except Exception as exc:  # whatever the package raises at start-up is one thing to the caller
            raise EngineError("RapidOCR cannot be started: install requirements.txt again.") from exc

    def search(self, colour: Picture, side_px: int) -> list[tuple[Quad, float]]:
        """The corners of each line in a picture of shape (rows, columns, 3), and how sure the detector is of it.

        Searched with its longer side at `side_px`, or LARGEST_SCALE times its size where that is less.
        """
        rows, columns = colour.shape[:2]
        scale = min(LARGEST_SCALE, side_px / max(rows, columns))
        size = [max(round(side * scale / _STEP_PX), 1) * _STEP_PX for side in (columns, rows)]
        sized = cv2.resize(colour, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
        values = (sized.astype(np.float32) - self._mean) / self._std
        found, scores = self._lines_of_map(self._network(values.transpose(2, 0, 1)[None]), sized.shape[:2])
        shrunk = np.array([size[0] / columns, size[1] / rows], np.float32)
        tallest = HIGHEST_SHARE * min(rows, columns)
        quads = [np.asarray(quad / shrunk, np.float32) for quad in found]
        lines = zip(quads, scores, strict=True)
        return [(quad, float(score)) for quad, score in lines if float(np.ptp(quad, axis=0).min()) <= tallest]

    def find(self, picture: Picture, side_px: int) -> tuple[Box, ...]:
        """Where lines surely are in a picture of shape (rows, columns) or (rows, columns, 3)."""
        colour = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
        edges = np.array([picture.shape[1], picture.shape[0]])
        boxes = []
        for quad in (quad for quad, score in self.search(colour, side_px) if score >= SURE_FIND):
            low = np.clip(np.floor(quad.min(axis=0)).astype(int), 0, edges)
            high = np.clip(np.ceil(quad.max(axis=0)).astype(int), 0, edges)
            if (high > low).all():
                boxes.append(Box.from_edges(*(int(each) for each in (*low, *high))))
        return tuple(boxes)
