"""Measure memory and seconds of redaction and its proof, each file in a process of its own, without readers.

    .venv/bin/python script/measure_memory.py [NAME...]

Files are made up (speckle as in ultrasound) and lie in a temporary folder. Each is opened, a box in every frame is
overwritten, the header is cleaned, the file is written and verified, and all results are kept as a run keeps them: in
files beyond a size. Printed is a row of a table: the file's size, memory of the process at its peak (VmHWM, Linux; it
counts what is mapped and looked at), what of it is beyond what the imports take, and seconds of a processor to open the
file, and from there on, also as a clock has them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import DataElement, Dataset
from pydicom.encaps import encapsulate
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.dicom_factory import encode, file_bytes, image  # noqa: E402

_DIFFERENT = 6
"""So many frames are made; longer loops repeat them."""


def main() -> None:
    """Measure the files named, or all, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(FILES))
    parser.add_argument("--in-process", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.in_process:
        print(json.dumps(measured(given.in_process)))
        return
    print("| file | frames | MB | peak MB | beyond imports MB | open s | redact to verify s | on the clock s |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in given.names or FILES:
            print(_row(name, Path(folder) / "made.dcm"), flush=True)


def _row(name: str, path: Path) -> str:
    made = FILES[name]()
    frames = made.get("NumberOfFrames") or 1
    path.write_bytes(file_bytes(made))
    del made
    command = [sys.executable, __file__, "--in-process", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - this script
    found = json.loads(done.stdout)
    size = path.stat().st_size / 1e6
    return (
        f"| {name} | {frames} | {size:.0f} | {found['peak']:.0f} | {found['peak'] - found['imports']:.0f} "
        f"| {found['opening']:.2f} | {found['seconds']:.2f} | {found['clock']:.2f} |"
    )


def measured(path: Path) -> dict[str, float]:
    """Peak memory in MB and seconds for one file, in this process."""
    from time import perf_counter, process_time

    from deid import memory
    from deid.header import clean, needles, write
    from deid.load import load
    from deid.redact import redact
    from deid.scratch import Scratch, mapped
    from deid.values import Box, Region
    from deid.verify import check_written

    memory.keep_freed()
    imports = _peak_mb()
    scratch = Scratch(path.parent)
    opening = process_time()
    original = load(mapped(path), scratch=scratch)
    start, clock = process_time(), perf_counter()
    redacted, effective = redact(original, [Region(None, Box(16, 16, 390, 30), (), 1.0)], scratch)
    cleaned, _ = clean(redacted, b"k" * 32, pixels_changed=True, pixels_examined=True)
    written = write(cleaned, scratch)
    checks, _ = check_written(original, written, effective, needles(original))
    if not all(check.passed for check in checks):
        raise SystemExit("; ".join(check.detail for check in checks if not check.passed))
    seconds = {"opening": start - opening, "seconds": process_time() - start, "clock": perf_counter() - clock}
    return {"imports": imports, "peak": _peak_mb(), **seconds}


def _peak_mb() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM"))


def _speckle(rows: int, columns: int, seed: int) -> np.ndarray:
    """A sector of speckle on black, its grain two pixels wide, as ultrasound shows."""
    grain = np.random.default_rng(seed).gamma(2, 25, (rows // 2, columns // 2)).clip(0, 255).astype(np.uint8)
    noise = np.array(Image.fromarray(grain).resize((columns, rows), Image.Resampling.BILINEAR))
    across = np.abs(np.arange(columns) - columns / 2)
    noise[across > (np.arange(rows)[:, None] + 40) * columns / rows / 2] = 0
    return noise


def _jpeg_loop(frames: int) -> Dataset:
    def stored(seed: int) -> bytes:
        buffer = BytesIO()
        grey = _speckle(768, 1024, seed)
        Image.fromarray(np.stack([grey] * 3, axis=-1)).save(buffer, "JPEG", quality=85, subsampling="4:2:2")
        return buffer.getvalue()

    made = image(np.zeros((2, 768, 1024, 3), np.uint8), photometric="YBR_FULL_422", syntax=JPEGBaseline8Bit)
    return _of_frames(made, frames, stored)


def _loop(syntax: str, frames: int) -> Dataset:
    made = image(np.zeros((2, 512, 512), np.uint8), syntax=syntax)
    return _of_frames(made, frames, lambda seed: encode(_speckle(512, 512, seed), made))


def _of_frames(made: Dataset, frames: int, stored: Callable[[int], bytes]) -> Dataset:
    codestreams = [stored(seed) for seed in range(min(frames, _DIFFERENT))]
    made.NumberOfFrames = frames
    made.PixelData = encapsulate([codestreams[frame % _DIFFERENT] for frame in range(frames)])
    return made


def _native(frames: int, rows: int, columns: int, kind: str = "u2") -> Dataset:
    made = image(np.zeros((2, 4, 4), kind))
    made.Rows, made.Columns, made.NumberOfFrames = rows, columns, frames
    several = [_speckle(rows, columns, seed).astype(kind).tobytes() for seed in range(min(frames, _DIFFERENT))]
    value = b"".join(several[frame % len(several)] for frame in range(frames))
    made[Tag("PixelData")] = DataElement(Tag("PixelData"), "OB" if kind == "u1" else "OW", value)
    made.file_meta.TransferSyntaxUID = UID(ExplicitVRLittleEndian)
    return made


FILES: dict[str, Callable[[], Dataset]] = {
    "jpeg-60": lambda: _jpeg_loop(60),
    "jpeg-300": lambda: _jpeg_loop(300),
    "jpeg-600": lambda: _jpeg_loop(600),
    "jpeg-2000": lambda: _jpeg_loop(2000),
    "native-60": lambda: _native(60, 256, 256, "u1"),
    "native-300": lambda: _native(300, 256, 256, "u1"),
    "native-600": lambda: _native(600, 256, 256, "u1"),
    "native-2000": lambda: _native(2000, 256, 256, "u1"),
    "rle-2000": lambda: _loop(RLELossless, 2000),
    "jpegls-2000": lambda: _loop(JPEGLSLossless, 2000),
    "native-300mb": lambda: _native(600, 512, 512),
    "one-frame-300mb": lambda: _native(1, 12288, 12288),
}
"""Name and maker of each file; colour JPEG of 1024 x 768, loops of 512 x 512, deep native frames."""


if __name__ == "__main__":
    main()
