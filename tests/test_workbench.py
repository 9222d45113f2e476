"""What waits for whom, decisions on the way, and how each file ends: in runs of the pages and of the command line."""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from pydicom import dcmread

from deid import jobs, single, waiting
from deid.errors import UsageError
from deid.inputs import InputFile, walk_inputs
from deid.ledger import Ledger
from deid.pipeline import Engines, Options
from deid.profile import preset
from deid.review import Correction, Deed, opened, redone
from deid.runfiles import RunFiles
from deid.settings import Settings
from deid.store import Actor, Decision, NewUser, Role, Run, RunState, Store, User, open_store
from deid.values import Box, Outcome, Policy, Reason, Word
from deid.workbench import Item, Remade, Scope, Workbench
from tests.dicom_factory import PHI, SERIES_UID, file_bytes, gradient, image
from tests.fakes import ScriptedOcr

NAME = PHI["PatientName"].split("^")[0]
DRAWN = Box(100, 60, 20, 10)


def restless() -> Engines:
    """A reader that sees the patient's name somewhere else each time."""
    reader = ScriptedOcr()
    moving = iter(range(0, 1_000_000, 31))

    def everywhere(picture: np.ndarray) -> tuple[Word, ...]:
        return (Word(NAME, Box(20 + next(moving) % 120, 42, 40, 12), 0.95, ("scripted",)),)

    reader.answer = everywhere
    return Engines((reader,), b"k" * 32)


CALM = Engines((ScriptedOcr(),), b"k" * 32)


def picture(number: int = 0, series: str = SERIES_UID) -> bytes:
    dataset = image(gradient(80, 200 + number))
    dataset.SeriesInstanceUID = series
    return file_bytes(dataset)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    opened_store = open_store(settings)
    for name, role in (("ada", Role.ADMINISTRATOR), ("bob", Role.STAFF), ("cy", Role.STAFF), ("demo", Role.DEMO)):
        opened_store.add_user(NewUser(name, "a long enough sentence", role=role))
    yield opened_store
    opened_store.close()


@pytest.fixture
def bench(settings: Settings, store: Store) -> Workbench:
    return Workbench(settings, store)


def user(store: Store, name: str) -> User:
    return next(each for each in store.users() if each.username == name)


def run_over(
    settings: Settings,
    store: Store,
    owner: str,
    options: Options | None = None,
    engines: Engines | None = None,
    **files: bytes,
) -> int:
    """The number of a run over these files; the command line's where nobody owns it.

    Each needs a review, where no other engines are given.
    """
    batch = jobs.Batch((settings.home,), settings.home.parent / "out", options or Options(), user=owner)
    run_id = store.start_run(owner, "files" if owner else "batch", len(files), state=RunState.PLANNED)
    kept, ledger = RunFiles(settings.home, run_id), Ledger(store, settings, run_id)
    folder = kept.inputs if owner else settings.home.parent / f"given{run_id}"
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    batch = replace(batch, inputs=(folder,), out=kept.outputs if owner else batch.out)
    ledger.plan(batch, walk_inputs(batch.inputs))
    jobs.work_off(run_id, settings, store, jobs.Hands(engines=engines or restless()))
    return run_id


def only(bench: Workbench, of: User) -> Item:
    (key,) = bench.keys(of)
    found = bench.item(of, key)
    assert found is not None
    return found


def remade(bench: Workbench, item: Item, engines: Engines = CALM) -> Remade:
    assert item.note is not None
    decided = bench.plan(item)
    case = redone(opened(item.file.original(), engines, item.note.options), decided, engines, item.note.options)
    return Remade(case, decided, engines.made_by)


# What waits for whom


def test_an_owner_and_an_administrator_find_what_waits_and_nobody_else(
    bench: Workbench, store: Store, settings: Settings
) -> None:
    run_over(settings, store, "bob", a=picture())
    item = only(bench, user(store, "bob"))
    assert bench.keys(user(store, "ada")) == (item.key,)
    for other in ("cy", "demo"):
        assert bench.keys(user(store, other)) == ()
        assert bench.item(user(store, other), item.key) is None


def test_what_the_command_line_put_aside_is_for_administrators(
    bench: Workbench, store: Store, settings: Settings
) -> None:
    run_over(settings, store, "", a=picture())
    assert bench.keys(user(store, "bob")) == ()
    item = only(bench, user(store, "ada"))
    assert item.note is not None
    assert item.note.source == PurePosixPath("a")
    assert item.image_id is not None


@pytest.mark.parametrize("key", ["", "x", "1", "1/../../x", "99999999999999/x", "1/none"])
def test_a_key_that_is_none_finds_nothing(bench: Workbench, store: Store, settings: Settings, key: str) -> None:
    run_over(settings, store, "bob", a=picture())
    assert bench.item(user(store, "ada"), key) is None


def test_what_is_known_of_a_file_comes_back_as_it_was_and_is_private(
    bench: Workbench, store: Store, settings: Settings
) -> None:
    options = Options(policy=Policy.ALL_TEXT, profile=preset("research"), padding_px=5)
    run_over(settings, store, "bob", options, a=picture())
    note = only(bench, user(store, "bob")).note
    assert note is not None
    assert note.options == options
    assert note.suggested.regions
    assert note.suggested.open
    assert "can still be read" in note.reason
    for path in (settings.home / "review").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_files_of_the_same_name_from_two_inputs_wait_beside_each_other(settings: Settings, store: Store) -> None:
    case = opened(picture(), CALM, Options())
    for folder in ("one", "two"):
        source = InputFile(Path("a"), PurePosixPath("a"), folder)
        waiting.hold(settings.home, 7, single.note_of(case, source, PurePosixPath("a"), Options()), b"data")
    assert len(waiting.of_run(settings.home, 7)) == 2


# Decisions about boxes


def test_decisions_are_kept_and_taken_back_one_by_one(bench: Workbench, store: Store, settings: Settings) -> None:
    run_over(settings, store, "bob", a=picture())
    bob = user(store, "bob")
    item = only(bench, bob)
    before = bench.plan(item)
    region = before.regions[0]
    bench.correct(bob, item, Correction(Deed.COVER, DRAWN), Scope.IMAGE)
    bench.correct(bob, item, Correction(Deed.KEEP, region.box), Scope.IMAGE)
    again = Workbench(settings, store)
    assert region in again.plan(item).kept
    assert again.plan(item).drawn == 1
    assert bench.undo(bob, item) == 1
    assert bench.plan(item).kept == ()
    bench.undo(bob, item)
    assert bench.plan(item) == before
    assert bench.undo(bob, item) == 0


def test_a_box_goes_to_a_whole_series_and_is_taken_back_from_all_of_it(
    bench: Workbench, store: Store, settings: Settings
) -> None:
    series = {f"s{number:02}": picture(number) for number in range(20)}
    run_over(settings, store, "bob", **series, other=picture(0, f"{SERIES_UID}.9"))
    bob = user(store, "bob")
    items = [found for key in bench.keys(bob) if (found := bench.item(bob, key))]
    item = next(each for each in items if each.note and each.note.source.name == "s00")
    assert bench.correct(bob, item, Correction(Deed.COVER, DRAWN, 0), Scope.SERIES) == 20
    drawn = {each.note.source.name for each in items if each.note and bench.plan(each).drawn}
    assert drawn == set(series)
    assert bench.plan(item).regions[-1].frame is None
    bench.correct(bob, items[-1], Correction(Deed.COVER, Box(1, 1, 5, 5)), Scope.IMAGE)
    assert bench.undo(bob, item) == 20
    assert sum(bench.plan(each).drawn for each in items) == 1


def test_the_same_device_means_the_same_size_too(bench: Workbench, store: Store, settings: Settings) -> None:
    run_over(settings, store, "bob", a=picture(0), b=picture(1, "1.2.3"), c=picture(0, "1.2.4"))
    bob = user(store, "bob")
    items = {found.note.source.name: found for key in bench.keys(bob) if (found := bench.item(bob, key)) and found.note}
    assert bench.correct(bob, items["a"], Correction(Deed.COVER, DRAWN), Scope.DEVICE) == 2
    assert [bench.plan(items[name]).drawn for name in "abc"] == [1, 0, 1]


def test_what_somebody_else_looks_at_is_left_alone(bench: Workbench, store: Store, settings: Settings) -> None:
    run_over(settings, store, "bob", a=picture(0), b=picture(1))
    ada, bob = user(store, "ada"), user(store, "bob")
    first, second = (bench.item(bob, key) for key in bench.keys(bob))
    assert first is not None
    assert second is not None
    assert bench.claim(ada, second) == "ada"
    assert bench.correct(bob, first, Correction(Deed.COVER, DRAWN), Scope.SERIES) == 1


# Decisions about files


def test_an_approved_file_of_a_run_in_the_pages_joins_its_clean_files(
    bench: Workbench, store: Store, settings: Settings
) -> None:
    run_id = run_over(settings, store, "bob", a=picture())
    bob = user(store, "bob")
    item = only(bench, bob)
    bench.correct(bob, item, Correction(Deed.COVER, DRAWN), Scope.IMAGE)
    bench.approve(Actor("bob"), item, remade(bench, item), confirmed=False)
    files = RunFiles(settings.home, run_id)
    (entry,) = files.entries()
    assert (entry.outcome, entry.published, entry.reason) == (Outcome.CLEANED, True, "")
    assert any(region.reasons == (Reason.DRAWN,) for region in entry.boxes)
    pixels = dcmread(io.BytesIO(files.clean(entry))).pixel_array
    assert not pixels[DRAWN.top : DRAWN.bottom, DRAWN.left : DRAWN.right].any()
    assert bench.keys(bob) == ()
    assert not list((settings.home / "review").rglob("*.*"))
    run = store.run(run_id)
    assert isinstance(run, Run)
    assert run.outcomes == ((Outcome.CLEANED, 1),)
    (told,) = store.reviews(run_id)
    assert (told.user, told.review.decision, told.review.covered) == ("bob", Decision.APPROVED, 1)


def test_an_approved_file_of_the_command_line_waits_to_be_fetched(
    bench: Workbench, store: Store, settings: Settings
) -> None:
    run_id = run_over(settings, store, "", a=picture())
    ada = user(store, "ada")
    item = only(bench, ada)
    bench.approve(Actor("ada"), item, remade(bench, item), confirmed=False)
    assert bench.approved(ada) == ((run_id, 1),)
    assert bench.approved(user(store, "bob")) == ()
    clean = dcmread(waiting.approved(settings.home, run_id) / "a")
    assert NAME not in str(clean.PatientName)
    again = jobs.work_off(run_id, settings, store, jobs.Hands(engines=restless()))
    assert (again.outcomes[Outcome.CLEANED], again.held) == (1, 0), "a decided file was worked on again"
    assert bench.keys(ada) == ()


def test_a_rejected_file_goes_nowhere(bench: Workbench, store: Store, settings: Settings) -> None:
    run_id = run_over(settings, store, "bob", a=picture())
    bob = user(store, "bob")
    item = only(bench, bob)
    assert item.note is not None
    bench.reject(Actor("bob"), item, opened(item.file.original(), CALM, item.note.options))
    files = RunFiles(settings.home, run_id)
    (entry,) = files.entries()
    assert (entry.outcome, entry.published) == (Outcome.QUARANTINED, False)
    assert "rejected" in entry.reason
    assert entry.boxes == ()
    assert not files.outputs.exists()
    assert bench.keys(bob) == ()
    assert store.totals().by_outcome == ((Outcome.QUARANTINED, 1),)
    assert store.totals().by_modality  # what was known of the file is still counted


def test_a_header_value_that_is_kept_needs_a_second_answer(bench: Workbench, store: Store, settings: Settings) -> None:
    run_id = run_over(settings, store, "bob", a=picture())
    bob = user(store, "bob")
    item = only(bench, bob)
    bench.correct(bob, item, Correction(Deed.KEEP, bench.plan(item).regions[0].box), Scope.IMAGE)
    made = remade(bench, item)
    with pytest.raises(UsageError, match="did not pass"):
        bench.approve(Actor("bob"), item, made, confirmed=False)
    assert not RunFiles(settings.home, run_id).outputs.exists()
    bench.approve(Actor("bob"), item, made, confirmed=True)
    assert store.reviews(run_id)[0].review.confirmed
    assert store.totals().failed_checks == ()


def test_nobody_decides_about_what_somebody_else_looks_at(bench: Workbench, store: Store, settings: Settings) -> None:
    run_id = run_over(settings, store, "bob", a=picture())
    ada, bob = user(store, "ada"), user(store, "bob")
    item = only(bench, bob)
    assert bench.claim(ada, item) == "ada"
    assert bench.claim(bob, item) == "ada"
    with pytest.raises(UsageError, match="ada looks at this image now"):
        bench.approve(Actor("bob"), item, remade(bench, item), confirmed=False)
    with pytest.raises(UsageError, match="ada looks at this image now"):
        bench.reject(Actor("bob"), item, None)
    assert bench.keys(bob) == (item.key,)
    assert not RunFiles(settings.home, run_id).outputs.exists()
    bench.release(ada, item)
    assert bench.claim(bob, item) == "bob"


def test_where_the_file_cannot_be_written_nothing_was_decided(
    bench: Workbench, store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = run_over(settings, store, "bob", a=picture())
    item = only(bench, user(store, "bob"))

    def full(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr("deid.workbench.publish", full)
    with pytest.raises(OSError, match="no room"):
        bench.approve(Actor("bob"), item, remade(bench, item), confirmed=False)
    assert store.reviews(run_id) == ()
    assert only(bench, user(store, "bob")).key == item.key


def test_no_text_and_no_value_is_kept_in_the_decisions(bench: Workbench, store: Store, settings: Settings) -> None:
    run_over(settings, store, "bob", a=picture())
    bob = user(store, "bob")
    item = only(bench, bob)
    bench.correct(bob, item, Correction(Deed.KEEP, bench.plan(item).regions[0].box), Scope.IMAGE)
    for path in (settings.home / "review").rglob("*"):
        if path.suffix in (".json", ".marks"):
            assert NAME.encode() not in path.read_bytes()
