"""Measure what redaction does to the pixels of many files, and write docs/pixels.md.

    .venv/bin/python -m tests.fuzzing > damaged.log
    .venv/bin/python script/pixels_table.py [FOLDER...] [--damaged damaged.log] [--out docs/pixels.md]

The files: pydicom's test files, the bench sets (DEID_BENCH), made-up ones of every layout, and what is in FOLDER. Each
gets boxes in every frame and goes through load, redact, header, write and verify; then all its frames are decoded again
beside the original's, apart from what verify does. No reader takes part.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from time import perf_counter

import numpy as np
from pydicom import Dataset, dcmread
from pydicom._uid_dict import UID_dictionary
from pydicom.data import get_testdata_files
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from deid import header  # noqa: E402
from deid.codecs import dct  # noqa: E402
from deid.codecs.raw import encoded_frames, iter_raw_frames, pixel_format  # noqa: E402
from deid.codecs.regions import boxes_by_frame  # noqa: E402
from deid.codecs.syntaxes import WAYS, why_not  # noqa: E402
from deid.errors import DeidError, RefusedError  # noqa: E402
from deid.load import HEAD_BYTES, is_dicom, load  # noqa: E402
from deid.redact import redact, way_taken  # noqa: E402
from deid.values import Box, Reason, Region  # noqa: E402
from deid.verify import check_written  # noqa: E402
from tests.dicom_factory import file_bytes, gradient, image  # noqa: E402

_NUMBER = re.compile(r"<[\d.]+>")
"""A UID or another number that stands in a message of dciodvfy."""
KEY = b"the key of a measurement"
WHY_LEFT = {
    "dct": "blocks cannot be edited (progressive, palette, odd tables): no encoder adds no loss",
    "transcode": "no encoder of this syntax adds no loss",
    "lossless": "its encoder refuses the frame",
}


@dataclass(frozen=True)
class Measured:
    """One file that came through."""

    layout: tuple[str, ...]
    way: str
    outside: int
    halo: int
    """The largest change of a sample within one pixel of a box of subsampled JPEG; elsewhere it counts as outside."""
    kept: str
    """Empty where the syntax stayed, else why it did not."""
    ratio: float
    new_errors: tuple[str, ...] | None
    seconds: float
    failed: tuple[str, ...]
    untouched: str
    """What became of the pixel element without a box: the same, or cleared of what no picture shows."""


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--damaged", type=Path, help="What tests/fuzzing.py printed; it becomes a section.")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pixels.md")
    given = parser.parse_args()
    measured: list[Measured] = []
    held: Counter[tuple[str, str, str]] = Counter()
    sources: Counter[str] = Counter()
    for source, data in _files(given.folders):
        try:
            measured.append(_measured(data))
        except DeidError as exc:
            kind = "refused" if isinstance(exc, RefusedError) else "quarantined"
            held[kind, _syntax_of(data), str(exc)] += 1
        sources[source] += 1
    page = list(_page(measured, held, sources))
    if given.damaged:
        page += _damaged(given.damaged.read_text(encoding="utf-8"))
    given.out.write_text("\n".join(page) + "\n", encoding="utf-8")


def _files(folders: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    bench = Path(os.environ.get("DEID_BENCH", ROOT.parent / "shared" / "bench"))
    groups = {
        "pydicom's test files": sorted(path for path in map(Path, get_testdata_files()) if path.is_file()),
        "the bench sets": sorted(bench.rglob("*.dcm")),
        "folders given": sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()),
    }
    seen: set[bytes] = set()
    for name, paths in groups.items():
        for path in paths:
            data = path.read_bytes()
            if is_dicom(data[:HEAD_BYTES]) and data not in seen:
                seen.add(data)
                yield name, data
    for made in _made_up():
        yield "made up", file_bytes(made)


def _made_up() -> Iterator[Dataset]:
    """Every syntax with every layout that its encoder takes, in one and in three frames."""
    grey, deep = gradient(80, 93), gradient(80, 93, "u2", 4095)
    colour = np.stack([grey, grey[::-1], 255 - grey], axis=-1)
    layouts = [
        (grey, {}),
        (grey, {"photometric": "MONOCHROME1"}),
        (deep, {"bits_stored": 12}),
        (deep, {"bits_stored": 12, "photometric": "MONOCHROME1"}),
        ((deep.astype("i4") - 2048).astype("i2"), {"bits_stored": 12}),
        (colour, {"photometric": "RGB"}),
        (colour, {"photometric": "YBR_FULL"}),
        (colour[:, :92], {"photometric": "YBR_FULL_422"}),
        (deep.astype("u4") << 9, {}),
        (grey > 120, {}),
        (deep.astype("f4") / 7, {}),
        (deep.astype("f8") / 7, {}),
    ]
    for syntax in WAYS:
        for pixels, layout in layouts:
            for frames in (1, 3):
                stack = np.stack([pixels] * frames) if frames > 1 else pixels
                try:
                    made = image(stack, syntax=syntax, **layout)
                    load(file_bytes(made))
                except Exception:  # noqa: S112 - this encoder does not take this layout
                    continue
                yield made
    yield image(np.stack([colour] * 2), photometric="RGB", planar=1)


def _measured(data: bytes) -> Measured:
    original = load(data)
    layout = pixel_format(original)
    wanted = _regions(layout.rows, layout.columns)
    start = perf_counter()
    redacted, effective = redact(original, wanted)
    cleaned, _ = header.clean(redacted, KEY, pixels_changed=True, pixels_examined=True)
    written = header.write(cleaned)
    checks, _ = check_written(original, written, effective, header.needles(original))
    seconds = perf_counter() - start
    output = load(written)
    way = way_taken(original, output, effective)
    outside, halo = _outside(original, output, effective, way)
    same = output.file_meta.TransferSyntaxUID == layout.syntax
    return Measured(
        layout=_layout(original),
        way=way,
        outside=outside,
        halo=halo,
        kept="" if same else WHY_LEFT[WAYS[layout.syntax][0]],
        ratio=len(output[layout.keyword].value) / len(original[layout.keyword].value),
        new_errors=_new_errors(data, written),
        seconds=seconds,
        failed=tuple(check.name for check in checks if not check.passed),
        untouched="the same" if _is_as_it_came(original, data) else "cleared",
    )


def _is_as_it_came(original: Dataset, data: bytes) -> bool:
    """Whether the pixel element of the loaded dataset is that of the file; padding and what follows frames aside."""
    loaded = original[pixel_format(original).keyword].value
    try:
        stored = dcmread(BytesIO(data), force=True)[pixel_format(original).keyword].value
    except Exception:
        return bytes(loaded) in data
    return bool(stored.startswith(bytes(loaded).rstrip(b"\0")))


def _regions(rows: int, columns: int) -> list[Region]:
    boxes = [
        Box(columns // 9, rows // 11, max(columns // 3, 1), max(rows // 13, 1)),
        Box(columns // 2, rows - max(rows // 7, 1), max(columns // 5, 1), max(rows // 9, 1)),
    ]
    return [Region(None, box, (Reason.DRAWN,), 1.0) for box in boxes]


def _outside(original: Dataset, output: Dataset, regions: Iterable[Region], way: str) -> tuple[int, int]:
    """Pixels changed outside the boxes, and the largest change beside a box where chroma is subsampled."""
    boxes = boxes_by_frame(regions, pixel_format(original).frames)
    beside = 0
    if way == "dct":
        coefficients = dct.read_coefficients(encoded_frames(original).codestream(0))
        beside = int(len(set(coefficients.header.sampling)) > 1)
    count = largest = 0
    for number, (before, after) in enumerate(zip(iter_raw_frames(original), iter_raw_frames(output), strict=True)):
        changed = (before != after) & ~((before != before) & (after != after))
        changed = changed.any(axis=2) if changed.ndim == 3 else changed
        inside, near = np.zeros(changed.shape, bool), np.zeros(changed.shape, bool)
        for box in boxes.get(number, ()):
            inside[box.top : box.bottom, box.left : box.right] = True
            rows = slice(max(box.top - beside, 0), box.bottom + beside)
            near[rows, max(box.left - beside, 0) : box.right + beside] = True
        count += int(np.count_nonzero(changed & ~near))
        ring = changed & near & ~inside
        if ring.any():
            largest = max(largest, int(np.abs(before[ring].astype(int) - after[ring].astype(int)).max()))
    return count, largest


def _layout(dataset: Dataset) -> tuple[str, ...]:
    layout = pixel_format(dataset)
    frames = "1" if layout.frames == 1 else "more"
    bits = f"{layout.bits_stored}/{layout.bits_allocated}" + (" float" if layout.is_float else "")
    return UID(layout.syntax).name, layout.photometric, bits, "yes" if layout.signed else "no", frames


def _syntax_of(data: bytes) -> str:
    try:
        syntax = dcmread(BytesIO(data), force=True, stop_before_pixels=True).file_meta.TransferSyntaxUID
    except Exception:
        return "not stated"
    return UID(syntax).name


def _damaged(printed: str) -> list[str]:
    """The section about damaged files."""
    told = "Ten whole files, damaged again and again; printed by `.venv/bin/python -m tests.fuzzing`:"
    return ["", "## Damaged files", "", told, "", *(f"    {line}" for line in printed.splitlines())]


def _new_errors(before: bytes, after: bytes) -> tuple[str, ...] | None:
    """What dciodvfy finds wrong in the output and not in the input, values left out; None where it is not installed."""
    program = Path(sys.executable).parent / "dciodvfy"
    if not program.exists():
        return None
    found = [_errors(program, data) for data in (before, after)]
    return tuple(sorted(found[1] - found[0]))


def _errors(program: Path, data: bytes) -> set[str]:
    with tempfile.NamedTemporaryFile(suffix=".dcm") as file:
        file.write(_inflated(data))
        file.flush()
        done = subprocess.run(  # noqa: S603 - the validator beside this interpreter
            [str(program), file.name], capture_output=True, text=True, errors="replace", check=False, timeout=300
        )
    said = done.stderr.replace(file.name, "").splitlines()
    return {_NUMBER.sub("<>", line.strip()) for line in said if line.startswith("Error")}


def _inflated(data: bytes) -> bytes:
    """The file, not deflated: dciodvfy takes deflated bytes for elements and finds errors that they happen to spell."""
    try:
        dataset = dcmread(BytesIO(data), force=True)
    except Exception:
        return data
    if dataset.file_meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return data
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return file_bytes(dataset)


def _page(measured: list[Measured], held: Counter[tuple[str, str, str]], sources: Counter[str]) -> Iterator[str]:
    total = sum(sources.values())
    yield "# What redaction does to pixels"
    yield ""
    said = ", ".join(
        f"{count} from {name}" if name != "made up" else f"{count} made up" for name, count in sources.items()
    )
    yield f"Made by `.venv/bin/python script/pixels_table.py` from {total} files: {said}."
    yield "Each file got two boxes in every frame and went through all steps but the readers'."
    yield "Then every frame of output and input was decoded and compared, apart from what verify does."
    yield ""
    outside = sum(each.outside for each in measured)
    yield f"- Came through: {len(measured)}. Pixels changed outside the boxes: {outside}."
    halo = max((each.halo for each in measured), default=0)
    yield f"- Subsampled JPEG: within one pixel of a box, decoded samples moved by at most {halo} of 255 (colour only)."
    yield f"- Files that failed a check of verify: {sum(bool(each.failed) for each in measured)}."
    worse = [each for each in measured if each.new_errors]
    checked = sum(each.new_errors is not None for each in measured)
    yield (
        f"- dciodvfy found an error that the input did not have in {len(worse)} of {checked} files "
        "(deflated ones were inflated for it)."
    )
    cleared = sum(each.untouched == "cleared" for each in measured)
    kept = len(measured) - cleared
    yield f"- Without a box, {kept} keep the pixel element byte for byte; {cleared} lose what no picture shows."
    yield "- What lies in a pixel element besides the picture is told in [unseen.md](unseen.md)."
    yield ""
    yield "## By layout"
    yield ""
    yield "Kept is whether the syntax stayed, or why not. Bits are stored/allocated."
    yield "Halo is the largest change of a decoded sample one pixel beside a box. Size is"
    yield "the pixel element after to before, mean; seconds are redact to verify for a file, mean, on a"
    yield "shared machine; new is what dciodvfy says of the output and not of the input."
    yield ""
    yield "| syntax | photometric | bits | signed | frames | files | way | outside | halo | kept | size | new | s |"
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    groups: dict[tuple[str, ...], list[Measured]] = defaultdict(list)
    for each in measured:
        groups[*each.layout, each.way].append(each)
    for key in sorted(groups):
        group = groups[key]
        kept = group[0].kept or "yes"
        errors = sum(len(each.new_errors or ()) for each in group)
        yield (
            f"| {' | '.join(key[:5])} | {len(group)} | {key[5]} | {sum(each.outside for each in group)} "
            f"| {max(each.halo for each in group)} | {kept} | {np.mean([each.ratio for each in group]):.2f} "
            f"| {errors} | {np.mean([each.seconds for each in group]):.2f} |"
        )
    yield ""
    yield "## Held"
    yield ""
    yield "| outcome | syntax | reason | files |"
    yield "|---|---|---|---|"
    for (kind, syntax, reason), count in sorted(held.items()):
        yield f"| {kind} | {syntax} | {reason} | {count} |"
    errors = Counter(error for each in measured for error in each.new_errors or ())
    if errors:
        yield ""
        yield "## New errors"
        yield ""
        yield "| dciodvfy says | files |"
        yield "|---|---|"
        for error, count in errors.most_common():
            yield f"| {error.replace('|', '/')} | {count} |"
    yield ""
    yield "## Every transfer syntax of DICOM"
    yield ""
    yield "| syntax | ways, in order | why not |"
    yield "|---|---|---|"
    for uid, (name, kind, *_) in UID_dictionary.items():
        if kind == "Transfer Syntax":
            yield f"| {name} | {', '.join(WAYS.get(UID(uid), ()))} | {why_not(uid)} |"


if __name__ == "__main__":
    main()
