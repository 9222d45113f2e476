"""More pictures for docs/: folders of the server, a measurement with its results, a leak in a sample, keys alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from selenium.webdriver import ActionChains, Keys

from deid.demo import studies
from deid.settings import Settings
from deid.store import CONSOLE, Direction, Store, open_store
from tests.e2e.served import ROOT, Browser, Server, browser, server, set_up, sign_in
from tests.test_workbench import CALM, run_over

_SETTLE_SECONDS = 1.5


def take_rooms(folder: Path) -> None:
    """All of them, into the folder."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        at = stack.enter_context(server(scratch, DEID_MODEL="none"))
        page = stack.enter_context(browser(scratch / "light"))
        set_up(page, at)
        _all(page, at, scratch, folder)


def _all(page: Browser, at: Server, scratch: Path, folder: Path) -> None:
    settings = Settings.from_environment({"DEID_HOME": str(at.home), "DEID_MODEL": "none"})
    store = open_store(settings)
    try:
        page.open(f"{at.url}/quality")
        sign_in(page)
        page.wait_for("There is no run with clean files yet")
        _leak(page, at, store, folder)
        archive = Path(tempfile.gettempdir()) / "archive"  # a name that is fit to be shown
        archive.mkdir()
        try:
            _folders(page, at, store, archive, folder)
        finally:
            shutil.rmtree(archive)
        _measured(page, at, scratch, folder)
    finally:
        store.close()


def _leak(page: Browser, at: Server, store: Store, folder: Path) -> None:
    """Three clean files of readers that see nothing, of which one is said to leak."""
    settings = Settings.from_environment({"DEID_HOME": str(at.home), "DEID_MODEL": "none"})
    found = {study.name: study.build() for study in studies() if study.name in ("us-liver", "dx-hand", "ct-head")}
    run_id = run_over(settings, store, "ada", engines=CALM, **found)
    page.open(f"{at.url}/quality?run={run_id}")
    page.click("Draw the sample")
    page.wait_for_picture()
    ActionChains(page.driver).send_keys("a").perform()
    page.wait_for("1 of 3")
    page.wait_for_picture()
    _take(page, folder / "quality-look.png")
    ActionChains(page.driver).send_keys("l").perform()
    page.wait_for("1 with a leak")
    page.wait_for_picture()
    ActionChains(page.driver).send_keys("a").perform()
    page.wait_for("Every file of the sample was looked at")
    _take(page, folder / "quality-leak.png")
    page.open(f"{at.url}/review")
    page.wait_for("1 of 1")
    page.wait_for_picture()
    for _ in range(2):
        ActionChains(page.driver).send_keys("s").perform()
        page.wait_until_it_rests(1)
    ActionChains(page.driver).send_keys("d", *[Keys.ARROW_DOWN] * 4, *[Keys.ARROW_LEFT] * 6).perform()
    _take(page, folder / "review-keys.png")


def _folders(page: Browser, at: Server, store: Store, archive: Path, folder: Path) -> None:
    """An open folder is read from, and clean files are written to another."""
    incoming, outgoing = archive / "incoming", archive / "released"
    for path in (incoming / "ward-3", outgoing):
        path.mkdir(parents=True)
    for study in [each for each in studies() if each.name in ("us-liver", "dx-hand", "ct-head")]:
        (incoming / "ward-3" / f"{study.name}.dcm").write_bytes(study.build())
    store.open_folder(incoming, Direction.INPUT, CONSOLE)
    store.open_folder(outgoing, Direction.OUTPUT, CONSOLE)
    page.open(f"{at.url}/pipeline")
    page.click("From this server")
    page.wait_for("Folder of this server")
    page.pick("Which part", "ward-3")
    _take(page, folder / "folders-take.png")
    page.click("Take the files in")
    page.wait_for("Nothing has run yet")
    page.click("De-identify 3")
    page.wait_for("Download 3 clean files", 400)
    page.click("Write to a folder of this server")
    page.wait_for("in a new folder run-")
    _take(page, folder / "folders-write.png")
    page.click("Write them")
    page.wait_for("and the report written to")
    _take(page, folder / "folders-written.png")


def _measured(page: Browser, at: Server, scratch: Path, folder: Path) -> None:
    """Made-up cases are measured; the page of the administration shows what was found."""
    environment = {"DEID_HOME": str(at.home), "DEID_MODEL": "none", "PATH": "/usr/bin:/bin"}
    cases = str(scratch / "cases")
    for given in (("--make", "8", cases, "--seed", "7"), (cases,)):
        subprocess.run([sys.executable, "-m", "deid", "bench", *given], cwd=ROOT, env=environment, check=True)
    page.open(f"{at.url}/administration")
    page.wait_for("Measured")
    page.click("Measured")
    page.wait_for("Figures by")
    _take(page, folder / "measured-results.png")


def _take(page: Browser, path: Path) -> None:
    time.sleep(_SETTLE_SECONDS)
    page.picture(path)
    sys.stdout.write(f"{path.name}\n")


if __name__ == "__main__":
    take_rooms(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures")
