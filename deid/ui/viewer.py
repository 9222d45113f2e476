"""The picture viewer: frames go to the browser over the page's own connection, never as files with a URL."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from deid.values import Box

_HERE = Path(__file__).parent
_VIEWER = st.components.v2.component(
    "deid_viewer",
    html=(_HERE / "viewer.html").read_text(encoding="utf-8"),
    css=(_HERE / "viewer.css").read_text(encoding="utf-8"),
    js=(_HERE / "viewer.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A box over the picture, in stored pixels."""

    box: Box
    colour: str
    letter: str
    label: str
    """Shown when the pointer is over the box; untrusted text is fine."""
    legend: str = ""
    """What boxes of this colour and letter are, for the line under the picture."""
    thin: bool = False
    strong: bool = False


def show(
    before: bytes,
    marks: tuple[Mark, ...],
    *,
    key: str,
    text: str,
    after: bytes = b"",
    on_pick: Callable[[int], None] | None = None,
) -> None:
    """Draw a PNG with boxes; with a second PNG, a slider between the two. `text` says what the picture is.

    `on_pick` is told the number of a box that was clicked.
    """

    def picked() -> None:
        number = (st.session_state.get(key) or {}).get("picked")
        if on_pick is not None and isinstance(number, int) and 0 <= number < len(marks):
            on_pick(number)

    _VIEWER(key=key, data=pack(before, after, marks, text), on_picked_change=picked)


def pack(before: bytes, after: bytes, marks: tuple[Mark, ...], text: str) -> bytes:
    """What the browser gets: the header's length (32 bits, little endian), the header as JSON, the pictures."""
    header = json.dumps(
        {
            "sizes": [len(before), len(after)],
            "text": text,
            "legend": sorted({(mark.colour, mark.letter, mark.legend) for mark in marks if mark.legend}),
            "marks": [
                {
                    "box": [mark.box.left, mark.box.top, mark.box.width, mark.box.height],
                    "colour": mark.colour,
                    "letter": mark.letter,
                    "label": mark.label,
                    "thin": mark.thin,
                    "strong": mark.strong,
                }
                for mark in marks
            ],
        }
    ).encode()
    return struct.pack("<I", len(header)) + header + before + after
