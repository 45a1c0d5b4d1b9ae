"""The processes that one of ours starts, watches and stops: services, and embedded servers.

Children never outlive us: each gets a signal when this process dies, however it dies.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from agio import child_process
from agio.child_process import ServerFailedError
from agio.liveness import Liveness

log = structlog.get_logger("agio")

READY_TIMEOUT_S = 600.0  # a long journal is replayed before matching is ready
STOP_TIMEOUT_S = 30.0
START_ATTEMPTS_MAX = 4
OUTPUT_BYTES_MAX = 2**20  # of what a service printed, which is a traceback if anything
BACKOFF_S_MIN = 0.25
BACKOFF_S_MAX = 15.0
STEADY_S = 60.0  # who ran this long starts over with the shortest back-off


class Child(Protocol):
    """Something that runs as a process: a service of ours, or an embedded server."""

    @property
    def process(self) -> subprocess.Popen[bytes]: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


class ServiceProcess:
    """One `agio SERVICE` as a child, by default NAME itself.

    What it prints goes to LOGS/NAME.output. `niceness` above 0 leaves shared cores to the others.
    """

    def __init__(
        self,
        name: str,
        environment: Mapping[str, str],
        logs: Path,
        arguments: Sequence[str] = (),
        niceness: int = 0,
    ) -> None:
        self.output = logs / f"{name}.output"
        self._niceness = niceness
        self._arguments = arguments or (name,)
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process

    def start(self) -> None:
        """Start it; it is not ready yet."""
        if self.output.exists() and self.output.stat().st_size > OUTPUT_BYTES_MAX:
            os.truncate(self.output, 0)
        with self.output.open("ab") as output:
            self._process = child_process.start(
                [sys.executable, "-m", "agio", *self._arguments],
                None,
                ends_by=signal.SIGTERM,
                output=output,
                environment=self._environment,
            )
        if self._niceness:  # of the one thread that it has yet
            os.setpriority(os.PRIO_PROCESS, self._process.pid, self._niceness)

    def stop(self) -> None:
        if self._process is not None:
            child_process.stop(self._process, signal.SIGTERM, STOP_TIMEOUT_S)


@dataclass
class Watched:
    """A child under watch, when it may start again, and when it must have ended if it was told to.

    `liveness` is that of a service; an embedded server has none.
    """

    name: str
    child: Child
    started_s: float
    liveness: Liveness | None = None
    backoff_s: float = BACKOFF_S_MIN
    restart_at_s: float | None = None
    kill_at_s: float | None = None
    restarts: int = 0

    def look(self, now_s: float) -> None:
        """End the child if it does not live any more, and start it again if it has ended.

        It starts again once its back-off is over.
        """
        if self.restart_at_s is None:
            status = self.child.process.poll()
            if status is None:
                self._end_unless_live(now_s)
                return
            self.kill_at_s = None
            if now_s - self.started_s > STEADY_S:
                self.backoff_s = BACKOFF_S_MIN
            self.restart_at_s = now_s + self.backoff_s
            log.error("ended", child=self.name, status=status, restart_in_s=self.backoff_s)
        if now_s < self.restart_at_s:
            return
        self.backoff_s = min(2 * self.backoff_s, BACKOFF_S_MAX)
        self.restarts += 1
        try:
            self.child.start()
        except ServerFailedError:
            self.restart_at_s = now_s + self.backoff_s
            log.exception("not restarted", child=self.name)
        else:
            self.started_s = now_s
            self.restart_at_s = None
            if self.liveness is not None:
                self.liveness.begin()
            log.info("restarted", child=self.name, restarts=self.restarts)

    def _end_unless_live(self, now_s: float) -> None:
        """Tell the child to end if it can't do its work any more; kill it if it does not."""
        process = self.child.process
        if self.kill_at_s is not None:
            if now_s >= self.kill_at_s:
                log.error("killed", child=self.name, reason=f"no end after {STOP_TIMEOUT_S:g} s")
                process.kill()
        elif self.liveness is not None and (problem := self.liveness.problem(process.pid, now_s)):
            log.error("not live", child=self.name, pid=process.pid, **problem)
            process.send_signal(signal.SIGTERM)
            self.kill_at_s = now_s + STOP_TIMEOUT_S


class Children:
    """Those who run, in the order of their start. `tell` hears in a few words what is done.

    All methods are for the main thread.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._watched: list[Watched] = []

    def start(self, name: str, child: Child, health_url: str | None = None) -> Watched:
        """Start a child, a service with where it says how it is.

        Raises what that does; the child is stopped with the others then, too.
        """
        self._tell(f"starting {name}")
        liveness = Liveness(health_url) if health_url is not None else None
        watched = Watched(name, child, time.monotonic(), liveness)
        self._watched.append(watched)  # first, so that an interrupted start is stopped too
        child.start()
        log.info("started", child=name, pid=child.process.pid)
        return watched

    def wait_until_ready(self, watched: Watched) -> None:
        """Wait until a service's health says ready. Raises `ServerFailedError`."""
        assert isinstance(watched.child, ServiceProcess)
        assert watched.liveness is not None
        # A predecessor whose supervisor was killed may still hold the port for a moment: hence
        # some attempts.
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not watched.liveness.is_ready(watched.child.process.pid):
            self.watch()
            if watched.restarts > START_ATTEMPTS_MAX or time.monotonic() > deadline:
                output = child_process.tail(watched.child.output)
                raise ServerFailedError(f"agio {watched.name} does not get ready: {output}")
            time.sleep(0.05)

    def watch(self) -> None:
        """End what can't do its work, start again what has ended, each with its own back-off."""
        for watched in self._watched:
            watched.look(time.monotonic())

    def stop_those(self, is_meant: Callable[[Watched], bool]) -> None:
        """Stop some, the last started first, and wait for it."""
        for watched in self._watched[::-1]:
            if is_meant(watched):
                self._tell(f"stopping {watched.name}")
                self._watched.remove(watched)  # from here on it may end
                watched.child.stop()
                log.info("stopped", child=watched.name)

    def stop(self) -> None:
        """Stop all, the last started first, and wait for it."""
        self.stop_those(lambda _watched: True)

    def restarts(self) -> dict[str, int]:
        return {watched.name: watched.restarts for watched in self._watched}
