"""The command line: which commands there are. What each does is in deid/commands/.

Exit 0: every DICOM file came out. 3: some wait for review, are quarantined or were refused. Others: see errors.py.
"""

from __future__ import annotations

import logging
import sys

import typer

from deid import jobs, logs
from deid.commands import looking, model, people, runs, serving, upkeep
from deid.commands.console import ERR
from deid.errors import DeidError
from deid.settings import Settings

app = typer.Typer(help="Find and remove protected health information in medical images.", no_args_is_help=True)
users = typer.Typer(help="People who may sign in.", no_args_is_help=True)
database = typer.Typer(help="The database.", no_args_is_help=True)
links = typer.Typer(help="Which stand-in belongs to which original.", no_args_is_help=True)
app.add_typer(users, name="user")
app.add_typer(links, name="crosswalk")
app.add_typer(database, name="db")

app.command("run")(runs.run_command)
app.command("runs")(runs.runs_command)
app.command("inspect")(looking.inspect)
app.command("triage")(looking.triage_command)
app.command("classify")(looking.classify)
app.command("train")(model.train)
app.command("demo")(upkeep.demo)
app.command("bench")(model.bench)
app.command("serve")(serving.serve)
app.command("scheduler")(serving.scheduler_command)
app.command("worker")(serving.worker_command)
users.command("add")(people.user_add)
users.command("list")(people.user_list)
users.command("disable")(people.user_disable)
users.command("reset")(people.user_reset)
links.command("export")(people.crosswalk_export)
links.command("show")(people.crosswalk_show)
database.command("upgrade")(upkeep.db_upgrade)
app.command("doctor")(upkeep.doctor_command)
app.command("purge")(runs.purge)
app.command("version")(upkeep.version)


def main() -> None:
    """The program's entry: an error that we raise on purpose ends it with one line and its exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        logs.set_up(Settings.from_environment())
        app()
    except DeidError as exc:
        ERR.print(jobs.tell(exc), style="red", markup=False, highlight=False)
        sys.exit(exc.exit_code)
