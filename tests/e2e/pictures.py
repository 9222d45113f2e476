"""The pictures in docs/: every page and every step, from a fresh installation, light, dark and on a phone."""

from __future__ import annotations

import io
import sys
import tempfile
import time
import zipfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

from selenium.webdriver import ActionChains, Keys

from deid.background import KIND
from deid.demo import studies
from deid.inputs import InputFile
from deid.jobs import make_engines
from deid.pipeline import Options, run, verdict
from deid.settings import Settings
from deid.single import note_of, record_of
from deid.store import NewUser, Role, open_store
from deid.values import Check
from deid.waiting import hold
from tests.e2e import keyboard
from tests.e2e.pictures_rooms import take_rooms
from tests.e2e.planted import ghosts, zip_of
from tests.e2e.served import PASSWORD, ROOT, Browser, Server, browser, server, set_up, sign_in
from tests.made_up_runs import fill

SETTLE_SECONDS = 1.5
"""For fades and charts, which no text on the page tells of."""
STEPS = (
    ("1 Convert", "1-convert"),
    ("2 Read text", "2-read-text"),
    ("3 Find PHI", "3-find-phi"),
    ("4 Draw boxes", "4-draw-boxes"),
    ("5 Redact", "5-redact"),
    ("6 Clean header", "6-clean-header"),
    ("7 Verify", "7-verify"),
)


def take_all(folder: Path) -> None:
    """Every picture, into the folder."""
    with tempfile.TemporaryDirectory() as scratch, server(Path(scratch)) as at:
        with browser(Path(scratch) / "light") as page:
            _first_run(page, at, folder)
            _demo(page, at, folder)
            _busy_months(at)
            _pages(page, at, folder, "light")
        with browser(Path(scratch) / "dark", dark=True) as page:
            _enter(page, at)
            _one_demo(page)
            _take(page, folder / "pipeline-dark.png")
            _pages(page, at, folder, "dark")
        with browser(Path(scratch) / "phone", width=390, height=844, phone=True) as page:
            _enter(page, at)
            _pages(page, at, folder, "phone")
            page.open(at.url)
            page.wait_for("Welcome, Ada")
            _one_demo(page)
            _take(page, folder / "pipeline-phone.png")
        take_runs(folder)
        take_review(folder)
        take_questions(folder)
        take_rooms(folder)


def take_review(folder: Path) -> None:
    """A file that waits: one place can still be read, one box is drawn by a person; and the page of samples."""
    with tempfile.TemporaryDirectory() as scratch, server(Path(scratch), DEID_MODEL="none") as at:
        with browser(Path(scratch) / "light") as page:
            set_up(page, at)
            _put_aside(at)
            page.open(f"{at.url}/review")
            sign_in(page)
            page.wait_for("1 of 1")
            page.wait_for_picture()
            page.click("Read the words")
            page.wait_for("words stay")
            time.sleep(SETTLE_SECONDS)
            ActionChains(page.driver).send_keys("d", Keys.ARROW_DOWN, Keys.ENTER).perform()
            page.wait_for("1 box added")
            _take(page, folder / "review.png")
            _sample(page, at, folder / "quality-light.png")
        with browser(Path(scratch) / "dark", dark=True) as page:
            _enter(page, at)
            page.open(f"{at.url}/review")
            page.wait_for("1 of 1")
            page.wait_for_picture()
            _take(page, folder / "review-dark.png")
            _sample(page, at, folder / "quality-dark.png")


def _sample(page: Browser, at: Server, path: Path) -> None:
    page.open(f"{at.url}/quality")
    page.wait_for("Quality")
    page.wait_until_it_rests(1.0)
    _take(page, path)


def _put_aside(at: Server) -> None:
    """Ada's run over a demo study, of which one box is left to her."""
    settings = Settings.from_environment({"DEID_HOME": str(at.home), "DEID_MODEL": "none"})
    data, options = next(study for study in studies() if study.name == "us-liver").build(), Options()
    engines = make_engines(settings)
    case = run(data, engines, options)
    first, *rest = case.effective or ()
    case = replace(case, effective=tuple(rest), residue=(first,))
    check = Check("read again", False, "One place can still be read as text that identifies.", review=True)
    case = replace(case, checks=(check,))
    store = open_store(settings)
    run_id = store.start_run("ada", KIND, 1)
    source = InputFile(Path("us"), PurePosixPath("us"), "")
    store.add_image(run_id, record_of(case, *verdict(case), "us", engines.made_by), store.name_hash("us"))
    store.finish_run(run_id)
    store.close()
    hold(at.home, run_id, note_of(case, source, PurePosixPath("us"), options), data)


def take_runs(folder: Path) -> None:
    """A ZIP of made-up studies, of which one file wants a look: from what was found in it to the report."""
    with tempfile.TemporaryDirectory() as scratch, server(Path(scratch), DEID_MODEL="none") as at:
        names = ("us-liver", "ct-head", "mr-brain")
        given = {f"clinic/{study.name}": study.build() for study in studies() if study.name in names}
        others = {"clinic/plate": ghosts(), "clinic/notes.txt": b"made up"}
        path = zip_of(Path(scratch) / "studies.zip", given | others)
        with browser(Path(scratch) / "wide") as page:
            set_up(page, at)
            sign_in(page)
            page.wait_for("Welcome, Ada")
            page.open(f"{at.url}/pipeline")
            page.bring(path)
            page.wait_for("Nothing has run yet")
            page.wait_for_table()
            _take(page, folder / "run-1-found.png")
            page.click("De-identify")
            page.wait_for("Time left")
            page.wait_for("about ", 240)
            _take(page, folder / "run-2-progress.png")
            page.wait_for("1 of 5 wants a look", 400)
            _take(page, folder / "run-3-outcomes.png")
            _decide(page, folder)
            page.wait_for("Download 4 clean files")
            _take(page, folder / "run-7-back.png")
            page.click("Download 4 clean files")
            archive = zipfile.ZipFile(io.BytesIO(page.downloaded("run-1.zip")))
            report = Path(scratch) / "release.html"
            report.write_bytes(archive.read("release.html"))
            run_page = page.driver.current_url
            page.open(report.as_uri())
            _take(page, folder / "run-8-release-report.png")
            page.open(run_page)
            page.wait_for("Select a row")
            page.select_row(1)
            page.wait_for("Step through it")
            page.wait_for_picture()
            page.scroll_down()
            _take(page, folder / "run-4-one-file.png")
            page.click("Step through it")
            page.wait_for_picture()
            page.click("Run all")
            page.wait_for("read again and checked", 240)
            page.click("Difference")
            page.wait_for("Every pixel that changed shines")
            page.scroll_up()
            _take(page, folder / "step-7-difference.png")
        with browser(Path(scratch) / "phone", width=390, height=844, phone=True) as page:
            page.open(f"{at.url}/pipeline?run=1")
            page.wait_for("Forgotten your password?")
            sign_in(page)
            page.wait_for("Look at a file")
            _take(page, folder / "run-phone.png")


def _decide(page: Browser, folder: Path) -> None:
    """Look at the file that wants it, cover what can still be read, draw a box, and approve."""
    page.click("Look at it")
    page.wait_for("2 places can still be read")
    page.wait_for_picture()
    _take(page, folder / "run-5-look.png")
    for key, shown in (("1", "1 place nobody decided about"), ("2", "0 boxes added")):
        ActionChains(page.driver).send_keys(key).perform()
        page.wait_for(shown)
    page.wait_for_not("nobody decided about")
    ActionChains(page.driver).send_keys("d", Keys.ENTER).perform()
    page.wait_for("1 box added")
    _take(page, folder / "run-6-decided.png")
    ActionChains(page.driver).send_keys("a").perform()
    page.wait_for("Nothing waits for you")
    page.click("Back to run 1")


def take_questions(folder: Path) -> None:
    """Why a mark stayed and initials went, another threshold here and in the demo studies, and another reader."""
    number = [study.name for study in studies()].index("dx-hand")
    with tempfile.TemporaryDirectory() as scratch, server(Path(scratch)) as at, browser(Path(scratch) / "wide") as page:
        set_up(page, at)
        page.open(f"{at.url}/pipeline")
        sign_in(page)
        page.wait_for("Try a demo study")
        page.click("Open", number, exactly=True)
        page.wait_for_picture()
        for step, shown in (("2 Read text", "words in this frame"), ("3 Find PHI", "words go")):
            page.click(step)
            page.wait_for(shown, 240)
        for word, name in (("L · stays", "1-why-it-stays"), ("LY · goes", "2-why-it-goes")):
            page.pick("Why does this word go or stay?", word)
            page.wait_for(f"{word.partition(' · ')[2]}: ")
            _take(page, folder / f"question-{name}.png")
        keyboard.press(page, "What if the threshold were another?")
        keyboard.go_to(page, "range")
        keyboard.strike(page, *[Keys.ARROW_RIGHT] * 9)
        page.wait_for("95 %")
        keyboard.go_to(page, "And in the demo studies")
        keyboard.strike(page, Keys.SPACE)
        page.wait_for("that must go would stay", 400)
        _take(page, folder / "question-3-what-if.png", whole=True)
        keyboard.press(page, "The same image with another reader")
        page.click("tesseract")
        keyboard.press(page, "Read it beside")
        page.wait_for("Read or decided otherwise", 240)
        page.scroll_down()
        _take(page, folder / "question-4-another-reader.png")


def _take(page: Browser, path: Path, *, whole: bool = False) -> None:
    if whole:
        page.stretch()
    time.sleep(SETTLE_SECONDS)
    page.picture(path)
    if whole:
        page.unstretch()
    sys.stdout.write(f"{path.name}\n")


def _enter(page: Browser, at: Server) -> None:
    page.open(at.url)
    page.wait_for("Forgotten your password?")
    sign_in(page)
    page.wait_for("Welcome, Ada")


def _first_run(page: Browser, at: Server, folder: Path) -> None:
    page.open(at.url)
    page.wait_for("Setup code")
    _take(page, folder / "first-run.png")
    set_up(page, at)
    page.driver.refresh()
    page.wait_for("Forgotten your password?")
    _take(page, folder / "sign-in.png")
    sign_in(page)
    page.wait_for("Welcome, Ada")


def _one_demo(page: Browser) -> None:
    page.click("Open")
    page.wait_for_picture()
    page.click("Run all")
    page.wait_for("read again and checked", 180)
    page.click("3 Find PHI")
    page.wait_for("words go")


def _demo(page: Browser, at: Server, folder: Path) -> None:
    page.open(f"{at.url}/pipeline")
    page.wait_for("Try a demo study")
    _take(page, folder / "pipeline-choose.png")
    for number in range(1, 6):
        page.click("Open", number)
        page.wait_for_picture()
        page.click("Run all")
        page.wait_for("7 Verify ·", 180)
        page.click("Close")
        page.wait_for("Try a demo study")
    page.click("Open")
    page.wait_for_picture()
    page.click("Run all")
    page.wait_for("read again and checked", 180)
    for button, name in STEPS:
        page.click(button)
        page.wait_for(button)
        _take(page, folder / f"step-{name}.png")


def _busy_months(at: Server) -> None:
    """Colleagues, and what they might have done in six weeks."""
    settings = Settings.from_environment({"DEID_HOME": str(at.home)})
    store = open_store(settings)
    store.add_user(NewUser("bob", PASSWORD, "Bob", "Hope", "bob@example.org", Role.STAFF))
    store.add_user(NewUser("dee", PASSWORD, "Dee", role=Role.DEMO))
    store.check_password("bob", "not the password")
    store.close()
    fill(settings.database_url, images=12_000, runs=300, days=42)


def _pages(page: Browser, at: Server, folder: Path, look: str) -> None:
    for slug, shown in (
        ("", "This installation"),
        ("statistics", "Run history"),
        ("account", "Where you are signed in"),
        ("administration", "Change a user"),
    ):
        page.open(f"{at.url}/{slug}")
        page.wait_for(shown)
        _take(page, folder / f"{slug or 'dashboard'}-{look}.png", whole=slug == "statistics" and look != "phone")
    for section, shown in (
        ("Settings", "environment variables"),
        ("Folders", "Path on the server"),
        ("Measured", "Nothing was measured yet"),
        ("Audit log", "entries"),
    ):
        page.click(section)
        page.wait_for(shown)
        _take(page, folder / f"administration-{section.split()[0].lower()}-{look}.png")


if __name__ == "__main__":
    take_all(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures")
