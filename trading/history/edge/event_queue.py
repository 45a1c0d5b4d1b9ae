"""The queue between the feeds handler and the store: a slow store never slows the feed.

It is bounded. When it is full the oldest batches go: the store sees by `stream_sequence` what it
missed, and publishes it as a gap. Reading takes nothing away, so any number may read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from trading.events import AnyEvent

READ_WAIT_S = 0.25
"""How long `read` waits for a batch before it returns none."""

BATCHES_READ_MAX = 500
"""How many batches `read` returns at most."""


class QueueFailedError(Exception):
    """The queue does not answer, or not sensibly; says why. Trying again may help."""


class QueuedBatch(NamedTuple):
    position: str
    """The queue's own name of this place: `read(position)` goes on behind it."""
    data: bytes
    """What `trading.history.batches.decode_batch` makes events of; b"" if it is no batch."""


class EventQueue(Protocol):
    """Batches in the order in which they were put. All methods raise `QueueFailedError`."""

    async def put(self, events: Sequence[AnyEvent]) -> None:
        """Append a batch of at least one event; return once the queue has it."""

    async def read(self, after: str) -> list[QueuedBatch]:
        """Return the next batches, none if none came within `READ_WAIT_S`; "": the oldest."""

    async def last(self) -> QueuedBatch | None:
        """Return the newest batch: where the numbering of the stream stands."""

    async def close(self) -> None: ...


def open_queue(url: str, *, batches_max: int = 1_000_000) -> EventQueue:
    """Return the queue of `redis://…`, or of `kafka://HOST:PORT[,HOST:PORT]/TOPIC`.

    Redis keeps about `batches_max` batches. Kafka keeps what the topic's retention says.
    """
    if url.startswith("kafka://"):
        from trading.history.edge.kafka_queue import KafkaQueue

        return KafkaQueue(url)
    from trading.history.edge.redis_queue import RedisQueue

    return RedisQueue(url, batches_max=batches_max)
