"""Files on their way to their owner, and to nobody else."""

from __future__ import annotations

import asyncio
import io
import json
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from starlette.applications import Starlette
from starlette.types import Message, Scope

from deid.background import Order
from deid.intake import take_in
from deid.pipeline import Engines, Options
from deid.serving import COOKIE
from deid.settings import Settings
from deid.store import Action, NewUser
from deid.ui import casework, downloads, server, shared
from deid.ui.guard import Guard, cookie_hash
from deid.unzip import Limits
from tests.dicom_factory import PHI, dicom, gradient
from tests.fakes import ScriptedOcr

NAME = PHI["PatientName"].split("^")[0]
IMAGE = dicom(gradient(60, 80))
ENGINES = Engines((ScriptedOcr(),), b"k" * 32)
APP = Guard(Starlette(routes=server.routes))


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def ask(path: str, cookie: str = "") -> Answer:
    """The application's whole answer, a stream too."""
    sent: list[Message] = []
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8501"), (b"cookie", cookie.encode())],
        "server": ("127.0.0.1", 8501),
    }

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(APP(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))


@pytest.fixture(autouse=True)
def _installation(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DEID_HOME", str(settings.home))
    for name in ("ada", "bob"):
        shared.store().add_user(NewUser(name, "correct horse battery"))
    yield
    shared.background().close()
    shared.store().close()


@pytest.fixture
def cookies() -> dict[str, str]:
    """The cookie of each of two people who are signed in."""
    return {name: shared.store().create_session(name) for name in ("ada", "bob")}


@pytest.fixture
def run_id() -> int:
    """A run of Ada's over three files, which has ended."""
    files = [("s/a", IMAGE), (f"{NAME}/b.dcm", IMAGE), (f"{NAME}.txt", b"no image")]
    intake = take_in(files, Limits(10, 1_000_000), max_frames=10, max_pixels=100_000)
    number = shared.background().begin(Order("ada", intake), lambda: ENGINES)
    deadline = time.monotonic() + 180
    while shared.background().look(number):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return number


def test_the_owner_gets_a_zip_of_the_clean_files_with_a_report(run_id: int, cookies: dict[str, str]) -> None:
    mine = f"{COOKIE}={cookies['ada']}"
    answer = ask(downloads.run_url(run_id, "all.zip"), cookie=mine)
    assert answer.status == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="run-{run_id}.zip"'
    assert NAME.encode() not in answer.body
    archive = zipfile.ZipFile(io.BytesIO(answer.body))
    assert archive.testzip() is None
    names = archive.namelist()
    assert names[0] == "images/s/a" or names[1] == "images/s/a"
    assert names[2:] == ["report.jsonl", "release.html", "release.json"]
    release = json.loads(archive.read("release.json"))
    assert (release["run"], release["came_in"], release["outcomes"]["cleaned"]) == (run_id, 3, 2)
    assert archive.read("release.html") == ask(downloads.run_url(run_id, "release.html"), cookie=mine).body
    told = [json.loads(line) for line in archive.read("report.jsonl").splitlines()]
    assert sorted((each["outcome"], bool(each["file"])) for each in told) == [
        ("cleaned", True),
        ("cleaned", True),
        ("refused", False),
    ]
    assert {f"images/{each['file']}" for each in told if each["file"]} == set(names[:2])


def test_one_file_and_the_report_come_alone_too(run_id: int, cookies: dict[str, str]) -> None:
    mine = f"{COOKIE}={cookies['ada']}"
    entries = shared.background().files(run_id).entries()
    refused, clean = (
        next(number for number, entry in enumerate(entries) if entry.published is published)
        for published in (False, True)
    )
    answer = ask(downloads.run_url(run_id, str(clean)), cookie=mine)
    assert answer.body == shared.background().files(run_id).clean(entries[clean])
    assert ask(downloads.run_url(run_id, str(refused)), cookie=mine).status == 404
    assert ask(downloads.run_url(run_id, "99"), cookie=mine).status == 404
    assert ask(downloads.run_url(run_id, "nonsense"), cookie=mine).status == 404
    assert NAME in ask(downloads.run_url(run_id, "report.jsonl"), cookie=mine).body.decode()


@pytest.mark.parametrize("what", ["all.zip", "report.jsonl", "0", "1"])
def test_nobody_else_gets_anything(run_id: int, cookies: dict[str, str], what: str) -> None:
    url = downloads.run_url(run_id, what)
    assert ask(url).status == 401
    assert ask(url, cookie=f"{COOKIE}=guess").status == 401
    answer = ask(url, cookie=f"{COOKIE}={cookies['bob']}")
    assert answer.status == 404
    assert answer.body == ask(downloads.run_url(run_id + 1, what), cookie=f"{COOKIE}={cookies['bob']}").body
    shared.store().revoke_sessions("ada")
    assert ask(url, cookie=f"{COOKIE}={cookies['ada']}").status == 401


def test_a_case_is_for_the_browser_that_opened_it_and_only_once_it_is_clean(cookies: dict[str, str]) -> None:
    owner, user = cookie_hash(cookies["ada"]), shared.store().user("ada")
    assert user is not None
    case_id = casework.open_file(owner, IMAGE, "Your file", "a", Options())
    mine, url = f"{COOKIE}={cookies['ada']}", downloads.case_url(case_id)
    assert ask(url, cookie=mine).status == 404
    for step in casework.STEPS:
        casework.advance(owner, case_id, user, step, ENGINES)
    answer = ask(url, cookie=mine)
    assert (answer.status, answer.body[128:132]) == (200, b"DICM")
    assert NAME.encode() not in answer.body
    assert ask(url, cookie=f"{COOKIE}={cookies['bob']}").status == 404


def test_what_leaves_is_told_in_the_audit_without_names(run_id: int, cookies: dict[str, str]) -> None:
    for what in ("all.zip", "report.jsonl"):
        ask(downloads.run_url(run_id, what), cookie=f"{COOKIE}={cookies['ada']}")
        ask(downloads.run_url(run_id, what), cookie=f"{COOKIE}={cookies['bob']}")
    told = [event for event in shared.store().events() if event.action == Action.DOWNLOADED]
    assert [(event.user, event.subject) for event in told] == [
        ("ada", f"run {run_id} report"),
        ("ada", f"run {run_id} all clean files"),
    ]
