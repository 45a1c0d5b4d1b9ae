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
from typing import cast

import msgspec
import structlog

from trading import events as stream_events
from trading.feeds.batch import Batch
from trading.stream.frames import FrameError, FrameSplitter, frame, packed_array
from trading.stream.messages import Refusal, RefusalCode, SubscribeRequest

RING_EVENTS = 2**17
CHUNK_EVENTS = 1_000
REQUEST_BYTES_MAX = 1024
REQUEST_S_MAX = 5.0
WRITE_BUFFER_BYTES = 256 * 1024
LINGER_S = 5.0
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


class Subscriber(asyncio.Protocol):
    """A strategy's connection. `next_sequence` is what it gets next; None before its request."""

    def __init__(self, publisher: EventPublisher) -> None:
        self.next_sequence: int | None = None
        self._publisher = publisher
        self._splitter = FrameSplitter(REQUEST_BYTES_MAX)
        self._is_paused = False
        self._transport: asyncio.Transport
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(WRITE_BUFFER_BYTES)
        self._deadline = asyncio.get_running_loop().call_later(
            REQUEST_S_MAX, self.refuse, "no request"
        )
        self._publisher.add(self)

    def data_received(self, data: bytes) -> None:
        if self.next_sequence is not None:
            self.refuse("one request is all that is read")
            return
        try:
            payloads = self._splitter.feed(data)
        except FrameError as error:
            self.refuse(f"the request is too long: {error}")
            return
        if payloads:
            self._subscribe(payloads[0])
        if len(payloads) > 1:
            self.refuse("one request is all that is read")

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        self.catch_up()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        self._set_deadline(None)
        self._publisher.discard(self)

    def send(self, first: int, last: int, frame_of_events: bytes) -> None:
        """Send a batch that all subscribers get, or what this one must have before it."""
        if self.next_sequence == first and not self._is_paused:
            self.next_sequence = last + 1
            self._transport.write(frame_of_events)
        elif self.next_sequence is not None:
            self.catch_up()

    def catch_up(self) -> None:
        """Send what there is, as far as the subscriber reads it."""
        ring = self._publisher.ring
        while self.next_sequence is not None:
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

    def refuse(self, text: str, code: RefusalCode = RefusalCode.OTHER) -> None:
        """Say why, and close."""
        if self._transport.is_closing():
            return
        log.info("subscriber refused", reason=text)
        self.next_sequence = None
        self._transport.write(frame(msgspec.msgpack.encode(Refusal(text, code))))
        self._transport.close()
        self._publisher.discard(self)
        # Who does not read would keep the connection standing.
        self._set_deadline(asyncio.get_running_loop().call_later(LINGER_S, self._transport.abort))

    def close(self) -> None:
        self._transport.close()

    def _subscribe(self, payload: bytes) -> None:
        try:
            request = msgspec.msgpack.decode(payload, type=SubscribeRequest)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            self.refuse(f"no request: {error}")
            return
        if request.version != stream_events.VERSION:
            text = f"version {request.version} is not {stream_events.VERSION}"
            self.refuse(text, RefusalCode.VERSION)
            return
        ring = self._publisher.ring
        if request.from_sequence > ring.last + 1:
            text = f"stream_sequence {request.from_sequence} is ahead of {ring.last}"
            self.refuse(text, RefusalCode.AHEAD)
            return
        self._set_deadline(None)
        self.next_sequence = request.from_sequence or ring.last + 1
        self.catch_up()

    def _set_deadline(self, deadline: asyncio.TimerHandle | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = deadline


class EventPublisher:
    """Serves subscribers. `last_sequence` is the last one used before the first event."""

    def __init__(self, last_sequence: int) -> None:
        self.ring = EventRing(last_sequence)
        self._subscribers: set[Subscriber] = set()
        self._server: asyncio.Server | None = None

    @property
    def subscriber_count(self) -> int:
        return len(self._subscribers)

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Subscriber(self), host, port)

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for subscriber in list(self._subscribers):
            subscriber.close()
        await self._server.wait_closed()

    def publish(self, batch: Batch) -> None:
        """Send a batch to all, in one write each."""
        self.keep(batch.encoded)
        for subscriber in list(self._subscribers):
            subscriber.send(batch.first, batch.last, batch.framed)

    def keep(self, encoded: Sequence[bytes]) -> None:
        """Have the next events ready for those who ask for them."""
        for each in encoded:
            self.ring.append(each)

    def add(self, subscriber: Subscriber) -> None:
        self._subscribers.add(subscriber)
        if len(self._subscribers) > SUBSCRIBERS_MAX:
            subscriber.refuse("too many subscribers")

    def discard(self, subscriber: Subscriber) -> None:
        self._subscribers.discard(subscriber)
