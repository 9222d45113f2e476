"""Where files come out: at their place, whole or not at all."""

from __future__ import annotations

import hashlib
import hmac
import os
import shutil
import uuid
from pathlib import PurePosixPath

from deid.identifiers import Needles
from deid.places import Place, Remote
from deid.scratch import IN_MEMORY, Content, Scratch, pieces


def output_place(relative: PurePosixPath, needles: Needles, key: bytes, *, rename: bool) -> PurePosixPath:
    """The output's path: parts that hold a removed header value, or all of them, become pseudonyms."""
    parts = []
    for part in relative.parts:
        if rename or needles.are_in(part) or needles.are_in_number(part):
            digest = hmac.new(key, f"path:{part}".encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()[:16]
            is_file = part is relative.parts[-1]
            parts.append(digest + (".dcm" if is_file else ""))
        else:
            parts.append(part)
    return PurePosixPath(*parts)


def staging_folder(out: Place, run_id: int) -> Place:
    """Where a run's outputs are written before they are moved to their place: one folder, so that nothing is left."""
    return out / f".deid-{run_id}.part"


def scratch_of(out: Place, run_id: int) -> Scratch:
    """Where a run puts together what is too large for memory: beside its outputs, private, and gone with it.

    Where the outputs lie by URL everything stays in memory.
    """
    staging = staging_folder(out, run_id)
    return IN_MEMORY if isinstance(staging, Remote) else Scratch(staging)


def publish(written: Content, target: Place, staging: Place) -> None:
    """The verified bytes at their place, whole or not at all; `staging` is a folder of the same file system."""
    if isinstance(target, Remote) or isinstance(staging, Remote):
        assert isinstance(target, Remote) and isinstance(staging, Remote)
        target.put_whole(bytes(written), staging)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    staging.mkdir(mode=0o700, exist_ok=True)
    staged = staging / uuid.uuid4().hex
    try:
        with os.fdopen(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for piece in pieces(written):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        staged.chmod(0o644)
        staged.replace(target)
    finally:
        staged.unlink(missing_ok=True)


def clear_staging(out: Place, run_id: int) -> None:
    """Take away what a process that was killed had begun to write."""
    staging = staging_folder(out, run_id)
    if isinstance(staging, Remote):
        staging.remove_all()
    else:
        shutil.rmtree(staging, ignore_errors=True)
