"""The queue between the feeds handler and the store: a slow store never slows the feed.

It is bounded. When it is full the oldest batches go: the store sees by `stream_sequence` what it
missed, and publishes it as a gap. Reading takes nothing away, so any number may read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from trading.history.batches import EncodedBatch

BATCHES_KEPT = 10_000
"""How many batches Redis keeps, about. Kafka has settings of its own."""

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

    async def put(self, batches: Sequence[EncodedBatch]) -> None:
        """Append batches, all behind `last_sequence`; return once the queue has them.

        After a failure any number of them, from the first on, may be there: ask `last_sequence`.
        """

    async def read(self, after: str) -> list[QueuedBatch]:
        """Return the next batches, none if none came within `READ_WAIT_S`; "": the oldest."""

    async def last_sequence(self) -> int:
        """Return the number of the last event in the queue, 0 if it is empty."""

    async def close(self) -> None: ...


def open_queue(url: str, *, batches_max: int = BATCHES_KEPT) -> EventQueue:
    """Return the queue of `redis://…`, or of `kafka://HOST:PORT[,HOST:PORT]/TOPIC`; not connected.

    Redis keeps about `batches_max` batches. Kafka keeps what the topic's retention says.
    """
    if url.startswith("kafka://"):
        from trading.history.edge.kafka_queue import KafkaQueue

        return KafkaQueue(url)
    from trading.history.edge.redis_queue import RedisQueue

    return RedisQueue(url, batches_max=batches_max)
