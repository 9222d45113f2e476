"""Kill everything again and again, and see that a run comes to what it would have come to.

    python -m tests.chaos --files 200 --rounds 20
    python -m tests.chaos --files 200 --rounds 20 --mariadb

Runs the command line over small made-up files, with readers that only take time unless --real-readers is given. At
random moments a worker or the program is killed with SIGKILL, the latter then resumed; with --mariadb the server is
also stopped for some seconds, twice. A file whose worker was killed twice is quarantined, so a run that has such files
is resumed once more. At the end every input has one row with an outcome, one line of the report, and the outputs are
those of an undisturbed run.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deid.settings import Settings
from deid.store import Store, open_store
from deid.values import Outcome
from tests.dicom_factory import PHI, dicom
from tests.mariadb import Server

_SETTINGS = {"DEID_MODEL": "none", "DEID_WORKER_MB": "2048"}
_LONGEST = 900.0
_BAD = (7, 13)
"""Of twenty files, by number: no image, and cut short."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where all happens."""

    folder: Path
    settings: Settings
    program: str = "tests.idle_readers"

    @property
    def inputs(self) -> Path:
        return self.folder / "in"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            **_SETTINGS,
            "DEID_HOME": str(self.settings.home),
            "DEID_DATABASE_URL": self.settings.database_url,
            "OMP_WAIT_POLICY": "PASSIVE",
        }

    def begin(self, *words: str) -> subprocess.Popen[bytes]:
        """The command line at work, its lines in a log."""
        with (self.folder / "log").open("ab") as log:
            command = [sys.executable, "-m", self.program, "run", *words]
            return subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)

    def words(self, name: str) -> list[str]:
        report = str(self.folder / f"{name}.jsonl")
        return [str(self.inputs), "--out", str(self.folder / name), "--report", report, "--jobs", "2"]


def make_files(folder: Path, count: int, chance: random.Random) -> None:
    """Small images with a word each, most of them PHI; some files that are no images, or cut short."""
    font = ImageFont.load_default(16)
    words = [*(PHI["PatientName"].split("^")[:1] * 3), "GAIN 52%", "12.03.2024", ""]
    for number in range(count):
        picture = Image.new("L", (120, 48), chance.randrange(20, 90))
        ImageDraw.Draw(picture).text((6 + number % 20, 12), chance.choice(words), 255, font=font)
        data = dicom(np.asarray(picture), SOPInstanceUID=f"1.2.3.{number}")
        if number % 20 == _BAD[0]:
            data = b"no image"
        elif number % 20 == _BAD[1]:
            data = data[:-500]
        path = folder / f"series-{number % 3}" / f"{number:04}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


class Chaos:
    """One run after the other, each killed until the rounds are over."""

    def __init__(self, place: Place, rounds: int, chance: random.Random, server: Server | None) -> None:
        self._place, self._left, self._chance, self._server = place, rounds, chance, server
        self._stops = 2 if server else 0
        self.kills = {"worker": 0, "program": 0, "database": 0}
        self.lost = 0
        """Files that two kills hit."""

    def play(self, store: Store) -> list[tuple[int, str]]:
        """(number, name) of the runs that came to their end."""
        ended: list[tuple[int, str]] = []
        while self._left > 0 or not ended:
            name = f"chaos-{len(ended)}"
            ended.append((self._one_run(store, name), name))
        return ended

    def _one_run(self, store: Store, name: str) -> int:
        before = {run.id for run in store.runs(1000)}
        begun = self._place.begin(*self._place.words(name))
        run_id = 0
        deadline = time.monotonic() + _LONGEST
        while time.monotonic() < deadline:
            self._disturb(begun, store)
            code = begun.wait(deadline - time.monotonic())
            new = [run.id for run in store.runs(1000) if run.id not in before]
            run_id = new[0] if new else 0
            assert len(new) <= 1, "one run was begun"
            if code in (0, 3):
                self._do_lost_ones(store, run_id)
                return run_id
            assert code == -signal.SIGKILL, f"the program ended with {code}: see {self._place.folder / 'log'}"
            again = ["--resume", str(run_id), "--jobs", "2"] if run_id else self._place.words(name)
            begun = self._place.begin(*again)
        raise AssertionError("the run did not come to its end")

    def _do_lost_ones(self, store: Store, run_id: int) -> None:
        """Where two kills hit one file, it is quarantined, as one that kills its worker is; resuming does it again."""
        run = store.run(run_id)
        assert run is not None
        self.lost += run.count(Outcome.QUARANTINED)
        if run.count(Outcome.QUARANTINED):
            assert self._place.begin("--resume", str(run_id), "--jobs", "2").wait(_LONGEST) in (0, 3)

    def _disturb(self, begun: subprocess.Popen[bytes], store: Store) -> None:
        """Do harm until the program dies or ends, or the rounds are over."""
        while self._left > 0 and begun.poll() is None:
            if self._chance.random() < 0.8:  # otherwise the harm may come before anything is done
                self._wait_for_work(begun, store)
            time.sleep(self._chance.uniform(0.0, 3.0))
            victims = children(begun.pid)
            if begun.poll() is not None:
                return
            self._left -= 1
            if self._stops and self._left % 7 == 3 and self._server is not None:
                self._stops -= 1
                self.kills["database"] += 1
                self._server.stop()
                time.sleep(self._chance.uniform(1.0, 5.0))
                self._server.start()
            elif victims and self._chance.random() < 0.5:
                self.kills["worker"] += 1
                kill(self._chance.choice(victims))
            else:
                self.kills["program"] += 1
                kill(begun.pid)
                return

    @staticmethod
    def _wait_for_work(begun: subprocess.Popen[bytes], store: Store) -> None:
        before = [(run.id, run.done) for run in store.runs(1)]
        while begun.poll() is None and [(run.id, run.done) for run in store.runs(1)] == before:
            time.sleep(0.1)


def kill(process: int) -> None:
    """At once."""
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return


def children(parent: int) -> list[int]:
    """Worker processes of a program."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            is_worker = b"spawn_main" in (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if int(after_name[1]) == parent and is_worker:
            found.append(int(folder.name))
    return found


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def check(place: Place, store: Store, run_id: int, name: str) -> None:
    """Nothing is lost, nothing is there twice, nothing is half written.

    Raises
    ------
    AssertionError
        Where something is.
    """
    names = {path.relative_to(place.inputs).as_posix() for path in place.inputs.rglob("*") if path.is_file()}
    rows = store.planned_files(run_id, limit=len(names) + 1)
    assert [row.number for row in rows] == list(range(len(names))), "one row a file"
    assert all(isinstance(row.state, Outcome) for row in rows), "every file has an outcome"
    run = store.run(run_id)
    assert run is not None
    assert (run.planned, run.done, run.state.value) == (len(names), len(names), "finished"), "the run is told as it is"
    lines = [json.loads(line) for line in (place.folder / f"{name}.jsonl").read_text().splitlines()]
    assert sorted(line["file"] for line in lines) == sorted(names), "one line of the report a file"
    undisturbed = [json.loads(line) for line in (place.folder / "undisturbed.jsonl").read_text().splitlines()]
    wanted = {line["file"]: line["outcome"] for line in undisturbed}
    others = Counter(line["reason"] for line in lines if line["outcome"] != wanted[line["file"]])
    assert not others, f"the outcomes are not the same: {dict(others)}"
    assert tree(place.folder / name) == tree(place.folder / "undisturbed"), "the outputs are the same"


@contextmanager
def database(folder: Path, on_server: bool) -> Iterator[Server | None]:
    """A MariaDB server of our own, where one is wanted."""
    if not on_server:
        yield None
        return
    server = Server(folder)
    server.install()
    server.start()
    try:
        yield server
    finally:
        server.stop()


@dataclass(frozen=True, slots=True)
class Plan:
    """How much harm to what."""

    files: int
    rounds: int
    seed: int
    mariadb: bool
    real_readers: bool = False


def play(folder: Path, plan: Plan, say: Callable[[str], None]) -> None:
    """Everything, in a folder.

    Raises
    ------
    AssertionError
        Where a run did not come to what it should.
    """
    chance = random.Random(plan.seed)
    (folder / "database").mkdir()
    with database(folder / "database", plan.mariadb) as server:
        given = {"DEID_HOME": str(folder / "home"), **_SETTINGS}
        given |= {"DEID_DATABASE_URL": server.url} if server else {}
        program = "deid" if plan.real_readers else "tests.idle_readers"
        place = Place(folder, Settings.from_environment(given), program)
        make_files(place.inputs, plan.files, chance)
        start = time.monotonic()
        code = place.begin(*place.words("undisturbed")).wait(_LONGEST)
        assert code in (0, 3), f"the undisturbed run ended with {code}: see {folder / 'log'}"
        outputs = len(tree(folder / "undisturbed"))
        assert outputs == sum(number % 20 not in _BAD for number in range(plan.files)), "every good file comes out"
        say(f"undisturbed: {plan.files} files, {outputs} outputs, {time.monotonic() - start:.0f} s")
        store = open_store(place.settings)
        chaos = Chaos(place, plan.rounds, chance, server)
        ended = chaos.play(store)
        for run_id, name in ended:
            check(place, store, run_id, name)
            say(f"run {run_id}: every file has one outcome, and the outputs are those of the undisturbed run")
        store.close()
        told = ", ".join(f"{count} x {what}" for what, count in chaos.kills.items())
        lost = f"{chaos.lost} files hit twice and done on resuming"
        say(f"{plan.rounds} rounds over {len(ended)} runs ({told}; {lost}), {time.monotonic() - start:.0f} s")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mariadb", action="store_true", help="on a private MariaDB, stopped and started twice")
    parser.add_argument("--real-readers", action="store_true", help="RapidOCR and Tesseract; takes long")
    chosen = parser.parse_args()
    plan = Plan(chosen.files, chosen.rounds, chosen.seed, chosen.mariadb, chosen.real_readers)
    with tempfile.TemporaryDirectory(prefix="deid-chaos-") as folder:
        play(Path(folder), plan, print)


if __name__ == "__main__":
    main()
