"""Records to be taken as its reader can: what waits is bounded."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Collection

from matching.edge.event_reader import EventReader
from matching.link import FundsReport
from vocabulary.events import Event
from vocabulary.excerpt import Excerpt

RECORDS_MAX = 50_000
"""How many records may wait. Past that the stream is closed, to be opened again behind them."""

FUNDS_TIMEOUT_S = 5.0


class RecordStream:
    """Records from a sequence on, in order, for a reader that may be slower than the venue.

    The link to matching has no pause: a reader that falls behind is disconnected. So is this one,
    by itself, before it fills its memory.
    """

    def __init__(
        self,
        address: str,
        name: str,
        *,
        from_sequence: int,
        event_types: Collection[type[Event]],
        patience_ms: int = 0,
    ) -> None:
        self.head_sequence = 0
        self.taken_ns = 0
        """When the first of the records taken last had arrived, in UTC nanoseconds."""
        self._address = address
        self._name = name
        self._event_types = event_types
        self._patience_ms = patience_ms
        self._next_sequence = from_sequence
        self._waiting: deque[Excerpt] = deque()
        self._arrivals: deque[tuple[int, int]] = deque()  # last sequence and time of each chunk
        self._arrived = asyncio.Event()
        self._client: EventReader | None = None
        self._has_dropped = False  # and so takes nothing more before it is opened again

    @property
    def connected(self) -> bool:
        return self._client is not None and self._client.connected

    @property
    def waiting(self) -> int:
        """How many records have come and were not taken."""
        return len(self._waiting)

    async def open(self) -> None:
        """Return when connected, however long that takes."""
        self._has_dropped = False
        self._client = EventReader(
            self._address,
            self._name,
            from_sequence=self._next_sequence,
            event_types=self._event_types,
            on_records=self._on_records,
            patience_ms=self._patience_ms,
        )
        await self._client.start()
        self.head_sequence = max(self.head_sequence, self._client.head_sequence)

    async def close(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await client.stop()

    async def take(
        self, records_max: int, timeout_s: float, last_sequence: int | None = None
    ) -> list[Excerpt]:
        """Return the next records, none behind `last_sequence`.

        Waits up to `timeout_s` for the first, and less on `wake`; then there are none.
        """
        if self._has_dropped:
            await self.close()
        if self._client is None and not self._waiting:
            await self.open()
        if not self._waiting:
            await self._wait(timeout_s)
        count = min(records_max, len(self._waiting))
        if last_sequence is not None and count:
            count = min(count, last_sequence + 1 - self._waiting[0].sequence)
        taken = [self._waiting.popleft() for _ in range(count)]
        if taken:
            while self._arrivals[0][0] < taken[0].sequence:
                self._arrivals.popleft()
            self.taken_ns = self._arrivals[0][1]
        return taken

    def wake(self) -> None:
        """Let `take` return at once."""
        self._arrived.set()

    async def funds(self) -> FundsReport:
        """Return all funds. Raises `TimeoutError`. Ask only while connected."""
        assert self._client is not None, "not connected"
        async with asyncio.timeout(FUNDS_TIMEOUT_S):
            return await self._client.funds()

    async def _wait(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):  # Python 3.11's wait_for can swallow our end
                await self._arrived.wait()
        except TimeoutError:
            return
        finally:
            self._arrived.clear()

    def _on_records(self, records: list[Excerpt]) -> None:
        self.head_sequence = max(self.head_sequence, records[-1].sequence)
        if len(self._waiting) >= RECORDS_MAX:
            self._has_dropped = True
        if self._has_dropped:
            return
        self._waiting.extend(records)
        self._arrivals.append((records[-1].sequence, time.time_ns()))
        self._next_sequence = records[-1].sequence + 1
        self._arrived.set()
