"""A venue of a test's own: `agio up` as a process, and the command line beside it."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from agio.child_process import free_port

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 40.0


def free_port_base() -> int:
    """Return a base from which no port is in use just now; they are below those the system picks.

    Tests that run at the same time begin to look at different places.
    """
    first = free_port() % 900
    for number in range(first, first + 900):
        base = 10_000 + number % 900 * 24
        if all(is_free(port) for port in range(base, base + 24)):
            return base
    raise AssertionError("no 24 ports in a row are free")


def is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def ignore_interrupts() -> None:
    """Begin as a script's background job does; an interrupt must stop the venue all the same."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class RunningVenue:
    """`agio up` on `data`, started and stopped as a user does it."""

    def __init__(self, data: Path, port_base: int) -> None:
        self.data = data
        self.port_base = port_base
        self.endpoints: dict[str, str] = {}
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agio", "up", "--json", *self._flags()],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=ignore_interrupts,  # noqa: PLW1509 (these tests start no threads)
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"it ended with {self.process.wait()}"
        self.endpoints = json.loads(line)["endpoints"]

    def stop(self) -> int:
        """Stop as Ctrl-C does, and return the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self._wait()

    def kill(self) -> None:
        """Pull the supervisor from under its children."""
        assert self.process is not None
        self.process.kill()
        self._wait()

    def _wait(self) -> int:
        assert self.process is not None
        assert self.process.stdout is not None
        status = self.process.wait(STOP_TIMEOUT_S)
        self.process.stdout.close()
        self.process = None
        return status

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self.process is not None:
            self.stop()

    def agio(self, *arguments: str) -> Any:
        """Run a command against this venue and return the JSON that it prints."""
        completed = self.run(*arguments, "--json", "--data", str(self.data))
        assert completed.returncode == 0, completed.stderr
        return json.loads(completed.stdout)

    def trader(self, name: str, comp_id: str | None = None, **funds: str) -> dict[str, str]:
        """Make a funded account; return its API key and secret, for one CompID if named."""
        self.agio("account", "create", name)
        for asset, amount in funds.items():
            self.agio("account", "credit", name, asset, amount)
        bound = ("--sender-comp-id", comp_id) if comp_id is not None else ()
        key: dict[str, str] = self.agio("key", "create", "--account", name, *bound)
        return key

    def port(self, endpoint: str) -> int:
        """Return the port of one of its endpoints."""
        return int(self.endpoints[endpoint].rpartition(":")[2])

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "agio", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=START_TIMEOUT_S,
        )

    def pids(self) -> list[int]:
        """Return the processes that run on our data or under our supervisor."""
        assert self.process is not None
        return [self.process.pid, *children_of(self.process.pid)]

    def child(self, program: str) -> int | None:
        """Return the process of a server under our supervisor, None if it does not run."""
        assert self.process is not None
        for pid in children_of(self.process.pid):
            with contextlib.suppress(FileNotFoundError):  # it has ended
                if Path(f"/proc/{pid}/exe").readlink().name == program:
                    return pid
        return None

    def _flags(self) -> list[str]:
        return ["--data", str(self.data), "--port-base", str(self.port_base)]


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def is_running(pid: int) -> bool:
    try:
        return not Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].startswith(" Z")
    except FileNotFoundError:
        return False


def wait_for(condition: Callable[[], bool], what: str, timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
