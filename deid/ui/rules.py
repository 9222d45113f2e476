"""The part of the administration page that is about settings."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from deid.errors import UsageError
from deid.settings import stated
from deid.store import CHANGEABLE, User
from deid.ui import auth, shared


@dataclass(frozen=True, slots=True)
class Said:
    """A setting as a person reads it."""

    label: str
    help: str


LABELS = {
    "phi_threshold": Said(
        "A word goes from this probability of being PHI", "Lower: more goes. For images that are opened from now on."
    ),
    "box_padding": Said("Pixels added around each word", "For images that are opened from now on."),
    "session_hours": Said("Hours that a sign-in lasts", "For sign-ins from now on."),
    "lockout_attempts": Said("Wrong passwords until a name is locked", "For users and for names that do not exist."),
    "lockout_minutes": Said("Minutes that a name stays locked", "Counted from the last wrong password."),
}
_FIXED = ("model", "adapter", "threads", "origin", "max_upload_mb", "max_frames", "desk_minutes", "desk_mb")


def administer(me: User) -> None:
    """Settings that take effect at once, everywhere; then those that only the server's environment can change."""
    now = shared.settings()
    with st.form("settings"):
        st.subheader("In force for everybody, also on the command line")
        columns = st.columns(2, gap="large")
        chosen = {name: _field(columns[number % 2], name, getattr(now, name)) for number, name in enumerate(CHANGEABLE)}
        if st.form_submit_button("Save", type="primary"):
            _save(me, {name: value for name, value in chosen.items() if value != getattr(now, name)})
    st.subheader("Set where the server is started")
    st.caption("These are environment variables; the README says what each does.")
    rows = {f"DEID_{name.upper()}": str(getattr(now, name)) or "bundled" for name in _FIXED}
    st.dataframe(pd.DataFrame({"Setting": list(rows), "Value": list(rows.values())}), hide_index=True)


def _field(place: st.delta_generator.DeltaGenerator, name: str, value: float) -> float:
    bounds, said, kind = CHANGEABLE[name], LABELS[name], type(value)
    fixed = stated(name)
    return place.number_input(
        said.label,
        kind(min(bounds.least, value)),
        kind(max(bounds.most, value)),
        value,
        kind(bounds.step),
        format="%g" if kind is float else None,
        help=f"DEID_{name.upper()} is set in the server's environment." if fixed else said.help,
        disabled=fixed,
        key=f"setting-{name}",
    )


def _save(me: User, changes: dict[str, float]) -> None:
    try:
        for name, value in changes.items():
            shared.store().change_setting(name, value, auth.actor(me))
    except UsageError as exc:
        st.error(str(exc), icon=":material/error:")
    else:
        st.toast("Saved." if changes else "Nothing was changed.", icon=":material/check:")
