"""How wide the browser's window is: a list beside the picture has no place on a phone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import streamlit as st

from deid.ui import keys

_NARROWEST_PX = 700
_CARD_PX = 156
"""Two beside each other on a phone of 360 pixels."""
_AGAIN_MS = 2000
_KEY = "deid.screen"
_SCREEN = st.components.v2.component(
    "deid_screen",
    html="<span hidden></span>",
    js=f"""
const heard = new WeakMap();
export default function ({{ data, setStateValue, parentElement }}) {{
  const query = matchMedia("(max-width: {_NARROWEST_PX}px)");
  const mine = {{ query, timer: 0 }};
  // What is told while a script ends may be lost, so it is told again; ever later, as each time the script starts over.
  const tell = (wait) => {{
    clearTimeout(mine.timer);
    if (query.matches === data.narrow) return;
    setStateValue("narrow", query.matches);
    mine.timer = setTimeout(tell, wait, wait * 2);
  }};
  const stop = ({{ query, timer }}) => {{ query.onchange = null; clearTimeout(timer); }};
  if (heard.has(parentElement)) stop(heard.get(parentElement));  // this function is called anew with each `data`
  heard.set(parentElement, mine);
  query.onchange = () => tell({_AGAIN_MS});
  tell({_AGAIN_MS});
  return () => stop(mine);
}}""",
)


def is_narrow() -> bool:
    """Whether this is a phone's screen, or a window as narrow; False until the browser has said so."""
    return bool(st.session_state.get(keys.NARROW, False))


def listen() -> None:
    """Let the browser tell when the page is narrower or wider than it was drawn; to be drawn last, as it takes room."""
    _SCREEN(key=_KEY, data={"narrow": is_narrow()}, on_narrow_change=_told)


def _told() -> None:
    """The page starts over by itself."""
    st.session_state[keys.NARROW] = bool((st.session_state.get(_KEY) or {}).get("narrow", False))


def cards(told: Iterable[tuple[str, str, str | None]]) -> None:
    """Figures in a row, each (name, value, what it means): as wide as there is room, on a phone two of one width."""
    width: Literal["stretch"] | int = _CARD_PX if is_narrow() else "stretch"
    with st.container(horizontal=True):
        for name, value, meaning in told:
            st.metric(name, value, border=True, help=meaning, width=width)


def figures(counts: dict[str, int], *, narrow: bool) -> None:
    """Counts by name: a card each, or one line where there is no room for cards."""
    if narrow:
        st.markdown(" · ".join(f"{name} **{count:,}**" for name, count in counts.items()))
        return
    for place, (name, count) in zip(st.columns(len(counts)), counts.items(), strict=True):
        place.metric(name, f"{count:,}", border=True)
