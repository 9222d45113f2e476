"""The files of a ZIP, in memory; an archive that is not what it should be is refused as a whole, in a sentence.

Sizes that an archive states are not believed: what comes out is counted while it comes out.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath, PureWindowsPath

from deid.errors import RefusedError

MARKS = (b"PK\x03\x04", b"PK\x05\x06")
"""How a ZIP begins; the second is one without files."""
LARGEST_RATIO = 200
"""Real images shrink to a tenth at best, empty ones to a hundredth; an archive that means harm to a thousandth."""
SMALL_BYTES = 10_000_000
"""Below this the ratio says nothing."""
DEEPEST = 32
_CHUNK = 1 << 20
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may come in at once."""

    files: int
    total_bytes: int


def is_zip(data: bytes) -> bool:
    """Whether the bytes begin as a ZIP does."""
    return data[:4] in MARKS


def unzip(data: bytes, limits: Limits) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file in the archive; folders are passed over.

    Raises
    ------
    RefusedError
        Where the archive is damaged, encrypted or too large, or holds what could leave its folder.
    """
    try:
        archive = zipfile.ZipFile(BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as exc:
        raise RefusedError("This ZIP is damaged: make it again, or upload the folder.") from exc
    with archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        _check(members, limits)
        left = min(limits.total_bytes, max(LARGEST_RATIO * len(data), SMALL_BYTES))
        for member in members:
            content = _content(archive, member, left, limits)
            left -= len(content)
            yield member.filename, content


def _check(members: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(members) > limits.files:
        raise RefusedError(f"This ZIP holds {len(members):,} files; {limits.files:,} may come in at once. Split it.")
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise RefusedError("This ZIP is encrypted: unpack it, and upload the folder.")
    if any(_is_special(member) for member in members):
        raise RefusedError("This ZIP holds links or devices, not files alone: make it again without them.")
    if any(_leaves(member.orig_filename) for member in members):
        raise RefusedError("This ZIP holds paths that lead out of its folder: make it again with relative paths.")


def _is_special(member: zipfile.ZipInfo) -> bool:
    """Whether an archive made on Unix says that this is neither a file nor a folder."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    return kind not in (0, stat.S_IFREG, stat.S_IFDIR)


def _leaves(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    rooted = path.is_absolute() or bool(PureWindowsPath(name).drive)
    return rooted or ".." in path.parts or len(path.parts) > DEEPEST or "\0" in name


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int, limits: Limits) -> bytes:
    parts, size = [], 0
    try:
        with archive.open(member) as stream:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                if size > left:
                    megabytes = limits.total_bytes // 1_000_000
                    raise RefusedError(
                        f"This ZIP unpacks to more than {megabytes:,} MB, or to far more than its own size: split it."
                    )
                parts.append(chunk)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as exc:
        raise RefusedError("This ZIP is damaged: make it again, or upload the folder.") from exc
    return b"".join(parts)
