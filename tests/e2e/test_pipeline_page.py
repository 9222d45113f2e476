"""One file on the pipeline page in a real browser: each step alone, its evidence, and what happens when one breaks."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deid.demo import studies
from deid.pipeline import Step
from deid.ui.casework import STEPS
from tests.e2e.faulty import STAGES, WRITE
from tests.e2e.planted import NAME, PLANTED, broken_at, burned_in, plain, zip_of
from tests.e2e.served import Browser, Server, browser, server, set_up, sign_in

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def breaks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that names the step which breaks."""
    return tmp_path_factory.mktemp("breaks") / "step"


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory, breaks: Path) -> Iterator[Server]:
    """A server any step of which can be broken."""
    faulty = (sys.executable, "-m", "tests.e2e.faulty", str(breaks))
    with server(tmp_path_factory.mktemp("server"), start=faulty, DEID_MODEL="none") as running:
        yield running


@pytest.fixture(scope="module")
def page(at: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The administrator's browser."""
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        set_up(opened, at)
        sign_in(opened)
        opened.wait_for("Welcome, Ada")
        yield opened


def open_image(page: Browser, at: Server, folder: Path) -> None:
    path = folder / NAME
    path.write_bytes(burned_in())
    page.open(f"{at.url}/pipeline")
    page.bring(path)
    page.wait_for("Your file")
    page.wait_for_picture()


def test_each_step_runs_alone_and_again_and_shows_its_evidence(at: Server, page: Browser, tmp_path: Path) -> None:
    open_image(page, at, tmp_path)
    for button, shown in (
        ("2 Read text", "Out: "),
        ("3 Find PHI", "words go"),
        ("4 Draw boxes", "in this frame"),
        ("5 Redact", "Before and after"),
        ("6 Clean header", "header elements changed"),
        ("7 Verify", "read again and checked"),
    ):
        page.click(button)
        page.wait_for(shown)
        page.wait_for_picture()
    assert line_width(page) == pytest.approx(2, rel=0.01)
    assert "; 0 elsewhere" in page.text
    page.click("Difference")
    page.wait_for("Every pixel that changed shines")
    page.click("6 Clean header")
    page.wait_for("Show values")
    assert NAME not in page.text
    page.click("3 Find PHI")
    page.wait_for("Run this step again")
    page.click("Run this step again")
    page.wait_for_not("7 Verify ·")  # what came after a step that ran again has to run again
    page.wait_for("words go")


def line_width(page: Browser) -> float:
    """How many pixels of the screen the lines of a box take, though the small picture is drawn larger than it is."""
    script = """
        const box = arguments[0].querySelector("rect"), line = parseFloat(getComputedStyle(box).strokeWidth);
        return [line, box.getBoundingClientRect().width / parseFloat(box.getAttribute("width"))];"""
    line, zoom = page.driver.execute_script(script, page.wait_for_picture())
    assert zoom > 1.5
    return float(line * zoom)


@pytest.mark.parametrize("step", list(Step), ids=str)
def test_a_step_that_breaks_says_a_sentence_and_an_id(
    at: Server, page: Browser, tmp_path: Path, breaks: Path, step: Step
) -> None:
    open_first = step is Step.CONVERT
    if open_first:
        breaks.write_text(step.value)
    path = tmp_path / NAME
    path.write_bytes(burned_in())
    page.open(f"{at.url}/pipeline")
    page.bring(path)
    page.wait_for("Your file")
    if not open_first:
        for number, each in enumerate(Step, 1):
            if each is step:
                breaks.write_text(step.value)
            if each is not Step.CONVERT:
                page.click(f"{number} {STEPS[each]}")
                page.wait_for("Fault id" if each is step else "In: ")
            if each is step:
                break
    page.wait_for("Fault id")
    breaks.unlink()
    found = re.search(r"nothing was written\. Fault id: ([0-9a-f]{8})", page.text)
    assert found, page.text
    assert "RuntimeError" not in page.text
    assert "Traceback" not in page.text
    log = at.log.read_text()
    assert found.group(1) in log
    assert "Traceback" not in log
    assert not [planted for planted in PLANTED if planted in log.encode()]


def test_a_run_of_which_every_stage_breaks_tells_a_sentence_and_an_id_of_each_and_writes_nothing(
    at: Server, page: Browser, tmp_path: Path
) -> None:
    files = {stage: plain(number, ImageComments=broken_at(stage)) for number, stage in enumerate(STAGES)}
    files[WRITE] = plain(len(files))  # which is asked for by its name: no comment is left then
    page.open(f"{at.url}/pipeline")
    page.bring(zip_of(tmp_path / "all.zip", files))
    page.wait_for("Nothing has run yet")
    page.click(f"De-identify {len(STAGES)} images")
    page.wait_for("Select a row to look at the file")
    assert "Download 0 clean files" in page.text
    told: dict[str, str] = {}
    for row in range(len(STAGES)):
        page.select_row(row)
        page.wait_for("Step through it")
        (fault_id,) = re.findall(r"A fault stopped .*, and nothing was written\. Fault id: (\w{8})\.", page.text)
        (name,) = [stage for stage in STAGES if f"\n{stage}\n" in page.text]
        told[name] = fault_id
        assert "RuntimeError" not in page.text
    assert sorted(told) == sorted(STAGES)
    assert len(set(told.values())) == len(STAGES)
    run_id = re.findall(r"run=(\d+)", page.driver.current_url)[0]
    assert not [path for path in (at.home / "runs" / run_id / "out").rglob("*") if path.is_file()]
    log = at.log.read_text()
    assert [fault_id for fault_id in told.values() if fault_id not in log] == []
    assert "Traceback" not in log
    assert not [planted for planted in PLANTED if planted in log.encode()]


def test_a_demo_study_goes_through_every_step_with_the_model(tmp_path: Path) -> None:
    demo = studies()[0]
    with server(tmp_path, DEID_MODEL="") as at, browser(tmp_path / "browser") as page:
        set_up(page, at)
        sign_in(page)
        page.wait_for("Welcome, Ada")
        page.click("Watch every step")
        page.wait_for("read again and checked", 600)
        assert "; 0 elsewhere" in page.text
        page.click("3 Find PHI")
        page.wait_for("words go")
        assert re.search(r"[1-9]\d* of \d+ words go", page.text)
        assert re.search(r"goes: matches the patient's name in the header; model \W*\d+ %", page.text)
        page.wait_for_beside("header match")  # the model does not stand before what settled it
        assert demo.patient.name not in at.log.read_text()
