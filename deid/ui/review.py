"""The review page: one file that waits, its boxes to decide about, and the ways to end it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import streamlit as st

from deid.review import Correction, Plan
from deid.store import User
from deid.ui import (
    batch,
    deciding,
    downloads,
    evidence,
    exhibits,
    keys,
    lightbox,
    looks,
    places,
    shared,
    steps,
    supposing,
)
from deid.ui.bench import PARAMETER, Looked, drop, on_desk, workbench
from deid.ui.lightbox import Mark, Told
from deid.values import Check, FrameFindings, Region
from deid.workbench import Item, Scope, Workbench

_State = Literal["goes", "kept", "open"]
_HEARING = threading.Lock()
SCOPES = {
    Scope.IMAGE: "All frames",
    Scope.FRAME: "This frame",
    Scope.SERIES: "The whole series",
    Scope.DEVICE: "Same device and size",
}
_SCOPE = "review-scope"
_KEYS = (
    ("`D`", "draws a box: the arrows move it, Shift and the arrows size it, `Enter` sets it, `Esc` ends"),
    ("`1` to `9`", "cover or keep the box of this number"),
    ("`N`", "chooses the next box, Shift and `N` the one before; `Enter` covers or keeps it, `X` takes it away"),
    ("`S`", "switches how far a change goes; `Z` takes the last one back"),
    ("`+` `−` `0`", "zoom in, zoom out, fit; zoomed in, the arrows move the picture"),
    ("`←` `→` or `,` `.`", "one frame back or on; the space bar plays"),
    ("Shift and `↑` `↓` `←` `→`", "change light and contrast"),
    ("`P`", "shows the picture as it will be; `W` reads the words, `V` checks the result"),
    ("`J` `K`", "next and previous file; `A` approves, `Q` rejects"),
)
_GONE = "This file no longer waits: somebody decided, or its run was closed."


def page(user: User) -> None:
    """The first file that waits for this user, or the one that the address names."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title("Review", anchor=False)
        place = st.container(width="content")
        back = st.container(horizontal=True, width="content")
        hidden = steps.blur_switch(user)
    bench = workbench()
    queue = bench.keys(user)
    item = _chosen(bench, user, queue)
    with back:
        _ways_back(user, item, queue)
    if item is not None:
        with place:
            _headline(user, item, queue)
        _look(bench, user, item, queue, hidden=hidden)
    elif queue:
        st.info(_GONE, icon=":material/info:")
    else:
        st.success("Nothing waits for you: every file was decided about.", icon=":material/check_circle:")
        st.page_link(places.page("pipeline"), label="De-identify images", icon=":material/arrow_forward:")
    _approved(bench, user)


def _chosen(bench: Workbench, user: User, queue: Sequence[str]) -> Item | None:
    """The file that the address names where it waits, else the first."""
    wanted = str(st.query_params.get(PARAMETER, ""))
    if wanted and wanted not in queue:
        st.toast(_GONE, icon=":material/info:")
        st.query_params.pop(PARAMETER, None)
    if not queue:
        return None
    key = wanted if wanted in queue else queue[0]
    st.query_params[PARAMETER] = key
    return bench.item(user, key)


def _headline(user: User, item: Item, queue: Sequence[str]) -> None:
    run = f"run {item.file.run_id}" + (f" of {item.run.user}" if item.run and item.run.user != user.username else "")
    st.subheader(f"{queue.index(item.key) + 1:,} of {len(queue):,} · {run}", anchor=False)


def _ways_back(user: User, item: Item | None, queue: Sequence[str]) -> None:
    """Links to the run of this file, and to the one of the last decision where nothing more waits of it."""
    about = [item.file.run_id] if item else []
    decided = st.session_state.get(keys.DECIDED)
    if decided is not None and not any(key.startswith(f"{decided}/") for key in queue):
        about.append(decided)
    for run_id in dict.fromkeys(about):
        if shared.background().find(user.username, run_id):
            st.page_link(
                places.page("pipeline"),
                label=f"Back to run {run_id}",
                icon=":material/arrow_back:",
                query_params=batch.address(run_id),
            )


# One file


def _look(bench: Workbench, user: User, item: Item, queue: Sequence[str], *, hidden: bool) -> None:
    holder = bench.claim(user, item)
    if holder != user.username:
        _steps(bench, user, item, queue)
        st.warning(
            f"**{holder} looks at this file now.** What you would do here could cross what {holder} does: take the "
            "next one.",
            icon=":material/lock_person:",
        )
        return
    looked = on_desk(item)
    buttons = st.container(horizontal=True, vertical_alignment="center")
    if looked is None:
        with buttons:
            _steps(bench, user, item, queue)
            st.button(
                "Reject", icon=":material/block:", shortcut="Q", on_click=deciding.want, args=("reject", item.key)
            )
        st.error("This file cannot be opened any more: reject it, and run it again.", icon=":material/broken_image:")
        deciding.decide(bench, user, item, None, queue)
        return
    _hear(bench, user, item, looked)
    corrections = item.file.corrections()
    with buttons:
        _steps(bench, user, item, queue)
        _acts(item, corrections)
    why = item.note.reason if item.note else "An earlier version put it aside."
    st.markdown(f":material/visibility: **Why it is here:** {why}")
    for each in item.note.cautions if item.note else ():
        if each not in why:
            st.markdown(f":material/info: {each}")
    _draw(bench, item, looked, hidden=hidden)
    _scopes()
    _account(bench, item, looked, corrections)
    _understand(item, looked, hidden=hidden)
    deciding.decide(bench, user, item, looked, queue)


def _steps(bench: Workbench, user: User, item: Item, queue: Sequence[str]) -> None:
    place = queue.index(item.key)
    for label, icon, there, shortcut in (
        ("Previous", ":material/chevron_left:", place - 1, "K"),
        ("Next", ":material/chevron_right:", place + 1, "J"),
    ):
        st.button(
            label,
            icon=icon,
            shortcut=shortcut,
            disabled=not 0 <= there < len(queue),
            on_click=_go,
            args=(bench, user, item, queue[there] if 0 <= there < len(queue) else ""),
        )


def _acts(item: Item, corrections: Sequence[Correction]) -> None:
    st.button(
        "Approve",
        icon=":material/check:",
        type="primary",
        shortcut="A",
        disabled=item.note is None,
        help="Redacts, cleans the header and checks once more; where all is well, the file joins the clean ones.",
        on_click=deciding.want,
        args=("approve", item.key),
    )
    st.button(
        "Undo",
        icon=":material/undo:",
        shortcut="Z",
        disabled=not corrections,
        on_click=deciding.want,
        args=("undo", item.key),
    )
    st.button("Check", icon=":material/fact_check:", shortcut="V", on_click=deciding.want, args=("check", item.key))
    st.button(
        "Read the words",
        icon=":material/text_fields:",
        shortcut="W",
        help="Shows the words that stay, too, so that a click lets one of them go.",
        on_click=deciding.want,
        args=("read", item.key),
    )
    st.button("Approve the series", icon=":material/done_all:", on_click=deciding.want, args=("series", item.key))
    st.button("Reject", icon=":material/block:", shortcut="Q", on_click=deciding.want, args=("reject", item.key))


def _scopes() -> None:
    st.session_state.setdefault(_SCOPE, Scope.IMAGE)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "A change goes to",
            list(SCOPES),
            format_func=SCOPES.__getitem__,
            required=True,
            key=_SCOPE,
            help="Series, device and size: of the files that wait for you. Undo takes it back everywhere.",
        )
        st.button("Switch", icon=":material/swap_horiz:", shortcut="S", on_click=_switch_scope)


def _scope() -> Scope:
    return Scope(st.session_state.get(_SCOPE) or Scope.IMAGE)


def _switch_scope() -> None:
    """The next choice of how far a change goes, for those who have no pointer."""
    choices = list(SCOPES)
    st.session_state[_SCOPE] = choices[(choices.index(_scope()) + 1) % len(choices)]


def _go(bench: Workbench, user: User, item: Item, there: str) -> None:
    bench.release(user, item)
    drop()
    st.query_params[PARAMETER] = there


# The picture


def _hear(bench: Workbench, user: User, item: Item, looked: Looked) -> None:
    """Keep the decisions that the browser told of and that were not heard before."""
    dataset = looked.case.dataset
    said = lightbox.told(looked.case.frames, int(dataset.Rows), int(dataset.Columns))
    scope = _scope()
    known = st.session_state.setdefault(keys.HEARD, {})
    if said.picture == item.key:
        hear(said, known, lambda correction: bench.correct(user, item, correction, scope))


def hear(said: Told, known: dict[int, int], decide: Callable[[Correction], object]) -> None:
    """Decide once what the browser tells, however often it does; `known` has the last number heard of each tab.

    One at a time: Streamlit starts a page's next run while the one before still works.
    """
    with _HEARING:
        for number, correction in said.events:
            if number > known.get(said.origin, 0):
                decide(correction)
                known[said.origin] = number


def wanted(looked: Looked, said: Told, tries: dict[int, int], key: str) -> Sequence[int]:
    """Frames to send now: the first ones, then those that the browser asks for; `tries` has the last answered."""
    if not looked.sent:
        looked.sent = True
        return range(min(looked.case.frames, 8))
    if said.picture == key and said.tries > tries.get(said.origin, 0):
        tries[said.origin] = said.tries
        return said.want
    return ()


def _draw(bench: Workbench, item: Item, looked: Looked, *, hidden: bool) -> None:
    case, dataset = looked.case, looked.case.dataset
    said = lightbox.told(case.frames, int(dataset.Rows), int(dataset.Columns))
    tries = st.session_state.setdefault(keys.ANSWERED, {})
    send = wanted(looked, said, tries, item.key)
    marks = tuple(_marks(bench, item, looked, hidden=hidden))
    known = st.session_state.get(keys.HEARD, {})
    lightbox.show(case, item.key, marks, send, known, hidden=hidden, scope=SCOPES[_scope()])
    st.caption(
        f"{exhibits.facts_of(dataset, case.frames)} · Click a box, or press its number, to keep or cover it · "
        "Shift and drag changes light and contrast"
    )
    with st.expander("Keys", icon=":material/keyboard:"):
        st.markdown("  \n".join(f"{key} {does}" for key, does in _KEYS))


def _marks(bench: Workbench, item: Item, looked: Looked, *, hidden: bool) -> Iterator[Mark]:
    plan, case = bench.plan(item), looked.case
    for state, region in _in_order(item, plan):
        look = looks.KEPT if state == "kept" else looks.of_reasons(region.reasons)
        yield Mark(
            region.frame,
            region.box,
            state,
            look if state != "open" else looks.Look(look.colour, "?", "can still be read"),
            _label(region, case.findings or (), state, hidden=hidden),
            region.reasons == (looks.DRAWN,),
        )
    taken = [region.box for region in (*plan.regions, *plan.open, *plan.kept)]
    for found in case.findings or ():
        for finding in found.findings:
            box = finding.word.box
            if finding.is_phi or any(box.overlap(each) >= 0.5 * box.area for each in taken):
                continue
            text = looks.told(finding.word.text, hidden=hidden)
            for frame in (found.frame, *found.repeats) if case.frames > 1 else (None,):
                yield Mark(frame, box, "word", looks.KEPT, f"{text}\nstays · P(PHI) {looks.per_cent(finding.p_phi)}")


def _in_order(item: Item, plan: Plan) -> list[tuple[_State, Region]]:
    """What is decided about each box: first what was asked about, last what a person drew.

    The order, and so each box's number, stays while a person decides.
    """
    asked = {region.box for region in item.note.suggested.open} if item.note else set()
    states: tuple[tuple[_State, tuple[Region, ...]], ...] = (
        ("open", plan.open),
        ("goes", plan.regions),
        ("kept", plan.kept),
    )
    found = [(state, region) for state, regions in states for region in regions]

    def place(each: tuple[_State, Region]) -> tuple[bool, bool, int, int]:
        region = each[1]
        return region.reasons == (looks.DRAWN,), region.box not in asked, region.box.top, region.box.left

    return sorted(found, key=place)


_STATES = {"goes": "goes", "open": "can still be read: cover or keep it", "kept": "kept by a person"}


def _label(region: Region, findings: Sequence[FrameFindings], state: str, *, hidden: bool) -> str:
    texts = [
        looks.told(finding.word.text, hidden=hidden)
        for found in findings
        if region.frame in (None, found.frame, *found.repeats)
        for finding in found.findings
        if finding.word.box.overlap(region.box) >= 0.5 * finding.word.box.area
    ]
    why = ", ".join(looks.REASONS[reason].label for reason in region.reasons)
    frames = "every frame" if region.frame is None else f"frame {region.frame + 1}"
    return "\n".join(part for part in (" ".join(dict.fromkeys(texts)), f"{_STATES[state]} · {why} · {frames}") if part)


def _account(bench: Workbench, item: Item, looked: Looked, corrections: Sequence[Correction]) -> None:
    """What was changed, and what the checks said of it."""
    plan = bench.plan(item)
    said = [looks.count(plan.drawn, "box added", "boxes added"), f"{len(plan.kept):,} kept"]
    findings = [finding for found in looked.case.findings or () for finding in found.findings]
    if looked.case.findings is not None:
        said.append(f"{sum(not finding.is_phi for finding in findings):,} of {looks.count(len(findings), 'word')} stay")
    left = f" · **{looks.count(len(plan.open), 'place')} nobody decided about**" if plan.open else ""
    st.markdown(f"{looks.count(len(plan.regions), 'box goes', 'boxes go')} · {' · '.join(said)}{left}")
    if looked.made is None or looked.made_from != tuple(corrections):
        return
    case = looked.made.case
    more = len(case.effective or ()) - len(plan.regions)
    if more > 0:
        st.info(f"The check could still read {looks.count(more, 'place')} more, and covers them too.")
    with st.container(border=True):
        st.markdown("  \n".join(_line(check) for check in case.checks or ()))


def _understand(item: Item, looked: Looked, *, hidden: bool) -> None:
    """Why each word goes or stays, and what another threshold would change, once the words were read."""
    case = looked.case
    found = [finding for each in case.findings or () for finding in each.findings]
    if not found or item.note is None:
        return
    with st.expander("Why does a word go or stay?", icon=":material/psychology_alt:"):
        number = evidence.word_select(found, f"word-{item.key}", hidden=hidden)
        evidence.why_card(found[number], hidden=hidden)
    supposing.draw(case, item.note.options, item.key, hidden=hidden)


def _line(check: Check) -> str:
    colour, icon = ("green", "check_circle") if check.passed else ("orange", "visibility")
    if not check.passed and not check.review:
        colour, icon = "red", "cancel"
    return f":{colour}[:material/{icon}:] **{looks.check(check.name)}** · {check.detail}"


# What was approved


def _approved(bench: Workbench, user: User) -> None:
    """Clean files of runs of the command line, which have no other page."""
    for run_id, count in bench.approved(user):
        st.link_button(
            f"Download {looks.count(count, 'approved file')} of run {run_id} (ZIP)",
            downloads.review_url(run_id),
            icon=":material/folder_zip:",
        )
