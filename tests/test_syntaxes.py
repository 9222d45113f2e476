"""Every transfer syntax that pydicom knows of is handled or quarantined with a reason; none passes unexamined."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom._uid_dict import UID_dictionary
from pydicom.uid import UID, JPEGExtended12Bit, RLELossless

from deid.codecs.raw import decoder_for, decoder_name, iter_raw_frames
from deid.codecs.syntaxes import WAYS, why_not
from deid.compare import compare_datasets
from deid.errors import PixelError
from deid.load import load
from deid.redact import redact, way_of, way_taken
from deid.values import Box, Reason, Region
from tests.dicom_factory import file_bytes, gradient, image

KNOWN = [UID(uid) for uid, (_, kind, *_) in UID_dictionary.items() if kind == "Transfer Syntax"]
GREY = gradient(40, 48)
COLOUR = np.stack([GREY, GREY[::-1], 255 - GREY], axis=-1)
REGION = Region(None, Box(9, 8, 15, 9), (Reason.DRAWN,), 1.0)


@pytest.mark.parametrize("syntax", KNOWN, ids=lambda uid: uid.name)
def test_a_known_syntax_is_handled_or_quarantined_with_a_reason(syntax: UID) -> None:
    if syntax in WAYS:
        assert why_not(syntax) == ""
        dataset = load(file_bytes(image(np.stack([GREY, GREY[::-1]]), syntax=syntax)))
        redacted, effective = redact(dataset, [REGION])
        assert way_taken(dataset, redacted, effective) == way_of(dataset) == WAYS[syntax][0]
        found = compare_datasets(dataset, load(file_bytes(redacted)), effective)
        assert found.inside > 0
        assert (found.changed_frames, found.uneven_frames) == ((), ())
        return
    built = image(GREY, syntax=RLELossless)
    built.file_meta.TransferSyntaxUID = syntax
    with pytest.raises(PixelError, match=r"No decoder .*: .{10,}\."):
        load(file_bytes(built))


@pytest.mark.parametrize("syntax", [b"1.2.840.10008.1.2.9", b"1.2.840.113619.5.22", b"1.2.3.4.5.6.7.8.9.0"])
def test_a_syntax_that_nobody_knows_is_quarantined(syntax: bytes) -> None:
    data = file_bytes(image(GREY, syntax=RLELossless)).replace(RLELossless.encode(), syntax)
    with pytest.raises(PixelError, match="No decoder"):
        load(data)


@pytest.mark.parametrize("syntax", list(WAYS), ids=lambda uid: uid.name)
def test_a_handled_syntax_has_a_decoder_with_a_name_and_version(syntax: UID) -> None:
    assert decoder_for(syntax).is_available
    assert all(len(part.split()) == 2 for part in decoder_name(syntax).split(", "))


@pytest.mark.parametrize(
    ("pixels", "layout", "way"),
    [
        pytest.param(GREY, {}, "dct", id="8 bit"),
        pytest.param(GREY.astype("u2") * 16, {"bits_stored": 12}, "transcode", id="12 bit"),
        pytest.param(COLOUR, {"photometric": "YBR_FULL_422"}, "dct", id="colour"),
    ],
)
def test_the_way_depends_on_the_bits_too(pixels: np.ndarray, layout: dict[str, object], way: str) -> None:
    dataset = load(file_bytes(image(pixels, syntax=JPEGExtended12Bit, **layout)))
    redacted, effective = redact(dataset, [REGION])
    assert way_taken(dataset, redacted, effective) == way
    assert len(list(iter_raw_frames(redacted))) == 1
