"""The review page: one file that waits, its boxes to decide about, and the ways to end it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import streamlit as st

from deid.errors import DeidError
from deid.jobs import examine
from deid.pipeline import Case, Engines, open_case
from deid.review import Correction, faults, may_leave, opened, questions, redone
from deid.serving import engines
from deid.store import User
from deid.ui import auth, downloads, exhibits, keys, lightbox, looks, places, shared
from deid.ui.lightbox import Mark
from deid.values import Check, FrameFindings, Region
from deid.workbench import Item, Remade, Scope, Workbench

_PARAMETER = "item"
"""In the page's address: the run's number and a name that says nothing."""
_COPIES = 5
SCOPES = {
    Scope.IMAGE: "All frames",
    Scope.FRAME: "This frame",
    Scope.SERIES: "The whole series",
    Scope.DEVICE: "Same device and size",
}
_CONFIRM, _REJECT, _SERIES = "confirmed", "rejected", "series approved"
"""What was answered in a dialog."""
_GONE = "This file no longer waits: somebody decided, or its run was closed."


@dataclass(eq=False)
class Looked:
    """A file on the desk of whoever decides about it."""

    key: str
    case: Case
    size: int
    sent: bool = False
    """Whether its first frames were sent."""
    made: Remade | None = None
    made_from: tuple[Correction, ...] = ()
    asked: Remade | None = None
    """What a second question was asked about."""

    def __repr__(self) -> str:
        return f"Looked({self.key})"


def workbench() -> Workbench:
    """The queue of this installation."""
    return Workbench(shared.settings(), shared.store())


def page(user: User, *, hidden: bool) -> None:
    """The first file that waits for this user, or the one that the address names."""
    bench = workbench()
    queue = bench.keys(user)
    if not queue:
        st.success("Nothing waits for you: every file was decided about.", icon=":material/check_circle:")
        st.page_link(places.page("pipeline"), label="De-identify images", icon=":material/arrow_forward:")
    else:
        wanted = str(st.query_params.get(_PARAMETER, ""))
        if wanted and wanted not in queue:
            st.toast(_GONE, icon=":material/info:")
        key = wanted if wanted in queue else queue[0]
        item = bench.item(user, key)
        if item is None:
            st.info(_GONE, icon=":material/info:")
        else:
            st.query_params[_PARAMETER] = key
            _look(bench, user, item, queue, hidden=hidden)
    _approved(bench, user)


# One file


def _look(bench: Workbench, user: User, item: Item, queue: Sequence[str], *, hidden: bool) -> None:
    holder = bench.claim(user, item)
    place = queue.index(item.key)
    run = f"run {item.file.run_id}" + (f" of {item.run.user}" if item.run and item.run.user != user.username else "")
    st.subheader(f"{place + 1:,} of {len(queue):,} · {run}", anchor=False)
    if holder != user.username:
        _steps(bench, user, item, queue)
        st.warning(
            f"**{holder} looks at this file now.** What you would do here could cross what {holder} does: take the "
            "next one.",
            icon=":material/lock_person:",
        )
        return
    looked = _on_desk(item)
    buttons = st.container(horizontal=True, vertical_alignment="center")
    if looked is None:
        with buttons:
            _steps(bench, user, item, queue)
            st.button("Reject", icon=":material/block:", shortcut="Q", on_click=_want, args=("reject",))
        st.error("This file cannot be opened any more: reject it, and run it again.", icon=":material/broken_image:")
        _decide(bench, user, item, None, queue)
        return
    _hear(bench, user, item, looked)
    corrections = item.file.corrections()
    with buttons:
        _steps(bench, user, item, queue)
        _acts(item, corrections)
    why = item.note.reason if item.note else "An earlier version put it aside."
    st.markdown(f":material/visibility: **Why it is here:** {why}")
    _scopes()
    _draw(bench, item, looked, hidden=hidden)
    _account(bench, item, looked, corrections)
    _decide(bench, user, item, looked, queue)


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
        on_click=_want,
        args=("approve",),
    )
    st.button("Undo", icon=":material/undo:", shortcut="Z", disabled=not corrections, on_click=_want, args=("undo",))
    st.button("Check", icon=":material/fact_check:", shortcut="V", on_click=_want, args=("check",))
    st.button(
        "Read the words",
        icon=":material/text_fields:",
        shortcut="W",
        help="Shows the words that stay, too, so that a click lets one of them go.",
        on_click=_want,
        args=("read",),
    )
    st.button("Approve the series", icon=":material/done_all:", on_click=_want, args=("series",))
    st.button("Reject", icon=":material/block:", shortcut="Q", on_click=_want, args=("reject",))


def _scopes() -> None:
    st.segmented_control(
        "A change goes to",
        list(SCOPES),
        default=Scope.IMAGE,
        format_func=SCOPES.__getitem__,
        required=True,
        key="review-scope",
        help="Series, device and size: of the files that wait for you. Undo takes it back everywhere.",
    )


def _go(bench: Workbench, user: User, item: Item, there: str) -> None:
    bench.release(user, item)
    _drop()
    st.query_params[_PARAMETER] = there


def _want(deed: str) -> None:
    st.session_state[keys.DECIDING] = deed


# The picture


def _on_desk(item: Item) -> Looked | None:
    owner, held = st.session_state[keys.SESSION], str(st.session_state.get(keys.BENCH, ""))
    key, _, desk_id = held.rpartition(" ")
    found = shared.desk().get(owner, desk_id) if key == item.key else None
    if isinstance(found, Looked):
        return found
    _drop()
    try:
        data = item.file.original()
        examine(data, shared.settings())
        options = item.note.options if item.note else None
        case = open_case(data, options) if options else None
    except (DeidError, OSError):
        return None
    if case is None:
        return None
    looked = Looked(item.key, case, _COPIES * len(data))
    st.session_state[keys.BENCH] = f"{item.key} {shared.desk().put(owner, looked, looked.size)}"
    return looked


def _drop() -> None:
    held = str(st.session_state.pop(keys.BENCH, ""))
    shared.desk().remove(st.session_state[keys.SESSION], held.rpartition(" ")[2])


def _hear(bench: Workbench, user: User, item: Item, looked: Looked) -> None:
    """Keep the decisions that the browser told of and that were not heard before."""
    dataset = looked.case.dataset
    said = lightbox.told(looked.case.frames, int(dataset.Rows), int(dataset.Columns))
    scope = Scope(st.session_state.get("review-scope") or Scope.IMAGE)
    known = st.session_state.setdefault(keys.HEARD, {})
    for number, correction in said.events:
        if number > known.get(said.origin, 0) and said.picture == item.key:
            bench.correct(user, item, correction, scope)
            known[said.origin] = number


def _draw(bench: Workbench, item: Item, looked: Looked, *, hidden: bool) -> None:
    case, dataset = looked.case, looked.case.dataset
    said = lightbox.told(case.frames, int(dataset.Rows), int(dataset.Columns))
    tries = st.session_state.setdefault(keys.ANSWERED, {})
    send: Sequence[int] = ()
    if not looked.sent:
        looked.sent, send = True, range(min(case.frames, 8))
    elif said.picture == item.key and said.tries > tries.get(said.origin, 0):
        tries[said.origin], send = said.tries, said.want
    marks = tuple(_marks(bench, item, looked, hidden=hidden))
    lightbox.show(case, item.key, marks, send, st.session_state.get(keys.HEARD, {}), hidden=hidden)
    st.caption(
        f"{exhibits.facts_of(dataset, case.frames)} · Click a box, or press its number, to keep or cover it · D draws, "
        "X takes a box away, P shows it as it will be · Shift and drag changes light and contrast"
    )


def _marks(bench: Workbench, item: Item, looked: Looked, *, hidden: bool) -> Iterator[Mark]:
    plan, case = bench.plan(item), looked.case
    for state, regions in (("goes", plan.regions), ("open", plan.open), ("kept", plan.kept)):
        for region in regions:
            look = looks.KEPT if state == "kept" else looks.of_reasons(region.reasons)
            yield Mark(
                region.frame,
                region.box,
                state,  # type: ignore[arg-type]
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


def _line(check: Check) -> str:
    colour, icon = ("green", "check_circle") if check.passed else ("orange", "visibility")
    if not check.passed and not check.review:
        colour, icon = "red", "cancel"
    return f":{colour}[:material/{icon}:] **{check.name.capitalize()}** · {check.detail}"


# Decisions


def _decide(bench: Workbench, user: User, item: Item, looked: Looked | None, queue: Sequence[str]) -> None:
    """Do what was asked for in the last click, if anything."""
    deed = st.session_state.pop(keys.DECIDING, "")
    if deed == "reject":
        _ask_to_reject()
    elif deed == _REJECT:
        _reject(bench, user, item, looked, queue)
    elif looked is None or item.note is None or not deed:
        return
    elif deed == "undo":
        count = bench.undo(user, item)
        if count > 1:
            st.toast(f"Taken back in {count:,} files.", icon=":material/undo:")
        st.rerun()
    elif deed == "read":
        _read(looked, item)
        st.rerun()
    elif deed == "check":
        _make(bench, item, looked)
        st.rerun()
    elif deed in ("approve", _CONFIRM):
        _approve(bench, user, item, looked, queue, confirmed=deed == _CONFIRM)
    elif deed == "series":
        _ask_about_series(len(bench.alike(user, item, Scope.SERIES)))
    elif deed == _SERIES:
        _approve_series(bench, user, item, queue)


def _read(looked: Looked, item: Item) -> None:
    assert item.note is not None
    if looked.case.findings is None:
        with st.spinner("Reading the words…", show_time=True):
            looked.case = opened(item.file.original(), _engines(), item.note.options)


def _make(bench: Workbench, item: Item, looked: Looked) -> Remade | None:
    """The file as it would go out, made anew only where something was decided since; None where it cannot be."""
    assert item.note is not None
    corrections = item.file.corrections()
    if looked.made is not None and looked.made_from == corrections:
        return looked.made
    try:
        _read(looked, item)
        with st.spinner("Redacting, cleaning and checking…", show_time=True):
            decided = bench.plan(item)
            case = redone(looked.case, decided, _engines(), item.note.options)
    except DeidError as exc:
        st.toast(str(exc), icon=":material/gpp_bad:")
        return None
    looked.made, looked.made_from = Remade(case, decided, _engines().made_by), corrections
    return looked.made


def _engines() -> Engines:
    return engines(shared.settings())


def _approve(
    bench: Workbench, user: User, item: Item, looked: Looked, queue: Sequence[str], *, confirmed: bool
) -> None:
    """Let the file go out, or ask; an answer counts for what was asked about, not for what was changed since."""
    asked, made = looked.asked, _make(bench, item, looked)
    if made is None:
        return
    if faults(made.case):
        st.error(
            "This file cannot be approved: " + " ".join(check.detail for check in faults(made.case)),
            icon=":material/gpp_bad:",
        )
        return
    sure = confirmed and asked is made
    if not may_leave(made.case, confirmed=sure):
        looked.asked = made
        _ask_again([check.detail for check in questions(made.case)])
        return
    try:
        bench.approve(auth.actor(user), item, made, confirmed=sure)
    except (DeidError, OSError) as exc:
        _say(exc)
        return
    _on(user, item, queue, f"Approved: it is among the clean files of run {item.file.run_id}.")


@st.dialog("Approve all the same?")
def _ask_again(details: Sequence[str]) -> None:
    for detail in details:
        st.warning(detail, icon=":material/visibility:")
    st.write("Approve it only if nothing that can be read there may identify anybody. Your answer is recorded.")
    _answer("Yes, approve it", ":material/check:", _CONFIRM)


@st.dialog("Reject this file?")
def _ask_to_reject() -> None:
    st.write("It will not go out, and its copy that waits here is deleted. This cannot be undone.")
    _answer("Reject it", ":material/block:", _REJECT)


@st.dialog("Approve the whole series?")
def _ask_about_series(count: int) -> None:
    st.write(
        f"{looks.count(count, 'file')} of this series {'waits' if count == 1 else 'wait'} for you. Each is made anew "
        "and checked; one with an open question goes on waiting."
    )
    _answer(f"Approve {looks.count(count, 'file')}", ":material/done_all:", _SERIES)


def _answer(label: str, icon: str, deed: str) -> None:
    """A button that closes the dialog; the page then does what was answered."""
    if st.button(label, type="primary", icon=icon, on_click=_want, args=(deed,)):
        st.rerun()


def _reject(bench: Workbench, user: User, item: Item, looked: Looked | None, queue: Sequence[str]) -> None:
    try:
        bench.reject(auth.actor(user), item, looked.case if looked else None)
    except (DeidError, OSError) as exc:
        _say(exc)
        return
    _on(user, item, queue, "Rejected: it goes nowhere.")


def _say(exc: Exception) -> None:
    st.error(str(exc) if isinstance(exc, DeidError) else "The file cannot be written.", icon=":material/error:")


def _approve_series(bench: Workbench, user: User, item: Item, queue: Sequence[str]) -> None:
    found = bench.alike(user, item, Scope.SERIES)
    done, bar = 0, st.progress(0.0)
    for number, each in enumerate(found):
        bar.progress(number / len(found), f"File {number + 1:,} of {len(found):,}")
        done += _approved_alone(bench, user, each)
    _on(user, item, queue, f"{done:,} of {looks.count(len(found), 'file')} approved.")


def _approved_alone(bench: Workbench, user: User, item: Item) -> bool:
    """Whether the file could be approved without a question."""
    if item.note is None or bench.claim(user, item) != user.username:
        return False
    try:
        data, decided, options = item.file.original(), bench.plan(item), item.note.options
        examine(data, shared.settings())
        case = redone(opened(data, _engines(), options), decided, _engines(), options)
        if may_leave(case, confirmed=False):
            bench.approve(auth.actor(user), item, Remade(case, decided, _engines().made_by), confirmed=False)
            return True
    except (DeidError, OSError):
        pass  # it goes on waiting, and says why when it is looked at
    bench.release(user, item)
    return False


def _on(user: User, item: Item, queue: Sequence[str], said: str) -> None:
    """Go on to the next file that still waits."""
    st.toast(said, icon=":material/check_circle:")
    place, left = queue.index(item.key), workbench().keys(user)
    following = [each for each in (*queue[place + 1 :], *reversed(queue[:place])) if each in left]
    _drop()
    if following:
        st.query_params[_PARAMETER] = following[0]
    else:
        st.query_params.pop(_PARAMETER, None)
    st.rerun()


# What was approved


def _approved(bench: Workbench, user: User) -> None:
    """Clean files of runs of the command line, which have no other page."""
    for run_id, count in bench.approved(user):
        st.link_button(
            f"Download {looks.count(count, 'approved file')} of run {run_id} (ZIP)",
            downloads.review_url(run_id),
            icon=":material/folder_zip:",
        )
