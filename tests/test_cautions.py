"""What wants eyes: when it is told, when it holds a file, and where the sentence stands."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from pydicom import Dataset

from deid.case import Engines, Options
from deid.cautions import PAGE_WORDS, cautions
from deid.pipeline import run, verdict
from deid.report import as_object
from deid.review import may_leave
from deid.runfiles import RunFiles
from deid.settings import Settings
from deid.single import record_of
from deid.store import NewUser, Store
from deid.ui import tables
from deid.values import UNREAD, Box, FrameWords, Outcome, Word
from deid.workbench import Workbench
from tests.dicom_factory import dicom, gradient
from tests.fakes import ScriptedOcr
from tests.test_workbench import run_over

CAPTURE, CT, US = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.6.1"


def header(sop_class: str = CT, modality: str = "CT", **elements: str) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.Modality = sop_class, modality
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def seen(*texts: str, width: int = 40) -> tuple[FrameWords, ...]:
    words = (Word(text, Box(2, 12 * number, width, 10), 0.9, ("a",), number) for number, text in enumerate(texts))
    return (FrameWords(0, (), tuple(words)),)


def names(dataset: Dataset, frames: tuple[FrameWords, ...] = ()) -> list[str]:
    return [each.name for each in cautions(dataset, frames)]


PAGE = seen(*["gain"] * PAGE_WORDS)


@pytest.mark.parametrize(
    ("dataset", "frames", "told"),
    [
        (header(CAPTURE, "CT"), PAGE, True),
        (header(CAPTURE + ".4", "US"), PAGE, True),
        (header("1.2.840.10008.5.1.4.1.1.77.1.4", "XC", ConversionType="SD"), PAGE, True),
        (header(CAPTURE, "CT"), seen(*["gain"] * (PAGE_WORDS - 1)), False),
        (header(CAPTURE, "CT"), seen(*["."] * PAGE_WORDS), False),
        (header(US, "US"), PAGE, False),
    ],
    ids=["capture", "of many frames", "scanned", "fewer words", "dots", "ultrasound"],
)
def test_a_page_of_text_is_told_and_holds(dataset: Dataset, frames: tuple[FrameWords, ...], told: bool) -> None:
    found = cautions(dataset, frames)
    assert [each.name for each in found] == ["page of text"] * told
    assert all(each.holds for each in found)


def test_pages_of_several_frames_are_not_added_up() -> None:
    frame = seen(*["gain"] * (PAGE_WORDS // 2))[0]
    assert names(header(CAPTURE), (frame, frame, frame)) == []


@pytest.mark.parametrize(
    ("dataset", "told"),
    [
        (header(BodyPartExamined="HEAD"), True),
        (header(modality="MR", StudyDescription="MRT Sch\u00e4del nativ"), True),
        (header(modality="MR", ProtocolName="t1_brain_iso"), True),
        (header(modality="MR", SeriesDescription="CEREBRO AX"), True),
        (header(StudyDescription="CT headed paper"), False),
        (header(BodyPartExamined="CHEST"), False),
        (header("1.2.840.10008.5.1.4.1.1.6.1", "US", BodyPartExamined="HEAD"), False),
        (header(CAPTURE, "CT", BodyPartExamined="HEAD"), False),
    ],
    ids=["part", "German", "protocol", "Spanish", "other word", "chest", "ultrasound", "capture"],
)
def test_a_face_is_told_and_does_not_hold(dataset: Dataset, told: bool) -> None:
    found = cautions(dataset, ())
    assert [(each.name, each.holds) for each in found] == [("face", False)] * told
    assert all("outside this tool" in each.sentence for each in found)


def test_strokes_that_nobody_could_read_are_told_and_do_not_hold() -> None:
    (found,) = cautions(header(), seen(UNREAD, UNREAD, "Gain"))
    assert (found.name, found.holds) == ("strokes", False) and "In 2 places" in found.sentence
    assert names(header(), seen(UNREAD, width=12)) == []
    assert names(header(), seen("Gain")) == []


def page_reader() -> Engines:
    """Sees a page of harmless words, moved by the padding of pictures."""
    moved = (replace(word, box=Box(30, 30 + word.box.top, 40, 10)) for word in PAGE[0].words)
    return Engines((ScriptedOcr(tuple(moved)),), b"k" * 32)


def test_a_page_waits_and_leaves_after_a_second_answer() -> None:
    data = dicom(gradient(12 * PAGE_WORDS + 40, 120), Modality="OT")
    case = run(data, page_reader(), Options())
    outcome, reason = verdict(case)
    assert outcome is Outcome.NEEDS_REVIEW and "full of text" in reason
    assert may_leave(case, confirmed=True) and not may_leave(case, confirmed=False)


def test_the_sentence_stands_in_the_report() -> None:
    data = dicom(np.zeros((40, 60), "u1"), SOPClassUID=CT, Modality="CT", BodyPartExamined="HEAD")
    case = run(data, Engines((ScriptedOcr(),), b"k" * 32), Options())
    assert verdict(case) == (Outcome.CLEANED, "")
    record = record_of(case, *verdict(case), "a")
    assert record.warnings == ("face",)
    told = as_object(record)
    assert len(told["cautions"]) == 1 and "defacing" in told["cautions"][0]
    json.dumps(told)


def test_the_sentence_stands_in_the_runs_table_and_on_the_review_page(settings: Settings, store: Store) -> None:
    store.add_user(NewUser("ada", "a long enough sentence"))
    head = dicom(gradient(80, 200), SOPClassUID=CT, Modality="CT", BodyPartExamined="HEAD")
    run_id = run_over(settings, store, "ada", a=head)
    table = tables.entries(RunFiles(settings.home, run_id).entries(), hidden=False)
    assert "still be read" in table["Why"][0] and "defacing" in table["Why"][0]
    bench, (ada,) = Workbench(settings, store), store.users()
    item = bench.item(ada, bench.keys(ada)[0])
    assert item is not None and item.note is not None and "defacing" in item.note.cautions[0]
