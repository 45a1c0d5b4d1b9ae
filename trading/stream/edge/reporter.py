"""An execution engine's way to put the firm's own events into the stream."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

import msgspec
import structlog

from trading import events as stream_events
from trading.events import OwnEvent
from trading.stream.edge.frame_connection import FrameConnection, connect
from trading.stream.frames import packed_array
from trading.stream.messages import Answer, Refusal, ReportRequest

WAITING_EVENTS_MAX = 100_000
FRAME_EVENTS_MAX = 1_000
UNANSWERED_EVENTS_MAX = 10_000
KEEPALIVE_S = 1.0
SILENCE_S_MAX = 5.0
BACKOFF_S_MIN = 0.02
BACKOFF_S_MAX = 0.5

log = structlog.get_logger("stream")

_decode = msgspec.msgpack.Decoder(Answer | Refusal).decode


class ReporterFullError(Exception):
    """No more events can wait, and none of these was taken."""


class OwnEventReporter:
    """Sends own events to the feeds handler, in order and at least once: it drops repeats.

    `put` is for the event loop's own thread and never waits; `run` sends. What has not been
    answered when a connection ends is sent again over the next one. What the handler refuses for
    good is counted in `refused`, logged with its reason, and not sent again.
    """

    def __init__(self, host: str, port: int, waiting_events_max: int = WAITING_EVENTS_MAX) -> None:
        self.refused = 0
        self._host, self._port = host, port
        self._waiting_events_max = waiting_events_max
        self._unsent: deque[bytes] = deque()
        self._sent: deque[bytes] = deque()  # and not answered yet
        self._connection: FrameConnection | None = None
        self._is_flush_due = False

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    @property
    def waiting(self) -> int:
        """Return how many events the handler has not answered."""
        return len(self._sent) + len(self._unsent)

    def put(self, events: Sequence[OwnEvent]) -> None:
        """Take events, whose `stream_sequence` and `received_ns` are 0.

        Raises `ReporterFullError` while `waiting_events_max` wait, the handler being out of reach.
        """
        if self.waiting + len(events) > self._waiting_events_max:
            raise ReporterFullError(f"{self.waiting} own events wait for the feeds handler")
        # Past this line nothing can fail.
        self._unsent.extend(map(stream_events.encode, events))
        if not self._is_flush_due and self._connection is not None:
            self._is_flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    async def run(self) -> None:
        """Send until cancelled."""
        backoff_s = BACKOFF_S_MIN
        while True:
            try:
                connection = await connect(self._host, self._port, self._receive)
                try:
                    self._begin(connection)
                    backoff_s = BACKOFF_S_MIN
                    await self._keep_alive(connection)
                finally:
                    self._end(connection)
            except (OSError, TimeoutError, ValueError, msgspec.MsgspecError) as error:
                if backoff_s == BACKOFF_S_MIN:  # the first of several alike
                    reason = f"{type(error).__name__}: {error}"
                    log.warning("reports lost", reason=reason, waiting=self.waiting)
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    def _begin(self, connection: FrameConnection) -> None:
        connection.send(msgspec.msgpack.encode(ReportRequest(stream_events.VERSION)))
        self._connection = connection
        self._flush()

    def _end(self, connection: FrameConnection) -> None:
        connection.end(ConnectionError("done"))
        self._connection = None
        self._unsent.extendleft(reversed(self._sent))
        self._sent.clear()

    async def _keep_alive(self, connection: FrameConnection) -> None:
        """Raise what ended the connection, `TimeoutError` if it brings no more answers."""
        loop = asyncio.get_running_loop()
        while loop.time() - connection.received_s < SILENCE_S_MAX:
            connection.send(packed_array([]))  # is answered as all others are
            await asyncio.wait({connection.closed}, timeout=KEEPALIVE_S)
            if connection.closed.done():
                connection.closed.result()
        raise TimeoutError(f"no answer for {SILENCE_S_MAX} s")

    def _flush(self) -> None:
        self._is_flush_due = False
        while self._connection is not None and self._unsent:
            count = min(
                len(self._unsent), FRAME_EVENTS_MAX, UNANSWERED_EVENTS_MAX - len(self._sent)
            )
            if count <= 0:
                return
            encoded = [self._unsent.popleft() for _ in range(count)]
            self._sent.extend(encoded)
            self._connection.send(packed_array(encoded))

    def _receive(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            message = _decode(payload)
            if isinstance(message, Refusal):
                raise ConnectionError(message.error)
            answered = [self._sent.popleft() for _ in range(message.events)]
            for index, reason in ((each.index, each.reason) for each in message.refused):
                self.refused += 1
                event = stream_events.decode(answered[index])
                log.error("own event refused", reason=reason, own_event=repr(event))
        self._flush()
