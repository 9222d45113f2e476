"""What was asked for with a button of the review page, or answered in one of its dialogs, and how it is done."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from deid.errors import DeidError
from deid.faults import cannot_be_written
from deid.jobs import examine
from deid.pipeline import Engines
from deid.review import faults, may_leave, opened, questions, redone
from deid.serving import engines
from deid.store import User
from deid.ui import auth, keys, looks, shared
from deid.ui.bench import Looked, go_on
from deid.workbench import Item, Remade, Scope, Workbench

_CONFIRM, _REJECT, _SERIES = "confirmed", "rejected", "series approved"
"""What was answered in a dialog."""


def want(deed: str, key: str) -> None:
    """Let this be done with the file of this key in the next run of the page."""
    st.session_state[keys.DECIDING] = (deed, key)


def decide(bench: Workbench, user: User, item: Item, looked: Looked | None, queue: Sequence[str]) -> None:
    """Do what was asked for in the last click, if anything.

    What the browser tells meanwhile starts the page over: what was asked for is forgotten only once it is done.
    """
    deed, key = st.session_state.get(keys.DECIDING, ("", ""))
    if not deed or key != item.key:
        forget()
        return
    try:
        if deed == "reject":
            _ask_to_reject(key)
        elif deed == _REJECT:
            bench.reject(auth.actor(user), item, looked.case if looked else None)
            _go_on(bench, user, item, queue, "Rejected: it goes nowhere.")
        elif looked is not None and item.note is not None:
            _work(deed, bench, user, item, looked, queue)
    except DeidError as exc:
        st.error(str(exc), icon=":material/error:")
    except Exception as exc:
        forget()
        if not cannot_be_written(exc):
            raise
        st.error("The file cannot be written.", icon=":material/error:")
    forget()


def forget() -> None:
    """Nothing is to be done any more."""
    st.session_state.pop(keys.DECIDING, None)


def _go_on(bench: Workbench, user: User, item: Item, queue: Sequence[str], said: str) -> None:
    forget()
    go_on(item, queue, bench.keys(user), said)


def _work(deed: str, bench: Workbench, user: User, item: Item, looked: Looked, queue: Sequence[str]) -> None:
    if deed in ("approve", _CONFIRM):
        _approve(bench, user, item, looked, queue, confirmed=deed == _CONFIRM)
    elif deed == "series":
        _ask_about_series(item.key, len(bench.alike(user, item, Scope.SERIES)))
    elif deed == _SERIES:
        _approve_series(bench, user, item, queue)
    else:
        if deed == "undo" and (count := bench.undo(user, item)) > 1:
            st.toast(f"Taken back in {count:,} files.", icon=":material/undo:")
        elif deed == "read":
            _read(looked, item)
        elif deed == "check":
            _make(bench, item, looked)
        forget()
        st.rerun()


def _read(looked: Looked, item: Item) -> None:
    assert item.note is not None
    if looked.case.findings is None:
        with st.spinner("Reading the words…", show_time=True):
            looked.case = opened(item.file.original(), _engines(), item.note.options)


def _make(bench: Workbench, item: Item, looked: Looked) -> Remade:
    """The file as it would go out, made anew only where something was decided since."""
    assert item.note is not None
    corrections = item.file.corrections()
    if looked.made is not None and looked.made_from == corrections:
        return looked.made
    _read(looked, item)
    with st.spinner("Redacting, cleaning and checking…", show_time=True):
        decided = bench.plan(item)
        case = redone(looked.case, decided, _engines(), item.note.options)
    looked.made, looked.made_from = Remade(case, decided, _engines().made_by), corrections
    return looked.made


def _engines() -> Engines:
    return engines(shared.settings())


def _approve(
    bench: Workbench, user: User, item: Item, looked: Looked, queue: Sequence[str], *, confirmed: bool
) -> None:
    """Let the file go out, or ask; an answer counts for what was asked about, not for what was changed since."""
    asked, made = looked.asked, _make(bench, item, looked)
    if faults(made.case):
        st.error(
            "This file cannot be approved: " + " ".join(check.detail for check in faults(made.case)),
            icon=":material/gpp_bad:",
        )
        return
    sure = confirmed and asked is made
    if not may_leave(made.case, confirmed=sure):
        looked.asked = made
        _ask_again(item.key, [check.detail for check in questions(made.case)])
        return
    bench.approve(auth.actor(user), item, made, confirmed=sure)
    _go_on(bench, user, item, queue, f"Approved: it is among the clean files of run {item.file.run_id}.")


@st.dialog("Approve all the same?")
def _ask_again(key: str, details: Sequence[str]) -> None:
    for detail in details:
        st.warning(detail, icon=":material/visibility:")
    st.write("Approve it only if nothing that can be read there may identify anybody. Your answer is recorded.")
    _answer("Yes, approve it", ":material/check:", _CONFIRM, key)


@st.dialog("Reject this file?")
def _ask_to_reject(key: str) -> None:
    st.write("It will not go out, and its copy that waits here is deleted. This cannot be undone.")
    _answer("Reject it", ":material/block:", _REJECT, key)


@st.dialog("Approve the whole series?")
def _ask_about_series(key: str, count: int) -> None:
    st.write(
        f"{looks.count(count, 'file')} of this series {'waits' if count == 1 else 'wait'} for you. Each is made anew "
        "and checked; one with an open question goes on waiting."
    )
    _answer(f"Approve {looks.count(count, 'file')}", ":material/done_all:", _SERIES, key)


def _answer(label: str, icon: str, deed: str, key: str) -> None:
    """A button that closes the dialog; the page then does what was answered."""
    if st.button(label, type="primary", icon=icon, on_click=want, args=(deed, key)):
        st.rerun()


def _approve_series(bench: Workbench, user: User, item: Item, queue: Sequence[str]) -> None:
    found = bench.alike(user, item, Scope.SERIES)
    done, bar = 0, st.progress(0.0)
    for number, each in enumerate(found):
        bar.progress(number / len(found), f"File {number + 1:,} of {len(found):,}")
        done += _approved_alone(bench, user, each)
    _go_on(bench, user, item, queue, f"{done:,} of {looks.count(len(found), 'file')} approved.")


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
