"""What was processed: how many images, of which kind, with which end, how fast, and what was found."""

import streamlit as st

from deid.store import Totals
from deid.ui import auth, charts, history, looks, picking, places, screen, shared
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
screen.cards(
    (
        ("Images in total", f"{totals.images:,}", "Files that were not refused."),
        ("Signed", f"{totals.signed:,}", "Pixels stored as signed integers."),
        ("Unsigned", f"{totals.unsigned:,}", "Pixels stored as unsigned integers."),
        ("Cleaned", looks.per_cent(cleaned / max(totals.images, 1)), f"{cleaned:,} images."),
        ("PHI words found", f"{totals.words:,}", "Counted, never kept."),
        ("Leak checks failed", f"{failed:,}", "Of the last stage; such files are held back."),
    )
)

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

if samples := shared.store().samples(about):
    st.subheader("Samples of clean files")
    history.show_samples(samples)

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
screen.listen()
