"""The header before and after."""

from __future__ import annotations

from pydicom import Dataset

from deid.beside import compare_headers
from deid.header import clean
from tests.dicom_factory import PHI, gradient, image


def test_the_header_is_told_before_and_after_at_every_depth() -> None:
    original = image(gradient(8, 8), ReferencedImageSequence=[_item(ReferencedSOPInstanceUID="1.2.3")])
    original.add_new(0x00091001, "LO", "secret of a vendor")
    cleaned, removals = clean(original, b"k" * 32, pixels_changed=False, pixels_examined=True)
    pairs = {pair.path: pair for pair in compare_headers(original, cleaned, removals)}
    name = pairs["(0010,0010)"]
    assert (name.name, name.action, name.before) == ("Patient's Name", "Z", PHI["PatientName"])
    assert name.after != name.before
    assert pairs["(0008,1140)[0].(0008,1155)"].before == "1.2.3"
    assert (pairs["(0009,1001)"].name, pairs["(0009,1001)"].after) == ("Private or unknown element", "")
    assert pairs["(0012,0062)"].action == "+"
    assert pairs["(0028,0010)"].action == "K"
    assert pairs["(0008,0016)"].action == "K", "what is the same did not change, whatever the rule"
    assert "(7FE0,0010)" not in pairs
    assert list(pairs) == sorted(pairs)


def test_a_long_or_binary_value_is_told_shortly() -> None:
    original = image(gradient(8, 8), ImageComments="word " * 100)
    original.add_new(0x00091002, "OB", bytes(1000))
    pairs = {pair.path: pair for pair in compare_headers(original, original, ())}
    assert len(pairs["(0020,4000)"].before) == 160
    assert pairs["(0009,1002)"].before == "1,000 bytes"


def _item(**elements: str) -> Dataset:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item
