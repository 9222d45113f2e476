"""Many made-up runs, written past the program: a year of a busy department in a minute."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, create_engine, insert, select

from deid.store.figures import figures_of
from deid.store.schema import ImageRow, RunFigureRow, RunRow, UserRow, now
from deid.values import Category, Outcome, Reason, Stage

_MODALITIES = {"CT": 40, "MR": 25, "US": 15, "DX": 10, "MG": 5, "XA": 3, "": 2}
_SYNTAXES = {
    "1.2.840.10008.1.2.1": 60,
    "1.2.840.10008.1.2.4.70": 20,
    "1.2.840.10008.1.2.4.50": 15,
    "1.2.840.10008.1.2": 5,
}
_OUTCOMES = {Outcome.CLEANED: 940, Outcome.NEEDS_REVIEW: 40, Outcome.QUARANTINED: 8, Outcome.REFUSED: 12}
_REASONS = {
    Reason.HEADER: 50,
    Reason.PATTERN: 25,
    Reason.CONTEXT: 10,
    Reason.MODEL: 8,
    Reason.UNKNOWN: 5,
    Reason.UNREADABLE: 2,
}
_CATEGORIES = {Category.NAME: 40, Category.DATE: 30, Category.NUMBER: 20, Category.PLACE: 6, Category.OTHER: 4}
_CHECKS = {"read again": 8, "header values": 1, "pixels outside": 1}
_SECONDS = {
    Stage.LOAD: 0.01,
    Stage.RENDER: 0.04,
    Stage.OCR: 1.4,
    Stage.CLASSIFY: 0.03,
    Stage.REDACT: 0.02,
    Stage.HEADER: 0.005,
    Stage.VERIFY: 1.1,
    Stage.WRITE: 0.01,
}
_AT_ONCE = 5_000
_KINDS_OF_IMAGE = 5_000
_BATCH_EVERY = 11
"""Of so many runs one is a batch; the others are one file each."""


def fill(url: str, images: int, runs: int, days: int = 365, seed: int = 1) -> None:
    """So many images in so many runs of all users and the command line, over so many days."""
    engine = create_engine(url)
    chance = random.Random(seed)
    samples = [_image(chance) for _ in range(_KINDS_OF_IMAGE)]
    batches = -(-runs // _BATCH_EVERY)
    size = (images - (runs - batches)) // batches
    with engine.connect() as connection:
        users = [*connection.scalars(select(UserRow.id)), None]
        for number in range(runs):
            started = now() - timedelta(days=days * (runs - 1 - number) / runs, minutes=chance.randrange(60))
            chosen = chance.choices(samples, k=1 if number % _BATCH_EVERY else size)
            _run(connection, chosen, started.replace(microsecond=0), chance.choice(users))
            if not number % _BATCH_EVERY:
                connection.commit()
        connection.commit()
    engine.dispose()


def _run(
    connection: Connection,
    chosen: list[tuple[dict[str, Any], Counter[tuple[str, str]]]],
    started: datetime,
    user: int | None,
) -> None:
    made = connection.execute(
        insert(RunRow).values(
            user_id=user,
            kind="page" if len(chosen) == 1 else "batch",
            state="finished",
            planned=len(chosen),
            settings="policy=phi",
            started=started,
            ended=started + timedelta(seconds=4 * len(chosen)),
        )
    )
    (run_id,) = made.inserted_primary_key or (0,)
    figures: Counter[tuple[str, str]] = Counter()
    rows = []
    for number, (image, counts) in enumerate(chosen):
        figures.update(counts)
        rows.append(
            image
            | {"run_id": run_id, "name_hash": f"{run_id:032x}{number:032x}"}
            | {"created": started + timedelta(seconds=4 * number)}
        )
    for start in range(0, len(rows), _AT_ONCE):
        connection.execute(insert(ImageRow), rows[start : start + _AT_ONCE])
    connection.execute(
        insert(RunFigureRow),
        [{"run_id": run_id, "kind": kind, "value": value, "count": n} for (kind, value), n in figures.items()],
    )


def _image(chance: random.Random) -> tuple[dict[str, Any], Counter[tuple[str, str]]]:
    """A row without its run, and what it adds to the run's figures."""
    outcome = _one_of(_OUTCOMES, chance)
    refused = outcome is Outcome.REFUSED
    words = [] if refused else [(_one_of(_REASONS, chance), _one_of(_CATEGORIES, chance), chance.randint(1, 4))]
    times = {} if refused else {stage: each * chance.lognormvariate(0, 0.5) for stage, each in _SECONDS.items()}
    row = {
        "outcome": outcome.value,
        "reason": "",
        "modality": "" if refused else _one_of(_MODALITIES, chance),
        "syntax_in": "" if refused else _one_of(_SYNTAXES, chance),
        "syntax_out": "",
        "frames": 0 if refused else 1,
        "signed": None if refused else chance.random() < 0.3,
        "box_count": 3,
        "kept": 5,
        "seconds": sum(times.values()),
        "stage_seconds": json.dumps({stage.value: round(value, 4) for stage, value in times.items()}),
        "made_by": "{}",
        "phi_words": json.dumps(words),
        "failed_checks": json.dumps([_one_of(_CHECKS, chance)] if outcome is Outcome.NEEDS_REVIEW else []),
    }
    return row, figures_of(ImageRow(**row))


def _one_of(weights: dict[Any, int], chance: random.Random) -> Any:
    return chance.choices(list(weights), list(weights.values()))[0]
