"""A proxy before a venue's FIX door, which meddles with what the venue sends."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

Meddle = Callable[[bytes], list[bytes]]
_HEAD = re.compile(rb"8=FIX\.4\.4\x019=(\d+)\x01")


class FixProxy:
    """`meddle` says what becomes of each message from the venue: itself, nothing, or anything."""

    def __init__(self, target_port: int) -> None:
        self.meddle: Meddle = lambda message: [message]
        self.port = 0
        self._target_port = target_port
        self._writers: list[asyncio.StreamWriter] = []

    def cut(self) -> None:
        """Cut all connections."""
        for writer in self._writers:
            writer.transport.abort()

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        venue_reader, venue_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        self._writers += [writer, venue_writer]
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._meddle(venue_reader, writer))
                while data := await reader.read(65_536):
                    venue_writer.write(data)
                raise ConnectionResetError

    async def _meddle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        buffer = b""
        while data := await reader.read(65_536):
            buffer += data
            while found := _HEAD.match(buffer):
                stop = found.end() + int(found[1]) + len(b"10=000\x01")
                if stop > len(buffer):
                    break
                writer.writelines(self.meddle(buffer[:stop]))
                buffer = buffer[stop:]


@asynccontextmanager
async def fix_proxy(target_port: int) -> AsyncIterator[FixProxy]:
    proxy = FixProxy(target_port)

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ExceptionGroup):
            await proxy.pass_on(reader, writer)

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()


def every(number: int, kind: bytes, meddle: Meddle, times: int = 1_000) -> Meddle:
    """Return what meddles with each so-manieth message of a MsgType(35), so many times."""
    count = 0

    def pick(message: bytes) -> list[bytes]:
        nonlocal count
        if b"\x0135=%b\x01" % kind not in message:
            return [message]
        count += 1
        is_chosen = count % number == 0 and count <= number * times
        return meddle(message) if is_chosen else [message]

    return pick


def drop(_message: bytes) -> list[bytes]:
    return []


def damaged(message: bytes) -> list[bytes]:
    """Return a message with another SendingTime(52), and its CheckSum(10) as it was."""
    at = message.index(b"\x0152=") + 4
    return [message[:at] + b"9" + message[at + 1 :]]


def changed(message: bytes, old: bytes, new: bytes) -> bytes:
    """Return a message with something else in it, of the same length, and its sum made good."""
    assert len(old) == len(new)
    body = message.replace(old, new, 1)[: -len(b"10=000\x01")]
    return b"%b10=%03d\x01" % (body, sum(body) % 256)
