"""A run's clean files as one ZIP, packed while it is being sent."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from deid.runfiles import RunFiles

_FIRST_MOMENT = (1980, 1, 1, 0, 0, 0)
"""What a ZIP can hold at least: times of work do not go out."""


def zip_of(files: RunFiles, beside: Mapping[str, str]) -> Iterator[bytes]:
    """A ZIP of a run's clean files, its report, and texts by name beside them, piece by piece as it is packed."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for entry in files.entries():
            if entry.published:
                _add(archive, PurePosixPath("images") / entry.place, files.clean(entry))
                yield pipe.taken()
        for name, text in {"report.jsonl": files.report(names=False), **beside}.items():
            _add(archive, PurePosixPath(name), text.encode())
    yield pipe.taken()


def zip_below(folder: Path) -> Iterator[bytes]:
    """A ZIP of all files below a folder, piece by piece as it is packed."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            _add(archive, PurePosixPath("images", path.relative_to(folder)), path.read_bytes())
            yield pipe.taken()
    yield pipe.taken()


def _add(archive: zipfile.ZipFile, place: PurePosixPath, content: bytes) -> None:
    member = zipfile.ZipInfo(str(place), _FIRST_MOMENT)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o600 << 16
    archive.writestr(member, content)


class _Pipe(io.RawIOBase):
    """A file that can only be written, and hands on what was."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: bytes) -> int:  # type: ignore[override]
        self._parts.append(bytes(part))
        return len(part)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
