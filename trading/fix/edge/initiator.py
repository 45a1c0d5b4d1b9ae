"""A FIX session with a venue, kept up: connect, log on, and again whenever it is lost."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Sequence
from typing import cast

import structlog

from gateway.fix.codec import FixMessage
from gateway.fix.events import (
    Event,
    LoggedOn,
    MessageRefused,
    RejectReceived,
    SessionClosed,
)
from gateway.fix.session import Session, SessionSettings
from gateway.fix.states import State
from gateway.fix.store import MemoryStore

CONNECT_S_MAX = 5.0
TICK_S = 0.5
BACKOFF_S_MIN = 0.05
BACKOFF_S_MAX = 2.0

OnMessages = Callable[[list[FixMessage | MessageRefused], int], None]
"""Takes all that one wakeup brought, and when it came, in UTC nanoseconds."""

log = structlog.get_logger("fix")


class FixInitiator:
    """`address`: HOST:PORT. Each logon begins with ResetSeqNumFlag(141)=Y if `settings` say so.

    `on_logged_on` is told of each logon and of each end of one. `logon_fields` are added to each
    Logon(A).
    """

    def __init__(
        self,
        address: str,
        settings: SessionSettings,
        *,
        on_messages: OnMessages,
        on_logged_on: Callable[[bool], None],
        logon_fields: Sequence[tuple[int, bytes]] = (),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.is_logged_on = False
        self._address = address
        self._settings = settings
        self._on_messages = on_messages
        self._on_logged_on = on_logged_on
        self._logon_fields = logon_fields
        self._tls = tls
        self._connection: _Connection | None = None

    async def run(self) -> None:
        """Keep the session until cancelled."""
        backoff_s = BACKOFF_S_MIN
        while True:
            try:
                if await self._serve():
                    backoff_s = BACKOFF_S_MIN
            except (OSError, TimeoutError) as error:
                log.warning(
                    "FIX not reached",
                    address=self._address,
                    reason=f"{type(error).__name__}: {error}",
                )
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    def send(self, messages: Sequence[tuple[bytes, bytes]], now_ns: int) -> bool:
        """Send messages, MsgType(35) and body each, in one write; False: not logged on."""
        if not self.is_logged_on or self._connection is None:
            return False
        for kind, body in messages:
            self._connection.session.send_application(kind, body, now_ns)
        self._connection.flush()
        return True

    async def _serve(self) -> bool:
        """Keep one connection to its end; say whether it was logged on."""
        host, _, port = self._address.rpartition(":")
        now_ns = time.time_ns()
        session = Session.initiator(self._settings, MemoryStore(now_ns), now_ns)
        async with asyncio.timeout(CONNECT_S_MAX):
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: _Connection(session, self._receive),
                host.strip("[]"),  # as URLs have an IPv6 address
                int(port),
                ssl=self._tls,
            )
        self._connection = connection
        session.send_logon(time.time_ns(), self._logon_fields)
        connection.flush()
        try:
            while not connection.closed.is_set():
                try:
                    async with asyncio.timeout(TICK_S):
                        await connection.closed.wait()
                except TimeoutError:
                    connection.tick()
            return self.is_logged_on
        finally:
            self._connection = None
            if self.is_logged_on:
                self.is_logged_on = False
                self._on_logged_on(False)
            connection.close()

    def _receive(self, session: Session, now_ns: int) -> None:
        """Take what one wakeup brought."""
        brought: list[FixMessage | MessageRefused] = []
        last_number = 0
        for event in session.events_received():
            if isinstance(event, FixMessage):
                last_number = event.msg_seq_num
                brought.append(event)
            else:
                self._administer(event, brought)
        if last_number:
            session.taken(last_number)
        if brought:
            self._on_messages(brought, now_ns)

    def _administer(self, event: Event, brought: list[FixMessage | MessageRefused]) -> None:
        if isinstance(event, LoggedOn):
            log.info("FIX logged on", address=self._address)
            self.is_logged_on = True
            self._on_logged_on(True)
        elif isinstance(event, MessageRefused):
            brought.append(event)
        elif isinstance(event, RejectReceived):
            log.error("FIX rejected a message", message=str(event.message))
        elif isinstance(event, SessionClosed):
            log.warning("FIX ended", address=self._address, reason=event.text)


class _Connection(asyncio.Protocol):
    """A session's bytes."""

    def __init__(self, session: Session, receive: Callable[[Session, int], None]) -> None:
        self.session = session
        self.closed = asyncio.Event()
        self._receive = receive
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        now_ns = time.time_ns()
        self.session.receive_data(data, now_ns)
        self._receive(self.session, now_ns)
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        now_ns = time.time_ns()
        self.session.receive_eof(now_ns)
        self._receive(self.session, now_ns)
        self.closed.set()

    def tick(self) -> None:
        now_ns = time.time_ns()
        self.session.tick(now_ns)
        self._receive(self.session, now_ns)
        self.flush()

    def flush(self) -> None:
        while data := self.session.data_to_send():
            self._transport.write(data)
            if not self.session.has_more_to_send:
                break
        if self.session.state is State.CLOSED:
            self._transport.close()

    def close(self) -> None:
        self.session.drop("stopped")
        self._transport.abort()
