"""Commands about this installation: db, doctor, demo, version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deid import __version__
from deid.commands.console import ERR, OUT
from deid.demo import write_demo
from deid.settings import Settings
from deid.store import open_store


def db_upgrade() -> None:
    """Bring the database's schema up to date."""
    open_store(Settings.from_environment()).close()
    ERR.print("The database is up to date.")


def doctor_command() -> None:
    """Look at what is installed and how it stands: a line each, with what to do where something is wrong."""
    from deid import doctor  # brings what only it needs

    problems = 0
    for finding in doctor.examine(Settings.from_environment()):
        problems += not finding.is_well
        mark = "ok     " if finding.is_well else "problem"
        said = f"{mark}  {finding.what:10s} {finding.told}" + (f" - {finding.remedy}" if finding.remedy else "")
        OUT.print(said, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1 if problems else 0)


def demo(folder: Annotated[Path, typer.Argument(metavar="DIR")]) -> None:
    """Write made-up sample studies with burned-in pseudo-PHI."""
    paths = write_demo(folder)
    ERR.print(f"{len(paths)} made-up studies are in {folder}.", highlight=False, soft_wrap=True)


def version() -> None:
    """Print the version."""
    typer.echo(__version__)
