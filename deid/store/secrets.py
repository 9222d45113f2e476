"""Secrets of this installation, each a file that only its owner can read."""

from __future__ import annotations

import os
import secrets as random_source
from pathlib import Path

from deid.errors import StoreError
from deid.store.filelock import locked

_SIZE = 32


def private_folder(path: Path) -> Path:
    """The folder, made for its owner alone where it was missing.

    Raises
    ------
    StoreError
        Where it can be neither found nor made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise StoreError(f"DEID_HOME cannot be used: {exc.strerror}.") from exc
    return path


def secret(home: Path, name: str) -> bytes:
    """32 random bytes that stay the same for this `home` and `name`; made at the first call, in whichever process.

    Raises
    ------
    StoreError
        Where the file is damaged or cannot be read or made. It is never replaced: what was derived from it would
        no longer match.
    """
    folder = private_folder(private_folder(home) / "secrets")
    path = folder / name
    try:
        with locked(folder / ".lock"):
            if not path.exists():
                write_private(path, random_source.token_bytes(_SIZE))
            value = path.read_bytes()
    except OSError as exc:
        raise StoreError(f"The secret file {name!r} in DEID_HOME cannot be used: {exc.strerror}.") from exc
    if len(value) != _SIZE:
        raise StoreError(f"The secret file {name!r} in DEID_HOME is damaged: restore it from a backup.")
    return value


def write_private(path: Path, content: bytes | memoryview) -> None:
    """Put the content at `path`, whole or not at all, readable by its owner only."""
    staged = path.with_name(f".{path.name}.{random_source.token_hex(8)}")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)
