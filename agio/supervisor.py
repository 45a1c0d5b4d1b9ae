"""The venue on one machine: its servers and services as children, started, watched and stopped.

Children never outlive us: each gets a signal when this process dies, however it dies.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import structlog

from agio import __version__, child_process, venue
from agio import configuration as configurations
from agio.child_process import ServerFailedError
from agio.configuration import Configuration
from agio.embedded_postgres import EmbeddedPostgres
from agio.embedded_valkey import EmbeddedValkey
from agio.ops_client import OpsClient
from agio.secret_files import Secrets
from agio.standard_listings import list_where_bare

log = structlog.get_logger("agio")

# They start together, each waiting for what it needs, and stop in the opposite order: doors first.
SERVICE_ORDER = ("matching", "accounts", "marketdata", "gateway")
READY_TIMEOUT_S = 600.0  # a long journal is replayed before matching is ready
STOP_TIMEOUT_S = 30.0
START_ATTEMPTS_MAX = 4
OUTPUT_BYTES_MAX = 2**20  # of what a service printed, which is a traceback if anything
BACKOFF_S_MIN = 0.25
BACKOFF_S_MAX = 15.0
STEADY_S = 60.0  # who ran this long starts over with the shortest back-off


class VenueRunsError(Exception):
    """Another venue runs on the same data."""


class Child(Protocol):
    """Something that runs as a process: a service of ours, or an embedded server."""

    @property
    def process(self) -> subprocess.Popen[bytes]: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


class ServiceProcess:
    """One `agio SERVICE` as a child. What it prints goes to DATA/logs/SERVICE.output."""

    def __init__(self, name: str, environment: Mapping[str, str], logs: Path) -> None:
        self.output = logs / f"{name}.output"
        self._name = name
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
                [sys.executable, "-m", "agio", self._name],
                None,
                ends_by=signal.SIGTERM,
                output=output,
                environment=self._environment,
            )

    def stop(self) -> None:
        if self._process is not None:
            child_process.stop(self._process, signal.SIGTERM, STOP_TIMEOUT_S)


@dataclass
class Watched:
    """A child under watch, and when it may start again."""

    name: str
    child: Child
    started_s: float
    backoff_s: float = BACKOFF_S_MIN
    restart_at_s: float | None = None
    restarts: int = 0

    def look(self, now_s: float) -> None:
        """Start the child again if it has ended and its back-off is over."""
        if self.restart_at_s is None:
            status = self.child.process.poll()
            if status is None:
                return
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
            log.info("restarted", child=self.name, restarts=self.restarts)


class Venue:
    """The whole venue on this machine.

    `start`, then `watch` some times a second, then `stop`, all from the main thread. `tell` hears
    in a few words what is being started.
    """

    def __init__(
        self, configuration: Configuration, tell: Callable[[str], None] = lambda _text: None
    ) -> None:
        self.configuration = configuration
        self.secrets = Secrets(configuration)
        self.watched: list[Watched] = []
        self._tell = tell
        self._logs = configuration.data / "logs"
        self._lock: IO[bytes] | None = None

    def start(self) -> None:
        """Start everything, and return when every service is ready.

        Raises `VenueRunsError`, `ServerFailedError` and `OpsError`; what had started is stopped by
        `stop`.
        """
        self._logs.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        self._start_servers()
        environment = os.environ | configurations.environment(self.configuration)
        started = [
            self._start_child(name, ServiceProcess(name, environment, self._logs))
            for name in SERVICE_ORDER
        ]
        for watched in started:
            self._wait_until_ready(watched)
        if self.configuration.standard_listings:
            asyncio.run(self._list_where_bare())
        self._describe()

    def watch(self) -> None:
        """Start again what has ended, each child with a back-off of its own."""
        for watched in self.watched:
            watched.look(time.monotonic())

    def stop_services(self) -> None:
        """Stop our services, the last started first; the servers run on."""
        while self.watched and isinstance(self.watched[-1].child, ServiceProcess):
            self._stop_last()

    def stop(self) -> None:
        """Stop everything, the last started first, and wait for it."""
        if self._lock is None:
            return
        (self.configuration.data / venue.FILE_NAME).unlink(missing_ok=True)
        while self.watched:
            self._stop_last()
        self._lock.close()
        self._lock = None

    def restarts(self) -> dict[str, int]:
        return {watched.name: watched.restarts for watched in self.watched}

    def _stop_last(self) -> None:
        watched = self.watched.pop()
        self._tell(f"stopping {watched.name}")
        watched.child.stop()
        log.info("stopped", child=watched.name)

    def _take_lock(self) -> None:
        lock = (self.configuration.data / "venue.lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise VenueRunsError(f"a venue runs on {self.configuration.data} already") from None
        self._lock = lock

    def _start_servers(self) -> None:
        """Start the servers that no URL names, and name them."""
        given = self.configuration
        urls = {}
        if given.postgres_url is None:
            postgres = EmbeddedPostgres(given.data / "postgres", self.secrets.postgres_password)
            self._start_child("postgres", postgres)
            urls["postgres_url"] = postgres.url()
        if given.redis_url is None:
            valkey = EmbeddedValkey(self._logs / "valkey.log", self.secrets.redis_password)
            self._start_child("valkey", valkey)
            urls["redis_url"] = valkey.url()
        self.configuration = given.model_copy(update={"log_directory": self._logs, **urls})

    def _start_child(self, name: str, child: Child) -> Watched:
        self._tell(f"starting {name}")
        watched = Watched(name, child, started_s=time.monotonic())
        self.watched.append(watched)  # first, so that an interrupted start is stopped too
        child.start()
        log.info("started", child=name, pid=child.process.pid)
        return watched

    def _wait_until_ready(self, watched: Watched) -> None:
        # A predecessor whose supervisor was killed may still hold the port for a moment: hence
        # some attempts.
        url = venue.health_urls(self.configuration)[watched.name]
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self._is_ready(watched, url):
            self.watch()
            if watched.restarts > START_ATTEMPTS_MAX or time.monotonic() > deadline:
                output = child_process.tail(self._logs / f"{watched.name}.output")
                raise ServerFailedError(f"agio {watched.name} does not get ready: {output}")
            time.sleep(0.05)

    def _is_ready(self, watched: Watched, url: str) -> bool:
        state = venue.health(url)
        return state["ready"] is True and state["pid"] == watched.child.process.pid

    async def _list_where_bare(self) -> None:
        async with OpsClient(self.configuration.ops_url, self.secrets.ops_token) as ops:
            await list_where_bare(ops)

    def _describe(self) -> None:
        configuration = self.configuration
        assert configuration.postgres_url is not None
        assert configuration.redis_url is not None
        venue.VenueFile(
            pid=os.getpid(),
            version=__version__,
            endpoints=venue.endpoints(configuration),
            health=venue.health_urls(configuration),
            ops_token_file=str(self.secrets.directory / "ops_token"),
            journal=str(configuration.data / "journal"),
            postgres_url=configuration.postgres_url,
            redis_url=configuration.redis_url,
        ).write(configuration.data)


def run(
    configuration: Configuration,
    tell: Callable[[str], None],
    when_ready: Callable[[dict[str, str]], None],
) -> None:
    """Run the venue until SIGINT or SIGTERM, then stop it in order.

    `when_ready` gets the endpoints by name.
    """
    running = Venue(configuration, tell)
    with contextlib.suppress(KeyboardInterrupt), stopped_in_order(running):
        running.start()
        when_ready(venue.endpoints(running.configuration))
        while True:
            running.watch()
            time.sleep(0.2)


@contextlib.contextmanager
def stopped_in_order(running: Venue) -> Iterator[None]:
    """Stop the venue at the end, also after SIGINT and SIGTERM, which are a `KeyboardInterrupt`.

    Once it stops, only the kill that nobody can ignore interrupts the order.
    """
    # SIGINT, too: the background job of a script starts with it ignored.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        running.stop()
