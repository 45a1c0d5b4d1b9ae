"""One WebSocket connection to a venue: a shell over the sans-I/O protocol of `websockets`."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Iterable
from typing import cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

MESSAGE_BYTES_MAX = 4 * 2**20
CONNECT_S_MAX = 5.0
PING_INTERVAL_S = 5.0
SILENCE_S_MAX = 15.0

OnMessages = Callable[[list[bytes], int], None]
"""Takes the messages of one wakeup and when they came, in UTC nanoseconds."""


class WebSocketStream(asyncio.Protocol):
    """Hands up the messages that a read brought, all at once.

    Compression is not offered: it would cost more time than it saves between two machines that are
    near to each other.
    """

    def __init__(self, url: str, on_messages: OnMessages) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = asyncio.Event()
        self._on_messages = on_messages
        self._protocol = ClientProtocol(parse_uri(url), max_size=MESSAGE_BYTES_MAX)
        self._fragments: list[bytes] = []
        self._heard_s = time.monotonic()
        self._transport: asyncio.Transport | None = None

    @property
    def is_open(self) -> bool:
        """Say whether messages may be sent: the handshake is done, and nobody has said goodbye."""
        return self._protocol.state is State.OPEN

    @property
    def close_reason(self) -> str:
        return self._protocol.close_reason or "connection lost"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._protocol.send_request(self._protocol.connect())
        self._write()

    def data_received(self, data: bytes) -> None:
        received_ns = time.time_ns()
        self._heard_s = time.monotonic()
        self._protocol.receive_data(data)
        messages = []
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                message = self._message(event)
                if message is not None:
                    messages.append(message)
        self._settle_handshake()
        if messages:
            self._on_messages(messages, received_ns)
        self._write()

    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._write()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionResetError("closed before it was open"))
        self.closed.set()

    def send(self, messages: Iterable[bytes]) -> None:
        """Send texts, all in one write; nothing once a side has said goodbye: `closed` follows."""
        if not self.is_open:
            return
        for message in messages:
            self._protocol.send_text(message)
        self._write()

    def ping(self) -> None:
        """Ask for a sign of life; close if there was none for too long."""
        if time.monotonic() - self._heard_s > SILENCE_S_MAX:
            self.abort()
        elif self.is_open:
            self._protocol.send_ping(b"")
            self._write()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _settle_handshake(self) -> None:
        if self.opened.done():
            return
        if self._protocol.handshake_exc is not None:
            self.opened.set_exception(self._protocol.handshake_exc)
        elif self.is_open:
            self.opened.set_result(None)

    def _message(self, frame: Frame) -> bytes | None:
        """Return the message that a frame completes."""
        if frame.opcode in {Opcode.TEXT, Opcode.BINARY} and frame.fin:
            return bytes(frame.data)
        if frame.opcode not in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            return None
        self._fragments.append(bytes(frame.data))
        if not frame.fin:
            return None
        message = b"".join(self._fragments)
        self._fragments.clear()
        return message

    def _write(self) -> None:
        assert self._transport is not None
        pieces = self._protocol.data_to_send()
        if self._transport.is_closing():
            return
        if data := b"".join(pieces):
            self._transport.write(data)
        if b"" in pieces:  # the protocol's end of file
            self._transport.close()


async def connect(url: str, on_messages: OnMessages) -> WebSocketStream:
    """Connect, and return when the handshake is done. Raises `OSError` or `TimeoutError`."""
    uri = parse_uri(url)
    async with asyncio.timeout(CONNECT_S_MAX):
        _, stream = await asyncio.get_running_loop().create_connection(
            lambda: WebSocketStream(url, on_messages),
            uri.host,
            uri.port,
            ssl=ssl.create_default_context() if uri.secure else None,
        )
        try:
            await stream.opened
        except BaseException as error:
            stream.abort()
            if isinstance(error, InvalidHandshake):
                raise ConnectionError(f"{type(error).__name__}: {error}") from error
            raise
    return stream
