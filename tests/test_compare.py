"""The numbers behind the sentence that proves what was changed."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from pydicom import Dataset, dcmread

from deid.compare import Difference, changed_pixels, compare_datasets
from deid.demo import studies
from deid.header import write
from deid.redact import redact
from deid.values import Box, Reason, Region

ULTRASOUND = studies()[0].build()


def compare_written(original: Dataset, written: bytes, regions: tuple[Region, ...]) -> Difference:
    return compare_datasets(original, dcmread(BytesIO(written)), regions)


def test_changed_pixels_are_counted_inside_and_outside_the_boxes() -> None:
    original = dcmread(BytesIO(ULTRASOUND))
    region = Region(None, Box(30, 8, 300, 40), (Reason.HEADER,), 0.99)
    redacted, effective = redact(original, (region,))
    told = compare_written(original, write(redacted), effective)
    assert told.inside > 0
    assert (told.elsewhere, told.boxes) == (0, 1)
    elsewhere = compare_written(original, write(redacted), ())
    assert (elsewhere.inside, elsewhere.elsewhere) == (0, told.inside)


def test_a_file_written_as_it_was_shows_no_difference() -> None:
    original = dcmread(BytesIO(ULTRASOUND))
    told = compare_written(original, write(original), ())
    assert (told.inside, told.elsewhere, told.boxes) == (0, 0, 0)


def test_changed_pixels_are_marked_whatever_the_layout() -> None:
    before = np.zeros((4, 5, 3), np.uint8)
    after = before.copy()
    after[1, 2, 2] = 1
    assert changed_pixels(before, after).nonzero() == (np.array([1]), np.array([2]))
    floats = np.array([[np.nan, 1.0]])
    assert not changed_pixels(floats, floats.copy()).any()
