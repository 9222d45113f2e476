"""What waits is looked at, corrected and decided in a real browser, with the keyboard alone."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from deid.runfiles import Entry, RunFiles
from deid.settings import Settings
from deid.store import NewUser, Role, Store, open_store
from deid.values import Box
from deid.waiting import of_run
from tests.e2e import keyboard
from tests.e2e.served import PASSWORD, PATIENCE_SECONDS, Browser, Server, browser, server, set_up, sign_in
from tests.test_workbench import picture, run_over

pytestmark = pytest.mark.browser

FILES = 20


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


def put_into_the_queue(at: Server, store: Store, count: int, series: str) -> int:
    """The number of a run of Bob's whose files, of one series, all want a look."""
    settings = Settings.from_environment({"DEID_HOME": str(at.home), "DEID_MODEL": "none"})
    return run_over(settings, store, "bob", **{f"f{number:02}": picture(number, series) for number in range(count)})


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
        allowed[region.box.top : region.box.bottom, region.box.left : region.box.right] = True
    return before != after, allowed


def test_a_series_is_looked_at_corrected_and_approved_with_the_keyboard(
    at: Server, store: Store, tmp_path: Path
) -> None:
    run_id = put_into_the_queue(at, store, FILES, "1.2.3.1")
    files = RunFiles(at.home, run_id)
    with browser(tmp_path / "bob") as page:
        enter(page, at, "bob")
        page.wait_for(f"1 of {FILES}")
        page.wait_for("can still be read as text that identifies")
        before = marks(page)
        assert "goes" in before

        press(page, "d")
        until(page, lambda: "drawing" in str(stage(page).get_attribute("class")), "not drawing")
        press(page, Keys.ARROW_RIGHT, Keys.ARROW_DOWN, "shift " + Keys.ARROW_RIGHT, Keys.ENTER)
        until(page, lambda: len(marks(page)) == len(before) + 1, "no drawn box")
        page.wait_for("1 box added")

        press(page, str(before.index("goes") + 1))
        until(page, lambda: marks(page).count("kept") == 1, "nothing kept")
        page.wait_for("1 kept")
        press(page, "z")
        page.wait_for("0 kept")

        press(page, "j")
        page.wait_for(f"2 of {FILES}")
        page.wait_for("0 boxes added")
        press(page, "k")
        page.wait_for(f"1 of {FILES}")
        page.wait_for("1 box added")

        press(page, "a")
        page.wait_for(f"1 of {FILES - 1}")
    (entry,) = [entry for entry in files.entries() if entry.published]
    differs, allowed = changed(files, entry, files.clean(entry))
    assert differs.any()
    assert not (differs & ~allowed).any()
    (told,) = store.reviews(run_id)
    assert told.user == "bob"
    subjects = [event.subject for event in store.events() if event.action == "reviewed"]
    assert subjects == [f"run {run_id} image {told.image_id} review approved"]


def test_a_box_drawn_for_a_series_is_in_all_of_it_is_undone_in_all_of_it_and_is_in_the_downloaded_file(
    at: Server, store: Store, tmp_path: Path
) -> None:
    run_id = put_into_the_queue(at, store, FILES, "1.2.3.2")
    files = RunFiles(at.home, run_id)
    with browser(tmp_path / "bob") as page:
        enter(page, at, "bob", f"/review?item={_first(at, run_id)}")
        page.wait_for(f"run {run_id}")
        page.click("The whole series")
        for undone in (True, False):
            drag(page)
            page.wait_for("1 box added")
            assert len(drawn(at, run_id)) == FILES
            assert len(set(drawn(at, run_id))) == 1
            if undone:
                press(page, "z")
                page.wait_for(f"Taken back in {FILES} files")
                page.wait_for("0 boxes added")
                assert drawn(at, run_id) == []
        (box,) = set(drawn(at, run_id))
        asked_about = marks(page).count("open")
        press(page, "1")
        until(page, lambda: marks(page).count("open") == asked_about - 1, "nothing covered")
        page.wait_for_not("nobody decided about")
        press(page, "a")
        page.wait_for("Approved: it is among the clean files")
        page.open(f"{at.url}/pipeline?run={run_id}")
        page.wait_for("Download 1 clean file")
        keyboard.press(page, "Download 1 clean file")
        archive = zipfile.ZipFile(io.BytesIO(page.downloaded(f"run-{run_id}.zip")))
    (entry,) = [entry for entry in files.entries() if entry.published]
    clean = archive.read(f"images/{entry.place}")
    differs, allowed = changed(files, entry, clean)
    original = dcmread(io.BytesIO(files.original(entry.source))).pixel_array
    assert np.array_equal(differs, allowed & (original != 0)), "exactly the pixels of the boxes are black now"
    assert allowed[box.top : box.bottom, box.left : box.right].all()
    assert not dcmread(io.BytesIO(clean)).pixel_array[allowed].any()
    told = [event.subject for event in store.events() if event.action in ("reviewed", "downloaded")]
    assert [subject for subject in told if subject.startswith(f"run {run_id} ")] == [
        f"run {run_id} all clean files",
        f"run {run_id} image {store.reviews(run_id)[0].image_id} review approved",
    ]


def test_the_second_to_look_at_a_file_is_told(at: Server, store: Store, tmp_path: Path) -> None:
    run_id = put_into_the_queue(at, store, 2, "1.2.3.3")
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
    """The boxes that were drawn on what waits of a run."""
    found = (each.corrections() for each in of_run(at.home, run_id))
    return [correction.box for corrections in found for correction in corrections]


def _first(at: Server, run_id: int) -> str:
    names = sorted(path.stem for path in (at.home / "review" / str(run_id)).glob("*.dcm"))
    return f"{run_id}/{names[0]}"


def drag(page: Browser) -> None:
    """Draw a box with the pointer, in the middle of the picture."""
    page.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", stage(page))
    press(page, "d")
    until(page, lambda: "drawing" in str(stage(page).get_attribute("class")), "not drawing")
    ActionChains(page.driver).move_to_element_with_offset(stage(page), 60, 40).click_and_hold().move_by_offset(
        50, 30
    ).release().perform()
