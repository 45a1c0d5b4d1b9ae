"""What a real publisher writes on a real Valkey."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis
import redis.asyncio

from agio.embedded_valkey import EmbeddedValkey
from marketdata.feed import Feed
from tests.marketdata.live_venue import LiveVenue, eventually, live_venue
from vocabulary.market_data import (
    HEARTBEAT_CHANNEL,
    KINDS,
    DepthSnapshot,
    Heartbeat,
    channel,
    snapshot_key,
)
from vocabulary.types import Side, TradingPhase

KEYS = {snapshot_key(channel(kind, "BTCUSDT")).encode() for kind in KINDS}


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[LiveVenue]:
    async with live_venue(tmp_path, redis_url) as running:
        yield running


def depth_snapshot(url: str) -> DepthSnapshot | None:
    with redis.Redis.from_url(url) as client:
        data: Any = client.get("agio:snapshot:depth:BTCUSDT")
    return None if data is None else msgspec.msgpack.decode(data, type=DepthSnapshot)


def shows(venue: LiveVenue) -> bool:
    snapshot = depth_snapshot(venue.redis_url)
    bids = venue.script.levels(Side.BUY)
    return snapshot is not None and {one.price_ticks: one.lots for one in snapshot.bids} == bids


async def test_what_nobody_foresaw_is_told_by_health(
    venue: LiveVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    await eventually(lambda: venue.publisher.health()["ready"] is True)

    def fail(*_: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(Feed, "take_writes", fail)
    await eventually(lambda: venue.publisher.health()["failed"] is True)
    assert venue.publisher.health()["ready"] is False
    assert venue.publisher.health()["failure"] == "ZeroDivisionError: on purpose"


async def test_every_channel_has_its_snapshot_from_the_start(venue: LiveVenue) -> None:
    await eventually(lambda: venue.publisher.health()["ready"] is True)
    await eventually(lambda: depth_snapshot(venue.redis_url) is not None)
    with redis.Redis.from_url(venue.redis_url) as client:
        keys: Any = client.keys("agio:snapshot:*")
    assert set(keys) == KEYS
    assert venue.publisher.health() == {
        "ready": True,
        "failed": False,
        "failure": "",
        "sequence": len(venue.records),
        "lag_records": 0,
        "matching_connected": True,
        "redis_connected": True,
    }


async def test_messages_form_one_chain_per_channel_through_a_restart_of_the_publisher(
    venue: LiveVenue,
) -> None:
    last: dict[bytes, int] = {}
    heartbeats: list[Heartbeat] = []

    def receive(message: dict[str, Any]) -> None:
        if message["channel"] == HEARTBEAT_CHANNEL.encode():
            heartbeats.append(msgspec.msgpack.decode(message["data"], type=Heartbeat))
            return
        sequence, previous_sequence, *_ = msgspec.msgpack.decode(message["data"])
        assert last.get(message["channel"], previous_sequence) == previous_sequence
        last[message["channel"]] = sequence

    def told() -> dict[str, int]:
        return {name.decode().removeprefix("agio:"): number for name, number in last.items()}

    def standing() -> dict[str, int]:
        marks = heartbeats[-1].marks if heartbeats else {}
        return {name: mark.sequence for name, mark in marks.items()}

    async with redis.asyncio.Redis.from_url(venue.redis_url) as client:
        reader = client.pubsub(ignore_subscribe_messages=True)
        await reader.psubscribe(**{"agio:*": receive})
        reading = asyncio.create_task(reader.run())
        for round_number in range(6):
            for number in range(10):
                venue.script.buy(90 + number, 2)
                venue.script.sell(92 + number, 1)
            venue.script.change_phase(TradingPhase.TRADING)
            await venue.carry_out()
            await asyncio.sleep(0.1)
            if round_number == 3:
                await asyncio.sleep(0.5)  # what is told at most four times a second is told
                await venue.restart_publisher()
        await eventually(lambda: told() == standing() and len(last) == len(KINDS))
        reading.cancel()
        await reader.aclose()  # type: ignore[no-untyped-call]


async def test_it_waits_for_a_redis_that_is_not_there_yet(tmp_path: Path) -> None:
    valkey = EmbeddedValkey(tmp_path / "valkey" / "server.log", "test-password")
    with valkey:
        url = valkey.url()
    async with live_venue(tmp_path, url) as venue:
        venue.script.buy(99, 5)
        await venue.carry_out()
        assert venue.publisher.health()["redis_connected"] is False
        with valkey:
            await eventually(lambda: shows(venue))


async def test_a_redis_that_refuses_writes_gets_them_once_it_takes_them(
    tmp_path: Path,
) -> None:
    with EmbeddedValkey(tmp_path / "valkey" / "server.log", "test-password") as valkey:
        async with live_venue(tmp_path, valkey.url()) as venue:
            await eventually(lambda: shows(venue))
            with redis.Redis.from_url(valkey.url()) as client:
                client.config_set("maxmemory", 1)
                venue.script.buy(99, 5)
                await venue.carry_out()
                await eventually(lambda: venue.publisher.health()["ready"] is False)
                client.config_set("maxmemory", 0)
                await eventually(lambda: shows(venue))


async def test_a_lost_key_is_written_again(venue: LiveVenue) -> None:
    await eventually(lambda: shows(venue))
    with redis.Redis.from_url(venue.redis_url) as client:
        client.delete("agio:snapshot:depth:BTCUSDT")
    assert not shows(venue)
    await eventually(lambda: shows(venue))
