"""The venue on one machine: its servers and services as children, started, watched and stopped.

Children never outlive us: each gets a signal when this process dies, however it dies.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import IO, Protocol

from agio import __version__, embedded_aws, ports, services, venue
from agio import configuration as configurations
from agio.children import Children, ServiceProcess
from agio.configuration import Configuration
from agio.embedded_aws import EmbeddedAws
from agio.embedded_postgres import EmbeddedPostgres
from agio.embedded_valkey import EmbeddedValkey
from agio.ops_client import OpsClient
from agio.secret_files import Secrets
from agio.standard_listings import list_where_bare

# They start together, each waiting for what it needs, and stop in the opposite order: doors first.
SERVICE_ORDER = ("matching", "accounts", "marketdata", "gateway")
STORE_READER_NICENESS = 10
"""Of those that fill stores: where cores are short, orders go before them."""


class VenueRunsError(Exception):
    """Another venue runs on the same data."""


class Venue:
    """The whole venue on this machine.

    `start`, then `watch` some times a second, then `stop`, all from the main thread. `tell` hears
    in a few words what is being started.
    """

    def __init__(
        self,
        configuration: Configuration,
        tell: Callable[[str], None] = lambda _text: None,
        *,
        aws_local: bool = False,
    ) -> None:
        self.configuration = configuration
        self.secrets = Secrets(configuration)
        self.children = Children(tell)
        self._tell = tell
        self._logs = configuration.data / "logs"
        self._lock: IO[bytes] | None = None
        self._aws_local = aws_local

    def start(self) -> None:
        """Start everything, and return when every service is ready.

        Raises `VenueRunsError`, `ServerFailedError` and `OpsError`; what had started is stopped by
        `stop`.
        """
        self._take_lock()
        listened = {name: getattr(self.configuration, name) for name in configurations.PORT_OFFSETS}
        ports.wait_until_free(self.configuration.host, listened, self._tell)
        self._start_servers()
        environment = os.environ | configurations.environment(self.configuration)
        if self._aws_local:
            environment |= embedded_aws.ENVIRONMENT
        urls = venue.health_urls(self.configuration)
        if "backup" in urls:
            # Nobody waits for it: the venue trades without. It stops behind all that it backs up.
            backup = ServiceProcess("backup", environment, self._logs, ("backup", "run"))
            self.children.start("backup", backup, urls["backup"])
        started = [
            self.children.start(name, ServiceProcess(name, environment, self._logs), urls[name])
            for name in SERVICE_ORDER
        ]
        # Nobody waits for these: what they write to may be away, and the venue trades without.
        for name in services.OPTIONAL_SERVICES:
            if name in urls and name != "backup":
                words = ("archive", "run") if name == "archive" else ()
                reader = ServiceProcess(name, environment, self._logs, words, STORE_READER_NICENESS)
                self.children.start(name, reader, urls[name])
        for watched in started:
            self.children.wait_until_ready(watched)
        if self.configuration.standard_listings:
            asyncio.run(self._list_where_bare())
        self._describe()

    def watch(self) -> None:
        """End what can't do its work, start again what has ended, each with its own back-off."""
        self.children.watch()

    def stop_services(self) -> None:
        """Stop our services, the last started first; the servers run on."""
        self.children.stop_those(lambda watched: isinstance(watched.child, ServiceProcess))

    def stop(self) -> None:
        """Stop everything, the last started first, and wait for it."""
        if self._lock is None:
            return
        (self.configuration.data / venue.FILE_NAME).unlink(missing_ok=True)
        self.children.stop()
        self._lock.close()
        self._lock = None

    def restarts(self) -> dict[str, int]:
        return self.children.restarts()

    def _take_lock(self) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
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
        urls: dict[str, object] = {}
        if given.postgres_url is None:
            postgres = EmbeddedPostgres(given.data / "postgres", self.secrets.postgres_password)
            self.children.start("postgres", postgres)
            urls["postgres_url"] = postgres.url()
        if given.redis_url is None:
            valkey = EmbeddedValkey(self._logs / "valkey.log", self.secrets.redis_password)
            self.children.start("valkey", valkey)
            urls["redis_url"] = valkey.url()
        if self._aws_local:
            urls |= self._start_aws()
        self.configuration = given.model_copy(update={"log_directory": self._logs, **urls})

    def _start_aws(self) -> dict[str, object]:
        """Start an AWS and return what points at it: settings that have a value keep it."""
        aws = EmbeddedAws(self._logs / "aws.log")
        self.children.start("aws", aws)
        given = self.configuration
        known = {name: value for name, value in aws.settings().items() if hasattr(given, name)}
        return {name: value for name, value in known.items() if name not in given.model_fields_set}

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
            event_stream_url=configuration.event_stream_url,
        ).write(configuration.data)


def run(
    configuration: Configuration,
    tell: Callable[[str], None],
    when_ready: Callable[[dict[str, str]], None],
    *,
    aws_local: bool = False,
) -> None:
    """Run the venue until SIGINT or SIGTERM, then stop it in order.

    `when_ready` gets the endpoints by name.
    """
    running = Venue(configuration, tell, aws_local=aws_local)
    with contextlib.suppress(KeyboardInterrupt), stopped_in_order(running):
        running.start()
        when_ready(venue.endpoints(running.configuration))
        while True:
            running.watch()
            time.sleep(0.2)


class Stoppable(Protocol):
    """What runs children, and stops them."""

    def stop(self) -> None: ...


@contextlib.contextmanager
def stopped_in_order(running: Stoppable) -> Iterator[None]:
    """Stop it at the end, also after SIGINT and SIGTERM, which are a `KeyboardInterrupt`.

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
