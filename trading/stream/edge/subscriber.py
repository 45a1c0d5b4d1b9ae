"""A consumer's way to the stream: every event once and in order, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import msgspec
import structlog

from objects.store import StoreFailedError
from trading import events as stream_events
from trading.events import AnyEvent
from trading.stream.edge.frame_connection import connect
from trading.stream.messages import Refusal, RefusalCode, SubscribeRequest

if TYPE_CHECKING:
    from trading.history.edge.reader import HistoryReader

SILENCE_S_MAX = 5.0
"""Without an event for so long the connection is taken for dead. Ours tells the time all along."""
BACKOFF_S_MIN = 0.02
BACKOFF_S_MAX = 0.5
HISTORY_EVENTS_AT_ONCE = 10_000
HOPELESS = (RefusalCode.AHEAD, RefusalCode.VERSION)

log = structlog.get_logger("stream")

_decode = msgspec.msgpack.Decoder(list[AnyEvent] | Refusal).decode


class StreamBrokenError(Exception):
    """The stream can't be gone on with as it was; says why. To try again does not help."""


class _RefusedError(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.error)
        self.code = refusal.code


class StreamSubscriber:
    """Hands on the events from `from_sequence` on; 0 begins with the next one that comes.

    `on_events` is called in the event loop with what one wakeup brought, in order and without a
    hole, over any number of connections. `history` is where events are read that the handler no
    longer keeps; while the store does not have them yet, they are waited for.
    """

    def __init__(
        self,
        host: str,
        port: int,
        from_sequence: int,
        on_events: Callable[[list[AnyEvent]], None],
        history: HistoryReader | None = None,
    ) -> None:
        self.next_sequence = from_sequence
        self.is_connected = False
        self._host, self._port = host, port
        self._on_events = on_events
        self._history = history
        self._failure: Exception | None = None

    async def run(self) -> None:
        """Hand on events until cancelled.

        Raises `StreamBrokenError` where there is a hole, what `on_events` raises, and
        `ManifestError` or `PartDamagedError` where the history is damaged.
        """
        backoff_s = BACKOFF_S_MIN
        while True:
            before = self.next_sequence
            try:
                await self._follow()
            except _RefusedError as refused:
                await self._answer(refused)
            except (OSError, TimeoutError, ValueError, msgspec.MsgspecError) as error:
                if error is self._failure:
                    raise
                if backoff_s == BACKOFF_S_MIN:  # the first of several alike
                    log.info("stream lost", reason=f"{type(error).__name__}: {error}", next=before)
            if self.next_sequence != before:
                backoff_s = BACKOFF_S_MIN
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    async def _follow(self) -> None:
        """Hand on what one connection brings, until it ends; raises what ended it."""
        connection = await connect(self._host, self._port, self._receive)
        request = SubscribeRequest(stream_events.VERSION, self.next_sequence)
        connection.send(msgspec.msgpack.encode(request))
        self.is_connected = True
        try:
            await connection.until_silent(SILENCE_S_MAX)
        except BaseException as error:
            connection.end(ConnectionError(str(error)))
            raise
        finally:
            self.is_connected = False

    def _receive(self, payloads: list[bytes]) -> None:
        events: list[AnyEvent] = []
        for payload in payloads:
            received = _decode(payload)
            if isinstance(received, Refusal):
                self._take(events)
                raise _RefusedError(received)
            events += received
        self._take(events)

    def _take(self, events: list[AnyEvent]) -> None:
        """Hand on events that come next. Raises `StreamBrokenError` where they don't."""
        if not events:
            return
        expected = self.next_sequence or events[0].stream_sequence
        for sequence, event in enumerate(events, expected):
            if event.stream_sequence != sequence:
                raise StreamBrokenError(
                    f"event {event.stream_sequence} came where {sequence} was to come"
                )
        self.next_sequence = expected + len(events)
        try:
            self._on_events(events)
        except Exception as error:
            self._failure = error  # not the connection's: these events are not to come again
            raise

    async def _answer(self, refused: _RefusedError) -> None:
        log.info("stream refused", reason=str(refused), next=self.next_sequence)
        if refused.code in HOPELESS or (
            refused.code == RefusalCode.TOO_OLD and self._history is None
        ):
            raise StreamBrokenError(str(refused)) from None
        if refused.code == RefusalCode.TOO_OLD:
            try:
                await self._read_history()
            except StoreFailedError as error:
                if error is self._failure:
                    raise
                log.warning("history failed", reason=str(error), next=self.next_sequence)

    async def _read_history(self) -> None:
        """Hand on what the history has by now."""
        from trading.history.edge.reader import Range

        assert self._history is not None
        await asyncio.to_thread(self._history.refresh)
        # A feed's own losses are events like others; a hole of the stream `_take` finds.
        wanted = Range(from_sequence=self.next_sequence)
        stored = await asyncio.to_thread(self._history.read, wanted, allow_gaps=True)
        while events := await asyncio.to_thread(_next, stored):
            self._take(events)


def _next(events: Iterator[AnyEvent]) -> list[AnyEvent]:
    return list(islice(events, HISTORY_EVENTS_AT_ONCE))
