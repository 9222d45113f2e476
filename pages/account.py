"""One's own name, address and password."""

import streamlit as st

from deid.errors import UsageError
from deid.ui import auth, shared
from deid.ui.auth import require_user

user = require_user()
st.title("Account")
st.caption(f"Signed in as **{user.username}** · {user.role.value} · since {user.created:%d %B %Y}")

profile, password = st.columns(2, gap="large")
with profile, st.form("profile"):
    st.subheader("Your name")
    first_name = st.text_input("First name", user.first_name, autocomplete="given-name")
    last_name = st.text_input("Last name", user.last_name, autocomplete="family-name")
    email = st.text_input("E-mail", user.email, autocomplete="email")
    if st.form_submit_button("Save", type="primary"):
        try:
            shared.store().change_profile(user.username, first_name, last_name, email)
        except UsageError as exc:
            st.error(str(exc), icon=":material/error:")
        else:
            st.toast("Saved.", icon=":material/check:")
            st.rerun()
with password:
    auth.password_form(user)

if st.button("Sign out", icon=":material/logout:"):
    auth.sign_out()
