"""Whether an element must be present, and with a value, where it stands: PS3.3 as a table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

VALUE, PRESENCE, OPTIONAL = 1, 2, 3
"""The types of PS3.5 7.4, a condition taken for fulfilled where the element is there: 1 and 1C, 2 and 2C, 3."""


@dataclass(frozen=True, slots=True)
class _Types:
    classes: dict[str, int]
    top: dict[tuple[int, int], int]
    """(definition, tag): type."""
    strictest: dict[int, int]
    """Of a tag at the top of any definition."""
    nested: dict[tuple[int, int], int]
    """(tag of the sequence, tag): the strictest type in any definition."""


def type_of(tag: int, sequence: int | None, sop_class: str) -> int:
    """The type of an element at the top of an object of this class, or in an item of `sequence`.

    What a definition does not mention may be left out. Where the class is unknown, the strictest definition counts.
    """
    types = _types()
    if sequence is not None:
        return types.nested.get((sequence, tag), OPTIONAL)
    definition = types.classes.get(sop_class)
    if definition is None:
        return types.strictest.get(tag, OPTIONAL)
    return types.top.get((definition, tag), OPTIONAL)


@cache
def _types() -> _Types:
    data = json.loads(resources.files("deid").joinpath("rules", "types.json").read_text(encoding="utf-8"))
    top, strictest = {}, {}
    for tag, kinds in data["top"].items():
        strictest[int(tag, 16)] = min(map(int, kinds))
        top.update({(each, int(tag, 16)): int(kind) for kind, those in kinds.items() for each in those})
    nested = {
        (int(sequence, 16), int(tag, 16)): kind
        for sequence, tags in data["nested"].items()
        for tag, kind in tags.items()
    }
    return _Types(data["classes"], top, strictest, nested)
