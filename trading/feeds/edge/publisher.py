"""The TCP server from which strategies get the events.

A subscriber sends one frame (`trading.stream.frames`), the map `{"version": 3, "from": N}`: N is
the stream_sequence to begin with, 0 the next one that comes. It receives arrays of events
(`trading.events`), without a hole. A `Refusal` instead (`trading.stream.messages`) is the last
frame.

The last `RING_EVENTS` events are kept. They are what a subscriber can resume from, and how far it
can lag: one that asks for, or still needs, an older event is told to read the history.

History
-------
3   Phases.
2   The firm's own events; a refusal's `type` and `code`.
1   The first version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from trading import events as stream_events
from trading.feeds.batch import Batch
from trading.stream.edge.frame_server import FrameServer, ServedConnection
from trading.stream.frames import frame, packed_array
from trading.stream.messages import RefusalCode, SubscribeRequest

RING_EVENTS = 2**17
CHUNK_EVENTS = 1_000
WRITE_BUFFER_BYTES = 256 * 1024
SUBSCRIBERS_MAX = 256

log = structlog.get_logger("feeds")


class EventRing:
    """The newest events, encoded, by their stream_sequence."""

    def __init__(self, last: int, size: int = RING_EVENTS) -> None:
        self.last = last
        self._first_ever = last + 1
        self._size = size
        self._encoded = [b""] * size

    @property
    def first(self) -> int:
        """Return the oldest that is there; `last` + 1 if none is."""
        return max(self._first_ever, self.last + 1 - self._size)

    def append(self, encoded: bytes) -> None:
        self.last += 1
        self._encoded[self.last % self._size] = encoded

    def slice(self, first: int, count_max: int) -> list[bytes]:
        """Return the events from `first` on, which is not older than the oldest."""
        end = min(self.last + 1, first + count_max)
        return [self._encoded[sequence % self._size] for sequence in range(first, end)]


class Subscriber(ServedConnection):
    """A strategy's connection. `next_sequence` is what it gets next, once it `has_begun`."""

    def __init__(self, publisher: EventPublisher) -> None:
        super().__init__(publisher)
        self.next_sequence = 0
        self._publisher = publisher
        self._is_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._transport.set_write_buffer_limits(WRITE_BUFFER_BYTES)

    def begin(self, payload: bytes) -> None:
        request = self.decode(payload, SubscribeRequest, stream_events.VERSION)
        if request is None:
            return
        ring = self._publisher.ring
        if request.from_sequence > ring.last + 1:
            text = f"stream_sequence {request.from_sequence} is ahead of {ring.last}"
            self.refuse(text, RefusalCode.AHEAD)
            return
        self.has_begun = True
        self.next_sequence = request.from_sequence or ring.last + 1
        self.catch_up()

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        self.catch_up()

    def send(self, first: int, last: int, frame_of_events: bytes) -> None:
        """Send a batch that all subscribers get, or what this one must have before it."""
        if self.next_sequence == first and self.has_begun and not self._is_paused:
            self.next_sequence = last + 1
            self._transport.write(frame_of_events)
        else:
            self.catch_up()

    def catch_up(self) -> None:
        """Send what there is, as far as the subscriber reads it."""
        ring = self._publisher.ring
        while self.has_begun:
            if self.next_sequence < ring.first:
                self.refuse(
                    f"stream_sequence {self.next_sequence} is no longer here, the oldest is "
                    f"{ring.first}: read the history",
                    RefusalCode.TOO_OLD,
                )
                return
            if self._is_paused:
                return
            encoded = ring.slice(self.next_sequence, CHUNK_EVENTS)
            if not encoded:
                return
            self.next_sequence += len(encoded)
            self._transport.write(frame(packed_array(encoded)))


class EventPublisher(FrameServer[Subscriber]):
    """Serves subscribers. `last_sequence` is the last one used before the first event."""

    def __init__(self, last_sequence: int) -> None:
        super().__init__(log, SUBSCRIBERS_MAX)
        self.ring = EventRing(last_sequence)

    def connection(self) -> Subscriber:
        return Subscriber(self)

    @property
    def subscriber_count(self) -> int:
        return len(self.connections)

    def publish(self, batch: Batch) -> None:
        """Send a batch to all, in one write each."""
        self.keep(batch.encoded)
        for subscriber in list(self.connections):
            subscriber.send(batch.first, batch.last, batch.framed)

    def keep(self, encoded: Sequence[bytes]) -> None:
        """Have the next events ready for those who ask for them."""
        for each in encoded:
            self.ring.append(each)
