"""A proxy between a venue's WebSocket door and a handler, which meddles with the messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

Meddle = Callable[[str], list[str]]


class MeddlingProxy:
    """`meddle` says what becomes of each message from the venue: itself, nothing, or anything."""

    def __init__(self, target: str, server: Server) -> None:
        self.meddle: Meddle = lambda message: [message]
        self.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._target = target
        self._server = server

    def cut(self) -> None:
        """Cut all connections."""
        for connection in self._server.connections:
            connection.transport.abort()

    async def pass_on(self, downstream: ServerConnection) -> None:
        assert downstream.request is not None
        async with connect(self._target + downstream.request.path) as upstream:
            passing = asyncio.create_task(self._pass_on(upstream, downstream))
            await downstream.wait_closed()
            passing.cancel()

    async def _pass_on(self, upstream: ClientConnection, downstream: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for message in upstream:
                assert isinstance(message, str)
                for each in self.meddle(message):
                    await downstream.send(each)

    async def kill(self) -> None:
        """Cut all connections, and take none any more."""
        self.cut()
        self._server.close()
        await self._server.wait_closed()


@asynccontextmanager
async def meddling_proxy(target: str) -> AsyncIterator[MeddlingProxy]:
    proxy: MeddlingProxy

    async def pass_on(connection: ServerConnection) -> None:
        await proxy.pass_on(connection)

    async with serve(pass_on, "127.0.0.1", 0) as server:
        proxy = MeddlingProxy(target, server)
        yield proxy


def every(number: int, meddle: Meddle) -> Meddle:
    """Return what meddles with each so-manieth message, and leaves the others alone."""
    count = 0

    def pick(message: str) -> list[str]:
        nonlocal count
        count += 1
        return meddle(message) if count % number == 0 else [message]

    return pick


def drop(_message: str) -> list[str]:
    return []


def twice(message: str) -> list[str]:
    return [message, message]


def swap_pairs() -> Meddle:
    """Return what sends each two messages in the opposite order."""
    held: list[str] = []

    def swap(message: str) -> list[str]:
        if not held:
            held.append(message)
            return []
        return [message, held.pop()]

    return swap
