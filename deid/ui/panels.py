"""The parts of the pipeline page: choosing a file, the bar of steps, the viewer, and what each step found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from deid.demo import DemoStudy, studies
from deid.errors import RefusedError
from deid.jobs import options_of
from deid.pipeline import Step
from deid.store import User
from deid.ui import casework, keys, looks, shared, tables, viewer
from deid.ui.casework import STEPS, Opened, Sheet
from deid.ui.engines import engines
from deid.values import Check, Finding, Outcome, Policy, View

_POLICIES = {Policy.PHI: "What may be PHI", Policy.ALL_TEXT: "All text"}
_VIEWS = {View.WINDOW: "Window", View.FULL: "Full range"}
_COMPARING = (Step.REDACT, Step.VERIFY)


# Choosing


def open_demo(study: DemoStudy) -> None:
    """Open a demo study, and remember it as this tab's file."""
    _open(study.build(), study.title, f"demo:{study.name}")


def _open(data: bytes, title: str, name: str) -> None:
    case_id = casework.open_file(st.session_state[keys.SESSION], data, title, name, options_of(shared.settings()))
    st.session_state[keys.CASE] = case_id
    st.session_state[keys.STEP] = Step.CONVERT.value
    st.session_state[keys.PENDING] = (Step.CONVERT.value,)


def choose() -> None:
    """A demo study or a file of one's own."""
    ours, theirs = st.columns([3, 2], gap="large")
    with ours:
        st.subheader("Try a demo study")
        st.caption("Made-up patients with made-up names burned into the picture.")
        if demo_cards(studies(), columns=3):
            st.rerun()
    with theirs:
        st.subheader("Or take a file of your own")
        st.caption("It stays in this server's memory, for you alone, until you close it or sign out.")
        number, limit = st.session_state.get(keys.UPLOADS, 0), shared.settings().max_upload_mb
        uploaded = st.file_uploader(
            f"A DICOM file of {limit:,} MB at most, with or without extension", key=f"upload-{number}"
        )
        if uploaded is not None:
            try:
                _open(uploaded.getvalue(), "Your file", uploaded.name)
            except RefusedError as exc:
                st.error(str(exc), icon=":material/do_not_disturb_on:")
                return
            st.session_state[keys.UPLOADS] = number + 1
            st.rerun()


def one_of_each(found: tuple[DemoStudy, ...], count: int) -> tuple[DemoStudy, ...]:
    """The first study of each modality, so many at most."""
    return tuple({study.modality: study for study in reversed(found)}.values())[::-1][:count]


def demo_cards(shown: tuple[DemoStudy, ...], *, columns: int) -> bool:
    """A card a study; whether one was opened just now."""
    places: list[Any] = []
    for study in shown:
        places = places or list(st.columns(columns))  # a row at a time, so that its cards are of one height
        with places.pop(0), st.container(border=True, height="stretch"):
            st.badge(looks.MODALITIES.get(study.modality, study.modality), color="blue")
            st.markdown(f"**{study.title}**")
            st.caption(study.note)
            st.space("stretch")
            if st.button("Open", key=f"demo-{study.name}", icon=":material/play_arrow:", width="stretch"):
                open_demo(study)
                return True
    return False


# The bar of steps


def headline(opened: Opened) -> None:
    """What is open, and how to put it away."""
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container():
            st.subheader(opened.title, anchor=False)
            st.caption(casework.facts(opened))
        with st.popover("Options", icon=":material/tune:"):
            _options(opened)
        st.button("Close", icon=":material/close:", on_click=_close)


def _options(opened: Opened) -> None:
    policy = st.segmented_control(
        "What goes", list(_POLICIES), default=opened.options.policy, format_func=_POLICIES.__getitem__, required=True
    )
    padding = st.slider("Pixels around each word", 0, 20, opened.options.padding_px)
    options = replace(opened.options, policy=Policy(policy), padding_px=padding)
    if options != opened.options:
        casework.with_options(st.session_state[keys.SESSION], st.session_state[keys.CASE], options)
        st.session_state[keys.STEP] = Step.READ.value
        st.rerun()


def _close() -> None:
    shared.desk().remove(st.session_state[keys.SESSION], st.session_state.pop(keys.CASE, ""))
    st.session_state.pop(keys.PENDING, None)


def step_bar(opened: Opened, shown: Step) -> None:
    """A button a step: look at what it found, or run it when its turn has come."""
    pending = st.session_state.get(keys.PENDING, ())
    with st.container(horizontal=True, gap="small", key="steps"):
        for number, (step, label) in enumerate(STEPS.items(), 1):
            done, runs = step in opened.done, bool(pending) and pending[0] == step.value
            time = opened.seconds.get(step, 0.0) if done else 0.0
            st.button(
                f"{number} {label}" + (f" · {looks.seconds(time)}" if time >= 0.005 else ""),
                key=f"step-{step.value}",
                icon=":material/progress_activity:" if runs else ":material/check_circle:" if done else None,
                type="primary" if step is shown else "secondary",
                disabled=not done and (step is not opened.next_step or bool(pending)),
                on_click=_go,
                args=(step, done),
            )
        rest = tuple(step.value for step in STEPS if step not in opened.done)
        st.button(
            "Run all",
            icon=":material/fast_forward:",
            type="primary",
            disabled=opened.next_step is None or bool(pending),
            on_click=_run,
            args=(rest,),
        )


def _go(step: Step, done: bool) -> None:
    st.session_state[keys.STEP] = step.value
    if not done:
        _run((step.value,))


def _run(steps: tuple[str, ...]) -> None:
    st.session_state[keys.PENDING] = steps


# The picture


def picture(opened: Opened, step: Step) -> int:
    """Draw the step's picture with its controls under it; the number of the frame shown."""
    drawing = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.segmented_control(
            "Grey values", list(_VIEWS), default=View.WINDOW, format_func=_VIEWS.__getitem__, required=True, key="view"
        )
        several = opened.case.frames > 1
        frame = (
            st.slider("Frame", 1, opened.case.frames, 1, key=f"frame-{st.session_state.get(keys.CASE)}") - 1
            if several
            else 0
        )
    view = View(chosen)
    compares = step in _COMPARING and opened.case.redacted is not None
    first = Sheet.REDACTED if step is Step.HEADER and opened.case.redacted is not None else Sheet.ORIGINAL
    drawn = casework.marks(opened, step, frame, _selected(step, frame)) if step in opened.done else ()
    with drawing:
        viewer.show(
            casework.picture(opened, first, frame, view),
            drawn,
            after=casework.picture(opened, Sheet.REDACTED, frame, view) if compares else b"",
            key="viewer",
            text=f"{opened.title}, frame {frame + 1}, {STEPS[step].lower()}, {len(drawn)} boxes",
        )
    return frame


def _table_key(step: Step, frame: int) -> str:
    return f"table-{step.value}-{frame}-{st.session_state.get(keys.CASE)}"


def _selected(step: Step, frame: int) -> int | None:
    state = st.session_state.get(_table_key(step, frame))
    rows = state["selection"]["rows"] if state else []
    return int(rows[0]) if rows else None


# What each step found


def result(opened: Opened, step: Step, frame: int) -> None:
    """The step's evidence beside the picture."""
    if opened.fault and step not in opened.done:
        st.error(opened.fault, icon=":material/gpp_bad:")
        st.write("Nothing was written. This file stays in quarantine.")
        return
    if step not in opened.done:
        st.info("This step has not run yet.", icon=":material/hourglass_empty:")
        return
    draw = {
        Step.CONVERT: _converted,
        Step.READ: _words,
        Step.FIND: _findings,
        Step.BOXES: _boxes,
        Step.REDACT: _redacted,
        Step.HEADER: _header,
        Step.VERIFY: _verified,
    }[step]
    draw(opened, frame)
    if step is not Step.CONVERT:
        st.button(
            "Run this step again", icon=":material/refresh:", type="tertiary", on_click=_run, args=((step.value,),)
        )


def _converted(opened: Opened, _frame: int) -> None:
    st.markdown("#### The frame as a picture")
    st.write(
        "Each frame becomes an 8-bit picture for reading: once as the header's window shows it, and once over all "
        "stored values, so that text which one of the two hides is still found."
    )
    st.metric("Frames", f"{opened.case.frames:,}")


def _words(opened: Opened, frame: int) -> None:
    found = casework.words_of(opened, frame)
    count = len(found.words) if found else 0
    st.markdown(f"#### {count:,} words in this frame")
    if not found or not count:
        st.write("No text was seen here.")
        return
    if found.repeats:
        st.caption(f"{len(found.repeats):,} more frames have the same pixels and were not read again.")
    _table(tables.words(found), Step.READ, frame, {"Confidence": tables.share_column()})


def _findings(opened: Opened, frame: int) -> None:
    found = casework.findings_of(opened, frame)
    going = sum(finding.is_phi for finding in found.findings) if found else 0
    st.markdown(f"#### {going:,} of {len(found.findings) if found else 0:,} words go")
    if not found or not found.findings:
        st.write("There is no text to decide about.")
        return
    st.caption("Select a row to see where it stands. Doubt counts as PHI.")
    columns = {
        "Decision": tables.decision_column(),
        "P(PHI)": tables.share_column(),
        "Because": tables.reason_column(),
    }
    _table(tables.findings(found), Step.FIND, frame, columns)
    chosen = _selected(Step.FIND, frame)
    if chosen is not None and chosen < len(found.findings):
        _evidence(found.findings[chosen])


def _evidence(finding: Finding) -> None:
    """Every rule's and engine's verdict on one word."""
    with st.container(border=True):
        st.caption("Evidence for the selected word, strongest first")
        for each in sorted(finding.evidence, key=lambda each: -abs(each.p_phi - 0.5)):
            look = looks.REASONS[each.reason]
            st.markdown(f"**{look.label}** · `{each.rule}` · P(PHI) {looks.per_cent(each.p_phi)}")


def _boxes(opened: Opened, frame: int) -> None:
    found = casework.regions_of(opened, frame)
    st.markdown(f"#### {len(found):,} boxes in this frame")
    if not found:
        st.write("Nothing has to be overwritten here.")
        return
    area = sum(region.box.area for region in found)
    st.caption(f"{area:,} pixels, words joined and padded; left and top count from the upper left corner.")
    _table(tables.regions(found), Step.BOXES, frame, {"Because": tables.reason_column()})


def _redacted(opened: Opened, frame: int) -> None:
    found = casework.regions_of(opened, frame)
    st.markdown("#### Before and after")
    st.write("Drag the slider: only what lies inside the boxes is overwritten, in the stored pixels of a copy.")
    if found:
        _table(tables.regions(found), Step.REDACT, frame, {"Because": tables.reason_column()})


def _header(opened: Opened, _frame: int) -> None:
    found = tables.removals(opened.case.removals or ())
    st.markdown(f"#### {len(found):,} header elements changed")
    wanted = st.text_input("Search", placeholder="PatientName, dummy, (0010,…", icon=":material/search:")
    if wanted:
        found = found[found.apply(lambda row: wanted.lower() in " ".join(row).lower(), axis=1)]
    st.dataframe(found, hide_index=True, height=470)


def _verified(opened: Opened, _frame: int) -> None:
    end = opened.end
    assert end is not None
    outcome, reason = end
    look = looks.OUTCOMES[outcome]
    banner = {Outcome.CLEANED: st.success, Outcome.NEEDS_REVIEW: st.warning}.get(outcome, st.error)
    banner(f"**{look.label.capitalize()}.** {reason or 'Every check passed.'}", icon=look.letter)
    if sentence := casework.proof_sentence(opened):
        st.markdown(f"##### {sentence}")
    if outcome is Outcome.CLEANED and opened.case.written is not None:
        st.download_button(
            "Download the clean file",
            opened.case.written,
            file_name=f"clean-{opened.name_hash[:8]}.dcm",
            mime="application/dicom",
            icon=":material/download:",
            type="primary",
            on_click="ignore",
        )
    st.markdown("  \n".join(_check_line(check) for check in opened.case.checks or ()))


def _check_line(check: Check) -> str:
    sign = ":green[:material/check_circle:]" if check.passed else ":orange[:material/visibility:]"
    if not check.passed and not check.review:
        sign = ":red[:material/cancel:]"
    return f"{sign} **{check.name.capitalize()}** · {check.detail}"


def _table(rows: object, step: Step, frame: int, columns: dict[str, Any]) -> None:
    st.dataframe(
        rows,
        hide_index=True,
        height=430,
        column_config=columns,
        on_select="rerun",
        selection_mode="single-row",
        key=_table_key(step, frame),
    )


# Running


def run_pending(opened: Opened, user: User) -> None:
    """Run the first of the steps that wait, if any; the page then starts over and shows it.

    A click meanwhile starts the page over too, once the step is done: the steps after it still wait then.
    """
    pending = st.session_state.get(keys.PENDING, ())
    if not pending:
        return
    step = Step(pending[0])
    st.session_state[keys.PENDING] = pending[1:]
    if step not in (*opened.done, opened.next_step):
        st.session_state[keys.PENDING] = ()
        return
    owner, case_id = st.session_state[keys.SESSION], st.session_state[keys.CASE]
    with st.spinner(f"{STEPS[step]}…", show_time=True):
        casework.advance(owner, case_id, user, step, engines(shared.settings()))
    st.session_state[keys.STEP] = step.value
    st.rerun()
