"""Files handed to a Dask scheduler's workers: nothing of them travels, and a worker that dies costs nothing."""

from __future__ import annotations

import datetime
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deid import errands
from deid.background import Background, Order
from deid.cluster import security_of, work_through_cluster
from deid.errands import Errand, Hand, run_errand
from deid.errors import EngineError, UsageError
from deid.inputs import InputFile
from deid.intake import take_in
from deid.jobs import make_engines
from deid.ledger import decides
from deid.manifest import Batch
from deid.pipeline import Engines
from deid.settings import Settings
from deid.store import NewUser, RunState, Store, open_store
from deid.unzip import Limits
from deid.values import Outcome
from deid.workers import STOPPED
from tests.chaos import tree
from tests.dicom_factory import PHI, dicom, gradient
from tests.hazards import start_and_die, start_badly, start_dying_once, start_dying_with
from tests.mariadb import free_port

NAME = PHI["PatientName"].split("^")[0]


def errand(settings: Settings, folder: Path) -> Errand:
    source = InputFile(folder / NAME / "a.dcm", PurePosixPath(NAME) / "a.dcm", "", 7)
    batch = Batch((folder,), folder / "out")
    return Errand(source, batch, 3, decides(batch, settings))


# What travels, and how


def test_an_errand_shows_no_path_and_holds_no_content(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "a.dcm").write_bytes(dicom(gradient(20, 20)))
    sent = errand(settings, tmp_path)
    assert repr(sent) == "Errand(run 3, file 7)"
    assert PHI["PatientID"].encode() not in pickle.dumps(sent)
    assert len(pickle.dumps(sent)) < 2000


@pytest.mark.parametrize(
    ("address", "certificates", "said"),
    [
        ("tcp://127.0.0.1:8786", "", None),
        ("tcp://localhost:8786", "", None),
        ("tcp://[::1]:8786", "", None),
        ("tcp://10.0.0.5:8786", "", "tls"),
        ("tcp://archive.example:8786", "given", "tls"),
        ("tls://10.0.0.5:8786", "", "DEID_TLS_CA"),
        ("tls://10.0.0.5:8786", "given", None),
        ("http://127.0.0.1:8786", "", "tls://HOST:PORT"),
        ("127.0.0.1:8786", "", "tls://HOST:PORT"),
    ],
)
def test_beyond_this_machine_all_is_encrypted(
    settings: Settings, address: str, certificates: str, said: str | None
) -> None:
    chosen = replace(settings, scheduler=address, tls_ca=certificates, tls_cert=certificates, tls_key=certificates)
    if said is None:
        assert security_of(chosen).require_encryption is address.startswith("tls")
    else:
        with pytest.raises(UsageError, match=said):
            security_of(chosen)


def test_text_that_was_asked_for_does_not_travel(settings: Settings, tmp_path: Path) -> None:
    batch = Batch((tmp_path,), tmp_path / "out", with_text=True)
    with pytest.raises(UsageError, match="no text travels"):
        next(work_through_cluster(iter(()), batch, replace(settings, scheduler="tcp://127.0.0.1:1"), 1))


# What a worker does


@pytest.fixture
def on_a_worker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("DEID_HOME", str(settings.home))
    return settings


def test_a_worker_with_another_key_refuses(on_a_worker: Settings, tmp_path: Path) -> None:
    theirs = errand(replace(on_a_worker, home=tmp_path / "other"), tmp_path)
    refused = run_errand(theirs)
    assert isinstance(refused, UsageError)
    assert "another pseudonym key" in str(refused)


def test_a_fault_on_a_worker_is_returned_without_its_text(
    on_a_worker: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(f"holds {NAME}")

    monkeypatch.setattr(Hand, "do", fail)
    found = run_errand(errand(on_a_worker, tmp_path))
    assert isinstance(found, EngineError)
    assert NAME not in str(found)


def test_a_reader_that_cannot_be_started_is_told(
    on_a_worker: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errands, "_hand", Hand(start_badly_with))
    assert isinstance(run_errand(errand(on_a_worker, tmp_path)), EngineError)


def start_badly_with(settings: Settings) -> object:
    return start_badly()


def test_a_file_whose_process_dies_is_tried_once_more(settings: Settings, tmp_path: Path) -> None:
    hand = Hand(start_dying_once)
    marked = replace(settings, home=tmp_path)
    assert hand.do(errand(settings, tmp_path), marked) == "done"
    assert (tmp_path / "tries").read_text() == "xx"
    hand.end()


def test_a_process_that_always_dies_while_it_starts_is_told_and_costs_no_file(
    on_a_worker: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errands, "_hand", Hand(start_and_die))
    found = run_errand(errand(on_a_worker, tmp_path))
    assert isinstance(found, EngineError)
    assert "while they start" in str(found)


def test_a_file_whose_process_dies_twice_is_lost_and_the_next_is_done(settings: Settings, tmp_path: Path) -> None:
    hand = Hand(start_dying_with)
    assert hand.do(errand(settings, tmp_path), settings) == STOPPED
    sent = errand(settings, tmp_path)
    assert hand.do(replace(sent, source=replace(sent.source, number=8)), settings) == "done"
    hand.end()


# All of it


@contextmanager
def program(environment: dict[str, str], *words: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "deid", *words]
    begun = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield begun
    finally:
        begun.terminate()
        begun.wait(30)


def certificates(folder: Path) -> dict[str, str]:
    """A certificate that vouches for itself, as the paths of DEID_TLS_*."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "made up")])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    cert = str(folder / "cert.pem")
    return {"DEID_TLS_CA": cert, "DEID_TLS_CERT": cert, "DEID_TLS_KEY": str(folder / "key.pem")}


def couriers(nanny: int) -> list[int]:
    """The Dask worker below a `deid worker`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            is_worker = b"spawn_main" in (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == nanny and is_worker:
            found.append(int(folder.name))
    return found


def until(told: Callable[[], object]) -> None:
    deadline = time.monotonic() + 300
    while not told():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def done(store: Store) -> int:
    runs = store.runs(1)
    return runs[0].done if runs else 0


@dataclass(frozen=True)
class Cluster:
    """A scheduler and a worker that talk by TLS, and the installation that they share with this process."""

    environment: dict[str, str]
    nanny: int
    folder: Path

    @property
    def settings(self) -> Settings:
        return Settings.from_environment(self.environment)

    @contextmanager
    def store(self) -> Iterator[Store]:
        opened = open_store(self.settings)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    environment = {
        **os.environ,
        **certificates(folder),
        "DEID_HOME": str(folder / "home"),
        "DEID_MODEL": "none",
        "DEID_SCHEDULER": f"tls://127.0.0.1:{free_port()}",
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    open_store(Settings.from_environment(environment)).close()
    with program(environment, "scheduler"), program(environment, "worker") as nanny:
        yield Cluster(environment, nanny.pid, folder)


@pytest.mark.skipif(sys.platform != "linux", reason="finds worker processes in /proc")
def test_a_run_by_tls_survives_the_death_of_its_worker_and_gives_the_same_bytes(
    cluster: Cluster, tmp_path: Path
) -> None:
    for number in range(6):
        path = tmp_path / "in" / f"{number}.dcm"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(dicom(gradient(30, 40 + number)))
    words = ("run", str(tmp_path / "in"), "--out", str(tmp_path / "out"))
    with cluster.store() as store, program(cluster.environment, *words) as run:
        until(lambda: done(store) or run.poll() is not None)
        for courier in couriers(cluster.nanny):
            os.kill(courier, signal.SIGKILL)
        assert run.wait(300) == 0
        ended = store.runs(1)[0]
        assert (ended.state, ended.count(Outcome.CLEANED)) == (RunState.FINISHED, 6)
    here = {**cluster.environment, "DEID_SCHEDULER": ""}
    with program(here, "run", str(tmp_path / "in"), "--out", str(tmp_path / "here"), "--jobs", "1") as local:
        assert local.wait(300) == 0
    assert tree(tmp_path / "out") == tree(tmp_path / "here")


def order(*pixels: int) -> Order:
    """What somebody hands in on a page or through the API."""
    named = [(f"{each}.dcm", dicom(gradient(30, each))) for each in pixels]
    return Order("ada", take_in(named, Limits(100, 10_000_000), max_frames=10, max_pixels=100_000))


def no_engines() -> Engines:
    raise AssertionError("the server needs no readers for what the cluster does")


def test_runs_of_pages_and_api_are_done_by_the_cluster_and_give_the_same_bytes(cluster: Cluster) -> None:
    with cluster.store() as store:
        store.add_user(NewUser("ada", "correct horse battery"))
        runs = Background(cluster.settings, store)
        far = runs.work_off(order(50, 51), no_engines)
        near = Background(replace(cluster.settings, scheduler=""), store)
        here = near.work_off(order(50, 51), lambda: make_engines(cluster.settings))
        assert store.run(far) is not None
        assert [entry.outcome for entry in runs.files(far).entries()] == [Outcome.CLEANED, Outcome.CLEANED]
        assert tree(runs.files(far).outputs) == tree(near.files(here).outputs)
        near.close()
        runs.close()


def test_a_run_on_the_cluster_is_cancelled_at_once_and_goes_on_later(cluster: Cluster) -> None:
    with cluster.store() as store:
        runs = Background(cluster.settings, store)
        run_id = runs.begin(order(*range(40, 60)), no_engines)
        until(lambda: (seen := runs.look(run_id)) is None or seen.elsewhere)
        runs.cancel(run_id)
        until(lambda: runs.look(run_id) is None)
        stopped = store.run(run_id)
        assert stopped is not None
        assert stopped.state is RunState.CANCELLED
        assert stopped.done < stopped.planned
        assert runs.resume("ada", run_id, no_engines)
        until(lambda: runs.look(run_id) is None)
        ended = store.run(run_id)
        assert ended is not None
        assert (ended.state, ended.count(Outcome.CLEANED)) == (RunState.FINISHED, 20)
        runs.close()


def test_a_server_whose_scheduler_is_gone_fails_the_run(settings: Settings) -> None:
    store = open_store(settings)
    store.add_user(NewUser("ada", "correct horse battery"))
    runs = Background(replace(settings, scheduler="tls://127.0.0.1:1"), store)
    run_id = runs.work_off(order(50), no_engines)
    ended = store.run(run_id)
    assert ended is not None
    assert ended.state is RunState.FAILED
    runs.close()
    store.close()
