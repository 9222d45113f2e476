"""Many clients at once on the API of a server of its own: errors, mixed-up answers, memory before and after.

    .venv/bin/python script/load_api.py [--clients 20] [--seconds 300] [--no-model]

Each client is a user with an image of its own, with its own name burned in. It masks, converts and hands in jobs by
turns, and compares every answer with the one that it got alone before the others began. It also asks for the jobs of
others, which must not be there. Memory is the resident set of the server and its child processes: at rest after a
warm-up with the same load, the most in each 20 seconds of the load, and at rest again. Exit 1 where anything was not as
it should be.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import sys
import tempfile
import threading
import time
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median

import numpy as np
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from deid.settings import Settings
from deid.store import NewUser, open_store
from tests.dicom_factory import file_bytes, image
from tests.e2e.served import Server, server

PASSWORD = "only for this measurement"  # noqa: S105 - of a server that is gone afterwards
NAMES = (
    "Abernathy",
    "Bellweather",
    "Cattermole",
    "Drinkwater",
    "Entwistle",
    "Fairweather",
    "Hathersage",
    "Inglethorpe",
)
SETTLING_SECONDS = 20
CLIENT_SECONDS = 600
CURVE_SECONDS = 20


@dataclass
class Seen:
    """What the clients met."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)

    def took(self, what: str, seconds: float) -> None:
        """A request ended."""
        with self.lock:
            self.seconds.setdefault(what, []).append(seconds)

    def fault(self, what: str) -> None:
        """Something was not as it should be."""
        with self.lock:
            self.faults[what] += 1


class Client:
    """A user with one image, and what becomes of it when nobody else is there."""

    def __init__(self, at: Server, number: int, seen: Seen) -> None:
        self._host = at.url.removeprefix("http://")
        self.number, self._seen = number, seen
        self._random = Random(number)  # noqa: S311 - which request comes next
        self._token = ""
        self.image = made_up(number)
        body = json.dumps({"username": f"client{number}", "password": PASSWORD}).encode()
        self._token = json.loads(self.ask("POST", "/api/login", body, "application/json", expect=200))["access_token"]
        self.clean = self.send("/api/mask_image", "file", 200)
        self.picture = self.send("/api/convert", "file", 200)

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "", expect: int = 0) -> bytes:
        """The answer's body; another status than expected is a fault."""
        connection = http.client.HTTPConnection(self._host, timeout=CLIENT_SECONDS)
        headers = {"authorization": f"Bearer {self._token}"} if self._token else {}
        start = time.monotonic()
        try:
            connection.request(method, path, body, {**headers, "content-type": kind} if kind else headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        name = "/".join(part for part in path.split("/") if not part.isdecimal())
        self._seen.took(f"{method} {name}", time.monotonic() - start)
        if answer.status != expect:
            self._seen.fault(f"{method} {name}: {answer.status} in place of {expect}: {content[:120]!r}")
        return content

    def send(self, path: str, field_name: str, expect: int) -> bytes:
        """The answer to this client's image."""
        head = f'--b\r\ncontent-disposition: form-data; name="{field_name}"; filename="image.dcm"\r\n\r\n'
        body = head.encode() + self.image + b"\r\n--b--\r\n"
        return self.ask("POST", path, body, "multipart/form-data; boundary=b", expect)

    def work(self, until: float) -> None:
        """Requests by turns until the time is over."""
        while time.monotonic() < until:
            try:
                self._random.choices((self._mask, self._convert, self._job, self._look), (4, 3, 2, 3))[0]()
            except (OSError, http.client.HTTPException, ValueError, KeyError) as exc:
                self._seen.fault(f"{type(exc).__name__} in a client")

    def _mask(self) -> None:
        self._same("mask_image", self.send("/api/mask_image", "file", 200), self.clean)

    def _convert(self) -> None:
        self._same("convert", self.send("/api/convert", "file", 200), self.picture)

    def _look(self) -> None:
        self.ask("GET", "/api/stats", expect=200)

    def _job(self) -> None:
        job = json.loads(self.send("/api/jobs", "files", 202))
        if job["id"] > 1:
            self.ask("GET", f"/api/jobs/{job['id'] - 1}/result", expect=404)  # another's, or one of mine that is gone
        while json.loads(self.ask("GET", job["job"], expect=200))["state"] in ("planned", "running"):
            time.sleep(0.5)
        with zipfile.ZipFile(io.BytesIO(self.ask("GET", f"{job['job']}/result", expect=200))) as archive:
            self._same("job", archive.read("images/image.dcm"), self.clean)
        self.ask("DELETE", job["job"], expect=204)

    def _same(self, what: str, got: bytes, wanted: bytes) -> None:
        if got != wanted:
            self._seen.fault(f"{what}: another answer than before")


def load(at: Server, clients: list[Client], seconds: float) -> list[float]:
    """The server's memory in MB each CURVE_SECONDS while all clients work for so long; it has rested on return."""
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=client.work, args=(until,)) for client in clients]
    for thread in threads:
        thread.start()
    curve = []
    while any(thread.is_alive() for thread in threads):
        most = 0.0
        for _ in range(CURVE_SECONDS):
            most = max(most, resident_mb(at))
            time.sleep(1)
        curve.append(most)
    time.sleep(SETTLING_SECONDS)
    return curve


def made_up(number: int) -> bytes:
    """An image with a name and a number burned in that no other client has."""
    name = NAMES[number % len(NAMES)]
    picture = Image.new("L", (420, 200), 20 + number)
    draw = ImageDraw.Draw(picture)
    draw.text((12, 12), f"{name} {4000 + 37 * number}", fill=250, font=ImageFont.load_default(22))
    draw.text((12, 160), "Depth 12 cm", fill=250, font=ImageFont.load_default(18))
    who = {"PatientName": f"{name}^Client", "PatientID": f"ID-{4000 + 37 * number}"}
    return file_bytes(image(np.asarray(picture), **who))


def resident_mb(at: Server) -> float:
    """Of the server and all its children."""
    parents, sizes = {}, {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            told = dict(line.split(":", 1) for line in (entry / "status").read_text().splitlines() if ":" in line)
            parents[int(entry.name)] = int(told["PPid"])
            sizes[int(entry.name)] = int(told.get("VmRSS", "0 kB").split()[0])
        except (OSError, ValueError, KeyError):
            continue
    family = {pid for pid in parents if _is_server(pid, at)}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(sizes[pid] for pid in family) / 1024


def _is_server(pid: int, at: Server) -> bool:
    try:
        return f"--server.port={at.url.rsplit(':', 1)[1]}".encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def main() -> int:
    """Measure, and print what was found."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--clients", type=int, default=20)
    asked.add_argument("--seconds", type=float, default=300)
    asked.add_argument(
        "--warm-up", type=float, default=60, help="Seconds of the same load before anything is measured."
    )
    asked.add_argument("--no-model", action="store_true", help="Words are judged by rules and lists alone.")
    given = asked.parse_args()
    chosen = {"DEID_MODEL": "none"} if given.no_model else {}
    seen = Seen()
    with tempfile.TemporaryDirectory() as folder, server(Path(folder), **chosen) as at:
        store = open_store(Settings.from_environment({"DEID_HOME": str(at.home)}))
        for number in range(given.clients):
            store.add_user(NewUser(f"client{number}", PASSWORD))
        store.close()
        clients = [Client(at, number, seen) for number in range(given.clients)]
        if len({client.clean for client in clients}) != given.clients:
            seen.fault("two clients have the same clean image")
        alone = {what: median(each) for what, each in seen.seconds.items()}
        seen.seconds.clear()
        fresh = resident_mb(at)
        load(at, clients, given.warm_up)
        seen.seconds.clear()
        before = resident_mb(at)
        curve = load(at, clients, given.seconds)
        after = resident_mb(at)
        left = list((at.home / "runs").rglob("*")) if (at.home / "runs").exists() else []
        log = at.log.read_text()
    print(f"{given.clients} clients, {given.seconds:.0f} s, {'no model' if given.no_model else 'bundled model'}")
    print("| request | times | median s | longest s | median s alone |\n|---|---|---|---|---|")
    for what, each in sorted(seen.seconds.items()):
        print(f"| {what} | {len(each)} | {median(each):.2f} | {max(each):.2f} | {alone.get(what, float('nan')):.2f} |")
    warm = f"{before:.0f} at rest after {given.warm_up:.0f} s of the load"
    print(f"memory, MB: {fresh:.0f} after each client's first requests, {warm}")
    print(f"then at work, each {CURVE_SECONDS} s: {' '.join(f'{each:.0f}' for each in curve)}")
    print(f"and {SETTLING_SECONDS} s after the last: {after:.0f}; {len(left)} files left")
    print(f"faults: {dict(seen.faults) or 'none'}; lines of log that tell of one: {log.count('fault ')}")
    return 1 if seen.faults or left or "fault " in log else 0


if __name__ == "__main__":
    sys.exit(main())
