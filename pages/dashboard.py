"""The landing page: who is here, what waits, what was done, and where to begin."""

import streamlit as st

from deid.demo import studies
from deid.ui import bench, history, panels, places, screen, shared, state
from deid.ui.auth import reach, require_user
from deid.values import Outcome

user = require_user()
store, mine = shared.store(), reach(user)
totals, runs = store.totals(mine), store.runs(8, mine)

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title(f"Welcome, {user.first_name or user.username}")
    label = "De-identify images" if user.role.may_upload else "Open the demo studies"
    if st.button(label, type="primary", icon=":material/image_search:"):
        st.switch_page(places.page("pipeline"))
st.write("Text in medical images is found, judged word by word, and blackened where it may identify a person.")
if to_decide := len(bench.workbench().keys(user)):
    noun = "image waits" if to_decide == 1 else "images wait"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(f"**{to_decide:,} {noun} for a person to look.**", icon=":material/visibility:")
        st.page_link(places.page("review"), label="Look at them", icon=":material/arrow_forward:")

screen.cards(
    (label, f"{count:,}", told)
    for label, count, told in (
        ("Images", totals.images, "Files that were not refused."),
        ("Cleaned", totals.count(Outcome.CLEANED), None),
        ("Wait for review", totals.count(Outcome.NEEDS_REVIEW), None),
        ("Not released", totals.count(Outcome.QUARANTINED) + totals.count(Outcome.REFUSED), "Quarantined or refused."),
    )
)

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.subheader("Try it on a demo study", width="content")
    if st.button("Watch every step", icon=":material/fast_forward:", help="On the first of these."):
        panels.watch_demo(studies()[0])
        st.switch_page(places.page("pipeline"))
if panels.demo_cards(panels.one_of_each(studies(), 4), columns=4):
    st.switch_page(places.page("pipeline"))

st.subheader("Recent runs")
if runs:
    history.show(runs)
    st.page_link(places.page("statistics"), label="All figures", icon=":material/arrow_forward:")
else:
    st.info("Nothing has run yet. Open a demo study above to see every step on one image.", icon=":material/lightbulb:")

st.subheader("This installation")
state.show(state.conditions(store, shared.settings()))
screen.listen()
