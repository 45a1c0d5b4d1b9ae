"""A connection to Redis on which published messages and replies arrive: the feed's.

To a cluster there is one to each server, of which `ClusterLink` makes one.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

import hiredis

OnMessage = Callable[[bytes, bytes], None]

MESSAGES = {b"message", b"smessage"}
REDIS_PORT = 6379
TIMEOUT_S = 5.0


class RedisLink(asyncio.Protocol):
    """One RESP3 connection: unlike RESP2's, it may subscribe and ask for keys at once.

    So a snapshot's place among the messages is known, and parsing what one read brought costs a
    microsecond a message; redis-py, which awaits each, takes six.
    """

    def __init__(self, on_message: OnMessage) -> None:
        self.closed = asyncio.Event()
        self._on_message = on_message
        self._reader = hiredis.Reader()
        self._replies: deque[asyncio.Future[Any]] = deque()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (item := self._reader.gets()) is not False:
            if isinstance(item, hiredis.PushNotification):
                if item[0] in MESSAGES:
                    self._on_message(item[1], item[2])
                elif item[0] == b"sunsubscribe":  # by the server: the slot has gone elsewhere
                    self.close()
            elif not self._replies:  # a refused subscription
                self.close()
            elif not (reply := self._replies.popleft()).done():  # else its time ran out
                _settle(reply, item)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed.set()
        for reply in self._replies:
            if not reply.done():
                reply.set_exception(ConnectionError(f"connection to Redis lost: {error}"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def subscribe(self, channels: list[str], command: str = "SUBSCRIBE") -> None:
        """Subscribe; RESP3 answers by pushing a message of its own for each channel."""
        self._write(command, *channels)

    async def fetch(self, keys: list[str]) -> list[bytes | None]:
        """Return the values of keys. Raises what `execute` does."""
        return cast("list[bytes | None]", await self.execute("MGET", *keys))

    async def store(self, key: str, value: str, expiry_s: int) -> None:
        """Set a key for so long. Raises what `execute` does."""
        await self.execute("SET", key, value, "EX", str(expiry_s))

    async def evaluate(self, script: str, key: str, *arguments: str) -> Any:
        """Run a script on a key. Raises what `execute` does."""
        return await self.execute("EVAL", script, "1", key, *arguments)

    async def ping(self) -> None:
        """Return when it has answered. Raises what `execute` does."""
        await self.execute("PING")

    async def execute(self, *command: str) -> Any:
        """Return the reply. Raises `hiredis.ReplyError`, `OSError` or `TimeoutError`."""
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._replies.append(reply)
        self._write(*command)
        async with asyncio.timeout(TIMEOUT_S):
            return await reply

    def _write(self, *command: str) -> None:
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError("connection to Redis lost")
        self._transport.write(hiredis.pack_command(command))  # type: ignore[arg-type]


async def connect(url: str, on_message: OnMessage) -> RedisLink:
    """Connect to `redis://[user][:password]@host[:port][/database]`, or `rediss://` for TLS.

    `?ssl_ca_certs=FILE` names who signed the server's certificate, PEM, where the system does not
    know. Raises `hiredis.ReplyError` where Redis refuses, `OSError` or `TimeoutError` where none
    is.
    """
    parts = urlsplit(url)
    authorities = parse_qs(parts.query).get("ssl_ca_certs", [None])[0]
    async with asyncio.timeout(TIMEOUT_S):
        _, link = await asyncio.get_running_loop().create_connection(
            lambda: RedisLink(on_message),
            parts.hostname or "127.0.0.1",
            parts.port or REDIS_PORT,
            ssl=ssl.create_default_context(cafile=authorities)
            if parts.scheme == "rediss"
            else None,
        )
    try:
        hello = ["HELLO", "3"]
        if parts.password is not None:
            hello += ["AUTH", unquote(parts.username or "default"), unquote(parts.password)]
        await link.execute(*hello)
        if database := parts.path.strip("/"):
            await link.execute("SELECT", database)
    except BaseException:
        link.close()
        raise
    return link


def _settle(reply: asyncio.Future[Any], item: object) -> None:
    if isinstance(item, hiredis.ReplyError):
        reply.set_exception(item)
    else:
        reply.set_result(item)
