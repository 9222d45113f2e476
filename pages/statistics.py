"""What was processed: how many images, of which kind, with which end, and when."""

import streamlit as st

from deid.ui import charts, places, shared, tables
from deid.ui.auth import require_user
from deid.values import Outcome

SPANS = {"30 days": 30, "90 days": 90, "A year": 366}

require_user()
st.title("Statistics")
totals = shared.store().totals()
if not totals.by_outcome:
    st.info("There are no figures yet: they begin with the first image.", icon=":material/bar_chart:")
    st.page_link(places.page("pipeline"), label="Open a demo study", icon=":material/arrow_forward:")
    st.stop()

figures = st.columns(4)
figures[0].metric("Images in total", f"{totals.images:,}", border=True)
figures[1].metric("Signed", f"{totals.signed:,}", border=True, help="Pixels stored as signed integers.")
figures[2].metric("Unsigned", f"{totals.unsigned:,}", border=True, help="Pixels stored as unsigned integers.")
cleaned = totals.count(Outcome.CLEANED)
figures[3].metric("Cleaned", f"{cleaned / max(totals.images, 1):.0%}", border=True, help=f"{cleaned:,} images.")

left, middle, right = st.columns(3, gap="medium")
for place, heading, figure in (
    (left, "By modality", charts.by_modality(totals)),
    (middle, "Signed and unsigned", charts.by_sign(totals)),
    (right, "Outcomes", charts.by_outcome(totals)),
):
    with place, st.container(border=True):
        st.markdown(f"#### {heading}")
        st.plotly_chart(figure, key=heading, config={"displayModeBar": False})

with st.container(border=True):
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown("#### Files a day")
        span = st.segmented_control(
            "Time", list(SPANS), default="30 days", required=True, label_visibility="collapsed", key="span"
        )
    st.plotly_chart(
        charts.history(shared.store().history(SPANS[span])), key="history", config={"displayModeBar": False}
    )

st.subheader("Run history")
st.dataframe(tables.runs(shared.store().runs(limit=200)), hide_index=True)
