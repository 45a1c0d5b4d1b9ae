"""Feed processes: market data alone, and sessions that go on from one to another."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.frames import CloseCode

from gateway.edge import kept_sessions
from gateway.edge.feed_service import FeedService
from gateway.json_api import stream_session
from tests.gateway.edge.test_market_feed import trade_some
from tests.marketdata.live_venue import LiveVenue, eventually, live_venue
from tests.valkey_cluster import valkey_cluster

PATIENCE_S = 10.0


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[LiveVenue]:
    async with live_venue(tmp_path, redis_url) as running:
        yield running


@asynccontextmanager
async def feed(venue: LiveVenue, port: int = 0) -> AsyncIterator[FeedService]:
    service = FeedService(
        matching_address=venue.address, redis_url=venue.redis_url, host="127.0.0.1", port=port
    )
    await service.start()
    await eventually(lambda: service.health()["ready"] is True)
    try:
        yield service
    finally:
        await service.stop()


def url(service: FeedService, path: str) -> str:
    return f"ws://127.0.0.1:{service.websocket.port}{path}"


async def receive(client: ClientConnection) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        return json.loads(await client.recv())


async def ask(client: ClientConnection, method: str, *params: str) -> Any:
    """Send a request and return its answer; market data in between is passed over."""
    number = random.randrange(2**31)
    await client.send(json.dumps({"method": method, "params": params, "id": number}))
    while True:
        answer = await receive(client)
        if answer.get("id") == number:
            return answer["result"]


async def next_trade(client: ClientConnection) -> Any:
    while (message := await receive(client)).get("e") != "trade":
        pass
    return message["t"]


async def test_it_serves_market_data_and_nothing_else(venue: LiveVenue) -> None:
    async with feed(venue) as service:
        async with websockets.connect(url(service, "/ws/btcusdt@trade")) as client:
            trade_some(venue, 1)
            await venue.carry_out()
            assert await next_trade(client) == 1
        with pytest.raises(websockets.InvalidStatus, match="404"):
            await websockets.connect(url(service, "/ws-api/v3"))


async def test_a_client_goes_on_at_another_process(venue: LiveVenue) -> None:
    async with feed(venue) as second:
        async with feed(venue) as first:
            client = await websockets.connect(url(first, "/ws/btcusdt@depth"))
            told = await ask(client, "SESSION")
            assert told["expiresIn"] == kept_sessions.EXPIRY_S
            assert await ask(client, "SUBSCRIBE", "btcusdt@trade", "btcusdt@kline_1m") is None
            assert await ask(client, "UNSUBSCRIBE", "btcusdt@depth") is None
        with pytest.raises(websockets.ConnectionClosed):  # its process has gone
            await next_trade(client)
        path = f"/ws?session={told['session']}"
        async with websockets.connect(url(second, path)) as client:
            streams = ["btcusdt@trade", "btcusdt@kline_1m"]
            expected = {"session": told["session"], "streams": streams}
            assert await receive(client) == {"result": expected, "id": None}
            trade_some(venue, 1)
            await venue.carry_out()
            assert await next_trade(client) == 1
            # It is the same session: what changes here is kept, too, under the same token.
            assert (await ask(client, "SESSION"))["session"] == told["session"]
            await ask(client, "SUBSCRIBE", "btcusdt@ticker")
        async with websockets.connect(url(second, path.replace("/ws", "/stream"))) as client:
            assert (await receive(client))["result"]["streams"] == [*streams, "btcusdt@ticker"]


async def test_a_session_expires_an_hour_after_its_connection(venue: LiveVenue) -> None:
    async with feed(venue) as service:
        async with websockets.connect(url(service, "/ws")) as client:
            token = (await ask(client, "SESSION"))["session"]
        # A connection's end writes the session once more.
        await eventually(lambda: service.websocket.health()["connections"] == 0)
        await asyncio.sleep(0.1)
        key = f"agio:session:{token}"
        with redis.Redis.from_url(venue.redis_url) as client_of_redis:
            await eventually(lambda: bool(client_of_redis.exists(key)))
            assert 3_500 < int(client_of_redis.ttl(key)) <= 3_600
            client_of_redis.delete(key)
        await is_refused(service, token)


async def test_an_open_session_does_not_expire(
    venue: LiveVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_sessions, "EXPIRY_S", 2)
    monkeypatch.setattr(kept_sessions, "REFRESH_INTERVAL_S", 0.2)
    async with (
        feed(venue) as service,
        websockets.connect(url(service, "/ws/btcusdt@trade")) as client,
    ):
        token = (await ask(client, "SESSION"))["session"]
        await asyncio.sleep(2.5)
        async with websockets.connect(url(service, f"/ws?session={token}")) as other:
            assert (await receive(other))["result"]["streams"] == ["btcusdt@trade"]


@pytest.mark.parametrize("token", ["A" * 24, "short", "btcusdt%40trade", "*" * 24])
async def test_an_unknown_session_is_refused(venue: LiveVenue, token: str) -> None:
    async with feed(venue) as service:
        await is_refused(service, token)


async def test_a_session_of_more_streams_than_may_be_is_refused(
    venue: LiveVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with feed(venue) as service:
        async with websockets.connect(url(service, "/ws/btcusdt@trade/btcusdt@depth")) as client:
            token = (await ask(client, "SESSION"))["session"]
        monkeypatch.setattr(stream_session, "SUBSCRIPTIONS_MAX", 1)
        async with websockets.connect(url(service, f"/ws?session={token}")) as client:
            with pytest.raises(websockets.ConnectionClosedError) as closed:
                await receive(client)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == CloseCode.POLICY_VIOLATION
    assert closed.value.rcvd.reason == "More than 1 subscriptions."


async def is_refused(service: FeedService, token: str) -> None:
    async with websockets.connect(url(service, f"/ws?session={token}")) as client:
        with pytest.raises(websockets.ConnectionClosedError) as closed:
            await receive(client)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == CloseCode.POLICY_VIOLATION
    assert closed.value.rcvd.reason == "session unknown or expired"


async def test_processes_of_one_machine_share_a_port(venue: LiveVenue) -> None:
    async with feed(venue) as first, feed(venue, first.websocket.port) as second:
        clients = [await websockets.connect(url(first, "/ws/btcusdt@trade")) for _ in range(24)]
        counts = [int(str(one.websocket.health()["connections"])) for one in (first, second)]
        assert sum(counts) == 24
        assert 0 not in counts
        trade_some(venue, 1)
        await venue.carry_out()
        assert [await next_trade(client) for client in clients] == [1] * 24
        for client in clients:
            await client.close()


async def test_sessions_are_kept_in_a_cluster_as_well(tmp_path: Path) -> None:
    (tmp_path / "cluster").mkdir()
    with valkey_cluster(tmp_path / "cluster") as cluster:
        async with live_venue(tmp_path, cluster.url()) as venue, feed(venue) as service:
            tokens = []
            for _ in range(6):
                async with websockets.connect(url(service, "/ws/btcusdt@trade")) as client:
                    tokens.append((await ask(client, "SESSION"))["session"])
            for token in tokens:
                async with websockets.connect(url(service, f"/ws?session={token}")) as client:
                    assert (await receive(client))["result"]["streams"] == ["btcusdt@trade"]
