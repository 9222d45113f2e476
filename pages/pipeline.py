"""Files through the pipeline: one, step by step, with what each step sees and decides; or many, as a run."""

import streamlit as st

from deid.pipeline import Step
from deid.ui import batch, casework, evidence, keys, panels, piles, screen, shelf, steps, versus
from deid.ui.auth import require_user

user = require_user()
session = st.session_state[keys.SESSION]
narrow = screen.is_narrow()
opened = casework.find(session, st.session_state.get(keys.CASE, ""))
if opened is not None:
    step = Step(st.session_state.get(keys.STEP, Step.CONVERT))
    hidden = steps.headline(opened, user, narrow=narrow)
    steps.step_bar(opened, step)
    working = st.container()
    frame = 0
    if pile := shelf.beside(narrow=narrow):
        listed, left, right = st.columns([1.1, 3, 2.4], gap="small")
        with listed:
            shelf.show(pile, opened, hidden=hidden)
    else:
        left, right = st.columns([3, 2], gap="medium")
    with left:
        if opened.case.frames:
            frame = steps.picture(opened, step, hidden=hidden)
        else:
            steps.no_picture(opened)
    with right:
        evidence.result(opened, step, frame, hidden=hidden)
    versus.draw(opened, step, frame, hidden=hidden)
    with working:
        steps.run_pending(opened, user)
elif run := batch.shown(user):
    batch.page(run, user, narrow=narrow)
elif pile := piles.find(session, st.session_state.get(keys.PILE, "")):
    panels.found(pile, user, narrow=narrow)
else:
    st.title("Pipeline")
    panels.choose(user)
screen.listen()
