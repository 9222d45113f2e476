"""A run on the page: how far it is, what became of its files, and the way to look at one or fetch them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from deid.background import RESUMABLE, Progress
from deid.errors import DeidError
from deid.runfiles import Entry, RunFiles
from deid.serving import engines
from deid.store import Run, RunState, User
from deid.ui import bench, casework, downloads, exhibits, keys, looks, openings, places, screen, shared, steps, tables
from deid.ui.casework import STEPS, Opened
from deid.values import Outcome, View
from deid.waiting import Waiting, name_of

_PARAMETER = "run"
"""In the page's address: the run's number, so that a refresh comes back to it. It tells nothing to anybody else."""
_ALL, _LEFT = "all", "left"
ROWS = 500
"""Files on one page of the table."""


def show(run_id: int) -> None:
    """Turn the page to a run."""
    st.query_params.update(address(run_id))


def address(run_id: int) -> dict[str, str]:
    """What the pipeline page's address holds where it is turned to a run."""
    return {_PARAMETER: str(run_id)}


def shown(user: User) -> Run | None:
    """The run that the page is turned to, where it is this user's."""
    number = st.query_params.get(_PARAMETER, "")
    return shared.background().find(user.username, int(number)) if number.isdecimal() and len(number) < 12 else None


def leave() -> None:
    """Turn the page away from its run; the run goes on."""
    st.query_params.pop(_PARAMETER, None)
    _drop_glance()


def page(run: Run, user: User, *, narrow: bool) -> None:
    """The whole screen of a run."""
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container():
            st.title(f"Run {run.id}", anchor=False)
            st.caption(f"{looks.count(run.planned, 'file')} came in · begun {looks.ago(run.started)}")
        hidden = steps.blur_switch(user)
        st.button("All studies", icon=":material/arrow_back:", on_click=leave)
        working = shared.background().look(run.id) is not None
        if not working and run.state in RESUMABLE:
            st.button("Resume", icon=":material/resume:", type="primary", on_click=_resume, args=(run.id, user))
        if not working and st.button("Close run", icon=":material/delete:"):
            _ask_to_close(run, user)
    if working:
        _working(run.id)
        return
    run = shared.background().find(user.username, run.id) or run  # it may have ended since it was looked up
    if run.state.goes_on:
        st.info("Another process works on this run.", icon=":material/hourglass_empty:")
    else:
        _ended(run, user, hidden=hidden, narrow=narrow)


# At work


@st.fragment(run_every=1.0)
def _working(run_id: int) -> None:
    progress = shared.background().look(run_id)
    if progress is None:
        st.rerun()
    with st.container(border=True):
        st.progress(progress.share, _stage(progress))
        done, rate, left, took = st.columns(4)
        done.metric("Done", f"{progress.done:,} of {progress.total:,}")
        rate.metric("Rate", f"{progress.per_minute:,.0f} a minute" if progress.done else "–")
        left.metric("Time left", looks.left(progress.seconds_left) if progress.seconds_left is not None else "–")
        took.metric("So far", looks.seconds(progress.seconds))
        told = " · ".join(f"{count:,} {looks.OUTCOMES[outcome].label}" for outcome, count in progress.outcomes)
        st.caption(told or "No file has come to its end yet.")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Cancel", icon=":material/stop_circle:", disabled=progress.stopping, on_click=_cancel, args=(run_id,)
            )
            st.caption("You can leave this page, or sign out: the run goes on, and you find it again here.")


def _stage(progress: Progress) -> str:
    if progress.stopping:
        return "Stopping…"
    if progress.elsewhere:
        return f"{progress.done:,} of {progress.total:,} files · on the workers of the cluster"
    if progress.waiting or progress.step is None:
        return "Waiting for the text readers, or for its turn…"
    pictures = f" · {looks.count(progress.pictures, 'picture')} read" if progress.pictures else ""
    number = min(progress.done + 1, progress.total)
    return f"File {number:,} of {progress.total:,} · {STEPS[progress.step]}{pictures}"


def _cancel(run_id: int) -> None:
    shared.background().cancel(run_id)


def _resume(run_id: int, user: User) -> None:
    settings = shared.settings()
    if not shared.background().resume(user.username, run_id, lambda: engines(settings)):
        st.toast("This run cannot go on: its files are not all here.", icon=":material/do_not_disturb_on:")


# Ended


def _ended(run: Run, user: User, *, hidden: bool, narrow: bool) -> None:
    files = shared.background().files(run.id)
    entries = files.entries()
    left = max(run.planned - run.done, 0)
    _banner(run, left, entries)
    screen.figures({looks.OUTCOMES[each].label.capitalize(): run.count(each) for each in Outcome}, narrow=narrow)
    _downloads(run, entries)
    openings.offer(run, user, files, entries)
    if not entries and not left:
        st.info("No file came to its end.", icon=":material/hourglass_disabled:")
        return
    chosen = _choose(entries, run, left, hidden=hidden, narrow=narrow)
    if chosen is not None:
        _glance(run, files, entries[chosen], chosen, hidden=hidden)


def _banner(run: Run, left: int, entries: tuple[Entry, ...]) -> None:
    rest = f" {looks.count(left, 'file')} had not been worked on." if left else ""
    waiting = run.count(Outcome.NEEDS_REVIEW)
    if run.state is RunState.FAILED:
        st.error(f"A fault stopped this run.{rest} What came out before is below.", icon=":material/error:")
    elif run.state is RunState.INTERRUPTED:
        st.warning(f"The server stopped during this run.{rest} What came out before is below.", icon=":material/power:")
    elif run.state is RunState.CANCELLED:
        st.warning(f"This run was cancelled.{rest} What came out before is below.", icon=":material/stop_circle:")
    elif waiting:
        _lead_to_review(run, waiting, entries)
    elif run.count(Outcome.CLEANED) == run.planned:
        st.success("Every file came out clean, and was read again and checked.", icon=":material/check_circle:")
    elif run.count(Outcome.CLEANED):
        others = looks.count(run.planned - run.count(Outcome.CLEANED), "file")
        st.info(f"Nothing waits for you. {others} did not come out: the table says why.", icon=":material/task_alt:")


def _lead_to_review(run: Run, waiting: int, entries: tuple[Entry, ...]) -> None:
    """How many files want a look, and the way to the first of them."""
    wants = "wants" if waiting == 1 else "want"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(f"**{waiting:,} of {run.planned:,} {wants} a look.**", icon=":material/visibility:")
        keys_of_run = (_key(run, entry) for entry in entries if entry.outcome is Outcome.NEEDS_REVIEW)
        first = min(keys_of_run, default="")
        _review_link("Look at it" if waiting == 1 else "Look at them", first)


def _review_link(label: str, key: str) -> None:
    st.page_link(
        places.page("review"), label=label, icon=":material/arrow_forward:", query_params={bench.PARAMETER: key}
    )


def _key(run: Run, entry: Entry) -> str:
    """What the review page calls a file that waits."""
    return Waiting(shared.settings().home, run.id, name_of(entry.place)).key


def _downloads(run: Run, entries: tuple[Entry, ...]) -> None:
    clean = sum(entry.published for entry in entries)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.link_button(
            f"Download {looks.count(clean, 'clean file')} (ZIP)",
            downloads.run_url(run.id, "all.zip"),
            type="primary",
            icon=":material/folder_zip:",
            disabled=not clean,
        )
        st.link_button(
            "Report with your file names",
            downloads.run_url(run.id, "report.jsonl"),
            type="tertiary",
            icon=":material/description:",
            help="One line a file. Names of files may hold PHI: the ZIP has a report too, without names of files that "
            "did not come out clean.",
        )
        for ending in ("html", "json"):
            st.link_button(
                f"Release report ({ending.upper()})",
                downloads.run_url(run.id, f"release.{ending}"),
                type="tertiary",
                icon=":material/assignment_turned_in:",
                help="What went in and out, by what means, and who looked at it: no name of a file, no text.",
            )


def _choose(entries: tuple[Entry, ...], run: Run, left: int, *, hidden: bool, narrow: bool) -> int | None:
    """The number of the file to look at, of those that the filter and the search leave."""
    counts = {outcome.value: sum(entry.outcome is outcome for entry in entries) for outcome in Outcome}
    found = {_ALL: len(entries), **counts, _LEFT: left}
    choices = {value: count for value, count in found.items() if count}
    names = {_ALL: "All that ended", _LEFT: "Not worked on"} if left else {_ALL: "All"}

    def label(value: str) -> str:
        name = names[value] if value in names else looks.OUTCOMES[Outcome(value)].label.capitalize()
        return f"{name} · {choices[value]:,}"

    first = Outcome.NEEDS_REVIEW.value if counts[Outcome.NEEDS_REVIEW] else next(iter(choices))
    with st.container(horizontal=True, vertical_alignment="center"):
        wanted = st.segmented_control(
            "Outcome", list(choices), default=first, format_func=label, required=True, label_visibility="collapsed"
        )
        text = st.text_input(
            "Search", placeholder="Search files and reasons", icon=":material/search:", label_visibility="collapsed"
        ).lower()
    if wanted == _LEFT:
        _unworked(run, left, hidden=hidden)
        return None
    numbers = [
        number
        for number, entry in enumerate(entries)
        if wanted in (_ALL, entry.outcome.value) and (text in str(entry.source).lower() or text in entry.why.lower())
    ]
    if not numbers:
        st.info("No file is like that.", icon=":material/search_off:")
        return None
    if narrow:
        return st.selectbox(
            "Look at a file",
            numbers,
            index=None,
            format_func=lambda number: _line(entries[number], hidden=hidden),
            placeholder="Choose a file",
        )
    numbers = numbers[_page_of(len(numbers), f"page-{run.id}-{wanted}-{text}")]
    st.caption("Select a row to look at the file before and after.")
    state: Any = st.dataframe(
        tables.entries((entries[number] for number in numbers), hidden=hidden),
        hide_index=True,
        column_config={"Outcome": tables.outcome_column()},
        on_select="rerun",
        selection_mode="single-row",
        key=f"entries-{run.id}-{wanted}-{text}-{numbers[0]}",
    )
    rows = state["selection"]["rows"]
    return numbers[rows[0]] if rows else None


def _unworked(run: Run, left: int, *, hidden: bool) -> None:
    """Files that have no end yet, a page of them: a run may have a million."""
    page = _page_of(left, f"left-{run.id}")
    st.caption(f"{page.start + 1:,} to {page.stop:,} of {looks.count(left, 'file')} that nobody has worked on yet.")
    found = shared.background().unworked(run.id, page.start, page.stop - page.start)
    st.dataframe(tables.unworked(found, hidden=hidden), hide_index=True)


def _page_of(count: int, key: str) -> slice:
    """Which of so many rows are shown."""
    pages = -(-count // ROWS)
    page = st.pagination(pages, key=key) - 1 if pages > 1 else 0
    return slice(page * ROWS, min((page + 1) * ROWS, count))


def _line(entry: Entry, *, hidden: bool) -> str:
    return f"{looks.told(str(entry.source), hidden=hidden)} · {looks.OUTCOMES[entry.outcome].label}"


# One file


def _glance(run: Run, files: RunFiles, entry: Entry, number: int, *, hidden: bool) -> None:
    """The file before and after, why it ended so, and what can be done with it."""
    st.divider()
    left, right = st.columns([3, 2], gap="medium")
    with right:
        look = looks.OUTCOMES[entry.outcome]
        st.subheader(looks.told(str(entry.source), hidden=hidden), anchor=False)
        reason = entry.reason or ("Every check passed." if entry.published else "")
        st.markdown(f"{look.letter} **{look.label.capitalize()}.** {reason}")
        actions = st.container()
    if entry.outcome is not Outcome.REFUSED:
        with actions:
            _actions(run, entry, number)
    # A file that was quarantined may be one that kills whoever decodes it: stepping through it looks into that first.
    safe = entry.outcome in (Outcome.CLEANED, Outcome.NEEDS_REVIEW)
    opened = _opened(run, files, entry, number) if safe else None
    if opened is None:
        with left:
            st.info("There is no picture to show of this file.", icon=":material/image_not_supported:")
        return
    with left:
        frame = steps.frame_slider(opened, f"{run.id}-{number}")
        marks = tuple(exhibits.region_mark(region) for region in exhibits.regions_of(opened, frame))
        steps.show(opened, frame, View.WINDOW, marks, slider=entry.published, hidden=hidden)
    with right:
        st.caption(f"{exhibits.facts(opened)} · {looks.count(len(entry.boxes), 'box', 'boxes')}")


def _actions(run: Run, entry: Entry, number: int) -> None:
    with st.container(horizontal=True):
        if entry.outcome is Outcome.NEEDS_REVIEW:
            _review_link("Look and decide", _key(run, entry))
        if entry.published:
            st.link_button("Download this file", downloads.run_url(run.id, str(number)), icon=":material/download:")
        st.button("Step through it", icon=":material/footprint:", on_click=_step_through, args=(run.id, entry, number))


def _opened(run: Run, files: RunFiles, entry: Entry, number: int) -> Opened | None:
    owner, held = st.session_state[keys.SESSION], st.session_state.get(keys.GLANCE, "")
    name = f"{run.id}/{number}/"
    found = casework.find(owner, held.removeprefix(name)) if held.startswith(name) else None
    if found is not None:
        return found
    _drop_glance()
    try:
        case_id = casework.open_entry(owner, files, entry, f"File {number + 1:,} of run {run.id}")
    except (DeidError, OSError):
        return None
    st.session_state[keys.GLANCE] = name + case_id
    return casework.find(owner, case_id)


def _drop_glance() -> None:
    held = str(st.session_state.pop(keys.GLANCE, ""))
    shared.desk().remove(st.session_state[keys.SESSION], held.rpartition("/")[2])


def _step_through(run_id: int, entry: Entry, number: int) -> None:
    try:
        data = shared.background().files(run_id).original(entry.source)
        steps.open_file(data, f"File {number + 1:,} of run {run_id}", str(entry.source))
    except (DeidError, OSError) as exc:
        told = str(exc) if isinstance(exc, DeidError) else "This file is not there any more."
        st.toast(told, icon=":material/do_not_disturb_on:")


# Closing


@st.dialog("Close this run?")
def _ask_to_close(run: Run, user: User) -> None:
    waiting = run.count(Outcome.NEEDS_REVIEW)
    st.write("Its files, as they came and as they came out, are deleted from this server. The figures stay.")
    if waiting:
        st.warning(
            f"{looks.count(waiting, 'file')} waiting for a look would be deleted too.", icon=":material/visibility:"
        )
    if st.button("Delete the files", type="primary", icon=":material/delete:"):
        shared.background().close_run(user.username, run.id)
        leave()
        st.rerun()
