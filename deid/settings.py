"""One frozen Settings; the only reader of environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from deid.errors import UsageError

NO_MODEL = "none"
"""As DEID_MODEL: no model judges words."""
QUICK, EXACT = "quick", "exact"
"""As DEID_SEARCH."""
SHORTEST_TOKEN = 24
"""Characters of a token that somebody makes up."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that an operator may choose. Each field is read from DEID_<FIELD> where that is set."""

    home: Path
    """Private state: database, secrets, the model cache, files that wait for review."""
    database_url: str
    """SQLAlchemy URL; SQLite in `home` by default, `mysql+pymysql://user:pw@host/db` for MySQL or MariaDB."""
    model: str = ""
    """Path of a GGUF model that judges words; empty: the bundled one; none: rules, header values and lexicon alone."""
    adapter: str = ""
    """Path of a GGUF adapter (LoRA) for `model`; empty: the bundled one for the bundled model, none for another."""
    threads: int = 0
    """Processor threads of readers and model in one process; 0: the cores, shared among the processes that work."""
    search: str = QUICK
    """How text is searched for: quick rounds to bfloat16 where processors work in it, exact is alike on all."""
    bind: str = "127.0.0.1"
    port: int = 8501
    origin: str = "http://127.0.0.1:8501"
    """Where people reach the pages; https here makes the session cookie Secure."""
    session_hours: float = 8.0
    token_minutes: float = 60.0
    """How long a bearer token of the API lasts."""
    lockout_attempts: int = 5
    lockout_minutes: float = 15.0
    desk_minutes: float = 60.0
    """How long a file opened in the pages stays in memory after it was last looked at."""
    desk_mb: int = 2048
    """Room in memory for all files opened in the pages."""
    max_upload_mb: int = 512
    api_per_minute: int = 600
    """Requests to the API that one user may make in a minute."""
    api_mb: int = 2048
    """Memory for everything that is being sent to the API at the same time."""
    metrics_token: str = field(default="", repr=False)
    """A token that opens the metrics and nothing else, for who collects them; empty: there is none."""
    log: str = "text"
    """How the log is written: text, or json for one JSON object a line."""
    max_batch_files: int = 5000
    """Files that may come in at once, those of a ZIP included."""
    max_batch_mb: int = 2048
    """What they may measure together, unpacked."""
    run_hours: float = 168.0
    """How long the files of a run that was started in the pages are kept, unless its owner closes it before."""
    max_frames: int = 20_000
    max_pixels_per_frame: int = 200_000_000
    step_seconds: float = 300.0
    """How long one step of a file's work may take, and as long again for each megabyte of the file."""
    worker_mb: int = 4096
    """Memory that the work on a file may take beyond readers and model, and eight times the file's size more."""
    database_wait_seconds: float = 300.0
    """How long work waits for a database that went away, before the run stops and can be resumed."""
    scheduler: str = ""
    """Address of a Dask scheduler whose workers do the work of runs; empty: this machine does."""
    tls_ca: str = ""
    """Path of the certificates that vouch for those of scheduler, workers and this program."""
    tls_cert: str = ""
    tls_key: str = ""
    phi_threshold: float = 0.5
    """A word goes when its calibrated P(PHI) reaches this."""
    box_padding: int = 3
    """Pixels added around each word before its pixels are overwritten."""

    def __post_init__(self) -> None:
        if not 0 < self.phi_threshold < 1:
            raise UsageError("DEID_PHI_THRESHOLD must lie between 0 and 1.")
        if self.box_padding < 0:
            raise UsageError("DEID_BOX_PADDING must not be negative.")
        if self.api_per_minute < 1:
            raise UsageError("DEID_API_PER_MINUTE must be 1 or more.")
        if self.search not in (QUICK, EXACT):
            raise UsageError("DEID_SEARCH must be quick or exact.")
        if self.log not in ("text", "json"):
            raise UsageError("DEID_LOG must be text or json.")
        if 0 < len(self.metrics_token) < SHORTEST_TOKEN:
            raise UsageError(f"DEID_METRICS_TOKEN must have {SHORTEST_TOKEN} characters or more.")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """The settings of this process.

        Raises
        ------
        UsageError
            Where a variable is not of its field's type.
        """
        given = os.environ if environment is None else environment
        home = Path(given.get("DEID_HOME") or Path.home() / ".deid").expanduser().resolve()
        chosen: dict[str, object] = {}
        for name, kind in _KINDS.items():
            text = given.get(f"DEID_{name.upper()}", "").strip()
            if not text:
                continue
            try:
                chosen[name] = kind(text)
            except ValueError as exc:
                raise UsageError(f"DEID_{name.upper()} must be {_SAID[kind]}.") from exc
        reached = {each.name: each.default for each in fields(cls) if each.name in ("bind", "port")} | chosen
        chosen.setdefault("origin", f"http://{reached['bind']}:{reached['port']}")
        url = given.get("DEID_DATABASE_URL") or f"sqlite:///{home / 'deid.sqlite'}"
        return cls(home=home, database_url=url, **chosen)  # type: ignore[arg-type]


_KINDS: dict[str, type] = {
    "model": str,
    "adapter": str,
    "threads": int,
    "search": str,
    "bind": str,
    "port": int,
    "origin": str,
    "session_hours": float,
    "token_minutes": float,
    "api_per_minute": int,
    "api_mb": int,
    "metrics_token": str,
    "log": str,
    "lockout_attempts": int,
    "lockout_minutes": float,
    "desk_minutes": float,
    "desk_mb": int,
    "max_upload_mb": int,
    "max_batch_files": int,
    "max_batch_mb": int,
    "run_hours": float,
    "max_frames": int,
    "max_pixels_per_frame": int,
    "step_seconds": float,
    "worker_mb": int,
    "database_wait_seconds": float,
    "scheduler": str,
    "tls_ca": str,
    "tls_cert": str,
    "tls_key": str,
    "phi_threshold": float,
    "box_padding": int,
}
_SAID = {str: "text", int: "a whole number", float: "a number"}


def stated(name: str) -> bool:
    """Whether this process's environment sets the field, so that nothing else may."""
    return bool(os.environ.get(f"DEID_{name.upper()}", "").strip())
