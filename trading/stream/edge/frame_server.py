"""The server's end of TCP connections of frames: who connects says what it wants, and is heard.

The first frame is the request. Where it can't be met, or does not come, a `Refusal`
(`trading.stream.messages`) is the last frame.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import Any, Generic, Protocol, TypeVar, cast

import msgspec

from trading.stream.frames import FrameError, FrameSplitter, frame
from trading.stream.messages import Refusal, RefusalCode

REQUEST_BYTES_MAX = 1024
REQUEST_S_MAX = 5.0
CLOSE_S_MAX = 1.0


class Request(Protocol):
    version: int


R = TypeVar("R", bound=Request)


class ServedConnection(asyncio.Protocol):
    """A client. `begin` gets the first frame's payload and sets `has_begun`, or refuses."""

    payload_bytes_max = REQUEST_BYTES_MAX

    def __init__(self, server: FrameServer[Any]) -> None:
        self.has_begun = False
        self._server = server
        self._splitter = FrameSplitter(self.payload_bytes_max)
        self._transport: asyncio.Transport
        self._deadline: asyncio.TimerHandle

    @abstractmethod
    def begin(self, payload: bytes) -> None: ...

    def take(self, payloads: list[bytes]) -> None:  # noqa: ARG002 (for who reads more)
        """Take what comes behind the request."""
        self.refuse("one request is all that is read")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(REQUEST_S_MAX, self.refuse, "no request")
        self._server.connections.add(self)
        if len(self._server.connections) > self._server.connections_max:
            self.refuse("too many connections")

    def data_received(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        try:
            payloads = self._splitter.feed(data)
        except FrameError as error:
            self.refuse(f"a request is too long: {error}")
            return
        if payloads and not self.has_begun:
            self.begin(payloads.pop(0))
        if self.has_begun:
            self._deadline.cancel()
            if payloads:
                self.take(payloads)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        self._deadline.cancel()
        self._server.connections.discard(self)

    def decode(self, payload: bytes, kind: type[R], version: int) -> R | None:
        """Return the request; None once it is refused."""
        try:
            request = msgspec.msgpack.decode(payload, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            self.refuse(f"no request: {error}")
            return None
        if request.version != version:
            self.refuse(f"version {request.version} is not {version}", RefusalCode.VERSION)
            return None
        return request

    def refuse(self, text: str, code: RefusalCode = RefusalCode.OTHER) -> None:
        """Say why, and close."""
        if self._transport.is_closing():
            return
        self._server.log.info("connection refused", reason=text)
        self.has_begun = False
        self._transport.write(frame(msgspec.msgpack.encode(Refusal(text, code))))
        self._transport.close()
        self._server.connections.discard(self)
        # Who does not read would keep the connection standing.
        self._deadline.cancel()
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(CLOSE_S_MAX, self._transport.abort)

    def close(self) -> None:
        """Close when all is sent."""
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()


C = TypeVar("C", bound=ServedConnection)


class FrameServer(Generic[C]):
    """Listens, and makes a `C` of whoever connects. `log` is its service's."""

    def __init__(self, log: Any, connections_max: int) -> None:
        self.log = log
        self.connections: set[C] = set()
        self.connections_max = connections_max
        self._server: asyncio.Server | None = None

    @abstractmethod
    def connection(self) -> C:
        """Return a new connection."""

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self, host: str, port: int) -> None:
        """Listen; on a free port if it is 0. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self.connection, host, port)

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for connection in list(self.connections):
            connection.close()
        try:
            async with asyncio.timeout(CLOSE_S_MAX):
                await self._server.wait_closed()
        except TimeoutError:  # who does not read would keep it standing
            for connection in list(self.connections):
                connection.abort()
