"""What each step found, beside the picture: its input and output, its evidence, and its options to run it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from deid.errors import UsageError
from deid.pipeline import Options, Step
from deid.profile import HeaderOption, Profile, preset, presets
from deid.single import told_of
from deid.ui import casework, downloads, exhibits, keys, looks, places, supposing, tables, why
from deid.ui.casework import Opened
from deid.values import Check, Finding, Outcome, Policy

POLICIES = {Policy.PHI: "What may be PHI", Policy.ALL_TEXT: "All text"}
_HEADER_FILTERS = {"Changed": exhibits.CHANGES, "Added": "+", "Kept": "K", "All": f"{exhibits.CHANGES}+K"}


def result(opened: Opened, step: Step, frame: int, *, hidden: bool) -> None:
    """The step's evidence."""
    if opened.fault and step not in opened.done:
        st.error(opened.fault, icon=":material/gpp_bad:")
        st.write("Nothing was written. This file stays in quarantine.")
        return
    if step not in opened.done:
        st.info("This step has not run yet.", icon=":material/hourglass_empty:")
        return
    given, made = exhibits.account(opened, step)
    st.caption(f"In: {given} · Out: {made} · {looks.seconds(opened.seconds.get(step, 0.0))}")
    draw: Callable[[Opened, int, bool], None] = {
        Step.CONVERT: _converted,
        Step.READ: _words,
        Step.FIND: _findings,
        Step.BOXES: _boxes,
        Step.REDACT: _redacted,
        Step.HEADER: _header,
        Step.VERIFY: _verified,
    }[step]
    draw(opened, frame, hidden)
    _again(opened, step)


def _again(opened: Opened, step: Step) -> None:
    """Run the step again, with other options where it has any."""
    with st.container(horizontal=True, vertical_alignment="center"):
        options = opened.options
        if step in (Step.FIND, Step.BOXES, Step.HEADER):
            with st.popover("Options of this step", icon=":material/tune:"):
                options = _options(opened, step)
        changed = options != opened.options
        st.button(
            "Run again with these options" if changed else "Run this step again",
            icon=":material/refresh:",
            type="primary" if changed else "tertiary",
            on_click=_run_again,
            args=(step, options),
        )


def _options(opened: Opened, step: Step) -> Options:
    options, case_id = opened.options, st.session_state.get(keys.CASE, "")
    if step is Step.BOXES:
        padding = st.slider("Pixels around each word", 0, 20, options.padding_px, key=f"padding-{case_id}")
        return replace(options, padding_px=padding)
    if step is Step.HEADER:
        return replace(options, profile=profile_select(case_id, options.profile))
    policy = st.segmented_control(
        "What goes",
        list(POLICIES),
        default=options.policy,
        format_func=POLICIES.__getitem__,
        required=True,
        key=f"policy-{case_id}",
    )
    percent = st.slider(
        "A word goes from this P(PHI) on",
        5,
        95,
        round(100 * options.threshold),
        5,
        format="%d %%",
        key=f"threshold-{case_id}",
        help="Lower: more words go. Higher: more stay.",
    )
    return replace(options, policy=Policy(policy), threshold=percent / 100)


def profile_select(key: str, chosen: Profile) -> Profile:
    """What the header keeps: a preset, and options of PS3.15 beside it, named as on the command line."""
    name = st.segmented_control(
        "What the header keeps",
        list(presets()),
        default=chosen.preset,
        format_func=str.capitalize,
        required=True,
        key=f"profile-{key}",
        help="Strict: nothing that can identify. Research: dates moved, age and sex kept. Teaching: age and sex kept, "
        "no dates.",
    )
    base = preset(name)
    offered = [option.value for option in HeaderOption if not base.has(option)]
    more = st.multiselect(
        "Options beside the preset",
        offered,
        default=[option for option in offered if chosen.has(HeaderOption(option))],
        placeholder="None",
        key=f"options-{key}-{name}",
        help="The options of PS3.15 E.3 that the preset has not: what each keeps is in docs/headers.md.",
    )
    try:
        return base.with_options(map(HeaderOption, more))
    except UsageError as exc:
        st.warning(str(exc), icon=":material/warning:")
        return base


def _run_again(step: Step, options: Options) -> None:
    casework.with_options(st.session_state[keys.SESSION], st.session_state[keys.CASE], step, options)
    st.session_state[keys.PENDING] = (step.value,)


def table_key(step: Step, frame: int) -> str:
    """The key of a step's table."""
    turned = f"-{st.session_state.get(keys.TURNED, 0)}" if step is Step.FIND else ""
    return f"table-{step.value}-{frame}-{st.session_state.get(keys.CASE)}{turned}"


def selected(opened: Opened, step: Step, frame: int) -> int | None:
    """What stands out in a step's picture: the word that is explained, or the row that is selected in its table."""
    if step is Step.FIND:
        found = exhibits.findings_of(opened, frame)
        chosen = int(st.session_state.get(_word_key(frame), -1))
        return chosen if found and 0 <= chosen < len(found.findings) else None
    return _row(table_key(step, frame))


def _row(key: str) -> int | None:
    state = st.session_state.get(key)
    rows = state["selection"]["rows"] if state else []
    return int(rows[0]) if rows else None


def pick(frame: int, number: int) -> None:
    """Explain the word that was clicked in the picture."""
    st.session_state[_word_key(frame)] = number
    _turn_table()


def _pick_row(key: str, frame: int) -> None:
    if (row := _row(key)) is not None:
        st.session_state[_word_key(frame)] = row


def _word_key(frame: int) -> str:
    return f"word-{frame}-{st.session_state.get(keys.CASE)}"


def _turn_table() -> None:
    """A word was chosen elsewhere: the table has no row selected any more."""
    st.session_state[keys.TURNED] = int(st.session_state.get(keys.TURNED, 0)) + 1


def _converted(opened: Opened, _frame: int, _hidden: bool) -> None:
    st.markdown("#### The frame as a picture")
    st.write(
        "Each frame becomes an 8-bit picture for reading: once as the header's window shows it, and once over all "
        "stored values, so that text which one of the two hides is still found."
    )
    shape = opened.case.dataset
    st.caption(f"PNG, {shape.get('Columns', 0):,} × {shape.get('Rows', 0):,} pixels, as large as the stored frame.")
    st.metric("Frames", f"{opened.case.frames:,}")


def _words(opened: Opened, frame: int, hidden: bool) -> None:
    found = exhibits.words_of(opened, frame)
    count = len(found.words) if found else 0
    st.markdown(f"#### {looks.count(count, 'word')} in this frame")
    if codes := opened.case.codes:
        st.write(f"{looks.count(len(codes), 'bar code or QR code', 'bar codes or QR codes')}: each goes, unread.")
    if not found or not count:
        st.write("No text was seen here.")
        return
    if found.repeats:
        st.caption(f"{len(found.repeats):,} more frames have the same pixels and were not read again.")
    _table(tables.words(found, hidden=hidden), Step.READ, frame, {"Confidence": tables.share_column(100)})


def _findings(opened: Opened, frame: int, hidden: bool) -> None:
    found = exhibits.findings_of(opened, frame)
    going = sum(finding.is_phi for finding in found.findings) if found else 0
    st.markdown(f"#### {going:,} of {len(found.findings) if found else 0:,} words go")
    if not found or not found.findings:
        st.write("There is no text to decide about.")
        return
    chosen = word_select(found.findings, _word_key(frame), hidden=hidden, on_change=_turn_table)
    why_card(found.findings[chosen], hidden=hidden)
    st.caption("A click on a word in the picture, or on a row, explains it too. Doubt counts as PHI.")
    columns = {
        "Because": tables.reason_column(),
        "P(PHI)": tables.share_column(),
        "Decision": tables.decision_column(),
    }
    _table(tables.findings(found, hidden=hidden), Step.FIND, frame, columns)
    supposing.draw(opened.case, opened.options, str(st.session_state.get(keys.CASE)), hidden=hidden)


def _telling(findings: Sequence[Finding]) -> int:
    """The word that is explained before one is chosen: the patient's name where it stands in the picture."""

    def weight(finding: Finding) -> tuple[bool, bool, float]:
        return finding.is_phi, any(each.rule == "PatientName" for each in finding.evidence), finding.p_phi

    return max(range(len(findings)), key=lambda number: weight(findings[number]))


def word_select(
    found: Sequence[Finding], key: str, *, hidden: bool, on_change: Callable[[], None] | None = None
) -> int:
    """The number of the word to explain: one that was chosen, or one that tells most."""
    if not 0 <= int(st.session_state.get(key, -1)) < len(found):
        st.session_state[key] = _telling(found)
    return int(
        st.selectbox(
            "Why does this word go or stay?",
            range(len(found)),
            format_func=lambda number: (
                f"{looks.told(found[number].word.text, hidden=hidden)} · {tables.fate(found[number])}"
            ),
            key=key,
            on_change=on_change,
        )
    )


def why_card(finding: Finding, *, hidden: bool) -> None:
    """Why this word goes or stays, and every rule's and engine's verdict on it with its weight."""
    order = {reason: place for place, reason in enumerate(finding.reasons)}
    evidence = sorted(finding.evidence, key=lambda each: order.get(each.reason, len(order)))
    with st.container(border=True):
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            st.text(looks.told(finding.word.text, hidden=hidden), width="content")
            st.markdown(f"**{why.sentence(finding)}**")
        lines = [
            f"{looks.per_cent(each.p_phi)} · {looks.REASONS[each.reason].label}: {why.said(each)}" for each in evidence
        ]
        st.caption(
            "  \n".join(
                [
                    *lines,
                    f"Together {looks.per_cent(finding.p_phi)}: a word goes from "
                    f"{looks.per_cent(finding.threshold)} on.",
                ]
            )
        )


def _boxes(opened: Opened, frame: int, _hidden: bool) -> None:
    found = exhibits.regions_of(opened, frame)
    st.markdown(f"#### {looks.count(len(found), 'box', 'boxes')} in this frame")
    if not found:
        st.write("Nothing has to be overwritten here.")
        return
    area = sum(region.box.area for region in found)
    st.caption(f"{area:,} pixels, words joined and padded; left and top count from the upper left corner.")
    _table(tables.regions(found), Step.BOXES, frame, {"Because": tables.reason_column()})


def _redacted(opened: Opened, frame: int, _hidden: bool) -> None:
    found = exhibits.regions_of(opened, frame)
    st.markdown("#### Before and after")
    st.write("Drag the slider: only what lies inside the boxes is overwritten, in the stored pixels of a copy.")
    if found:
        _table(tables.regions(found), Step.REDACT, frame, {"Because": tables.reason_column()})


def _header(opened: Opened, _frame: int, hidden: bool) -> None:
    pairs = exhibits.header_pairs(opened)
    st.markdown(f"#### {looks.count(len(exhibits.changed(opened)), 'header element')} changed")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "Which elements", list(_HEADER_FILTERS), default="Changed", required=True, label_visibility="collapsed"
        )
        shown = st.toggle(
            "Show values", disabled=hidden, help="As they were in the original: turn this on where your task needs it."
        )
    wanted = st.text_input("Search", placeholder="Patient, removed, (0010,…", icon=":material/search:")
    chosen = [pair for pair in pairs if pair.action in _HEADER_FILTERS[kind]]
    found = tables.headers(chosen, hidden=hidden or not shown)
    if wanted:
        found = found[found.apply(lambda row: wanted.lower() in " ".join(row).lower(), axis=1)]
    if found.empty:
        st.info("No element is like that.", icon=":material/search_off:")
        return
    st.dataframe(found, hide_index=True, height=tables.height(len(found), 470), column_config=tables.header_columns())


def _verified(opened: Opened, _frame: int, _hidden: bool) -> None:
    end = opened.end
    assert end is not None
    outcome, reason = end
    look = looks.OUTCOMES[outcome]
    banner = {Outcome.CLEANED: st.success, Outcome.NEEDS_REVIEW: st.warning}.get(outcome, st.error)
    banner(f"**{look.label.capitalize()}.** {reason or 'Every check passed.'}", icon=look.letter)
    if outcome is Outcome.NEEDS_REVIEW and opened.subject is not None:
        st.page_link(places.page("review"), label="Decide about it on the page Review", icon=":material/rate_review:")
    for caution in told_of(opened.case):
        if caution not in reason:
            st.info(caution, icon=":material/visibility:")
    if sentence := exhibits.proof_sentence(opened):
        st.markdown(f"##### {sentence}")
    if opened.clean_file is not None:
        st.link_button(
            f"Download the clean file · {looks.size(len(opened.clean_file))}",
            downloads.case_url(st.session_state.get(keys.CASE, "")),
            icon=":material/download:",
            type="primary",
        )
    st.markdown("  \n".join(_check_line(check) for check in opened.case.checks or ()))


def _check_line(check: Check) -> str:
    sign = ":green[:material/check_circle:]" if check.passed else ":orange[:material/visibility:]"
    if not check.passed and not check.review:
        sign = ":red[:material/cancel:]"
    return f"{sign} **{looks.check(check.name)}** · {check.detail}"


def _table(rows: pd.DataFrame, step: Step, frame: int, columns: dict[str, Any]) -> None:
    key = table_key(step, frame)

    def chosen() -> None:
        if step is Step.FIND:
            _pick_row(key, frame)

    st.dataframe(
        rows,
        hide_index=True,
        height=tables.height(len(rows), 430),
        column_config=columns,
        on_select=chosen,
        selection_mode="single-row",
        key=key,
    )
