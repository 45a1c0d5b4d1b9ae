"""Countdowns outlive the gateway that took them, and hold at every gateway of the venue."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import redis

from agio.child_process import free_port
from gateway.edge import kept_countdowns
from gateway.edge.kept_countdowns import KEY
from tests.gateway.edge.gateway_process import GatewayProcess
from tests.gateway.edge.json_venue import LIMIT, signed_query
from tests.gateway.edge.small_venue import SERVICE_TOKEN, SmallVenue, small_venue
from tests.gateway.engine_room import ALICE

SETTLE_S = 0.3


@pytest.fixture
async def venue(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SmallVenue]:
    monkeypatch.setattr(kept_countdowns, "SETTLE_S", SETTLE_S)
    async with small_venue(tmp_path, redis_url) as venue:
        yield venue


class OtherGateway(GatewayProcess):
    """One more at a venue, in a process of its own."""

    def __init__(self, venue: SmallVenue, directory: Path) -> None:
        self.rest_port = free_port()
        super().__init__(
            matching_address=venue.matching_address,
            redis_url=venue._redis_url,
            ops_url=venue.keys.url,
            service_token=SERVICE_TOKEN,
            comp_id="AGIO",
            host="127.0.0.1",
            rest_port=self.rest_port,
            data_directory=directory,
        )


async def ask(port: int, method: str, path: str, **terms: Any) -> Any:
    """Send Alice's signed request to the REST door at a port."""
    query = signed_query("&".join(f"{name}={value}" for name, value in terms.items()))
    url = f"http://127.0.0.1:{port}/api/v3/{path}?{query}"
    async with aiohttp.request(method, url, headers={"X-MBX-APIKEY": "alice"}) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def place(port: int) -> None:
    await ask(port, "POST", "order", **LIMIT)


async def count_down(port: int, countdown_ms: int) -> None:
    terms = {"symbol": "BTCUSDT", "countdownTime": countdown_ms}
    told = {"symbol": "BTCUSDT", "countdownTime": str(countdown_ms)}
    assert await ask(port, "POST", "countdownCancelAll", **terms) == told


async def open_at(port: int) -> int:
    return len(await ask(port, "GET", "openOrders", symbol="BTCUSDT"))


async def until_none_is_open(port: int) -> None:
    async with asyncio.timeout(10):
        while await open_at(port):
            await asyncio.sleep(0.05)


def rest_port(venue: SmallVenue) -> int:
    return venue.gateway.json.rest.port


def open_orders(venue: SmallVenue) -> int:
    return len(list(venue.gateway.orders.open_orders(ALICE)))


async def test_a_killed_gateway_s_countdown_ends_at_another_one(
    venue: SmallVenue, tmp_path: Path
) -> None:
    killed = OtherGateway(venue, tmp_path / "other")
    await killed.start()
    await place(killed.rest_port)
    await asyncio.sleep(0.3)  # it has told Redis all that it knew
    await count_down(killed.rest_port, 700)
    await killed.kill()
    assert await open_at(rest_port(venue)) == 1
    await until_none_is_open(rest_port(venue))
    with redis.Redis.from_url(venue._redis_url) as client:
        async with asyncio.timeout(5):
            while client.exists(KEY):  # done once, and forgotten
                await asyncio.sleep(0.05)


async def test_a_killed_gateway_s_countdown_ends_after_its_restart(
    venue: SmallVenue, tmp_path: Path
) -> None:
    await venue.gateway.stop()
    alone = OtherGateway(venue, tmp_path / "alone")
    await alone.start()
    await place(alone.rest_port)
    await count_down(alone.rest_port, 500)
    await alone.kill()
    await asyncio.sleep(0.6)
    await alone.start()
    await until_none_is_open(alone.rest_port)
    await alone.kill()
    venue.gateway = venue.make_gateway()
    await venue.gateway.start()


async def test_a_client_renews_or_ends_a_countdown_at_any_gateway(
    venue: SmallVenue, tmp_path: Path
) -> None:
    second = venue.make_gateway(data_directory=tmp_path / "second")
    await second.start()
    await asyncio.sleep(SETTLE_S + 0.3)
    here, there = rest_port(venue), second.json.rest.port
    await place(here)
    await count_down(here, 800)
    await count_down(there, 60_000)
    await asyncio.sleep(1)
    assert open_orders(venue) == 1
    await count_down(here, 800)
    await count_down(there, 0)
    await asyncio.sleep(1)
    assert open_orders(venue) == 1
    await second.stop()


@pytest.mark.parametrize("is_lost", [True, False])
async def test_what_was_ended_elsewhere_does_not_come_back_with_redis(
    venue: SmallVenue, tmp_path: Path, is_lost: bool
) -> None:
    second = venue.make_gateway(data_directory=tmp_path / "second")
    await second.start()
    await asyncio.sleep(SETTLE_S + 0.3)  # it has Redis
    await place(rest_port(venue))
    await count_down(rest_port(venue), 3_000)
    await count_down(second.json.rest.port, 0)
    await second.stop()
    if is_lost:
        await asyncio.sleep(0.3)  # it has been heard of everywhere
    with redis.Redis.from_url(venue._redis_url) as client:
        if is_lost:
            client.flushall()
        client.client_kill_filter(_type="normal", skipme=True)
        client.client_kill_filter(_type="pubsub", skipme=True)
        await asyncio.sleep(3)
        assert not client.exists(KEY)
    assert open_orders(venue) == 1


async def test_a_redis_that_lost_everything_is_told_again(venue: SmallVenue) -> None:
    await place(rest_port(venue))
    await count_down(rest_port(venue), 1_500)
    with redis.Redis.from_url(venue._redis_url) as client:
        assert client.zcard(KEY) == 1
        client.flushall()
        client.client_kill_filter(_type="normal", skipme=True)
        client.client_kill_filter(_type="pubsub", skipme=True)
        async with asyncio.timeout(5):
            while not client.exists(KEY):
                await asyncio.sleep(0.02)
    await until_none_is_open(rest_port(venue))


async def test_without_redis_a_gateway_goes_by_what_it_was_asked_itself(tmp_path: Path) -> None:
    async with small_venue(tmp_path, f"redis://127.0.0.1:{free_port()}") as venue:
        await place(rest_port(venue))
        await count_down(rest_port(venue), 500)
        assert open_orders(venue) == 1
        await until_none_is_open(rest_port(venue))


async def test_what_is_renewed_while_a_gateway_cancels_is_not_forgotten(venue: SmallVenue) -> None:
    countdowns = venue.gateway.json._countdowns
    done: list[Callable[[bool], None]] = []
    countdowns._cancel = lambda target, now_ns, tell: done.append(tell)
    await count_down(rest_port(venue), 100)
    async with asyncio.timeout(5):
        while not done:
            await asyncio.sleep(0.02)
    await count_down(rest_port(venue), 60_000)
    done[0](True)
    await asyncio.sleep(0.3)
    with redis.Redis.from_url(venue._redis_url) as client:
        assert client.zcard(KEY) == 1
