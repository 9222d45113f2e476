"""The pipeline page under Streamlit's test runner: what came in, options of a step, blurred originals, runs."""

from __future__ import annotations

import base64
import gc
import io
import time
import weakref
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from PIL import Image as Pillow
from pydicom.uid import ExplicitVRLittleEndian, HTJ2KLosslessRPCL, JPEG2000Lossless, JPEGLosslessSV1, JPEGLSNearLossless
from streamlit.testing.v1 import AppTest

from deid import serving
from deid.background import KIND
from deid.demo import studies
from deid.inputs import InputFile
from deid.intake import take_in
from deid.ledger import Ledger
from deid.manifest import Batch
from deid.pipeline import Engines, Step
from deid.profile import HeaderOption, preset
from deid.render import to_png
from deid.runfiles import RunFiles
from deid.settings import Settings
from deid.store import Actor, NewUser, Role, RunState
from deid.ui import casework, exhibits, keys, looks, piles, shared, tables
from deid.ui.casework import Sheet
from deid.unzip import Limits
from deid.values import Box, FileRecord, Outcome, Policy, Reason, Region, View
from deid.workbench import Item, Workbench
from tests.dicom_factory import PHI, dicom, file_bytes, gradient, report
from tests.test_ui import DEMO, OneWord, headings, held, sign_in, start
from tests.test_workbench import CALM, picture, remade, restless

NAME = DEMO.patient.name.partition("^")[0]
PAGE = "../../pages/pipeline.py"


@pytest.fixture(autouse=True)
def _installation(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DEID_HOME", str(settings.home))
    monkeypatch.setattr(serving, "make_engines", lambda _settings: Engines((OneWord(),), b"k" * 32))
    serving.forget_engines()
    yield
    shared.background().close()
    shared.store().close()


def enter(role: Role = Role.STAFF) -> AppTest:
    """The page, for somebody of this role."""
    shared.store().add_user(NewUser("ada", "correct horse battery", "Ada", role=role))
    page = sign_in(start()).switch_page(PAGE).run()
    assert not page.exception
    return page


def bring(page: AppTest, **files: bytes) -> AppTest:
    page.file_uploader[0].set_value([(name, data, "") for name, data in files.items()]).run()
    assert not page.exception
    return page


def press(page: AppTest, label: str) -> AppTest:
    next(each for each in page.button if each.label.startswith(label)).click().run()
    assert not page.exception
    return page


def opened(page: AppTest) -> casework.Opened:
    found = casework.find(page.session_state[keys.SESSION], page.session_state[keys.CASE])
    assert found is not None
    return found


def open_demo(page: AppTest) -> AppTest:
    page.button(key=f"demo-{DEMO.name}").click().run()
    return press(page, "Run all")


def test_what_came_in_is_told_before_anything_runs() -> None:
    page = bring(enter(), a=dicom(gradient(20, 30)), b=dicom(gradient(22, 30)), c=b"no image")
    assert headings(page)[0] == "Your files"
    told = {each.label: each.value for each in page.metric}
    assert (told["Images"], told["Refused"]) == ("2", "1")
    assert shared.store().totals().by_outcome == ()
    assert shared.background().of("ada") == ()


def test_nothing_to_run_has_no_button() -> None:
    page = bring(enter(), a=b"no image", b=b"no image either")
    assert not [each for each in page.button if each.label.startswith("De-identify")]
    assert "no image among" in page.info[0].value


def test_a_bad_zip_is_refused_with_a_sentence() -> None:
    page = bring(enter(), bad=b"PK\x03\x04 and no more")
    assert "damaged" in page.error[0].value


def test_what_was_not_submitted_is_gone_from_memory_after_signing_out() -> None:
    page = bring(enter(), a=dicom(gradient(20, 30)), b=dicom(gradient(22, 30)))
    pile = piles.find(page.session_state[keys.SESSION], page.session_state[keys.PILE])
    assert pile is not None
    gone = weakref.ref(pile)
    del pile
    page.switch_page("../../pages/account.py").run()
    press(page, "Sign out")
    gc.collect()
    assert gone() is None


def test_a_run_is_begun_with_one_button_and_ends_with_outcomes() -> None:
    page = bring(enter(), a=dicom(gradient(60, 80)), b=dicom(gradient(62, 80)), c=b"no image")
    press(page, "De-identify 2 images")
    deadline = time.monotonic() + 180
    while shared.background().of("ada")[0].ended is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    page.run()
    told = {each.label: each.value for each in page.metric}
    assert told["Refused"] == "1"
    assert shared.store().totals().images == 2
    assert PHI["PatientName"] not in str(held(page))


def waiting_run(settings: Settings) -> int:
    """A run of Ada's with a file that came out clean and one that waits for her."""
    files = [(name, dicom(gradient(60 + number, 80))) for number, name in enumerate(("clean", "waits"))]
    intake = take_in(files, Limits(10, 10_000_000), max_frames=10, max_pixels=100_000)
    run = shared.store().start_run("ada", KIND, 2)
    kept = RunFiles(settings.home, run)
    kept.lay_down(intake.images)
    for image, outcome in zip(intake.images, (Outcome.CLEANED, Outcome.NEEDS_REVIEW), strict=True):
        record = FileRecord(str(image.path), outcome, "")
        kept.note(image.path, record, published=False)
        shared.store().add_image(run, record, shared.store().name_hash(str(image.path)))
    shared.store().finish_run(run)
    return run


def test_of_a_run_what_waits_is_shown_first(settings: Settings) -> None:
    page = enter()
    run = waiting_run(settings)
    page.query_params["run"] = str(run)
    page.run()
    assert headings(page)[0] == f"Run {run}"
    (table,) = (each.value for each in page.dataframe)
    assert list(table["File"]) == ["waits"], "what came out clean is a click away"


def test_one_click_on_the_landing_page_shows_every_step_on_a_demo_study() -> None:
    page = enter().switch_page("../../pages/dashboard.py").run()
    press(page, "Watch every step")
    assert opened(page).done == tuple(Step)
    assert any("; 0 elsewhere" in each.value for each in page.markdown)


def test_a_list_beside_the_open_image_tells_how_each_ended() -> None:
    page = bring(enter(), a=dicom(gradient(60, 80)), b=dicom(gradient(62, 80)))
    page.session_state[keys.NARROW] = True
    page.run()
    next(each for each in page.selectbox if each.label == "Step through one image").select_index(0).run()
    assert not page.dataframe, "on a phone there is no room for it"
    page.session_state[keys.NARROW] = False
    press(page, "Run all")
    (shelf,) = (each.value for each in page.dataframe if list(each.value.columns) == ["Image", "Outcome"])
    assert [list(each) for each in shelf["Outcome"]] == [["cleaned"], []]
    assert all(each.startswith("data:image/png;base64,") for each in shelf["Image"])
    press(page, "Next")
    assert opened(page).title == "Image 2 of 2"


@pytest.mark.parametrize(("modality", "shown"), [("US", ">US<"), ("<script>", ">–<")], ids=["known", "made up"])
def test_what_cannot_be_drawn_small_is_told_by_its_modality_until_it_was_opened(modality: str, shown: str) -> None:
    compressed = next(study for study in studies() if study.name == "us-heart-cine").build()
    intake = take_in([("a", compressed)], Limits(10, 10_000_000), max_frames=100, max_pixels=10_000_000)
    pile = piles.Pile(replace(intake, images=(replace(intake.images[0], modality=modality),)), "")
    kind, _, drawn = piles.thumb(pile, 0, hidden=False).partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert shown in base64.b64decode(drawn).decode()
    piles.remember(pile, 0, to_png(np.full((200, 100, 3), (200, 10, 10), np.uint8)), hidden=False)
    kind, _, drawn = piles.thumb(pile, 0, hidden=False).partition(",")
    small = Pillow.open(io.BytesIO(base64.b64decode(drawn)))
    assert (kind, small.size, small.getpixel((5, 5))) == ("data:image/png;base64", (48, 96), (200, 10, 10))
    assert piles.has_no_thumb(pile, 0, hidden=True), "what was blurred is another picture"


def test_the_patients_name_is_explained_before_a_word_is_chosen() -> None:
    page = open_demo(enter())
    press(page, "3 Find PHI")
    assert any("goes: matches the patient's name in the header" in each.value for each in page.markdown)


def test_a_run_that_the_server_left_is_resumed_with_one_button() -> None:
    page = bring(enter(), a=dicom(gradient(60, 80)), b=dicom(gradient(62, 80)))
    press(page, "De-identify 2 images")
    wait_for_the_run()
    run = shared.background().of("ada")[0]
    assert not [each for each in page.run().button if each.label == "Resume"], "a run that ended cannot be resumed"
    shared.store().plan_again(run.id, [1])
    shared.store().finish_run(run.id, RunState.INTERRUPTED)
    assert "The server stopped during this run" in page.run().warning[0].value
    press(page, "Resume")
    wait_for_the_run()
    ended = shared.background().of("ada")[0]
    assert (ended.state, ended.done) == (RunState.FINISHED, 2)


def test_the_files_that_nobody_worked_on_are_listed_a_page_at_a_time(settings: Settings) -> None:
    page, store = enter(), shared.store()
    run = store.start_run("ada", KIND, 0, state=RunState.PLANNED)
    sources = (InputFile(Path(f"/in/{n:05}"), PurePosixPath(f"{n:05}.dcm"), "") for n in range(1200))
    Ledger(store, settings, run).plan(Batch((Path("/in"),), Path("/out"), user="ada"), sources)
    store.end_image(run, 3, FileRecord("x", Outcome.QUARANTINED, "No."))
    store.finish_run(run, RunState.INTERRUPTED)
    page.query_params["run"] = str(run)
    page.run()
    assert "1,199 files had not been worked on" in page.warning[0].value
    assert listed(page) == [f"{n:05}.dcm" for n in range(501) if n != 3]
    page.pagination[0].set_value(3).run()
    assert listed(page) == [f"{n:05}.dcm" for n in range(1001, 1200)]
    assert "1,001 to 1,199 of 1,199 files that nobody has worked on yet." in [each.value for each in page.caption]


def listed(page: AppTest) -> list[str]:
    (table,) = (each.value for each in page.dataframe)
    return list(table["File"])


def wait_for_the_run() -> None:
    deadline = time.monotonic() + 120
    while shared.background().of("ada")[0].state is not RunState.FINISHED:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_wrong_number_in_the_address_shows_where_to_begin() -> None:
    page = enter()
    for number in ("99", "-1", "x", "9" * 40):
        page.query_params["run"] = number
        page.run()
        assert not page.exception
        assert "Try a demo study" in headings(page)


def test_an_account_for_showing_takes_no_files_and_shows_no_original() -> None:
    page = enter(Role.DEMO)
    assert not page.file_uploader
    page = open_demo(page)
    press(page, "3 Find PHI")
    switch = next(each for each in page.toggle if each.label == "Blur originals")
    assert (switch.value, switch.disabled) == (True, True)
    assert NAME not in str([each.value for each in page.dataframe])
    press(page, "6 Clean header")
    assert next(each for each in page.toggle if each.label == "Show values").disabled
    assert DEMO.patient.name not in str([each.value for each in page.dataframe])


def test_values_of_the_header_are_shown_only_when_asked_for() -> None:
    page = press(open_demo(enter()), "6 Clean header")
    assert DEMO.patient.name not in str([each.value.to_dict() for each in page.dataframe])
    next(each for each in page.toggle if each.label == "Show values").set_value(True).run()
    assert DEMO.patient.name in str([each.value.to_dict() for each in page.dataframe])
    next(each for each in page.text_input if each.label == "Search").input("patient's name").run()
    assert len(page.dataframe[0].value) == 1


def test_a_step_with_other_options_drops_what_came_after_it() -> None:
    page = open_demo(enter())
    owner, case_id = page.session_state[keys.SESSION], page.session_state[keys.CASE]
    before = opened(page)
    casework.with_options(owner, case_id, Step.BOXES, replace(before.options, padding_px=9))
    assert opened(page).done == (Step.CONVERT, Step.READ, Step.FIND)
    press(page.run(), "Run all")
    wider = opened(page).case.regions
    assert wider is not None
    assert before.case.regions is not None
    assert wider[0].box.area > before.case.regions[0].box.area
    casework.with_options(owner, case_id, Step.HEADER, replace(opened(page).options, profile=preset("teaching")))
    assert opened(page).done[-1] is Step.REDACT
    press(page.run(), "Run all")
    cleaned = opened(page).case.cleaned
    assert cleaned is not None
    assert "PatientSex" in cleaned and str(cleaned.PatientSex)
    casework.with_options(owner, case_id, Step.FIND, replace(opened(page).options, policy=Policy.ALL_TEXT))
    press(page.run(), "Run all")
    assert len(opened(page).case.regions or ()) > len(wider)


def test_each_step_tells_what_went_in_and_came_out() -> None:
    found = opened(open_demo(enter()))
    assert exhibits.account(found, Step.FIND) == ("2 words", "1 go, 1 stay")
    assert exhibits.account(found, Step.BOXES) == ("1 word", "2 boxes"), "the line below, which nobody read, goes too"
    for step in Step:
        assert all(exhibits.account(found, step))


def test_the_difference_shines_where_pixels_changed_and_nowhere_else() -> None:
    found = opened(open_demo(enter()))
    picture = np.asarray(Pillow.open(io.BytesIO(exhibits.picture(found, Sheet.DIFFERENCE, 0, View.WINDOW))))
    shining = (picture == (255, 0, 170)).all(axis=2)
    assert shining.any()
    for box in (region.box for region in found.case.effective or ()):
        shining[box.top : box.bottom, box.left : box.right] = False
    assert not shining.any()


def test_a_blurred_original_has_lost_its_strokes() -> None:
    found = opened(open_demo(enter()))
    sharp, hidden = (
        np.asarray(
            Pillow.open(io.BytesIO(exhibits.picture(found, Sheet.ORIGINAL, 0, View.WINDOW, hidden=each)))
        ).astype(int)
        for each in (False, True)
    )
    steepest = (np.abs(np.diff(each, axis=1)).max() for each in (sharp, hidden))
    assert next(steepest) > 100
    assert next(steepest) < 12


def test_the_reason_that_settled_it_is_a_chip_in_full_and_the_others_letters() -> None:
    region = Region(None, Box(0, 0, 1, 1), (Reason.HEADER, Reason.MODEL), 0.9)
    assert tables.regions((region,))["Because"][0] == [looks.REASONS[Reason.HEADER].label, "M"]
    letters = [look.letter for look in looks.REASONS.values()]
    assert len(set(letters)) == len(letters)


def test_a_zip_of_one_image_opens_it() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", dicom(gradient(20, 30)))
    page = bring(enter(), all=buffer.getvalue())
    assert opened(page).title == "Your file"


@pytest.mark.parametrize(
    "look", [looks.KEPT, *looks.REASONS.values(), *looks.OUTCOMES.values()], ids=lambda look: look.label
)
def test_a_colour_reads_on_black_and_on_white_and_bears_white_letters(look: looks.Look) -> None:
    """WCAG 2: 4.5 to 1, for text of any size."""
    parts = [int(look.colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    assert (luminance + 0.05) / 0.05 >= 4.5
    assert 1.05 / (luminance + 0.05) >= 4.5


def test_outcomes_have_a_colour_each() -> None:
    assert len({look.colour for look in looks.OUTCOMES.values()}) == len(Outcome)


def test_a_report_shows_the_steps_that_apply_to_it_and_comes_out_clean() -> None:
    page = bring(enter(), a=file_bytes(report()))
    told = [each.label.partition(" · ")[0] for each in page.button if (each.key or "").startswith("step-")]
    assert told == ["1 Clean header", "2 Verify"]
    assert any("has no picture" in each.value for each in page.info)
    assert opened(page).done == (Step.HEADER,)
    press(page, "Run all")
    end = opened(page)
    assert end.end == (Outcome.CLEANED, "")
    assert end.clean_file is not None
    assert b"Quillfeather" not in end.clean_file
    assert shared.store().totals().by_outcome == ((Outcome.CLEANED, 1),)


def test_a_report_among_images_is_opened_from_the_pile_and_run_with_it() -> None:
    page = bring(enter(), a=dicom(gradient(20, 30)), b=file_bytes(report()))
    assert {each.label: each.value for each in page.metric}["Images"] == "2"
    press(page, "De-identify 2")
    number = shared.background().of("ada")[0].id
    for _ in range(100):
        if shared.background().look(number) is None:
            break
        time.sleep(0.1)
    run = shared.store().run(number)
    assert run is not None
    assert dict(run.outcomes) == {Outcome.CLEANED: 2}
    page.run()
    assert not page.exception


def test_single_options_are_offered_beside_the_preset() -> None:
    page = press(bring(enter(), a=file_bytes(report())), "Run all")
    press(page, "1 Clean header")
    offered = next(each for each in page.multiselect if each.label == "Options beside the preset")
    assert set(offered.options) == {option.value for option in HeaderOption}
    offered.set_value(["retain-uids", "retain-longitudinal-full-dates"]).run()
    press(page, "Run again with these options")
    chosen = opened(page).options.profile
    assert (chosen.preset, chosen.options) == ("strict", {HeaderOption.RETAIN_UIDS, HeaderOption.RETAIN_FULL_DATES})
    cleaned = opened(page).case.cleaned
    assert cleaned is not None
    assert cleaned.StudyInstanceUID == opened(page).case.dataset.StudyInstanceUID
    assert "strict with options" in cleaned.DeidentificationMethod


def test_options_that_exclude_each_other_are_not_taken() -> None:
    page = press(bring(enter(), a=file_bytes(report())), "Run all")
    press(page, "1 Clean header")
    offered = next(each for each in page.multiselect if each.label == "Options beside the preset")
    offered.set_value(["retain-longitudinal-modified-dates", "retain-longitudinal-full-dates"]).run()
    assert any("choose one" in each.value for each in page.warning)
    assert not any(each.label == "Run again with these options" for each in page.button)


# One file that needs a look


@pytest.fixture
def doubtful(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page with one file open that came to its end and needs a look."""
    monkeypatch.setattr(serving, "make_engines", lambda _settings: restless())
    serving.forget_engines()
    return press(bring(enter(), **{f"{NAME}.dcm": picture()}), "Run all")


def waiting_item() -> Item:
    bench, (ada,) = Workbench(shared.settings(), shared.store()), shared.store().users()
    (key,) = bench.keys(ada)
    found = bench.item(ada, key)
    assert found is not None
    return found


def test_a_file_opened_alone_joins_the_queue_without_its_name(doubtful: AppTest) -> None:
    item, case = waiting_item(), opened(doubtful)
    assert case.subject == item.subject and item.subject.image_id is not None
    assert item.note is not None and "can still be read" in item.note.reason
    assert NAME not in str(item.note.source) + str(item.note.place)
    assert item.file.original() == picture()
    assert item.note.suggested.open == case.case.residue


def test_it_is_approved_as_any_other_and_worked_on_anew_when_it_is_run_again(doubtful: AppTest) -> None:
    item = waiting_item()
    bench = Workbench(shared.settings(), shared.store())
    bench.approve(Actor("ada"), item, remade(bench, item), confirmed=True)
    assert shared.store().totals().count(Outcome.CLEANED) == 1
    assert bench.approved(shared.store().users()[0]) == ((item.file.run_id, 1),)
    owner, case_id = doubtful.session_state[keys.SESSION], doubtful.session_state[keys.CASE]
    casework.advance(owner, case_id, shared.store().users()[0], Step.VERIFY, CALM)
    subject, before = opened(doubtful).subject, shared.store().run(item.file.run_id)
    assert subject is not None and subject.run_id > item.file.run_id
    assert before is not None and before.outcomes == ((Outcome.CLEANED, 1),), "what was decided stands"
    assert bench.approved(shared.store().users()[0]) == ((item.file.run_id, 1),)


def test_it_waits_no_longer_once_it_came_out_clean(doubtful: AppTest) -> None:
    owner, case_id = doubtful.session_state[keys.SESSION], doubtful.session_state[keys.CASE]
    for step in (Step.READ, Step.FIND, Step.BOXES, Step.REDACT, Step.HEADER, Step.VERIFY):
        casework.advance(owner, case_id, shared.store().users()[0], step, CALM)
    assert Workbench(shared.settings(), shared.store()).keys(shared.store().users()[0]) == ()
    assert shared.store().totals().by_outcome == ((Outcome.CLEANED, 1),)


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0 %"), (0.0059, "< 1 %"), (0.01, "1 %"), (0.346, "35 %"), (0.99, "99 %"), (0.9999, "> 99 %"), (1, "100 %")],
    ids=str,
)
def test_a_probability_is_told_in_whole_per_cent(share: float, said: str) -> None:
    assert looks.per_cent(share) == said


def test_a_table_sorts_probabilities_as_numbers() -> None:
    """By the order of signs in Unicode, as browsers compare: space, then other signs, then digits."""
    told = tables.shares([0, 0.004, 0.01, 0.094, 0.096, 0.5, 0.984, 0.99, 0.9999, 1])
    weights = {" ": 0, "<": 1, ">": 1, "%": 1}
    assert sorted(told, key=lambda text: [weights.get(sign, ord(sign)) for sign in text]) == told


@pytest.mark.parametrize(
    ("uid", "said"),
    [
        (ExplicitVRLittleEndian, "Explicit VR Little Endian"),
        (JPEGLosslessSV1, "JPEG Lossless SV1"),
        (JPEGLSNearLossless, "JPEG-LS Near Lossless"),
        (JPEG2000Lossless, "JPEG 2000 Lossless"),
        (HTJ2KLosslessRPCL, "HTJ2K Lossless RPCL"),
        ("1.2.3.4", "1.2.3.4"),
    ],
)
def test_a_transfer_syntax_is_told_shortly(uid: str, said: str) -> None:
    assert looks.syntax(uid) == said
