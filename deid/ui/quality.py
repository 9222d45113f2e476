"""The quality page: a random sample of clean files, one at a time, and what people see in it."""

from __future__ import annotations

import streamlit as st

from deid.errors import DeidError
from deid.jobs import examine, options_of
from deid.pipeline import open_case
from deid.quality import SHARES, Picked, Quality, says
from deid.store import Run, Sampled, User
from deid.ui import auth, bench, exhibits, keys, lightbox, looks, places, review, shared, steps
from deid.ui.bench import Looked
from deid.values import Outcome

_RUN = "run"
"""In the page's address: the number of the run that is looked at."""


def page(user: User) -> None:
    """The sample of the run that the address names, or of the newest one."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title("Quality", anchor=False)
        hidden = steps.blur_switch(user)
    st.write(
        "The machine says which files came out clean. Whether it is right is shown by people who look at some of them, "
        "drawn at random."
    )
    quality = Quality(shared.settings(), shared.store())
    runs = quality.runs(user)
    if not runs:
        st.info("There is no run with clean files yet.", icon=":material/verified:")
        st.page_link(places.page("pipeline"), label="De-identify images", icon=":material/arrow_forward:")
        return
    run = _chosen(runs)
    sampled = shared.store().sample(run.id)
    if sampled is None:
        _draw_sample(quality, user, run)
        return
    _account(sampled)
    picked = quality.next(user, run)
    if picked is not None:
        _look(quality, user, picked, hidden=hidden)
    elif sampled.looked == sampled.size:
        _ended(sampled)
    else:
        st.info("The files that are left are looked at by others now, or were closed.", icon=":material/group:")


def _chosen(runs: tuple[Run, ...]) -> Run:
    numbers = {run.id: run for run in runs}
    wanted = str(st.query_params.get(_RUN, ""))
    first = list(numbers).index(int(wanted)) if wanted.isdecimal() and int(wanted) in numbers else 0
    chosen = st.selectbox("Run", list(numbers), index=first, format_func=lambda number: _named(numbers[number]))
    st.query_params[_RUN] = str(chosen)
    return numbers[chosen]


def _named(run: Run) -> str:
    clean = looks.count(run.count(Outcome.CLEANED), "clean file")
    return f"Run {run.id} · {clean} · begun {looks.ago(run.started)}"


def _draw_sample(quality: Quality, user: User, run: Run) -> None:
    share = st.segmented_control(
        "If none leaks, this is to be shown: fewer leak than",
        list(SHARES),
        default=SHARES[1],
        format_func=lambda each: f"{each:.0%}".replace("%", " %"),
        required=True,
        key=f"share-{run.id}",
    )
    size, population = quality.size(run.id, share)
    st.markdown(
        f"**{looks.count(size, 'file')} of {population:,}** {'has' if size == 1 else 'have'} to be looked at, "
        "for a confidence of 95 %."
    )
    st.caption("A run has one sample. Which files it holds is drawn once and kept, so that nobody can pick.")
    if st.button("Draw the sample", type="primary", icon=":material/shuffle:", disabled=not population):
        try:
            quality.draw(auth.actor(user), run, share)
        except DeidError as exc:
            st.error(str(exc), icon=":material/error:")
            return
        st.rerun()


def _account(sampled: Sampled) -> None:
    st.progress(sampled.looked / max(sampled.size, 1), says(sampled).capitalize())
    st.caption(
        f"Drawn by {sampled.by} {looks.ago(sampled.at)}, {looks.count(sampled.size, 'file')} "
        f"of {sampled.draw.population:,}."
    )


def _ended(sampled: Sampled) -> None:
    if not sampled.leaks:
        st.success("Every file of the sample was looked at, and none leaks.", icon=":material/check_circle:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        said = "One leaks: it was" if sampled.leaks == 1 else f"{sampled.leaks:,} leak: they were"
        others = " Others that nobody looked at may leak too." if sampled.size < sampled.draw.population else ""
        st.warning(
            f"**Every file of the sample was looked at. {said} taken back for review.**{others}",
            icon=":material/flag:",
        )
        st.page_link(places.page("review"), label="Look at what waits", icon=":material/arrow_forward:")


# One file


def _look(quality: Quality, user: User, picked: Picked, *, hidden: bool) -> None:
    looked = bench.lay_out(f"sample/{picked.key}", lambda: _opened(quality, picked))
    with st.container(horizontal=True, vertical_alignment="center"):
        seen = st.button(
            "Nothing to see",
            icon=":material/check:",
            type="primary",
            shortcut="A",
            disabled=looked is None,
            help="No name, number, date or other thing that identifies can be read in any frame.",
        )
        leak = st.button(
            "Leak",
            icon=":material/flag:",
            shortcut="L",
            help="The clean file is taken back, and waits for review.",
        )
    if seen or leak:
        _say(quality, user, picked, leak=leak)
    if looked is None:
        st.error("This file cannot be opened: if in doubt, it is a leak.", icon=":material/broken_image:")
        return
    _draw(picked, looked, hidden=hidden)


def _opened(quality: Quality, picked: Picked) -> Looked | None:
    try:
        data = quality.clean(picked)
        examine(data, shared.settings())
        case = open_case(data, options_of(shared.settings()))
    except (DeidError, OSError):
        return None
    return Looked(f"sample/{picked.key}", case, 2 * len(data))


def _say(quality: Quality, user: User, picked: Picked, *, leak: bool) -> None:
    try:
        (quality.leak if leak else quality.pass_over)(auth.actor(user), picked)
    except (DeidError, OSError) as exc:
        st.error(str(exc) if isinstance(exc, DeidError) else "The file cannot be taken back.", icon=":material/error:")
        return
    bench.drop()
    st.toast("It was taken back and waits for review." if leak else "Noted.", icon=":material/check_circle:")
    st.rerun()


def _draw(picked: Picked, looked: Looked, *, hidden: bool) -> None:
    """The clean picture, without boxes over it; what the browser tells of boxes is heard and means nothing here."""
    case, key = looked.case, f"sample/{picked.key}"
    said = lightbox.told(case.frames, int(case.dataset.Rows), int(case.dataset.Columns))
    known = st.session_state.setdefault(keys.HEARD, {})
    if said.picture == key:
        review.hear(said, known, lambda correction: None)
    tries = st.session_state.setdefault(keys.ANSWERED, {})
    lightbox.show(case, key, (), review.wanted(looked, said, tries, key), known, hidden=hidden)
    st.caption(f"{exhibits.facts_of(case.dataset, case.frames)} · Shift and drag changes light and contrast")
