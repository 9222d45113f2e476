"""Seconds of a processor that each part of the work takes, a frame, over DICOM files with everything on.

python script/time_parts.py FOLDER...     one process, one thread an engine; the first file is done once before
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402 - the environment comes first

from deid import jobs, pipeline, second_look  # noqa: E402
from deid.codecs import raw  # noqa: E402
from deid.engines.detector import Detector  # noqa: E402
from deid.engines.llama import LlamaClassifier  # noqa: E402
from deid.engines.rapidocr import RapidOcr  # noqa: E402
from deid.engines.tesseract import Tesseract  # noqa: E402
from deid.engines.zxing import Zxing  # noqa: E402
from deid.settings import Settings  # noqa: E402

PARTS: dict[str, tuple[Any, str]] = {
    "search for lines": (Detector, "_map"),
    "reading of lines": (RapidOcr, "_remember"),
    "second reader": (Tesseract, "read"),
    "model": (LlamaClassifier, "classify"),
    "codes": (Zxing, "find"),
    "decoding": (raw, "_decoded_once"),
    "views": (pipeline, "distinct_views"),
}
"""None of them calls another."""


class Clock:
    """Seconds and calls of each part, those of the second look by themselves."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.looks_again = False

    def measured(self, name: str, action: Callable[..., Any]) -> Callable[..., Any]:
        """The action, its time added to its part."""

        def timed(*arguments: Any, **named: Any) -> Any:
            began = _used()
            try:
                return action(*arguments, **named)
            finally:
                part = f"{name}, second look" if self.looks_again else name
                self.seconds[part] += _used() - began
                self.calls[part] += 1

        return timed

    def looking_again(self, action: Callable[..., Any]) -> Callable[..., Any]:
        """The action, what it calls counted as the second look."""

        def flagged(*arguments: Any, **named: Any) -> Any:
            self.looks_again = True
            try:
                return action(*arguments, **named)
            finally:
                self.looks_again = False

        return flagged


def _used() -> float:
    return sum(os.times()[:4])


def main(folders: list[str]) -> None:
    """Measure and print a line a part."""
    cv2.setNumThreads(1)
    settings = replace(Settings.from_environment(), threads=1)
    engines, options = jobs.make_engines(settings), jobs.options_of(settings)
    files = [path for folder in folders for path in sorted(Path(folder).glob("*.dcm"))]
    pipeline.run(files[0].read_bytes(), engines, options)
    clock = Clock()
    for name, (owner, action) in PARTS.items():
        setattr(owner, action, clock.measured(name, getattr(owner, action)))
    second_look.still_readable = clock.looking_again(second_look.still_readable)
    began, frames = _used(), 0
    for path in files:
        frames += pipeline.run(path.read_bytes(), engines, options).frames
    whole = _used() - began
    sys.stdout.write(f"{len(files)} files, {frames} frames, {engines.made_by}\n")
    for part, seconds in sorted(clock.seconds.items(), key=lambda item: -item[1]):
        sys.stdout.write(f"{part:32s} {seconds / frames:.3f} s a frame, {clock.calls[part] / frames:.1f} times\n")
    rest = whole - sum(clock.seconds.values())
    sys.stdout.write(f"{'all the rest':32s} {rest / frames:.3f} s a frame\n{'together':32s} {whole / frames:.3f}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
