"""The readers and the model, started once for all browsers."""

from __future__ import annotations

import streamlit as st

from deid.jobs import make_engines
from deid.pipeline import Engines
from deid.settings import Settings
from deid.turns import taking_turns


def _chosen(settings: Settings) -> tuple[str, str, str, int]:
    """What engines depend on: a threshold that an administrator changes is no reason to start others."""
    return str(settings.home), settings.model, settings.adapter, settings.model_threads


# A run asks from a thread that has no page to draw a spinner on.
@st.cache_resource(show_spinner=False, hash_funcs={Settings: _chosen})
def engines(settings: Settings) -> Engines:
    """The engines of these settings; whoever needs one waits for its turn."""
    return taking_turns(make_engines(settings))
