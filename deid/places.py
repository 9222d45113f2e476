"""Files and folders on this machine, a mounted share, or any storage that fsspec knows by a URL.

A `Remote` has those few names of `pathlib.Path` that runs use. What fails there is a PlaceError without the
storage's own words, which may quote names or credentials. Storage is asked anew each time: no listing is kept.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, TypeVar

from fsspec.core import url_to_fs

from deid.errors import PlaceError, UsageError

Answer = TypeVar("Answer")
_URL = re.compile(r"^([a-z][a-z0-9+.-]+)://(.*)$", re.IGNORECASE | re.DOTALL)
_FAILED = "A storage that a URL names does not answer, does not allow it, or has nothing there."


@dataclass(frozen=True, slots=True)
class Stat:
    """What `Path.stat` tells, as far as it is asked for."""

    st_size: int
    st_mtime_ns: int


@dataclass(frozen=True, slots=True)
class Remote:
    """A place below a URL. Its text may be PHI."""

    base: str
    """What stands before the path in the URL: the kind of storage, and for some kinds the host."""
    path: PurePosixPath
    """As the storage knows it."""

    def __repr__(self) -> str:
        return f"Remote({self.base})"

    def __str__(self) -> str:
        return f"{self.base}{self.path}"

    def __truediv__(self, below: str | PurePath) -> Remote:
        return self.joinpath(*PurePosixPath(below).parts)

    def joinpath(self, *parts: str) -> Remote:
        """The place below this one."""
        return Remote(self.base, self.path.joinpath(*parts))

    @property
    def name(self) -> str:
        """Its last part."""
        return self.path.name

    @property
    def parent(self) -> Remote:
        """The place that holds it."""
        return Remote(self.base, self.path.parent)

    @property
    def parents(self) -> tuple[Remote, ...]:
        """The places that hold it, the nearest first."""
        return tuple(Remote(self.base, each) for each in self.path.parents)

    def resolve(self) -> Remote:
        """Itself: a URL has no links and no `..`."""
        return self

    absolute = resolve

    def exists(self) -> bool:
        """Whether something is there."""
        return bool(self._kind())

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return self._kind() == "directory"

    def is_file(self) -> bool:
        """Whether it is a file."""
        return self._kind() == "file"

    def stat(self) -> Stat:
        """Size, and when it was changed; where the storage does not tell that, now: then nothing is believed of it."""
        told = self._ask(lambda storage, path: storage.info(path))
        return Stat(int(told.get("size") or 0), _changed_ns(told))

    def read_bytes(self) -> bytes:
        """What it holds, in memory alone."""
        return bytes(self._ask(lambda storage, path: storage.cat_file(path)))

    def unlink(self, missing_ok: bool = False) -> None:
        """Delete the file."""
        if not missing_ok or self.exists():
            self._ask(lambda storage, path: storage.rm_file(path))

    def put_whole(self, content: bytes, staging: Remote) -> None:
        """Write the file under a name in `staging`, then move it here: nobody sees half of it."""
        staged = staging / uuid.uuid4().hex
        try:
            for folder in (staging, self.parent):
                folder._ask(lambda storage, path: storage.makedirs(path, exist_ok=True))
            staged._ask(lambda storage, path: storage.pipe_file(path, content))
            self.unlink(missing_ok=True)  # not every storage moves onto what is there
            staged._ask(lambda storage, path: storage.mv(path, str(self.path)))
        except PlaceError:
            with suppress(PlaceError):
                staged.unlink(missing_ok=True)
            raise

    def remove_all(self) -> None:
        """Delete the folder with everything in it, if it is there."""
        with suppress(PlaceError):
            self._ask(lambda storage, path: storage.rm(path, recursive=True))

    def files(self) -> Iterator[Remote]:
        """Every file below it, one folder's names at a time; links are not followed."""
        try:
            for folder, _, found in self._storage().walk(str(self.path), detail=True):
                for name, told in sorted(found.items()):
                    if told.get("type") == "file" and not told.get("islink"):
                        yield Remote(self.base, PurePosixPath(folder) / name)
        except Exception:
            raise PlaceError(_FAILED) from None

    def _kind(self) -> str:
        """Nothing where nothing is; fsspec's own questions answer so too where the storage fails."""
        try:
            return str(self._storage().info(str(self.path)).get("type"))
        except FileNotFoundError:
            return ""
        except Exception:
            raise PlaceError(_FAILED) from None

    def _storage(self) -> Any:
        return url_to_fs(str(self), use_listings_cache=False)[0]

    def _ask(self, question: Callable[[Any, str], Answer]) -> Answer:
        try:
            return question(self._storage(), str(self.path))
        except Exception:  # each storage has errors of its own
            raise PlaceError(_FAILED) from None


Place = Path | Remote


def place(text: str) -> Place:
    """The place that somebody named: a path, or a URL.

    Raises
    ------
    UsageError
        Where the URL's kind is not known here, or it holds what belongs elsewhere.
    """
    found = _URL.match(text)
    if not found:
        return Path(text)
    kind, rest = found[1].lower(), found[2].rstrip("/")
    if kind in ("file", "local"):
        return Path(found[2])
    host = rest.split("/")[0]
    if "::" in text or "?" in text or ":" in host.rpartition("@")[0]:
        raise UsageError("A URL names a place and nothing else: keep passwords, keys and options out of it.")
    try:
        path = str(url_to_fs(f"{kind}://{rest}", use_listings_cache=False)[1])
    except Exception:  # an unknown kind, a package that is missing, or storage that wants credentials at once
        raise UsageError(f"{kind}:// cannot be used: fsspec needs a package or credentials for it.") from None
    base = f"{kind}://{rest}".removesuffix(path)
    if not path or not base or base == f"{kind}://{rest}" or ".." in path.split("/"):
        raise UsageError(f"This {kind}:// URL names no folder or file that can be used.")
    return Remote(base, PurePosixPath(path))


def _changed_ns(told: dict[str, Any]) -> int:
    """What a storage tells of a file's last change; storages do not agree on its name."""
    for name in ("mtime", "LastModified", "last_modified", "updated", "modified", "created"):
        moment = told.get(name)
        if isinstance(moment, datetime):
            return int(moment.timestamp() * 1e6) * 1000
        if isinstance(moment, int | float):
            return int(moment * 1e9)
        if isinstance(moment, str) and moment:
            with suppress(ValueError):
                return int(datetime.fromisoformat(moment).timestamp() * 1e6) * 1000
    return time.time_ns()
