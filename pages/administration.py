"""Who may come in, what is set, and what was done."""

import streamlit as st

from deid.ui import measured, openings, people, rules, screen, trail
from deid.ui.auth import require_administrator

SECTIONS = {
    "Users": (":material/group:", people.administer),
    "Settings": (":material/tune:", rules.administer),
    "Folders": (":material/folder_open:", openings.administer),
    "Measured": (":material/straighten:", measured.administer),
    "Audit log": (":material/history:", trail.administer),
}

user = require_administrator()
st.title("Administration")
section = st.segmented_control(
    "Section",
    list(SECTIONS),
    default="Users",
    format_func=lambda name: f"{SECTIONS[name][0]} {name}",
    required=True,
    label_visibility="collapsed",
    key="administration-section",
)
SECTIONS[section][1](user)
screen.listen()
