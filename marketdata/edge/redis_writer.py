"""Connections to Redis on which the publisher writes: one server, or all of a cluster's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

import hiredis
from redis.asyncio import Redis
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from marketdata.channel import Writes
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

Command = tuple[str | bytes, ...]
Heartbeats = Callable[[str | None], bytes]
"""Makes the heartbeat of a symbol, or None: of all."""

REDIS_TIMEOUT_S = 5.0


class RedisWriter(Protocol):
    """All methods raise `RedisError`, `OSError` or `TimeoutError`, and then `close` is next."""

    async def connect(self) -> None: ...

    async def write(self, writes: Writes) -> None:
        """Publish messages, then set snapshots; return when all that was done."""

    async def beat(self, heartbeat: Heartbeats, keys: dict[str, list[str]]) -> int:
        """Publish where channels stand, behind their messages; return how many keys there are."""

    async def close(self) -> None: ...


class SingleWriter:
    """One server: channels and keys have the names that `vocabulary.market_data` gives."""

    def __init__(self, url: str) -> None:
        self._node = _Node(url)

    async def connect(self) -> None:
        await self._node.connect()

    async def write(self, writes: Writes) -> None:
        commands: list[Command] = [("PUBLISH", channel, data) for channel, data in writes.messages]
        commands += [("SET", key, data) for key, data in writes.snapshots]
        await self._node.execute(commands)

    async def beat(self, heartbeat: Heartbeats, keys: dict[str, list[str]]) -> int:
        commands: list[Command] = [("PUBLISH", HEARTBEAT_CHANNEL, heartbeat(None))]
        if wanted := [key for of_symbol in keys.values() for key in of_symbol]:
            commands.append(("EXISTS", *wanted))
        replies = await self._node.execute(commands)
        return int(replies[-1]) if wanted else 0

    async def close(self) -> None:
        await self._node.close()


class ClusterWriter:
    """A cluster: sharded channels, beside their snapshots on the server of the symbol's slot.

    When a slot moves, or a server is replaced, a write fails: then everything is connected anew by
    what the cluster says by then.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._nodes: dict[tuple[str, int], _Node] = {}
        self._owners: dict[int, tuple[str, int]] = {}

    async def connect(self) -> None:
        self._owners = await self._find_owners()
        for address in set(self._owners.values()):
            self._nodes[address] = node = _Node(node_url(self._url, *address))
            await node.connect()

    async def write(self, writes: Writes) -> None:
        commands: list[tuple[str, Command]] = []
        for name, data in writes.messages:
            commands.append((name, ("SPUBLISH", tagged(name), data)))
        for name, data in writes.snapshots:
            commands.append((name, ("SET", tagged(name), data)))
        await self._execute(commands)

    async def beat(self, heartbeat: Heartbeats, keys: dict[str, list[str]]) -> int:
        commands: list[tuple[str, Command]] = [
            (symbol, ("SPUBLISH", heartbeat_channel(symbol), heartbeat(symbol))) for symbol in keys
        ]
        await self._execute(commands)
        counts = await self._execute(
            [(symbol, ("EXISTS", *map(tagged, names))) for symbol, names in keys.items()]
        )
        return sum(counts)

    async def close(self) -> None:
        nodes, self._nodes = self._nodes, {}
        for node in nodes.values():
            await node.close()

    async def _find_owners(self) -> dict[int, tuple[str, int]]:
        """Ask the named hosts in turn who has which slots. Raises the last one's failure."""
        failure: Exception | None = None
        for seed in seed_urls(self._url):
            node = _Node(seed)
            try:
                await node.connect()
                [reply] = await node.execute([("CLUSTER", "SLOTS")])
                return slot_owners(reply, urlsplit(seed).hostname or "")
            except (RedisError, OSError, TimeoutError) as error:
                failure = error
            finally:
                await node.close()
        assert failure is not None
        raise failure

    async def _execute(self, commands: Sequence[tuple[str, Command]]) -> list[Any]:
        """Send each server the commands about its symbols; return the replies, in no order.

        A name is a symbol, or ends in one.
        """
        by_node: dict[tuple[str, int], list[Command]] = {}
        for name, command in commands:
            symbol = name.rpartition(":")[2]
            owner = self._owners.get(slot(f"{{{symbol}}}"))
            if owner is None:
                raise RedisError(f"the cluster has nobody for {symbol}")
            by_node.setdefault(owner, []).append(command)
        replies = await asyncio.gather(
            *(self._nodes[owner].execute(some) for owner, some in by_node.items())
        )
        return [reply for some in replies for reply in some]


class _Node:
    """One connection to one server."""

    def __init__(self, url: str) -> None:
        # Timeouts are ours: redis-py's make a task of each write, and Python 3.11's wait_for, which
        # they use, may lose a cancellation.
        self._redis = Redis.from_url(
            url, socket_timeout=None, socket_connect_timeout=None, retry=Retry(NoBackoff(), 0)
        )
        self._connection: Connection | None = None

    async def connect(self) -> None:
        pool = self._redis.connection_pool
        self._connection = pool.make_connection()  # type: ignore[no-untyped-call]
        assert self._connection is not None
        async with asyncio.timeout(REDIS_TIMEOUT_S):
            await self._connection.connect()

    async def execute(self, commands: list[Command]) -> list[Any]:
        """Send all commands in one write and return their replies.

        redis-py's pipeline does the same at twice the cost: it takes a connection from its pool,
        and packs each argument in Python.
        """
        connection = self._connection
        assert connection is not None, "not connected"
        packed = [hiredis.pack_command(command) for command in commands]  # type: ignore[arg-type]
        async with asyncio.timeout(REDIS_TIMEOUT_S):
            await connection.send_packed_command(b"".join(packed))
            return [await connection.read_response() for _ in commands]

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)
        await self._redis.aclose()


def open_writer(url: str) -> RedisWriter:
    """Return the writer of `redis[s]://…`, or of `redis[s]+cluster://…`; not connected."""
    return ClusterWriter(url) if is_cluster(url) else SingleWriter(url)
