"""What waits is looked at, corrected and decided in a real browser: with the keyboard alone, and with the pointer."""

from __future__ import annotations

import contextlib
import io
import sqlite3
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from pydicom import dcmread
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from deid.pipeline import Engines
from deid.runfiles import Entry, RunFiles
from deid.settings import Settings
from deid.store import NewUser, Role, Store, open_store
from deid.values import Box, Word
from deid.waiting import of_run
from tests.dicom_factory import file_bytes, gradient, image
from tests.e2e import keyboard
from tests.e2e.served import PASSWORD, PATIENCE_SECONDS, Browser, Server, browser, server, set_up, sign_in
from tests.fakes import ScriptedOcr
from tests.test_workbench import NAME, picture, run_over

pytestmark = pytest.mark.browser

FILES = 20
PAINTED = "Array.from(stage.querySelector('canvas').getContext('2d').getImageData(9, 9, 40, 40).data).join()"


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with an administrator, Ada, and a member of staff, Bob."""
    folder = tmp_path_factory.mktemp("server")
    with server(folder, DEID_MODEL="none") as running:
        with browser(folder / "first") as opened:
            set_up(opened, running)
        yield running


@pytest.fixture(scope="module")
def store(at: Server) -> Iterator[Store]:
    """The server's store."""
    opened = open_store(Settings.from_environment({"DEID_HOME": str(at.home)}))
    opened.add_user(NewUser("bob", PASSWORD, "Bob", role=Role.STAFF))
    yield opened
    opened.close()


def put_into_the_queue(at: Server, store: Store, owner: str, files: dict[str, bytes]) -> int:
    """The number of a run of somebody's whose files all want a look."""
    settings = Settings.from_environment({"DEID_HOME": str(at.home), "DEID_MODEL": "none"})
    return run_over(settings, store, owner, engines=wandering(), **files)


def wandering() -> Engines:
    """A reader that sees the patient's name farther on in each picture, and from the start again at its end."""
    reader, places = ScriptedOcr(), iter(range(0, 1_000_000, 59))

    def answer(picture: np.ndarray) -> tuple[Word, ...]:
        left = 20 + next(places) % (picture.shape[1] - 80)
        return (Word(NAME, Box(left, 42, 40, 12), 0.95, ("scripted",)),)

    reader.answer = answer
    return Engines((reader,), b"k" * 32)


def loop(number: int, series: str) -> bytes:
    """Two frames of a series."""
    dataset = image(np.stack([gradient(80, 600 + number, top=200 + frame) for frame in range(2)]))
    dataset.SeriesInstanceUID = series
    return file_bytes(dataset)


def enter(opened: Browser, at: Server, name: str, path: str = "/review") -> None:
    opened.open(at.url + path)
    opened.wait_for("Forgotten your password?")
    sign_in(opened, name)
    opened.wait_for_not("Forgotten your password?")


def stage(page: Browser) -> WebElement:
    return page.wait_for_picture()


def marks(page: Browser) -> list[str]:
    """What becomes of each box that is shown."""
    return str(stage(page).get_attribute("data-marks") or "").split()


def until(page: Browser, holds: Callable[[], bool], said: str) -> None:
    WebDriverWait(page.driver, PATIENCE_SECONDS, 0.1, ignored_exceptions=(Exception,)).until(lambda _: holds(), said)


def press(page: Browser, *keys: str) -> None:
    """Strike keys one after the other; `shift` before a key holds it down."""
    for key in keys:
        if key.startswith("shift "):
            ActionChains(page.driver).key_down(Keys.SHIFT).send_keys(key.removeprefix("shift ")).key_up(
                Keys.SHIFT
            ).perform()
        else:
            ActionChains(page.driver).send_keys(key).perform()


def changed(files: RunFiles, entry: Entry, clean: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Where the clean file differs from the original, and where it may."""
    before = dcmread(io.BytesIO(files.original(entry.source))).pixel_array
    after = dcmread(io.BytesIO(clean)).pixel_array
    allowed = np.zeros(before.shape, bool)
    for region in entry.boxes:
        frames = slice(None) if region.frame is None else region.frame
        part = allowed[frames] if allowed.ndim == 3 else allowed
        part[..., region.box.top : region.box.bottom, region.box.left : region.box.right] = True
    return before != after, allowed


def test_a_series_is_reviewed_with_the_keyboard_alone(at: Server, store: Store, tmp_path: Path) -> None:
    """From the sign-in to the downloaded file; no click, no drag, and each pixel as it was decided."""
    store.add_user(NewUser("cyd", PASSWORD, "Cyd", role=Role.STAFF))
    run_id = put_into_the_queue(at, store, "cyd", {f"f{each:02}": loop(each, "1.2.3.4") for each in range(FILES)})
    with browser(tmp_path / "cyd") as page:
        page.open(at.url)
        page.wait_for("Forgotten your password?")
        keyboard.go_to(page, "User name")
        keyboard.strike(page, "cyd")
        keyboard.go_to(page, "Password")
        keyboard.strike(page, PASSWORD, Keys.ENTER)
        page.wait_for(f"{FILES} images wait")
        keyboard.press(page, "Look at them")
        page.wait_for(f"1 of {FILES}")
        press(page, "j")
        page.wait_for(f"2 of {FILES}")
        keyboard.go_to(page, "Image with")
        assert shown(page, "getComputedStyle(stage).outlineWidth") == "3px", "what has the focus is to be seen"

        press(page, Keys.ARROW_RIGHT)
        until(page, lambda: stage(page).get_attribute("data-shown") == "1", "not the next frame")
        press(page, ",")
        until(page, lambda: stage(page).get_attribute("data-shown") == "0", "not the frame before")
        for keys, undone, what in (
            (["shift " + Keys.ARROW_UP] * 3, ["shift " + Keys.ARROW_DOWN] * 3, PAINTED),
            (["shift " + Keys.ARROW_LEFT] * 3, ["shift " + Keys.ARROW_RIGHT] * 3, PAINTED),
            (["+", Keys.ARROW_RIGHT], ["0"], "stage.querySelector('.sheet').style.transform"),
        ):
            before = shown(page, what)
            press(page, *keys)
            until(page, lambda what=what, before=before: shown(page, what) != before, f"{keys} change nothing")
            press(page, *undone)
            until(page, lambda what=what, before=before: shown(page, what) == before, f"{undone} do not undo it")

        asked_about = marks(page)
        press(page, str(asked_about.index("open") + 1))
        until(page, lambda: marks(page).count("open") == asked_about.count("open") - 1, "nothing covered")
        press(page, *["n"] * (asked_about.index("goes") - asked_about.index("open")), Keys.ENTER)
        page.wait_for("1 kept")

        decided = Counter(drawn(at, run_id))
        for _ in range(2):
            press(page, "s")
            page.wait_until_it_rests(0.5)
        for undone in (True, False):
            draw(page, "The whole series")
            page.wait_for("1 box added")
            added = Counter(drawn(at, run_id)) - decided
            assert list(added.values()) == [FILES], "one box, in each file of the series"
            if undone:
                press(page, "z")
                page.wait_for("0 boxes added")
                assert Counter(drawn(at, run_id)) == decided
        (box,) = added
        press(page, "a")
        page.wait_for("a value of the header or a code stands there")
        keyboard.press(page, "Yes, approve it")
        page.wait_for(f" of {FILES - 1} · run {run_id}")
        keyboard.press(page, f"Back to run {run_id}")
        page.wait_for("Download 1 clean file")
        keyboard.press(page, "Download 1 clean file")
        archive = zipfile.ZipFile(io.BytesIO(page.downloaded(f"run-{run_id}.zip")))
    (entry,) = [entry for entry in RunFiles(at.home, run_id).entries() if entry.published]
    told = decisions(at, run_id)
    assert told == [("cyd", "approved", 1, 1)]
    exactly_these(at, run_id, entry, archive.read(f"images/{entry.place}"), box)
    assert audited(at, run_id) == [
        ("cyd", "run started", f"run {run_id}"),
        ("cyd", "reviewed", f"run {run_id} image {store.reviews(run_id)[0].image_id} review approved"),
        ("cyd", "downloaded", f"run {run_id} all clean files"),
    ]


def test_a_file_is_looked_at_corrected_and_approved_with_the_pointer(at: Server, store: Store, tmp_path: Path) -> None:
    run_id = put_into_the_queue(at, store, "bob", {f"f{each}": picture(each, "1.2.3.1") for each in range(3)})
    files = RunFiles(at.home, run_id)
    with browser(tmp_path / "bob") as page:
        enter(page, at, "bob")
        page.wait_for("1 of 3")
        page.wait_for("can still be read as text that identifies")
        before = marks(page)
        drag(page)
        until(page, lambda: len(marks(page)) == len(before) + 1, "no drawn box")
        page.wait_for("1 box added")

        point_at(page, before.index("goes"))
        until(page, lambda: marks(page).count("kept") == 1, "nothing kept")
        page.wait_for("1 kept")
        page.click("Undo")
        page.wait_for("0 kept")

        page.click("Next")
        page.wait_for("2 of 3")
        page.wait_for("0 boxes added")
        page.click("Previous")
        page.wait_for("1 of 3")
        page.wait_for("1 box added")

        page.click("Approve")
        page.wait_for("1 of 2")
    (entry,) = [entry for entry in files.entries() if entry.published]
    differs, allowed = changed(files, entry, files.clean(entry))
    assert differs.any()
    assert not (differs & ~allowed).any()
    assert decisions(at, run_id) == [("bob", "approved", 1, 0)]


def test_the_second_to_look_at_a_file_is_told(at: Server, store: Store, tmp_path: Path) -> None:
    run_id = put_into_the_queue(at, store, "bob", {f"f{each}": picture(each, "1.2.3.3") for each in range(2)})
    path = f"/review?item={_first(at, run_id)}"
    with browser(tmp_path / "bob") as first, browser(tmp_path / "ada") as second:
        enter(first, at, "bob", path)
        first.wait_for(f"run {run_id}")
        stage(first)
        enter(second, at, "ada", path)
        second.wait_for("bob looks at this file now")
        press(second, "a")
        second.wait_for(f"run {run_id} of bob")
        assert "Approve" not in second.text
    assert store.reviews(run_id) == ()


def drawn(at: Server, run_id: int) -> list[Box]:
    """The boxes that people decided about in what waits of a run."""
    found = (each.corrections() for each in of_run(at.home, run_id))
    return [correction.box for corrections in found for correction in corrections]


def _first(at: Server, run_id: int) -> str:
    names = sorted(path.stem for path in (at.home / "review" / str(run_id)).glob("*.dcm"))
    return f"{run_id}/{names[0]}"


def draw(page: Browser, reach: str) -> None:
    """Draw a box with the keys, once the picture says how far it goes."""
    press(page, "d")
    until(
        page, lambda: reach in str(shown(page, "stage.parentElement.querySelector('.mode').textContent")), "not so far"
    )
    assert "Image with" in keyboard.focused(page), "the arrows are the picture's"
    press(page, Keys.ARROW_RIGHT, Keys.ARROW_DOWN, "shift " + Keys.ARROW_RIGHT, Keys.ENTER)


def shown(page: Browser, what: str) -> object:
    """Something of the viewer's stage."""
    return page.driver.execute_script(f"const stage = arguments[0]; return {what};", stage(page))


def exactly_these(at: Server, run_id: int, entry: Entry, clean: bytes, box: Box) -> None:
    """The clean file is black in its boxes, of which one was drawn, and as the original everywhere else."""
    files = RunFiles(at.home, run_id)
    differs, allowed = changed(files, entry, clean)
    original = dcmread(io.BytesIO(files.original(entry.source))).pixel_array
    assert np.array_equal(differs, allowed & (original != 0)), "exactly the pixels of the boxes are black now"
    assert allowed[..., box.top : box.bottom, box.left : box.right].all()
    assert not dcmread(io.BytesIO(clean)).pixel_array[allowed].any()


def audited(at: Server, run_id: int) -> list[tuple[str, str, str]]:
    """(user, action, subject) of what the audit log has about a run, oldest first."""
    return asked(
        at,
        "SELECT users.username, audit.action, audit.subject FROM audit LEFT JOIN users ON users.id = audit.user_id "
        "WHERE audit.subject = ? OR audit.subject LIKE ? ORDER BY audit.id",
        (f"run {run_id}", f"run {run_id} %"),
    )


def decisions(at: Server, run_id: int) -> list[tuple[str, str, int, int]]:
    """(user, decision, boxes added, places kept) of the files of a run."""
    return asked(
        at,
        "SELECT users.username, reviews.decision, reviews.covered, reviews.kept FROM reviews "
        "JOIN users ON users.id = reviews.user_id WHERE reviews.run_id = ? ORDER BY reviews.id",
        (run_id,),
    )


def asked(at: Server, question: str, values: tuple[object, ...]) -> list[Any]:
    """What the server's database says."""
    with contextlib.closing(sqlite3.connect(at.home / "deid.sqlite")) as database:
        return database.execute(question, values).fetchall()


def point_at(page: Browser, number: int) -> None:
    """Click on a box by its place among all."""
    rect = shown(page, f"stage.querySelector('rect[data-index=\"{number}\"]')")
    ActionChains(page.driver).move_to_element(cast(WebElement, rect)).click().perform()


def drag(page: Browser) -> None:
    """Draw a box with the pointer, in the middle of the picture."""
    page.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", stage(page))
    press(page, "d")
    until(page, lambda: "drawing" in str(stage(page).get_attribute("class")), "not drawing")
    ActionChains(page.driver).move_to_element_with_offset(stage(page), 60, 40).click_and_hold().move_by_offset(
        50, 30
    ).release().perform()
