"""ZIPs from outside: what is not as it should be is refused in a sentence, and nothing of it comes in."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Callable

import pytest

from deid.errors import RefusedError
from deid.unzip import Limits, is_zip, unzip

LIMITS = Limits(files=5, total_bytes=20_000_000)
Fill = Callable[[zipfile.ZipFile], None]


def zipped(fill: Fill) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        fill(archive)
    return buffer.getvalue()


def plain(archive: zipfile.ZipFile) -> None:
    archive.writestr("study/series/a", b"one")
    archive.writestr("study/b.dcm", b"two")
    archive.mkdir("study/empty")


def link(archive: zipfile.ZipFile) -> None:
    member = zipfile.ZipInfo("study/link")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(member, "/etc/passwd")


def encrypted() -> bytes:
    """As `plain`, with the flag that says so: the names can be read, the content can't."""
    data = bytearray(zipped(plain))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            struct.pack_into("<H", data, at + place, struct.unpack_from("<H", data, at + place)[0] | 1)
            at = data.find(mark, at + 4)
    return bytes(data)


def damaged() -> bytes:
    data = bytearray(zipped(lambda archive: archive.writestr("a", bytes(range(256)) * 40)))
    data[60:80] = bytes(20)
    return bytes(data)


def lying() -> bytes:
    """A bomb whose directory says that it is small."""
    data = bytearray(zipped(lambda archive: archive.writestr("a", bytes(40_000_000))))
    at = data.find(b"PK\x01\x02")
    struct.pack_into("<L", data, at + 24, 100)
    return bytes(data)


def test_files_come_out_with_their_paths_and_folders_do_not() -> None:
    data = zipped(plain)
    assert is_zip(data)
    assert dict(unzip(data, LIMITS)) == {"study/series/a": b"one", "study/b.dcm": b"two"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04 and no more", "damaged"),
        (zipped(plain)[:-10], "damaged"),
        (damaged(), "damaged"),
        (encrypted(), "encrypted"),
        (zipped(link), "links"),
        (zipped(lambda archive: archive.writestr("../../etc/cron.d/x", b"")), "lead out"),
        (zipped(lambda archive: archive.writestr("/etc/passwd", b"")), "lead out"),
        (zipped(lambda archive: archive.writestr("C:\\windows\\x", b"")), "lead out"),
        (zipped(lambda archive: archive.writestr("a\\..\\..\\x", b"")), "lead out"),
        (zipped(lambda archive: archive.writestr("a/" * 40 + "x", b"")), "lead out"),
        (zipped(lambda archive: [archive.writestr(str(each), b"") for each in range(6)]), "6 files"),  # type: ignore[arg-type,return-value]
        (zipped(lambda archive: archive.writestr("a", bytes(19_000_000))), "far more than its own size"),
        (zipped(lambda archive: archive.writestr("a", bytes(40_000_000))), "more than 20 MB"),
        (lying(), "damaged"),
    ],
    ids=[
        "no directory",
        "cut",
        "bad content",
        "encrypted",
        "link",
        "upwards",
        "absolute",
        "drive",
        "backslashes",
        "deep",
        "many",
        "bomb",
        "large",
        "lying",
    ],
)
def test_a_bad_zip_is_refused_with_a_sentence(data: bytes, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        list(unzip(data, LIMITS))
