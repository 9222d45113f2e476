"""Tesseract as an OcrEngine: its library where the system has it, else its program through pytesseract."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deid.engines.libtesseract import LibTesseract, load_library
from deid.errors import EngineError
from deid.values import CLOSE, Box, Search, Word

SPARSE_TEXT = 11
SINGLE_COLUMN = 6
"""Page modes."""
TIMEOUT_S = 120
_WORD = "5"
"""The level of a word in Tesseract's TSV."""


class Tesseract:
    """Reads a picture, or strips that hold one line each."""

    name = "tesseract"
    finds_lines = False

    def __init__(self, languages: str = "eng", page_mode: int = SPARSE_TEXT, *, in_process: bool = True) -> None:
        library = load_library() if in_process else None
        if library is not None:
            self._library: LibTesseract | None = LibTesseract(library, languages, page_mode)
            self.version = library.TessVersion().decode()
        else:
            self._library = None
            os.environ.setdefault("OMP_THREAD_LIMIT", "1")  # its threads fight with other workers' for the same cores
            self.version = _version_of_program()
        self._languages = languages
        self._page_mode = page_mode

    def read(self, picture: NDArray[np.uint8], search: Search = CLOSE, known: Sequence[Box] = ()) -> tuple[Word, ...]:
        """Words of one picture, shape (rows, columns) or (rows, columns, 3), in its coordinates, read as it is."""
        table = self._library.table(picture, TIMEOUT_S) if self._library else self._table(picture)
        words = []
        for row in table.splitlines():
            cells = row.split("\t")
            if cells[0] != _WORD or len(cells) < 12:
                continue
            block, paragraph, line, _, left, top, width, height = (int(each) for each in cells[2:10])
            if width < 1 or height < 1:
                continue
            box = Box(max(left, 0), max(top, 0), width, height)
            for part in cells[11].split():
                confidence = max(float(cells[10]), 0.0) / 100
                number = block * 10_000 + paragraph * 1_000 + line
                words.append(Word(part, box, confidence, (self.name,), number))
        return tuple(words)

    def _table(self, picture: NDArray[np.uint8]) -> str:
        """What the program writes."""
        import pytesseract

        try:
            return str(
                pytesseract.image_to_data(
                    picture,
                    lang=self._languages,
                    config=f"--psm {self._page_mode}",
                    output_type=pytesseract.Output.STRING,
                    timeout=TIMEOUT_S,
                )
            )
        except (RuntimeError, pytesseract.TesseractError) as exc:
            raise EngineError("Tesseract stopped or took too long on a picture.") from exc

    def forget(self) -> None:
        """Nothing is remembered here."""


def languages() -> tuple[str, ...]:
    """The languages for which Tesseract has data."""
    import pytesseract

    return tuple(str(each) for each in pytesseract.get_languages())


def _version_of_program() -> str:
    import pytesseract  # brings pandas, which takes longer to load than the library takes to start

    try:
        return str(pytesseract.get_tesseract_version()).split()[0]
    except Exception as exc:  # pytesseract exits or raises in several ways where the program is missing
        raise EngineError("Tesseract cannot be started: install the package tesseract-ocr.") from exc
