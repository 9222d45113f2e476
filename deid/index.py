"""One line of JSON for each file of a run, added as it ends; of a file that was done again, the last line counts.

The lines hold names of files, which may be PHI.
"""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

_NONE = -1


class Index:
    """The file; it need not be there."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, told: dict[str, Any]) -> None:
        """Add what became of a file."""
        line = json.dumps(told).encode("ascii") + b"\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(line)

    def lines(self) -> Iterator[dict[str, Any]]:
        """What became of each file, in the order in which they ended."""
        found: dict[object, dict[str, Any]] = {}
        for _, told in self._all():
            key = told.get("number") if told.get("number") is not None else told["source"]
            found.pop(key, None)
            found[key] = told
        return iter(found.values())

    def repair(self) -> None:
        """Take away a last line that was cut short when the machine stopped."""
        if not self.path.exists():
            return
        with self.path.open("r+b") as file:
            whole = 0
            for line in file:
                whole += len(line) if line.endswith(b"\n") else 0
            file.truncate(whole)

    def by_number(self) -> LastLines:
        """The last line of each file, to be asked for by the file's number; holds one offset a file in memory."""
        offsets = array("q")
        for offset, told in self._all():
            number = told.get("number")
            if number is None:
                continue
            if number >= len(offsets):
                offsets.extend([_NONE] * (number + 1 - len(offsets)))
            offsets[number] = offset
        return LastLines(self.path, offsets)

    def _all(self) -> Iterator[tuple[int, dict[str, Any]]]:
        if not self.path.exists():
            return
        offset = 0
        with self.path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield offset, json.loads(line)
                offset += len(line)


class LastLines:
    """Lines of an index by number."""

    def __init__(self, path: Path, offsets: array[int]) -> None:
        self._offsets = offsets
        self._file: BinaryIO | None = path.open("rb") if path.exists() else None

    def of(self, number: int) -> dict[str, Any] | None:
        """The line; None where there is none."""
        offset = self._offsets[number] if number < len(self._offsets) else _NONE
        if offset == _NONE or self._file is None:
            return None
        self._file.seek(offset)
        told: dict[str, Any] = json.loads(self._file.readline())
        return told

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
