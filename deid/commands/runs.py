"""Commands that work files off: run, runs, purge."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deid import jobs
from deid.commands.console import ERR, OUT, settings_in_force
from deid.errors import UsageError
from deid.ledger import Done
from deid.manifest import Batch
from deid.places import place
from deid.profile import HeaderOption, preset
from deid.retention import purge as purge_files
from deid.settings import Settings
from deid.store import open_store
from deid.values import Outcome, Policy

HELD = 3


def run_command(
    inputs: Annotated[
        list[str] | None, typer.Argument(metavar="INPUT...", help="Files or folders; a URL of a storage will do.")
    ] = None,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Folder for what came out clean.")] = None,
    report: Annotated[Path | None, typer.Option(help="One JSON line a file; a private file.")] = None,
    policy: Annotated[Policy, typer.Option(help="What goes: what may be PHI, or all text.")] = Policy.PHI,
    workers: Annotated[
        int | None, typer.Option("--jobs", min=1, help="Worker processes; as cores and memory allow without it.")
    ] = None,
    hold: Annotated[str, typer.Option(help="review: what needs a person waits; none: it is published.")] = "review",
    rename: Annotated[bool, typer.Option(help="Replace every file and folder name by a pseudonym.")] = False,
    preset_name: Annotated[
        str, typer.Option("--preset", help="What the header keeps: strict, research or teaching.")
    ] = "strict",
    header_options: Annotated[
        list[HeaderOption] | None, typer.Option("--option", help="A header option beside the preset's; repeatable.")
    ] = None,
    keep_links: Annotated[
        bool, typer.Option("--crosswalk", help="Keep originals and stand-ins, encrypted in DEID_HOME.")
    ] = False,
    with_text: Annotated[
        bool, typer.Option("--with-text", help="Report the words that were read and the decision about each: PHI.")
    ] = False,
    scheduler: Annotated[
        str, typer.Option(metavar="ADDRESS", help="A Dask scheduler whose workers do it, in place of processes here.")
    ] = "",
    resume: Annotated[
        int | None, typer.Option(metavar="RUN", help="Go on with a run that stopped; it keeps its own options.")
    ] = None,
) -> None:
    """De-identify DICOM files."""
    settings = settings_in_force()
    settings = replace(settings, scheduler=scheduler or settings.scheduler)
    if resume is not None:
        if inputs or out:
            raise UsageError("--resume takes the number of a run, and no INPUT or --out: the run has its own.")
        _work_off(resume, settings, workers)
    if not inputs or out is None:
        raise UsageError("Name INPUT and --out, or a run to --resume.")
    if with_text and (report is None or settings.scheduler):
        raise UsageError("--with-text needs --report, and work on this machine: no text travels to a scheduler.")
    if hold not in ("review", "none"):
        raise UsageError("--hold takes review or none.")
    profile = preset(preset_name).with_options(header_options or ())
    options = replace(jobs.options_of(settings), policy=policy, profile=profile)
    count = workers or jobs.workers_that_fit(settings)
    given, target, held = tuple(map(place, inputs)), place(out), hold == "review"
    batch = Batch(given, target, options, report, count, held, rename, "", keep_links, with_text)
    store = open_store(settings)
    try:
        run_id = jobs.plan_batch(batch, settings, store)
    finally:
        store.close()
    _work_off(run_id, settings, count)


def _work_off(run_id: int, settings: Settings, workers: int | None) -> NoReturn:
    """Work a run off, say how its files ended, and exit."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopped by the system is cancelled too
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=ERR, transient=True) as bar:
        task = bar.add_task(f"Run {run_id}", total=None)

        def told(done: Done) -> None:
            bar.advance(task)
            if done.record.outcome is not Outcome.CLEANED:
                line = f"{done.record.outcome.value}  {done.record.file}: {done.record.reason}"
                bar.console.print(line, markup=False, highlight=False, soft_wrap=True)

        tally = jobs.work_off(run_id, settings, hands=jobs.Hands(told, workers=workers))
    parts = [f"{count} {outcome.value.replace('_', ' ')}" for outcome, count in tally.outcomes.items() if count]
    ERR.print(f"{tally.total} files: {', '.join(parts)}.", highlight=False)
    raise typer.Exit(HELD if tally.held else 0)


def runs_command(
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
) -> None:
    """List the latest runs: number, when (UTC), state, and how many of its files have come to their end."""
    store = open_store(Settings.from_environment())
    for run in store.runs(limit):
        ended = ", ".join(f"{count} {outcome.value.replace('_', ' ')}" for outcome, count in run.outcomes)
        line = f"{run.id}  {run.started:%Y-%m-%d %H:%M}  {run.state.value}  {run.done} of {run.planned}  {ended}"
        OUT.print(line.rstrip(), markup=False, highlight=False, soft_wrap=True)
    store.close()


def purge(
    hours: Annotated[float | None, typer.Option(min=0, help="Older than this; DEID_RUN_HOURS without it.")] = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="Also delete what waits for a person.")] = False,
    dry: Annotated[bool, typer.Option("--dry-run", help="Delete nothing, say what would go.")] = False,
) -> None:
    """Delete files of runs and a measurement that were kept long enough; what waits for a person only if asked."""
    settings = Settings.from_environment()
    store = open_store(settings)
    try:
        chosen = settings.run_hours if hours is None else hours
        gone = purge_files(settings.home, store, chosen, waiting=waiting, really=not dry)
    finally:
        store.close()
    verb = "would be deleted" if dry else "were deleted"
    ERR.print(f"The files of {gone.runs} runs {verb}: {gone.size / 1e6:,.1f} MB.", highlight=False)
    if gone.measured:
        ERR.print(f"The results of the last measurement {verb} too.", highlight=False)
    if gone.waiting and waiting:
        ERR.print(f"{gone.waiting} files that waited for a person {verb} too.", highlight=False)
    elif gone.waiting:
        ERR.print(f"{gone.waiting} files of that age wait for a person and stay (--waiting).", highlight=False)
