"""Tesseract through pytesseract as an OcrEngine."""

from __future__ import annotations

import os

import numpy as np
import pytesseract
from numpy.typing import NDArray

from deid.errors import EngineError
from deid.values import Box, Word

SPARSE_TEXT = "--psm 11"
SINGLE_COLUMN = "--psm 6"
TIMEOUT_S = 120


class Tesseract:
    """Reads a picture, or strips that hold one line each."""

    name = "tesseract"
    finds_lines = False

    def __init__(self, languages: str = "eng", page_mode: str = SPARSE_TEXT) -> None:
        os.environ.setdefault("OMP_THREAD_LIMIT", "1")  # its threads fight with other workers' for the same cores
        try:
            self.version = str(pytesseract.get_tesseract_version()).split()[0]
        except Exception as exc:  # pytesseract exits or raises in several ways where the program is missing
            raise EngineError("Tesseract cannot be started: install the package tesseract-ocr.") from exc
        self._languages = languages
        self._page_mode = page_mode

    def read(self, picture: NDArray[np.uint8], side_px: int | None = None) -> tuple[Word, ...]:
        """Words of one picture, shape (rows, columns) or (rows, columns, 3), in its coordinates, read as it is."""
        try:
            table = pytesseract.image_to_data(
                picture,
                lang=self._languages,
                config=self._page_mode,
                output_type=pytesseract.Output.DICT,
                timeout=TIMEOUT_S,
            )
        except (RuntimeError, pytesseract.TesseractError) as exc:
            raise EngineError("Tesseract stopped or took too long on a picture.") from exc
        words = []
        rows = zip(*(table[key] for key in ("text", "conf", "left", "top", "width", "height")), strict=True)
        for index, (text, confidence, left, top, width, height) in enumerate(rows):
            if not text.strip() or width < 1 or height < 1:
                continue
            line = table["block_num"][index] * 10_000 + table["par_num"][index] * 1_000 + table["line_num"][index]
            box = Box(max(left, 0), max(top, 0), width, height)
            for part in text.split():
                words.append(Word(part, box, max(float(confidence), 0.0) / 100, (self.name,), line))
        return tuple(words)

    def forget(self) -> None:
        """Nothing is remembered here."""
