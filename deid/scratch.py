"""Large values that are made on the way: in memory, or beyond a size in a private file that has no name.

Such a file cannot be opened by another name, and the system takes it away with its last use, also where the process is
killed. It is mapped, so that only what is being looked at takes memory. Its blocks on the disk are not overwritten
before they are given to other files.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader, BytesIO, RawIOBase
from pathlib import Path
from typing import BinaryIO

Content = bytes | memoryview
_PIECE = 1 << 20
_LARGEST_IN_MEMORY = 16 << 20
_READ_AHEAD = 1 << 16


@dataclass(frozen=True, slots=True)
class Scratch:
    """Where values are put together."""

    folder: Path | None = None
    """A folder that only this user may enter, made when it is needed; None: everything stays in memory."""
    largest_in_memory: int = _LARGEST_IN_MEMORY
    """Bytes of a value that stays there all the same."""

    def file(self, length: int) -> BinaryIO:
        """An empty file to write a value of about so many bytes."""
        if self.folder is None or length <= self.largest_in_memory:
            return BytesIO()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=self.folder)

    def copy(self, value: Content) -> memoryview:
        """The value once more, to be edited where it stands."""
        with self.file(len(value)) as file:
            if isinstance(file, BytesIO):
                return memoryview(bytearray(value))
            for piece in pieces(value):
                file.write(piece)
            file.flush()
            return _mapped(file.fileno(), mmap.ACCESS_WRITE)


IN_MEMORY = Scratch()


def content(file: BinaryIO) -> Content:
    """All that was written to a file of `Scratch`, which is not used any more."""
    if isinstance(file, BytesIO):
        return file.getvalue()
    with file:
        file.flush()
        return _mapped(file.fileno(), mmap.ACCESS_READ)


def mapped(path: Path) -> Content:
    """What a file holds, read as it is looked at.

    A process that looks at what is no longer there, because another one has cut the file short, is killed by the
    system: only a process that may be lost should do so.

    Raises
    ------
    OSError
        Where it cannot be read.
    """
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size <= _LARGEST_IN_MEMORY:
            return file.read()
        return _mapped(file.fileno(), mmap.ACCESS_READ)


def pieces(value: Content) -> Iterator[memoryview]:
    """The value in order, piece by piece; what was looked at takes no memory any more where it lies in a file."""
    view = memoryview(value)
    for start in range(0, len(view), _PIECE):
        yield view[start : start + _PIECE]
        let_go(view)


def sha256(value: Content) -> str:
    """The hash of a value, in hexadecimal digits."""
    digest = hashlib.sha256()
    for piece in pieces(value):
        digest.update(piece)
    return digest.hexdigest()


def let_go(value: Content) -> None:
    """Give back the memory of what was looked at so far, where the value lies in a file."""
    if isinstance(value, memoryview) and isinstance(value.obj, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        value.obj.madvise(mmap.MADV_DONTNEED)


def stream(value: Content) -> BytesIO | BufferedReader:
    """The value as a file to read, without a copy of it."""
    return BytesIO(value) if isinstance(value, bytes) else BufferedReader(_Reading(value), _READ_AHEAD)


def _mapped(descriptor: int, access: int) -> memoryview:
    return memoryview(mmap.mmap(descriptor, 0, access=access))


class _Reading(RawIOBase):
    name = None
    """Asked for by pydicom, which then believes that there is no file of a name to be opened again."""

    def __init__(self, value: memoryview) -> None:
        self._value, self._position = value, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: len(self._value)}[whence]
        self._position = max(start + offset, 0)
        return self._position

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]
        found = self._value[self._position : self._position + len(into)]
        into[: len(found)] = found
        self._position += len(found)
        let_go(self._value)
        return len(found)
