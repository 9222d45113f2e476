"""What a person decides about boxes, and the file made anew by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread

from deid.pipeline import Case, Engines, Options, verdict
from deid.review import (
    Correction,
    Deed,
    Plan,
    Suggested,
    answers,
    faults,
    may_leave,
    opened,
    plan,
    questions,
    redone,
    without_batch,
)
from deid.second_look import KEPT
from deid.values import Box, Check, Outcome, Reason, Region, Word
from tests.dicom_factory import PHI, dicom, gradient
from tests.fakes import ScriptedOcr

NAME = PHI["PatientName"].split("^")[0]
ONE, TWO, FAR = Box(10, 10, 40, 12), Box(60, 10, 40, 12), Box(10, 50, 30, 12)
PADDED = Box(55, 7, 50, 18)
"""What the pipeline makes of a word in the second place."""
HEADER = Region(None, ONE, (Reason.HEADER,), 0.99)
UNKNOWN = Region(None, TWO, (Reason.UNKNOWN,), 0.7)
SEEN = Region(None, FAR, (Reason.VERIFY, Reason.PATTERN), 0.97)
MACHINE = Suggested((HEADER, UNKNOWN), (SEEN,))


def cover(box: Box, frame: int | None = None) -> Correction:
    return Correction(Deed.COVER, box, frame)


def keep(box: Box, frame: int | None = None) -> Correction:
    return Correction(Deed.KEEP, box, frame)


# The plan


def test_without_a_decision_the_machine_has_its_way() -> None:
    assert plan(MACHINE, (), 1) == Plan((HEADER, UNKNOWN), (), (SEEN,))


def test_a_box_that_is_kept_no_longer_goes_and_is_told() -> None:
    made = plan(MACHINE, (keep(TWO),), 1)
    assert (made.regions, made.kept) == ((HEADER,), (UNKNOWN,))


def test_a_drawn_box_goes_as_drawn_by_a_person() -> None:
    made = plan(MACHINE, (cover(Box(1, 2, 3, 4)),), 1)
    assert made.regions[-1] == Region(None, Box(1, 2, 3, 4), (Reason.DRAWN,), 1.0)
    assert made.drawn == 1


def test_a_kept_box_that_is_covered_again_goes_for_the_machines_reason() -> None:
    made = plan(MACHINE, (keep(TWO), cover(TWO)), 1)
    assert set(made.regions) == {HEADER, UNKNOWN}
    assert (made.kept, made.drawn) == ((), 0)


def test_a_drawn_box_that_is_taken_away_leaves_nothing_behind() -> None:
    made = plan(replace(MACHINE, open=()), (cover(FAR), keep(FAR)), 1)
    assert made == Plan((HEADER, UNKNOWN), (), ())


def test_what_could_still_be_read_is_covered_or_kept() -> None:
    assert plan(MACHINE, (cover(FAR),), 1) == Plan((HEADER, UNKNOWN, SEEN), (), ())
    assert plan(MACHINE, (keep(FAR),), 1) == Plan((HEADER, UNKNOWN), (SEEN,), ())


def test_a_box_kept_in_one_frame_still_goes_in_the_others() -> None:
    made = plan(MACHINE, (keep(TWO, 1),), 3)
    assert made.regions == (HEADER, replace(UNKNOWN, frame=0), replace(UNKNOWN, frame=2))
    assert made.kept == (replace(UNKNOWN, frame=1),)


def test_a_box_drawn_in_one_frame_goes_there_alone() -> None:
    made = plan(MACHINE, (cover(FAR, 2),), 3)
    assert made.regions[-1].frame == 2
    assert made.open == (SEEN,)  # it can be read in other frames too


def test_a_box_of_nearly_the_same_place_is_meant_too_but_none_that_reaches_further() -> None:
    near = Box(TWO.left + 2, TWO.top, TWO.width, TWO.height)
    assert plan(MACHINE, (keep(near),), 1).kept == (UNKNOWN,)
    part = Box(TWO.left, TWO.top, TWO.width // 2, TWO.height)
    assert plan(MACHINE, (keep(part),), 1).kept == ()


def test_what_a_drawn_box_covers_again_is_not_called_kept() -> None:
    over = Box(0, 0, 200, 40)
    assert plan(MACHINE, (keep(TWO), cover(over)), 1).kept == ()
    assert plan(MACHINE, (keep(TWO), cover(over), keep(over)), 1).kept == (UNKNOWN, HEADER)


def test_a_batch_is_taken_back_whole() -> None:
    batch = Correction(Deed.COVER, ONE, None, "b")
    assert without_batch((keep(TWO), batch, keep(FAR), batch), "b") == (keep(TWO), keep(FAR))


BOXES = st.builds(Box, st.integers(0, 60), st.integers(0, 60), st.integers(1, 60), st.integers(1, 60))
FRAMES = st.one_of(st.none(), st.integers(0, 3))
REGIONS = st.builds(Region, FRAMES, BOXES, st.just((Reason.UNKNOWN,)), st.just(0.7))
CORRECTIONS = st.builds(Correction, st.sampled_from(Deed), BOXES, FRAMES)


@given(st.lists(REGIONS, max_size=4), st.lists(CORRECTIONS, max_size=6))
def test_what_the_machine_meant_to_go_goes_or_is_told_as_kept_in_every_frame(
    regions: list[Region], corrections: list[Correction]
) -> None:
    made = plan(Suggested(tuple(regions)), corrections, 4)
    for region in regions:
        for frame in range(4) if region.frame is None else (region.frame,):
            going = any(
                each.box.overlap(region.box) >= 0.8 * region.box.area and each.frame in (None, frame)
                for each in made.regions
            )
            told = any(each.box == region.box and each.frame in (None, frame) for each in made.kept)
            assert going or told


def test_covering_every_frame_covers_more_than_the_one_that_was_kept() -> None:
    region = Region(0, Box(5, 5, 9, 9), (Reason.UNKNOWN,), 0.7)
    made = plan(Suggested((region,)), (keep(region.box), cover(region.box)), 4)
    assert any(each.box == region.box and each.frame is None for each in made.regions)


@given(st.lists(REGIONS, max_size=4), st.lists(CORRECTIONS, min_size=1, max_size=6))
def test_a_box_drawn_last_always_goes(regions: list[Region], corrections: list[Correction]) -> None:
    last = replace(corrections[-1], deed=Deed.COVER)
    made = plan(Suggested(tuple(regions)), (*corrections[:-1], last), 4)
    assert any(each.box == last.box and each.frame in (None, last.frame) for each in made.regions)


# The file made anew


def reader(*words: tuple[str, Box]) -> ScriptedOcr:
    """Reads a word wherever the picture is not of one colour there; boxes are in stored pixels."""
    scripted = ScriptedOcr()

    def answer(picture: np.ndarray) -> tuple[Word, ...]:
        margin = (picture.shape[0] - 80) // 2
        return tuple(
            Word(text, Box(box.left + margin, box.top + margin, box.width, box.height), 0.95, ("scripted",))
            for text, box in words
            if np.ptp(picture[box.top + margin : box.bottom + margin, box.left + margin : box.right + margin]) > 1
        )

    scripted.answer = answer
    return scripted


def engines(*words: tuple[str, Box]) -> Engines:
    return Engines((reader(*words),), b"k" * 32)


def worked(given: Engines, corrections: tuple[Correction, ...] = (), suggested: Suggested | None = None) -> Case:
    case = opened(dicom(gradient(80, 200)), given, Options())
    return redone(case, plan(suggested or MACHINE, corrections, 1), given, Options())


def written(case: Case) -> np.ndarray:
    from io import BytesIO

    assert case.written is not None
    return np.asarray(dcmread(BytesIO(case.written)).pixel_array)


def test_exactly_what_was_decided_changes_in_the_written_file() -> None:
    drawn = Box(100, 60, 20, 10)
    case = worked(engines(), (keep(TWO), cover(drawn)))
    before, after = gradient(80, 200), written(case)
    expected = np.zeros(before.shape, bool)
    for box in (ONE, drawn):
        expected[box.top : box.bottom, box.left : box.right] = True
    assert np.array_equal(before != after, expected & (before != after))
    assert not after[expected].any()
    assert np.array_equal(before[TWO.top : TWO.bottom, TWO.left : TWO.right], after[TWO.top : TWO.bottom, 60:100])
    assert verdict(case)[0] is Outcome.CLEANED


def test_what_a_person_keeps_is_told_and_not_overwritten_by_verify() -> None:
    machine = Suggested((Region(None, PADDED, (Reason.PATTERN,), 0.97),))
    case = worked(engines(("12.03.1971", TWO)), (keep(PADDED),), machine)
    assert case.effective == ()
    assert len(case.kept_readable) == 1
    told = next(check for check in case.checks or () if check.name == KEPT)
    assert told.passed
    assert "1 can still be read" in told.detail
    assert may_leave(case, confirmed=False)


def test_without_that_decision_verify_overwrites_it() -> None:
    case = worked(engines(("12.03.1971", TWO)), (), Suggested())
    assert [Reason.VERIFY in region.reasons for region in case.effective or ()] == [True]
    assert case.kept_readable == ()


def test_a_header_value_that_is_kept_has_to_be_confirmed() -> None:
    case = worked(engines((NAME, ONE)), (keep(ONE),))
    assert [check.name for check in questions(case)] == [KEPT]
    assert not may_leave(case, confirmed=False)
    assert may_leave(case, confirmed=True)
    assert NAME not in str(case.checks)
    assert all(check.passed for check in answers(case))


def test_it_is_asked_even_where_the_second_reading_does_not_see_the_value() -> None:
    case = worked(engines(), (keep(ONE),))
    assert case.kept_readable == ()
    assert [check.name for check in questions(case)] == [KEPT]


def test_what_was_kept_where_the_machine_saw_nothing_of_the_header_but_verify_does_is_asked() -> None:
    case = worked(engines((NAME, TWO)), (keep(PADDED),), Suggested((Region(None, PADDED, (Reason.UNKNOWN,), 0.7),)))
    assert [check.name for check in questions(case)] == [KEPT]


def test_a_fault_cannot_be_confirmed_away() -> None:
    case = worked(engines())
    broken = replace(case, checks=(*(case.checks or ()), Check("header values", False, "A value is left.")))
    assert [check.name for check in faults(broken)] == ["header values"]
    assert not may_leave(broken, confirmed=True)
    assert not all(check.passed for check in answers(broken))


@pytest.mark.parametrize("part", ["written", "checks"])
def test_a_case_that_was_not_verified_never_leaves(part: str) -> None:
    assert not may_leave(replace(worked(engines()), **{part: None}), confirmed=True)  # type: ignore[arg-type]
