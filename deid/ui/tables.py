"""The pages' tables: frames of plain columns, and how each column is shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd
import streamlit as st

from deid.beside import ElementPair
from deid.inputs import InputFile
from deid.intake import Refusal
from deid.runfiles import Entry
from deid.store import Run
from deid.ui import looks, piles
from deid.ui.piles import Pile
from deid.values import Finding, FrameFindings, FrameWords, Outcome, Reason, Region

_HEAD_PX, _ROW_PX = 35, 33
"""The line with the columns' names and the table's border, and a row, at the theme's size of letters."""

_ACTIONS = {
    "X": "removed",
    "Z": "emptied",
    "D": "made up",
    "U": "new UID",
    "C": "cleaned",
    "K": "kept",
    "+": "added",
}


def words(found: FrameWords, *, hidden: bool = False) -> pd.DataFrame:
    """What was read: one row a word, in reading order."""
    return pd.DataFrame(
        {
            "Text": [looks.told(word.text, hidden=hidden) for word in found.words],
            "Confidence": shares(word.confidence for word in found.words),
            "Read by": [list(word.readers) for word in found.words],
        }
    )


def findings(found: FrameFindings, *, hidden: bool = False) -> pd.DataFrame:
    """What was decided: one row a word, in reading order."""
    return pd.DataFrame(
        {
            "Text": [looks.told(finding.word.text, hidden=hidden) for finding in found.findings],
            "Because": [_chips(finding.reasons) for finding in found.findings],
            "P(PHI)": shares(finding.p_phi for finding in found.findings),
            "Decision": [[fate(finding)] for finding in found.findings],
        }
    )


def regions(found: tuple[Region, ...]) -> pd.DataFrame:
    """Boxes of a frame: one row each."""
    return pd.DataFrame(
        {
            "Because": [_chips(region.reasons) for region in found],
            "Left": [region.box.left for region in found],
            "Top": [region.box.top for region in found],
            "Width": [region.box.width for region in found],
            "Height": [region.box.height for region in found],
            "Frames": ["all" if region.frame is None else str(region.frame + 1) for region in found],
        }
    )


def headers(found: Iterable[ElementPair], *, hidden: bool) -> pd.DataFrame:
    """The header before and after: one row an element; `hidden` shows no value as it was."""
    found = tuple(found)
    return pd.DataFrame(
        {
            "Element": [pair.name for pair in found],
            "Done": [_ACTIONS.get(pair.action, pair.action) for pair in found],
            "Before": [looks.told(pair.before, hidden=hidden) for pair in found],
            "After": [looks.told(pair.after, hidden=hidden and pair.before == pair.after) for pair in found],
            "Where": [pair.path for pair in found],
        }
    )


def images(pile: Pile, numbers: Iterable[int], *, hidden: bool) -> pd.DataFrame:
    """Files that were handed in: one row an image."""
    chosen = [(number, pile.intake.images[number]) for number in numbers]
    return pd.DataFrame(
        {
            "Image": [piles.thumb(pile, number, hidden=hidden) for number, _ in chosen],
            "File": [looks.told(str(image.path), hidden=hidden) for _, image in chosen],
            "Kind": [looks.MODALITIES.get(image.modality, image.modality or "not stated") for _, image in chosen],
            "Study": [image.study for _, image in chosen],
            "Frames": [image.frames for _, image in chosen],
            "Pixels": [f"{image.columns:,} × {image.rows:,}" if image.frames else "none" for _, image in chosen],
            "Size": [looks.size(len(image.data)) for _, image in chosen],
        }
    )


def shelf(pile: Pile, numbers: Iterable[int], *, hidden: bool) -> pd.DataFrame:
    """The same, as narrow as can be: one row an image, with how it ended."""
    chosen = [(number, pile.ends.get(number)) for number in numbers]
    return pd.DataFrame(
        {
            "Image": [piles.thumb(pile, number, hidden=hidden) for number, _ in chosen],
            "Outcome": [[looks.OUTCOMES[end].label] if end else [] for _, end in chosen],
        }
    )


def refusals(found: Iterable[Refusal], *, hidden: bool) -> pd.DataFrame:
    """Files that cannot be worked on: one row each."""
    found = tuple(found)
    return pd.DataFrame(
        {
            "File": [looks.told(str(each.path), hidden=hidden) for each in found],
            "Why": [each.reason for each in found],
        }
    )


def entries(found: Iterable[Entry], *, hidden: bool) -> pd.DataFrame:
    """What became of a run's files: one row each."""
    found = tuple(found)
    return pd.DataFrame(
        {
            "File": [looks.told(str(entry.source), hidden=hidden) for entry in found],
            "Outcome": [[looks.OUTCOMES[entry.outcome].label] for entry in found],
            "Why": [entry.why for entry in found],
            "Kind": [looks.MODALITIES.get(entry.modality, entry.modality) for entry in found],
            "Frames": [entry.frames for entry in found],
            "Boxes": [len(entry.boxes) for entry in found],
            "Time": [looks.seconds(entry.seconds) if entry.seconds else "" for entry in found],
        }
    )


def unworked(found: Iterable[InputFile], *, hidden: bool) -> pd.DataFrame:
    """Files of a run without an end: one row each."""
    found = tuple(found)
    return pd.DataFrame(
        {
            "No.": [(source.number or 0) + 1 for source in found],
            "File": [looks.told(str(source.relative), hidden=hidden) for source in found],
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


def height(rows: int, most: int, row: int = _ROW_PX) -> int:
    """Pixels that a table of so many rows takes, and no more than `most`."""
    return min(most, _HEAD_PX + row * max(rows, 1))


def _chips(reasons: tuple[Reason, ...]) -> list[str]:
    """The reason that settled it in full, the others by their letters: so the cell is wide enough for them."""
    shown = [looks.REASONS[reason] for reason in reasons]
    return [look.label if number == 0 else look.letter for number, look in enumerate(shown)]


def reason_column(width: int = 190) -> Any:
    """Reasons as chips in their colours."""
    known = list(looks.REASONS.values())
    return st.column_config.MultiselectColumn(
        options=[*(look.label for look in known), *(look.letter for look in known)],
        color=[look.colour for look in known] * 2,
        width=width,
    )


def decision_column() -> Any:
    """Goes or stays, as a chip."""
    colours = [looks.REASONS[Reason.HEADER].colour, looks.KEPT.colour]
    return st.column_config.MultiselectColumn(options=["goes", "stays"], color=colours, width=70)


def outcome_column() -> Any:
    """An outcome as a chip in its colour."""
    known = list(looks.OUTCOMES.values())
    return st.column_config.MultiselectColumn(
        options=[look.label for look in known], color=[look.colour for look in known], width=125
    )


def fate(finding: Finding) -> str:
    """What is decided about a word."""
    return "goes" if finding.is_phi else "stays"


def shares(found: Iterable[float]) -> list[str]:
    """Probabilities in whole per cent, with spaces before them by which the table sorts them as numbers."""
    return [" " * _before(share) + looks.per_cent(share) for share in found]


def _before(share: float) -> int:
    """More spaces the smaller the number: tables sort a space before any sign or digit."""
    return (share <= 0.99) + (share < 0.095) + (share < 0.01) + (not share)


def share_column(width: int = 85) -> Any:
    """Such a column."""
    return st.column_config.TextColumn(width=width, alignment="right")


def header_columns() -> dict[str, Any]:
    """Widths that leave room for the values."""
    widths = {"Element": 140, "Done": 75, "Before": 85, "After": 85, "Where": 95}
    return {name: st.column_config.TextColumn(width=width) for name, width in widths.items()}


def picture_column() -> Any:
    """A small picture."""
    return st.column_config.ImageColumn("", width=70)
