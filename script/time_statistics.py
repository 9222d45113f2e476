"""Fills a database with made-up runs and tells how long each question of the statistics page takes.

    .venv/bin/python script/time_statistics.py --images 1000000 --runs 22000
    .venv/bin/python script/time_statistics.py --images 1000000 --runs 22000 --mariadb

Nothing outside a temporary folder is touched; --mariadb starts a server of its own there.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from deid.settings import Settings
from deid.store import NewUser, Role, Selection, Store, open_store
from deid.store.schema import now
from tests.made_up_runs import fill
from tests.mariadb import private_server

REPEATS = 5


def main() -> None:
    """Print one line a question: the median of some repeats, and the longest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=22_000)
    parser.add_argument("--mariadb", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.from_environment({"DEID_HOME": str(Path(folder) / "home")})
        with private_server(Path(folder)) if chosen.mariadb else nullcontext(settings.database_url) as url:
            store = open_store(replace(settings, database_url=url))
            for name in ("ada", "bob", "cleo", "dee"):
                store.add_user(NewUser(name, "a long enough sentence", role=Role.STAFF))
            start = time.perf_counter()
            fill(url, chosen.images, chosen.runs)
            say(
                f"{store.health().kind}: {chosen.images:,} images in {chosen.runs:,} runs, "
                f"filled in {time.perf_counter() - start:.0f} s"
            )
            measure(store)
            store.close()


def measure(store: Store) -> None:
    """Every question of the page, for the choices that a person may make."""
    today = now().date()
    some_run = store.runs(1)[0].id
    for label, about in (
        ("everything", Selection()),
        ("30 days", Selection(since=today - timedelta(days=29))),
        ("a year, one user", Selection(since=today - timedelta(days=365), user="ada")),
        ("one run", Selection(run=some_run)),
    ):
        for question, ask in (
            ("figures", lambda about=about: store.totals(about)),
            ("history", lambda about=about: store.history(about)),
            ("200 runs", lambda about=about: store.runs(200, about)),
        ):
            say(f"| {label} | {question} | {timed(ask)} |")


def timed(ask: Callable[[], object]) -> str:
    """Seconds: the median and the longest of some repeats."""
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        ask()
        seconds.append(time.perf_counter() - start)
    return f"{statistics.median(seconds):.3f} | {max(seconds):.3f}"


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
