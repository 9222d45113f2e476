"""A member of staff's whole way in a real browser: from an empty installation to a ZIP that may be handed on."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from pydicom import dcmread
from selenium.webdriver import ActionChains

from deid.load import load
from deid.settings import Settings
from deid.store import open_store
from tests.e2e.planted import PLANTED, burned_in, ghosts, plain, zip_of
from tests.e2e.served import Browser, browser, server, set_up, sign_in

pytestmark = pytest.mark.browser

GIVEN = {
    "clinic/a/1": burned_in(),
    "clinic/a/2": burned_in("Halde Zwirbel 12.03.1971"),
    "clinic/b/ghosts": ghosts(),
    "clinic/b/plain": plain(1),
    "clinic/notes.txt": b"not an image",
}
IMAGES = sorted(f"images/{name}" for name in GIVEN if not name.endswith("txt"))


def test_from_an_empty_installation_to_a_zip_with_the_decided_file_and_the_report(tmp_path: Path) -> None:
    with server(tmp_path, DEID_MODEL="none") as at, browser(tmp_path / "browser") as page:
        set_up(page, at)
        sign_in(page)
        page.wait_for("Welcome, Ada")
        page.click("De-identify images")
        page.bring(zip_of(tmp_path / "clinic.zip", GIVEN))
        page.wait_for("Nothing has run yet")
        assert "1 file refused" in page.text
        assert not (at.home / "runs").exists()

        page.click("De-identify 4 images")
        page.wait_for("You can leave this page")
        run_id = int(re.findall(r"run=(\d+)", page.driver.current_url)[0])
        page.click("Dashboard")
        page.wait_for("Recent runs")
        page.click("Pipeline", exactly=True)
        page.click("Look")
        page.wait_for("1 of 5 wants a look")
        page.wait_for("Download 3 clean files")

        page.click("Look at it")
        page.wait_for("2 places can still be read as text that identifies")
        assert f"item={run_id}%2F" in page.driver.current_url
        decide_and_approve(page)
        page.wait_for("Nothing waits for you")
        page.click(f"Back to run {run_id}")
        page.wait_for("1 file did not come out")
        page.click("Download 4 clean files")
        archive = zipfile.ZipFile(io.BytesIO(page.downloaded(f"run-{run_id}.zip")))
        log = at.log.read_bytes()
        store = open_store(Settings.from_environment({"DEID_HOME": str(at.home)}))
        (event,) = [event for event in store.events() if event.action == "reviewed"]
        store.close()
    assert event.user == "ada"
    assert archive.testzip() is None
    assert sorted(archive.namelist()) == [*IMAGES, "release.html", "release.json", "report.jsonl"]
    for place in IMAGES:
        clean = load(archive.read(place), max_frames=10, max_pixels_per_frame=1_000_000)
        assert clean.pixel_array.size
        assert clean.PatientIdentityRemoved == "YES"
    assert not ghosts_left(archive.read("images/clinic/b/ghosts"))
    told = [json.loads(line) for line in archive.read("report.jsonl").splitlines()]
    assert sorted(line["outcome"] for line in told) == ["cleaned"] * 4 + ["refused"]
    release = json.loads(archive.read("release.json"))
    (review,) = release["reviews"]
    assert (review["by"], review["decision"], review["boxes_added"]) == ("ada", "approved", 1)
    assert release["not_released"] == [
        {"outcome": "refused", "reason": "This is not a DICOM file.", "files": 1},
    ]
    assert "ada" in archive.read("release.html").decode()
    everything = b"".join((*map(archive.read, archive.namelist()), log))
    assert [planted for planted in PLANTED if planted in everything] == []


def decide_and_approve(page: Browser) -> None:
    """Cover what can still be read, which has the first numbers, draw a box beside it, and let the file go."""
    page.wait_for_picture()
    press(page, "1")
    page.wait_for("1 place nobody decided about")
    press(page, "2")
    page.wait_for_not("nobody decided about")
    press(page, "d")
    page.wait_for_picture()
    press(page, "\ue007")
    page.wait_for("1 box added")
    press(page, "a")
    page.wait_for("Approved: it is among the clean files")


def press(page: Browser, key: str) -> None:
    ActionChains(page.driver).send_keys(key).perform()


def ghosts_left(written: bytes) -> int:
    """How many pixels are left of the writing, which stood on black."""
    return int((dcmread(io.BytesIO(written)).pixel_array > 0).sum())
