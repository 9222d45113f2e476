"""The pages' tables: frames of plain columns, and how each column is shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd
import streamlit as st

from deid.store import Run
from deid.ui import looks
from deid.values import FrameFindings, FrameWords, Outcome, Region, Removal

_ACTIONS = {
    "X": "removed",
    "Z": "emptied",
    "D": "replaced by a dummy",
    "U": "UID replaced",
    "C": "cleaned",
    "K": "kept",
}


def words(found: FrameWords) -> pd.DataFrame:
    """What was read: one row a word, in reading order."""
    return pd.DataFrame(
        {
            "Text": [word.text for word in found.words],
            "Confidence": [word.confidence for word in found.words],
            "Read by": [list(word.readers) for word in found.words],
        }
    )


def findings(found: FrameFindings) -> pd.DataFrame:
    """What was decided: one row a word, in reading order."""
    return pd.DataFrame(
        {
            "Text": [finding.word.text for finding in found.findings],
            "Decision": [["goes" if finding.is_phi else "stays"] for finding in found.findings],
            "P(PHI)": [finding.p_phi for finding in found.findings],
            "Because": [[looks.REASONS[reason].label for reason in finding.reasons] for finding in found.findings],
        }
    )


def regions(found: tuple[Region, ...]) -> pd.DataFrame:
    """Boxes of a frame: one row each."""
    return pd.DataFrame(
        {
            "Because": [[looks.REASONS[reason].label for reason in region.reasons] for region in found],
            "Left": [region.box.left for region in found],
            "Top": [region.box.top for region in found],
            "Width": [region.box.width for region in found],
            "Height": [region.box.height for region in found],
            "Frames": ["all" if region.frame is None else str(region.frame + 1) for region in found],
        }
    )


def removals(found: tuple[Removal, ...]) -> pd.DataFrame:
    """Header changes: one row an element."""
    return pd.DataFrame(
        {
            "Element": [removal.keyword or "private" for removal in found],
            "What was done": [_ACTIONS.get(removal.action, removal.action) for removal in found],
            "Where": [removal.path for removal in found],
        }
    )


def runs(found: Iterable[Run]) -> pd.DataFrame:
    """Runs: one row each."""
    found = tuple(found)
    return pd.DataFrame(
        {
            "When": [looks.ago(run.started) for run in found],
            "By": [run.user or "command line" for run in found],
            "What": [run.kind for run in found],
            "State": [looks.RUN_STATES[run.state] for run in found],
            "Files": [run.planned for run in found],
            **{
                looks.OUTCOMES[outcome].label.capitalize(): [run.count(outcome) for run in found] for outcome in Outcome
            },
        }
    )


def reason_column() -> Any:
    """Reasons as chips in their colours."""
    known = list(looks.REASONS.values())
    return st.column_config.MultiselectColumn(
        options=[look.label for look in known], color=[look.colour for look in known], width="medium"
    )


def decision_column() -> Any:
    """Goes or stays, as a chip."""
    return st.column_config.MultiselectColumn(options=["goes", "stays"], color=["#F0524F", "#9AA5B1"], width="small")


def share_column() -> Any:
    """A probability as a bar."""
    return st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1, width="small")
