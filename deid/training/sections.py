"""The word lists of this folder: text files with sections of entries, and comments that begin with "# "."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files


@cache
def sections(name: str, separator: str = ";") -> dict[str, tuple[str, ...]]:
    """Entries by section, in the file's order; an end of line divides entries too."""
    text = without_comments(files("deid.training").joinpath(name).read_text("utf-8"))
    pieces = re.split(r"^\[([a-z]+)\]$", text, flags=re.MULTILINE)[1:]
    return {
        kind: tuple(filter(None, map(str.strip, re.split(f"[{separator}\n]", body))))
        for kind, body in zip(pieces[::2], pieces[1::2], strict=True)
    }


def without_comments(text: str) -> str:
    """The text's lines that are no comments."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("# "))
