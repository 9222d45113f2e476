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


class Server:
    """One server over one folder, which can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self._data, self._log = folder / "data", folder / "log"
        self._as_root = ["--user=root"] if os.geteuid() == 0 else []
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"mysql+pymysql://{_USER}:{_PASSWORD}@127.0.0.1:{self._port}/{_DATABASE}"

    def install(self) -> None:
        """Make the folder of an empty database."""
        program = _program("mariadb-install-db")
        subprocess.run(
            [program, "--no-defaults", f"--datadir={self._data}", *self._as_root, "--skip-test-db"],
            check=True,
            capture_output=True,
        )
        (self._folder / "init.sql").write_text(
            f"CREATE DATABASE IF NOT EXISTS {_DATABASE} CHARACTER SET utf8mb4;\n"
            f"CREATE USER IF NOT EXISTS '{_USER}'@'127.0.0.1' IDENTIFIED BY '{_PASSWORD}';\n"
            f"GRANT ALL ON {_DATABASE}.* TO '{_USER}'@'127.0.0.1';\n"
        )

    def start(self) -> None:
        """Let it answer."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [
                    _program("mariadbd"),
                    "--no-defaults",
                    f"--datadir={self._data}",
                    f"--socket={self._folder / 'sock'}",
                    f"--port={self._port}",
                    "--bind-address=127.0.0.1",
                    f"--init-file={self._folder / 'init.sql'}",
                    "--innodb-buffer-pool-size=32M",
                    "--innodb-flush-log-at-trx-commit=0",
                    "--skip-name-resolve",
                    *self._as_root,
                ],
                stdout=output,
                stderr=output,
            )
        _wait(self._process, self._port, self._log)

    def stop(self) -> None:
        """Let it end in order."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)


@contextmanager
def private_server(folder: Path) -> Iterator[str]:
    """The SQLAlchemy URL of an empty database on a real server that runs until the block ends."""
    server = Server(folder)
    server.install()
    try:
        server.start()
        yield server.url
    finally:
        server.stop()


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
