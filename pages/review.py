"""What the machine was not sure of: one file at a time, for a person to look at, correct and decide."""

import streamlit as st

from deid.ui import review, steps
from deid.ui.auth import require_user

user = require_user()
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Review", anchor=False)
    hidden = steps.blur_switch(user)
review.page(user, hidden=hidden)
