"""One opened file on the page: the bar of its steps, its picture, and the steps that wait to be run."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from deid.errors import DeidError, QuarantineError
from deid.jobs import options_of
from deid.pipeline import Step
from deid.serving import engines
from deid.store import Role, User
from deid.ui import casework, evidence, exhibits, keys, looks, piles, shared, viewer
from deid.ui.casework import STEPS, Opened, Sheet
from deid.ui.piles import Pile
from deid.values import Outcome, View

_VIEWS = {View.WINDOW: "Window", View.FULL: "Full range"}
_COMPARING = (Step.REDACT, Step.VERIFY)
_SLIDER, _DIFFERENCE = "Slider", "Difference"


def blur_switch(user: User) -> bool:
    """Whether originals are hidden: a switch, always on for accounts that are for showing the product."""
    if user.role is Role.DEMO:
        st.toggle("Blur originals", True, disabled=True, help="Always on for this account.")
        return True
    hidden = st.toggle(
        "Blur originals",
        bool(st.session_state.get(keys.BLUR, False)),
        help="For showing the product to others: originals are blurred, and what was read in them is hidden.",
    )
    st.session_state[keys.BLUR] = hidden
    return hidden


# Opening


def open_file(data: bytes, title: str, name: str, item: int | None = None) -> None:
    """Open a file, remember it as this tab's, and let its first step run.

    Raises
    ------
    DeidError
        Where it is nothing to de-identify, or has pixels that cannot be read.
    """
    owner = st.session_state[keys.SESSION]
    case_id = casework.open_file(owner, data, title, name, options_of(shared.settings()))
    opened = casework.find(owner, case_id)
    first = opened.steps[0].value if opened is not None else Step.CONVERT.value
    st.session_state[keys.CASE] = case_id
    st.session_state[keys.ITEM] = item
    st.session_state[keys.STEP] = first
    st.session_state[keys.PENDING] = (first,)


def open_image(pile: Pile, number: int) -> None:
    """Open one file of a pile."""
    image = pile.intake.images[number]
    try:
        open_file(image.data, f"Image {number + 1:,} of {len(pile.intake.images):,}", str(image.path), number)
    except DeidError as exc:
        pile.ends[number] = Outcome.QUARANTINED if isinstance(exc, QuarantineError) else Outcome.REFUSED
        st.toast(str(exc), icon=":material/do_not_disturb_on:")


# The bar of steps


def headline(opened: Opened, user: User, *, narrow: bool) -> bool:
    """What is open, its neighbours, and how to put it away; whether originals are hidden."""
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container():
            st.subheader(opened.title, anchor=False)
            st.caption(exhibits.facts(opened))
        hidden = blur_switch(user)
        st.button("Close", icon=":material/close:", on_click=close, shortcut="Esc")
    if pile := piles.find(st.session_state[keys.SESSION], st.session_state.get(keys.PILE, "")):
        _neighbours(pile, hidden=hidden, narrow=narrow)
    return hidden


def _neighbours(pile: Pile, *, hidden: bool, narrow: bool) -> None:
    """The other images of the pile: one after the other, or any of them."""
    item, images = st.session_state.get(keys.ITEM), pile.intake.images
    if item is None or len(images) < 2:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for label, icon, step, key in (
            ("Previous", ":material/chevron_left:", -1, "K"),
            ("Next", ":material/chevron_right:", 1, "J"),
        ):
            there = item + step
            st.button(
                label,
                icon=icon,
                disabled=not 0 <= there < len(images),
                on_click=open_neighbour,
                args=(there,),
                shortcut=key,
            )
        chosen = st.selectbox(
            "Image",
            range(len(images)),
            item,
            format_func=lambda number: f"{number + 1:,} · {looks.told(str(images[number].path), hidden=hidden)}",
            label_visibility="collapsed",
            key=f"neighbour-{st.session_state.get(keys.CASE)}",
            width="stretch" if narrow else 420,
        )
    if chosen != item:
        open_neighbour(chosen)
        st.rerun()


def open_neighbour(number: int) -> None:
    """Open another image of the pile in place of the open one."""
    owner = st.session_state[keys.SESSION]
    if pile := piles.find(owner, st.session_state.get(keys.PILE, "")):
        shared.desk().remove(owner, st.session_state.get(keys.CASE, ""))
        open_image(pile, number)


def close() -> None:
    """Put the opened file away."""
    shared.desk().remove(st.session_state[keys.SESSION], st.session_state.pop(keys.CASE, ""))
    st.session_state.pop(keys.PENDING, None)


def step_bar(opened: Opened, shown: Step) -> None:
    """A button a step: look at what it found, or run it when its turn has come."""
    pending = st.session_state.get(keys.PENDING, ())
    with st.container(horizontal=True, gap="small", key="steps"):
        for number, step in enumerate(opened.steps, 1):
            done, runs = step in opened.done, bool(pending) and pending[0] == step.value
            time = opened.seconds.get(step, 0.0) if done else 0.0
            st.button(
                f"{number} {STEPS[step]}" + (f" · {looks.seconds(time)}" if time >= 0.005 else ""),
                key=f"step-{step.value}",
                icon=":material/progress_activity:" if runs else ":material/check_circle:" if done else None,
                type="primary" if step is shown and opened.next_step is None else "secondary",
                disabled=not done and (step is not opened.next_step or bool(pending)),
                on_click=_go,
                args=(step, done),
            )
        rest = tuple(step.value for step in opened.steps if step not in opened.done)
        st.button(
            "Run all",
            icon=":material/fast_forward:",
            type="primary" if opened.next_step is not None else "secondary",
            disabled=opened.next_step is None or bool(pending),
            on_click=run_steps,
            args=(rest,),
            shortcut="G",
        )


def _go(step: Step, done: bool) -> None:
    st.session_state[keys.STEP] = step.value
    if not done:
        run_steps((step.value,))


def run_steps(steps: tuple[str, ...]) -> None:
    """Let these steps run, one after the other."""
    st.session_state[keys.PENDING] = steps


# The picture


def picture(opened: Opened, step: Step, *, hidden: bool) -> int:
    """Draw the step's picture with its controls under it; the number of the frame shown."""
    drawing = st.container()
    compares = step in _COMPARING and opened.case.redacted is not None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view = View(
            st.segmented_control(
                "Grey values",
                list(_VIEWS),
                default=View.WINDOW,
                format_func=_VIEWS.__getitem__,
                required=True,
                key="view",
            )
        )
        shows = (
            st.segmented_control(
                "Before and after", [_SLIDER, _DIFFERENCE], default=_SLIDER, required=True, key="shows"
            )
            if compares
            else ""
        )
        frame = frame_slider(opened, st.session_state.get(keys.CASE, ""))
    drawn = exhibits.marks(opened, step, frame, evidence.selected(opened, step, frame), hidden=hidden)
    with drawing:
        show(
            opened,
            frame,
            view,
            drawn if step in opened.done else (),
            difference=shows == _DIFFERENCE,
            slider=shows == _SLIDER,
            redacted=step is Step.HEADER,
            hidden=hidden,
            on_pick=(lambda number: evidence.pick(frame, number)) if step is Step.FIND else None,
        )
    return frame


def no_picture(opened: Opened) -> None:
    """Say why there are fewer steps and no picture."""
    kind = looks.MODALITIES.get(str(opened.case.dataset.get("Modality", "")), "This file")
    st.info(
        f"{kind} has no picture: a report, a plan, an annotation or a recording. Only its header and its content are "
        "cleaned, by the same rules, and what is written is verified.",
        icon=":material/description:",
    )


def frame_slider(opened: Opened, key: str) -> int:
    """The frame to show, chosen where there are several."""
    if opened.case.frames == 1:
        return 0
    return st.slider("Frame", 1, opened.case.frames, 1, key=f"frame-{key}") - 1


def show(
    opened: Opened,
    frame: int,
    view: View,
    drawn: tuple[viewer.Mark, ...],
    *,
    difference: bool = False,
    slider: bool = False,
    redacted: bool = False,
    hidden: bool = False,
    on_pick: Callable[[int], None] | None = None,
) -> None:
    """Draw a frame in the viewer: as it came, as it is now, both with a slider between, or what differs."""
    clean = redacted and opened.case.redacted is not None
    first = Sheet.DIFFERENCE if difference else Sheet.REDACTED if clean else Sheet.ORIGINAL
    boxes = looks.count(len(drawn), "box", "boxes")
    viewer.show(
        exhibits.picture(opened, first, frame, view, hidden=hidden),
        drawn,
        after=exhibits.picture(opened, Sheet.REDACTED, frame, view) if slider else b"",
        key="viewer",
        on_pick=on_pick,
        text=f"{opened.title}, frame {frame + 1}, {first.value}{', before and after' if slider else ''}, {boxes}",
    )
    if difference:
        st.caption("Every pixel that changed shines in one colour; all others are as they were, drawn darker.")


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
        worked = casework.advance(owner, case_id, user, step, engines(shared.settings()))
    pile, item = piles.find(owner, st.session_state.get(keys.PILE, "")), st.session_state.get(keys.ITEM)
    if pile is not None and item is not None and worked is not None and worked.end is not None:
        pile.ends[item] = worked.end[0]
    st.session_state[keys.STEP] = step.value
    st.rerun()
