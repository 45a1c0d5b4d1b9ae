"""One WebSocket connection: a shell over the sans-I/O protocol of `websockets`."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

import structlog
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from gateway.json_api.market_streams import text_frame

MESSAGE_BYTES_MAX = 64 * 1024
BUFFERED_BYTES_MAX = 4 * 1024 * 1024
"""How far a client may be behind before it is cut off."""

HANDSHAKE_S_MAX = 5.0
PING_INTERVAL_S = 20.0
SILENCE_S_MAX = 60.0
LINGER_S = 5.0

log = structlog.get_logger("gateway")


class Session(Protocol):
    """What a connection is for, which its path tells."""

    def receive_text(self, data: bytes) -> None: ...

    def announce(self, event: bytes) -> None:
        """Send an event that concerns every client."""

    def close(self) -> None: ...


class Server(Protocol):
    """What a connection needs of its server. `open_session` raises `RefusedError`."""

    def connection_made(self, connection: WebSocketConnection) -> None: ...

    def connection_lost(self, connection: WebSocketConnection) -> None: ...

    def open_session(self, connection: WebSocketConnection, target: str) -> Session: ...

    def schedule_flush(self, connection: WebSocketConnection) -> None: ...

    def count_cut(self) -> None: ...


class RefusedError(Exception):
    """A handshake that leads nowhere, with the HTTP status that says so."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class WebSocketConnection(asyncio.Protocol):
    """Feeds the protocol, gathers what is to be sent, and writes it once per wakeup.

    Compression is never negotiated: 64 KiB of it may unpack to gigabytes.
    """

    def __init__(self, server: Server, now_s: float) -> None:
        self._server = server
        self._protocol = ServerProtocol(max_size=MESSAGE_BYTES_MAX)
        self._session: Session | None = None
        self._transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] = []
        self._ends = False  # the protocol has nothing more to send
        self._fragments: list[bytes] = []
        self._opened_s = self._heard_s = self._pinged_s = now_s
        self._loop = asyncio.get_running_loop()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._server.connection_made(self)

    def data_received(self, data: bytes) -> None:
        self._heard_s = self._loop.time()
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._answer_handshake(event)
            elif isinstance(event, Frame):
                self._receive_frame(event)
        self._gather()

    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._gather()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        if self._session is not None:
            self._session.close()
        self._transport = None
        self._server.connection_lost(self)

    # What the server and the session call

    @property
    def is_open(self) -> bool:
        return self._transport is not None and self._protocol.state is State.OPEN

    def send_text(self, message: bytes) -> None:
        """Send a text message."""
        self.send_frames(text_frame(message))

    def send_frames(self, frames: bytes) -> None:
        """Send ready frames; they leave with the next flush."""
        if self._protocol.state is State.OPEN:
            self._outgoing.append(frames)
            self._server.schedule_flush(self)

    def announce(self, event: bytes) -> None:
        """Send an event that concerns every client, in the session's own form."""
        if self._session is not None:
            self._session.announce(event)

    def flush(self) -> None:
        """Write what has gathered. Whoever is too far behind is cut off, with the reason."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._outgoing:
            transport.write(b"".join(self._outgoing))
            self._outgoing.clear()
        if self._ends:
            if transport.can_write_eof():
                transport.write_eof()
            self._loop.call_later(LINGER_S, transport.abort)
            self._ends = False
        elif (
            transport.get_write_buffer_size() > BUFFERED_BYTES_MAX
            and self._protocol.state is State.OPEN
        ):
            self._server.count_cut()
            self.fail(
                CloseCode.POLICY_VIOLATION,
                f"too slow: more than {BUFFERED_BYTES_MAX} bytes behind",
            )

    def fail(self, code: CloseCode, reason: str) -> None:
        """Close the connection with a code and a reason."""
        log.info("connection closed", code=int(code), reason=reason)
        self._outgoing.clear()
        self._protocol.fail(code, reason)
        self._gather()

    def tick(self, now_s: float) -> None:
        """Ping, and give up on a client that does not answer or never completes the handshake."""
        if self._protocol.state is State.CONNECTING:
            if now_s - self._opened_s > HANDSHAKE_S_MAX:
                self.abort()
        elif self._protocol.state is State.OPEN:
            if now_s - self._heard_s > SILENCE_S_MAX:
                self.fail(CloseCode.POLICY_VIOLATION, f"silent for {SILENCE_S_MAX:.0f} s")
            elif now_s - self._pinged_s >= PING_INTERVAL_S:
                self._pinged_s = now_s
                self._protocol.send_ping(b"")
                self._gather()

    def pause_reading(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # Inside

    def _answer_handshake(self, request: Request) -> None:
        response = self._protocol.accept(request)
        if response.status_code == 101:
            try:
                session = self._server.open_session(self, request.path)
            except RefusedError as refused:
                response = self._protocol.reject(refused.status, refused.text + "\n")
            else:
                self._session = session
        self._protocol.send_response(response)

    def _receive_frame(self, frame: Frame) -> None:
        if self._protocol.state is not State.OPEN or self._session is None:
            return
        if frame.opcode is Opcode.BINARY:
            self.fail(CloseCode.UNSUPPORTED_DATA, "text messages only")
        elif frame.opcode in {Opcode.TEXT, Opcode.CONT}:
            if frame.data:  # else fragments without an end would cost memory
                self._fragments.append(bytes(frame.data))
            if frame.fin:
                message = b"".join(self._fragments)
                self._fragments.clear()
                self._receive_text(self._session, message)

    def _receive_text(self, session: Session, message: bytes) -> None:
        try:
            message.decode()
        except UnicodeDecodeError as error:
            # RFC 6455, 8.1: "the endpoint MUST _Fail the WebSocket Connection_."
            self.fail(CloseCode.INVALID_DATA, f"not UTF-8 at byte {error.start}")
        else:
            session.receive_text(message)

    def _gather(self) -> None:
        """Take what the protocol has to send, in order with what the session sent."""
        for data in self._protocol.data_to_send():
            if data:
                self._outgoing.append(data)
            else:  # websockets.protocol.SEND_EOF
                self._ends = True
        if self._outgoing or self._ends:
            self._server.schedule_flush(self)
