"""Geometry of boxes."""

from hypothesis import given
from hypothesis import strategies as st

from deid.boxes import Area, draw_boxes, merge_regions, pad
from deid.values import Box, Evidence, Finding, FrameFindings, Reason, Region, Word

AREA = Area(rows=300, columns=400)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    left, top = draw(st.integers(0, 399)), draw(st.integers(0, 299))
    return Box(left, top, draw(st.integers(1, 400 - left)), draw(st.integers(1, 300 - top)))


def _word(box: Box, vertical: bool = False) -> Word:
    return Word("x", box, 1.0, ("r",), vertical=vertical)


def _finding(box: Box, reason: Reason = Reason.PATTERN, p_phi: float = 0.9) -> Finding:
    return Finding(_word(box), p_phi, (Evidence(reason, "rule", p_phi),))


@given(boxes(), st.lists(boxes(), max_size=4), st.integers(0, 12), st.booleans())
def test_a_padded_box_covers_the_lettering_and_stays_in_the_frame(
    box: Box, kept: list[Box], padding: int, up: bool
) -> None:
    padded = pad(_word(box, up), kept, AREA, padding)
    assert padded is not None
    ground = (box.width if up else box.height) // 4
    lettering = (
        Box.from_edges(box.left + ground, box.top, box.right - ground, box.bottom)
        if up
        else Box.from_edges(box.left, box.top + ground, box.right, box.bottom - ground)
    )
    assert padded.overlap(lettering) == lettering.area
    assert kept or padded.overlap(box) == box.area
    assert padded.right <= AREA.columns
    assert padded.bottom <= AREA.rows


@given(st.lists(boxes(), min_size=1, max_size=8))
def test_merged_regions_cover_what_they_merged(given_boxes: list[Box]) -> None:
    regions = [Region(None, box, (Reason.PATTERN,), 0.9) for box in given_boxes]
    merged = merge_regions(regions)
    assert len(merged) <= len(regions)
    for box in given_boxes:
        assert any(each.box.overlap(box) == box.area for each in merged)


def test_padding_does_not_reach_into_a_kept_word() -> None:
    padded = pad(_word(Box(100, 50, 40, 12)), [Box(60, 50, 41, 12), Box(143, 50, 20, 12)], AREA, 3)
    assert padded is not None
    assert (padded.left, padded.right) == (100, 140)


def test_boxes_of_lines_that_stand_close_meet_between_their_letters() -> None:
    above, below = Box(100, 38, 40, 16), Box(100, 62, 40, 16)
    padded = pad(_word(Box(100, 50, 40, 16)), [above, below], AREA, 3)
    assert padded is not None
    assert (padded.top, padded.bottom) == (52, 64)
    beside = pad(_word(Box(50, 100, 16, 40), vertical=True), [Box(38, 100, 16, 40)], AREA, 3)
    assert beside is not None
    assert (beside.left, beside.right) == (52, 69)


def test_a_box_is_not_cut_by_a_much_larger_word_that_it_touches() -> None:
    padded = pad(_word(Box(100, 50, 40, 12)), [Box(60, 10, 200, 44)], AREA, 3)
    assert padded is not None
    assert padded.top == 47


def test_padding_runs_along_the_line_of_upright_text() -> None:
    padded = pad(_word(Box(100, 50, 12, 60), vertical=True), [], AREA, 2)
    assert padded is not None
    assert padded.height - 60 > padded.width - 12


def test_a_word_seen_in_one_frame_goes_from_all() -> None:
    frames = [FrameFindings(0, (1,), (_finding(Box(10, 10, 30, 10)),)), FrameFindings(2, (), ())]
    assert [region.frame for region in draw_boxes(frames, AREA, 2)] == [None]


def test_the_unreadable_goes_only_from_its_own_frames() -> None:
    unread = _finding(Box(10, 10, 30, 10), Reason.UNREADABLE)
    frames = [FrameFindings(0, (1,), (unread,)), FrameFindings(2, (), ())]
    assert [region.frame for region in draw_boxes(frames, AREA, 2)] == [0, 1]


def test_kept_words_get_no_box() -> None:
    frames = [FrameFindings(0, (), (_finding(Box(10, 10, 30, 10), Reason.LEXICON, 0.03),))]
    assert draw_boxes(frames, AREA, 2) == ()
