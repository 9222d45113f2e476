"""Which stand-in belongs to which original: an encrypted file, kept only where a run asks for it.

While runs go on, pairs are appended to files of DEID_HOME/crosswalk, each record sealed under a secret of the
installation. An export gathers them into one file that a passphrase opens, anywhere. Originals are PHI: nothing here
goes into a log, a message or the database.
"""

from __future__ import annotations

import csv
import io
import json
import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydicom import Dataset

from deid.errors import UsageError
from deid.store.secrets import private_folder, secret, write_private

SHORTEST_PASSPHRASE = 12
_KEYWORDS = ("PatientID", "PatientName", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_HEAD = b"deid crosswalk 1\n"
_NONCE, _SALT = 12, 16
_WORK = 2**15
"""Cost of guessing a passphrase (scrypt's n): a third of a second and 32 MB a guess."""


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """An original value and what stands for it."""

    keyword: str
    original: str
    stand_in: str


def pairs_of(original: Dataset, cleaned: Dataset) -> tuple[Pair, ...]:
    """What links the two: patient, study, series and instance, where both hold a value."""
    found = []
    for keyword in _KEYWORDS:
        before, after = (str(dataset.get(keyword) or "").strip("\0 ") for dataset in (original, cleaned))
        if before and after and before != after:
            found.append(Pair(keyword, before, after))
    return tuple(found)


def keep(home: Path, pairs: Iterable[Pair]) -> None:
    """Append the pairs to the file of this process."""
    sealed = _sealed(secret(home, "crosswalk-key"), json.dumps([astuple(pair) for pair in pairs]).encode())
    path = private_folder(private_folder(home) / "crosswalk") / f"{os.getpid()}.sealed"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
        file.write(struct.pack(">I", len(sealed)) + sealed)


def export(home: Path, target: Path, passphrase: str) -> int:
    """Write every pair to `target`, sealed under the passphrase; how many there are.

    Raises
    ------
    UsageError
        Where the passphrase is short or a file was kept under another key.
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise UsageError(f"The passphrase must have {SHORTEST_PASSPHRASE} characters or more.")
    pairs = sorted(set(_kept(home)))
    text = io.StringIO()
    csv.writer(text).writerows([("keyword", "original", "stand_in"), *map(astuple, pairs)])
    salt = os.urandom(_SALT)
    write_private(target.absolute(), _HEAD + salt + _sealed(_key(passphrase, salt), text.getvalue().encode()))
    return len(pairs)


def opened(sealed: bytes, passphrase: str) -> str:
    """The lines of an exported file, as CSV.

    Raises
    ------
    UsageError
        Where it is no such file or the passphrase is another.
    """
    if not sealed.startswith(_HEAD):
        raise UsageError("This is no crosswalk that was exported.")
    body = sealed[len(_HEAD) :]
    try:
        return _unsealed(_key(passphrase, body[:_SALT]), body[_SALT:]).decode()
    except InvalidTag as exc:
        raise UsageError("The passphrase does not open this file.") from exc


def _kept(home: Path) -> Iterator[Pair]:
    key = secret(home, "crosswalk-key")
    for path in sorted(private_folder(private_folder(home) / "crosswalk").glob("*.sealed")):
        data, position = path.read_bytes(), 0
        while position + 4 <= len(data):
            (length,) = struct.unpack_from(">I", data, position)
            record = data[position + 4 : position + 4 + length]
            position += 4 + length
            if len(record) < length:
                break  # the process that wrote it was cut off
            try:
                found = json.loads(_unsealed(key, record))
            except InvalidTag as exc:
                raise UsageError("A file of the crosswalk was kept under another key.") from exc
            yield from (Pair(*each) for each in found)


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_WORK, r=8, p=1).derive(passphrase.encode())


def _sealed(key: bytes, plain: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, _HEAD)


def _unsealed(key: bytes, sealed: bytes) -> bytes:
    return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], _HEAD)
