"""The API for programs: whose token opens what, what comes back, and what is refused before it is read."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import time
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import create_engine, text
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient
from starlette.types import Message

from deid import jobs, pipeline, serving, single
from deid.api import door, work
from deid.api.app import MOUNT, make_app
from deid.api.limits import Pace, Room
from deid.errors import EngineError, UsageError
from deid.pipeline import Engines
from deid.profile import preset
from deid.serving import COOKIE
from deid.settings import Settings
from deid.store import Action, NewUser, Role, SessionKind, session_hash
from deid.store.schema import now
from deid.ui import server
from deid.ui.guard import Guard
from deid.values import Outcome
from tests.dicom_factory import PHI, dicom, gradient
from tests.fakes import ScriptedOcr

NAME = PHI["PatientName"].split("^")[0]
ORIGIN = "http://127.0.0.1:8501"
PASSWORD = "correct horse battery"
IMAGE = dicom(gradient(60, 80))
OTHER_IMAGE = dicom(gradient(50, 70))
SENT = {"content-type": "multipart/form-data; boundary=b"}
BEGINNING = b'--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
METRICS_TOKEN = "collects-and-does-nothing-else"


def application() -> Guard:
    """What streamlit_app.py serves, without the pages; nobody has asked it anything yet."""
    return Guard(Starlette(routes=[*server.routes, Mount(MOUNT, make_app())]))


@pytest.fixture(autouse=True)
def _installation(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DEID_HOME", str(settings.home))
    monkeypatch.setattr(serving, "make_engines", lambda _settings: Engines((ScriptedOcr(),), b"k" * 32))
    serving.forget_engines()
    for name, role in (("ada", Role.STAFF), ("bob", Role.STAFF), ("dee", Role.DEMO)):
        serving.store().add_user(NewUser(name, PASSWORD, role=role))
    yield
    serving.background().close()
    serving.store().close()


@pytest.fixture
def client() -> Iterator[TestClient]:
    """A program that has not signed in."""
    with TestClient(application(), base_url=ORIGIN) as opened:
        yield opened


def bearer(client: TestClient, name: str = "ada") -> dict[str, str]:
    answer = client.post("/api/login", json={"username": name, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


def one(data: bytes, name: str = f"{NAME}.dcm") -> dict[str, Any]:
    return {"file": (name, data)}


def many(*files: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("files", each) for each in files]


def ended(client: TestClient, token: dict[str, str], job_id: int) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        job: dict[str, Any] = client.get(f"/api/jobs/{job_id}", headers=token).json()
        if job["state"] not in ("planned", "running"):
            return job
        assert time.monotonic() < deadline
        time.sleep(0.02)


def measured(client: TestClient, token: dict[str, str]) -> dict[tuple[str, ...], float]:
    """Every metric by its name and labels."""
    families = text_string_to_metric_families(client.get("/api/metrics", headers=token).text)
    samples = [sample for family in families for sample in family.samples]
    return {(each.name, *each.labels.values()): each.value for each in samples}


def limited(monkeypatch: pytest.MonkeyPatch, **limits: str) -> None:
    """Other limits from now on, and Eve, who has not used any up."""
    for name, value in limits.items():
        monkeypatch.setenv(name, value)
    serving.store().add_user(NewUser("eve", PASSWORD))


def hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file has to be looked at by a person."""
    for module in (single, pipeline):
        monkeypatch.setattr(module, "verdict", lambda _case: (Outcome.NEEDS_REVIEW, "Somebody should look at it."))


# Signing in


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/stats"),
        ("POST", "/api/convert"),
        ("POST", "/api/mask_image"),
        ("POST", "/api/jobs"),
        ("GET", "/api/jobs/1"),
        ("DELETE", "/api/jobs/1"),
        ("GET", "/api/jobs/1/result"),
        ("POST", "/api/logout"),
        ("GET", "/api/metrics"),
        ("GET", "/api/docs"),
        ("GET", "/api/openapi.json"),
        ("GET", "/api/nothing"),
    ],
)
def test_nothing_is_open_without_a_token(client: TestClient, method: str, path: str) -> None:
    browser = serving.store().create_session("ada")
    guesses = (
        {},
        {"authorization": "Bearer guess"},
        {"authorization": "Basic YTpi"},
        {"authorization": f"Bearer {browser}"},
    )
    for headers in guesses:
        answer = client.request(method, path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["cache-control"] == "no-store"


def test_without_the_guard_nothing_is_open_either() -> None:
    with TestClient(Starlette(routes=[Mount(MOUNT, make_app())])) as bare:
        for path in ("/api/stats", "/api/docs", "/api/openapi.json", "/api/metrics", "/api/jobs/1", "/api/"):
            assert bare.get(path).status_code == 401


def test_a_browsers_cookie_opens_the_description_and_nothing_else(client: TestClient) -> None:
    cookie = {"cookie": f"{COOKIE}={serving.store().create_session('ada')}"}
    assert "Bearer TOKEN" in client.get("/api/docs", headers=cookie).text
    assert "/mask_image" in client.get("/api/openapi.json", headers=cookie).json()["paths"]
    for path in ("/api/stats", "/api/metrics", "/api/jobs/1"):
        assert client.get(path, headers=cookie).status_code == 401


def test_a_token_is_no_cookie(client: TestClient) -> None:
    token = bearer(client)["authorization"].removeprefix("Bearer ")
    assert client.get("/api/docs", headers={"cookie": f"{COOKIE}={token}"}).status_code == 401
    assert serving.store().session_user(session_hash(token)) is None
    assert serving.store().session_user(session_hash(token), SessionKind.PROGRAM) is not None


def test_the_database_holds_only_the_hash_of_a_token(client: TestClient, settings: Settings) -> None:
    token = bearer(client)["authorization"].removeprefix("Bearer ")
    with create_engine(settings.database_url).connect() as connection:
        rows = str(connection.execute(text("SELECT * FROM web_sessions")).all())
    assert session_hash(token) in rows
    assert token not in rows


@pytest.mark.parametrize("how", ["logout", "disabled", "password", "everywhere", "expired"])
def test_a_token_ends(client: TestClient, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    token, store = bearer(client), serving.store()
    assert client.get("/api/stats", headers=token).status_code == 200
    match how:
        case "logout":
            assert client.post("/api/logout", headers=token).status_code == 204
        case "disabled":
            store.disable_user("ada")
        case "password":
            store.set_password("ada", "another horse battery")
        case "everywhere":
            store.revoke_sessions("ada")
        case "expired":
            monkeypatch.setattr("deid.store.sessions.now", lambda: now() + timedelta(minutes=61))
    assert client.get("/api/stats", headers=token).status_code == 401


def test_a_program_is_listed_among_the_users_sessions_and_in_the_audit(client: TestClient) -> None:
    bearer(client)
    (session,) = serving.store().sessions("ada")
    assert session.browser == "A program (API)"
    latest = serving.store().events()[0]
    assert (latest.user, latest.action, latest.subject) == ("ada", Action.SIGN_IN.value, "API")


def test_wrong_passwords_lock_the_name_as_in_the_pages(client: TestClient) -> None:
    def attempt(password: str) -> int:
        return client.post("/api/login", json={"username": "ada", "password": password}).status_code

    assert [attempt("not the right one") for _ in range(5)] == [401] * 5
    assert attempt(PASSWORD) == 429
    told = [event.action for event in serving.store().events()]
    assert told[0] == Action.LOCKED_OUT.value
    assert told.count(Action.SIGN_IN_FAILED.value) == 5


def test_an_unknown_name_is_told_the_same(client: TestClient) -> None:
    answers = [
        client.post("/api/login", json={"username": name, "password": "not the right one"})
        for name in ("ada", "nobody")
    ]
    assert answers[0].json() == answers[1].json()
    assert [answer.status_code for answer in answers] == [401, 401]


def test_a_one_time_password_gets_no_token(client: TestClient) -> None:
    password, _ = serving.store().reset_password("ada")
    assert client.post("/api/login", json={"username": "ada", "password": password}).status_code == 403


@pytest.mark.parametrize(
    "body", [b"{}", b"nonsense", b'{"username": "ada", "password": "hunter2-hunter2", "more": 1}', b"[]"]
)
def test_a_login_that_cannot_be_read_is_not_repeated_back(client: TestClient, body: bytes) -> None:
    answer = client.post("/api/login", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert "hunter2" not in answer.text


# Images


def test_a_frame_comes_as_png(client: TestClient) -> None:
    frames = np.stack([gradient(60, 80), 255 - gradient(60, 80)])
    answer = client.post("/api/convert?frame=1", files=one(dicom(frames)), headers=bearer(client))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    picture = np.asarray(Image.open(io.BytesIO(answer.content)))
    assert np.array_equal(picture, 255 - gradient(60, 80))


@pytest.mark.parametrize("query", ["frame=1", "frame=-1", "frame=x", "frame=99999999999999999999"])
def test_a_frame_that_is_not_there_is_422(client: TestClient, query: str) -> None:
    assert client.post(f"/api/convert?{query}", files=one(IMAGE), headers=bearer(client)).status_code == 422


@pytest.mark.parametrize("chosen", ["strict", "research"])
def test_a_masked_file_has_the_bytes_that_the_command_line_writes(
    client: TestClient, settings: Settings, tmp_path: Path, chosen: str
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.dcm").write_bytes(IMAGE)
    batch = jobs.Batch(
        (tmp_path / "in",), tmp_path / "out", pipeline.Options(profile=preset(chosen)), None, 1, hold_review=True
    )
    jobs.run_batch(batch, settings, engines=Engines((ScriptedOcr(),), b"k" * 32))
    answer = client.post(f"/api/mask_image?preset={chosen}", files=one(IMAGE), headers=bearer(client))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/dicom")
    assert answer.content == (tmp_path / "out" / "a.dcm").read_bytes()
    assert NAME.encode() not in answer.content


def test_of_a_masked_file_nothing_is_kept_but_its_row(client: TestClient, settings: Settings) -> None:
    client.post("/api/mask_image", files=one(IMAGE), headers=bearer(client))
    assert list((settings.home / "runs").rglob("*")) == []
    assert serving.store().totals().count(Outcome.CLEANED) == 1
    latest = serving.store().events()[0]
    assert (latest.action, latest.subject) == (Action.DOWNLOADED.value, "run 1 file 1")


def test_what_needs_review_is_409_and_waits(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    hold(monkeypatch)
    token = bearer(client)
    answer = client.post("/api/mask_image", files=one(IMAGE), headers=token)
    assert answer.status_code == 409
    told = answer.json()
    assert told["review"] == "http://127.0.0.1:8501/pipeline?run=1"
    assert client.get(told["job"], headers=token).json()["outcomes"] == {"needs_review": 1}
    assert client.get(f"{told['job']}/result", headers=token).status_code == 409
    assert len(list((settings.home / "review").rglob("*.dcm"))) == 1


@pytest.mark.parametrize("path", ["/api/convert", "/api/mask_image", "/api/jobs"])
@pytest.mark.parametrize(
    "data", [b"", b"no image", b"PK\x03\x04 no zip", IMAGE[:-900]], ids=["empty", "text", "zip", "cut"]
)
def test_what_is_not_dicom_is_422_with_a_reason(client: TestClient, path: str, data: bytes) -> None:
    files = many(("a", data)) if path.endswith("jobs") else one(data)
    answer = client.post(path, files=files, headers=bearer(client))
    assert answer.status_code == 422
    assert answer.json()["detail"].endswith(".")
    assert NAME not in answer.text


@pytest.mark.parametrize("path", ["/api/convert", "/api/mask_image", "/api/jobs"])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("", b""),
        ("application/json", b"x"),
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"--b\r\nnonsense"),
        ("multipart/form-data; boundary=b", BEGINNING.replace(b"; filename", b"; other") + b"x\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\n" + b"h" * 9000 + b": x\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", BEGINNING + b"x"),
    ],
    ids=["nothing", "json", "no boundary", "no part", "no header", "a field", "long header", "cut"],
)
def test_a_body_that_holds_no_file_is_422(client: TestClient, path: str, kind: str, body: bytes) -> None:
    answer = client.post(path, content=body, headers={**bearer(client), "content-type": kind})
    assert answer.status_code == 422


def test_two_files_are_not_one(client: TestClient) -> None:
    files = [("file", ("a", IMAGE)), ("file", ("b", IMAGE))]
    assert client.post("/api/mask_image", files=files, headers=bearer(client)).status_code == 422


def test_demo_users_send_nothing(client: TestClient) -> None:
    token = bearer(client, "dee")
    for path in ("/api/convert", "/api/mask_image", "/api/jobs"):
        assert client.post(path, files=one(IMAGE), headers=token).status_code == 403
    assert client.get("/api/metrics", headers=token).status_code == 403
    assert client.get("/api/stats", headers=token).status_code == 200


def test_engines_that_cannot_be_started_are_503(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_settings: Settings) -> Engines:
        raise EngineError("said")

    monkeypatch.setattr(serving, "make_engines", fail)
    assert client.post("/api/mask_image", files=one(IMAGE), headers=bearer(client)).status_code == 503


def test_a_fault_tells_neither_the_answer_nor_the_log(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"holds {NAME}")

    monkeypatch.setattr(work, "render_frame", fail)
    with caplog.at_level(logging.DEBUG):
        answer = client.post("/api/convert", files=one(IMAGE), headers=bearer(client))
    assert answer.status_code == 500
    assert NAME not in answer.text
    assert "RuntimeError" in caplog.text
    assert NAME not in caplog.text


# Limits


@pytest.mark.parametrize("path", ["/api/convert", "/api/mask_image", "/api/login", "/api/logout"])
def test_a_body_that_says_it_is_too_large_is_413(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    limited(monkeypatch, DEID_MAX_UPLOAD_MB="1")
    body = BEGINNING + b"x" * 5_000_000
    assert client.post(path, content=body, headers={**bearer(client, "eve"), **SENT}).status_code == 413


@pytest.mark.parametrize(
    ("path", "most"), [("/api/convert", 2 << 20), ("/api/mask_image", 2 << 20), ("/api/login", 1 << 16)]
)
def test_a_body_that_turns_out_too_large_is_413_before_it_has_come_in(
    monkeypatch: pytest.MonkeyPatch, path: str, most: int
) -> None:
    limited(monkeypatch, DEID_MAX_UPLOAD_MB="1")
    with TestClient(application(), base_url=ORIGIN) as opened:
        token = bearer(opened, "eve")["authorization"].encode()
    app, asked, sent = application(), [0], []
    headers = [(b"host", b"127.0.0.1:8501"), (b"authorization", token)]
    headers += [(name.encode(), value.encode()) for name, value in SENT.items()]

    async def receive() -> Message:
        piece = BEGINNING if not asked[0] else b"x" * 65_536
        asked[0] += len(piece)
        return {"type": "http.request", "body": piece, "more_body": True}  # it never ends

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    asyncio.run(app({**scope, "http_version": "1.1", "scheme": "http", "root_path": ""}, receive, send))
    assert sent[0]["status"] == 413
    assert asked[0] <= most + 2 * 65_536


def test_a_batch_has_its_own_limits(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, DEID_MAX_BATCH_FILES="2")
    token = bearer(client, "eve")
    assert client.post("/api/jobs", files=many(*[(str(n), IMAGE) for n in range(3)]), headers=token).status_code == 422
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(3):
            archive.writestr(f"{number}.dcm", IMAGE)
    assert client.post("/api/jobs", files=many(("a.zip", packed.getvalue())), headers=token).status_code == 422


def test_who_asks_too_often_waits(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, DEID_API_PER_MINUTE="6")
    serving.store().add_user(NewUser("fay", PASSWORD))
    token = bearer(client, "eve")
    answers = [client.get("/api/stats", headers=token) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 6 + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 11
    assert client.get("/api/stats", headers=bearer(client, "fay")).status_code == 200


def test_many_sign_ins_of_one_address_wait(client: TestClient) -> None:
    answers = [client.post("/api/login", json={"username": f"u{n}", "password": "x"}).status_code for n in range(80)]
    assert set(answers[:30]) == {401}
    assert answers[-1] == 429


def test_what_is_sent_at_the_same_time_shares_a_room(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, DEID_API_MB="1")
    token = bearer(client, "eve")
    assert client.post("/api/convert", files=one(b"x" * 1_200_000), headers=token).status_code == 429
    for _ in range(3):
        assert client.post("/api/convert", files=one(b"x" * 600_000), headers=token).status_code == 422


def test_who_falls_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "SILENT_SECONDS", 0.2)
    with TestClient(application(), base_url=ORIGIN) as opened:
        token = bearer(opened)["authorization"].encode()
    pieces, sent = [{"type": "http.request", "body": BEGINNING, "more_body": True}], []

    async def receive() -> Message:
        if not pieces:
            await asyncio.sleep(60)
        return pieces.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"127.0.0.1:8501"), (b"authorization", token)]
    headers += [(name.encode(), value.encode()) for name, value in SENT.items()]
    scope = {"type": "http", "method": "POST", "path": "/api/convert", "query_string": b"", "headers": headers}
    asyncio.run(application()({**scope, "http_version": "1.1", "scheme": "http", "root_path": ""}, receive, send))
    assert sent[0]["status"] == 408


@pytest.mark.parametrize(
    ("name", "value"), [("API_PER_MINUTE", "0"), ("METRICS_TOKEN", "too short"), ("LOG", "xml"), ("TOKEN_MINUTES", "x")]
)
def test_a_setting_that_cannot_be_used_is_told(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"DEID_{name} must"):
        Settings.from_environment({f"DEID_{name}": value})


def test_a_pace_recovers() -> None:
    moment = [0.0]
    pace = Pace(clock=lambda: moment[0])
    assert [pace.seconds_to_wait("a", 2) for _ in range(3)] == [0, 0, 30]
    moment[0] = 29
    assert pace.seconds_to_wait("a", 2) == pytest.approx(1)
    moment[0] = 30.1
    assert pace.seconds_to_wait("a", 2) == 0
    assert pace.seconds_to_wait("b", 2) == 0


def test_a_room_is_given_back() -> None:
    room = Room()
    assert room.take(6, 10)
    assert not room.take(5, 10)
    room.give_back(6)
    assert room.take(10, 10)


def test_a_large_upload_makes_no_temporary_file(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file")

    for name in ("TemporaryFile", "NamedTemporaryFile", "mkstemp", "SpooledTemporaryFile"):
        monkeypatch.setattr(f"tempfile.{name}", fail)
    large = dicom(gradient(1500, 2000))
    assert len(large) > 2_500_000
    assert client.post("/api/convert", files=one(large), headers=bearer(client)).status_code == 200


# Jobs


def test_a_job_ends_with_a_zip_of_what_came_out_clean(client: TestClient) -> None:
    token = bearer(client)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("s/c.dcm", OTHER_IMAGE)
    answer = client.post(
        "/api/jobs", files=many(("a.dcm", IMAGE), ("notes.txt", b"no"), ("b.zip", packed.getvalue())), headers=token
    )
    assert answer.status_code == 202
    begun = answer.json()
    job = ended(client, token, begun["id"])
    assert begun["job"] == f"/api/jobs/{begun['id']}"
    assert (job["state"], job["planned"], job["share"]) == ("finished", 3, 1.0)
    assert {(each["file"], each["outcome"]) for each in job["files"]} == {
        ("a.dcm", "cleaned"),
        ("s/c.dcm", "cleaned"),
        ("notes.txt", "refused"),
    }
    result = client.get(job["result"], headers=token)
    assert (result.status_code, result.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(result.content)) as archive:
        assert sorted(archive.namelist()) == [
            "images/a.dcm",
            "images/s/c.dcm",
            "release.html",
            "release.json",
            "report.jsonl",
        ]
        report = [json.loads(line) for line in archive.read("report.jsonl").splitlines()]
        masked = client.post("/api/mask_image", files=one(IMAGE), headers=token).content
        assert archive.read("images/a.dcm") == masked
    assert {line["file"] for line in report} == {"", "a.dcm", "s/c.dcm"}


def test_to_others_a_job_is_not_there(client: TestClient) -> None:
    token = bearer(client)
    job_id = client.post("/api/jobs", files=many(("a", IMAGE)), headers=token).json()["id"]
    ended(client, token, job_id)
    bob = bearer(client, "bob")
    for method, path in (("GET", ""), ("GET", "/result"), ("DELETE", "")):
        theirs = client.request(method, f"/api/jobs/{job_id}{path}", headers=bob)
        nobodys = client.request(method, f"/api/jobs/{job_id + 1}{path}", headers=bob)
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.content == nobodys.content
    assert client.get(f"/api/jobs/{job_id}/result", headers=token).status_code == 200


def test_a_job_that_is_deleted_leaves_nothing(client: TestClient, settings: Settings) -> None:
    token = bearer(client)
    job_id = client.post("/api/jobs", files=many(("a", IMAGE)), headers=token).json()["id"]
    ended(client, token, job_id)
    assert client.delete(f"/api/jobs/{job_id}", headers=token).status_code == 204
    assert client.get(f"/api/jobs/{job_id}", headers=token).status_code == 404
    assert list((settings.home / "runs").iterdir()) == []


def test_a_job_that_has_not_ended_has_no_result_and_can_be_cancelled(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.test_background import Gate

    gate = Gate()
    monkeypatch.setattr(serving, "make_engines", lambda _settings: Engines((gate,), b"k" * 32))
    token = bearer(client)
    job_id = client.post("/api/jobs", files=many(("a", IMAGE), ("b", OTHER_IMAGE)), headers=token).json()["id"]
    assert gate.reading.wait(60)
    assert client.get(f"/api/jobs/{job_id}", headers=token).json()["files"] is None
    early = client.get(f"/api/jobs/{job_id}/result", headers=token)
    assert (early.status_code, early.json()["detail"]) == (409, "The job has not ended.")
    waiting = list(text_string_to_metric_families(client.get("/api/metrics", headers=token).text))
    queue = {
        sample.labels["state"]: sample.value for each in waiting if each.name == "deid_queue" for sample in each.samples
    }
    assert queue == {"waiting": 0, "working": 1}
    assert client.delete(f"/api/jobs/{job_id}", headers=token).status_code == 204
    gate.open.set()
    assert ended(client, token, job_id)["state"] == "cancelled"


def test_a_user_has_so_many_jobs_at_once(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.test_background import Gate

    gate = Gate()
    monkeypatch.setattr(work, "_MOST_JOBS", 1)
    monkeypatch.setattr(serving, "make_engines", lambda _settings: Engines((gate,), b"k" * 32))
    token = bearer(client)
    first = client.post("/api/jobs", files=many(("a", IMAGE)), headers=token)
    assert client.post("/api/jobs", files=many(("a", IMAGE)), headers=token).status_code == 429
    gate.open.set()
    ended(client, token, first.json()["id"])
    assert client.post("/api/jobs", files=many(("a", IMAGE)), headers=token).status_code == 202


@pytest.mark.parametrize("job_id", ["0", "-1", "99999999999999999999", str(1 << 62)])
def test_a_number_that_no_job_has_is_404(client: TestClient, job_id: str) -> None:
    assert client.get(f"/api/jobs/{job_id}", headers=bearer(client)).status_code == 404


# Figures


def test_figures_are_those_that_the_user_may_see(client: TestClient) -> None:
    client.post("/api/mask_image", files=one(IMAGE), headers=bearer(client))
    everything = client.get("/api/stats", headers=bearer(client, "bob")).json()
    assert (everything["images"], everything["outcomes"]) == (1, {"cleaned": 1})
    assert everything["seconds"]["ocr"]["images"] == 1
    assert client.get("/api/stats", headers=bearer(client, "dee")).json()["images"] == 0
    assert client.get("/api/stats?until=2001-01-01", headers=bearer(client)).json()["images"] == 0
    assert client.get("/api/stats?since=soon", headers=bearer(client)).status_code == 422


def test_metrics_count_runs_files_times_and_sign_ins(client: TestClient) -> None:
    token = bearer(client)
    client.post("/api/login", json={"username": "ada", "password": "not the right one"})
    client.post("/api/mask_image", files=one(IMAGE), headers=token)
    client.get(f"/api/{NAME}", headers=token)
    client.request(NAME, "/api/stats", headers=token)
    found = measured(client, token)
    assert found["deid_runs", "finished"] == 1
    assert found["deid_files_total", "cleaned"] == 1
    assert found["deid_stage_images_total", "ocr"] == 1
    assert found["deid_stage_seconds", "0.5", "ocr"] > 0
    assert found["deid_sign_ins_total", "sign-in failed"] == 1
    assert found["deid_sign_ins_total", "sign-in"] == 1
    assert found["deid_api_requests_total", "/mask_image", "POST", "200"] >= 1
    assert not [key for key in found if NAME in str(key)]


def test_a_collectors_token_opens_the_metrics_alone(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    token = {"authorization": f"Bearer {METRICS_TOKEN}"}
    assert client.get("/api/metrics", headers=token).status_code == 401
    monkeypatch.setenv("DEID_METRICS_TOKEN", METRICS_TOKEN)
    assert client.get("/api/metrics", headers=token).status_code == 200
    for path in ("/api/stats", "/api/docs", "/api/jobs/1"):
        assert client.get(path, headers=token).status_code == 401


# The description


def test_every_endpoint_is_described_and_the_page_needs_nothing_from_elsewhere(client: TestClient) -> None:
    token = bearer(client)
    described = client.get("/api/openapi.json", headers=token).json()
    shown = client.get("/api/docs", headers=token).text
    assert set(described["paths"]) == {
        "/login",
        "/logout",
        "/convert",
        "/mask_image",
        "/jobs",
        "/jobs/{job_id}",
        "/jobs/{job_id}/result",
        "/stats",
        "/metrics",
    }
    assert all(f"/api{path}" in shown for path in described["paths"])
    assert not [mark for mark in ("<script", "http:", "https:", "//") if mark in shown]


def test_the_manual_names_every_endpoint() -> None:
    told = (Path(__file__).parents[1] / "docs" / "api.md").read_text(encoding="utf-8")
    with TestClient(application(), base_url=ORIGIN) as opened:
        paths = opened.get("/api/openapi.json", headers=bearer(opened)).json()["paths"]
    endpoints = [
        f"{method.upper()} /api{path.replace('job_id', 'id')}" for path, each in paths.items() for method in each
    ]
    assert [endpoint for endpoint in endpoints if endpoint not in told] == []
