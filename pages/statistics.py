"""What was processed: how many images, of which kind, with which end, how fast, and what was found."""

import streamlit as st

from deid.store import Totals
from deid.ui import auth, charts, history, picking, places, shared
from deid.ui.auth import require_user
from deid.values import Outcome

user = require_user()
st.title("Statistics")
if not shared.store().runs(1, auth.reach(user)):
    st.info("There are no figures yet: they begin with the first image.", icon=":material/bar_chart:")
    st.page_link(places.page("pipeline"), label="Open a demo study", icon=":material/arrow_forward:")
    st.stop()

about = picking.choose(user)
totals = shared.store().totals(about)
by = auth.actor(user)
if totals == Totals():
    st.info("No file was worked on in this choice. Widen it above.", icon=":material/filter_alt:")
    st.stop()

cleaned, failed = totals.count(Outcome.CLEANED), sum(count for _, count in totals.failed_checks)
figures = st.columns(6)
figures[0].metric("Images in total", f"{totals.images:,}", border=True)
figures[1].metric("Signed", f"{totals.signed:,}", border=True, help="Pixels stored as signed integers.")
figures[2].metric("Unsigned", f"{totals.unsigned:,}", border=True, help="Pixels stored as unsigned integers.")
figures[3].metric("Cleaned", f"{cleaned / max(totals.images, 1):.0%}", border=True, help=f"{cleaned:,} images.")
figures[4].metric("PHI words found", f"{totals.words:,}", border=True, help="Counted, never kept.")
figures[5].metric("Leak checks failed", f"{failed:,}", border=True, help="Of the last stage; such files are held back.")

charts.row(
    ("By modality", charts.by_modality(totals)),
    ("Signed and unsigned", charts.by_sign(totals)),
    ("Outcomes", charts.by_outcome(totals)),
)
charts.row(("Files a day", charts.history(shared.store().history(about))))
if totals.words:
    charts.row(
        ("PHI words by reason", charts.by_reason(totals)),
        ("PHI words by kind", charts.by_category(totals)),
    )
charts.row(
    ("Transfer syntaxes", charts.by_syntax(totals)),
    ("Time of each stage", charts.stage_times(totals.times)),
)
if totals.failed_checks:
    charts.row(("Leak checks failed", charts.failed_checks(totals)))

st.subheader("Run history")
history.show(shared.store().runs(200, about))
with st.container(horizontal=True):
    for label, taken, name in (
        ("Figures as CSV", history.exported_figures, "figures.csv"),
        ("Runs as CSV", history.exported_runs, "runs.csv"),
    ):
        st.download_button(
            label,
            lambda taken=taken: taken(about, by),
            name,
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
