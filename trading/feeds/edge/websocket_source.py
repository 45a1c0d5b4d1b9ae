"""A Binance-shaped venue as a source: its combined stream, and REST for the questions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

import aiohttp
import msgspec
import structlog

from trading.feeds.edge.sources import Receive
from trading.feeds.edge.websocket_stream import PING_INTERVAL_S, connect
from trading.feeds.handler import Input, InputKind, Question

ANSWER_BYTES_MAX = 16 * 2**20
ANSWER_S_MAX = 5.0
DEPTH_LIMIT = 5000  # the most that Binance gives
BACKOFF_MIN_S = 0.1
BACKOFF_MAX_S = 5.0

log = structlog.get_logger("feeds")


class WebSocketSource:
    """`url`: ws://HOST:PORT of the streams; `?rest=http://HOST:PORT` where REST is elsewhere.

    `&status=no` for a venue without auctions, and without the stream that tells of them.
    """

    is_live = True

    def __init__(self, url: str, number: int, symbols: Sequence[str], receive: Receive) -> None:
        parts = urlsplit(url)
        given = parse_qs(parts.query)
        has_status = given.get("status", ["yes"])[0] != "no"
        # First, so that a phase is known before the book that it allows.
        kinds = (*(["status"] if has_status else []), "depth@100ms", "trade")
        streams = "/".join(f"{symbol.lower()}@{kind}" for symbol in symbols for kind in kinds)
        self._url = f"{parts.scheme}://{parts.netloc}{parts.path}/stream?streams={streams}"
        same_host = f"{parts.scheme.replace('ws', 'http')}://{parts.netloc}"
        self._rest_url = given.get("rest", [same_host])[0].rstrip("/")
        self._number = number
        self._symbols = list(symbols)
        self._receive = receive

    async def run(self) -> None:
        """Keep a connection."""
        backoff_s = BACKOFF_MIN_S
        while True:
            try:
                await self._read()
                backoff_s = BACKOFF_MIN_S
            except (OSError, TimeoutError) as error:
                reason = f"{type(error).__name__}: {error}"
                log.warning(
                    "source failed", source=self._number, reason=reason, retry_in_s=backoff_s
                )
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_MAX_S)

    async def ask(self, question: Question) -> None:
        """Ask over REST. Raises `OSError` or `TimeoutError`."""
        if question.kind is InputKind.DEPTH:
            path = "depth"
            parameters = {"symbol": question.symbol, "limit": str(DEPTH_LIMIT)}
        else:
            path = "exchangeInfo"
            parameters = {"symbols": msgspec.json.encode(self._symbols).decode()}
        data = await self._get(f"{self._rest_url}/api/v3/{path}", parameters)
        self._bring(question.kind, question.symbol, data)

    async def _read(self) -> None:
        """Bring messages until the connection is lost."""
        stream = await connect(self._url, self._receive_messages)
        self._bring(InputKind.CONNECTED)
        log.info("source connected", source=self._number)
        try:
            while not stream.closed.is_set():
                try:
                    async with asyncio.timeout(PING_INTERVAL_S):
                        await stream.closed.wait()
                except TimeoutError:
                    stream.ping()
            log.warning("source lost", source=self._number, reason=stream.close_reason)
        finally:
            stream.abort()
            self._bring(InputKind.DISCONNECTED)

    async def _get(self, url: str, parameters: dict[str, str]) -> bytes:
        timeout = aiohttp.ClientTimeout(ANSWER_S_MAX)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(url, params=parameters) as response,
            ):
                data = bytearray()
                async for chunk in response.content.iter_any():
                    data += chunk
                    if len(data) > ANSWER_BYTES_MAX:
                        raise ConnectionError(f"{url} answers with more than {ANSWER_BYTES_MAX} B")
                if response.status != 200:
                    raise ConnectionError(f"{url} answers {response.status}: {bytes(data[:200])!r}")
                return bytes(data)
        except aiohttp.ClientError as error:
            raise ConnectionError(f"{type(error).__name__}: {error}") from error

    def _receive_messages(self, messages: list[bytes], received_ns: int) -> None:
        number = self._number
        self._receive([Input(InputKind.STREAM, number, received_ns, "", data) for data in messages])

    def _bring(self, kind: InputKind, symbol: str = "", data: bytes = b"") -> None:
        self._receive([Input(kind, self._number, time.time_ns(), symbol, data)])
