"""How many headers are cleaned in a second of one core, without pixels, and what the time goes into.

    .venv/bin/python script/bench_headers.py [--preset NAME] [FOLDER ...]

Headers are those of pydicom's test files and of the folders. Each is loaded once and its pixels are taken out; then
harvest, cleaning and writing are timed. The language model is not asked.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
from pydicom import DataElement, Dataset
from pydicom.tag import Tag

from deid import header
from deid.errors import DeidError
from deid.judging import HeaderJudge
from deid.load import load
from deid.profile import Profile, preset, presets

ROUNDS = 5
ITEM = b"\xfe\xff\0\xe0"


def main() -> None:
    """Print the figure and the profile."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--preset", default="strict", choices=presets())
    parser.add_argument("folders", nargs="*", type=Path)
    given = parser.parse_args()
    profile = preset(given.preset)
    headers = _headers([Path(pydicom.__file__).parent / "data" / "test_files", *given.folders])
    elements = sum(sum(1 for _ in each.iterall()) for each in headers)
    print(f"{len(headers)} headers of {elements / len(headers):.0f} elements, preset {profile.name}")
    _clean_all(headers, profile)
    for _ in range(ROUNDS):
        start = time.process_time()
        _clean_all(headers, profile)
        print(f"{len(headers) / (time.process_time() - start):.0f} a second")
    print(", ".join(f"{part} {share:.0%}" for part, share in _shares(headers, profile).items()))
    watched = cProfile.Profile()
    watched.runcall(_clean_all, headers, profile)
    pstats.Stats(watched).sort_stats("cumulative").print_stats(r"deid/", 16)


def _headers(folders: list[Path]) -> list[Dataset]:
    found = []
    for path in sorted(path for folder in folders for path in folder.rglob("*.dcm")):
        try:
            dataset = load(path.read_bytes(), without_pixels=True)
        except DeidError:
            continue
        found.append(_without_pixels(dataset))
    return found


def _without_pixels(dataset: Dataset) -> Dataset:
    """The dataset with next to nothing in its pixel element."""
    if "PixelData" in dataset:
        packed = dataset.file_meta.TransferSyntaxUID.is_encapsulated
        value = ITEM + b"\0\0\0\0" + ITEM + b"\2\0\0\0\0\0" if packed else b"\0\0"
        dataset[Tag("PixelData")] = DataElement(Tag("PixelData"), "OB" if packed else "OW", value)
        dataset["PixelData"].is_undefined_length = packed
    return dataset


def _shares(headers: list[Dataset], profile: Profile) -> dict[str, float]:
    """Which share of a round each part takes; the judge's is within that of cleaning."""
    spent = dict.fromkeys(("harvest", "clean", "of it judge", "write"), 0.0)

    def timed(part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any, **named: Any) -> Any:
            start = time.process_time()
            try:
                return call(*given, **named)
            finally:
                spent[part] += time.process_time() - start

        return wrapped

    harvest, clean, write = (timed(part, getattr(header, part)) for part in ("harvest", "clean", "write"))
    for dataset in headers:
        judge = timed("of it judge", HeaderJudge(harvest(dataset), None, 0.5))
        out, _ = clean(dataset, b"k" * 32, profile, judge, pixels_changed=False, pixels_examined=True)
        write(out)
    whole = spent["harvest"] + spent["clean"] + spent["write"]
    return {part: seconds / whole for part, seconds in spent.items()}


def _clean_all(headers: list[Dataset], profile: Profile) -> None:
    for dataset in headers:
        judge = HeaderJudge(header.harvest(dataset), None, 0.5)
        out, _ = header.clean(dataset, b"k" * 32, profile, judge, pixels_changed=False, pixels_examined=True)
        header.write(out)


if __name__ == "__main__":
    main()
