"""The TCP server from which execution engines get the decisions.

A subscriber sends one frame (`trading.stream.frames`), the map `{"version": 1, "run": NAME}`. It
receives arrays of envelopes (`trading.decisions.Envelope`): first, in one array, all of the symbols
led here that nobody has taken over, then each as it is decided; and an empty array once a second. A
`Refusal` instead (`trading.stream.messages`) is the last frame. One that does not read is cut off;
it gets what it missed when it connects again.

History
-------
1   The first version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

import msgspec
import structlog

from trading.decisions import Envelope
from trading.stream.frames import FrameError, FrameSplitter, frame
from trading.stream.messages import Refusal, RefusalCode

VERSION = 1
REQUEST_BYTES_MAX = 1024
REQUEST_S_MAX = 5.0
WAITING_BYTES_MAX = 4 * 2**20
CONNECTIONS_MAX = 64
CLOSE_S_MAX = 1.0

log = structlog.get_logger("alpha")

_encode = msgspec.msgpack.Encoder().encode


class DecisionsRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The subscriber's frame."""

    version: int
    run: str


class Subscriber(asyncio.Protocol):
    """An execution engine's connection."""

    def __init__(self, port: DecisionsPort) -> None:
        self._port = port
        self.is_subscribed = False
        self._splitter = FrameSplitter(REQUEST_BYTES_MAX)
        self._transport: asyncio.Transport
        self._deadline: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(REQUEST_S_MAX, self.refuse, "no request")
        self._port.connections.add(self)
        if len(self._port.connections) > CONNECTIONS_MAX:
            self.refuse("too many connections")

    def data_received(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        try:
            payloads = self._splitter.feed(data)
        except FrameError as error:
            self.refuse(f"the request is too long: {error}")
            return
        if self.is_subscribed or len(payloads) > 1:
            self.refuse("one request is all that is read")
        elif payloads:
            self._subscribe(payloads[0])

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        self._deadline.cancel()
        self._port.connections.discard(self)

    def send(self, framed: bytes) -> None:
        if self._transport.get_write_buffer_size() > WAITING_BYTES_MAX:
            log.warning("subscriber does not read", bytes=WAITING_BYTES_MAX)
            self._transport.abort()
            return
        self._transport.write(framed)

    def refuse(self, text: str, code: RefusalCode = RefusalCode.OTHER) -> None:
        """Say why, and close."""
        if self._transport.is_closing():
            return
        log.info("subscriber refused", reason=text)
        self.is_subscribed = False
        self._transport.write(frame(_encode(Refusal(text, code))))
        self._transport.close()

    def close(self) -> None:
        """Close when all is sent."""
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def _subscribe(self, payload: bytes) -> None:
        try:
            request = msgspec.msgpack.decode(payload, type=DecisionsRequest)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            self.refuse(f"no request: {error}")
            return
        if request.version != VERSION:
            self.refuse(f"version {request.version} is not {VERSION}", RefusalCode.VERSION)
            return
        if request.run != self._port.run:
            self.refuse(f"run {request.run!r} is not {self._port.run!r}")
            return
        self.is_subscribed = True
        self._deadline.cancel()
        self.send(frame(_encode(self._port.untaken())))


class DecisionsPort:
    """Serves the subscribers of a run; `untaken` returns what a new one gets first."""

    def __init__(self, run: str, untaken: Callable[[], Sequence[Envelope]]) -> None:
        self.run = run
        self.untaken = untaken
        self.connections: set[Subscriber] = set()
        self._server: asyncio.Server | None = None

    @property
    def subscribers(self) -> list[Subscriber]:
        return [each for each in self.connections if each.is_subscribed]

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self, host: str, port: int) -> None:
        """Listen; on a free port if it is 0. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Subscriber(self), host, port)

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for connection in self.connections:
            connection.close()
        try:
            async with asyncio.timeout(CLOSE_S_MAX):
                await self._server.wait_closed()
        except TimeoutError:  # who does not read would keep it standing
            for connection in self.connections:
                connection.abort()

    def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Send envelopes to all, in one write each."""
        framed = frame(_encode(envelopes))
        for subscriber in self.subscribers:
            subscriber.send(framed)
