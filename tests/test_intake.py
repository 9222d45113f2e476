"""What was handed in, sorted before anything runs."""

from __future__ import annotations

import io
import zipfile
from pathlib import PurePosixPath

import numpy as np
import pytest
from pydicom.uid import UID, BasicTextSRStorage

from deid.errors import RefusedError
from deid.intake import Intake, take_in
from deid.unzip import Limits
from tests.dicom_factory import PHI, dicom, file_bytes, gradient, image

LIMITS = Limits(files=10, total_bytes=1_000_000)
IMAGE = dicom(gradient(20, 30))


def taken(*files: tuple[str, bytes], limits: Limits = LIMITS) -> Intake:
    return take_in(files, limits, max_frames=100, max_pixels=10_000)


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_images_are_told_from_the_rest_by_content_and_counted() -> None:
    other = dicom(np.zeros((3, 20, 30), np.uint8), StudyInstanceUID=UID("1.2.3"), SeriesInstanceUID=UID("1.2.4"))
    found = taken(("a.txt", IMAGE), ("b", other), ("notes.dcm", b"text"), ("c", IMAGE))
    assert (len(found.images), found.studies, found.series, found.frames) == (3, 2, 2, 5)
    assert [image.study for image in found.images] == [1, 2, 1]
    assert (found.images[1].modality, found.images[1].rows, found.images[1].columns) == ("OT", 20, 30)
    assert [(str(each.path), each.reason) for each in found.refused] == [("notes.dcm", "This is not a DICOM file.")]
    assert found.size == 2 * len(IMAGE) + len(other)


def test_a_zip_among_the_files_is_opened_and_one_inside_it_is_not() -> None:
    found = taken(("all.zip", zipped(a=IMAGE, b=zipped(c=IMAGE))))
    assert [str(image.path) for image in found.images] == ["a"]
    assert [each.reason for each in found.refused] == ["A ZIP inside a ZIP is not opened."]


@pytest.mark.parametrize(
    ("names", "paths"),
    [
        (("a", "a", "a"), ("a", "a (2)", "a (3)")),
        (("s/a.dcm", "s/a.dcm"), ("s/a.dcm", "s (2)/a.dcm")),
        (("a", "a/b"), ("a", "a (2)/b")),
        (("a/b", "a"), ("a/b", "a (2)")),
        (("/etc/passwd", "..\\..\\x"), ("etc/passwd", "_/_/x")),
        (("./a//b", "..", " ", ""), ("a/b", "_", "_ (2)", "file")),
        (("a\nb\0c",), ("a_b_c",)),
        (("x" * 300,), ("x" * 183 + "-",)),
    ],
    ids=["equal", "equal in a folder", "file and folder", "folder and file", "outside", "empty", "control", "long"],
)
def test_every_path_is_unique_and_stays_below_its_folder(names: tuple[str, ...], paths: tuple[str, ...]) -> None:
    found = [str(image.path) for image in taken(*((name, IMAGE) for name in names)).images]
    assert [path[: len(wanted)] for path, wanted in zip(found, paths, strict=True)] == list(paths)
    assert len(set(found)) == len(found)
    assert all(len(part.encode()) <= 200 for path in found for part in PurePosixPath(path).parts)


@pytest.mark.parametrize(
    ("limits", "said"), [(Limits(1, 1_000_000), "More than 1 files"), (Limits(10, 2_000), "More than 0 MB")]
)
def test_too_much_at_once_is_refused(limits: Limits, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        taken(("a", IMAGE), ("b", IMAGE), limits=limits)


def test_what_has_pixels_that_cannot_be_decoded_comes_in_for_the_run_to_say_so() -> None:
    unknown = IMAGE.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0")
    found = taken(("a", unknown))
    assert (len(found.images), found.images[0].modality, found.refused) == (1, "", ())


def test_what_has_no_picture_comes_in_for_its_header_alone() -> None:
    report = image(gradient(20, 30), SOPClassUID=BasicTextSRStorage, Modality="SR")
    for keyword in ("PixelData", "Rows", "Columns"):
        del report[keyword]
    found = taken(("report", file_bytes(report)))
    assert [each.frames for each in found.images] == [0]


def test_nothing_of_it_shows_in_a_representation() -> None:
    found = taken((f"{PHI['PatientName']}.dcm", IMAGE), (f"{PHI['PatientName']}.txt", b""))
    assert PHI["PatientName"] not in repr(found)
