"""When a page fails: a sentence and an id for the user, places in the code for the log, values for nobody."""

from __future__ import annotations

import logging
import secrets

import streamlit as st

from deid.errors import DeidError
from deid.faults import places_of
from deid.ui import keys

_LOG = logging.getLogger("deid.faults")
_TELLING = ("streamlit.error_util", "streamlit.runtime.backend_operation_handler")
"""Streamlit's loggers that write tracebacks of our code: a page's, and that of a file made on a click."""


def report(fault: Exception) -> bool:
    """Show and log a fault that a page did not expect; True tells Streamlit that it was shown."""
    fault_id = secrets.token_hex(4)
    st.session_state.pop(keys.PENDING, None)  # or it would happen again at every click
    told = str(fault) if isinstance(fault, DeidError) else "Something went wrong in this step, and nothing was written."
    _LOG.error("fault %s: %s", fault_id, places_of(fault))
    st.error(f"{told} Fault id: `{fault_id}`", icon=":material/error:")
    return True


def silence_streamlit() -> None:
    """Streamlit logs the message and source lines of every uncaught exception; `report` logs what may be logged."""
    for name in _TELLING:
        log = logging.getLogger(name)
        if not any(isinstance(each, _NoTraces) for each in log.filters):
            log.addFilter(_NoTraces())


class _NoTraces(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return record.exc_info is None
