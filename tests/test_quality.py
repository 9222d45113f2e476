"""Samples of clean files: drawn once and at random, looked at by people, and what a leak sets off."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from deid import serving
from deid.errors import UsageError
from deid.quality import LEAK, Quality, says
from deid.release import release_object, release_page
from deid.runfiles import RunFiles
from deid.sampling import drawn
from deid.settings import Settings
from deid.store import Action, Actor, Decision, Draw, NewUser, Purpose, Role, Run, RunState, Store, Subject, User
from deid.ui import shared
from deid.values import FileRecord, Outcome
from deid.workbench import Workbench
from tests.test_ui import sign_in, start
from tests.test_workbench import CALM, picture, run_over

PASSWORD = "correct horse battery"


# In the store, on each kind of database


def images(store: Store, count: int) -> tuple[int, tuple[int, ...]]:
    run = store.start_run("ada", "files", count)
    record = FileRecord("x", Outcome.CLEANED, "", "US", frames=1)
    return run, tuple(store.add_image(run, record, store.name_hash(str(number))) for number in range(count))


@pytest.fixture
def people(store: Store) -> Store:
    for name in ("ada", "bob"):
        store.add_user(NewUser(name, PASSWORD))
    return store


def test_what_was_drawn_is_kept_with_how_it_was_drawn(people: Store) -> None:
    run, found = images(people, 9)
    draw = Draw(9, 0.05, 0.95, 2**31 - 1)
    people.keep_sample(Actor("ada"), run, draw, drawn(found, 4, draw.seed))
    sampled = people.sample(run)
    assert sampled is not None and (sampled.draw, sampled.by, sampled.size, sampled.looked) == (draw, "ada", 4, 0)
    assert tuple(image for image, _ in sampled.said) == drawn(people.clean_images(run), 4, draw.seed)
    assert [event.subject for event in people.events() if event.action == Action.SAMPLED] == [f"run {run}: 4 of 9"]


def test_a_run_has_one_sample(people: Store) -> None:
    run, found = images(people, 3)
    people.keep_sample(Actor("ada"), run, Draw(3, 0.05, 0.95, 1), found[:1])
    with pytest.raises(UsageError, match="drawn already"):
        people.keep_sample(Actor("bob"), run, Draw(3, 0.05, 0.95, 2), found[1:])
    assert (sampled := people.sample(run)) is not None and [image for image, _ in sampled.said] == [found[0]]


def test_files_without_pictures_and_files_that_wait_are_not_drawn_from(people: Store) -> None:
    run, found = images(people, 2)
    for record in (FileRecord("r", Outcome.CLEANED, "", "SR"), FileRecord("w", Outcome.NEEDS_REVIEW, "?", frames=1)):
        people.add_image(run, record, people.name_hash(record.file))
    assert people.clean_images(run) == found


def test_what_was_said_is_counted_and_a_leak_is_no_clean_file(people: Store) -> None:
    run, found = images(people, 3)
    people.keep_sample(Actor("ada"), run, Draw(3, 0.05, 0.95, 1), found)
    people.say(Actor("ada"), Subject(run, found[0]), Decision.APPROVED)
    people.say(Actor("bob"), Subject(run, found[1]), Decision.REJECTED, LEAK)
    sampled = people.sample(run)
    assert sampled is not None and (sampled.looked, sampled.leaks) == (2, 1)
    assert says(sampled) == "2 of 3 looked at, 1 with a leak"
    ended = people.run(run)
    assert ended is not None and (ended.count(Outcome.CLEANED), ended.count(Outcome.NEEDS_REVIEW)) == (2, 1)
    assert [(each.user, each.review.decision, each.review.purpose) for each in people.reviews(run)] == [
        ("ada", Decision.APPROVED, Purpose.SAMPLE),
        ("bob", Decision.REJECTED, Purpose.SAMPLE),
    ]
    assert sum(event.action == Action.REVIEWED for event in people.events()) == 2
    people.say(Actor("ada"), Subject(run, found[2]), Decision.APPROVED)
    assert (sampled := people.sample(run)) is not None
    assert says(sampled) == "1 leak in 3 of 3: at most 34 % with 95 % confidence"


def test_two_people_do_not_look_at_one_file(people: Store) -> None:
    run, found = images(people, 2)
    people.keep_sample(Actor("ada"), run, Draw(2, 0.05, 0.95, 1), found)
    people.claim(found[0], "ada", 60)
    with pytest.raises(UsageError, match="ada looks at this image"):
        people.say(Actor("bob"), Subject(run, found[0]), Decision.REJECTED, LEAK)
    people.say(Actor("ada"), Subject(run, found[0]), Decision.APPROVED)
    with pytest.raises(UsageError, match="looked at this file already"):
        people.say(Actor("bob"), Subject(run, found[0]), Decision.REJECTED, LEAK)


def test_nothing_is_said_where_it_cannot_be_carried_out(people: Store) -> None:
    run, found = images(people, 1)
    people.keep_sample(Actor("ada"), run, Draw(1, 0.05, 0.95, 1), found)

    def fails() -> None:
        raise OSError

    with pytest.raises(OSError):
        people.say(Actor("ada"), Subject(run, found[0]), Decision.REJECTED, LEAK, fails)
    assert (sampled := people.sample(run)) is not None and sampled.looked == 0
    assert people.clean_images(run) == found


# Files, and the page


@pytest.fixture
def own(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store of the pages, with two of the staff and a reader that sees no text."""
    monkeypatch.setenv("DEID_HOME", str(settings.home))
    monkeypatch.setattr(serving, "make_engines", lambda _settings: CALM)
    serving.forget_engines()
    for name in ("ada", "bob"):
        shared.store().add_user(NewUser(name, PASSWORD, name.title(), role=Role.STAFF))
    yield shared.store()
    shared.background().close()
    shared.store().close()


def clean_run(store: Store, count: int = 3) -> Run:
    files = {f"f{number}": picture(number) for number in range(count)}
    run_id = run_over(shared.environment(), store, "ada", engines=CALM, **files)
    found = store.run(run_id)
    assert found is not None and found.count(Outcome.CLEANED) == count and found.state is RunState.FINISHED
    return found


def user(store: Store, name: str) -> User:
    return next(each for each in store.users() if each.username == name)


def test_a_leak_is_taken_back_and_waits_as_it_came(own: Store) -> None:
    run = clean_run(own)
    quality, ada, files = Quality(shared.settings(), own), user(own, "ada"), RunFiles(shared.settings().home, run.id)
    quality.draw(Actor("ada"), run, 0.1)
    picked = quality.next(ada, run)
    assert picked is not None and len(list(files.outputs.rglob("f*"))) == 3
    assert quality.next(user(own, "bob"), run) != picked, "she looks at it now"
    quality.leak(Actor("ada"), picked)
    assert len(list(files.outputs.rglob("f*"))) == 2
    bench = Workbench(shared.settings(), own)
    (key,) = bench.keys(ada)
    item = bench.item(ada, key)
    assert item is not None and item.note is not None and item.note.reason == LEAK and item.image_id == picked.image_id
    assert item.file.original() == files.original(picked.entry.source)
    (entry,) = [each for each in files.entries() if each.source == picked.entry.source]
    assert (entry.outcome, entry.reason, entry.published) == (Outcome.NEEDS_REVIEW, LEAK, False)
    assert (left := quality.next(ada, run)) is not None and left.image_id != picked.image_id


def test_a_sample_is_for_who_started_the_run_and_for_administrators(own: Store) -> None:
    run = clean_run(own, 1)
    own.add_user(NewUser("root", PASSWORD, role=Role.ADMINISTRATOR))
    quality = Quality(shared.settings(), own)
    assert [each.id for each in quality.runs(user(own, "ada"))] == [run.id]
    assert [each.id for each in quality.runs(user(own, "root"))] == [run.id]
    assert quality.runs(user(own, "bob")) == ()


def test_the_release_report_says_what_the_sample_says(own: Store) -> None:
    run = clean_run(own, 2)
    assert release_object(own, run.id)["sample"] is None
    quality, ada = Quality(shared.settings(), own), user(own, "ada")
    quality.draw(Actor("ada"), run, 0.1)
    while picked := quality.next(ada, run):
        quality.pass_over(Actor("ada"), picked)
    told = release_object(own, run.id)
    assert told["sample"]["says"] == "no leak in 2 of 2: none left with 95 % confidence"
    assert (told["sample"]["leaks"], told["sample"]["by"]) == (0, "ada")
    assert "no leak in 2 of 2" in release_page(told)
    json.dumps(told)


def text(page: AppTest) -> str:
    shown = (*page.markdown, *page.success, *page.info, *page.warning, *page.caption, *page.error)
    return " ".join(str(each.value) for each in shown)


def press(page: AppTest, label: str) -> AppTest:
    next(each for each in page.button if each.label == label).click().run()
    assert not page.exception
    return page


def test_on_the_page_a_sample_is_drawn_and_looked_through(own: Store) -> None:
    run = clean_run(own)
    page = sign_in(start()).switch_page("../../pages/quality.py").run()
    assert "3 files of 3" in text(page)
    press(page, "Draw the sample")
    assert "Drawn by ada" in text(page)
    press(page, "Leak")
    press(page, "Nothing to see")
    press(page, "Nothing to see")
    assert "Every file of the sample was looked at. One leaks: it was taken back for review." in text(page)
    assert "nobody looked at" not in text(page), "there are no others"
    sampled = own.sample(run.id)
    assert sampled is not None and (sampled.looked, sampled.leaks) == (3, 1)
    page.switch_page("../../pages/statistics.py").run()
    assert not page.exception
    assert any("What it says" in each.value.columns for each in page.dataframe)


def test_without_clean_files_the_page_leads_to_the_pipeline(own: Store) -> None:
    page = sign_in(start()).switch_page("../../pages/quality.py").run()
    assert not page.exception
    assert "no run with clean files yet" in text(page)
