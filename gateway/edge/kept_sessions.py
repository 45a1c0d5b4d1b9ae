"""Market data sessions kept in Redis, so that a client may go on at any feed process.

What is kept is which streams a session has, under `agio:session:<token>`, for an hour after its
connection has gone.
"""

from __future__ import annotations

import asyncio
import re
import secrets

import hiredis
import structlog
from prometheus_client import Counter, Gauge

from gateway.edge import background
from gateway.edge.market_feed import MarketFeed

EXPIRY_S = 3_600
REFRESH_INTERVAL_S = EXPIRY_S / 4
RETRY_S = 0.25
UNWRITTEN_MAX = 20_000
"""While Redis is away: beyond that the session that was left first is forgotten."""

KEY_PREFIX = "agio:session:"
TOKEN = re.compile(r"[\w-]{24}", re.ASCII)

OPEN = Gauge("agio_gateway_kept_sessions", "Open market data sessions that are kept in Redis")
RESUMED = Counter("agio_gateway_resumed_sessions", "Market data sessions that went on here")

log = structlog.get_logger("gateway")


class KeptSessions:
    """Writes the sessions that change, all that gathered at once, and finds those of others.

    It shares the feed's connection to Redis. While that is away changes wait, and nobody resumes.
    """

    expiry_s = EXPIRY_S

    def __init__(self, feed: MarketFeed) -> None:
        self._feed = feed
        self._open: dict[str, list[str]] = {}
        self._unwritten: dict[str, list[str]] = {}
        self._writing: dict[str, list[str]] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = background.start(self._run(), "kept sessions")

    async def stop(self) -> None:
        """Stop; what has changed is written, if Redis is there."""
        if self._task is not None:
            await background.stop(self._task)
            await self._write()

    def begin(self) -> str:
        """Return a new session's token, which nobody can guess."""
        return secrets.token_urlsafe(18)

    def keep(self, token: str, names: list[str]) -> None:
        """Keep what an open session has subscribed to by now."""
        self._open[token] = self._unwritten[token] = names
        OPEN.set(len(self._open))
        self._changed.set()

    def leave(self, token: str) -> None:
        """Keep a session whose connection has gone until it expires."""
        if token in self._open:
            self._unwritten[token] = self._open.pop(token)
            if len(self._unwritten) > UNWRITTEN_MAX:
                del self._unwritten[
                    next(each for each in self._unwritten if each not in self._open)
                ]
            OPEN.set(len(self._open))
            self._changed.set()

    async def find(self, token: str) -> list[str] | None:
        """Return what a session had subscribed to; None if it is unknown, or Redis is away."""
        for known in (self._unwritten, self._writing, self._open):
            if token in known:
                return known[token]
        link = self._feed.link
        if link is None or not TOKEN.fullmatch(token):
            return None
        try:
            [names] = await link.fetch([KEY_PREFIX + token])
        except (OSError, TimeoutError, hiredis.HiredisError):
            return None
        if names is None:
            return None
        RESUMED.inc()
        return [name for name in names.decode().split("/") if name]

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(REFRESH_INTERVAL_S):
                    await self._changed.wait()
            except TimeoutError:
                self._unwritten |= self._open  # or they would expire
            self._changed.clear()
            if not await self._write():
                await asyncio.sleep(RETRY_S)
                self._changed.set()

    async def _write(self) -> bool:
        """Write what has changed; return whether that was done."""
        link = self._feed.link
        if link is None:
            return not self._unwritten
        self._writing, self._unwritten = self._unwritten, {}
        try:
            await asyncio.gather(
                *(
                    link.store(KEY_PREFIX + token, "/".join(names), EXPIRY_S)
                    for token, names in self._writing.items()
                )
            )
        except (OSError, TimeoutError, hiredis.HiredisError) as error:
            log.warning("sessions not kept", reason=f"{type(error).__name__}: {error}")
            self._unwritten = self._writing | self._unwritten
            return False
        finally:
            self._writing = {}
        return True
