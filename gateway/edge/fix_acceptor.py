"""A FIX service's door: a thin shell of sockets around `gateway.fix` sessions."""

from __future__ import annotations

import asyncio
import time
from typing import cast

import structlog
from prometheus_client import Gauge

from gateway.auth import Identity, Unauthorized
from gateway.edge import background
from gateway.edge.credentials import CredentialsUnavailableError
from gateway.edge.fix_administration import FixAdministration
from gateway.edge.fix_logons import FixLogons, Peer
from gateway.edge.fix_service import Flow, NoSessionError, Service
from gateway.edge.order_traces import Arrival, OrderTraces
from gateway.edge.tls import HANDSHAKE_TIMEOUT_S, Tls, common_name
from gateway.fix.codec import FixMessage
from gateway.fix.events import Event, LoggedOn, LogonReceived, RejectReceived, SessionClosed
from gateway.fix.session import Session, SessionSettings
from gateway.fix.states import State
from vocabulary.tallies import Counts

CONNECTIONS_MAX = 4_000
UNSENT_BYTES_MAX = 8 * 1024 * 1024
"""A peer that leaves more than this unread is disconnected; the next logon's resend has it all."""

RECHECK_S = 10.0
"""How often it is asked whether the keys of those logged on still hold."""

TICK_S = 0.25
LOGOUT_GRACE_S = 2.0
CLAIM_PATIENCE_S = 0.5
"""How long another gateway may take to notice that a session it has is gone."""

CLAIM_INTERVAL_S = 0.01
CLOSE_GRACE_S = 30.0
"""How long a peer whose session is over may take to read the rest."""

# What every message asks for: an enumeration takes its time to look up a member.
_CLOSED = State.CLOSED

log = structlog.get_logger("gateway")

_messages_received = Counts(
    "agio_gateway_fix_messages_received",
    "Application messages received over FIX",
    ["service"],
)
_bytes_sent = Counts("agio_gateway_fix_bytes_sent", "Bytes sent over FIX", ["service"])
_sessions = Gauge("agio_gateway_fix_sessions", "FIX sessions logged on", ["service"])


class FixAcceptor:
    """Listens, and keeps the connections. One timer serves them all."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        settings: SessionSettings,
        service: Service,
        logons: FixLogons,
        administration: FixAdministration,
        tls: Tls | None = None,
        traces: OrderTraces | None = None,
        shares_port: bool = False,
    ) -> None:
        self.port = port
        self.settings = settings
        self.service = service
        self.logons = logons
        self.administration = administration
        self.connections: set[Connection] = set()
        self.tls = tls
        self.traces = traces
        self._host = host
        self._shares_port = shares_port
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rechecking: asyncio.Task[None] | None = None
        self.messages_received = _messages_received.labels(service.name)
        self.bytes_sent = _bytes_sent.labels(service.name)
        self.sessions_gauge = _sessions.labels(service.name)

    async def start(self) -> None:
        """Listen; `port` is the one found free where 0 was asked for."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: cast("asyncio.Protocol", Connection(self)),
            self._host,
            self.port,
            backlog=1024,
            reuse_port=self._shares_port or None,
            ssl=self.tls.context if self.tls else None,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S if self.tls else None,
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._timer = loop.call_later(TICK_S, self._tick)
        self._rechecking = background.start(self._recheck_keys(), "keys of FIX sessions")
        name, is_secure = self.service.name, self.tls is not None
        log.info("FIX listens", service=name, host=self._host, port=self.port, tls=is_secure)

    async def stop(self) -> None:
        """Log every session out, wait for the peers' answers for a moment, and close."""
        if self._server is not None:
            self._server.close()
        if self._rechecking is not None:
            self._rechecking.cancel()
        now_ns = time.time_ns()
        for connection in list(self.connections):
            connection.log_out("the venue closes", now_ns)
        ends = [connection.ended for connection in self.connections]
        if ends:
            await asyncio.wait(ends, timeout=LOGOUT_GRACE_S)
        for connection in list(self.connections):
            connection.abort("the venue closed")
        if self._timer is not None:
            self._timer.cancel()

    @property
    def logged_on(self) -> int:
        return sum(connection.session.is_logged_on for connection in self.connections)

    async def _recheck_keys(self) -> None:
        while True:
            await asyncio.sleep(RECHECK_S)
            if self.tls is not None:
                self.tls.renew()
            for connection in list(self.connections):
                await connection.recheck_key()
                # A key that is known is judged without waiting: thousands of signatures in a row
                # would hold up who trades.
                await asyncio.sleep(0)

    def _tick(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)
        now_ns = time.time_ns()
        for connection in list(self.connections):
            connection.tick(now_ns)
        self.service.tick(now_ns)
        self.administration.tick(now_ns)


class Connection:
    """One socket: bytes in, then what came of them, then at most one write.

    An `asyncio.Protocol` in all but name: a compiled class has no base that is not compiled.
    """

    def __init__(self, acceptor: FixAcceptor) -> None:
        self.session = Session(acceptor.settings, time.time_ns())
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._acceptor = acceptor
        self._traces = acceptor.traces
        self._messages_received = acceptor.messages_received
        self._bytes_sent = acceptor.bytes_sent
        self._flow: Flow | None = None
        self._transport: asyncio.Transport
        self._logon: LogonReceived | None = None
        self._authentication: asyncio.Task[None] | None = None
        self._telling: asyncio.Handle | None = None
        self._is_writing_paused = False
        self._is_reading_paused = False
        self._close_by_s: float | None = None  # set once the session is over
        self._log = log.bind(service=acceptor.service.name)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._log = self._log.bind(peer=transport.get_extra_info("peername"))
        self._acceptor.connections.add(self)
        if len(self._acceptor.connections) > CONNECTIONS_MAX:
            self.abort("too many connections")

    def data_received(self, data: bytes) -> None:
        now_ns = time.time_ns()
        traces = self._traces
        if traces is not None:
            traces.arrival = Arrival("fix", now_ns)
        self.session.receive_data(data, now_ns)
        self._handle_events(now_ns)
        if traces is not None:
            traces.arrival = None
        self.flush()

    def eof_received(self) -> bool:
        now_ns = time.time_ns()
        self.session.receive_eof(now_ns)
        self._handle_events(now_ns)
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        self.session.receive_eof(time.time_ns())
        self._handle_events(time.time_ns())
        if self._authentication is not None:
            self._authentication.cancel()
        self._acceptor.connections.discard(self)
        self.ended.set_result(None)

    def pause_writing(self) -> None:
        self._is_writing_paused = True

    def resume_writing(self) -> None:
        self._is_writing_paused = False
        self.flush()

    # The acceptor's

    def tick(self, now_ns: int) -> None:
        self.session.tick(now_ns)
        self._handle_events(now_ns)
        self.flush()
        if self._close_by_s is not None and time.monotonic() > self._close_by_s:
            self._transport.abort()

    def log_out(self, text: str, now_ns: int) -> None:
        self.session.send_logout(text, now_ns)
        self._handle_events(now_ns)
        self.flush()

    async def recheck_key(self) -> None:
        """Log out a session whose key has been revoked or changed."""
        if self._logon is None or not self.session.is_logged_on:
            return
        try:
            service = self._acceptor.service
            names = self._acceptor.administration.certificates(service, self._logon)
            await self._acceptor.logons.check_again(
                self._logon, self._peer(), service.permission, names
            )
        except Unauthorized:
            self.log_out("the API key is not valid any more", time.time_ns())
        except CredentialsUnavailableError:
            pass  # nobody can tell: who is in may stay

    def abort(self, text: str) -> None:
        """Close at once; what the peer has not got is sent again after its next logon."""
        self.session.drop(text)
        self._handle_events(time.time_ns())
        self._transport.abort()

    def flush(self) -> None:
        """Write what the session has to send."""
        data = self.session.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)
            self._bytes_sent.add(len(data))
            if self._transport.get_write_buffer_size() > UNSENT_BYTES_MAX:
                self._log.warning("FIX peer reads too slowly", bytes=UNSENT_BYTES_MAX)
                self.abort("reads too slowly")
        if self.session.has_more_to_send and not self._transport.is_closing():
            if not self._is_writing_paused:
                asyncio.get_running_loop().call_soon(self.flush)
        elif self._close_by_s is not None:
            self._transport.close()
        elif self._flow is not None and self._flow.is_telling and not self._is_writing_paused:
            self._telling = self._telling or asyncio.get_running_loop().call_soon(self._tell_more)
        if self._is_reading_paused and self._flow is not None and not self._flow.is_full:
            self._is_reading_paused = False
            self._transport.resume_reading()

    def _tell_more(self) -> None:
        self._telling = None
        if self._flow is not None:
            self._flow.tell_more(time.time_ns())
            self.flush()

    # Events

    def _handle_events(self, now_ns: int) -> None:
        events = self.session.events_received()
        if not events:
            return
        flow = self._flow
        if flow is not None and self.session.state is _CLOSED:
            flow.detach()
            flow.store.release()
        requests: list[FixMessage] = []
        for event in events:
            if type(event) is FixMessage:
                requests.append(event)
                continue
            self._hand_over(requests, flow, now_ns)
            requests = []
            self._handle_session_event(event)
        self._hand_over(requests, flow, now_ns)
        if flow is not None and flow.is_full and not self._is_reading_paused:
            self._is_reading_paused = True
            self._transport.pause_reading()

    def _hand_over(self, requests: list[FixMessage], flow: Flow | None, now_ns: int) -> None:
        if requests:
            assert flow is not None
            flow.receive_all(requests, now_ns)
            self._messages_received.add(len(requests))

    def _handle_session_event(self, event: Event) -> None:
        match event:
            case LogonReceived():
                self._authentication = asyncio.create_task(self._authenticate(event))
            case LoggedOn():
                self._log.info("FIX session logged on", heartbeat_s=event.heartbeat_interval_s)
                self._acceptor.sessions_gauge.inc()
            case RejectReceived():
                self._log.warning("FIX peer rejected a message", message=repr(event.message))
            case SessionClosed():
                self._close(event)

    def _close(self, event: SessionClosed) -> None:
        self._close_by_s = time.monotonic() + CLOSE_GRACE_S
        if self._flow is not None:
            self._flow = None
            self._acceptor.sessions_gauge.dec()
        self._log.info("FIX session closed", reason=event.text, by_logout=event.by_logout)

    async def _authenticate(self, logon: LogonReceived) -> None:
        """Find out who logs on; until that is certain nothing of the session is touched."""
        comp_id, received_s = logon.sender_comp_id, time.monotonic()
        logons, service = self._acceptor.logons, self._acceptor.service
        administration, peer = self._acceptor.administration, self._peer()
        flow: Flow | None = None
        try:
            names = administration.certificates(service, logon)
            credential = await logons.judge(logon, peer, service.permission, names)
            service.check(logon)
            now_ns = time.time_ns()
            identity = Identity(credential.account_id, comp_id)
            key = service.name, identity
            administration.check(key, logon, peer, now_ns)
            flow = service.open(identity, now_ns)
            is_free = await _is_free(flow)
            now_ns = time.time_ns()
            if is_free:
                administration.prepare(key, flow, logon, now_ns)
                flow.store.carry_out(now_ns)
        except (Unauthorized, CredentialsUnavailableError, NoSessionError) as error:
            self._log.warning("FIX logon refused", comp_id=comp_id, reason=str(error))
            if isinstance(error, Unauthorized):
                # Counted from the Logon(A): the answer's time must not tell which keys exist.
                due_s = received_s + logons.delay_s(logon, peer)
                await asyncio.sleep(due_s - time.monotonic())
            now_ns = time.time_ns()
            self.session.refuse_logon(str(error), now_ns)
        except OSError as error:
            self._log.error("FIX session's files failed", comp_id=comp_id, reason=str(error))
            self.session.drop("the session's files failed")
            now_ns = time.time_ns()
        else:
            self._log = self._log.bind(account_id=credential.account_id, comp_id=comp_id)
            if not is_free:
                # FIX 4.4 vol. 2, "Logon": a second logon of a session is cut off without a message.
                self.session.drop("the session is logged on already")
            elif self.session.accept_logon(flow.store, now_ns):
                flow.attach(self.session, self.flush)
                self._flow = flow
                self._logon = logon
                administration.greet(self.session, now_ns)
                rule = administration.admitted(key, peer, now_ns)
                try:
                    service.admitted(identity, logon, rule)
                except OSError as error:
                    self._log.error("FIX session's files failed", reason=str(error))
                    self.session.drop("the session's files failed")
        if flow is not None and flow.session is None:
            flow.store.release()
        self._handle_events(now_ns)
        self.flush()

    def _peer(self) -> Peer:
        get = self._transport.get_extra_info
        tls = self._acceptor.tls
        is_certified = tls is not None and tls.asks_clients
        return Peer(get("peername")[0], common_name(get("peercert")) if is_certified else None)


async def _is_free(flow: Flow) -> bool:
    """Say whether nobody is logged on to a session, at another gateway either, and hold it then."""
    until_s = time.monotonic() + CLAIM_PATIENCE_S
    while flow.session is None and not flow.store.claim():
        if time.monotonic() > until_s:
            return False
        await asyncio.sleep(CLAIM_INTERVAL_S)
    return flow.session is None
