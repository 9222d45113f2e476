"""Text within coded data: bytes that spell something, and that the picture decodes without.

A decoder looks at no byte between the last sample of a scan, restart interval or tile and the marker that follows.
Where blocks cannot be coded anew to tell (progressive, 12-bit and lossless JPEG, JPEG-LS, JPEG 2000), what reads as
text is made zeros for a trial: if the picture stays the same, it was no part of it. Shorter texts are spelled by chance
all the time, and are not tried.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from deid.codecs.encapsulated import Span
from deid.errors import PixelError

_CHARACTERS = rb"A-Za-z0-9 ^.,:/='_-"
_LONG, _SHORT = 12, 6
"""Characters that read as text anywhere, and near the end of coded data."""
_NEAR_END = 256
_DISTINCT = 5
"""Flat parts of a picture repeat fewer different bytes than a text has."""
_LAST = 3
_RUN = re.compile(rb"[" + _CHARACTERS + rb"]{%d,}" % _SHORT)
_IS_TEXT = np.array([re.match(rb"[" + _CHARACTERS + rb"]", bytes([byte])) is not None for byte in range(256)])


def hidden_texts(
    codestream: bytes, coded: Iterable[Span], decode: Callable[[bytes], np.ndarray]
) -> Iterator[tuple[int, bytes]]:
    """Where text lies in the coded data that the picture does not need, and the zeros that must stand there."""
    picture: np.ndarray | None = None
    for start, end in (run for span in coded for run in _runs(codestream, span)):
        try:
            picture = decode(codestream) if picture is None else picture
        except PixelError:
            return  # what cannot be decoded does not come out at all
        first = _first_idle(codestream, (start, end), decode, picture)
        if first < end:
            yield first, bytes(end - first)


def _runs(codestream: bytes, span: Span) -> Iterator[Span]:
    """What reads as text, in order."""
    start, end = span
    near = max(end - _NEAR_END, start)
    long = _long_runs(codestream, (start, end))
    late = [(near + each.start(), near + each.end()) for each in _RUN.finditer(codestream[near:end])]
    for first, last in sorted({*long, *(run for run in late if run[0] > near or not long)}):
        if len(set(codestream[first:last])) >= _DISTINCT:
            yield first, last


def _long_runs(codestream: bytes, span: Span) -> list[Span]:
    start, end = span
    if end - start < _LONG:
        return []
    one = _IS_TEXT[np.frombuffer(codestream, np.uint8, count=end - start, offset=start)]
    two = one[:-1] & one[1:]
    four = two[:-2] & two[2:]
    begins = np.flatnonzero(four[:-8] & four[4:-4] & four[8:]) + start
    runs: list[Span] = []
    for begin in begins.tolist():
        if not runs or begin >= runs[-1][1]:
            found = _RUN.match(codestream, begin, end)
            assert found is not None
            runs.append((begin, found.end()))
    return runs


def _first_idle(codestream: bytes, run: Span, decode: Callable[[bytes], np.ndarray], picture: np.ndarray) -> int:
    """From which byte of a run on the picture needs none of it; the end of the run where it needs the last ones."""

    def is_idle(first: int) -> bool:
        try:
            found = decode(codestream[:first] + bytes(run[1] - first) + codestream[run[1] :])
        except PixelError:
            return False
        return found.shape == picture.shape and bool(np.array_equal(found, picture, equal_nan=found.dtype.kind == "f"))

    needed, idle = run[0] - 1, run[1] - _LAST
    if not is_idle(idle):
        return run[1]
    while idle - needed > 1:
        middle = (needed + idle) // 2
        if is_idle(middle):
            idle = middle
        else:
            needed = middle
    return idle
