"""What a password must be, and its bcrypt hash."""

from __future__ import annotations

import functools
import secrets

import bcrypt

MIN_CHARACTERS = 12
ROUNDS = 12
"""bcrypt's cost: each step more doubles the time of a guess."""
_SPOKEN = "abcdefghijkmnpqrstuvwxyz23456789"
_MAX_BYTES = 72
"""bcrypt looks at no more than this."""


def password_fault(password: str) -> str:
    """What is wrong with a new password, as a sentence; empty where nothing is."""
    if len(password) < MIN_CHARACTERS:
        return f"A password needs {MIN_CHARACTERS} characters or more."
    if len(password.encode()) > _MAX_BYTES:
        return f"A password must not be longer than {_MAX_BYTES} bytes."
    if password != password.strip() or not password.isprintable():
        return "A password must not begin or end with a space, and holds printable characters only."
    if len(set(password)) < 5:
        return "A password needs at least five different characters."
    return ""


def new_one_time_password() -> str:
    """A password to hand over: 80 bits, in groups that can be read out, without letters that look alike."""
    return "-".join("".join(secrets.choice(_SPOKEN) for _ in range(4)) for _ in range(4))


def hash_password(password: str) -> str:
    """The bcrypt hash to keep."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(ROUNDS)).decode()


def matches(password: str, password_hash: str | None) -> bool:
    """Whether the password is the one that was hashed; takes as long where there is no hash to compare with."""
    known = password_hash is not None
    encoded = password.encode()
    fits = len(encoded) <= _MAX_BYTES
    same = bcrypt.checkpw(encoded if fits else b"", (password_hash or _nobody()).encode())
    return same and known and fits


@functools.cache
def _nobody() -> str:
    return hash_password(secrets.token_urlsafe(32))
