"""The readers and the model, started once for all browsers."""

from __future__ import annotations

import streamlit as st

from deid.jobs import make_engines
from deid.pipeline import Engines
from deid.settings import Settings


@st.cache_resource(show_spinner="Starting the text readers…")
def engines(settings: Settings) -> Engines:
    """The engines of these settings."""
    return make_engines(settings)
