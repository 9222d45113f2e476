"""The report of a release: what it says, and that it says nothing of any file."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from deid.release import release_object, release_page
from deid.settings import Settings
from deid.store import Actor, Decision, NewUser, Review, RunState, Store, Subject
from deid.values import Box, Category, FileRecord, Outcome, Reason, Region, WordCount


@pytest.fixture
def run_id(store: Store) -> int:
    store.add_user(NewUser("ada", "a long enough sentence"))
    run = store.start_run("ada", "files", 3, "policy=phi preset=strict")
    boxes = (Region(None, Box(1, 2, 3, 4), (Reason.HEADER,), 0.99), Region(0, Box(5, 6, 7, 8), (Reason.DRAWN,), 1.0))
    made_by = (("deid", "1.0"), ("tesseract", "5.5.0"))
    words = (WordCount(Reason.HEADER, Category.NAME, 4),)
    clean = FileRecord(
        "Ottoline/a",
        Outcome.CLEANED,
        "",
        "US",
        frames=1,
        boxes=boxes,
        made_by=made_by,
        phi_words=words,
        warnings=("strokes", "code"),
    )
    image = store.add_image(run, clean, store.name_hash("Ottoline/a"))
    for name in ("b", "c"):
        refused = FileRecord(f"Ottoline/{name}", Outcome.REFUSED, "This is <no> DICOM file.")
        store.add_image(run, refused, store.name_hash(name))
    store.decide(
        Actor("ada"), Subject(run, image), Review(Decision.APPROVED, covered=1, kept=2, readable=1, confirmed=True)
    )
    store.finish_run(run, RunState.FINISHED)
    return run


def test_it_says_what_went_in_and_out_and_who_looked(store: Store, run_id: int) -> None:
    told = release_object(store, run_id)
    assert told["came_in"] == 3
    assert told["outcomes"] == {"cleaned": 1, "needs_review": 0, "quarantined": 0, "refused": 2}
    assert told["boxes"] == 2
    assert told["words_that_went"] == {"header": 4}
    assert told["warnings"] == {"page of text": 0, "strokes": 1, "face": 0, "code": 1}
    assert told["options"] == "policy=phi preset=strict"
    assert {"engine": "tesseract", "version": "5.5.0"} in told["made_by"]
    assert told["not_released"] == [{"outcome": "refused", "reason": "This is <no> DICOM file.", "files": 2}]
    (review,) = told["reviews"]
    assert (review["by"], review["decision"], review["boxes_added"], review["places_kept"]) == ("ada", "approved", 1, 2)
    assert review["second_answer"] is True
    json.dumps(told)


def test_the_page_says_the_same_and_is_whole(store: Store, run_id: int) -> None:
    page = release_page(release_object(store, run_id))
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            found.append(data)

    Reader().feed(page)
    text = " ".join(found)
    for said in ("3 files came in", "This is <no> DICOM file.", "tesseract", "5.5.0", "ada", "2 places kept"):
        assert said in text
    assert "something written that no reader could read; it was covered 1 a bar code or a QR code" in " ".join(
        text.split()
    )
    assert "slices of a head" not in text, "what did not come up is not said"
    assert "<no>" not in page
    assert "http" not in page, "it asks nobody for anything"


def test_no_name_of_a_file_is_in_it(store: Store, run_id: int) -> None:
    told = release_object(store, run_id)
    assert "Ottoline" not in json.dumps(told) + release_page(told)


def test_there_is_none_of_a_run_that_is_not_there(store: Store, database: Settings) -> None:
    assert release_object(store, 99) == {}
