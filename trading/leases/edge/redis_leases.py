"""The leases in Redis or Valkey: two hashes per group, changed by one script, by its own clock.

`agio:GROUP:members`: name -> `EXPIRES_US ADDRESS`. `agio:GROUP:leases`: lease -> `TOKEN EXPIRES_US
HOLDER`; an entry is never deleted, so its token only rises. A token is also never lower than the
clock in microseconds: a store that was emptied goes on above what it gave before.

One server decides. A store that fails over to a replica may have forgotten the last leases, and two
may hold one for its time to live: the token tells whose word counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from trading.leases.edge.redis_client import redis_client
from trading.leases.lease_store import Beat, LeaseStoreError, Member

ANSWER_S_MAX = 0.25  # less than half a time to live: a lost answer leaves time for another beat

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
"""

# The hashes, the member's name and address, the time to live in microseconds, the leases wanted.
_BEAT = (
    _NOW
    + """
local me, expires = ARGV[1], now + ARGV[3]
local function digits(number) return string.format('%.0f', number) end

redis.call('HSET', KEYS[1], me, digits(expires) .. ' ' .. ARGV[2])
local members = {}
local fields = redis.call('HGETALL', KEYS[1])
for index = 1, #fields, 2 do
    local ends, address = string.match(fields[index + 1], '^(%d+) (.*)$')
    if tonumber(ends) > now then
        table.insert(members, fields[index])
        table.insert(members, address)
    else
        redis.call('HDEL', KEYS[1], fields[index])
    end
end

local wanted = {}
for index = 4, #ARGV do wanted[ARGV[index]] = true end
local tokens = {}
local leases = redis.call('HGETALL', KEYS[2])
for index = 1, #leases, 2 do
    local lease = leases[index]
    local token, ends, holder = string.match(leases[index + 1], '^(%d+) (%d+) (.*)$')
    token, ends = tonumber(token), tonumber(ends)
    if holder == me and not wanted[lease] then
        redis.call('HSET', KEYS[2], lease, digits(token) .. ' 0 ')
    elseif wanted[lease] then
        wanted[lease] = nil
        if ends <= now then
            token = math.max(token + 1, now)
            holder = me
        end
        if holder == me then
            redis.call('HSET', KEYS[2], lease, digits(token) .. ' ' .. digits(expires) .. ' ' .. me)
            table.insert(tokens, lease)
            table.insert(tokens, digits(token))
        end
    end
end
for lease in pairs(wanted) do
    redis.call('HSET', KEYS[2], lease, digits(now) .. ' ' .. digits(expires) .. ' ' .. me)
    table.insert(tokens, lease)
    table.insert(tokens, digits(now))
end
return {digits(now), members, tokens}
"""
)

_MEMBERS = (
    _NOW
    + """
local members = {}
local fields = redis.call('HGETALL', KEYS[1])
for index = 1, #fields, 2 do
    local ends, address = string.match(fields[index + 1], '^(%d+) (.*)$')
    if tonumber(ends) > now then
        table.insert(members, fields[index])
        table.insert(members, address)
    end
end
return members
"""
)


class RedisLeases:
    """A `LeaseStore`; `group` is what its members have in common, such as `alpha:RUN`."""

    def __init__(self, url: str, group: str) -> None:
        # A beat is never sent again by the client: a late one is worth nothing. Timeouts are ours:
        # redis-py waits with `wait_for`, which before Python 3.12 may swallow a cancellation.
        self._redis: Any = redis_client(
            url,
            decode_responses=True,
            socket_timeout=None,
            socket_connect_timeout=None,
            retry=Retry(NoBackoff(), 0),
        )
        # In braces, so that both keys are on one node of a cluster.
        self._keys = [f"agio:{{{group}}}:members", f"agio:{{{group}}}:leases"]
        self._beat = self._redis.register_script(_BEAT)
        self._members = self._redis.register_script(_MEMBERS)

    async def close(self) -> None:
        await self._redis.aclose()

    async def beat(self, member: Member, wanted: Collection[str], ttl_ms: int) -> Beat:
        args: list[str | int] = [*member, ttl_ms * 1_000, *wanted]
        now_us, members, tokens = await self._answer(self._beat(self._keys, args))
        held = {name: int(token) for name, token in _pairs(tokens)}
        return Beat(int(now_us), _as_members(members), held)

    async def leave(self, member: Member) -> None:
        # Who lives no longer is gone at once.
        await self.beat(member, (), 0)

    async def members(self) -> tuple[Member, ...]:
        return _as_members(await self._answer(self._members(self._keys)))

    async def tokens(self) -> dict[str, int]:
        leases = await self._answer(self._redis.hgetall(self._keys[1]))
        return {name: int(value.split(" ", 1)[0]) for name, value in leases.items()}

    async def _answer(self, question: Any) -> Any:
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                return await question
        except (RedisError, OSError, TimeoutError) as error:
            raise LeaseStoreError(f"{type(error).__name__}: {error}") from error


def _pairs(flat: list[str]) -> list[tuple[str, str]]:
    return list(zip(flat[::2], flat[1::2], strict=True))


def _as_members(flat: list[str]) -> tuple[Member, ...]:
    return tuple(sorted(Member(*pair) for pair in _pairs(flat)))
