"""A MariaDB server of the tests' own: private folder, loopback port, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_USER, _PASSWORD, _DATABASE = "deid", "only-for-this-test", "deid"


@contextmanager
def private_server(folder: Path) -> Iterator[str]:
    """The SQLAlchemy URL of an empty database on a real server that runs until the block ends."""
    data, log = folder / "data", folder / "log"
    as_root = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        [_program("mariadb-install-db"), "--no-defaults", f"--datadir={data}", *as_root, "--skip-test-db"],
        check=True,
        capture_output=True,
    )
    first_lines = folder / "init.sql"
    first_lines.write_text(
        f"CREATE DATABASE {_DATABASE} CHARACTER SET utf8mb4;\n"
        f"CREATE USER '{_USER}'@'127.0.0.1' IDENTIFIED BY '{_PASSWORD}';\n"
        f"GRANT ALL ON {_DATABASE}.* TO '{_USER}'@'127.0.0.1';\n"
    )
    port = free_port()
    with log.open("wb") as output:
        server = subprocess.Popen(
            [
                _program("mariadbd"),
                "--no-defaults",
                f"--datadir={data}",
                f"--socket={folder / 'sock'}",
                f"--port={port}",
                "--bind-address=127.0.0.1",
                f"--init-file={first_lines}",
                "--innodb-buffer-pool-size=32M",
                "--innodb-flush-log-at-trx-commit=0",
                "--skip-name-resolve",
                *as_root,
            ],
            stdout=output,
            stderr=output,
        )
    try:
        _wait(server, port, log)
        yield f"mysql+pymysql://{_USER}:{_PASSWORD}@127.0.0.1:{port}/{_DATABASE}"
    finally:
        server.terminate()
        server.wait(30)


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _program(name: str) -> str:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin") or name


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"mariadbd ended at once:\n{log.read_text()[-2000:]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("mariadbd did not answer within a minute")
