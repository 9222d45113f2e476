"""The review page under Streamlit's test runner, the browser's side of its viewer played by the test."""

from __future__ import annotations

import errno
import gc
import io
import json
import struct
import threading
import time
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import RLELossless
from streamlit.testing.v1 import AppTest

from deid import serving
from deid.pipeline import Engines, Options, open_case
from deid.review import Correction, Deed
from deid.runfiles import RunFiles
from deid.settings import Settings
from deid.store import NewUser, Role, User
from deid.ui import deciding, downloads, keys, lightbox, looks, review, shared
from deid.ui.bench import Looked, workbench
from deid.ui.lightbox import Mark, Told
from deid.values import Box, Outcome, Reason, Word
from deid.waiting import approved
from deid.workbench import Item
from tests.dicom_factory import dicom, gradient
from tests.fakes import ScriptedOcr
from tests.test_ui import headings, sign_in, start
from tests.test_workbench import CALM, DRAWN, NAME, picture, run_over

PAGE = "../../pages/review.py"
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _installation(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DEID_HOME", str(settings.home))
    monkeypatch.setattr(serving, "make_engines", lambda _settings: CALM)
    serving.forget_engines()
    for name, role in (("ada", Role.STAFF), ("root", Role.ADMINISTRATOR)):
        shared.store().add_user(NewUser(name, PASSWORD, name.title(), role=role))
    yield
    shared.background().close()
    shared.store().close()


def waits(owner: str = "ada", **files: bytes) -> int:
    return run_over(shared.environment(), shared.store(), owner, **(files or {"a": picture()}))


def enter() -> AppTest:
    page = sign_in(start()).switch_page(PAGE).run()
    assert not page.exception
    return page


def press(page: AppTest, label: str) -> AppTest:
    next(each for each in page.button if each.label == label).click().run()
    assert not page.exception
    return page


def tell(page: AppTest, *events: tuple[str, Box, int], number: int = 1, want: tuple[int, ...] = ()) -> AppTest:
    """What the viewer tells the page: decisions, numbered on from `number`, and frames that it lacks."""
    key = page.query_params["item"]
    said = {
        "origin": 7,
        "picture": key[0] if isinstance(key, list) else key,
        "frame": 0,
        "tries": number,
        "want": list(want),
        "events": [
            {"number": number + at, "deed": deed, "box": [box.left, box.top, box.width, box.height], "frame": frame}
            for at, (deed, box, frame) in enumerate(events)
        ],
    }
    page.session_state[lightbox.KEY] = {"told": said}
    page.run()
    assert not page.exception
    return page


def user(name: str) -> User:
    return next(each for each in shared.store().users() if each.username == name)


def text(page: AppTest) -> str:
    return " ".join(str(each.value) for each in (*page.markdown, *page.warning, *page.error, *page.success, *page.info))


# The page


def test_where_nothing_waits_the_page_says_so() -> None:
    assert "Nothing waits for you" in text(enter())


def test_what_waits_is_shown_with_the_reason_and_the_dashboard_leads_there() -> None:
    run_id = waits()
    page = enter()
    assert f"1 of 1 · run {run_id}" in headings(page)
    assert "can still be read as text that identifies" in text(page)
    page.switch_page("../../pages/dashboard.py").run()
    assert "1 image waits for a person to look." in text(page)


def test_the_dashboard_does_not_send_people_to_what_is_not_theirs() -> None:
    waits("root")
    page = enter()
    assert "Nothing waits for you" in text(page)
    page.switch_page("../../pages/dashboard.py").run()
    assert "for a person to look" not in text(page)


def test_what_is_told_again_while_it_is_being_decided_is_decided_once() -> None:
    said = Told(7, "1/a", ((1, Correction(Deed.COVER, DRAWN)),))
    known: dict[int, int] = {}
    decided: list[Correction] = []
    begun = threading.Event()

    def slowly(correction: Correction) -> None:
        begun.set()
        time.sleep(0.2)
        decided.append(correction)

    first = threading.Thread(target=review.hear, args=(said, known, slowly))
    first.start()
    assert begun.wait(10)
    review.hear(said, known, slowly)
    first.join()
    assert decided == [Correction(Deed.COVER, DRAWN)]


def test_what_the_viewer_tells_is_kept_once_and_undone() -> None:
    waits()
    page = tell(enter(), ("cover", DRAWN, 0))
    assert "1 box added" in text(page)
    page.run()
    assert "1 box added" in text(page), "the same telling again is not a second decision"
    tell(page, ("cover", Box(1, 1, 9, 9), 0), number=2)
    assert "2 boxes added" in text(page)
    press(page, "Undo")
    assert "1 box added" in text(page)
    press(page, "Undo")
    assert "0 boxes added" in text(page)


def test_an_approved_file_has_the_drawn_box_and_is_counted_as_clean() -> None:
    run_id = waits()
    page = press(tell(enter(), ("cover", DRAWN, 0)), "Approve")
    assert "Nothing waits for you" in text(page)
    files = RunFiles(shared.environment().home, run_id)
    (entry,) = files.entries()
    pixels = dcmread(io.BytesIO(files.clean(entry))).pixel_array
    assert not pixels[DRAWN.top : DRAWN.bottom, DRAWN.left : DRAWN.right].any()
    (told,) = shared.store().reviews(run_id)
    assert (told.user, told.review.covered) == ("ada", 1)
    assert any(event.action == "reviewed" for event in shared.store().events())


@pytest.mark.parametrize(
    ("error", "told"),
    [(OSError(errno.ENOSPC, "no room"), ["The file cannot be written."]), (OSError("truncated"), [])],
    ids=["the system", "a library"],
)
def test_an_error_of_a_library_has_an_id_and_a_full_disk_a_sentence(
    monkeypatch: pytest.MonkeyPatch, error: OSError, told: list[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    waits()
    monkeypatch.setattr(deciding, "redone", fail)
    page = enter()
    next(each for each in page.button if each.label == "Approve").click().run()
    assert [each.value for each in page.error] == told
    assert bool(page.exception) is not bool(told), "the server says of such an exception that it has an id"
    assert "Approved" not in text(page)


def test_a_header_value_that_is_kept_is_asked_about_again() -> None:
    run_id = waits()
    page = enter()
    region = workbench().plan(item()).regions[0]
    page = press(tell(page, ("keep", region.box, 0)), "Approve")
    assert "it has to be confirmed" in text(page)
    assert shared.store().reviews(run_id) == ()
    press(page, "Yes, approve it")
    assert shared.store().reviews(run_id)[0].review.confirmed


def test_rejecting_asks_first() -> None:
    run_id = waits()
    page = press(enter(), "Reject")
    assert shared.store().reviews(run_id) == ()
    press(page, "Reject it")
    assert shared.store().totals().by_outcome == ((Outcome.QUARANTINED, 1),)
    assert RunFiles(shared.environment().home, run_id).outputs.exists() is False


def test_a_change_to_the_series_is_in_all_of_it_and_all_of_it_is_approved_at_once() -> None:
    run_id = waits(a=picture(0), b=picture(1), c=picture(2))
    page = enter()
    page.session_state["review-scope"] = "series"
    tell(page, ("cover", DRAWN, 0))
    bench, ada = workbench(), user("ada")
    items = [bench.item(ada, key) for key in bench.keys(ada)]
    assert [bench.plan(item).drawn for item in items if item] == [1, 1, 1]
    press(press(page, "Approve the series"), "Approve 3 files")
    assert "Nothing waits for you" in text(page)
    assert len(shared.store().reviews(run_id)) == 3


def test_the_second_of_two_people_is_told_and_can_do_nothing() -> None:
    waits(a=picture(0), b=picture(1))
    first = enter()
    store = shared.store()
    bench, root = workbench(), user("root")
    item = bench.item(root, bench.keys(root)[0])
    assert item is not None
    assert bench.claim(root, item) == "ada"
    press(first, "Next")
    assert bench.claim(root, item) == "root"
    press(first, "Previous")
    assert "root looks at this file now" in text(first)
    assert "Approve" not in [each.label for each in first.button]
    assert store.reviews(item.file.run_id) == ()


def test_words_that_stay_are_shown_once_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = ScriptedOcr([Word("Gain", Box(30, 30, 40, 16), 0.9, ("scripted",))])
    monkeypatch.setattr(serving, "make_engines", lambda _settings: Engines((reader,), b"k" * 32))
    serving.forget_engines()
    waits()
    page = press(enter(), "Read the words")
    assert "1 of 1 word stay" in text(page)
    looked = shared.desk().get(page.session_state[keys.SESSION], page.session_state[keys.BENCH].desk_id)
    assert isinstance(looked, Looked)
    marks = tuple(review._marks(workbench(), item(), looked, hidden=False))
    assert ["Gain" in mark.label for mark in marks if mark.state == "word"] == [True]
    assert "Gain" not in str(tuple(review._marks(workbench(), item(), looked, hidden=True)))


def test_a_file_leaves_the_desk_with_the_tab_that_looked_at_it() -> None:
    waits()
    page = enter()
    owner, desk_id = page.session_state[keys.SESSION], page.session_state[keys.BENCH].desk_id
    assert isinstance(shared.desk().get(owner, desk_id), Looked)
    del page.session_state[keys.BENCH]
    gc.collect()
    assert shared.desk().get(owner, desk_id) is None


def test_what_is_asked_about_has_the_first_numbers_and_no_number_changes_while_it_is_decided() -> None:
    waits()
    waiting = item()
    page = enter()
    looked = shared.desk().get(page.session_state[keys.SESSION], page.session_state[keys.BENCH].desk_id)
    assert isinstance(looked, Looked)
    assert waiting.note is not None
    asked = [region.box for region in waiting.note.suggested.open]
    assert asked

    def order() -> list[tuple[Box, str]]:
        marks = review._marks(workbench(), item(), looked, hidden=False)
        return [(mark.box, mark.state) for mark in marks if mark.state != "word"]

    before = order()
    assert [box for box, state in before if state == "open"] == [box for box, _ in before[: len(asked)]] == asked
    waiting.file.decide((Correction(Deed.COVER, asked[0]), Correction(Deed.COVER, DRAWN)))
    after = order()
    assert [box for box, _ in after] == [*(box for box, _ in before), DRAWN]
    assert (before[0][1], after[0][1]) == ("open", "goes")


def test_the_way_back_to_the_run_is_there_before_and_after_the_last_decision() -> None:
    run_id = waits()
    assert f"Back to run {run_id}" in links(enter())
    page = enter()
    page.session_state[keys.DECIDED] = run_id
    item().file.remove()
    page.run()
    assert "Nothing waits for you" in page.success[0].value
    assert f"Back to run {run_id}" in links(page)


def links(page: AppTest) -> list[str]:
    return [each.proto.label for each in page.get("page_link")]


def item() -> Item:
    found = workbench().item(user("ada"), workbench().keys(user("ada"))[0])
    assert found is not None
    return found


def test_nothing_of_an_original_lies_in_the_session() -> None:
    waits()
    page = tell(enter(), ("cover", DRAWN, 0))
    assert NAME not in str(dict(page.session_state._state.filtered_state))


def test_a_file_that_was_decided_elsewhere_is_told() -> None:
    waits(a=picture(0), b=picture(1))
    page = enter()
    item().file.remove()
    page.run()
    assert not page.exception
    assert "no longer waits" in page.toast[0].value


def test_approved_files_of_the_command_line_come_as_a_zip() -> None:
    folder = approved(shared.environment().home, 3)
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a").write_bytes(b"clean")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(downloads.zip_below(folder))))
    assert archive.read("images/deep/a") == b"clean"


# What goes to the viewer and comes back


def unpack(data: bytes) -> tuple[dict[str, object], list[bytes]]:
    (length,) = struct.unpack("<I", data[:4])
    header = json.loads(data[4 : 4 + length])
    frames, start = [], 4 + length
    for sent in header["sent"]:
        frames.append(zlib.decompress(data[start : start + sent["size"]]))
        start += sent["size"]
    assert start == len(data)
    return header, frames


def packed(
    pixels: np.ndarray, send: tuple[int, ...] = (0,), *, hidden: bool = False, **how: object
) -> tuple[dict[str, object], list[bytes]]:
    case = open_case(dicom(pixels, **how), Options())
    mark = Mark(None, DRAWN, "goes", looks.REASONS[Reason.DRAWN], "<b>x</b>", True)
    return unpack(lightbox.pack(case, "1/x", (mark,), send, {7: 3}, hidden=hidden))


@pytest.mark.parametrize(
    ("pixels", "kind", "dtype"),
    [
        (gradient(40, 60), "u8", "u1"),
        (gradient(40, 60).astype(np.uint16) * 200, "u16", "<u2"),
        (gradient(40, 60).astype(np.int16) * 200 - 20000, "s16", "<i2"),
    ],
    ids=["8", "16", "signed"],
)
def test_stored_values_reach_the_browser_as_they_are(pixels: np.ndarray, kind: str, dtype: str) -> None:
    header, (frame,) = packed(pixels)
    assert header["sent"][0]["kind"] == kind  # type: ignore[index]
    assert np.array_equal(np.frombuffer(frame, dtype).reshape(pixels.shape), pixels)


def test_colour_goes_as_red_green_and_blue() -> None:
    pixels = np.dstack([gradient(40, 60)] * 3)
    header, (frame,) = packed(pixels, photometric="RGB")
    assert header["sent"][0]["kind"] == "rgb"  # type: ignore[index]
    assert np.array_equal(np.frombuffer(frame, "u1").reshape(pixels.shape), pixels)


def test_of_a_loop_only_the_frames_that_are_asked_for_are_sent() -> None:
    loop = np.stack([gradient(40, 60) // (1 + number) for number in range(12)])
    header, frames = packed(loop, (5, 6), syntax=RLELossless)
    assert header["frames"] == 12
    assert [each["frame"] for each in header["sent"]] == [5, 6]  # type: ignore[index]
    assert np.array_equal(np.frombuffer(frames[0], "u1").reshape(40, 60), loop[5])
    assert packed(loop, ())[1] == []


def test_frames_are_sent_up_to_a_size_and_one_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lightbox, "_ROOM", 3000)
    loop = np.stack([gradient(40, 60)] * 4)
    assert len(packed(loop, (0, 1, 2))[1]) == 1


def test_a_hidden_picture_has_no_letter_left() -> None:
    pixels = np.zeros((120, 240), np.uint8)
    pixels[50:60, 100:140:4] = 255
    header, (frame,) = packed(pixels, hidden=True)
    assert header["hidden"] is True
    assert np.frombuffer(frame, "u1").max() < 120


BOX = [10, 20, 30, 5]


def said(**changed: object) -> dict[str, object]:
    event = {"number": 1, "deed": "cover", "box": BOX, "frame": 0}
    return {"origin": 7, "picture": "1/x", "tries": 1, "want": [], "events": [event | changed]}


def test_a_decision_of_the_browser_becomes_a_correction() -> None:
    told = lightbox.parse(said(), 3, 40, 60)
    assert told.events == ((1, Correction(Deed.COVER, Box(*BOX), 0)),)


@pytest.mark.parametrize(
    "wrong",
    [
        {"box": [50, 20, 30, 5]},
        {"box": [10, 38, 30, 5]},
        {"box": [-1, 2, 3, 4]},
        {"box": [1, 2, 0, 4]},
        {"box": "none"},
        {"frame": 3},
        {"frame": -1},
        {"deed": "publish"},
        {"number": "x"},
    ],
    ids=str,
)
def test_what_cannot_be_a_decision_is_not_heard(wrong: dict[str, object]) -> None:
    assert lightbox.parse(said(**wrong), 3, 40, 60) == Told()


@pytest.mark.parametrize("nothing", [None, {}, [], "x", {"events": 5}], ids=str)
def test_a_telling_of_another_shape_says_nothing(nothing: object) -> None:
    assert lightbox.parse(nothing, 3, 40, 60) == Told()
