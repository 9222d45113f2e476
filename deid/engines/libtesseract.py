"""Tesseract's own library in this process, through its C interface: to start its program takes ten times as long.

Only what the reader needs is declared. Where the library is not found by the system's loader, the program is started.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deid.errors import EngineError

_HANDLE = ctypes.c_void_p


class LibTesseract:
    """One loaded language and one page mode; callers take turns."""

    def __init__(self, library: Any, languages: str, page_mode: int) -> None:
        self._lib = library
        self._turn = Lock()
        self._handle = _HANDLE(library.TessBaseAPICreate())
        library.TessBaseAPISetVariable(self._handle, b"debug_file", os.devnull.encode())
        if library.TessBaseAPIInit3(self._handle, None, languages.encode()) != 0:
            raise EngineError("Tesseract has no data for its language: install the package tesseract-ocr-eng.")
        library.TessBaseAPISetPageSegMode(self._handle, page_mode)

    def table(self, picture: NDArray[np.uint8], seconds: float) -> str:
        """What Tesseract's program writes as TSV, without the line of titles.

        Raises
        ------
        EngineError
            Where the picture cannot be read, or not within `seconds`.
        """
        pixels = np.ascontiguousarray(picture)
        rows, columns = pixels.shape[:2]
        samples = pixels.shape[2] if pixels.ndim == 3 else 1
        lib, handle = self._lib, self._handle
        with self._turn, _one_thread():
            monitor = _HANDLE(lib.TessMonitorCreate())
            try:
                lib.TessMonitorSetDeadlineMSecs(monitor, round(seconds * 1000))
                data = pixels.ctypes.data_as(ctypes.c_char_p)
                lib.TessBaseAPISetImage(handle, data, columns, rows, samples, columns * samples)
                if lib.TessBaseAPIRecognize(handle, monitor) != 0:
                    raise EngineError("Tesseract stopped or took too long on a picture.")
                text = _HANDLE(lib.TessBaseAPIGetTsvText(handle, 0))
                if not text:
                    raise EngineError("Tesseract stopped on a picture.")
                try:
                    return ctypes.string_at(text).decode("utf-8", "replace")
                finally:
                    lib.TessDeleteText(text)
            finally:
                lib.TessMonitorDelete(monitor)
                lib.TessBaseAPIClear(handle)


@cache
def load_library() -> Any | None:
    """The library with its functions declared; None where the system does not find it."""
    name = ctypes.util.find_library("tesseract")
    try:
        lib = ctypes.CDLL(name) if name else None
    except OSError:
        return None
    if lib is None:
        return None
    number, text = ctypes.c_int, ctypes.c_char_p
    declared: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "TessVersion": (text, ()),
        "TessBaseAPICreate": (_HANDLE, ()),
        "TessBaseAPISetVariable": (number, (_HANDLE, text, text)),
        "TessBaseAPIInit3": (number, (_HANDLE, text, text)),
        "TessBaseAPISetPageSegMode": (None, (_HANDLE, number)),
        "TessBaseAPISetImage": (None, (_HANDLE, text, number, number, number, number)),
        "TessBaseAPIRecognize": (number, (_HANDLE, _HANDLE)),
        "TessBaseAPIGetTsvText": (_HANDLE, (_HANDLE, number)),
        "TessBaseAPIClear": (None, (_HANDLE,)),
        "TessDeleteText": (None, (_HANDLE,)),
        "TessMonitorCreate": (_HANDLE, ()),
        "TessMonitorSetDeadlineMSecs": (None, (_HANDLE, number)),
        "TessMonitorDelete": (None, (_HANDLE,)),
    }
    try:
        for function, (answer, arguments) in declared.items():
            declaring = getattr(lib, function)
            declaring.restype, declaring.argtypes = answer, arguments
    except AttributeError:
        return None
    return lib


@contextmanager
def _one_thread() -> Iterator[None]:
    """Tesseract asks OpenMP for four threads, which fight with other workers' for the same cores."""
    openmp = _openmp()
    if openmp is None:
        yield
        return
    levels = openmp.omp_get_max_active_levels()
    openmp.omp_set_max_active_levels(0)
    try:
        yield
    finally:
        openmp.omp_set_max_active_levels(levels)


@cache
def _openmp() -> Any | None:
    """The OpenMP that Debian's Tesseract uses; another's has a thread limit of the environment alone."""
    try:
        return ctypes.CDLL("libgomp.so.1")
    except OSError:
        return None
