"""What the commands share: where they write, what they ask, and the settings."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from deid.settings import Settings
from deid.store import open_store

OUT = Console()
ERR = Console(stderr=True)


def settings_in_force() -> Settings:
    """The settings in force, with what an administrator changed in the pages."""
    store = open_store(Settings.from_environment())
    try:
        return store.in_force()
    finally:
        store.close()


def asked(what: str) -> str:
    """A secret from the terminal, or a line of standard input where there is none."""
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=True))
    return sys.stdin.readline().rstrip("\n")
