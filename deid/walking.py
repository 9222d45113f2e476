"""The elements of a dataset in order."""

from __future__ import annotations

from pydicom import DataElement, Dataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag


def elements_of(dataset: Dataset) -> list[DataElement]:
    """The elements of a dataset or item, in rising order of their tags, each parsed.

    As iterating over the dataset does, without looking up each tag twice: headers are walked often.
    """
    return [
        dataset[tag] if isinstance(element, RawDataElement) else element
        for tag, element in sorted(dataset.items(), key=_number)
    ]


def _number(pair: tuple[BaseTag, DataElement | RawDataElement]) -> int:
    """Tags compare slowly, numbers do not."""
    return int(pair[0])
