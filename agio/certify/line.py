"""The line to the client that is certified: all on it is seen, and something may be lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import cast

from agio.certify.venue import CertificationVenue
from gateway.edge.tls import Tls
from gateway.fix.codec import Decoder, FixMessage
from gateway.fix.dictionary import VALUE_INCORRECT
from gateway.fix.events import LogonReceived
from gateway.fix.session import Session, SessionSettings
from gateway.fix.states import State
from gateway.fix_application.order_flow import OrderFlow

TICK_S = 0.05
REJECTED = "certification: take this Reject(3)"

Predicate = Callable[[FixMessage], bool]


class Lost(Exception):
    """What was waited for did not come in time, or the connection ended instead."""


class Line:
    """Accepts one client at a time. `seen` are its messages since the last `forget`, in order.

    The session's rules are kept by the venue's own `Session`; nobody's password is looked at.
    The next message that `loses` fits never arrives, the next that `rejects` fits is refused.
    """

    def __init__(self, venue: CertificationVenue, settings: SessionSettings) -> None:
        self.seen: list[FixMessage] = []
        self.logon: FixMessage | None = None
        self.session: Session | None = None
        self.flow: OrderFlow | None = None
        self.loses: Predicate | None = None
        self.lost: FixMessage | None = None
        self.loses_reports = False
        self.rejects: Predicate | None = None
        self._venue = venue
        self._settings = settings
        self._connection: _Connection | None = None
        self._decoder = Decoder()
        self._news = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._ticking: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int, tls: Tls | None = None) -> int:
        """Listen; return the port, a free one where 0 was asked for."""
        loop = asyncio.get_running_loop()
        context = tls.context if tls is not None else None
        self._server = await loop.create_server(lambda: _Connection(self), host, port, ssl=context)
        self._ticking = asyncio.create_task(self._tick())
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self.hang_up()
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)

    @property
    def is_up(self) -> bool:
        return self.session is not None and self.session.is_logged_on

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    def forget(self) -> None:
        """Look from now on at what comes from now on."""
        self.seen.clear()

    async def until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait for something. Raises `Lost` with `what` did not happen."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise Lost(f"{what} within {seconds:g} s") from None

    def lose_next(self, wanted: Predicate) -> None:
        """Let the next such message never arrive; it is in `lost` then."""
        self.loses, self.lost = wanted, None

    def flush(self, *, is_lost: bool = False) -> None:
        """Send what the session has to send, or lose it."""
        if self.session is None:
            return
        data = self.session.data_to_send()
        if self._connection is None or is_lost:
            return
        self._connection.write(data)
        while self.session.has_more_to_send:
            self._connection.write(self.session.data_to_send())

    def hang_up(self) -> None:
        """End the connection without a word."""
        if self._connection is not None:
            self._connection.abort()
            self.disconnected()

    # What the connection calls

    def connected(self, connection: _Connection) -> bool:
        """Take a connection, unless there is one."""
        if self._connection is not None:
            return False
        self._connection = connection
        self._decoder = Decoder()
        self.session = Session(self._settings, time.time_ns())
        return True

    def received(self, data: bytes) -> None:
        for message in self._decoder.receive_data(data):
            self.seen.append(message)
            if self.loses is not None and self.loses(message):
                self.loses, self.lost = None, message
                continue
            self._take(message.raw)
        self._venue.carry_on()
        self.flush()
        self._news.set()

    def disconnected(self) -> None:
        if self.session is not None:
            self.session.receive_eof(time.time_ns())
            self._handle(time.time_ns())
        self._connection = None
        self._news.set()

    def _take(self, data: bytes) -> None:
        now_ns = time.time_ns()
        if self.session is not None:
            self.session.receive_data(data, now_ns)
            self._handle(now_ns)

    def _handle(self, now_ns: int) -> None:
        session, flow = self.session, self.flow
        assert session is not None
        is_over = session.state is State.CLOSED
        if is_over and flow is not None and flow.session is session:
            flow.detach()
        for event in session.events_received():
            if isinstance(event, LogonReceived):
                self._let_in(event, now_ns)
            elif isinstance(event, FixMessage) and self.flow is not None:
                if self.rejects is not None and self.rejects(event):
                    self.rejects = None
                    session.send_reject(event, VALUE_INCORRECT, None, REJECTED, now_ns)
                    session.taken(event.msg_seq_num)
                else:
                    self.flow.receive_all([event], now_ns)
                    while self.flow.is_telling:
                        self.flow.tell_more(now_ns)
        if is_over and self._connection is not None:
            self.flush()
            self._connection.close()

    def _let_in(self, logon: LogonReceived, now_ns: int) -> None:
        assert self.session is not None
        identity = self._venue.identity(logon.sender_comp_id)
        flow = self._venue.sessions.open(identity, now_ns)
        if self.session.accept_logon(flow.store, now_ns):
            flow.attach(self.session, self._flush_reports)
            self.flow, self.logon = flow, logon.message
            self._venue.sessions.admitted(identity, logon, None)

    def _flush_reports(self) -> None:
        self.flush(is_lost=self.loses_reports)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            if self.session is not None and self._connection is not None:
                now_ns = time.time_ns()
                self.session.tick(now_ns)
                self._handle(now_ns)
                self.flush()
            self._venue.tick()
            self._news.set()


class _Connection(asyncio.Protocol):
    """A socket's bytes."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._is_taken = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._is_taken = self._line.connected(self)
        if not self._is_taken:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._is_taken:
            self._line.received(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        if self._is_taken:
            self._line.disconnected()

    def write(self, data: bytes) -> None:
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._is_taken = False
        self._transport.abort()
