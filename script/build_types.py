"""Writes deid/rules/types.json: which elements must be present, and which must have a value, in which objects.

    python script/build_types.py FOLDER > deid/rules/types.json

FOLDER is `highdicom/_standard` of the PyPI package highdicom 0.28 (MIT), which holds the attribute tables of PS3.3.
Only elements that can be acted upon are written: those that hold text, dates, UIDs or bytes, and the table's sequences.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

from pydicom.datadict import dictionary_VR, tag_for_keyword

NUMBERS = frozenset({"DS", "IS", "FL", "FD", "SL", "SS", "SV", "UL", "US", "UV", "AT", "OV", "OF", "OD", "OL", "OW"})
RULES = Path(__file__).parents[1] / "deid" / "rules"


def main() -> None:
    """Print the table."""
    folder = Path(sys.argv[1])
    classes, iods, modules = (
        json.loads((folder / f"{name}.json").read_text())
        for name in ("sop_class_iod_map", "iod_module_map", "module_attribute_map")
    )
    listed = set(json.loads((RULES / "ps315.json").read_text())["rows"])
    names = sorted(set(classes.values()) & set(iods))
    top: dict[str, dict[str, set[int]]] = defaultdict(lambda: {"1": set(), "2": set(), "3": set()})
    nested: dict[str, dict[str, str]] = defaultdict(dict)
    for number, name in enumerate(names):
        for module in iods[name]:
            for attribute in modules.get(module["key"], ()):
                _note(attribute, number, listed, top, nested)
    sys.stdout.write(_as_text(names, classes, top, nested))


def _note(
    attribute: dict[str, object],
    number: int,
    listed: set[str],
    top: dict[str, dict[str, set[int]]],
    nested: dict[str, dict[str, str]],
) -> None:
    tag = tag_for_keyword(str(attribute["keyword"]))
    path = attribute["path"]
    assert isinstance(path, list)
    if tag is None or not _can_change(tag, listed):
        return
    key, kind = f"{tag:08X}", str(attribute["type"])[0]
    if not path:
        top[key][kind].add(number)
    elif tag_for_keyword(path[-1]) is not None:
        parent = nested[f"{tag_for_keyword(path[-1]):08X}"]
        parent[key] = min(parent.get(key, "3"), kind)


def _can_change(tag: int, listed: set[str]) -> bool:
    vr = dictionary_VR(tag)
    if vr == "SQ":
        return f"{tag:08X}" in listed
    return not set(vr.split(" or ")) & NUMBERS


def _as_text(
    names: list[str],
    classes: dict[str, str],
    top: dict[str, dict[str, set[int]]],
    nested: dict[str, dict[str, str]],
) -> str:
    """A definition with a type that differs between modules counts as the stricter one; type 3 is not written."""
    head = {
        "source": "PS3.3 as the PyPI package highdicom 0.28 (MIT) holds it; made by script/build_types.py",
        "classes": {uid: names.index(name) for uid, name in sorted(classes.items()) if name in names},
    }
    lines = []
    for tag, kinds in sorted(top.items()):
        kinds["2"] -= kinds["1"]
        kept = {kind: sorted(kinds[kind]) for kind in "12" if kinds[kind]}
        if kept:
            lines.append(f'  "{tag}": {json.dumps(kept)}')
    inner = []
    for parent, tags in sorted(nested.items()):
        strict = {tag: int(kind) for tag, kind in sorted(tags.items()) if kind != "3"}
        if strict:
            inner.append(f'  "{parent}": {json.dumps(strict)}')
    body = ',\n "top": {\n' + ",\n".join(lines) + '\n },\n "nested": {\n' + ",\n".join(inner) + "\n }\n}\n"
    return json.dumps(head, indent=1)[:-2] + body


if __name__ == "__main__":
    main()
