"""The viewer in which a person decides: stored values go to the browser, decisions about boxes come back."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import streamlit as st

from deid.codecs.raw import raw_frame
from deid.pipeline import Case
from deid.render import blurred, render_stored, window_of
from deid.review import Correction, Deed
from deid.ui import looks
from deid.values import Box, Reason, View

_HERE = Path(__file__).parent
_LIGHTBOX = st.components.v2.component(
    "deid_lightbox",
    html=(_HERE / "lightbox.html").read_text(encoding="utf-8"),
    css="".join((_HERE / name).read_text(encoding="utf-8") for name in ("viewer.css", "lightbox.css")),
    js="".join((_HERE / name).read_text(encoding="utf-8") for name in ("paint.js", "lightbox.js")),
)
_ROOM = 6 * 1024 * 1024
"""Bytes of frames that are sent at once, before they are packed; one frame always is."""
_MOST = 64
"""Decisions that are believed at once: a browser that sends more is none of ours."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A box over the picture, in stored pixels. `frame` None: in every frame."""

    frame: int | None
    box: Box
    state: Literal["goes", "kept", "open", "word"]
    look: looks.Look
    label: str
    """Shown when the pointer is over the box; untrusted text is fine."""
    drawn: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What the browser has said."""

    origin: int = 0
    picture: str = ""
    """The image that it is about."""
    events: tuple[tuple[int, Correction], ...] = ()
    """(number, decision), the number counting from 1 in each browser tab."""
    want: tuple[int, ...] = ()
    """Frames that it lacks."""
    tries: int = 0


def show(
    case: Case,
    picture: str,
    marks: Iterable[Mark],
    send: Iterable[int],
    known: Mapping[int, int],
    *,
    hidden: bool,
    scope: str = "",
) -> None:
    """Draw the viewer. `picture` names the image, `send` its frames to go along, `known` what was heard of each tab.

    `scope` is said to whoever draws a box: how far it goes.
    """
    data = pack(case, picture, tuple(marks), send, known, hidden=hidden, scope=scope)
    _LIGHTBOX(key=KEY, data=data, on_told_change=_heard)


KEY = "lightbox"
"""The component's place in the session state."""


def told(frames: int, rows: int, columns: int) -> Told:
    """What the browser has said about an image of this size; nothing that lies outside it."""
    state: Any = st.session_state.get(KEY) or {}
    return parse(state.get("told"), frames, rows, columns)


def parse(said: Any, frames: int, rows: int, columns: int) -> Told:
    """`told` of what came over the connection."""
    try:
        events = tuple(
            (int(each["number"]), _correction(each, frames, rows, columns)) for each in said["events"][:_MOST]
        )
        want = tuple(int(each) for each in said["want"][:_MOST] if 0 <= int(each) < frames)
        return Told(int(said["origin"]), str(said["picture"]), events, want, int(said["tries"]))
    except (TypeError, ValueError, KeyError, IndexError):
        return Told()


def pack(
    case: Case,
    picture: str,
    marks: tuple[Mark, ...],
    send: Iterable[int],
    known: Mapping[int, int],
    *,
    hidden: bool,
    scope: str = "",
) -> bytes:
    """What the browser gets: the header's length (32 bits, little endian), the header as JSON, the packed frames."""
    sent: list[dict[str, Any]] = []
    packed: list[bytes] = []
    room = _ROOM
    for frame in send:
        described, values = frame_values(case, frame, hidden=hidden)
        room -= len(values)
        if packed and room < 0:
            break
        packed.append(zlib.compress(values, 1))
        sent.append({"frame": frame, "size": len(packed[-1]), **described})
    drawn = looks.REASONS[Reason.DRAWN]
    header = {
        "picture": picture,
        "hidden": hidden,
        "scope": scope,
        "text": f"Image with {looks.count(len(marks), 'box', 'boxes')}",
        "rows": int(case.dataset.Rows),
        "columns": int(case.dataset.Columns),
        "frames": case.frames,
        "first": min((mark.frame for mark in marks if mark.frame is not None and mark.state == "open"), default=0),
        "invert": not hidden and _is_raw(case) and case.dataset.PhotometricInterpretation == "MONOCHROME1",
        "sent": sent,
        "known": known,
        "drawn": {"colour": drawn.colour, "letter": drawn.letter, "label": drawn.label, "legend": drawn.label},
        "marks": [_described(mark) for mark in marks],
    }
    told_header = json.dumps(header).encode()
    return struct.pack("<I", len(told_header)) + told_header + b"".join(packed)


def frame_values(case: Case, frame: int, *, hidden: bool) -> tuple[dict[str, Any], bytes]:
    """(kind and window, values): stored grey values of up to 16 bits as they are, everything else as a picture."""
    stored = raw_frame(case.dataset, frame)
    if hidden or not _is_raw(case):
        shown = render_stored(case.dataset, stored, View.WINDOW)
        shown = blurred(shown) if hidden else shown
        return {"kind": "rgb" if shown.ndim == 3 else "u8", "low": 0, "high": 255}, np.ascontiguousarray(
            shown
        ).tobytes()
    low, high = window_of(case.dataset, stored.astype(np.float32))
    kind, dtype = (
        ("u8", "u1") if stored.dtype == np.uint8 else ("s16", "<i2") if stored.dtype.kind == "i" else ("u16", "<u2")
    )
    return {"kind": kind, "low": low, "high": high}, np.ascontiguousarray(stored, dtype).tobytes()


def _is_raw(case: Case) -> bool:
    """Whether the stored values are grey values that fit 16 bits."""
    grey = str(case.dataset.get("PhotometricInterpretation", "")).startswith("MONOCHROME")
    return grey and "PixelData" in case.dataset and 1 < int(case.dataset.BitsAllocated) <= 16


def _correction(said: Mapping[str, Any], frames: int, rows: int, columns: int) -> Correction:
    left, top, width, height = (int(each) for each in said["box"])
    frame = int(said["frame"])
    if left + width > columns or top + height > rows or not 0 <= frame < frames:
        raise ValueError("outside the image")
    return Correction(Deed(said["deed"]), Box(left, top, width, height), frame)


def _described(mark: Mark) -> dict[str, Any]:
    box = mark.box
    return {
        "frame": mark.frame,
        "box": [box.left, box.top, box.width, box.height],
        "state": mark.state,
        "colour": mark.look.colour,
        "letter": mark.look.letter,
        "legend": mark.look.label,
        "label": mark.label,
        "drawn": mark.drawn,
    }


def _heard() -> None:
    """The page starts over by itself, and asks `told`."""
