"""Commands that go on until they are stopped: serve, scheduler, worker."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from deid import memory
from deid.errors import UsageError
from deid.settings import Settings


def serve() -> None:
    """Serve the pages on this machine."""
    settings = Settings.from_environment()
    script = Path(__file__).resolve().parents[2] / "streamlit_app.py"
    place = ["--server.address", settings.bind, "--server.port", str(settings.port)]
    command = [sys.executable, "-m", "streamlit", "run", str(script), *place]
    environment = memory.ONE_HEAP | os.environ
    raise typer.Exit(subprocess.call(command, cwd=script.parent, env=environment))  # noqa: S603 - our own program


def scheduler_command(
    address: Annotated[str, typer.Option("--scheduler", metavar="ADDRESS", help="As DEID_SCHEDULER.")] = "",
) -> None:
    """Be the Dask scheduler that `deid run --scheduler` and `deid worker` talk to."""
    from deid.cluster import serve_scheduler

    serve_scheduler(_with_scheduler(address))


def worker_command(
    address: Annotated[str, typer.Option("--scheduler", metavar="ADDRESS", help="As DEID_SCHEDULER.")] = "",
) -> None:
    """Be a worker of a Dask scheduler: one file at a time, read and written where this machine sees it."""
    from deid.cluster import serve_worker

    serve_worker(_with_scheduler(address))


def _with_scheduler(address: str) -> Settings:
    settings = Settings.from_environment()
    settings = replace(settings, scheduler=address or settings.scheduler)
    if not settings.scheduler:
        raise UsageError("Name the scheduler's address by --scheduler or DEID_SCHEDULER.")
    return settings
