"""How wide the browser's window is: a list beside the picture has no place on a phone."""

from __future__ import annotations

import streamlit as st

from deid.ui import keys

_NARROWEST_PX = 700
_KEY = "deid.screen"
_SCREEN = st.components.v2.component(
    "deid_screen",
    html="<span hidden></span>",
    js=f"""
export default function ({{ data, setStateValue }}) {{
  const query = matchMedia("(max-width: {_NARROWEST_PX}px)");
  const tell = () => {{ if (query.matches !== data.narrow) setStateValue("narrow", query.matches); }};
  query.onchange = tell;
  tell();
  const again = setInterval(tell, 1000);  // what is told while a script ends may be lost
  return () => clearInterval(again);
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


def figures(counts: dict[str, int], *, narrow: bool) -> None:
    """Counts by name: a card each, or one line where there is no room for cards."""
    if narrow:
        st.markdown(" · ".join(f"{name} **{count:,}**" for name, count in counts.items()))
        return
    for place, (name, count) in zip(st.columns(len(counts)), counts.items(), strict=True):
        place.metric(name, f"{count:,}", border=True)
