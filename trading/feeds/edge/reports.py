"""The TCP server to which execution engines hand the firm's own events.

A reporter sends frames: a `ReportRequest`, then arrays of own events. Each array is answered, in
order, once all of it that is new stands in the stream (`trading.stream.messages`). What was sent
and not answered is to be sent again: what stands in the stream already is dropped.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from itertools import count
from typing import cast

import msgspec
import structlog

from trading import events as stream_events
from trading.feeds.edge.sources import Receive
from trading.feeds.handler import Input, InputKind
from trading.feeds.own_feed import OwnAnswer
from trading.stream.frames import FrameError, FrameSplitter, frame
from trading.stream.messages import Answer, Refusal, RefusalCode, ReportRequest

PAYLOAD_BYTES_MAX = 4 * 2**20
REQUEST_S_MAX = 5.0
REPORTERS_MAX = 64

log = structlog.get_logger("feeds")


class Reporter(asyncio.Protocol):
    """An execution engine's connection, by a number of its own."""

    def __init__(self, server: ReportsServer, number: int) -> None:
        self.number = number
        self._server = server
        self._splitter = FrameSplitter(PAYLOAD_BYTES_MAX)
        self._has_begun = False
        self._transport: asyncio.Transport
        self._deadline: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._deadline = asyncio.get_running_loop().call_later(
            REQUEST_S_MAX, self.send, Refusal("no request")
        )
        self._server.add(self)

    def data_received(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        try:
            payloads = self._splitter.feed(data)
        except FrameError as error:
            self.send(Refusal(str(error)))
            return
        if payloads and not self._has_begun:
            self._begin(payloads.pop(0))
        if payloads and self._has_begun:
            self._server.take(self.number, payloads)

    def pause_writing(self) -> None:
        self._transport.pause_reading()  # who does not read answers gets no more of them

    def resume_writing(self) -> None:
        self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        self._deadline.cancel()
        self._server.discard(self)

    def send(self, message: Answer | Refusal) -> None:
        self._transport.write(frame(msgspec.msgpack.encode(message)))
        if isinstance(message, Refusal):
            log.warning("reporter refused", reporter=self.number, reason=message.error)
            self.close()

    def close(self) -> None:
        self._transport.close()

    def _begin(self, payload: bytes) -> None:
        try:
            request = msgspec.msgpack.decode(payload, type=ReportRequest)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            self.send(Refusal(f"no request: {error}"))
            return
        if request.version != stream_events.VERSION:
            text = f"version {request.version} is not {stream_events.VERSION}"
            self.send(Refusal(text, RefusalCode.VERSION))
            return
        self._deadline.cancel()
        self._has_begun = True


class ReportsServer:
    """Serves reporters: `receive` gets what they bring, `answer` tells them what became of it."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._reporters: dict[int, Reporter] = {}
        self._numbers = count(1)
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def reporter_count(self) -> int:
        return len(self._reporters)

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises `OSError`."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Reporter(self, next(self._numbers)), host, port
        )

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for reporter in list(self._reporters.values()):
            reporter.close()
        await self._server.wait_closed()

    def take(self, number: int, payloads: Iterable[bytes]) -> None:
        now_ns = time.time_ns()
        self._receive([Input(InputKind.OWN, number, now_ns, "", each) for each in payloads])

    def answer(self, answers: Iterable[OwnAnswer]) -> None:
        for source, message in answers:
            reporter = self._reporters.get(source)
            if reporter is not None:  # else it has gone, and will ask again
                reporter.send(message)

    def add(self, reporter: Reporter) -> None:
        self._reporters[reporter.number] = reporter
        if len(self._reporters) > REPORTERS_MAX:
            reporter.send(Refusal("too many reporters"))

    def discard(self, reporter: Reporter) -> None:
        self._reporters.pop(reporter.number, None)
