"""The feed's connections to a cluster of Redis servers, as if they were one.

`vocabulary.redis_cluster` says where what lies.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any, Protocol
from urllib.parse import urlsplit

import hiredis

from gateway.edge.redis_link import OnMessage, RedisLink, connect
from vocabulary.market_data import HEARTBEAT_CHANNEL
from vocabulary.redis_cluster import (
    heartbeat_channel,
    is_cluster,
    node_url,
    seed_urls,
    slot,
    slot_owners,
    tagged,
)


class FeedLink(Protocol):
    """What the feed needs of one Redis, or of a cluster. Names are those of one Redis."""

    closed: asyncio.Event

    def subscribe(self, channels: list[str]) -> None:
        """Subscribe to channels, and where they are of a symbol to its heartbeat."""

    async def fetch(self, keys: list[str]) -> list[bytes | None]: ...

    async def store(self, key: str, value: str, expiry_s: int) -> None: ...

    async def evaluate(self, script: str, key: str, *arguments: str) -> Any: ...

    async def ping(self) -> None: ...

    def close(self) -> None: ...


class ClusterLink:
    """A link to each server that has slots. With one of them all are closed."""

    def __init__(self, owners: dict[int, tuple[str, int]]) -> None:
        self.closed = asyncio.Event()
        self._owners = owners
        self._links: dict[tuple[str, int], RedisLink] = {}
        self._watchers: list[asyncio.Task[None]] = []

    async def connect(self, url: str, on_message: OnMessage) -> None:
        def receive(name: bytes, data: bytes) -> None:
            on_message(name.replace(b"{", b"").replace(b"}", b""), data)

        for address in set(self._owners.values()):
            link = await connect(node_url(url, *address), receive)
            self._links[address] = link
            self._watchers.append(asyncio.create_task(self._close_with(link)))

    def subscribe(self, channels: list[str]) -> None:
        by_symbol: defaultdict[str, list[str]] = defaultdict(list)
        for name in channels:
            if name != HEARTBEAT_CHANNEL:
                by_symbol[name.rpartition(":")[2]].append(tagged(name))
        for symbol, names in by_symbol.items():
            link = self._link_of(names[0])
            link.subscribe([*names, heartbeat_channel(symbol)], "SSUBSCRIBE")

    async def fetch(self, keys: list[str]) -> list[bytes | None]:
        """Return the values of keys. Raises what `RedisLink.execute` does."""
        return list(await asyncio.gather(*(self._get(tagged(key)) for key in keys)))

    async def store(self, key: str, value: str, expiry_s: int) -> None:
        """Set a key for so long. Raises what `RedisLink.execute` does."""
        name = tagged(key)
        await self._link_of(name).store(name, value, expiry_s)

    async def evaluate(self, script: str, key: str, *arguments: str) -> Any:
        """Run a script on a key. Raises what `RedisLink.execute` does."""
        name = tagged(key)
        return await self._link_of(name).evaluate(script, name, *arguments)

    async def ping(self) -> None:
        """Return when all have answered. Raises what `RedisLink.execute` does."""
        await asyncio.gather(*(link.ping() for link in self._links.values()))

    def close(self) -> None:
        for watcher in self._watchers:
            watcher.cancel()
        for link in self._links.values():
            link.close()
        self.closed.set()

    async def _get(self, key: str) -> bytes | None:
        value: bytes | None = await self._link_of(key).execute("GET", key)
        return value

    def _link_of(self, name: str) -> RedisLink:
        owner = self._owners.get(slot(name))
        if owner is None:
            raise ConnectionError(f"the cluster has nobody for {name}")
        return self._links[owner]

    async def _close_with(self, link: RedisLink) -> None:
        await link.closed.wait()
        self.close()


async def connect_feed(url: str, on_message: OnMessage) -> FeedLink:
    """Connect to one Redis, or to a cluster by what its first host that answers says of it.

    Raises what `gateway.edge.redis_link.connect` does.
    """
    if not is_cluster(url):
        return await connect(url, on_message)
    link = ClusterLink(await _find_owners(url))
    try:
        await link.connect(url, on_message)
    except BaseException:
        link.close()
        raise
    return link


async def _find_owners(url: str) -> dict[int, tuple[str, int]]:
    failure: Exception | None = None
    for seed in seed_urls(url):
        try:
            link = await connect(seed, lambda _name, _data: None)
        except (OSError, TimeoutError, hiredis.HiredisError) as error:
            failure = error
            continue
        try:
            reply = await link.execute("CLUSTER", "SLOTS")
            return slot_owners(reply, urlsplit(seed).hostname or "")
        finally:
            link.close()
    assert failure is not None
    raise failure
