"""Many people on the pages at once, without browsers: each must see what is theirs, and nothing of anybody else."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from random import Random

from deid import waiting
from deid.case import Options
from deid.review import Suggested
from deid.settings import Settings
from deid.store import NewUser, RunState, Store, open_store
from deid.values import Box, FileRecord, Outcome, Reason, Region
from deid.waiting import Note, Waiting
from tests.dicom_factory import dicom, gradient
from tests.e2e.served import PASSWORD, Server
from tests.e2e.wire import Wire

PAGES = ("", "pipeline", "review", "quality", "statistics", "account")
RUNS_IN_A_TAB = 12
"""So often somebody goes to a page before the tab is closed and another opened."""


@dataclass(frozen=True)
class Guest:
    """Somebody with a session, and one image that waits for them alone."""

    word: str
    """Their first name, which nobody else has and which stands on each of their pages."""
    cookie: str
    picture: bytes
    """How the viewer's data names their image."""


@dataclass
class Met:
    """What they met."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)

    def page(self, name: str, seconds: float, faults: Sequence[str]) -> None:
        """A page came."""
        with self.lock:
            self.seconds.setdefault(name or "dashboard", []).append(seconds)
            self.faults.update(faults)


def guests(at: Server, count: int, *, called: str = "guest", pixels: int = 200) -> list[Guest]:
    """So many of them on this server, with an image of so many columns each."""
    settings = Settings.from_environment({"DEID_HOME": str(at.home)})
    store = open_store(settings)
    found = []
    for number in range(count):
        name, word = f"{called}{number}", f"Zq{number:02d}{called}vx"
        store.add_user(NewUser(name, PASSWORD, word))
        box = Box(5, 5 + number, 20, 10)
        held = let_wait(at, store, name, dicom(gradient(pixels + number, pixels)), box)
        found.append(Guest(word, store.create_session(name), f'"picture": "{held.key}"'.encode()))
    store.close()
    return found


def let_wait(at: Server, store: Store, user: str, data: bytes, box: Box, frames: int = 1) -> Waiting:
    """A file that waits for somebody, with one box."""
    run_id = store.start_run(user, "page", 1)
    record = FileRecord("x", Outcome.NEEDS_REVIEW, "Look.", "OT", frames=frames)
    image_id = store.add_image(run_id, record, store.name_hash(user))
    store.finish_run(run_id, RunState.FINISHED)
    place = PurePosixPath(f"image-{image_id}.dcm")
    suggested = Suggested((Region(None, box, (Reason.MODEL,), 0.9),))
    note = Note(place, place, "Look.", frames, suggested, Options(), image_id=image_id)
    return waiting.hold(at.home, run_id, note, data)


def roam(at: Server, everybody: Sequence[Guest], me: Guest, met: Met, until: float) -> None:
    """Go from page to page, in tab after tab, until that moment of the monotonic clock."""
    random = Random(me.word)
    others = [each for each in everybody if each is not me]
    while time.monotonic() < until:
        with Wire(at.url, me.cookie) as wire:
            for _ in range(RUNS_IN_A_TAB):
                if time.monotonic() > until:
                    break
                go(wire, random.choice(PAGES), me, others, met)


def go(wire: Wire, page: str, me: Guest, others: Sequence[Guest], met: Met) -> None:
    """Go to a page, and look whether it is all mine."""
    start = time.perf_counter()
    try:
        wire.run(page)
    except Exception as exc:  # whatever it was, it is a fault
        met.page(page, time.perf_counter() - start, [f"{page or 'dashboard'}: {type(exc).__name__}"])
        raise
    took = time.perf_counter() - start
    told = b"".join(each.SerializeToString() for each in wire.messages)
    faults = []
    if me.word.encode() not in told:
        faults.append(f"{page or 'dashboard'}: not my page")
    if page == "review" and me.picture not in told:
        faults.append("review: not my image")
    if any(each.word.encode() in told or each.picture in told for each in others):
        faults.append(f"{page or 'dashboard'}: something of somebody else")
    if any(each.delta.new_element.HasField("exception") for each in wire.messages if each.HasField("delta")):
        faults.append(f"{page or 'dashboard'}: an exception")
    met.page(page, took, faults)


def load(at: Server, everybody: Sequence[Guest], met: Met, seconds: float) -> list[threading.Thread]:
    """All of them at once, each in a thread that has been started."""
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=roam, args=(at, everybody, each, met, until)) for each in everybody]
    for each in threads:
        each.start()
    return threads
