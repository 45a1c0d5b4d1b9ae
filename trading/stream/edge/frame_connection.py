"""The client's end of a TCP connection of frames."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from trading.stream.frames import FrameSplitter, frame

CONNECT_S_MAX = 2.0


class FrameConnection(asyncio.Protocol):
    """`receive` gets the payloads that one wakeup brought; what it raises ends the connection."""

    def __init__(self, receive: Callable[[list[bytes]], None]) -> None:
        loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = loop.create_future()
        """Done when the connection is at its end: with what ended it, never with a result."""
        self.is_paused = False
        self.received_s = loop.time()
        """When the last bytes came, on the event loop's clock."""
        self._loop = loop
        self._receive = receive
        self._splitter = FrameSplitter()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.received_s = self._loop.time()
        if self.closed.done():
            return
        try:
            payloads = self._splitter.feed(data)
            if payloads:
                self._receive(payloads)
        except Exception as error:  # noqa: BLE001 (whoever awaits `closed` is to have it)
            self.end(error)

    def pause_writing(self) -> None:
        self.is_paused = True

    def resume_writing(self) -> None:
        self.is_paused = False

    def connection_lost(self, exc: Exception | None) -> None:
        self.end(exc or ConnectionError("the other end closed the connection"))

    def send(self, payload: bytes) -> None:
        self._transport.write(frame(payload))

    def end(self, reason: Exception) -> None:
        """Close at once, for `reason`; the first one counts."""
        if not self.closed.done():
            self.closed.set_exception(reason)
            self.closed.exception()  # it is seen, also where nobody awaits it
        self._transport.abort()

    async def until_silent(self, silence_s_max: float) -> None:
        """Return never: raise what ended the connection, or `TimeoutError` after a silence."""
        while True:
            due_s = self.received_s + silence_s_max - self._loop.time()
            if due_s <= 0:
                raise TimeoutError(f"nothing came for {silence_s_max} s")
            await asyncio.wait({self.closed}, timeout=due_s)
            if self.closed.done():
                self.closed.result()


async def connect(host: str, port: int, receive: Callable[[list[bytes]], None]) -> FrameConnection:
    """Return an open connection. Raises `OSError` or `TimeoutError`."""
    async with asyncio.timeout(CONNECT_S_MAX):
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: FrameConnection(receive), host, port)
    return connection
