"""One TOML file says how an adapter is trained."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path

from deid.errors import UsageError

NEEDS = "Training needs more packages: pip install -r requirements-train.txt."


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """What deid/training/default.toml explains."""

    base: str
    layers: int
    rank: int
    alpha: float
    learning_rate: float
    seconds: float
    batch_tokens: int
    processes: int
    seed: int
    recall: float
    checkpoint_seconds: float
    evaluation_pictures: int
    other_pictures: int
    start_adapter: str


def load_config(path: Path | None = None) -> TrainConfig:
    """The configuration of a file, or the default.

    Raises
    ------
    UsageError
        Where the file is not there or holds other entries.
    """
    default = tomllib.loads(files("deid.training").joinpath("default.toml").read_text("utf-8"))
    try:
        given = tomllib.loads(path.read_text("utf-8")) if path else {}
    except (OSError, tomllib.TOMLDecodeError) as exc:
        raise UsageError("The configuration file cannot be read as TOML.") from exc
    if set(given) - {each.name for each in fields(TrainConfig)}:
        raise UsageError("The configuration file holds entries that deid/training/default.toml does not explain.")
    return TrainConfig(**(default | given))
