"""What this and two other de-identifiers do to each header element of pydicom's test files, and where they differ.

    .venv/bin/python script/compare_headers.py states deid > ours.json
    ORACLES/bin/python script/compare_headers.py states kitware > kitware.json      dicom-anonymizer 2.1.0
    ORACLES/bin/python script/compare_headers.py states dentdeid > dentdeid.json    dentdeid 0.1.0
    .venv/bin/python script/compare_headers.py differences ours.json kitware.json

ORACLES is a virtual environment of its own: neither package is part of the product. docs/headers.md says why.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom
from pydicom import Dataset, dcmread
from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag

Cleaner = Callable[[bytes], Dataset]
ROOT = Path(__file__).parents[1]


def ours(data: bytes) -> Dataset:
    """With the preset strict, by rules and word lists."""
    from deid import header
    from deid.judging import HeaderJudge
    from deid.load import load
    from deid.profile import STRICT

    original = load(data, without_pixels=True)
    judge = HeaderJudge(header.harvest(original), None, 0.5)
    return header.clean(original, b"k" * 16, STRICT, judge, pixels_changed=False, pixels_examined=False)[0]


def kitware(data: bytes) -> Dataset:
    """With its defaults: the Basic Profile, private elements deleted."""
    from dicomanonymizer import anonymize_dataset

    dataset = dcmread(io.BytesIO(data), force=True)
    anonymize_dataset(dataset)
    return dataset


def dentdeid(data: bytes) -> Dataset:
    """With no option of the profile."""
    from dentdeid.dicom.meta import MetaConfig, deidentify_dataset
    from dentdeid.keys import Pseudonymizer

    dataset = dcmread(io.BytesIO(data), force=True)
    deidentify_dataset(dataset, MetaConfig(options=frozenset()), Pseudonymizer(b"k" * 32))
    return dataset


TOOLS: dict[str, Cleaner] = {"deid": ours, "kitware": kitware, "dentdeid": dentdeid}


def states(tool: str) -> dict[str, dict[str, str]]:
    """For each file, what became of each element: kept, changed, empty, removed."""
    found = {}
    for name in sorted((Path(pydicom.__file__).parent / "data" / "test_files").rglob("*.dcm")):
        data = name.read_bytes()
        try:
            original = dict(_elements(dcmread(io.BytesIO(data), force=True)))
            cleaned = dict(_elements(TOOLS[tool](data)))
        except Exception:
            found[name.name] = {}  # a file that one tool cannot take is not compared
            continue
        found[name.name] = {path: _state(value, cleaned.get(path)) for path, value in original.items()}
    return found


def _elements(dataset: Dataset, path: str = "") -> Iterator[tuple[str, str]]:
    for element in dataset:
        place = f"{path}{int(element.tag):08X}"
        if element.VR == "SQ":
            yield place, f"{len(element.value)} items"
            for number, item in enumerate(element.value):
                yield from _elements(item, f"{place}[{number}].")
        else:
            yield place, "" if element.is_empty else str(element.value)


def _state(before: str, after: str | None) -> str:
    if not before:
        return "filled" if after else "kept"
    if after is None:
        return "removed"
    if after == before:
        return "kept"
    return "changed" if after else "empty"


def differences(one: dict[str, dict[str, str]], two: dict[str, dict[str, str]]) -> None:
    """Print how often each kind of element differs and why, with how many elements were compared."""
    reasons: Counter[str] = Counter()
    counts: Counter[tuple[str, str, str, str]] = Counter()
    names: dict[tuple[str, str, str, str], Counter[str]] = {}
    compared = 0
    for file in one.keys() & two.keys():
        for path in one[file].keys() & two[file].keys():
            compared += 1
            left, right = one[file][path], two[file][path]
            if left != right and not _within_removed(path, one[file], two[file]):
                tag = int(path[-8:], 16)
                key = (_kind(tag), dictionary_VR(tag) if dictionary_has_tag(tag) else "-", left, right)
                counts[key] += 1
                reasons[_reason(key[0], left, right)] += 1
                names.setdefault(key, Counter())[keyword_for_tag(tag) or path[-8:]] += 1
    print(f"{len(one.keys() & two.keys())} files, {compared} elements, {sum(counts.values())} differ")
    for reason, count in reasons.most_common():
        print(f"{count:5d}  {reason}")
    for key, count in sorted(counts.items(), key=lambda pair: (pair[0][0], -pair[1])):
        print(f"{count:5d}  {' | '.join(key)}  {', '.join(f'{name} {n}' for name, n in names[key].most_common(8))}")


def _reason(kind: str, left: str, right: str) -> str:
    """The difference in words, ours first; docs/headers.md says why."""
    where = "table" if kind.startswith("table") else "beyond"
    if right == "filled":
        return f"{where}: nothing here, a dummy in an element that was empty there"
    if left in ("removed", "empty") and right in ("changed", "removed", "empty"):
        return f"{where}: {left} here, {'a dummy' if right == 'changed' else right} there"
    return f"{where}: {left} here, {right} there"


def _within_removed(path: str, one: dict[str, str], two: dict[str, str]) -> bool:
    """Whether a sequence around the element is what differs: its items are not counted again."""
    above = [path[:at] for at, sign in enumerate(path) if sign == "["]
    return any(one.get(place) != two.get(place) for place in above)


def _kind(tag: int) -> str:
    rows = json.loads((ROOT / "deid" / "rules" / "ps315.json").read_text())["rows"]
    if (tag >> 16) % 2:
        return "private"
    return f"table {rows[f'{tag:08X}'][0]}" if f"{tag:08X}" in rows else "beyond"


def main() -> None:
    """Do what the arguments say."""
    warnings.simplefilter("ignore")
    if sys.argv[1] == "states":
        with contextlib.redirect_stdout(sys.stderr):
            found = states(sys.argv[2])
        json.dump(found, sys.stdout)
    else:
        one, two = (json.loads(Path(name).read_text()) for name in sys.argv[2:4])
        differences(one, two)


if __name__ == "__main__":
    main()
