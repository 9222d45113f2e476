"""The API of a real server: over sockets, beside the pages."""

from __future__ import annotations

import http.client
import io
import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread

from deid.settings import Settings
from deid.store import NewUser, Role, open_store
from tests.dicom_factory import PHI, dicom, gradient
from tests.e2e.served import PASSWORD, Server, server

IMAGE = dicom(gradient(60, 80))
NAME = PHI["PatientName"].split("^")[0]


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without the model, whose uploads are at most 1 MB, with two people."""
    with server(tmp_path_factory.mktemp("api"), DEID_MODEL="none", DEID_MAX_UPLOAD_MB="1") as running:
        store = open_store(Settings.from_environment({"DEID_HOME": str(running.home)}))
        for name in ("ada", "bob"):
            store.add_user(NewUser(name, PASSWORD, role=Role.STAFF))
        store.close()
        yield running


class Program:
    """A client with a connection of its own, and a token once it has signed in."""

    def __init__(self, at: Server, name: str = "") -> None:
        self._host = at.url.removeprefix("http://")
        self._token = ""
        if name:
            body = json.dumps({"username": name, "password": PASSWORD}).encode()
            status, answer, _ = self.ask("POST", "/api/login", body, "application/json")
            assert status == 200
            self._token = json.loads(answer)["access_token"]

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "") -> tuple[int, bytes, str]:
        """Status, body and type of the answer."""
        connection = http.client.HTTPConnection(self._host, timeout=120)
        headers = {"authorization": f"Bearer {self._token}"} if self._token else {}
        connection.request(method, path, body, {**headers, "content-type": kind} if kind else headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content, answer.getheader("content-type") or ""

    def send(self, path: str, field: str, *files: tuple[str, bytes]) -> tuple[int, bytes, str]:
        """The answer to files sent as a form."""
        parts = [
            f'--b\r\ncontent-disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'.encode()
            + data
            + b"\r\n"
            for name, data in files
        ]
        return self.ask("POST", path, b"".join(parts) + b"--b--\r\n", "multipart/form-data; boundary=b")

    def drip(self, path: str, pieces: int) -> int:
        """The status that comes while a body is being sent whose end nobody can know."""
        connection = http.client.HTTPConnection(self._host, timeout=60)
        connection.putrequest("POST", path)
        for name, value in (
            ("authorization", f"Bearer {self._token}"),
            ("content-type", "multipart/form-data; boundary=b"),
            ("transfer-encoding", "chunked"),
        ):
            connection.putheader(name, value)
        connection.endheaders()
        head = b'--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
        try:
            for number in range(pieces):
                piece = b"x" * 65_536 if number else head
                connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
                time.sleep(0.005)
        except OSError:
            pass  # the server has answered and hung up
        status = connection.getresponse().status
        connection.close()
        return status


def test_it_answers_beside_the_pages(at: Server) -> None:
    nobody = Program(at)
    assert nobody.ask("GET", "/api/health")[:2] == (200, b'{"status":"ok"}')
    assert nobody.ask("GET", "/api/stats")[0] == 401
    assert nobody.ask("GET", "/api/docs")[0] == 401
    assert nobody.send("/api/mask_image", "file", ("a", IMAGE))[0] == 401
    assert nobody.ask("GET", "/")[0] == 200
    ada = Program(at, "ada")
    assert b"/api/mask_image" in ada.ask("GET", "/api/docs")[1]
    assert ada.ask("GET", "/api/mask_image")[0] == 405
    assert b"deid_runs" in ada.ask("GET", "/api/metrics")[1]


def test_an_image_comes_back_clean(at: Server) -> None:
    status, clean, kind = Program(at, "ada").send("/api/mask_image", "file", (f"{NAME}.dcm", IMAGE))
    assert (status, kind) == (200, "application/dicom")
    assert dcmread(io.BytesIO(clean)).PatientIdentityRemoved == "YES"
    assert NAME.encode() not in clean


def test_a_job_is_its_owners(at: Server) -> None:
    ada, bob = Program(at, "ada"), Program(at, "bob")
    status, begun, _ = ada.send("/api/jobs", "files", ("a.dcm", IMAGE), ("notes.txt", b"no image"))
    assert status == 202
    place = json.loads(begun)["job"]
    deadline = time.monotonic() + 120
    while json.loads(ada.ask("GET", place)[1])["state"] in ("planned", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert bob.ask("GET", place)[0] == bob.ask("GET", f"{place}/result")[0] == 404
    status, packed, _ = ada.ask("GET", f"{place}/result")
    assert status == 200
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert "images/a.dcm" in archive.namelist()


def test_too_much_is_refused_while_it_comes_in(at: Server) -> None:
    ada = Program(at, "ada")
    assert ada.drip("/api/mask_image", 2000) == 413
    assert ada.drip("/api/convert", 2000) == 413


def test_the_log_names_nobody(at: Server) -> None:
    Program(at, "ada").send("/api/convert", "file", (f"{NAME}.dcm", IMAGE[:-900]))
    Program(at, "ada").ask("GET", f"/api/{NAME}")
    assert NAME not in Path(at.log).read_text()
