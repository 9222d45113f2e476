"""Reading from and writing to folders of the server on behalf of people who are not on it.

Nothing here follows a link, wherever it stands and whenever it was put there: every folder on the way is opened by its
name in the one before it, and what is then used is what was opened. Names come from people and from the folders.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from deid.errors import RefusedError, UsageError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""A pipe that somebody put there must not keep us waiting."""
_MOST_SHOWN = 500
_DEEPEST = 40


def fit(text: str, home: Path) -> Path:
    """The folder of this name, where it can be opened to the pages; `home` is DEID_HOME.

    Raises
    ------
    UsageError
        Where it cannot, with the reason.
    """
    path = Path(text.strip())
    if not path.is_absolute() or ".." in path.parts:
        raise UsageError("Give the whole path of a folder, without `..`.")
    if not path.is_dir():
        raise UsageError("There is no such folder on the server, or it may not be looked into.")
    if path.resolve() != path:
        raise UsageError("A part of this path is a link: give the path that it leads to.")
    if len(path.parts) < 3 or path in (home, *home.parents) or home in path.parents:
        raise UsageError("This folder holds the system or this program's own files.")
    return path


def shown(folder: Path) -> tuple[str, ...]:
    """Names of the folders in it that can be chosen, in order; none where it cannot be looked into."""
    try:
        with _opened(folder) as there, os.scandir(there) as found:
            names = sorted(each.name for each in found if each.is_dir(follow_symlinks=False))
    except OSError:
        return ()
    return tuple(name for name in names if _is_name(name))[:_MOST_SHOWN]


def read(folder: Path, below: str = "", most_bytes: int = 0) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each regular file of the folder, or of the one of this name in it.

    Raises
    ------
    RefusedError
        Where a file alone has more bytes than may come in, a folder is a link or gone, or nothing is to be read.
    """
    if below and not _is_name(below):
        raise RefusedError("There is no such folder.")
    try:
        with _opened(folder, *filter(None, (below,))) as there:
            yield from _files(there, PurePosixPath(below), most_bytes)
    except OSError as exc:
        raise RefusedError("The folder cannot be read: it is gone, it is a link, or it is not allowed.") from exc


def write(folder: Path, name: str, files: Iterable[tuple[PurePosixPath, bytes]]) -> int:
    """The number of files that were written to a new folder of this name, which is there whole or not at all.

    Raises
    ------
    UsageError
        Where something of this name is there already, or the folder cannot be written.
    """
    staged = f".{name}-{secrets.token_hex(6)}.part"
    count = 0
    try:
        with _opened(folder) as there:
            with os.scandir(there) as found:
                if any(each.name == name for each in found):
                    raise UsageError("This run was written there already.")
            os.mkdir(staged, 0o750, dir_fd=there)
            try:
                for path, data in files:
                    _write(there, (staged, *path.parts), data)
                    count += 1
                os.rename(staged, name, src_dir_fd=there, dst_dir_fd=there)
            except BaseException:
                shutil.rmtree(staged, ignore_errors=True, dir_fd=there)
                raise
    except OSError as exc:
        raise UsageError("The folder cannot be written: it is gone, it is a link, full, or not allowed.") from exc
    return count


@contextmanager
def _opened(folder: Path, *below: str) -> Iterator[int]:
    """A descriptor of the folder, every part of its path opened in the one before it."""
    here = os.open("/", _FOLDER)
    try:
        for part in (*folder.parts[1:], *below):
            there = os.open(part, _FOLDER, dir_fd=here)
            os.close(here)
            here = there
        yield here
    finally:
        os.close(here)


def _files(there: int, path: PurePosixPath, most_bytes: int) -> Iterator[tuple[str, bytes]]:
    with os.scandir(there) as found:
        entries = sorted(found, key=lambda each: each.name)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False) and len(path.parts) < _DEEPEST:
            inner = os.open(entry.name, _FOLDER, dir_fd=there)
            try:
                yield from _files(inner, path / entry.name, most_bytes)
            finally:
                os.close(inner)
        elif entry.is_file(follow_symlinks=False):
            yield str(path / entry.name), _content(there, entry.name, most_bytes)


def _content(there: int, name: str, most_bytes: int) -> bytes:
    descriptor = os.open(name, _FILE, dir_fd=there)
    with os.fdopen(descriptor, "rb") as file:
        known = os.fstat(descriptor)
        if not stat.S_ISREG(known.st_mode):  # it was one a moment ago
            raise OSError("not a file")
        data = file.read(most_bytes + 1) if most_bytes else file.read()
    if most_bytes and len(data) > most_bytes:
        raise RefusedError(f"More than {most_bytes // 1_000_000:,} MB came in at once: bring it in several parts.")
    return data


def _write(there: int, parts: tuple[str, ...], data: bytes) -> None:
    if not all(map(_is_name, parts)):
        raise OSError("not a name")
    here = os.dup(there)
    try:
        for part in parts[:-1]:
            with suppress(FileExistsError):
                os.mkdir(part, 0o750, dir_fd=here)
            inner = os.open(part, _FOLDER, dir_fd=here)
            os.close(here)
            here = inner
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(parts[-1], flags, 0o640, dir_fd=here), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    finally:
        os.close(here)


def _is_name(name: str) -> bool:
    """Whether it names something in a folder, and leads nowhere else."""
    return name not in ("", ".", "..") and "/" not in name and "\0" not in name
