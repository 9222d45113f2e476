"""That an image was compressed with loss once, how and how much: true whatever becomes of its syntax.

References
----------
PS3.3 C.7.6.1.1.5.

"""

from __future__ import annotations

from pydicom import DataElement, Dataset
from pydicom.tag import Tag
from pydicom.uid import HTJ2K, JPEG2000, UID, JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless

from deid.codecs.raw import encoded_frames, pixel_format

_METHODS = {
    JPEGBaseline8Bit: "ISO_10918_1",
    JPEGExtended12Bit: "ISO_10918_1",
    JPEGLSNearLossless: "ISO_14495_1",
    JPEG2000: "ISO_15444_1",
    HTJ2K: "ISO_15444_15",
}
LOSSY = tuple(_METHODS)
"""Transfer syntaxes whose codestreams may have lost something."""


def remember_loss(dataset: Dataset, copy: Dataset) -> None:
    """State in `copy` what the transfer syntax of `dataset` says of loss; what the header states already stays."""
    source = UID(dataset.file_meta.TransferSyntaxUID)
    if source not in _METHODS:
        return
    copy[Tag("LossyImageCompression")] = DataElement(Tag("LossyImageCompression"), "CS", "01")
    if not copy.get("LossyImageCompressionRatio"):
        layout = pixel_format(dataset)
        compressed = sum(map(len, encoded_frames(dataset)))
        plain = layout.rows * layout.columns * layout.samples * layout.frames * -(-layout.bits_stored // 8)
        copy.add(DataElement(Tag("LossyImageCompressionRatio"), "DS", f"{plain / max(compressed, 1):.2f}"))
    if not copy.get("LossyImageCompressionMethod"):
        copy.add(DataElement(Tag("LossyImageCompressionMethod"), "CS", _METHODS[source]))
