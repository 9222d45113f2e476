"""Several people on the pages at once; script/load_pages.py does the same with more of them and for longer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e import crowd
from tests.e2e.served import Server, server
from tests.e2e.wire import Wire

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("crowd"), DEID_MODEL="none") as running:
        yield running


def test_each_of_several_people_sees_their_own_pages_alone(at: Server) -> None:
    people, met = crowd.guests(at, 6), crowd.Met()
    for each in crowd.load(at, people, met, 4):
        each.join()
    assert not met.faults
    assert sum(map(len, met.seconds.values())) >= len(people)
    assert "Traceback" not in at.log.read_text()


def test_a_page_of_somebody_else_would_be_noticed(at: Server) -> None:
    (one,), met = crowd.guests(at, 1, called="late"), crowd.Met()
    with Wire(at.url, one.cookie) as wire:
        crowd.go(wire, "account", one, [one], met)
    assert met.faults == {"account: something of somebody else": 1}
