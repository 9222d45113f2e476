"""Opened files: their owner's only, for a while, within a bound."""

from __future__ import annotations

import pytest

from deid.desk import Desk


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(clock: Clock) -> Desk[str]:
    return Desk(seconds=60, room=100, clock=clock)


def test_only_the_owner_finds_an_item(desk: Desk[str]) -> None:
    item_id = desk.put("ada", "picture", 10)
    assert desk.get("ada", item_id) == "picture"
    assert desk.get("eve", item_id) is None
    assert desk.get("ada", "guess") is None


def test_an_item_goes_when_it_was_not_used_for_a_while(desk: Desk[str], clock: Clock) -> None:
    item_id = desk.put("ada", "picture", 10)
    clock.time = 50
    assert desk.get("ada", item_id) == "picture"
    clock.time = 109
    assert desk.get("ada", item_id) == "picture"
    clock.time = 170
    assert desk.get("ada", item_id) is None


def test_what_was_used_longest_ago_makes_room(desk: Desk[str], clock: Clock) -> None:
    ids = []
    for number in range(3):
        clock.time = number
        ids.append(desk.put("ada", str(number), 40))
    assert [desk.get("ada", item_id) for item_id in ids] == [None, "1", "2"]


def test_an_item_larger_than_the_room_lies_alone(desk: Desk[str]) -> None:
    small = desk.put("ada", "small", 10)
    large = desk.put("ada", "large", 1000)
    assert desk.get("ada", small) is None
    assert desk.get("ada", large) == "large"


def test_a_replaced_item_keeps_its_id_and_a_gone_one_stays_gone(desk: Desk[str]) -> None:
    item_id = desk.put("ada", "before", 10)
    desk.replace("ada", item_id, "after", 20)
    assert desk.get("ada", item_id) == "after"
    desk.replace("eve", item_id, "stolen", 20)
    assert desk.get("eve", item_id) is None


def test_only_the_owner_takes_an_item_away(desk: Desk[str]) -> None:
    item_id = desk.put("ada", "picture", 10)
    desk.remove("eve", item_id)
    assert desk.get("ada", item_id) == "picture"
    desk.remove("ada", item_id)
    assert desk.get("ada", item_id) is None


def test_clearing_takes_one_owners_items_only(desk: Desk[str]) -> None:
    of_ada, of_bob = desk.put("ada", "a", 1), desk.put("bob", "b", 1)
    desk.clear("ada")
    assert desk.get("ada", of_ada) is None
    assert desk.get("bob", of_bob) == "b"
