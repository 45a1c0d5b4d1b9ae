"""Market data through a Redis cluster, by an ACL user, and over TLS: publisher and feed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import redis

from agio.embedded_valkey import EmbeddedValkey
from gateway.edge.kept_countdowns import KEY
from tests.gateway.edge.certificates import Authority
from tests.gateway.edge.small_venue import small_venue
from tests.gateway.edge.test_kept_countdowns import count_down, place, until_none_is_open
from tests.gateway.edge.test_market_feed import Subscriber, trade_some
from tests.marketdata.live_venue import LiveVenue, eventually, live_venue
from tests.marketdata.scripted_venue import ETHUSDT
from tests.valkey_cluster import PASSWORD, ValkeyCluster, valkey_cluster
from vocabulary.redis_cluster import slot, tagged


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyCluster]:
    with valkey_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@asynccontextmanager
async def fed(directory: Path, redis_url: str) -> AsyncIterator[tuple[LiveVenue, Subscriber]]:
    async with live_venue(directory, redis_url) as venue:
        subscriber = Subscriber(redis_url)
        await subscriber.feed.start()
        try:
            await subscriber.catch_up(venue)
            yield venue, subscriber
        finally:
            await subscriber.feed.stop()


async def test_a_symbols_channels_and_snapshots_are_on_one_server_of_a_cluster(
    cluster: ValkeyCluster, tmp_path: Path
) -> None:
    owners = {cluster.owner(slot(tagged(f"agio:depth:{name}"))) for name in ("BTCUSDT", "ETHUSDT")}
    assert len(owners) == 2, "these two symbols are on two servers"
    async with fed(tmp_path, cluster.url()) as (venue, subscriber):
        venue.script.list_instrument(ETHUSDT, b"ETHUSDT", 2)
        for _ in range(5):
            trade_some(venue, 4)
            await subscriber.catch_up(venue)
        assert subscriber.feed.gaps == 0
        assert subscriber.client_book.bids.lots == subscriber.feed.books["BTCUSDT"].bids.lots
        subscriber.feed.track("ETHUSDT")
        await eventually(lambda: subscriber.feed.ready)
        keys = [cluster.ask(number, "KEYS", "agio:snapshot:*") for number in range(3)]
        for symbol in ("BTCUSDT", "ETHUSDT"):
            number = cluster.owner(slot(f"{{{symbol}}}"))
            there = [key for key in keys[number] if key.endswith(f"{{{symbol}}}".encode())]
            assert len(there) == 10
        assert sum(map(len, keys)) == 20


async def test_a_slot_that_moves_takes_the_market_data_along(
    cluster: ValkeyCluster, tmp_path: Path
) -> None:
    moved = slot("{BTCUSDT}")
    before = cluster.owner(moved)
    async with fed(tmp_path, cluster.url()) as (venue, subscriber):
        keys = cluster.ask(before, "KEYS", "*{BTCUSDT}")
        cluster.ask(before, "DEL", *keys)
        try:
            cluster.move(moved, (before + 1) % 3)
            trade_some(venue, 4)
            await subscriber.catch_up(venue)
            assert cluster.ask((before + 1) % 3, "EXISTS", tagged("agio:snapshot:depth:BTCUSDT"))
        finally:
            await venue.publisher.stop()
            cluster.ask((before + 1) % 3, "FLUSHALL")
            cluster.move(moved, before)


async def test_a_user_of_market_data_alone_is_enough(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "valkey" / "server.log", PASSWORD) as valkey:
        with redis.Redis.from_url(valkey.url()) as client:
            client.execute_command(
                "ACL", "SETUSER", "market", "on", ">p@ss:word/", "~agio:*", "&agio:*",
                "-@all", "+@connection", "+@pubsub", "+set", "+exists", "+mget", "+get",
            )  # fmt: skip
        url = f"redis://market:p%40ss%3Aword%2F@127.0.0.1:{valkey.port}/0"
        async with fed(tmp_path, url) as (venue, subscriber):
            trade_some(venue, 4)
            await subscriber.catch_up(venue)
            with redis.Redis.from_url(valkey.url()) as client:
                names = {entry["user"] for entry in client.client_list()}
            assert "market" in names


async def test_a_server_behind_tls_is_known_by_its_authority(
    tmp_path: Path, redis_url: str
) -> None:
    authority = Authority(tmp_path)
    async with tls_before(redis_url, *authority.issue("valkey")) as port:
        password = redis_url.partition("@")[0].rpartition(":")[2]
        url = f"rediss://default:{password}@127.0.0.1:{port}/0"
        async with fed(tmp_path, f"{url}?ssl_ca_certs={authority.file}") as (venue, subscriber):
            trade_some(venue, 4)
            await subscriber.catch_up(venue)
        stranger = Subscriber(url)  # by the system's authorities, of which ours is none
        await stranger.feed.start()
        await asyncio.sleep(0.3)
        assert stranger.feed.health()["redis_connected"] is False
        await stranger.feed.stop()


@asynccontextmanager
async def tls_before(redis_url: str, certificate: Path, key: Path) -> AsyncIterator[int]:
    """Put TLS before a Valkey: the embedded one is built without. Give the port."""
    port = int(redis_url.rpartition(":")[2].partition("/")[0])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    tasks = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        for pair in ((reader, inner_writer), (inner_reader, writer)):
            tasks.add(asyncio.create_task(carry(*pair)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_countdowns_are_kept_in_a_cluster_and_end_there(
    cluster: ValkeyCluster, tmp_path: Path
) -> None:
    async with small_venue(tmp_path, cluster.url()) as venue:
        port = venue.gateway.json.rest.port
        await place(port)
        await count_down(port, 1_500)
        number = cluster.owner(slot(tagged(KEY)))
        await eventually(lambda: cluster.ask(number, "ZCARD", tagged(KEY)) == 1)
        await until_none_is_open(port)
