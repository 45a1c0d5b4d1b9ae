"""Readers killed with -9 at random under load, and their store away meanwhile.

`AGIO_CAMPAIGN_KILLS` sets how many kills; `make readers` makes a campaign of it.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from marketdata.edge.archive_reader import read_state, verify
from objects.store import ObjectStore, open_store
from tests.marketdata.edge.reader_process import start_archive, start_trade_history
from tests.marketdata.live_venue import LiveVenue, eventually
from tests.marketdata.stored_trades import (
    expected_trades,
    items,
    matching_alone,
    stored_fills,
    stored_trades,
    trade_at_random,
)
from tests.throttling_proxy import ThrottlingProxy

KILLS = int(os.environ.get("AGIO_CAMPAIGN_KILLS", "4"))
AWAY_S = 60 if "AGIO_CAMPAIGN_KILLS" in os.environ else 1
ORDERS_A_ROUND = 12


class Load:
    """Trades round after round."""

    def __init__(self, venue: LiveVenue) -> None:
        self._venue = venue
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._venue.script.trade(100, 1)
        await self._venue.carry_out()

    async def _run(self) -> None:
        for seed in range(1_000_000):
            trade_at_random(self._venue, ORDERS_A_ROUND, seed)
            await self._venue.carry_out()
            await asyncio.sleep(0.06)


async def test_no_trade_is_lost_or_doubled(
    tmp_path: Path, trade_history_url: str, aws_endpoint: str
) -> None:
    chance = random.Random(11)
    async with matching_alone(tmp_path) as venue, ThrottlingProxy(aws_endpoint) as proxy:
        url = trade_history_url.replace(aws_endpoint, proxy.url)
        load = Load(venue)
        load.start()
        for number in range(KILLS):
            process = start_trade_history(venue.address, url)
            seen = len(proxy.operations)
            # Somewhere among the calls of some batches; forking may take a while.
            wanted = seen + chance.randint(6, 30)
            await eventually(lambda: len(proxy.operations) >= wanted, 30)  # noqa: B023 (at once)
            if number == KILLS // 2:
                proxy.is_away, before = True, len(venue.records)
                await asyncio.sleep(AWAY_S)
                assert len(venue.records) > before
                proxy.is_away = False
            process.kill()
            await asyncio.to_thread(process.join)
        await load.stop()
        process = start_trade_history(venue.address, url)
        async with asyncio.timeout(60):
            while progress(trade_history_url) != str(len(venue.records)):
                await asyncio.sleep(0.2)
        process.kill()
        await asyncio.to_thread(process.join)

        trades = stored_trades(trade_history_url)
        assert trades == expected_trades(venue.records)
        assert [trade.trade_id for trade in trades] == list(range(1, len(trades) + 1))
        sides = Counter(fill.trade_id for fill in stored_fills(trade_history_url))
        assert sides == {trade.trade_id: 2 for trade in trades}


@pytest.mark.parametrize("kind", ["directory", "s3"])
async def test_the_archive_stays_whole(
    tmp_path: Path, kind: str, aws_endpoint: str, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(12)
    async with matching_alone(tmp_path) as venue, ThrottlingProxy(aws_endpoint) as proxy:
        url = (tmp_path / "store").as_uri()
        if kind == "s3":
            url = request.getfixturevalue("s3_store_url")
        store, through = open_store(url), 0
        load = Load(venue)
        load.start()
        for number in range(KILLS):
            process = start_archive(venue.address, url.replace(aws_endpoint, proxy.url))
            async with asyncio.timeout(60):
                while await asyncio.to_thread(through_sequence, store) <= through:
                    await asyncio.sleep(0.01)
            if kind == "s3" and number == KILLS // 2:
                proxy.is_away, before = True, len(venue.records)
                await asyncio.sleep(AWAY_S)
                assert len(venue.records) > before
                proxy.is_away = False
            await asyncio.sleep(chance.uniform(0, 0.15))  # somewhere in the cuts that follow
            process.kill()
            await asyncio.to_thread(process.join)
            through = await asyncio.to_thread(through_sequence, store)
        await load.stop()
        process = start_archive(venue.address, url)
        async with asyncio.timeout(60):
            while await asyncio.to_thread(through_sequence, store) < len(venue.records):
                await asyncio.sleep(0.1)
        process.kill()
        await asyncio.to_thread(process.join)

        found = await asyncio.to_thread(verify, store)
        assert found.problems == []
        assert found.first_sequence == 1
        assert found.rows["trade"] == len(expected_trades(venue.records))
        assert found.rows["event"] == sum(len(record.events) for record in venue.records)


def through_sequence(store: ObjectStore) -> int:
    return read_state(store).through_sequence


def progress(url: str) -> str:
    found = [item for item in items(url, "progress") if item["place"]["S"] == "progress"]
    return found[0]["sequence"]["N"] if found else ""
