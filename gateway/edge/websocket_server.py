"""The WebSocket door: the WebSocket API and the market data streams on one port.

=================================  ==========================================================
`/ws-api/v3`                       requests and answers, user data (`websocket_api`)
`/ws`, `/ws/<stream>[/<stream>]`   market data, each message as it is
`/stream?streams=<a>[/<b>]`        market data, each message with its stream's name
`/ws?session=<token>`, `/stream?…` market data, as a session that was open elsewhere
=================================  ==========================================================

A feed process has all but the first.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from urllib.parse import unquote

import structlog
from prometheus_client import Counter, Gauge
from websockets.frames import CloseCode

from gateway.edge import background, metrics
from gateway.edge.json_operations import JsonOperations
from gateway.edge.kept_sessions import KeptSessions
from gateway.edge.order_traces import FeedTraces
from gateway.edge.websocket_api import WebSocketApi
from gateway.edge.websocket_connection import RefusedError, Session, WebSocketConnection
from gateway.json_api.errors import ApiError
from gateway.json_api.market_streams import MarketStreams
from gateway.json_api.stream_session import StreamSession
from gateway.json_api.user_streams import UserStreams
from vocabulary.market_data import Message

CONNECTIONS_MAX = 4_000
TICK_S = 1.0
GOODBYE_S = 1.0
API_PATH = "/ws-api/v3"

CONNECTIONS = Gauge("agio_gateway_websocket_connections", "Open WebSocket connections")
CUTS = Counter("agio_gateway_websocket_cuts", "Connections cut off because they were too slow")

log = structlog.get_logger("gateway")


class WebSocketServer:
    """Listens on `host` and `port`; port 0 takes a free one, which `port` then tells."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        operations: JsonOperations | None,
        user_streams: UserStreams,
        market_streams: MarketStreams,
        connections_max: int = CONNECTIONS_MAX,
        traces: FeedTraces | None = None,
        kept_sessions: KeptSessions | None = None,
        shares_port: bool = False,
    ) -> None:
        self.port = port
        self._host = host
        self._operations = operations
        self._user_streams = user_streams
        self._market_streams = market_streams
        self._connections_max = connections_max
        self._traces = traces
        self._kept_sessions = kept_sessions
        self._shares_port = shares_port
        self._resuming: set[asyncio.Task[None]] = set()
        self._oldest_ns = 0  # the timestamp of the first message that waits for the flush
        self._connections: set[WebSocketConnection] = set()
        self._unflushed: set[WebSocketConnection] = set()
        self.flushes_soon = False
        """Whether anything has gathered."""
        self._all_gone = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._ticker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: WebSocketConnection(self, loop.time()),
            self._host,
            self.port,
            backlog=1024,
            reuse_port=self._shares_port or None,
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._ticker = background.start(self._tick(), "WebSocket pings")
        log.info("WebSocket door open", host=self._host, port=self.port)

    async def stop(self) -> None:
        """Take no more connections; say goodbye to those that are open."""
        if self._server is None or self._ticker is None:
            return
        self._server.close()
        await background.stop(self._ticker)
        for connection in list(self._connections):
            connection.fail(CloseCode.GOING_AWAY, "the server stops")
        self.flush()
        self._all_gone.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                if self._connections:
                    await self._all_gone.wait()
        for connection in list(self._connections):
            connection.abort()

    def health(self) -> dict[str, object]:
        return {
            "ready": self._server is not None and self._server.is_serving(),
            "connections": len(self._connections),
            "user_streams": self._user_streams.listener_count,
        }

    def on_market_update(self, kind: str, symbol: str, message: Message) -> None:
        """Take a change of the market feed in; it leaves with the next flush."""
        if not self._oldest_ns and kind in {"depth", "trades"}:
            self._oldest_ns = message.timestamp_ns
        if self._traces is not None and self._market_streams.has_subscribers(kind, symbol):
            self._traces.received(kind, symbol, message)
        self._market_streams.on_update(kind, symbol, message)
        self._flush_soon()

    def announce(self, event: bytes) -> None:
        """Send an event to everyone."""
        for connection in list(self._connections):
            connection.announce(event)

    def flush(self) -> None:
        """Write what has gathered: one write for each connection that has something."""
        self.flushes_soon = False
        self._market_streams.flush()
        unflushed, self._unflushed = self._unflushed, set()
        for connection in unflushed:
            connection.flush()
        if self._traces is not None:
            self._traces.written()
        if self._oldest_ns:
            metrics.FEED_AGE_SECONDS.observe(max(time.time_ns() - self._oldest_ns, 0) / 1e9)
            self._oldest_ns = 0

    # What a connection calls

    def connection_made(self, connection: WebSocketConnection) -> None:
        if len(self._connections) >= self._connections_max:
            log.warning("connection refused", connections=len(self._connections))
            connection.abort()
        self._connections.add(connection)
        CONNECTIONS.set(len(self._connections))

    def connection_lost(self, connection: WebSocketConnection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._all_gone.set()
        CONNECTIONS.set(len(self._connections))

    def schedule_flush(self, connection: WebSocketConnection) -> None:
        self._unflushed.add(connection)
        self._flush_soon()

    def count_cut(self) -> None:
        CUTS.inc()

    def open_session(self, connection: WebSocketConnection, target: str) -> Session:
        """Return the session that a request's target asks for. Raises `RefusedError`."""
        path, _, query = unquote(target).partition("?")
        if (
            path == API_PATH
            and query in {"", "returnRateLimits=false"}
            and self._operations is not None
        ):
            return WebSocketApi(connection, self._operations, self._user_streams)
        token = ""
        if path in {"/ws", "/stream"} and query.startswith("session=") and self._kept_sessions:
            names, token = "", query.removeprefix("session=")
        elif path == "/stream" and (not query or query.startswith("streams=")):
            names = query.removeprefix("streams=")
        elif (path == "/ws" or path.startswith("/ws/")) and not query:
            # Some clients number their connections: "/ws/0" names no stream.
            names = "/".join(
                name for name in path.removeprefix("/ws").split("/") if not name.isdecimal()
            )
        else:
            raise RefusedError(404, "There is nothing here.")
        try:
            session = StreamSession(
                self._market_streams,
                filter(None, names.split("/")),
                wants_combined=path == "/stream",
                send=connection.send_text,
                send_frames=connection.send_frames,
                keeper=self._kept_sessions,
            )
        except ApiError as error:
            raise RefusedError(400, error.message) from None
        if token and self._kept_sessions is not None:
            resuming = self._resume(self._kept_sessions, connection, session, token)
            task = asyncio.create_task(resuming)
            self._resuming.add(task)
            task.add_done_callback(self._resuming.discard)
        return session

    # Inside

    async def _resume(
        self,
        kept_sessions: KeptSessions,
        connection: WebSocketConnection,
        session: StreamSession,
        token: str,
    ) -> None:
        names = await kept_sessions.find(token)
        refusal = "session unknown or expired" if names is None else ""
        if names is not None and connection.is_open:
            try:
                session.resume(token, names)
            except ApiError as error:  # with what it has subscribed to here these are too many
                refusal = error.message
        if refusal:
            connection.flush()  # the handshake's answer
            connection.fail(CloseCode.POLICY_VIOLATION, refusal)

    def _flush_soon(self) -> None:
        if not self.flushes_soon:
            self.flushes_soon = True
            asyncio.get_running_loop().call_soon(self.flush)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK_S)
            for connection in list(self._connections):
                connection.tick(loop.time())
