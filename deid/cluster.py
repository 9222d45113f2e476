"""Many machines: files handed to the workers of a Dask scheduler, and the two programs that make one.

Nothing but paths, numbers and choices travels, encrypted and signed by certificates of one's own unless all of it stays
on this machine. Workers hold one file at a time and write nothing to their disks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import dask
from distributed import Client, Future, Nanny, Scheduler, as_completed
from distributed.scheduler import KilledWorker
from distributed.security import Security

from deid.errands import Errand, run_errand
from deid.errors import DeidError, EngineError, UsageError
from deid.inputs import InputFile
from deid.ledger import Done, decides
from deid.manifest import Batch
from deid.settings import Settings
from deid.workers import STOPPED, Lost

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SECONDS_FOR_WORKERS = 60
_AHEAD = 2
"""Files handed out for each worker: one at work, one that waits there, so that no worker waits for the way."""
_BEAT_SECONDS = 0.05
_COURIER_MB = 1024
"""A worker hands files on to a process with limits of its own, and needs little itself."""
_CHOICES = {
    "distributed.worker.daemon": False,  # a daemon may have no process of its own
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.profile.enabled": False,  # it looks at what a worker does a hundred times a second
    "distributed.scheduler.allowed-failures": 1,
    "distributed.admin.log-format": "%(levelname)s %(message)s",
}


def work_through_cluster(
    sources: Iterator[InputFile],
    batch: Batch,
    settings: Settings,
    run_id: int,
    beat: Callable[[], None] = lambda: None,
) -> Iterator[tuple[InputFile, Done | Lost]]:
    """Each file with what became of it, as the workers of the scheduler finish them; few are handed out ahead.

    `beat` is called now and then, and may end it by raising.

    Raises
    ------
    EngineError
        Where the scheduler cannot be reached or has no workers, or they cannot start their readers.
    UsageError
        Where the address or the certificates cannot be used, or a worker is not like this program.
    """
    if batch.with_text:
        raise UsageError("--with-text is for work on this machine: no text travels to or from a scheduler.")
    agreed = decides(batch, settings)
    with _connected(settings, beat) as client:
        handed_out: dict[Future[Any], InputFile] = {}
        ends = as_completed(loop=client.loop)
        while True:
            room = _AHEAD * max(sum(client.nthreads().values()), 1)
            while len(handed_out) < room and (source := next(sources, None)) is not None:
                errand = Errand(source, batch, run_id, agreed)
                future = client.submit(run_errand, errand, key=f"run-{run_id}-{source.number}", pure=False)
                handed_out[future] = source
                ends.add(future)
            if not handed_out:
                return
            while not ends.has_ready():
                beat()
                time.sleep(_BEAT_SECONDS)
            future = next(ends)
            source = handed_out.pop(future)
            outcome = _outcome(future)
            future.release()
            yield source, outcome


def _outcome(future: Future[Any]) -> Done | Lost:
    try:
        outcome = future.result()
    except KilledWorker:
        return STOPPED
    if isinstance(outcome, DeidError):
        raise outcome
    return outcome  # type: ignore[no-any-return]


@contextmanager
def _connected(settings: Settings, beat: Callable[[], None]) -> Iterator[Client]:
    security = security_of(settings)
    dask.config.set(_CHOICES)  # for good: several runs of one server are connected at the same time
    try:
        client = Client(settings.scheduler, security=security, timeout=20, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as exc:
        raise EngineError("The scheduler cannot be reached: check DEID_SCHEDULER and the certificates.") from exc
    try:
        _wait_for_workers(client, beat)
        yield client
    finally:
        with suppress(OSError, TimeoutError):
            client.close(timeout=5)


def _wait_for_workers(client: Client, beat: Callable[[], None]) -> None:
    deadline = time.monotonic() + _SECONDS_FOR_WORKERS
    while not client.nthreads():
        if time.monotonic() > deadline:
            raise EngineError("The scheduler has no workers: start some with `deid worker`.")
        beat()
        time.sleep(_BEAT_SECONDS)


def security_of(settings: Settings) -> Security:
    """What the connection asks for.

    Raises
    ------
    UsageError
        Where it could leave this machine without being encrypted and signed.
    """
    address = urlsplit(settings.scheduler)
    certificates = {
        "tls_ca_file": settings.tls_ca,
        **{f"tls_{role}_cert": settings.tls_cert for role in ("client", "worker", "scheduler")},
        **{f"tls_{role}_key": settings.tls_key for role in ("client", "worker", "scheduler")},
    }
    if address.scheme not in ("tcp", "tls") or not address.hostname:
        raise UsageError("The scheduler's address is tls://HOST:PORT, or tcp://127.0.0.1:PORT on this machine.")
    if address.scheme == "tls":
        if not all(certificates.values()):
            raise UsageError("tls:// needs DEID_TLS_CA, DEID_TLS_CERT and DEID_TLS_KEY.")
        return Security(require_encryption=True, **certificates)
    if address.hostname not in _LOOPBACK:
        raise UsageError("Beyond this machine the scheduler must be reached by tls://.")
    return Security()


def serve_scheduler(settings: Settings) -> None:
    """Be the scheduler at the address of the settings until the process is stopped."""

    async def serve() -> None:
        address = urlsplit(settings.scheduler)
        place: dict[str, Any] = {"host": address.hostname, "port": address.port or 8786, "protocol": address.scheme}
        async with Scheduler(**place, security=security_of(settings), dashboard_address="127.0.0.1:0") as scheduler:
            await scheduler.finished()

    with dask.config.set(_CHOICES):
        asyncio.run(serve())


def serve_worker(settings: Settings) -> None:
    """Be a worker of the scheduler of the settings until the process is stopped; one file at a time."""

    async def serve() -> None:
        async with Nanny(
            settings.scheduler,
            nthreads=1,
            memory_limit=_COURIER_MB << 20,
            security=security_of(settings),
            dashboard_address="127.0.0.1:0",
            config={**dask.config.config, **_CHOICES},
        ) as nanny:
            await nanny.finished()

    with dask.config.set(_CHOICES):
        asyncio.run(serve())
