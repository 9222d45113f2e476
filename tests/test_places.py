"""Storage by URL: what comes out is what comes out on a disk, whole or not at all; no error quotes a name or a key."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from deid import jobs
from deid.errors import PlaceError, UsageError
from deid.inputs import check_inputs, walk_inputs
from deid.jobs import Hands
from deid.ledger import Done
from deid.manifest import Batch
from deid.pipeline import Engines
from deid.places import Place, Remote, place
from deid.publishing import clear_staging, publish, staging_folder
from deid.settings import Settings
from deid.store import RunState, open_store
from deid.values import Outcome
from tests.chaos import tree
from tests.dicom_factory import PHI, dicom, gradient
from tests.fakes import ScriptedOcr

NAME = PHI["PatientName"].split("^")[0]
ENGINES = Engines((ScriptedOcr(),), b"k" * 32)


@pytest.fixture
def storage() -> Iterator[MemoryFileSystem]:
    """An empty one in memory, which is one for the whole process."""
    found = MemoryFileSystem()
    found.store.clear()
    found.pseudo_dirs[:] = [""]
    yield found
    found.store.clear()
    found.pseudo_dirs[:] = [""]


def put(url: str, count: int = 3) -> None:
    for number in range(count):
        remote = place(f"{url}/series-{number % 2}/{number}.dcm")
        assert isinstance(remote, Remote)
        remote.put_whole(dicom(gradient(20, 20 + number)), remote.parent)


def names(storage: MemoryFileSystem) -> list[str]:
    return sorted(storage.find("/"))


def run(settings: Settings, *inputs: Place, out: Place) -> tuple[jobs.Tally, list[Done]]:
    done: list[Done] = []
    tally = jobs.run_batch(Batch(inputs, out), settings, done.append, engines=ENGINES)
    return tally, done


# Names


@pytest.mark.parametrize(
    ("text", "base", "path"),
    [
        ("memory://archive/in", "memory:/", "/archive/in"),
        ("memory://archive/in/", "memory:/", "/archive/in"),
        ("MEMORY://archive/In", "memory:/", "/archive/In"),
    ],
)
def test_a_url_is_a_place_that_survives_being_written_down(text: str, base: str, path: str) -> None:
    found = place(text)
    assert found == Remote(base, PurePosixPath(path))
    assert place(str(found)) == found
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize("text", ["a/b", "/a/b", "file:///a/b", "s3:/a/b", "C:\\a"])
def test_everything_else_is_a_path_of_this_machine(text: str) -> None:
    assert isinstance(place(text), Path)


@pytest.mark.parametrize(
    "text",
    [
        "sftp://ada:secret@host/a",
        "memory://a?key=secret",
        "zip://a::memory://secret.zip",
        "memory://a/../secret",
        "memory://",
        "https://host/secret",
        "nosuch://secret/a",
    ],
)
def test_a_url_that_cannot_be_used_or_holds_a_password_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(UsageError) as told:
        place(text)
    assert "secret" not in str(told.value)


def test_output_and_input_must_not_contain_each_other(storage: MemoryFileSystem) -> None:
    put("memory://a/in")
    for out in ("memory://a/in", "memory://a/in/out", "memory://a"):
        with pytest.raises(UsageError, match="contain each other"):
            check_inputs([place("memory://a/in")], place(out))
    with pytest.raises(UsageError, match="INPUT 1 does not exist"):
        check_inputs([place("memory://a/elsewhere")], place("memory://a/out"))
    check_inputs([place("memory://a/in")], place("memory://a/out"))


def test_a_url_is_walked_like_a_folder(storage: MemoryFileSystem) -> None:
    put("memory://a/in")
    found = [str(source.relative) for source in walk_inputs([place("memory://a/in")])]
    assert found == ["series-0/0.dcm", "series-0/2.dcm", "series-1/1.dcm"]


# Runs


def test_a_run_from_url_to_url_gives_the_bytes_of_a_run_on_disk_and_leaves_nothing_else(
    storage: MemoryFileSystem, settings: Settings, tmp_path: Path
) -> None:
    put("memory://a/in")
    before = names(storage)
    tally, _ = run(settings, place("memory://a/in"), out=place("memory://a/out"))
    assert (tally.outcomes[Outcome.CLEANED], tally.held) == (3, 0)
    for path in before:
        here = tmp_path / "in" / path.removeprefix("/a/in/")
        here.parent.mkdir(parents=True, exist_ok=True)
        here.write_bytes(storage.cat_file(path))
    run(settings, tmp_path / "in", out=tmp_path / "out")
    new = [path for path in names(storage) if path not in before]
    assert {path.removeprefix("/a/out/"): storage.cat_file(path) for path in new} == tree(tmp_path / "out")
    originals = [path.read_bytes() for path in (tmp_path / "in").rglob("*.dcm")]
    kept = [path for path in settings.home.rglob("*") if path.is_file() and path.read_bytes() in originals]
    assert kept == []


@pytest.mark.parametrize("way", ["in", "out"])
def test_only_one_side_may_be_a_url(storage: MemoryFileSystem, settings: Settings, tmp_path: Path, way: str) -> None:
    put("memory://a/in", 1)
    if way == "in":
        run(settings, place("memory://a/in"), out=tmp_path / "out")
        assert len(tree(tmp_path / "out")) == 1
    else:
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "a.dcm").write_bytes(dicom(gradient(20, 20)))
        run(settings, tmp_path / "in", out=place("memory://b/out"))
        assert storage.find("/b") == ["/b/out/a.dcm"]


def test_a_run_by_url_is_resumed_and_does_nothing_twice(storage: MemoryFileSystem, settings: Settings) -> None:
    put("memory://a/in")
    store = open_store(settings)
    run_id = jobs.plan_batch(Batch((place("memory://a/in"),), place("memory://a/out")), settings, store)
    jobs.work_off(run_id, settings, store, Hands(engines=ENGINES))
    storage.rm_file("/a/out/series-1/1.dcm")
    remote = place("memory://a/in/series-0/2.dcm")
    assert isinstance(remote, Remote)
    remote.put_whole(dicom(gradient(44, 44)), remote.parent)
    again: list[str] = []
    hands = Hands(lambda done: again.append(str(done.source.relative)), ENGINES)
    assert jobs.work_off(run_id, settings, store, hands).outcomes[Outcome.CLEANED] == 3
    assert sorted(again) == ["series-0/2.dcm", "series-1/1.dcm"]
    ended = store.run(run_id)
    assert ended is not None
    assert ended.state is RunState.FINISHED
    store.close()


# What fails


def test_an_output_that_cannot_be_put_is_quarantined_and_nothing_is_left(
    storage: MemoryFileSystem,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"AccessDenied for {NAME} with key AKIA-SECRET")

    put("memory://a/in", 1)
    monkeypatch.setattr(MemoryFileSystem, "mv", fail)
    with caplog.at_level(logging.DEBUG):
        tally, done = run(settings, place("memory://a/in"), out=place("memory://a/out"))
    assert tally.outcomes[Outcome.QUARANTINED] == 1
    assert storage.find("/a/out") == []
    said = caplog.text + done[0].record.reason
    assert NAME not in said
    assert "SECRET" not in said
    assert "memory://" not in said


def test_an_input_that_is_gone_is_refused(storage: MemoryFileSystem, settings: Settings) -> None:
    put("memory://a/in", 2)
    store = open_store(settings)
    run_id = jobs.plan_batch(Batch((place("memory://a/in"),), place("memory://a/out")), settings, store)
    storage.rm_file("/a/in/series-1/1.dcm")
    tally = jobs.work_off(run_id, settings, store, Hands(engines=ENGINES))
    assert (tally.outcomes[Outcome.CLEANED], tally.outcomes[Outcome.REFUSED]) == (1, 1)
    store.close()


def test_a_storage_that_does_not_answer_is_one_line_without_its_words(
    storage: MemoryFileSystem, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"no route for {NAME}")

    monkeypatch.setattr(MemoryFileSystem, "info", fail)
    with pytest.raises(PlaceError, match="does not answer") as told:
        run(settings, place("memory://a/in"), out=place("memory://a/out"))
    said = "".join(traceback.format_exception(told.value))
    assert NAME not in said.replace(__file__, "")


def test_staging_of_a_run_that_was_killed_goes(storage: MemoryFileSystem) -> None:
    out = place("memory://a/out")
    storage.pipe_file("/a/out/.deid-7.part/half", b"half")
    clear_staging(out, 7)
    assert storage.find("/a") == []
    target = out / "x.dcm"
    publish(b"whole", target, staging_folder(out, 7))
    publish(b"new", target, staging_folder(out, 7))
    assert storage.find("/a/out") == ["/a/out/x.dcm"]
    assert storage.cat_file("/a/out/x.dcm") == b"new"
