"""The files that INPUT arguments name, each with the place that its output takes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from deid.errors import UsageError


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to look at. Its names may be PHI."""

    path: Path
    relative: PurePosixPath
    """To its INPUT."""
    folder: str
    """Of its INPUT below the output folder; empty for the output folder itself."""


def check_inputs(inputs: Sequence[Path], out: Path) -> None:
    """Nothing, where the INPUTs exist and the output folder can hold no input.

    Raises
    ------
    UsageError
        Where an INPUT is missing, or outputs could overwrite or be read as inputs.
    """
    if not inputs:
        raise UsageError("Name at least one file or folder as INPUT.")
    target = out.resolve()
    if out.exists() and not out.is_dir():
        raise UsageError("The output must be a folder.")
    for number, given in enumerate(inputs, 1):
        if not given.exists():
            raise UsageError(f"INPUT {number} does not exist.")
        source = given.resolve()
        home = source if given.is_dir() else source.parent
        if target == home or (given.is_dir() and (home in target.parents or target in home.parents)):
            raise UsageError(f"The output folder and INPUT {number} must not contain each other.")


def walk_inputs(inputs: Sequence[Path]) -> Iterator[InputFile]:
    """Every regular file of the INPUTs in a fixed order; symbolic links are not followed."""
    names = [given.resolve().name for given in inputs]
    seen: dict[str, int] = {}
    taken: set[str] = set()
    for given, name in zip(inputs, names, strict=True):
        seen[name] = seen.get(name, 0) + 1
        equal = names.count(name) > 1
        folder = f"{name}-{seen[name]}" if equal else ""
        for path, relative in _files(given):
            place = f"{folder}/{relative}"
            if len(inputs) > 1 and place in taken:
                yield InputFile(path, relative, f"{name}-{seen[name]}")
                continue
            if len(inputs) > 1:
                taken.add(place)
            yield InputFile(path, relative, folder)


def _files(given: Path) -> Iterator[tuple[Path, PurePosixPath]]:
    if given.is_file():
        yield given, PurePosixPath(given.name)
        return
    for folder, folders, names in os.walk(given):
        folders.sort()
        for name in sorted(names):
            path = Path(folder) / name
            if path.is_file() and not path.is_symlink():
                yield path, PurePosixPath(path.relative_to(given).as_posix())
