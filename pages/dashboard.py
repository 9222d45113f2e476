"""The landing page: who is here, what was done, and where to begin."""

import streamlit as st

from deid.demo import studies
from deid.ui import panels, places, shared, tables
from deid.ui.auth import require_user
from deid.values import Outcome

user = require_user()
totals = shared.store().totals()
runs = shared.store().runs(limit=8)

st.title(f"Welcome, {user.first_name or user.username}")
st.write("Text in medical images is found, judged word by word, and blackened where it may identify a person.")

figures = st.columns(4)
figures[0].metric("Images", f"{totals.images:,}", border=True)
figures[1].metric("Cleaned", f"{totals.count(Outcome.CLEANED):,}", border=True)
figures[2].metric("Need review", f"{totals.count(Outcome.NEEDS_REVIEW):,}", border=True)
figures[3].metric(
    "Quarantined or refused", f"{totals.count(Outcome.QUARANTINED) + totals.count(Outcome.REFUSED):,}", border=True
)

st.subheader("Try it on a demo study")
if panels.demo_cards(panels.one_of_each(studies(), 4), columns=4):
    st.switch_page(places.page("pipeline"))
st.page_link(places.page("pipeline"), label="All demo studies, or a file of your own", icon=":material/arrow_forward:")

st.subheader("Recent runs")
if runs:
    st.dataframe(tables.runs(runs), hide_index=True)
else:
    st.info("Nothing has run yet. Open a demo study above to see every step on one image.", icon=":material/lightbulb:")
