"""What every reader does that fills a store: follow the journal, write, and try again."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple, Protocol

import structlog
from prometheus_client import Counter, Gauge, Histogram

from matching.client import STORE_PATIENCE_MS, RecordStream
from objects.store import ConflictError
from vocabulary.events import Event
from vocabulary.excerpt import Excerpt

BATCH_RECORDS_MAX = 2_000
BACKOFF_MIN_S = 0.1
BACKOFF_MAX_S = 5.0
TAKE_OVERS_MAX = 10

log = structlog.get_logger("marketdata")


class StoreWriter(Protocol):
    """What writes records to a store. All methods block."""

    sequence: int
    """Up to which the store has everything."""

    def open(self) -> int:
        """Take the store over, and return from behind which sequence records are wanted."""

    def write(self, records: Sequence[Excerpt]) -> None:
        """Take records that follow those before; when they are in the store is the writer's."""

    def rest(self) -> None:
        """Do what is due while no records come."""

    def stop(self) -> None:
        """End what waits, from any thread."""


class ReaderMetrics(NamedTuple):
    sequence: Gauge
    lag: Gauge
    failures: Counter
    write_seconds: Histogram


def reader_metrics(name: str, what: str) -> ReaderMetrics:
    """Return `agio_NAME_...` of a reader that stores `what`."""
    return ReaderMetrics(
        Gauge(f"agio_{name}_sequence", f"Journal sequence up to which {what} are stored"),
        Gauge(f"agio_{name}_lag_records", "Records of the journal that are not stored yet"),
        Counter(f"agio_{name}_failures", "Failures of the store, each tried again"),
        Histogram(
            f"agio_{name}_write_seconds",
            "Time to take a batch of records, with all that it makes due",
            buckets=(0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
        ),
    )


class StoreReader:
    """Follows the journal's events from where a store stands; a slow store only lets it lag.

    After one of the writer's `failures` it begins again where the store stands. Where another
    writer has taken the store over it stops, and health tells; after anything else, too, and then
    it is to be started anew.
    """

    def __init__(
        self,
        name: str,
        writer: StoreWriter,
        *,
        matching_address: str,
        event_types: Collection[type[Event]],
        failures: type[Exception],
        metrics: ReaderMetrics,
        rest_s: float,
    ) -> None:
        self._name = name
        self._writer = writer
        self._address = matching_address
        self._event_types = event_types
        self._failures = failures
        self._metrics = metrics
        self._rest_s = rest_s
        self._stream: RecordStream | None = None
        self._failure = "not started"
        self._has_failed = False
        self._backoff_s = BACKOFF_MIN_S
        self._task: asyncio.Task[None] | None = None
        metrics.sequence.set_function(lambda: writer.sequence)
        metrics.lag.set_function(self._lag)

    async def start(self) -> None:
        """Return at once: the store, and matching, may come later."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop. What is being written goes on to its end, or to its next wait."""
        self._writer.stop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._stream is not None:
            await self._stream.close()
        log.info("stopped", reader=self._name, sequence=self._writer.sequence)

    def health(self) -> dict[str, object]:
        return {
            "ready": not self._failure,
            "failed": self._has_failed,
            "sequence": self._writer.sequence,
            "lag_records": self._lag(),
            "matching_connected": self._stream is not None and self._stream.connected,
            "failure": self._failure,
        }

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except self._failures as error:
                self._metrics.failures.inc()
                self._failure = str(error)
                log.warning(
                    "store failed",
                    reader=self._name,
                    reason=self._failure,
                    retry_in_s=self._backoff_s,
                )
                await asyncio.sleep(self._backoff_s)
                self._backoff_s = min(self._backoff_s * 2, BACKOFF_MAX_S)
            except Exception as error:
                # Another writer, or what can't be read: to go on would do harm.
                self._has_failed = not isinstance(error, ConflictError)
                self._failure = f"{type(error).__name__}: {error}"
                log.exception("stopped writing", reader=self._name)
                return

    async def _follow(self) -> None:
        """Begin where the store stands, and write for as long as this runs."""
        sequence = await asyncio.to_thread(self._take_over)
        if self._stream is not None:  # until now it has told how much there is
            await self._stream.close()
        # Matching may be away, or refuse: a journal that ends before that is not this store's.
        self._failure = f"no records from matching behind {sequence} yet"
        self._stream = RecordStream(
            self._address,
            self._name,
            from_sequence=sequence + 1,
            event_types=self._event_types,
            patience_ms=STORE_PATIENCE_MS,
        )
        await self._stream.open()
        self._failure = ""
        log.info("store open", reader=self._name, sequence=sequence)
        while True:
            records = await self._stream.take(BATCH_RECORDS_MAX, self._rest_s)
            if records:
                with self._metrics.write_seconds.time():
                    await asyncio.to_thread(partial(self._writer.write, records))
            else:
                await asyncio.to_thread(self._writer.rest)
            self._backoff_s = BACKOFF_MIN_S

    def _take_over(self) -> int:
        """Open the store. Who writes there until this moment may come in between: try again then.

        Raises `ConflictError` if that goes on and on.
        """
        for _ in range(TAKE_OVERS_MAX - 1):
            with suppress(ConflictError):
                return self._writer.open()
        return self._writer.open()

    def _lag(self) -> int:
        head_sequence = self._stream.head_sequence if self._stream is not None else 0
        return max(head_sequence - self._writer.sequence, 0)
