"""The publisher and feed processes killed with -9 at random under load, and Redis away meanwhile.

`AGIO_CAMPAIGN_KILLS` sets how many kills; `make readers` makes a campaign of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import redis
import websockets
from websockets.asyncio.client import ClientConnection

from agio.child_process import free_port
from agio.embedded_valkey import EmbeddedValkey
from tests.gateway.edge.feed_process import start_feed, start_publisher
from tests.marketdata.edge.test_publisher import depth_snapshot
from tests.marketdata.edge.test_readers_killed import Load
from tests.marketdata.live_venue import LiveVenue, eventually
from tests.marketdata.stored_trades import LOTS_SCALE, PRICE_SCALE, matching_alone
from vocabulary.market_data import TAPE_PRINTS_MAX
from vocabulary.types import Side

KILLS = int(os.environ.get("AGIO_CAMPAIGN_KILLS", "6"))
AWAY_S = 60 if "AGIO_CAMPAIGN_KILLS" in os.environ else 0.5
FEEDS = 2
FOLLOWERS = 4
PATIENCE_S = 30.0


class Follower:
    """A client that keeps a book as Binance's documentation says, at whichever feed it finds.

    `faults` tell where a connection left something out or told it twice. Trades are left out by
    right where more were made than Redis keeps, while it was away: it goes on at the oldest kept.
    """

    def __init__(
        self, venue: LiveVenue, redis_url: str, ports: list[int], chance: random.Random
    ) -> None:
        self.sides: dict[str, dict[int, int]] = {"b": {}, "a": {}}
        self.sequence = 0
        self.connections = 0
        self.faults: list[str] = []
        self.left_out = 0  # how often trades were, by right
        self._venue = venue
        self._redis_url = redis_url
        self._ports = ports
        self._chance = chance

    async def run(self) -> None:
        while True:
            port = self._chance.choice(self._ports)
            streams = "/stream?streams=btcusdt@depth/btcusdt@trade"
            try:
                async with websockets.connect(f"ws://127.0.0.1:{port}{streams}") as client:
                    self.connections += 1
                    await self._follow(client)
            except (OSError, websockets.WebSocketException):
                await asyncio.sleep(0.02)

    def shows_book(self) -> bool:
        script = self._venue.script
        return self.sides == {"b": script.levels(Side.BUY), "a": script.levels(Side.SELL)}

    async def _follow(self, client: ClientConnection) -> None:
        self.sequence = 0
        await self._take_snapshot()
        last: int | None = None
        trade_id: int | None = None
        async for message in client:
            told = json.loads(message)["data"]
            if told["e"] == "trade":
                if trade_id not in {None, told["t"] - 1}:
                    if trade_id < told["t"] and self._is_oldest_kept(told["t"]):
                        self.left_out += 1
                    else:
                        self.faults.append(f"trade {told['t']} behind {trade_id}")
                trade_id = told["t"]
                continue
            if last not in {None, told["pu"]}:
                self.faults.append(f"depth {told['pu']} to {told['u']} behind {last}")
            last = told["u"]
            while told["U"] > self.sequence + 1:  # the snapshot is from before it
                await self._take_snapshot()
            if told["u"] > self.sequence:
                self._apply(told)

    def _is_oldest_kept(self, trade_id: int) -> bool:
        return len(self._venue.trades()) - trade_id >= TAPE_PRINTS_MAX - 1

    async def _take_snapshot(self) -> None:
        """Begin with what REST answers: the snapshot on Redis."""
        await asyncio.sleep(0.02)
        try:
            snapshot = await asyncio.to_thread(depth_snapshot, self._redis_url)
        except redis.RedisError:  # it is away
            return
        if snapshot is not None:
            self.sequence = snapshot.sequence
            self.sides = {
                "b": {level.price_ticks: level.lots for level in snapshot.bids},
                "a": {level.price_ticks: level.lots for level in snapshot.asks},
            }

    def _apply(self, told: dict[str, Any]) -> None:
        for side, levels in self.sides.items():
            for price, quantity in told[side]:
                ticks = int(Decimal(price) * 10**PRICE_SCALE)
                levels[ticks] = int(Decimal(quantity) * 10**LOTS_SCALE)
                if not levels[ticks]:
                    del levels[ticks]
        self.sequence = told["u"]


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path / "valkey.log", "own-password")
    server.start()
    yield server
    server.stop()


async def test_clients_that_come_back_have_whole_books(
    tmp_path: Path, valkey: EmbeddedValkey
) -> None:
    chance = random.Random(13)
    async with matching_alone(tmp_path) as venue:
        address, redis_url = venue.address, valkey.url()
        ports = [free_port() for _ in range(FEEDS)]
        running = {0: start_publisher(address, redis_url)}
        running |= {port: start_feed(address, redis_url, port) for port in ports}
        followers = [Follower(venue, redis_url, ports, chance) for _ in range(FOLLOWERS)]
        following = [asyncio.create_task(follower.run()) for follower in followers]
        load = Load(venue)
        load.start()
        for number in range(KILLS):
            head = len(venue.records)
            await eventually(lambda: max(f.sequence for f in followers) > head, PATIENCE_S)  # noqa: B023 (at once)
            if number == KILLS // 2:
                valkey.stop()
                before = len(venue.records)
                await asyncio.sleep(AWAY_S)
                assert len(venue.records) > before
                valkey.start()
            await asyncio.sleep(chance.uniform(0, 0.3))
            # The first kills meet each of them.
            killed = [0, *ports][number] if number <= FEEDS else chance.choice([0, *ports])
            running[killed].kill()
            await asyncio.to_thread(running[killed].join)
            running[killed] = (
                start_feed(address, redis_url, killed)
                if killed
                else start_publisher(address, redis_url)
            )
        head = len(venue.records)
        await eventually(lambda: min(f.sequence for f in followers) > head, PATIENCE_S)
        await load.stop()
        await eventually(lambda: all(follower.shows_book() for follower in followers), PATIENCE_S)
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        for process in running.values():
            process.kill()
            await asyncio.to_thread(process.join)

        assert [follower.faults for follower in followers] == [[]] * FOLLOWERS
        assert all(follower.left_out <= 1 for follower in followers)  # Redis was away once
        assert sum(follower.connections for follower in followers) > FOLLOWERS
