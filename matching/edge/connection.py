"""One client's connection to the matching process: frames in, one write per batch out."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

import structlog

from matching.link import (
    FROM_CLIENT,
    ErrorCode,
    FrameDecoder,
    FrameKind,
    FundsRequest,
    Hello,
    LinkError,
    pack_error,
    unpack_funds_request,
    unpack_hello,
)

UNREAD_BYTES_MAX: Final = 4 << 20
"""Requests of one connection that wait for their batch; beyond that its socket is not read."""

WRITE_BUFFER_BYTES: Final = 1 << 20
"""Where a reader that catches up has to wait for its socket."""

FAREWELL_SECONDS: Final = 5.0
"""How long a connection that was ended may take to read why."""

GATHERED_BYTES_MAX: Final = 256 << 10
"""What gathers for a patient client at most; then it is sent before the time."""

# What every request asks for: an enumeration takes its time to look up a member.
_HELLO, _COMMANDS = FrameKind.HELLO, FrameKind.COMMANDS

log = structlog.get_logger("matching")


class Hub(Protocol):
    """What a connection tells the server."""

    reader_buffer_bytes_max: int

    def opened(self, connection: Connection) -> None: ...

    def greeted(self, connection: Connection, hello: Hello) -> None:
        """Raise `LinkError` to turn the client away."""

    def submitted(
        self, connection: Connection, request: bytes | FundsRequest, size: int
    ) -> None: ...

    def writable(self, connection: Connection) -> None: ...

    def ended(self, connection: Connection) -> None:
        """Nothing more will be sent to it."""

    def closed(self, connection: Connection) -> None: ...


class Connection:
    """The shell around the decoder. What it should send collects in `outgoing` until `flush`.

    An `asyncio.Protocol` in all but name: a compiled class has no base that is not compiled.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._decoder = FrameDecoder(FROM_CLIENT)
        self._transport: asyncio.Transport | None = None
        self._unread_bytes = 0
        self._farewell: asyncio.TimerHandle | None = None
        self._gathered_bytes = 0
        self._gathering: asyncio.TimerHandle | None = None
        self.name = ""
        self.patience_s = 0.0
        """How long records may gather for it."""
        self.next_sequence: int | None = None
        """The record that catching up goes on with, None for a client without a stream."""
        self.is_live = False
        """Whether it gets records as they become durable; otherwise it catches up."""
        self.is_writable = True
        self.outgoing: list[bytes] = []

    @property
    def is_open(self) -> bool:
        return self._transport is not None and self._farewell is None

    @property
    def is_catching_up(self) -> bool:
        return self.next_sequence is not None and not self.is_live

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self._hub.opened(self)

    def data_received(self, data: bytes) -> None:
        if not self.is_open:
            return
        try:
            for kind, payload in self._decoder.receive_data(data):
                self._receive(kind, payload)
        except LinkError as error:
            self.end(error)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._farewell is not None:
            self._farewell.cancel()
        if exc is not None:
            log.debug("connection broke", client=self.name, error=str(exc))
        self._transport = None
        self._hub.closed(self)

    def eof_received(self) -> None:
        """Let the transport close itself."""

    def pause_writing(self) -> None:
        self.is_writable = False

    def resume_writing(self) -> None:
        self.is_writable = True
        if self.is_open:
            self._hub.writable(self)

    def read(self, size: int) -> None:
        """Note that so many bytes of this client's requests have left the queue."""
        before = self._unread_bytes
        self._unread_bytes -= size
        if self._unread_bytes <= UNREAD_BYTES_MAX < before:
            transport = self._transport
            if transport is not None and not transport.is_closing():
                transport.resume_reading()

    def gather(self, frames: bytes) -> bool:
        """Add what may wait for the client's patience to end; say whether enough has gathered."""
        self.outgoing.append(frames)
        self._gathered_bytes += len(frames)
        if self._gathering is None:
            loop = asyncio.get_running_loop()
            self._gathering = loop.call_later(self.patience_s, self.flush)
        return self._gathered_bytes >= GATHERED_BYTES_MAX

    def flush(self) -> None:
        """Send what has collected, in one write. A reader that lags too far behind is ended."""
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
            self._gathered_bytes = 0
        if not self.outgoing:
            return
        data = b"".join(self.outgoing)
        self.outgoing.clear()
        if self._transport is None or self._farewell is not None:
            return
        self._transport.write(data)
        waiting = self._transport.get_write_buffer_size()
        if waiting > self._hub.reader_buffer_bytes_max and not self.is_catching_up:
            self.end(LinkError(ErrorCode.SLOW_READER, f"{waiting} bytes wait for a slow reader"))

    def end(self, reason: LinkError) -> None:
        """Send what has collected and why nothing follows, and close."""
        if self._transport is None or self._farewell is not None:
            return
        if reason.code is not ErrorCode.STOPPING:
            log.warning(
                "connection ended", client=self.name, code=reason.code.name, reason=str(reason)
            )
        self._transport.write(b"".join((*self.outgoing, pack_error(reason))))
        self.outgoing.clear()
        self._transport.close()
        loop = asyncio.get_running_loop()
        self._farewell = loop.call_later(FAREWELL_SECONDS, self.abort)
        self._hub.ended(self)

    def abort(self) -> None:
        """Close at once; nothing that waits is sent."""
        if self._transport is not None:
            self._transport.abort()

    def _receive(self, kind: FrameKind, payload: bytes) -> None:
        if (kind is _HELLO) is bool(self.name):
            raise LinkError(ErrorCode.MALFORMED, f"{kind.name} unexpected")
        if kind is _HELLO:
            hello = unpack_hello(payload)
            self._hub.greeted(self, hello)
            self.name = hello.name
            return
        before = self._unread_bytes
        self._unread_bytes += len(payload)
        if before <= UNREAD_BYTES_MAX < self._unread_bytes and self._transport is not None:
            self._transport.pause_reading()
        request = payload if kind is _COMMANDS else unpack_funds_request(payload)
        self._hub.submitted(self, request, len(payload))
