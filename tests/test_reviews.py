"""Who looks at which image, and what was decided, in the store on each kind of database."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from deid.errors import UsageError
from deid.store import Actor, Decision, NewUser, Purpose, Review, Store, Subject
from deid.store import reviews as module
from deid.store.schema import now
from deid.values import FileRecord, Outcome

APPROVED = Review(Decision.APPROVED, covered=2, kept=1, readable=1, confirmed=True)


@pytest.fixture
def image(store: Store) -> Subject:
    """(run, image): one that needs a review, of three users' installation."""
    for name in ("ada", "bob"):
        store.add_user(NewUser(name, "a long enough sentence"))
    run = store.start_run("ada", "files", 1)
    return Subject(run, store.add_image(run, FileRecord("x", Outcome.NEEDS_REVIEW, "Look."), store.name_hash("a")))


def number(image: Subject) -> int:
    assert image.image_id is not None
    return image.image_id


def test_the_second_to_look_is_told_who_was_first(store: Store, image: Subject) -> None:
    assert store.holder(number(image)) == ""
    assert store.claim(number(image), "ada", 60) == "ada"
    assert store.claim(number(image), "bob", 60) == "ada"
    assert store.claim(number(image), "ada", 60) == "ada"
    store.release(number(image), "bob")
    assert store.holder(number(image)) == "ada"
    store.release(number(image), "ada")
    assert store.claim(number(image), "bob", 60) == "bob"


def test_a_claim_ends_by_itself(store: Store, image: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    store.claim(number(image), "ada", 60)
    later = now() + timedelta(seconds=61)
    monkeypatch.setattr(module, "now", lambda: later)
    assert store.holder(number(image)) == ""
    assert store.claim(number(image), "bob", 60) == "bob"


def test_of_many_at_once_one_holds_it(store: Store, image: Subject) -> None:
    found: list[str] = []
    people = [
        threading.Thread(target=lambda name=name: found.append(store.claim(number(image), name, 60)))
        for name in ("ada", "bob") * 4
    ]
    for each in people:
        each.start()
    for each in people:
        each.join()
    assert len(found) == 8
    assert set(found) == {store.holder(number(image))}


def test_a_decision_is_kept_with_who_and_when_and_the_figures_follow(store: Store, image: Subject) -> None:
    run, image_id = image.run_id, number(image)
    store.claim(image_id, "bob", 60)
    store.decide(Actor("bob"), image, APPROVED, FileRecord("x", Outcome.CLEANED, ""))
    (told,) = store.reviews(run)
    assert (told.user, told.image_id, told.review) == ("bob", image_id, APPROVED)
    assert abs(told.at - now()) < timedelta(minutes=1)
    assert store.totals().by_outcome == ((Outcome.CLEANED, 1),)
    assert store.holder(image_id) == ""
    event = store.events()[0]
    assert (event.user, event.action, event.subject) == (
        "bob",
        "reviewed",
        f"run {run} image {image_id} review approved",
    )


def test_nobody_decides_about_what_somebody_else_looks_at(store: Store, image: Subject) -> None:
    store.claim(number(image), "ada", 60)
    with pytest.raises(UsageError, match="ada looks at this image now"):
        store.decide(Actor("bob"), image, APPROVED, FileRecord("x", Outcome.CLEANED, ""))
    assert store.reviews(image.run_id) == ()
    assert store.totals().by_outcome == ((Outcome.NEEDS_REVIEW, 1),)


def test_what_cannot_be_carried_out_was_not_decided(store: Store, image: Subject) -> None:
    def full() -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        store.decide(Actor("ada"), image, APPROVED, FileRecord("x", Outcome.CLEANED, ""), full)
    assert store.reviews(image.run_id) == ()
    assert store.totals().by_outcome == ((Outcome.NEEDS_REVIEW, 1),)


def test_a_look_that_changes_nothing_leaves_the_image_as_it_is(store: Store, image: Subject) -> None:
    store.decide(Actor("ada"), image, Review(Decision.APPROVED, Purpose.SAMPLE))
    assert store.totals().by_outcome == ((Outcome.NEEDS_REVIEW, 1),)
    assert store.reviews(image.run_id)[0].review.purpose is Purpose.SAMPLE


def test_an_image_that_needs_a_review_is_found_by_its_name_before_others(store: Store, image: Subject) -> None:
    run, image_id = image.run_id, number(image)
    store.add_image(run, FileRecord("x", Outcome.CLEANED, ""), store.name_hash("a"))
    assert store.waiting_image(run, store.name_hash("a")) == image_id
    assert store.waiting_image(run + 1, store.name_hash("a")) is None
    assert store.waiting_image(run, store.name_hash("b")) is None
