"""The files that INPUT arguments name, each with the place that its output takes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from deid.errors import UsageError
from deid.places import Place, Remote

_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to look at. Its names may be PHI."""

    path: Place
    relative: PurePosixPath
    """To its INPUT."""
    folder: str
    """Of its INPUT below the output folder; empty for the output folder itself."""
    number: int = 0
    """In its run, from 0."""
    frames: int = 1
    """How much of the run's work it is, where that is known."""


def check_inputs(inputs: Sequence[Place], out: Place) -> None:
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


def walk_inputs(inputs: Sequence[Place]) -> Iterator[InputFile]:
    """Every regular file of the INPUTs as it is found, so that a folder of any size can be walked.

    Symbolic links are not followed. The order is that of the names where a folder holds no more than some thousand.
    """
    names = [given.resolve().name for given in inputs]
    seen: dict[str, int] = {}
    before: list[Place] = []
    for given, name in zip(inputs, names, strict=True):
        seen[name] = seen.get(name, 0) + 1
        alone = f"{name}-{seen[name]}"
        folder = alone if names.count(name) > 1 else ""
        for path, relative in _files(given):
            taken = not folder and any(each.joinpath(*relative.parts).is_file() for each in before)
            yield InputFile(path, relative, alone if taken else folder)
        if not folder and given.is_dir():
            before.append(given)


def _files(given: Place) -> Iterator[tuple[Place, PurePosixPath]]:
    if given.is_file():
        yield given, PurePosixPath(given.name)
        return
    if isinstance(given, Remote):
        for remote in given.files():
            yield remote, remote.path.relative_to(given.path)
        return
    for path in _walk(given):
        yield path, PurePosixPath(path.relative_to(given).as_posix())


def _walk(folder: Path) -> Iterator[Path]:
    """The files of a folder, then those of the folders in it."""
    for entry in _entries(folder):
        if entry.is_file(follow_symlinks=False):
            yield folder / entry.name
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(folder / entry.name)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Sorted some thousand at a time: a folder may hold more names than fit into memory."""
    try:
        with os.scandir(folder) as found:
            while some := sorted(islice(found, _AT_ONCE), key=lambda entry: entry.name):
                yield from some
    except OSError:  # as a file that cannot be read: what may not be looked into is not there
        return
