"""One file, step by step: what each step sees, what it decides, and the clean file at the end."""

import streamlit as st

from deid.pipeline import Step
from deid.ui import casework, keys, panels
from deid.ui.auth import require_user

user = require_user()

opened = casework.find(st.session_state[keys.SESSION], st.session_state.get(keys.CASE, ""))
if opened is None:
    st.title("Pipeline")
    panels.choose()
    st.stop()

step = Step(st.session_state.get(keys.STEP, Step.CONVERT))
panels.headline(opened)
panels.step_bar(opened, step)
working = st.container()
left, right = st.columns([3, 2], gap="medium")
with left:
    frame = panels.picture(opened, step)
with right:
    panels.result(opened, step, frame)
with working:
    panels.run_pending(opened, user)
