"""Folders of the server: no link is followed, nothing beside is read or written, and who may use them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from streamlit.testing.v1 import AppTest

from deid import folders, serving
from deid.errors import RefusedError, UsageError
from deid.runfiles import RunFiles
from deid.settings import Settings
from deid.store import Action, Actor, Direction, NewUser, Role, Store
from deid.ui import keys, piles, shared
from tests.dicom_factory import dicom, gradient
from tests.test_ui import sign_in, start
from tests.test_workbench import CALM, picture, run_over

PASSWORD = "correct horse battery"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with two files, one in a folder, and things beside it that must not be read."""
    root = tmp_path / "srv" / "in"
    (root / "study").mkdir(parents=True)
    (root / "a").write_bytes(b"A")
    (root / "study" / "b").write_bytes(b"B")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "c").write_bytes(b"C")
    return root


# Which folders are fit


def test_a_folder_is_fit(place: Path, settings: Settings) -> None:
    assert folders.fit(f" {place}/ ", settings.home) == place


@pytest.mark.parametrize("text", ["", "srv/in", "/", "/etc", "/no/such/folder", "/tmp/../tmp", "/proc"])
def test_what_is_no_whole_path_of_a_folder_is_not(text: str, settings: Settings) -> None:
    with pytest.raises(UsageError):
        folders.fit(text, settings.home)


def test_neither_a_link_nor_a_file_nor_our_own_files_are(place: Path, settings: Settings) -> None:
    (place.parent / "link").symlink_to(place)
    (settings.home / "review").mkdir(parents=True)
    for path in (place.parent / "link", place.parent / "link" / "study", place / "a"):
        with pytest.raises(UsageError):
            folders.fit(str(path), settings.home)
    for path in (settings.home, settings.home / "review", settings.home.parent):
        with pytest.raises(UsageError, match="own files"):
            folders.fit(str(path), settings.home)


# Reading


def test_files_are_read_with_their_places(place: Path) -> None:
    assert list(folders.read(place)) == [("a", b"A"), ("study/b", b"B")]
    assert list(folders.read(place, "study")) == [("study/b", b"B")]
    assert folders.shown(place) == ("study",)


def test_no_link_is_followed(place: Path) -> None:
    (place / "file").symlink_to(place.parents[1] / "secret" / "c")
    (place / "folder").symlink_to(place.parents[1] / "secret")
    (place / "study" / "up").symlink_to("../..")
    os.mkfifo(place / "pipe")
    assert list(folders.read(place)) == [("a", b"A"), ("study/b", b"B")]
    assert folders.shown(place) == ("study",)
    with pytest.raises(RefusedError):
        list(folders.read(place, "folder"))


@pytest.mark.parametrize("below", ["..", ".", "../../secret", "/etc", "study/../..", "a\0b"])
def test_nothing_beside_is_read(place: Path, below: str) -> None:
    with pytest.raises(RefusedError, match="no such folder"):
        list(folders.read(place, below))


def test_a_link_put_in_the_place_of_a_folder_on_the_way_is_refused(place: Path) -> None:
    place.parent.rename(place.parents[1] / "moved")
    place.parent.symlink_to(place.parents[1] / "moved")
    with pytest.raises(RefusedError, match="a link"):
        list(folders.read(place))
    with pytest.raises(UsageError, match="a link"):
        folders.write(place, "run-1", [(PurePosixPath("x"), b"X")])


def test_a_link_put_there_while_it_is_read_is_refused(place: Path) -> None:
    reading = folders.read(place)
    assert next(reading) == ("a", b"A")
    (place / "study" / "b").unlink()
    (place / "study").rmdir()
    (place / "study").symlink_to(place.parents[1] / "secret")
    with pytest.raises(RefusedError):
        list(reading)


def test_more_than_may_come_in_is_refused_before_it_is_in_memory(place: Path) -> None:
    with (place / "huge").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(RefusedError, match="came in at once"):
        list(folders.read(place, most_bytes=1_000_000))


# Writing


def test_files_are_written_whole_and_once(place: Path) -> None:
    files = [(PurePosixPath("images/s/a"), b"A"), (PurePosixPath("report"), b"R")]
    assert folders.write(place, "run-1", files) == 2
    assert (place / "run-1" / "images" / "s" / "a").read_bytes() == b"A"
    with pytest.raises(UsageError, match="already"):
        folders.write(place, "run-1", files)


def test_what_cannot_be_written_leaves_nothing(place: Path) -> None:
    def breaks() -> Iterator[tuple[PurePosixPath, bytes]]:
        yield PurePosixPath("a"), b"A"
        raise OSError

    before = sorted(place.iterdir())
    for files in (
        breaks(),
        [(PurePosixPath("../out"), b"X")],
        [(PurePosixPath("a"), b"1"), (PurePosixPath("a"), b"2")],
    ):
        with pytest.raises(UsageError, match="cannot be written"):
            folders.write(place, "run-1", files)
    assert sorted(place.iterdir()) == before
    assert not (place.parent / "out").exists()


def test_a_link_of_the_runs_name_is_not_written_through(place: Path) -> None:
    (place / "run-1").symlink_to(place.parents[1] / "secret")
    with pytest.raises(UsageError, match="already"):
        folders.write(place, "run-1", [(PurePosixPath("x"), b"X")])
    assert [each.name for each in (place.parents[1] / "secret").iterdir()] == ["c"]


# Which are open, on each kind of database


def test_folders_are_opened_and_closed_and_both_are_in_the_audit(store: Store) -> None:
    store.add_user(NewUser("root", PASSWORD, role=Role.ADMINISTRATOR))
    by = Actor("root")
    number = store.open_folder(Path("/srv/images/incoming"), Direction.INPUT, by)
    with pytest.raises(UsageError, match="open for this already"):
        store.open_folder(Path("/srv/images/incoming"), Direction.INPUT, by)
    store.open_folder(Path("/srv/images/incoming"), Direction.OUTPUT, by)
    assert [each.id for each in store.folders(Direction.INPUT)] == [number]
    with pytest.raises(UsageError, match="not open"):
        store.folder(number, Direction.OUTPUT)
    store.close_folder(number, by)
    with pytest.raises(UsageError, match="not open"):
        store.folder(number, Direction.INPUT)
    told = [event.subject for event in store.events() if event.action in (Action.FOLDER_OPENED, Action.FOLDER_CLOSED)]
    assert told[0] == f"folder {number} input" and len(told) == 3
    assert not [event for event in store.events() if "/srv" in event.subject]


# The pages


@pytest.fixture
def own(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("DEID_HOME", str(settings.home))
    monkeypatch.setattr(serving, "make_engines", lambda _settings: CALM)
    serving.forget_engines()
    yield shared.store()
    shared.background().close()
    shared.store().close()


def enter(store: Store, role: Role, page: str) -> AppTest:
    store.add_user(NewUser("ada", PASSWORD, "Ada", role=role))
    found = sign_in(start()).switch_page(f"../../pages/{page}.py").run()
    assert not found.exception
    return found


def press(page: AppTest, label: str) -> AppTest:
    next(each for each in page.button if each.label == label).click().run()
    assert not page.exception
    return page


def test_an_administrator_opens_a_folder_and_closes_it(own: Store, place: Path) -> None:
    page = enter(own, Role.ADMINISTRATOR, "administration")
    page.segmented_control(key="administration-section").set_value("Folders").run()
    page.text_input[0].input("relative/path")
    press(page, "Open the folder")
    assert "whole path" in page.error[0].value
    page.text_input[0].input(str(place))
    press(page, "Open the folder")
    assert [each.path for each in own.folders(Direction.INPUT)] == [place]
    press(page, "Close the folder")
    assert own.folders(Direction.INPUT) == ()


def test_staff_take_files_in_from_an_open_folder(own: Store, place: Path) -> None:
    for number in range(2):
        (place / "study" / f"i{number}").write_bytes(dicom(gradient(20 + number, 30)))
    own.open_folder(place, Direction.INPUT, Actor())
    page = enter(own, Role.STAFF, "pipeline")
    page.segmented_control(key="bring").set_value("From this server").run()
    press(page, "Take the files in")
    pile = piles.find(page.session_state[keys.SESSION], page.session_state[keys.PILE])
    assert pile is not None and (len(pile.intake.images), len(pile.intake.refused)) == (2, 2)


def test_a_folder_that_was_closed_meanwhile_is_not_read(own: Store, place: Path) -> None:
    number = own.open_folder(place, Direction.INPUT, Actor())
    own.open_folder(place.parent, Direction.INPUT, Actor())
    page = enter(own, Role.STAFF, "pipeline")
    page.segmented_control(key="bring").set_value("From this server").run()
    own.close_folder(number, Actor())
    press(page, "Take the files in")
    assert keys.PILE not in page.session_state


@pytest.mark.parametrize("role", [Role.STAFF, Role.DEMO])
def test_without_an_open_folder_or_the_right_nothing_of_the_server_is_offered(
    own: Store, place: Path, role: Role
) -> None:
    if role is Role.DEMO:
        own.open_folder(place, Direction.INPUT, Actor())
    page = enter(own, role, "pipeline")
    assert "From this server" not in [str(each) for group in page.get("button_group") for each in group.options]


def test_clean_files_are_written_to_an_open_folder(own: Store, place: Path) -> None:
    own.open_folder(place, Direction.OUTPUT, Actor())
    page = enter(own, Role.STAFF, "pipeline")
    run_id = run_over(shared.environment(), own, "ada", engines=CALM, a1=picture())
    page.query_params["run"] = str(run_id)
    page.run()
    press(page, "Write them")
    files = RunFiles(shared.settings().home, run_id)
    (entry,) = files.entries()
    assert (place / f"run-{run_id}" / "images" / entry.place).read_bytes() == files.clean(entry)
    assert (place / f"run-{run_id}" / "report.jsonl").is_file()
    assert own.events()[0].action == Action.EXPORTED
