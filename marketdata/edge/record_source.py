"""Where the publisher's records come from: the matching process, or the event stream behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import NamedTuple, Protocol

import structlog
from prometheus_client import Counter

from marketdata.edge.event_store import ReadBlock, StreamFailedError, open_reader
from marketdata.stream_chain import StreamChain
from matching.client import EventReader
from vocabulary.codec import CodecError
from vocabulary.event_stream import Entry, unpack_block
from vocabulary.events import Event
from vocabulary.excerpt import Excerpt, event_kinds, unpack_events

BACKOFF_MIN_S = 0.1
BACKOFF_MAX_S = 2.0

GAPS = Counter("agio_marketdata_stream_gaps", "Gaps in the event stream, filled from matching")
DUPLICATES = Counter("agio_marketdata_stream_duplicates", "Entries that came again")
UNREADABLE = Counter("agio_marketdata_stream_unreadable", "Blocks that did not decode")

log = structlog.get_logger("marketdata")

OnRecords = Callable[[list[Excerpt]], None]


class EventStream(NamedTuple):
    """An event stream to read; `poll_s` lies between two looks at a Kinesis shard."""

    url: str
    poll_s: float


class RecordSource(Protocol):
    """Records from the first on; of each instrument in order and once.

    `on_caught_up` is called when those of the start were handed over.
    """

    kind: str
    in_flight_ns: int
    """How late a record may be without counting in a candle that was already told as closed."""
    connected: bool
    head_sequence: int
    """Of the newest record known to exist."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class EngineSource(EventReader):
    kind = "matching"
    in_flight_ns = 100_000_000


class StreamSource:
    """Follows the event stream, and asks the matching process for what lies before it.

    A stream keeps some days only. So at the start, and wherever it has a gap, the records up to the
    newest are read from the matching process; the stream is opened first, and what both have
    counts once.
    """

    kind = "stream"
    in_flight_ns = 2_000_000_000

    def __init__(
        self,
        matching_address: str,
        event_stream: EventStream,
        *,
        event_types: Collection[type[Event]],
        on_records: OnRecords,
        on_caught_up: Callable[[], None],
    ) -> None:
        self.connected = False
        self.head_sequence = 0
        self._matching_address = matching_address
        self._event_types = event_types
        self._kinds = event_kinds(event_types)
        self._on_records = on_records
        self._on_caught_up = on_caught_up
        self._reader = open_reader(event_stream.url, "now", poll_s=event_stream.poll_s)
        self._chain = StreamChain()
        self._backoff_s = BACKOFF_MIN_S
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return once the stream is open and everything up to then was handed over."""
        await self._open()
        await self._refill()
        self._on_caught_up()
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._reader.close()

    async def _open(self) -> None:
        """Open the stream, however long that takes."""
        while not self.connected:
            try:
                await self._reader.open()
                self.connected = True
            except StreamFailedError as error:
                await self._back_off(error)

    async def _follow(self) -> None:
        try:
            await self._follow_on()
        except Exception:
            # Another venue's stream, say: to go on would publish what is not so. Health tells.
            self.connected = False
            log.exception("event stream not followed any more")

    async def _follow_on(self) -> None:
        while True:
            try:
                blocks = await self._reader.read()
                self._backoff_s = BACKOFF_MIN_S
            except StreamFailedError as error:
                self.connected = False
                await self._back_off(error)
                await self._open()
            else:
                for block in blocks:
                    await self._take(block)

    async def _take(self, read: ReadBlock) -> None:
        try:
            block = unpack_block(read.data)
        except CodecError as error:
            UNREADABLE.inc()
            log.warning("block does not decode", position=read.position, reason=str(error))
            return
        self.head_sequence = max(block.last_sequence, self.head_sequence)
        duplicates = self._chain.duplicates
        entries, gap = self._chain.take(block)
        self._hand_over(entries)
        while gap is not None:
            GAPS.inc()
            log.warning("gap in the event stream", **gap._asdict())
            await self._refill()
            entries, gap = self._chain.take(block)
            self._hand_over(entries)
        DUPLICATES.inc(self._chain.duplicates - duplicates)

    def _hand_over(self, entries: list[Entry]) -> None:
        if entries:
            self._on_records(
                [
                    Excerpt(
                        entry.sequence, entry.timestamp_ns, unpack_events(entry.events, self._kinds)
                    )
                    for entry in entries
                ]
            )

    async def _refill(self) -> None:
        """Bring every instrument up to the newest record, from the matching process."""
        caught_up = asyncio.Event()
        client = EventReader(
            self._matching_address,
            "marketdata",
            from_sequence=self._chain.lowest + 1,
            event_types=self._event_types,
            on_records=self._take_from_matching,
            on_caught_up=caught_up.set,
        )
        try:
            await client.start()
            await caught_up.wait()
        finally:
            await client.stop()
        self._chain.know_through(client.last_sequence)
        self.head_sequence = max(client.last_sequence, self.head_sequence)

    def _take_from_matching(self, records: list[Excerpt]) -> None:
        """Hand over what the stream has not brought before."""
        self._on_records(
            [
                record._replace(
                    events=[event for event in record.events if self._is_new(record, event)]
                )
                for record in records
            ]
        )

    def _is_new(self, record: Excerpt, event: Event | None) -> bool:
        instrument_id = getattr(event, "instrument_id", 0)
        return event is not None and record.sequence > self._chain.sequence(instrument_id)

    async def _back_off(self, error: StreamFailedError) -> None:
        log.warning("event stream failed", reason=str(error), retry_in_s=self._backoff_s)
        await asyncio.sleep(self._backoff_s)
        self._backoff_s = min(2 * self._backoff_s, BACKOFF_MAX_S)


def open_source(
    matching_address: str,
    event_stream: EventStream | None,
    *,
    event_types: Collection[type[Event]],
    on_records: OnRecords,
    on_caught_up: Callable[[], None],
) -> RecordSource:
    """Return the source, not connected. Raises `ValueError`."""
    if event_stream is not None:
        return StreamSource(
            matching_address,
            event_stream,
            event_types=event_types,
            on_records=on_records,
            on_caught_up=on_caught_up,
        )
    return EngineSource(
        matching_address,
        "marketdata",
        from_sequence=1,
        event_types=event_types,
        on_records=on_records,
        on_caught_up=on_caught_up,
    )
