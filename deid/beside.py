"""The header of a cleaned file beside that of its original, element by element."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydicom import DataElement, Dataset
from pydicom.datadict import dictionary_description, dictionary_has_tag

import deid.quiet  # noqa: F401
from deid.values import Removal

_LONGEST_VALUE = 160
_BINARY = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))


@dataclass(frozen=True, slots=True)
class ElementPair:
    """A header element before and after. Its values are PHI until they are known to be none."""

    path: str
    """Tags and item numbers, as in Removal."""
    name: str
    action: str
    """The PS3.15 action code that was applied, K where it stayed, + where only the output has it."""
    before: str
    after: str


def compare_headers(original: Dataset, cleaned: Dataset, removals: Sequence[Removal]) -> tuple[ElementPair, ...]:
    """Every element at every depth of either, in the order of tags; pixels are left out."""
    before, after = dict(_elements(original, "")), dict(_elements(cleaned, ""))
    actions = {removal.path: removal.action for removal in removals}
    pairs = []
    for path in sorted(before.keys() | after.keys()):
        element = before.get(path) or after[path]
        missing = "+" if path not in before else "K"
        same = path in before and path in after and before[path] == after[path]
        action = "K" if same else actions.get(path, missing)
        pairs.append(ElementPair(path, _name(element), action, _shown(before.get(path)), _shown(after.get(path))))
    return tuple(pairs)


def _elements(dataset: Dataset, path: str) -> Iterator[tuple[str, DataElement]]:
    for element in dataset:
        if element.keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
            continue
        place = f"{path}{element.tag}".replace(" ", "")
        yield place, element
        if element.VR == "SQ":
            for number, item in enumerate(element.value):
                yield from _elements(item, f"{place}[{number}].")


def _name(element: DataElement) -> str:
    return dictionary_description(element.tag) if dictionary_has_tag(element.tag) else "Private or unknown element"


def _shown(element: DataElement | None) -> str:
    """A value as one line of bounded length; empty where there is none."""
    if element is None or element.is_empty:
        return ""
    if element.VR == "SQ":
        return "1 item" if len(element.value) == 1 else f"{len(element.value):,} items"
    if element.VR in _BINARY or isinstance(element.value, bytes):
        return f"{len(element.value):,} bytes"
    values = element.value if element.VM > 1 else [element.value]
    text = " \\ ".join(" ".join(str(value).split()) for value in values)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
