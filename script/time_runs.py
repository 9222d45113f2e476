"""What runs cost beside the work on the files.

    python script/time_runs.py rows|page|memory|workers|cluster

rows      a million planned files: planning them, and what the page asks for
page      the same files as somebody's run in a real browser, from the click to the painted table; --home keeps the rows
memory    a run over five thousand small files: what its processes hold (with --real-readers: of 150 files)
workers   the same files with one worker and with two
cluster   the same files with one worker of this machine and one of a Dask scheduler

Readers are the real ones for `workers` and `cluster`, without the model, and for `memory` some that see nothing.
Seconds of a processor are told beside those on the clock, for machines that do other things too.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from deid import jobs
from deid.background import KIND
from deid.inputs import InputFile
from deid.jobs import Hands
from deid.ledger import Done, Ledger
from deid.manifest import Batch
from deid.settings import Settings
from deid.store import NewUser, Pending, Role, RunState, Store, open_store
from tests import idle_readers
from tests.chaos import children, make_files
from tests.e2e.served import PASSWORD, Browser, browser, server, sign_in
from tests.mariadb import free_port

_TURNS = 5


def rows(home: Path, count: int) -> None:
    """Plan so many files that are nowhere, and ask what the page asks."""
    settings = Settings.from_environment({"DEID_HOME": str(home), "DEID_MODEL": "none"})
    store = open_store(settings)
    run_id = _planned(store, settings, "", "batch", count)
    print(f"most memory held: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    store.begin_run(run_id)
    for what, ask in (
        ("the latest 200 runs", lambda: store.runs(200)),
        ("the run", lambda: store.run(run_id)),
        ("its first 200 planned files", lambda: store.planned_files(run_id, Pending.PLANNED, limit=200)),
        ("200 from the middle", lambda: store.planned_files(run_id, Pending.PLANNED, count // 2, limit=200)),
        ("the first 1000 that ended (none has)", lambda: store.ended(run_id)),
    ):
        with _told(what):
            ask()
    store.close()


def _planned(store: Store, settings: Settings, user: str, kind: str, count: int) -> int:
    """The number of a run of so many files, all of them planned."""
    run_id = store.start_run(user, kind, 0, state=RunState.PLANNED)
    sources = (InputFile(Path(f"/in/{n:07}.dcm"), PurePosixPath(f"{n:07}.dcm"), "") for n in range(count))
    with _told(f"planning {count:,} files"):
        Ledger(store, settings, run_id).plan(Batch((Path("/in"),), Path("/out"), user=user), sources)
    return run_id


def page(home: Path, count: int) -> None:
    """Open the page of such a run, broken off before its first file, and turn the pages of its table."""
    from deid.ui.batch import ROWS  # Streamlit with it

    settings = Settings.from_environment({"DEID_HOME": str(home / "home"), "DEID_MODEL": "none"})
    store = open_store(settings)
    if store.needs_setup():
        store.add_user(NewUser("ada", PASSWORD, "Ada", role=Role.ADMINISTRATOR))
    made = [run for run in store.runs() if run.planned == count]
    run_id = made[0].id if made else _planned(store, settings, "ada", KIND, count)
    store.finish_run(run_id, RunState.INTERRUPTED)
    store.close()
    pages = -(-count // ROWS)
    with ExitStack() as stack:
        profile = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        at = stack.enter_context(server(home, DEID_MODEL="none"))
        shown = stack.enter_context(browser(profile))
        shown.open(f"{at.url}/pipeline")
        sign_in(shown)
        shown.wait_for("Try a demo study")
        for turn in range(1, _TURNS + 1):
            shown.open(f"{at.url}/pipeline")
            shown.wait_for("Your runs")
            _press(shown, "//summary")
            shown.wait_for("Look")
            _painted(shown, "Look", 0, f"{turn}. from the click to the painted table")
            _painted(shown, "2", ROWS, f"{turn}. from the click to the second page of the table")
            _painted(shown, str(pages), (pages - 1) * ROWS, f"{turn}. to the last page of the table")
            shown.wait_until_it_rests(1)
            with _told(f"{turn}. from the address, application and all, to the painted table"):
                shown.driver.get(f"{at.url}/pipeline?run={run_id}")
                _wait_until_painted(shown, 0)


def _painted(shown: Browser, button: str, first: int, what: str) -> None:
    """Press a button by its words, and say how long it takes until a table that begins with this file is painted."""
    shown.wait_until_it_rests(1)
    with _told(what):
        _press(shown, f'//button[.//text()[normalize-space(.)="{button}"]]')
        _wait_until_painted(shown, first)


def _press(shown: Browser, path: str) -> None:
    shown.driver.execute_script("arguments[0].click()", shown.driver.find_elements("xpath", path)[-1])


def _wait_until_painted(shown: Browser, first: int) -> None:
    """Until the table that is drawn begins with this file: it says what it paints, and a frame has gone by."""
    script = """
        const [name, done] = arguments;
        const look = () => {
            const cells = [...document.querySelectorAll('[data-testid="stDataFrame"] canvas td')];
            if (cells.some((cell) => cell.textContent === name)) requestAnimationFrame(() => done(true));
            else setTimeout(look, 10);
        };
        look();"""
    shown.driver.execute_async_script(script, f"{first:07}.dcm")


class _told:
    """Says how long a block took."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        self._start, self._used = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        clock, used = time.perf_counter() - self._start, time.process_time() - self._used
        print(f"{self._what}: {clock:.3f} s, {used:.3f} s of a processor")


def memory_of_real_readers(home: Path, count: int) -> None:
    """As `memory`, with the readers of a real run."""
    _memory(home, count)


def memory(home: Path, count: int) -> None:
    """Resident memory of the program and its worker, along a run with readers that see nothing and take no time."""
    jobs._start_worker = _start_quick
    _memory(home, count)


def _memory(home: Path, count: int) -> None:
    settings = Settings.from_environment({"DEID_HOME": str(home), "DEID_MODEL": "none"})
    make_files(home / "in", count, random.Random(1))  # noqa: S311
    seen = 0

    def look(done: Done) -> None:
        nonlocal seen
        seen += 1
        if seen % (count // 10) == 0:
            workers = ", ".join(f"{_held(each):.0f}" for each in children(os.getpid()))
            print(f"{seen:6,} files: program {_held(os.getpid()):.0f} MB, worker {workers} MB", flush=True)

    store = open_store(settings)
    with _told(f"{count:,} files"):
        run_id = jobs.plan_batch(Batch((home / "in",), home / "out"), settings, store)
        jobs.work_off(run_id, settings, store, Hands(look, workers=1))
    store.close()


def _start_quick(batch: Batch, settings: Settings, run_id: int) -> jobs.Work:
    idle_readers.IdleOcr.read = lambda self, picture, search=None, known=(): ()  # type: ignore[method-assign]
    return idle_readers.start(batch, settings, run_id)


def _held(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def workers(home: Path, count: int) -> None:
    """Without the first quarter of the files, in which readers start."""
    make_files(home / "in", count, random.Random(1))  # noqa: S311
    for number in (1, 2):
        _rate(home, f"{number} worker(s)", number, {})


def cluster(home: Path, count: int) -> None:
    """The same files by the processes of this machine and through a scheduler, one worker each."""
    make_files(home / "in", count, random.Random(1))  # noqa: S311
    _rate(home, "1 process", 1, {})
    environment = {**os.environ, "DEID_HOME": str(home), "DEID_MODEL": "none"}
    address = f"tcp://127.0.0.1:{free_port()}"
    begun = [
        subprocess.Popen([sys.executable, "-m", "deid", what, "--scheduler", address], env=environment)  # noqa: S603
        for what in ("scheduler", "worker")
    ]
    try:
        _wait_for(int(address.rpartition(":")[2]))
        _rate(home, "1 Dask worker", 1, {"DEID_SCHEDULER": address})
    finally:
        for each in begun:
            each.terminate()
            each.wait(30)


def _wait_for(port: int) -> None:
    """Until somebody listens there."""
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)


def _rate(home: Path, what: str, number: int, given: dict[str, str]) -> None:
    settings = Settings.from_environment({"DEID_HOME": str(home), "DEID_MODEL": "none", **given})
    ends: list[tuple[float, float]] = []
    hands = Hands(lambda done: ends.append((time.perf_counter(), _used())), workers=number)
    store = open_store(settings)
    run_id = jobs.plan_batch(Batch((home / "in",), home / what.replace(" ", "-")), settings, store)
    jobs.work_off(run_id, settings, store, hands)
    store.close()
    counted = ends[len(ends) // 4 :]
    seconds, used = ((last - first) / (len(counted) - 1) for first, last in zip(counted[0], counted[-1], strict=True))
    print(f"{what}: {seconds:.3f} s a file; {used:.3f} s of a processor, in all processes together", flush=True)


def _used() -> float:
    """Seconds of a processor that this process and all below it have used."""
    parents, used = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            told = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(folder.name)] = int(told[1])
        used[int(folder.name)] = sum(map(int, told[11:15])) / os.sysconf("SC_CLK_TCK")
    family = {os.getpid()}
    while more := {each for each, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(used[each] for each in family)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["rows", "page", "memory", "workers", "cluster"])
    parser.add_argument("--count", type=int)
    parser.add_argument("--home", type=Path, help="a folder that is kept, where what was planned is found again")
    parser.add_argument("--real-readers", action="store_true", help="for memory")
    chosen = parser.parse_args()
    measure, usual = {
        "rows": (rows, 1_000_000),
        "page": (page, 1_000_000),
        "memory": (memory, 5_000),
        "workers": (workers, 40),
        "cluster": (cluster, 40),
    }[chosen.what]
    if chosen.real_readers:
        measure, usual = memory_of_real_readers, 150
    with tempfile.TemporaryDirectory(prefix="deid-time-") as folder:
        measure(chosen.home or Path(folder), chosen.count or usual)
