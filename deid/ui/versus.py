"""The open image as other readers see it, or as it is judged without the model, beside what is in use."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from deid.pipeline import Engines, Step
from deid.serving import engines
from deid.trials import Pair, Reading, pairs, read_alone
from deid.ui import exhibits, keys, looks, shared, tables, viewer
from deid.ui.casework import Opened, Sheet
from deid.values import Finding, FrameFindings, View

_ALL = "all readers"
_ON, _OFF = "with the model", "without the model"


def draw(opened: Opened, step: Step, frame: int, *, hidden: bool) -> None:
    """Which readers and model to try, and both results side by side once they were tried."""
    here = exhibits.findings_of(opened, frame)
    if step is not Step.FIND or here is None:
        return
    case_id = st.session_state.get(keys.CASE, "")
    with st.expander("The same image with another reader, or without the model", icon=":material/compare:"):
        made = engines(shared.settings())
        with st.container(horizontal=True, vertical_alignment="bottom"):
            names = [reader.name for reader in made.readers]
            readers = st.segmented_control(
                "Read by", [*names, _ALL], default=names[0], required=True, key=f"versus-readers-{case_id}"
            )
            model = (
                st.segmented_control("Judged", [_ON, _OFF], default=_ON, required=True, key=f"versus-model-{case_id}")
                if made.classifier
                else _OFF
            )
            pressed = st.button("Read it beside", icon=":material/play_arrow:", key=f"versus-{case_id}")
        chosen = readers, model, frame
        if pressed and chosen not in opened.trials:
            with st.spinner("Reading…", show_time=True):
                opened.trials[chosen] = read_alone(opened.case, frame, _only(made, readers, model), opened.options)
        if chosen in opened.trials:
            _side_by_side(opened, here, opened.trials[chosen], f"{readers}, {model}", hidden=hidden)


def _only(made: Engines, readers: str, model: str) -> Engines:
    """The engines that are to be tried."""
    chosen = tuple(reader for reader in made.readers if readers in (reader.name, _ALL))
    return replace(made, readers=chosen, classifier=made.classifier if model == _ON else None)


def _side_by_side(opened: Opened, here: FrameFindings, there: Reading, name: str, *, hidden: bool) -> None:
    frame = there.words.frame
    png = exhibits.picture(opened, Sheet.ORIGINAL, frame, View.WINDOW, hidden=hidden)
    for place, found, title, key in zip(
        st.columns(2, gap="medium"),
        (here, there.findings),
        ("As it is decided now", name.capitalize()),
        ("viewer-now", "viewer-other"),
        strict=True,
    ):
        going = sum(finding.is_phi for finding in found.findings)
        with place:
            st.markdown(f"**{title}** · {going:,} of {looks.count(len(found.findings), 'word')} go")
            viewer.show(png, exhibits.finding_marks(found, hidden=hidden), key=key, text=f"{opened.title}, {title}")
    found_pairs = pairs(here, there.findings)
    differing = [pair for pair in found_pairs if pair.differs]
    if not differing:
        st.write("Both read and decide the same.")
        return
    st.write(f"Read or decided otherwise: {len(differing):,} of {looks.count(len(found_pairs), 'word')}.")
    st.dataframe(_table(differing, hidden=hidden), hide_index=True)


def _table(found: list[Pair], *, hidden: bool) -> pd.DataFrame:
    def text(finding: Finding | None) -> str:
        return looks.told(finding.word.text, hidden=hidden) if finding else "not seen"

    def decision(finding: Finding | None) -> str:
        return f"{tables.fate(finding)} · {looks.per_cent(finding.p_phi)}" if finding else ""

    return pd.DataFrame(
        {
            "Now": [text(pair.here) for pair in found],
            "Decision now": [decision(pair.here) for pair in found],
            "Beside": [text(pair.there) for pair in found],
            "Decision beside": [decision(pair.there) for pair in found],
        }
    )
