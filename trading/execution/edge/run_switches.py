"""The kill switches of a run and what its accounts had at its beginning, where all instances look.

Two hashes in Redis or Valkey: `agio:execution:RUN:killed`, strategy or `*` -> why, and
`agio:execution:RUN:opening`, `STRATEGY ASSET` -> smallest units. Without Redis there are no leases
either, so nobody sends orders that a switch should have stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trading.leases.edge.redis_client import redis_client


class RunSwitches:
    """All methods may raise `redis.exceptions.RedisError`, `OSError` or `TimeoutError`."""

    def __init__(self, url: str, run: str) -> None:
        self._redis: Any = redis_client(
            url, decode_responses=True, socket_timeout=1.0, socket_connect_timeout=1.0
        )
        self._killed = f"agio:execution:{run}:killed"
        self._opening = f"agio:execution:{run}:opening"

    async def close(self) -> None:
        await self._redis.aclose()

    async def pulled(self) -> dict[str, str]:
        """Return who is stopped, and why."""
        found: dict[str, str] = await self._redis.hgetall(self._killed)
        return found

    async def pull(self, name: str, reason: str) -> None:
        """Stop a strategy, or all; the first reason stands."""
        await self._redis.hsetnx(self._killed, name, reason)

    async def revive(self, name: str) -> bool:
        """Let a strategy, or all, go on; say whether it was stopped."""
        removed: int = await self._redis.hdel(self._killed, name)
        return bool(removed)

    async def opening(self, strategy: str, found: Mapping[str, int]) -> dict[str, int]:
        """Return what the account had at the run's beginning; `found` counts where nobody knows."""
        for asset, units in found.items():
            await self._redis.hsetnx(self._opening, f"{strategy} {asset}", str(units))
        stored: dict[str, str] = await self._redis.hgetall(self._opening)
        return {asset: int(stored[f"{strategy} {asset}"]) for asset in found}
