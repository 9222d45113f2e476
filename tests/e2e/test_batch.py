"""Many files in a real browser: what was found, the run, its outcomes, and what is left of it all."""

from __future__ import annotations

import io
import os
import re
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from pydicom import dcmread

from deid.settings import Settings
from deid.store import NewUser, RunState, open_store
from tests.e2e.planted import NAME, PLANTED, burned_in, folder_of, plain, zip_of
from tests.e2e.served import PASSWORD, PATIENCE_SECONDS, Browser, Server, browser, content, server, set_up, sign_in

pytestmark = pytest.mark.browser
MOST_FILES = 400
"""More than are done before somebody has signed in in another browser and cancels."""


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two people, whose temporary files lie in a folder of their own."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "tmp").mkdir()
    with server(folder, TMPDIR=str(folder / "tmp"), DEID_MAX_BATCH_FILES=str(MOST_FILES), DEID_MODEL="none") as running:
        with browser(folder / "first") as opened:
            set_up(opened, running)
        store = open_store(Settings.from_environment({"DEID_HOME": str(running.home)}))
        store.add_user(NewUser("bob", PASSWORD, "Bob"))
        store.close()
        yield running


@pytest.fixture(scope="module")
def page(at: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Ada's browser, signed in."""
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        enter(opened, at)
        yield opened


def enter(opened: Browser, at: Server, path: str = "", username: str = "ada") -> None:
    opened.open(at.url + path)
    opened.wait_for("Forgotten your password?")
    sign_in(opened, username)
    opened.wait_for_not("Forgotten your password?")  # an old cookie may still be there


def begin(page: Browser, at: Server, *paths: Path) -> int:
    """The number of a run over these files, which were not looked at before."""
    page.open(f"{at.url}/pipeline")
    page.bring(*paths)
    page.wait_for("Nothing has run yet")
    page.click("De-identify")
    page.wait_for("Run ")
    found = re.search(r"run=(\d+)", page.driver.current_url)
    assert found
    return int(found.group(1))


def fetch(at: Server, page: Browser | None, path: str) -> tuple[int, bytes]:
    """What the server answers with a browser's cookie, or with none."""
    cookie = f"deid_session={page.driver.get_cookie('deid_session')['value']}" if page else ""
    try:
        with urlopen(Request(at.url + path, headers={"cookie": cookie}), timeout=PATIENCE_SECONDS) as answer:
            return int(answer.status), answer.read()
    except HTTPError as exc:
        return exc.code, exc.read()


def test_a_zip_is_told_run_looked_at_and_downloaded(at: Server, page: Browser, tmp_path: Path) -> None:
    given = {"s/1": burned_in(), "s/2": plain(1), "t/3": plain(2), "notes.txt": b"not an image"}
    path = zip_of(tmp_path / "all.zip", given)
    page.open(f"{at.url}/pipeline")
    page.bring(path)
    page.wait_for("Nothing has run yet")
    assert "De-identify 3 images" in page.text
    assert "1 file refused" in page.text
    run_id = begin(page, at, path)
    page.wait_for("Download 3 clean files")
    page.click("Download 3 clean files")
    archive = zipfile.ZipFile(io.BytesIO(page.downloaded(f"run-{run_id}.zip")))
    reports = ["release.html", "release.json", "report.jsonl"]
    assert sorted(archive.namelist()) == ["images/s/1", "images/s/2", "images/t/3", *reports]
    clean = dcmread(io.BytesIO(archive.read("images/s/1")))
    assert str(clean.PatientName) != NAME
    assert clean.pixel_array.max() < 250
    assert all(planted not in archive.read(name) for name in archive.namelist() for planted in PLANTED)
    page.select_row(1)
    page.wait_for("Step through it")
    page.wait_for_picture()
    page.click("Download this file")
    assert page.downloaded(f"run-{run_id}-2.dcm") == archive.read("images/s/1")
    fetched = page.driver.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert not [name for name in fetched if name.startswith(f"{at.url}/media/")]


def test_a_folder_keeps_its_paths(at: Server, page: Browser, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "study", series1_a=plain(0), series1_b=plain(1), series2_c=plain(2))
    page.open(f"{at.url}/pipeline")
    page.click("A folder")
    page.wait_for("Try a demo study")
    page.bring(folder)
    page.wait_for("Nothing has run yet")
    page.click("De-identify 3 images")
    page.wait_for("Download 3 clean files")
    store = open_store(Settings.from_environment({"DEID_HOME": str(at.home)}))
    number = store.runs(1)[0].id
    store.close()
    kept = at.home / "runs" / str(number) / "out"
    assert sorted(str(each.relative_to(kept)) for each in kept.rglob("*") if each.is_file()) == [
        "study/series1/a",
        "study/series1/b",
        "study/series2/c",
    ]


def test_a_run_survives_a_refresh_and_another_browser_and_is_cancelled_at_once(
    at: Server, page: Browser, tmp_path: Path
) -> None:
    path = zip_of(
        tmp_path / "many.zip", {f"{number:03}": burned_in(f"{NAME} {number}") for number in range(MOST_FILES)}
    )
    run_id = begin(page, at, path)
    page.wait_for("Time left")
    page.driver.refresh()
    page.wait_for("Time left")
    assert f"Run {run_id}" in page.text
    with browser(tmp_path / "other") as other:
        enter(other, at, "/pipeline")
        other.wait_for("Your runs")
        other.click("Look")
        other.wait_for("Time left")
        other.click("Cancel")
        other.wait_for("This run was cancelled.")
    page.wait_for("This run was cancelled.")
    assert "had not been worked on" in page.text
    store = open_store(Settings.from_environment({"DEID_HOME": str(at.home)}))
    run = store.run(run_id)
    store.close()
    assert run is not None
    assert run.state is RunState.CANCELLED
    assert run.done < MOST_FILES


def test_nobody_sees_another_users_run(at: Server, page: Browser, tmp_path: Path) -> None:
    run_id = begin(page, at, *_two(tmp_path))
    page.wait_for("Download 2 clean files")
    assert fetch(at, page, f"/download/run/{run_id}/all.zip")[0] == 200
    with browser(tmp_path / "bob") as other:
        enter(other, at, f"/pipeline?run={run_id}", "bob")
        other.wait_for("Try a demo study")
        assert "Your runs" not in other.text
        assert f"Run {run_id}" not in other.text
        for what in ("all.zip", "report.jsonl", "0"):
            assert fetch(at, other, f"/download/run/{run_id}/{what}")[0] == 404
    assert fetch(at, None, f"/download/run/{run_id}/all.zip")[0] == 401


def _two(folder: Path) -> list[Path]:
    given = folder_of(folder / "two", a=plain(0), b=plain(1))
    return sorted(given.iterdir())


def test_bad_zips_are_refused_with_a_sentence(at: Server, page: Browser, tmp_path: Path) -> None:
    too_many = {str(number): b"" for number in range(MOST_FILES + 1)}
    for name, files, said in (
        ("up.zip", {"../x": b""}, "paths that lead out"),
        ("many.zip", too_many, f"{MOST_FILES + 1} files; {MOST_FILES} may come in"),
        ("bomb.zip", {"zeros": bytes(30_000_000)}, "far more than its own size"),
    ):
        page.open(f"{at.url}/pipeline")
        page.bring(zip_of(tmp_path / name, files))
        page.wait_for(said)
    (tmp_path / "cut.zip").write_bytes(zip_of(tmp_path / "whole.zip", {"a": plain(0)}).read_bytes()[:-30])
    page.open(f"{at.url}/pipeline")
    page.bring(tmp_path / "cut.zip")
    page.wait_for("This ZIP is damaged")


def test_on_a_phone_the_lists_are_selects(at: Server, tmp_path: Path) -> None:
    with browser(tmp_path / "phone", width=500, height=1000) as phone:
        enter(phone, at, "/pipeline")
        phone.bring(zip_of(tmp_path / "two.zip", {"a": plain(0), "b": plain(1)}))
        phone.wait_for("Step through one image")
        assert not phone.driver.find_elements("css selector", '[data-testid="stDataFrame"]')
        phone.wait_until_it_rests()
        phone.click("De-identify 2 images")
        phone.wait_for("Look at a file")
        phone.pick("Look at a file", "a · cleaned")
        phone.wait_for("Step through it")
        phone.wait_for_picture()
        phone.wait_until_it_fits()


def test_nothing_planted_is_left_but_what_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    with server(tmp_path, TMPDIR=str(tmp_path / "tmp"), DEID_MODEL="none") as at, browser(tmp_path / "profile") as page:
        set_up(page, at)
        enter(page, at, "/pipeline")
        path = zip_of(tmp_path / f"{NAME}.zip", {f"Zwiebelfisch/{NAME}.dcm": burned_in(), "Zwiebelfisch.txt": b"x"})
        page.bring(path)
        page.wait_for("Nothing has run yet")
        uploads = [line for line in fetch(at, page, "/_stcore/metrics")[1].decode().splitlines() if "ploaded" in line]
        assert not [line for line in uploads if not line.startswith("#") and float(line.split()[-1]) > 0]
        _leave(page, at)
        assert _files_with_planted(at) == (), "nothing was submitted"
        page.driver.refresh()
        enter(page, at, "/pipeline")
        run_id = begin(page, at, path)
        page.wait_for("Download 1 clean file")
        page.select_row(1)
        page.wait_for("Step through it")
        page.click("Download 1 clean file")
        page.downloaded(f"run-{run_id}.zip")
        page.click("Step through it")
        page.click("Run all")
        page.wait_for("read again and checked")
        _leave(page, at)
        found = _files_with_planted(at)
        assert found
        for each in found:
            assert str(run_id) in each.relative_to(at.home).parts
            assert each.relative_to(at.home).parts[0] in ("runs", "review")
            assert stat.S_IMODE(each.stat().st_mode) == 0o600
        for folder in (at.home, at.home / "runs", at.home / "runs" / str(run_id)):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        enter(page, at, f"/pipeline?run={run_id}")
        page.click("Close run")
        page.click("Delete the files")
        page.wait_for("Try a demo study")
        assert _files_with_planted(at) == ()


def _leave(page: Browser, at: Server) -> None:
    page.open(f"{at.url}/account")
    page.wait_for("Signed in as")
    page.click("Sign out")
    page.wait_for("Forgotten your password?")


def _files_with_planted(at: Server) -> tuple[Path, ...]:
    """Files of the server that hold something planted in content or path: database, logs, state, scratch."""
    everything = [at.log, *at.home.rglob("*"), *(at.log.parent / "tmp").rglob("*")]
    return tuple(
        path
        for path in everything
        if path.is_file() and any(planted in content(path) + os.fsencode(path.name) for planted in PLANTED)
    )


def test_the_log_holds_no_traceback(at: Server) -> None:
    assert "Traceback" not in at.log.read_text()
