"""The stages in order, with readers that say what they are told."""

from dataclasses import replace

import numpy as np
import pydicom
import pytest
from pydicom.uid import RLELossless

from deid.pipeline import Case, Engines, Options, Step, open_case, run, run_step, verdict
from deid.values import Box, Outcome, Policy, Reason, View, Word
from tests.dicom_factory import PHI, dicom, gradient
from tests.fakes import ScriptedOcr

KEY = b"k" * 32
VIEWS = (View.WINDOW, View.LOCAL)
"""How often a frame of eight bits is shown to a reader."""
NAME = PHI["PatientName"].split("^")[0]


def _reader(*words: tuple[str, int]) -> ScriptedOcr:
    """Sees these words at these columns, as long as their pixels are not of one colour."""
    reader = ScriptedOcr()

    def answer(picture: np.ndarray) -> tuple[Word, ...]:
        found = []
        for text, left in words:
            patch = picture[45:52, left + 22 : left + 8 * len(text) + 18]
            if patch.min() != patch.max():
                found.append(Word(text, Box(left + 20, 42, 8 * len(text), 12), 0.95, ("scripted",)))
        return tuple(found)

    reader.answer = answer
    return reader


def _engines(reader: ScriptedOcr) -> Engines:
    return Engines((reader,), KEY)


def test_a_name_is_overwritten_and_everything_else_stays() -> None:
    data = dicom(gradient(80, 200))
    case = run(data, _engines(_reader((NAME, 10), ("Gain", 120))), Options())
    assert verdict(case) == (Outcome.CLEANED, "")
    assert case.written is not None
    before, after = pydicom.dcmread(_file(data)).pixel_array, pydicom.dcmread(_file(case.written)).pixel_array
    (region,) = case.effective or ()
    assert Reason.HEADER in region.reasons
    inside = np.zeros(before.shape, bool)
    inside[region.box.top : region.box.bottom, region.box.left : region.box.right] = True
    assert np.array_equal(before[~inside], after[~inside])
    assert set(after[inside]) == {0}
    assert NAME.encode() not in case.written


def test_the_same_input_gives_the_same_bytes() -> None:
    data = dicom(gradient(80, 200), syntax=RLELossless)
    written = {run(data, _engines(_reader((NAME, 10))), Options()).written for _ in range(2)}
    assert len(written) == 1


def test_each_step_fills_its_own_part_and_drops_what_came_after() -> None:
    engines, options = _engines(_reader((NAME, 10))), Options()
    case = open_case(dicom(gradient(80, 200)), options)
    for step in Step:
        case = run_step(case, step, engines, options)
    again = run_step(case, Step.FIND, engines, options)
    assert again.words is case.words
    assert again.findings == case.findings
    assert (again.regions, again.redacted, again.written, again.checks) == (None, None, None, None)
    assert case.checks is not None


def test_a_step_needs_the_one_before_it() -> None:
    case = open_case(dicom(gradient(80, 200)), Options())
    with pytest.raises(ValueError, match="before"):
        run_step(case, Step.BOXES, _engines(_reader()), Options())


def test_equal_frames_are_read_once() -> None:
    frame, other = gradient(80, 200), gradient(80, 200)[::-1]
    reader = _reader((NAME, 10))
    engines, options = _engines(reader), Options()
    case = open_case(dicom(np.stack([frame, frame, other])), options)
    case = run_step(run_step(case, Step.CONVERT, engines, options), Step.READ, engines, options)
    assert case.representative == ((0, (1,)), (2, ()))
    assert len(reader.seen) == 2 * len(VIEWS)


def test_policy_all_text_overwrites_harmless_words_too() -> None:
    engines = _engines(_reader(("Gain", 120)))
    assert run(dicom(gradient(80, 200)), engines, Options()).effective == ()
    assert run(dicom(gradient(80, 200)), engines, Options(policy=Policy.ALL_TEXT)).effective != ()


def test_a_file_without_boxes_keeps_its_pixels_byte_for_byte() -> None:
    data = dicom(gradient(80, 200), syntax=RLELossless)
    case = run(data, _engines(_reader()), Options())
    assert case.written is not None
    assert pydicom.dcmread(_file(data)).PixelData == pydicom.dcmread(_file(case.written)).PixelData


def test_what_verify_can_still_read_is_overwritten_too() -> None:
    reader = _reader()
    late = _reader((NAME, 10))
    first = reader.answer

    def only_later(picture: np.ndarray) -> tuple[Word, ...]:
        assert first is not None
        assert late.answer is not None
        return first(picture) if len(reader.seen) <= len(VIEWS) else late.answer(picture)

    reader.answer = only_later
    case = run(dicom(gradient(80, 200)), _engines(reader), Options())
    assert verdict(case)[0] is Outcome.CLEANED
    assert Reason.VERIFY in (case.effective or ())[0].reasons


def test_what_stays_readable_sends_the_file_to_review() -> None:
    reader = ScriptedOcr()
    moving = iter(range(10, 1000, 30))

    def everywhere(picture: np.ndarray) -> tuple[Word, ...]:
        return (Word(NAME, Box(20 + next(moving) % 120, 42, 40, 12), 0.95, ("scripted",)),)

    reader.answer = everywhere
    outcome, reason = verdict(run(dicom(gradient(80, 200)), _engines(reader), Options()))
    assert outcome is Outcome.NEEDS_REVIEW
    assert "can still be read" in reason
    assert NAME not in reason


def test_readers_forget_after_each_step() -> None:
    reader = _reader((NAME, 10))
    run(dicom(gradient(80, 200)), _engines(reader), Options())
    assert reader.forgotten >= 1


def test_a_case_that_was_not_verified_needs_review() -> None:
    case = open_case(dicom(gradient(80, 200)), Options())
    assert verdict(case)[0] is Outcome.NEEDS_REVIEW


def test_an_argument_is_not_edited() -> None:
    case: Case = open_case(dicom(gradient(80, 200)), Options())
    before = case.dataset.to_json()
    done = case
    for step in Step:
        done = run_step(done, step, _engines(_reader((NAME, 10))), Options())
    assert case.dataset.to_json() == before
    assert replace(case, words=None) is not case


def _file(data: bytes) -> pydicom.filebase.DicomBytesIO:
    return pydicom.filebase.DicomBytesIO(data)
