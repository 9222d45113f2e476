"""Large values lie in nameless private files, and what is made through them is what is made in memory."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit, JPEGLSLossless, JPEGLSNearLossless, RLELossless

from deid import scratch
from deid.codecs import encapsulated
from deid.codecs.raw import iter_raw_frames
from deid.header import clean, needles, write
from deid.load import load
from deid.redact import redact
from deid.scratch import IN_MEMORY, Scratch, content, mapped, pieces, stream
from deid.values import Box, Region
from deid.verify import check_written
from tests.dicom_factory import file_bytes, gradient, image

FRAMES = np.stack([gradient(48, 40), gradient(48, 40)[::-1], gradient(48, 40) // 2])
COLOUR = np.stack([FRAMES, FRAMES, 255 - FRAMES], axis=-1)
KINDS: list[Any] = [
    pytest.param(FRAMES, {}, ExplicitVRLittleEndian, id="native"),
    pytest.param(FRAMES.astype("u2"), {"bits_stored": 12}, ExplicitVRLittleEndian, id="native, 12 bits"),
    pytest.param(FRAMES, {}, RLELossless, id="RLE"),
    pytest.param(FRAMES, {}, JPEGLSLossless, id="JPEG-LS"),
    pytest.param(FRAMES, {}, JPEGLSNearLossless, id="transcoded"),
    pytest.param(COLOUR, {"photometric": "YBR_FULL_422"}, JPEGBaseline8Bit, id="JPEG"),
]


def _is_mapped(value: object) -> bool:
    return isinstance(value, memoryview) and isinstance(value.obj, mmap.mmap)


def _worked_on(path: Path, place: Scratch) -> tuple[Any, ...]:
    original = load(mapped(path), scratch=place)
    redacted, effective = redact(original, [Region(None, Box(9, 7, 12, 8), (), 1.0)], place)
    cleaned, _ = clean(redacted, b"k" * 32, pixels_changed=True, pixels_examined=True)
    written = write(cleaned, place)
    checks, _ = check_written(original, written, effective, needles(original))
    assert [check.detail for check in checks if not check.passed] == []
    return original, redacted, written


@pytest.mark.parametrize("extended", [False, True], ids=["basic offsets", "extended offsets"])
@pytest.mark.parametrize(("pixels", "layout", "syntax"), KINDS)
def test_files_are_worked_on_through_the_disk_as_in_memory(
    pixels: np.ndarray,
    layout: dict[str, Any],
    syntax: str,
    extended: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, folder = tmp_path / "source", tmp_path / "scratch"
    folder.mkdir()
    source.write_bytes(file_bytes(image(pixels, syntax=syntax, **layout)))
    if extended:
        monkeypatch.setattr(encapsulated, "_LARGEST_BASIC_OFFSET", 0)
    *_, in_memory = _worked_on(source, IN_MEMORY)
    monkeypatch.setattr(scratch, "_LARGEST_IN_MEMORY", 0)
    original, redacted, written = _worked_on(source, Scratch(folder, 0))
    assert all(map(_is_mapped, (original.PixelData, redacted.PixelData, written)))
    assert bytes(written) == in_memory
    assert [each.shape for each in iter_raw_frames(redacted)] == [pixels.shape[1:]] * len(pixels)
    assert list(folder.iterdir()) == []


def test_what_codestreams_hide_is_cleared_beside_the_original(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = image(FRAMES[0], syntax=JPEGBaseline8Bit)
    value = bytearray(built.PixelData)
    at = value.index(b"JFIF\0") - 4
    value[at + 1] = 0xFE
    built.PixelData = bytes(value)
    source = tmp_path / "source"
    source.write_bytes(file_bytes(built))
    monkeypatch.setattr(scratch, "_LARGEST_IN_MEMORY", 0)
    dataset = load(mapped(source), scratch=Scratch(tmp_path, 0))
    assert _is_mapped(dataset.PixelData)
    assert b"JFIF" not in bytes(dataset.PixelData)
    assert b"JFIF" in source.read_bytes()


def test_a_file_has_no_name_and_belongs_to_its_user(tmp_path: Path) -> None:
    with Scratch(tmp_path, 0).file(1) as file:
        found = os.fstat(file.fileno())
        assert list(tmp_path.iterdir()) == []
    assert (found.st_nlink, found.st_mode & 0o777, found.st_dev) == (0, 0o600, tmp_path.stat().st_dev)


def test_small_values_stay_in_memory(tmp_path: Path) -> None:
    place = Scratch(tmp_path, 10)
    assert not _is_mapped(place.copy(b"0123456789"))
    assert _is_mapped(place.copy(b"0123456789a"))
    assert content(place.file(10)) == b""


def test_a_copy_is_edited_and_the_original_stays(tmp_path: Path) -> None:
    original = bytes(3 << 20)
    copy = Scratch(tmp_path, 0).copy(original)
    copy[2 << 20] = 7
    assert [len(piece) for piece in pieces(copy)] == [1 << 20] * 3
    assert (copy[2 << 20], original[2 << 20], len(copy)) == (7, 0, len(original))


def test_a_value_is_read_like_a_file(tmp_path: Path) -> None:
    value = Scratch(tmp_path, 0).copy(bytes(range(256)) * 1000)
    with stream(value) as file:
        assert file.read(3) == b"\0\1\2"
        assert (file.seek(-2, os.SEEK_END), file.read(), file.read()) == (255_998, b"\xfe\xff", b"")
        assert (file.seek(5), file.seek(1, os.SEEK_CUR), file.read(2)) == (5, 6, b"\6\7")
