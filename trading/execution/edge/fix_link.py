"""A strategy's link over FIX: orders and their reports there, everything else over WebSocket.

FIX tells an order's session about it and no other, knows no fills of orders that have ended, and no
balances. So beside the session there is a `WebSocketLink`, on which the whole account's reports
come too. Whichever is first counts: what is told twice is one and the same report.

Each logon begins with ResetSeqNumFlag(141)=Y. An order that was on its way when a connection broke
is asked about by its ClOrdID(11); nothing is ever sent again because MsgSeqNum(34) says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import structlog

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage
from gateway.fix.events import LoggedOn, RejectReceived, SessionClosed
from gateway.fix.session import Session, SessionSettings
from gateway.fix.states import State
from gateway.fix.store import MemoryStore
from trading.execution import venue as v
from trading.execution.edge import fix_messages
from trading.execution.edge.links import BACKOFF_S_MAX, BACKOFF_S_MIN, Credentials, LinkOwner
from trading.execution.edge.websocket_link import WebSocketLink
from vocabulary.instrument import Instrument

CONNECT_S_MAX = 5.0
HEARTBEAT_S = 5
TICK_S = 0.5
CANCEL_ON_DISCONNECT = [
    (tags.CancelOnDisconnect, values.CancelOnDisconnect.SESSION),
    (tags.CODTimeoutWindow, b"10000"),
]
"""The venue cancels what this instance has sent when its session is gone for so many milliseconds:
nobody may be left who could."""

log = structlog.get_logger("execution")


class FixLink:
    """`address`: HOST:PORT of the order entry; `websocket_url`: ws://HOST:PORT of the venue."""

    def __init__(
        self,
        address: str,
        websocket_url: str,
        comp_ids: tuple[str, str],
        credentials: Credentials,
        instruments: Mapping[str, Instrument],
        owner: LinkOwner,
    ) -> None:
        self._address = address
        sender_comp_id, target_comp_id = comp_ids
        self._settings = SessionSettings(
            sender_comp_id.encode(),
            target_comp_id.encode(),
            heartbeat_interval_s=HEARTBEAT_S,
            username=credentials.api_key.encode(),
            password=credentials.secret.encode(),
            reset_on_logon=True,
        )
        self._instruments = instruments
        self._owner = owner
        self._connection: _Connection | None = None
        self._is_logged_on = False
        self._is_heard = False
        self._questions = WebSocketLink(
            websocket_url, credentials, instruments, LinkOwner(owner.on_reports, self._hear)
        )

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._questions.run())
            tasks.create_task(self._log_on_again_and_again())

    def send(self, requests: Sequence[v.Request]) -> None:
        questions: list[v.Request] = []
        for request in requests:
            if isinstance(request, v.AskOrder | v.AskTrades):
                questions.append(request)
            elif self._connection is not None:
                instrument = self._instruments[request.name.symbol]
                now_ns = time.time_ns()
                kind, body = fix_messages.body_of(request, instrument, now_ns)
                self._connection.session.send_application(kind, body, now_ns)
        if self._connection is not None:
            self._connection.flush()
        if questions:
            self._questions.send(questions)

    async def ask(self, method: str, **parameters: str | int) -> Any:
        return await self._questions.ask(method, **parameters)

    def _hear(self, is_ready: bool) -> None:
        self._tell_ready(self._is_logged_on, is_ready)

    def _tell_ready(self, is_logged_on: bool, is_heard: bool) -> None:
        was_ready = self._is_logged_on and self._is_heard
        self._is_logged_on, self._is_heard = is_logged_on, is_heard
        if was_ready != (is_logged_on and is_heard):
            self._owner.on_ready(not was_ready)

    async def _log_on_again_and_again(self) -> None:
        backoff_s = BACKOFF_S_MIN
        while True:
            try:
                if await self._serve():
                    backoff_s = BACKOFF_S_MIN
            except (OSError, TimeoutError) as error:
                log.warning("FIX not reached", reason=f"{type(error).__name__}: {error}")
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    async def _serve(self) -> bool:
        """Keep one connection to its end; say whether it was logged on."""
        host, _, port = self._address.rpartition(":")
        now_ns = time.time_ns()
        session = Session.initiator(self._settings, MemoryStore(now_ns), now_ns)
        async with asyncio.timeout(CONNECT_S_MAX):
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: _Connection(session, self._receive), host, int(port)
            )
        session.send_logon(time.time_ns(), CANCEL_ON_DISCONNECT)
        connection.flush()
        try:
            while not connection.closed.is_set():
                try:
                    async with asyncio.timeout(TICK_S):
                        await connection.closed.wait()
                except TimeoutError:
                    connection.tick()
            return self._is_logged_on
        finally:
            self._connection = None
            self._tell_ready(is_logged_on=False, is_heard=self._is_heard)
            connection.close()

    def _receive(self, connection: _Connection) -> None:
        """Take what one wakeup brought."""
        reports: list[v.VenueReport] = []
        last_number = 0
        for event in connection.session.events_received():
            if isinstance(event, FixMessage):
                last_number = event.msg_seq_num
                report = fix_messages.report_of(event, self._instruments)
                if report is not None:
                    reports.append(report)
            elif isinstance(event, LoggedOn):
                log.info("FIX logged on", address=self._address)
                self._connection = connection
                self._tell_ready(is_logged_on=True, is_heard=self._is_heard)
            elif isinstance(event, RejectReceived):
                log.error("FIX rejected a message", message=str(event.message))
            elif isinstance(event, SessionClosed):
                log.warning("FIX ended", reason=event.text)
        if last_number:
            connection.session.taken(last_number)
        if reports:
            self._owner.on_reports(reports)


class _Connection(asyncio.Protocol):
    """A session's bytes."""

    def __init__(self, session: Session, receive: Callable[[_Connection], None]) -> None:
        self.session = session
        self.closed = asyncio.Event()
        self._receive = receive
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.session.receive_data(data, time.time_ns())
        self._receive(self)
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        self.session.receive_eof(time.time_ns())
        self._receive(self)
        self.closed.set()

    def tick(self) -> None:
        self.session.tick(time.time_ns())
        self._receive(self)
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
