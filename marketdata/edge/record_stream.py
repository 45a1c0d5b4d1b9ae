"""What a history reads of the journal's records, in bounded memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection

from matching.client import EventReader
from vocabulary.events import Event
from vocabulary.excerpt import Excerpt

RECORDS_MAX = 50_000
"""How many records may wait. Past that the stream is closed, to be opened again behind them."""


class RecordStream:
    """Records from a sequence on, in order, for a reader that may be slower than the venue.

    The link to matching has no pause: a reader that falls behind is disconnected. So is this one,
    by itself, before it fills its memory.
    """

    def __init__(
        self, address: str, name: str, from_sequence: int, event_types: Collection[type[Event]]
    ) -> None:
        self.head_sequence = 0
        self._address = address
        self._name = name
        self._next_sequence = from_sequence
        self._event_types = event_types
        self._waiting: deque[Excerpt] = deque()
        self._arrived = asyncio.Event()
        self._client: EventReader | None = None
        self._has_dropped = False  # and so takes nothing more before it is opened again

    @property
    def connected(self) -> bool:
        return self._client is not None and self._client.connected

    async def open(self) -> None:
        """Return when connected, however long that takes."""
        self._has_dropped = False
        self._client = EventReader(
            self._address,
            self._name,
            from_sequence=self._next_sequence,
            event_types=self._event_types,
            on_records=self._on_records,
        )
        await self._client.start()
        self.head_sequence = max(self.head_sequence, self._client.head_sequence)

    async def close(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await client.stop()

    async def take(self, records_max: int, timeout_s: float) -> list[Excerpt]:
        """Return the next records; none if none come within `timeout_s`, or on `wake`."""
        if self._has_dropped:
            await self.close()
        if self._client is None and not self._waiting:
            await self.open()
        if not self._waiting:
            await self._wait(timeout_s)
        count = min(records_max, len(self._waiting))
        return [self._waiting.popleft() for _ in range(count)]

    def wake(self) -> None:
        """Let `take` return at once."""
        self._arrived.set()

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
        self._next_sequence = records[-1].sequence + 1
        self._arrived.set()
