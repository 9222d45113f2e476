"""The command line.

Exit 0: every DICOM file came out. 3: some wait for review, are quarantined or were refused. Others: see errors.py.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deid import __version__, jobs, logs, memory, triage
from deid.classify import classify_words
from deid.demo import write_demo
from deid.errors import DeidError, UsageError
from deid.judging import as_line
from deid.ledger import Done
from deid.lexicon import load_lexicon
from deid.manifest import Batch
from deid.pipeline import Case, open_case, run_step, steps_of, verdict
from deid.places import place
from deid.profile import HeaderOption, preset
from deid.report import region_object
from deid.retention import purge as purge_files
from deid.settings import Settings
from deid.store import ONE_TIME_HOURS, Action, Actor, NewUser, Role, SignIn, crosswalk, open_store
from deid.values import Finding, Outcome, Policy

HELD = 3

app = typer.Typer(help="Find and remove protected health information in medical images.", no_args_is_help=True)
users = typer.Typer(help="People who may sign in.", no_args_is_help=True)
database = typer.Typer(help="The database.", no_args_is_help=True)
links = typer.Typer(help="Which stand-in belongs to which original.", no_args_is_help=True)
app.add_typer(users, name="user")
app.add_typer(links, name="crosswalk")
app.add_typer(database, name="db")
_out = Console()
_err = Console(stderr=True)


def main() -> None:
    """The program's entry: an error that we raise on purpose ends it with one line and its exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        logs.set_up(Settings.from_environment())
        app()
    except DeidError as exc:
        _err.print(jobs.tell(exc), style="red", markup=False, highlight=False)
        sys.exit(exc.exit_code)


def _settings() -> Settings:
    """The settings in force, with what an administrator changed in the pages."""
    store = open_store(Settings.from_environment())
    try:
        return store.in_force()
    finally:
        store.close()


@app.command("run")
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
    settings = _settings()
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
    with Progress(*columns, console=_err, transient=True) as bar:
        task = bar.add_task(f"Run {run_id}", total=None)

        def told(done: Done) -> None:
            bar.advance(task)
            if done.record.outcome is not Outcome.CLEANED:
                line = f"{done.record.outcome.value}  {done.record.file}: {done.record.reason}"
                bar.console.print(line, markup=False, highlight=False, soft_wrap=True)

        tally = jobs.work_off(run_id, settings, hands=jobs.Hands(told, workers=workers))
    parts = [f"{count} {outcome.value.replace('_', ' ')}" for outcome, count in tally.outcomes.items() if count]
    _err.print(f"{tally.total} files: {', '.join(parts)}.", highlight=False)
    raise typer.Exit(HELD if tally.held else 0)


@app.command("runs")
def runs_command(
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
) -> None:
    """List the latest runs: number, when (UTC), state, and how many of its files have come to their end."""
    store = open_store(Settings.from_environment())
    for run in store.runs(limit):
        ended = ", ".join(f"{count} {outcome.value.replace('_', ' ')}" for outcome, count in run.outcomes)
        line = f"{run.id}  {run.started:%Y-%m-%d %H:%M}  {run.state.value}  {run.done} of {run.planned}  {ended}"
        _out.print(line.rstrip(), markup=False, highlight=False, soft_wrap=True)
    store.close()


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    frame: Annotated[int, typer.Option(min=0, help="The frame whose words are shown.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> None:
    """Show every stage's result for one file; nothing is written. The output holds the picture's text: PHI."""
    settings = _settings()
    if not file.is_file():
        raise UsageError("FILE does not exist.")
    engines, options = jobs.make_engines(settings), jobs.options_of(settings)
    case = open_case(file.read_bytes(), options, without_pixels=True)
    if frame >= max(case.frames, 1):
        raise UsageError(f"The file has {case.frames} frames, counted from 0.")
    for step in steps_of(case):
        case = run_step(case, step, engines, options)
    if as_json:
        typer.echo(json.dumps(_inspection(case, frame), ensure_ascii=False, indent=1))
        return
    outcome, reason = verdict(case)
    _out.print(f"{outcome.value} {reason}", highlight=False)
    for finding in _findings(case, frame):
        box = finding.word.box
        why = ", ".join(f"{each.reason.value}:{each.rule} {each.p_phi:.2f}" for each in finding.evidence)
        verb = "goes " if finding.is_phi else "stays"
        place = f"{box.left},{box.top} {box.width}x{box.height}"
        line = f"{verb} {finding.p_phi:.2f} {finding.word.text:24s} {place:18s} {why}"
        _out.print(line, markup=False, highlight=False, soft_wrap=True)
    _out.print(
        f"{len(case.effective or ())} boxes, {len(case.removals or ())} header elements changed", highlight=False
    )
    for check in case.checks or ():
        _out.print(f"{'ok  ' if check.passed else 'FAIL'} {check.name}: {check.detail}", markup=False, highlight=False)


def _findings(case: Case, frame: int) -> tuple[Finding, ...]:
    return next((each.findings for each in case.findings or () if frame in (each.frame, *each.repeats)), ())


def _inspection(case: Case, frame: int) -> dict[str, object]:
    outcome, reason = verdict(case)
    return {
        "outcome": outcome.value,
        "reason": reason,
        "frames": case.frames,
        "words": [_word_object(finding) for finding in _findings(case, frame)],
        "boxes": [region_object(region) for region in case.effective or ()],
        "header": [
            {"element": each.path, "keyword": each.keyword, "action": each.action} for each in case.removals or ()
        ],
        "checks": [{"name": each.name, "passed": each.passed, "detail": each.detail} for each in case.checks or ()],
        "seconds": {stage.value: round(seconds, 4) for stage, seconds in case.seconds.items()},
    }


def _word_object(finding: Finding) -> dict[str, object]:
    box = finding.word.box
    return {
        "text": finding.word.text,
        "box": [box.left, box.top, box.width, box.height],
        "confidence": round(finding.word.confidence, 3),
        "readers": list(finding.word.readers),
        "phi": finding.is_phi,
        "p_phi": round(finding.p_phi, 4),
        "evidence": [
            {"reason": each.reason.value, "rule": each.rule, "p_phi": each.p_phi} for each in finding.evidence
        ],
    }


@app.command("triage")
def triage_command(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Files or folders.")],
    workers: Annotated[int, typer.Option("--jobs", min=1, help="Worker processes.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a file.")] = False,
) -> None:
    """Tell quickly which files seem to hold text, and which a header that identifies: no proof, nothing is written."""
    settings = Settings.from_environment()
    if missing := sum(not given.exists() for given in inputs):
        raise UsageError(f"{missing} INPUT does not exist." if missing == 1 else f"{missing} INPUTs do not exist.")
    counts: dict[tuple[str, str], Counter[triage.Sort]] = {}
    sampled = 0
    looked = triage.look(
        *(inputs, workers, settings.max_frames, settings.max_pixels_per_frame),
        lambda source: jobs.limits_of_file(source, settings),
    )
    for source, seen in looked:
        counts.setdefault((seen.modality, seen.device), Counter())[seen.sort] += 1
        sampled += len(seen.looked_at) < seen.frames
        if as_json:
            typer.echo(json.dumps(triage.as_object(str(source.relative), seen), ensure_ascii=False))
    if as_json:
        return
    for (modality, device), sorts in sorted(counts.items()):
        held = ", ".join(f"{sorts[sort]} {sort.value}" for sort in triage.Sort if sorts[sort])
        line = f"{modality or '-':4s} {device or '-':40s} {held}"
        _out.print(line, markup=False, highlight=False, soft_wrap=True)
    if sampled:
        _out.print(f"{sampled} loops were looked at in {triage.SAMPLED_FRAMES} frames at most.", highlight=False)


@app.command()
def classify() -> None:
    """Judge lines of text from standard input: one JSON object a line, with P(PHI) of each word."""
    settings = _settings()
    classifier = jobs.make_classifier(settings)
    lexicon = load_lexicon()
    for line in sys.stdin:
        judged = classify_words(as_line(line.split()), (), lexicon, classifier, settings.phi_threshold)
        found = [
            {"text": each.word.text, "p_phi": round(each.p_phi, 4), "reasons": [why.value for why in each.reasons]}
            for each in judged
        ]
        typer.echo(json.dumps({"words": found}, ensure_ascii=False))


@app.command()
def train(
    config: Annotated[
        Path | None, typer.Option(help="TOML as deid/training/default.toml; what is not in it stays.")
    ] = None,
    base: Annotated[str, typer.Option(help="Folder or GGUF of a Llama; the installed one without it.")] = "",
    seconds: Annotated[float | None, typer.Option(min=0, help="How long to train.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the adapter.")] = Path("adapter"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in OUT.")] = False,
    evaluate: Annotated[bool, typer.Option("--evaluate", help="Train nothing: measure the model in use.")] = False,
) -> None:
    """Train an adapter on made-up text, or measure the model in use."""
    from deid.training import run
    from deid.training.config import load_config

    chosen = load_config(config)
    chosen = replace(chosen, base=base or chosen.base, seconds=chosen.seconds if seconds is None else seconds)
    settings = Settings.from_environment()

    def say(line: str) -> None:
        typer.echo(line)

    if evaluate:
        run.evaluate_model(settings.model, settings.adapter, chosen, settings.home / "models", say)
    else:
        run.train_adapter(chosen, run.Place(out, resume), say)


@app.command()
def demo(folder: Annotated[Path, typer.Argument(metavar="DIR")]) -> None:
    """Write made-up sample studies with burned-in pseudo-PHI."""
    paths = write_demo(folder)
    _err.print(f"{len(paths)} made-up studies are in {folder}.", highlight=False, soft_wrap=True)


@app.command()
def bench(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Cases with their truth; with --make, where they go.")],
    make: Annotated[int | None, typer.Option(min=1, help="Make this many cases in DIR and measure nothing.")] = None,
    seed: Annotated[int, typer.Option(help="Of the cases that are made.")] = 1,
    fonts: Annotated[Path | None, typer.Option(help="Folder of typefaces instead of this machine's.")] = None,
    by: Annotated[list[str] | None, typer.Option(help="A table by modality, syntax, tag, reason or reader.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the outputs.")] = None,
    crops: Annotated[Path | None, typer.Option(help="Folder for pictures of what leaked or was lost: PHI.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="All figures as JSON.")] = None,
    with_text: Annotated[bool, typer.Option("--with-text", help="Name words that leaked or were lost: PHI.")] = False,
) -> None:
    """Measure leaks and losses on cases with truth, or make such cases."""
    from deid.bench import last, measure
    from deid.bench.making import make_cases
    from deid.bench.typefaces import typefaces

    if make is not None:
        count = sum(1 for _ in make_cases(make, folder, seed, typefaces(fonts)))
        _err.print(f"{count} made-up cases are in {folder}.", highlight=False, soft_wrap=True)
        return
    if unknown := set(by or ()) - set(measure.GROUPS):
        raise UsageError(f"--by takes {', '.join(measure.GROUPS)}, not {', '.join(sorted(unknown))}.")
    settings = _settings()
    kept = last.crops_folder(settings.home)
    with Progress(console=_err, transient=True) as bar:
        task = bar.add_task("Measuring", total=len(list(folder.glob("*.json"))) or None)
        results = measure.measure(
            *(folder, jobs.make_engines(settings), jobs.options_of(settings), measure.Places(out, kept)),
            lambda result: bar.advance(task),
        )
    last.keep(settings.home, results)
    if crops is not None:
        shutil.copytree(kept, crops, dirs_exist_ok=True)
    for group in by or ():
        _out.print(_as_table(f"by {group}", measure.table(measure.groups(results, group))))
    if with_text:
        for line in measure.told_words(results):
            _out.print(line, markup=False, highlight=False, soft_wrap=True)
    typer.echo(json.dumps(measure.summary(results)))
    if json_file is not None:
        told = json.dumps(measure.as_object(results, with_text), ensure_ascii=False, indent=1)
        json_file.write_text(told, encoding="utf-8")


def _as_table(title: str, rows: list[tuple[str, ...]]) -> Table:
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(rows[0]):
        table.add_column(name, justify="right" if number else "left")
    for row in rows[1:]:
        table.add_row(*row)
    return table


@app.command()
def serve() -> None:
    """Serve the pages on this machine."""
    settings = Settings.from_environment()
    script = Path(__file__).resolve().parents[1] / "streamlit_app.py"
    place = ["--server.address", settings.bind, "--server.port", str(settings.port)]
    command = [sys.executable, "-m", "streamlit", "run", str(script), *place]
    environment = memory.ONE_HEAP | os.environ
    raise typer.Exit(subprocess.call(command, cwd=script.parent, env=environment))  # noqa: S603 - our own program


@app.command("scheduler")
def scheduler_command(
    address: Annotated[str, typer.Option("--scheduler", metavar="ADDRESS", help="As DEID_SCHEDULER.")] = "",
) -> None:
    """Be the Dask scheduler that `deid run --scheduler` and `deid worker` talk to."""
    from deid.cluster import serve_scheduler

    serve_scheduler(_with_scheduler(address))


@app.command("worker")
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


@users.command("add")
def user_add(
    name: str,
    role: Annotated[Role, typer.Option(help="What the person may do.")] = Role.STAFF,
    first_name: str = "",
    last_name: str = "",
    email: str = "",
) -> None:
    """Add a person; the password is asked for, or read from standard input where there is no terminal."""
    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    store = open_store(Settings.from_environment())
    store.add_user(NewUser(name, password, first_name, last_name, email, role))
    store.close()
    _err.print("The user was added.")


@users.command("list")
def user_list() -> None:
    """List the people who may sign in."""
    store = open_store(Settings.from_environment())
    for user in store.users():
        state = "active" if user.active else "disabled"
        _out.print(f"{user.username}  {user.role.value}  {state}", markup=False, highlight=False)
    store.close()


@users.command("disable")
def user_disable(name: str) -> None:
    """Keep a person out; open sessions end at their next step."""
    store = open_store(Settings.from_environment())
    store.disable_user(name)
    store.close()
    _err.print("The user was disabled.")


@users.command("reset")
def user_reset(name: str) -> None:
    """Print a one-time password for a person who forgot theirs; open sessions end at their next step."""
    store = open_store(Settings.from_environment())
    password, _ = store.reset_password(name)
    store.close()
    _err.print(f"The person can sign in with this password within {ONE_TIME_HOURS} hours:")
    typer.echo(password)


@links.command("export")
def crosswalk_export(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    admin: Annotated[str, typer.Option(help="User name of an administrator.")],
) -> None:
    """Write all kept pairs into an encrypted file; asks for the administrator's password, then a passphrase."""
    settings = Settings.from_environment()
    store = open_store(settings)
    try:
        password = _asked("Password")
        user = store.user(admin)
        welcome = store.check_password(admin, password) is SignIn.WELCOME
        if not welcome or user is None or not user.role.may_administer:
            raise UsageError("Only an administrator can export the crosswalk.")
        count = crosswalk.export(settings.home, file, _asked("Passphrase of the file"))
        store.record(Actor(user.username, "console"), Action.EXPORTED, "crosswalk")
    finally:
        store.close()
    _err.print(f"{count} pairs were written.")


@links.command("show")
def crosswalk_show(file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Print an exported file as CSV; its originals are PHI."""
    if not file.is_file():
        raise UsageError("FILE does not exist.")
    typer.echo(crosswalk.opened(file.read_bytes(), _asked("Passphrase of the file")), nl=False)


def _asked(what: str) -> str:
    """A secret from the terminal, or a line of standard input where there is none."""
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=True))
    return sys.stdin.readline().rstrip("\n")


@database.command("upgrade")
def db_upgrade() -> None:
    """Bring the database's schema up to date."""
    open_store(Settings.from_environment()).close()
    _err.print("The database is up to date.")


@app.command("doctor")
def doctor_command() -> None:
    """Look at what is installed and how it stands: a line each, with what to do where something is wrong."""
    from deid import doctor  # brings what only it needs

    problems = 0
    for finding in doctor.examine(Settings.from_environment()):
        problems += not finding.is_well
        mark = "ok     " if finding.is_well else "problem"
        said = f"{mark}  {finding.what:10s} {finding.told}" + (f" - {finding.remedy}" if finding.remedy else "")
        _out.print(said, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1 if problems else 0)


@app.command()
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
    _err.print(f"The files of {gone.runs} runs {verb}: {gone.size / 1e6:,.1f} MB.", highlight=False)
    if gone.measured:
        _err.print(f"The results of the last measurement {verb} too.", highlight=False)
    if gone.waiting and waiting:
        _err.print(f"{gone.waiting} files that waited for a person {verb} too.", highlight=False)
    elif gone.waiting:
        _err.print(f"{gone.waiting} files of that age wait for a person and stay (--waiting).", highlight=False)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)
