"""Commands that train and measure: train, bench."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress
from rich.table import Table

from deid import jobs
from deid.commands.console import ERR, OUT, settings_in_force
from deid.errors import UsageError
from deid.settings import Settings


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
        ERR.print(f"{count} made-up cases are in {folder}.", highlight=False, soft_wrap=True)
        return
    if unknown := set(by or ()) - set(measure.GROUPS):
        raise UsageError(f"--by takes {', '.join(measure.GROUPS)}, not {', '.join(sorted(unknown))}.")
    settings = settings_in_force()
    kept = last.crops_folder(settings.home)
    with Progress(console=ERR, transient=True) as bar:
        task = bar.add_task("Measuring", total=len(list(folder.glob("*.json"))) or None)
        results = measure.measure(
            *(folder, jobs.make_engines(settings), jobs.options_of(settings), measure.Places(out, kept)),
            lambda result: bar.advance(task),
        )
    last.keep(settings.home, results)
    if crops is not None:
        shutil.copytree(kept, crops, dirs_exist_ok=True)
    for group in by or ():
        OUT.print(_as_table(f"by {group}", measure.table(measure.groups(results, group))))
    if with_text:
        for line in measure.told_words(results):
            OUT.print(line, markup=False, highlight=False, soft_wrap=True)
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
