"""Choosing what to work on: a demo study, files of one's own, a run of before; and what was found in what came."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from deid.background import Order
from deid.demo import DemoStudy, studies
from deid.errors import DeidError, QuarantineError, RefusedError
from deid.intake import Intake
from deid.jobs import options_of
from deid.pipeline import Options
from deid.serving import engines
from deid.store import Direction, Role, Run, User
from deid.ui import batch, casework, evidence, keys, looks, openings, piles, screen, shared, steps, tables
from deid.ui.piles import Pile
from deid.values import Policy

_FILES, _FOLDER, _SERVER = "Files or a ZIP", "A folder", "From this server"
_SHOWN = 24
"""Images of a pile on one page of its table."""


# Opening


def open_demo(study: DemoStudy) -> None:
    """Open a demo study, and remember it as this tab's file."""
    steps.open_file(study.build(), study.title, f"demo:{study.name}")


def watch_demo(study: DemoStudy) -> None:
    """Open a demo study and let every step run, one after the other."""
    open_demo(study)
    steps.run_steps(tuple(step.value for step in casework.STEPS))


# Choosing


def choose(user: User) -> None:
    """A demo study, files of one's own, or a run that was begun before."""
    _runs_of(user)
    ours, theirs = st.columns([3, 2], gap="large")
    with theirs:
        _own_files(user)
    with ours:
        st.subheader("Try a demo study")
        st.caption("Made-up patients with made-up names burned into the picture.")
        if st.button(f"All {len(studies())} as a batch", icon=":material/stacks:"):
            with st.spinner("Making the studies…"):
                _lay(piles.from_demo(), "The demo studies")
            st.rerun()
        if demo_cards(studies(), columns=3):
            st.rerun()


def _own_files(user: User) -> None:
    st.subheader("Or take files of your own")
    if user.role is Role.DEMO:
        st.info("This account is for made-up studies only.", icon=":material/lock:")
        return
    settings = shared.settings()
    st.caption(
        "They stay in this server's memory, for you alone, until you put them away, sign out, or start a run with them."
    )
    kind = st.segmented_control(
        "What to bring", _kinds(user), default=_FILES, required=True, label_visibility="collapsed", key="bring"
    )
    if kind == _SERVER:
        _from_server(user)
        return
    number = st.session_state.get(keys.UPLOADS, 0)
    uploaded: Any = st.file_uploader(
        f"DICOM with or without extension; {settings.max_batch_files:,} files and {settings.max_batch_mb:,} MB at most",
        accept_multiple_files="directory" if kind == _FOLDER else True,
        key=f"upload-{number}-{kind == _FOLDER}",
    )
    if not uploaded:
        return
    try:
        with st.spinner("Looking at what came…"):
            _take(piles.from_uploads(uploaded), uploaded[0].name)
    except (QuarantineError, RefusedError) as exc:
        st.error(str(exc), icon=":material/do_not_disturb_on:")
        return
    st.session_state[keys.UPLOADS] = number + 1
    st.rerun()


def _kinds(user: User) -> list[str]:
    return [_FILES, _FOLDER, *([_SERVER] if openings.are_there(user, Direction.INPUT) else [])]


def _from_server(user: User) -> None:
    try:
        found = openings.taken(user)
        if found is not None:
            _take(*found)
    except DeidError as exc:
        st.error(str(exc), icon=":material/do_not_disturb_on:")
        return
    if found is not None:
        st.rerun()


def _take(intake: Intake, name: str) -> None:
    """One file alone is opened at once; what is more, or was refused in part, is shown first."""
    if len(intake.images) == 1 and not intake.refused:
        steps.open_file(intake.images[0].data, "Your file", name)
    elif not intake.images and len(intake.refused) == 1:
        raise RefusedError(intake.refused[0].reason)
    else:
        _lay(intake, "Your files")


def _lay(intake: Intake, title: str) -> None:
    st.session_state[keys.PILE] = piles.put(st.session_state[keys.SESSION], intake, title)


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


def _runs_of(user: User) -> None:
    """The user's runs, those at work first."""
    found = shared.background().of(user.username)
    if not found:
        return
    with st.expander(f"Your runs · {len(found)}", icon=":material/history:", expanded=_at_work(found[0])):
        for run in sorted(found, key=lambda run: (not _at_work(run), -run.id))[:8]:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**Run {run.id}** · {_about(run)}")
                st.space("stretch")
                st.button("Look", key=f"run-{run.id}", on_click=batch.show, args=(run.id,))


def _at_work(run: Run) -> bool:
    return run.state.goes_on


def _about(run: Run) -> str:
    ended = [f"{count:,} {looks.OUTCOMES[outcome].label}" for outcome, count in run.outcomes]
    said = [looks.ago(run.started), looks.RUN_STATES[run.state], looks.count(run.planned, "file"), *ended]
    return " · ".join(said)


# What was found


def found(pile: Pile, user: User, *, narrow: bool) -> None:
    """What came in, before anything runs; the one button runs it all."""
    intake = pile.intake
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container():
            st.title(pile.title, anchor=False)
            st.caption("Nothing has run yet. What is below stays in memory, for you alone.")
        hidden = steps.blur_switch(user)
        st.button("Put away", icon=":material/close:", on_click=_put_away)
    counts = {
        "Studies": intake.studies,
        "Series": intake.series,
        "Images": len(intake.images),
        "Frames": intake.frames,
        "Refused": len(intake.refused),
    }
    screen.figures(counts, narrow=narrow)
    if intake.images:
        _run_all(pile, user)
        _images(pile, hidden=hidden, narrow=narrow)
    else:
        st.info("There is no image among these files.", icon=":material/image_not_supported:")
    if intake.refused:
        st.subheader(f"{looks.count(len(intake.refused), 'file')} refused", anchor=False)
        st.dataframe(tables.refusals(intake.refused, hidden=hidden), hide_index=True)


def _run_all(pile: Pile, user: User) -> None:
    intake = pile.intake
    with st.container(horizontal=True, vertical_alignment="center"):
        begin = st.button(
            f"De-identify {looks.count(len(intake.images), 'image')} · {looks.size(intake.size)}",
            type="primary",
            icon=":material/play_arrow:",
        )
        with st.popover("Options", icon=":material/tune:"):
            options, rename = _options()
    if not begin:
        return
    settings = shared.settings()
    with st.spinner("Handing the files over…"):
        order = Order(user.username, intake, options, rename)
        run_id = shared.background().begin(order, lambda: engines(settings))
    _put_away()
    batch.show(run_id)
    st.rerun()


def _options() -> tuple[Options, bool]:
    base = options_of(shared.settings())
    policy = st.segmented_control(
        "What goes",
        list(evidence.POLICIES),
        default=base.policy,
        format_func=evidence.POLICIES.__getitem__,
        required=True,
    )
    profile = evidence.profile_select("batch", base.profile)
    padding = st.slider("Pixels around each word", 0, 20, base.padding_px)
    rename = st.toggle("Replace every file name", help="Otherwise only names that hold a value of the header.")
    return replace(base, policy=Policy(policy), profile=profile, padding_px=padding), rename


def _images(pile: Pile, *, hidden: bool, narrow: bool) -> None:
    """The images, a page at a time; choosing one opens it."""
    images = pile.intake.images
    st.subheader("Images", anchor=False)
    pages = -(-len(images) // _SHOWN)
    page = st.pagination(pages, key="pile-page") - 1 if pages > 1 else 0
    numbers = range(page * _SHOWN, min((page + 1) * _SHOWN, len(images)))
    if narrow:
        chosen = st.selectbox(
            "Step through one image",
            numbers,
            index=None,
            format_func=lambda number: looks.told(str(images[number].path), hidden=hidden),
            placeholder="Choose an image",
        )
    else:
        st.caption("Select a row to step through one image before you run them all.")
        state: Any = st.dataframe(
            tables.images(pile, numbers, hidden=hidden),
            hide_index=True,
            row_height=72,
            column_config={"Image": tables.picture_column()},
            on_select="rerun",
            selection_mode="single-row",
            key=f"pile-{st.session_state.get(keys.PILE)}-{page}",
        )
        rows = state["selection"]["rows"]
        chosen = numbers[rows[0]] if rows else None
    if chosen is not None:
        steps.open_image(pile, chosen)
        st.rerun()


def _put_away() -> None:
    shared.desk().remove(st.session_state[keys.SESSION], st.session_state.pop(keys.PILE, ""))
