"""Damaged files by the thousand: no crash here, no output of one that fails, a reason for each.

    .venv/bin/python -m tests.fuzzing [--files 5000] [--runs 200] [--seed 0] [--jobs 1]

Ten made-up files are damaged (bytes flipped, cut, moved, lengths changed). Each damaged file goes through load, redact
with given boxes, header, write and verify in a worker process, without readers; some go through `deid run`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import numpy as np

from deid import header
from deid.codecs.raw import pixel_format
from deid.errors import QuarantineError, RefusedError
from deid.load import load
from deid.redact import redact
from deid.values import Box, Reason, Region
from deid.verify import check_written
from deid.workers import Beat, Limits, Lost, Work, work_through
from tests.dicom_factory import dicom, gradient

LIMITS = Limits(300.0, 1024)
PASSED = "passed"
ENDS = ("passed", "quarantined", "refused", "lost", "surprised")
_GREY, _DEEP = gradient(64, 60), gradient(64, 60, "u2", 4095)
_COLOUR = np.stack([_GREY, _GREY[::-1], 255 - _GREY], axis=-1)


@dataclass
class Found:
    """How damaged files ended, and the reasons with how often each was given."""

    ends: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, Counter[str]] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, end: str, reason: str) -> None:
        """One more file."""
        self.ends[end] += 1
        self.reasons.setdefault(end, Counter())[reason] += 1


def seeds() -> list[bytes]:
    """Ten whole files, one a family of syntaxes."""
    from pydicom import uid

    return [
        dicom(_DEEP, bits_stored=12),
        dicom(np.stack([_COLOUR, _COLOUR[::-1]]), photometric="RGB", planar=1),
        dicom((_DEEP.astype("i4") - 2048).astype("i2"), syntax=uid.ExplicitVRBigEndian),
        dicom(np.stack([_GREY > 99, _GREY < 80]), syntax=uid.DeflatedExplicitVRLittleEndian),
        dicom(np.stack([_COLOUR] * 2), photometric="RGB", syntax=uid.RLELossless),
        dicom(np.stack([_COLOUR] * 2), photometric="YBR_FULL_422", syntax=uid.JPEGBaseline8Bit),
        dicom(_DEEP, bits_stored=12, syntax=uid.JPEGExtended12Bit),
        dicom(_DEEP, bits_stored=12, syntax=uid.JPEGLosslessSV1),
        dicom(_COLOUR, photometric="RGB", syntax=uid.JPEGLSLossless),
        dicom(np.stack([_DEEP] * 2), bits_stored=12, syntax=uid.JPEG2000Lossless),
    ]


def damaged(whole: bytes, rng: np.random.Generator) -> bytes:
    """The file with one to four kinds of damage, half of them where the pixels are."""
    data = bytearray(whole)
    for _ in range(rng.integers(1, 5)):
        if len(data) < 200:
            break
        pixels = max(data.rfind(b"\xe0\x7f\x10\x00"), 132)
        start = pixels if rng.random() < 0.5 else int(rng.integers(0, 2)) * 132
        at = int(rng.integers(start, len(data)))
        _DAMAGE[rng.integers(len(_DAMAGE))](data, at, rng)
    return bytes(data)


def _flip(data: bytearray, at: int, rng: np.random.Generator) -> None:
    for place in rng.integers(at, len(data), rng.integers(1, 9)):
        data[place] ^= 1 << int(rng.integers(8))


def _cut(data: bytearray, at: int, rng: np.random.Generator) -> None:
    del data[at:]


def _drop(data: bytearray, at: int, rng: np.random.Generator) -> None:
    del data[at : at + int(rng.integers(1, 64))]


def _repeat(data: bytearray, at: int, rng: np.random.Generator) -> None:
    data[at:at] = data[at : at + int(rng.integers(1, 64))]


def _noise(data: bytearray, at: int, rng: np.random.Generator) -> None:
    length = min(int(rng.integers(1, 32)), len(data) - at)
    data[at : at + length] = rng.bytes(length)


def _length(data: bytearray, at: int, rng: np.random.Generator) -> None:
    """Where a length, an offset or a size may stand: an extreme value."""
    at -= at % 2
    value = int(rng.choice([0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFFE, int(rng.integers(1 << 16))]))
    width = int(rng.choice([2, 4]))
    value &= (1 << 8 * width) - 1
    data[at : at + width] = value.to_bytes(width, "little")[: max(len(data) - at, 0)]


_DAMAGE = (_flip, _flip, _cut, _drop, _repeat, _noise, _length, _length)


def start() -> Work:
    """What a worker does with a damaged file."""
    return _ended


def _ended(data: bytes, beat: Beat) -> tuple[str, str, bytes]:
    """(end, reason, what would be written)."""
    try:
        original = load(data, max_frames=1000, max_pixels_per_frame=1 << 22)
        layout = pixel_format(original)
        box = Box(min(9, layout.columns - 1), min(7, layout.rows - 1), 20, 9)
        redacted, effective = redact(original, [Region(None, box, (Reason.DRAWN,), 1.0)])
        cleaned, _ = header.clean(redacted, b"k" * 32, pixels_changed=True, pixels_examined=True)
        written = header.write(cleaned)
        checks, _ = check_written(original, written, effective, header.needles(original))
    except RefusedError as exc:
        return "refused", str(exc), b""
    except QuarantineError as exc:
        return "quarantined", str(exc), b""
    except Exception as exc:
        traceback = exc.__traceback__
        while traceback and traceback.tb_next:
            traceback = traceback.tb_next
        place = f"{Path(traceback.tb_frame.f_code.co_filename).name}:{traceback.tb_lineno}" if traceback else ""
        return "surprised", f"{type(exc).__name__} at {place}", b""
    failed = [check for check in checks if not check.passed]
    if failed:
        return "quarantined", " ".join(check.name for check in failed), b""
    return PASSED, "", written


def through_stages(files: int, seed: int, workers: int = 1) -> Found:
    """How so many damaged files end without readers."""
    found, begun = Found(), perf_counter()
    for _, outcome in work_through(_damaged_files(files, seed), workers, start, (), lambda data: LIMITS):
        if isinstance(outcome, Lost):
            found.add("lost", outcome.reason)
            continue
        end, reason, written = outcome
        if bool(written) is not (end == PASSED) or bool(reason) is (end == PASSED):
            raise AssertionError(f"{end} with {len(written)} bytes and the reason {reason!r}")
        found.add(end, reason)
    found.seconds = perf_counter() - begun
    return found


def _damaged_files(files: int, seed: int) -> Iterator[bytes]:
    rng, whole = np.random.default_rng(seed), seeds()
    for number in range(files):
        yield damaged(whole[number % len(whole)], rng)


def through_the_command(files: int, seed: int, folder: Path) -> Found:
    """How so many damaged files end in `deid run`; a file in the output must be one that came out cleaned."""
    begun = perf_counter()
    (folder / "in").mkdir()
    for number, data in enumerate(_damaged_files(files, seed)):
        (folder / "in" / f"{number:05}.dcm").write_bytes(data)
    environment = {**os.environ, "DEID_HOME": str(folder / "home"), "DEID_MODEL": "none"}
    command = [sys.executable, "-m", "deid", "run", str(folder / "in"), "--out", str(folder / "out")]
    done = subprocess.run(
        [*command, "--report", str(folder / "report.jsonl")], env=environment, capture_output=True, check=False
    )
    if done.returncode not in (0, 3) or b"Traceback" in done.stderr:
        raise AssertionError(f"deid run ended with {done.returncode}: {done.stderr[-2000:]!r}")
    found = Found()
    lines = [json.loads(line) for line in (folder / "report.jsonl").read_text(encoding="utf-8").splitlines()]
    for line in lines:
        if bool(line["reason"]) is (line["outcome"] == "cleaned"):
            raise AssertionError(f"{line['outcome']} with the reason {line['reason']!r}")
        found.add(line["outcome"], line["reason"])
    cleaned = {line["file"] for line in lines if line["outcome"] == "cleaned"}
    written = {str(path.relative_to(folder / "out")) for path in (folder / "out").rglob("*") if path.is_file()}
    if len(lines) != files or written != cleaned:
        raise AssertionError(f"{len(lines)} lines, {len(cleaned)} cleaned, {len(written)} written")
    found.seconds = perf_counter() - begun
    return found


def main() -> None:
    """Damage, count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    _tell("load, redact, header, write, verify", through_stages(given.files, given.seed, given.jobs))
    with tempfile.TemporaryDirectory() as folder:
        _tell("deid run", through_the_command(given.runs, given.seed + 1, Path(folder)))


def _tell(title: str, found: Found) -> None:
    print(f"{title}: {found.ends.total()} files in {found.seconds:.0f} s", flush=True)
    for end, count in found.ends.most_common():
        print(f"  {end}: {count}")
        for reason, times in found.reasons[end].most_common(8):
            print(f"      {times:5} {reason}")


if __name__ == "__main__":
    main()
