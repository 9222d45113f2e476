"""One's own name, address, password and browsers."""

import streamlit as st

from deid.ui import auth, people
from deid.ui.auth import require_user

user = require_user()
st.title("Account")
st.caption(f"Signed in as **{user.username}** · {user.role.value} · since {user.created:%d %B %Y}")

left, right = st.columns(2, gap="large")
with left:
    people.profile_form(user)
with right:
    auth.password_form(user)

people.own_sessions(user)
if st.button("Sign out", icon=":material/logout:", key="sign-out-here"):
    auth.sign_out()
