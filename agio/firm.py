"""A trading firm on one machine: the services of a run as children, beside a venue that runs here.

They stop in the order in which they depend on each other: first who decides, then who sends, and
last who keeps what happened.
"""

import fcntl
import os
import time
from collections.abc import Callable
from typing import IO, Any

from agio import configuration as configurations
from agio import venue
from agio.child_process import free_port
from agio.children import Children, ServiceProcess, Watched
from agio.configuration import Configuration
from agio.venue import VenueFile

SETTLE_TIMEOUT_S = 10.0


class FirmRunsError(Exception):
    """Another firm runs on the same data."""


class Firm:
    """The feeds handler and the historical store, then any number of the others for a run.

    `running` is the venue. All methods are for the main thread; `tell` hears in a few words what is
    done.
    """

    def __init__(
        self, configuration: Configuration, running: VenueFile, tell: Callable[[str], None]
    ) -> None:
        logs = configuration.data / "logs"
        self.configuration = configuration.model_copy(
            update={
                "redis_url": running.redis_url,
                "log_directory": logs,
                # The last events are to be there soon after the end.
                "history_flush_seconds": min(configuration.history_flush_seconds, 5.0),
            }
        )
        self._children = Children(tell)
        self._logs = logs
        self._health_urls: dict[str, str] = {}
        self._lock: IO[bytes] | None = None

    def start_stream(self, symbols: tuple[str, ...]) -> int:
        """Start the stream of events and its history; return the number of its first new event.

        Raises `FirmRunsError` and `ServerFailedError`.
        """
        self._logs.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        self.configuration = self.configuration.model_copy(
            update={"feeds_symbols": " ".join(symbols)}
        )
        feeds = self._start("feeds", "feeds", ("feeds",))
        history = self._start("history", "history", ("history", "run"))
        for each in (feeds, history):
            self._children.wait_until_ready(each)
        first: int = self.health("feeds")["began_after"] + 1
        return first

    def start_trading(self, run: str, *, alphas: int, executions: int) -> None:
        """Start those who decide and those who send. Raises `ServerFailedError`."""
        self.configuration = self.configuration.model_copy(update={"trading_run": run})
        started = [
            self._start(f"{service}-{number}", service, (service, run))
            for service, count in (("execution", executions), ("alpha", alphas))
            for number in range(1, count + 1)
        ]
        for each in started:
            self._children.wait_until_ready(each)

    def watch(self) -> None:
        """End what can't do its work, and start again what has ended."""
        self._children.watch()

    def health(self, name: str) -> dict[str, Any]:
        """Return what a service says of itself, one by its number: `alpha-1`."""
        return venue.health(self._health_urls[name])

    def names(self) -> list[str]:
        return list(self._health_urls)

    def stop_deciding(self) -> None:
        self._children.stop_those(lambda each: each.name.startswith("alpha"))

    def stop_sending(self) -> None:
        self._children.stop_those(lambda each: each.name.startswith("execution"))

    def wait_until_kept(self, sequence: int) -> bool:
        """Wait a moment until the history has an event; return whether it does."""
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        while self.health("history").get("sequence", 0) < sequence:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def stop(self) -> None:
        """Stop all, the last started first, and wait for it."""
        if self._lock is None:
            return
        self._children.stop()
        self._lock.close()
        self._lock = None

    def restarts(self) -> dict[str, int]:
        return self._children.restarts()

    def _start(self, name: str, service: str, arguments: tuple[str, ...]) -> Watched:
        """Start a service; where there are several of a kind, each but the first with new ports."""
        settings = self.configuration
        port = getattr(settings, f"{service}_metrics_port")
        if name not in {service, f"{service}-1"}:
            port = free_port()
            settings = settings.model_copy(update={f"{service}_metrics_port": port})
        self._health_urls[name] = venue.health_url(settings, port)
        environment = os.environ | configurations.environment(settings)
        process = ServiceProcess(name, environment, self._logs, arguments)
        return self._children.start(name, process, self._health_urls[name])

    def _take_lock(self) -> None:
        lock = (self.configuration.data / "firm.lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise FirmRunsError(
                f"a trading firm runs on {self.configuration.data} already"
            ) from None
        self._lock = lock
