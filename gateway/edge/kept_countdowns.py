"""Countdowns kept in Redis, so that no gateway takes them with it.

They are one sorted set, `agio:countdowns`: whose orders and in which symbol, by the time at which
they are to be canceled, in milliseconds by that server's clock. A client renews at any gateway, and
any gateway carries out what is due: it claims it by putting it off for a second, cancels, and
forgets it once that is done. If it dies in between, another one claims it then. A cancel that
comes twice finds nothing to cancel.

While Redis is away, each gateway goes by what it was asked for itself. What a client has ended at
one of them it must not go by at another: ends are kept beside, by their time, for a day, and each
gateway forgets what it reads there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol

import hiredis
import structlog

from gateway.countdowns import Countdowns, Target
from gateway.edge import background
from gateway.edge.market_feed import MarketFeed
from gateway.json_api import requests as r
from gateway.json_api.errors import refusal
from gateway.json_orders import Answer
from vocabulary.catalogue import Catalogue
from vocabulary.rejects import RejectReason

KEY = "agio:countdowns"
INTERVAL_S = 0.1
ANSWER_S_MAX = 1.0
SETTLE_S = 2.0
"""After Redis was away: until then gateways tell it what was renewed meanwhile."""

SET, RAISE, FORGET = "set", "raise", "forget"

# Steps, each of three words: `set TARGET MS_LEFT`, 0 for an end; `raise TARGET MS_LEFT`, unless it
# is to end later or was ended; `forget TARGET TIME`, if that is still its time. Before them stand
# whether to claim, and since when to tell what was ended.
_SHARE = """
local ended = KEYS[1] .. ':ended'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for index = 3, #ARGV, 3 do
    local step, target, number = ARGV[index], ARGV[index + 1], tonumber(ARGV[index + 2])
    if step == 'raise' then
        if not redis.call('ZSCORE', ended, target) then
            redis.call('ZADD', KEYS[1], 'GT', now + number, target)
        end
    elseif step == 'set' and number > 0 then
        redis.call('ZADD', KEYS[1], now + number, target)
        redis.call('ZREM', ended, target)
    elseif step == 'set' then
        redis.call('ZREM', KEYS[1], target)
        redis.call('ZADD', ended, now, target)
    elseif tonumber(redis.call('ZSCORE', KEYS[1], target)) == number then
        redis.call('ZREM', KEYS[1], target)
    end
end
local due = {}
if ARGV[1] == 'claim' then
    due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 1000)
    for _, target in ipairs(due) do redis.call('ZADD', KEYS[1], now + 1000, target) end
end
redis.call('ZREMRANGEBYSCORE', ended, '-inf', now - 86400000)
local heard = redis.call('ZRANGEBYSCORE', ended, ARGV[2], '+inf')
return {string.format('%.0f', now + 1000), due, string.format('%.0f', now), heard}
"""

log = structlog.get_logger("gateway")


class Cancel(Protocol):
    """Cancels all orders of a target; `done` is told whether that was executed."""

    def __call__(self, target: Target, now_ns: int, done: Callable[[bool], None]) -> None: ...


class KeptCountdowns:
    """Sets countdowns, and cancels when one is over. It shares the feed's connection to Redis."""

    def __init__(self, feed: MarketFeed, catalogue: Catalogue, cancel: Cancel) -> None:
        self._feed = feed
        self._catalogue = catalogue
        self._cancel = cancel
        self._own = Countdowns()
        self._link: object = None  # the connection by which Redis was told all that we know
        self._claims_from_s = 0.0
        self._heard_until = "0"  # by Redis's clock
        self._unshared: dict[Target, str] = {}
        self._done: list[tuple[Target, str]] = []
        self._answers: list[Callable[[], None]] = []
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = background.start(self._run(), "countdowns")

    async def stop(self) -> None:
        """Stop; what runs is left to other gateways, or to the next start."""
        if self._task is not None:
            await background.stop(self._task)
            with suppress(OSError, TimeoutError, hiredis.HiredisError):
                await self._share()

    def set(
        self, account_id: int, request: r.CountdownCancelAll, now_ns: int, answer: Answer
    ) -> None:
        """Cancel all of the account's orders in a symbol later, unless this is renewed.

        Answered once Redis has it, or is found to be away. Raises `ApiError`.
        """
        if request.symbol not in self._catalogue.instrument_by_symbol:
            raise refusal(RejectReason.UNKNOWN_INSTRUMENT)
        target = Target(account_id, request.symbol)
        self._own.set(target, request.countdown_time, now_ns)
        self._unshared[target] = SET
        told = {"symbol": request.symbol, "countdownTime": str(request.countdown_time)}
        self._answers.append(partial(answer, told))
        self._changed.set()

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL_S):
                    await self._changed.wait()
            self._changed.clear()
            await self._turn()

    async def _turn(self) -> None:
        """Tell Redis what has changed, cancel what is due, answer."""
        answers, self._answers = self._answers, []
        try:
            claimed = await self._share()
        except (OSError, TimeoutError, hiredis.HiredisError) as error:
            if self._link is not None:
                log.warning("countdowns not shared", reason=f"{type(error).__name__}: {error}")
            self._link = None
            claimed = None
        now_ns = time.time_ns()
        due = self._own.take_due(now_ns)  # what Redis has, it tells itself when it is due
        if claimed is None:
            for target in due:
                self._cancel(target, now_ns, partial(self._tried_alone, target))
        else:
            for target, until_ms in claimed:
                log.info("countdown over", account_id=target.account_id, symbol=target.symbol)
                self._cancel(target, now_ns, partial(self._tried, target, until_ms))
        for answer in answers:
            answer()

    async def _share(self) -> list[tuple[Target, str]]:
        """Return what is due for us to cancel, and until when it is ours. Raises what links do."""
        link = self._feed.link
        if link is None:
            raise ConnectionError("Redis is away")
        if link is not self._link:
            self._claims_from_s = time.monotonic() + SETTLE_S
            self._unshared = dict.fromkeys(self._own, RAISE) | self._unshared
        told, self._unshared = self._unshared, {}
        done, self._done = self._done, []
        now_ns = time.time_ns()
        words = ["claim" if time.monotonic() >= self._claims_from_s else "wait", self._heard_until]
        for target, step in told.items():
            words += step, target.text(), str(self._own.left_ms(target, now_ns))
        for target, until_ms in done:
            words += FORGET, target.text(), until_ms
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                until, due, now, ended = await link.evaluate(_SHARE, KEY, *words)
        except BaseException:
            self._unshared = told | self._unshared
            self._done = done + self._done
            raise
        self._link, self._heard_until = link, now.decode()
        for target in map(Target.parse, map(bytes.decode, ended)):
            if target not in self._unshared:  # else it was set again, since we asked
                self._own.set(target, 0, now_ns)
        return [(Target.parse(text.decode()), until.decode()) for text in due]

    def _tried(self, target: Target, until_ms: str, is_done: bool) -> None:
        if is_done:  # else it is due again when the claim ends
            self._done.append((target, until_ms))

    def _tried_alone(self, target: Target, is_done: bool) -> None:
        if not is_done:
            self._own.retry(target, time.time_ns())
