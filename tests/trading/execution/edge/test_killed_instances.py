"""Instances killed, paused and started at any moment: each decision's order is there, once."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from agio import child_process
from tests.gateway.edge.gateway_process import GatewayProcess
from tests.gateway.edge.small_venue import SERVICE_TOKEN
from tests.trading.execution.edge.execution_process import ExecutionProcess
from tests.trading.execution.edge.trading_floor import SYMBOL, Floor, trading_floor, until
from trading.decisions import Decision, OrderStyle
from trading.events import DecisionTaken, OrderReported, ReportKind
from trading.execution.edge.service import Places
from trading.leases.edge.redis_leases import RedisLeases
from vocabulary.types import Side

KILLS = int(os.environ.get("AGIO_CAMPAIGN_KILLS", "1"))
"""`make campaign` kills more often, and over both doors."""
DOORS = ["fix", "websocket"]
PATIENCE = {"decision_age_max_ns": 3_600 * 10**9, "answer_ns": 500_000_000}
NO_LIMITS: dict[str, Any] = {
    "position_lots_max": 10**9,
    "collar_ppm": 10**6,
    "orders_per_second_max": 10**6,
}


class Flow:
    """Decisions of every kind, some of which trade, at a pace."""

    def __init__(self, floor: Floor, seed: int) -> None:
        self._leader = floor.leader
        self._venue = floor.venue
        self._chance = random.Random(seed)
        self._placed: list[Decision] = []
        self._ids = count(1)

    async def run(self) -> None:
        """Decide until cancelled."""
        while True:
            for _ in range(self._chance.randint(1, 5)):
                self._decide()
            if self._chance.random() < 0.5:
                await self._trade()
            await asyncio.sleep(self._chance.random() * 0.1)

    def _decide(self) -> None:
        chance = self._chance
        if self._placed and chance.random() < 0.5:
            self._leader.cancel(self._placed.pop(chance.randrange(len(self._placed))))
            return
        side = chance.choice([Side.BUY, Side.SELL])
        away = chance.randint(-5, 20)
        price_ticks = 10_000 - away if side is Side.BUY else 10_000 + away
        style = chance.choice([OrderStyle.RESTING, OrderStyle.RESTING, OrderStyle.IMMEDIATE])
        order = self._leader.place(side, price_ticks, chance.randint(6_000, 9_000), style)
        self._placed.append(order)

    async def _trade(self) -> None:
        """Have Bob trade with whatever is best on a side."""
        side = self._chance.choice(["BUY", "SELL"])
        await self._venue.place(
            "bob",
            side=side,
            price="100.30" if side == "BUY" else "99.70",
            quantity="0.07",
            timeInForce="IOC",
            newClientOrderId=f"bob-{next(self._ids)}",
        )


@asynccontextmanager
async def deciding(floor: Floor, seed: int) -> AsyncIterator[None]:
    """Keep decisions coming, from when the first ones are taken."""
    flow = asyncio.create_task(Flow(floor, seed).run())
    try:
        await some_taken(floor)
        yield
        assert not flow.done(), flow.exception()
    finally:
        flow.cancel()
        await asyncio.wait([flow])


async def some_taken(floor: Floor) -> None:
    taken = len(floor.of(DecisionTaken))
    await until(lambda: len(floor.of(DecisionTaken)) > taken + 30)


async def holder(floor: Floor) -> str:
    """Return the name of the instance that holds the symbol, once one does."""
    store = RedisLeases(floor.redis_url, f"execution:{floor.run.name}")
    name = ""
    async with asyncio.timeout(20):
        while not name:
            leases = await store._redis.hgetall(store._keys[1])
            name = str(leases.get(SYMBOL, "")).rpartition(" ")[2].partition("#")[0]
            await asyncio.sleep(0.02)
    await store.close()
    return name


async def all_answered(floor: Floor) -> None:
    """Wait until the stream has an answer to every decision."""
    wanted = {decision.number for decision in floor.leader.decided}

    def answered() -> set[int]:
        return {each.number for each in floor.of(OrderReported)}

    async with asyncio.timeout(20):
        while wanted - answered():
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)  # whatever came twice would come now


async def check(floor: Floor) -> None:
    """Compare the decisions, the venue's orders and fills, and what the stream tells of them."""
    decided = floor.leader.decided
    assert [each.number for each in floor.of(DecisionTaken)] == [each.number for each in decided]
    orders = await orders_of(floor)
    reports = floor.of(OrderReported)
    refused = {each.order: each.reason for each in reports if each.kind is ReportKind.REFUSED}
    # A busy machine may lose its feed for a moment; no other limit applies.
    assert set(refused.values()) <= {"collar_ppm: the book is not known"}
    placed = {
        each.client_order_id: each
        for each in decided
        if each.order == each.number and each.number not in refused
    }
    # The venue has each order of a decision, once and as decided, and no other.
    assert Counter(each["clientOrderId"] for each in orders) == dict.fromkeys(placed, 1)
    for order in orders:
        number = placed[order["clientOrderId"]].number
        own = [each for each in reports if each.order == number]
        kinds = Counter(each.kind for each in own)
        assert kinds[ReportKind.ACCEPTED] == 1
        traded = sum(each.fill_lots for each in own if each.kind is ReportKind.TRADED)
        assert traded == round(float(order["executedQty"]) * 100_000)
        ends = kinds[ReportKind.CANCELED] + kinds[ReportKind.EXPIRED]
        assert ends == (order["status"] in {"CANCELED", "EXPIRED"}), order
    trades = [each for each in reports if each.kind is ReportKind.TRADED]
    assert len({(each.order, each.trade_id) for each in trades}) == len(trades)
    assert trades


async def orders_of(floor: Floor) -> list[dict[str, str]]:
    """Return all of Alice's orders, page by page."""
    found: list[dict[str, str]] = []
    first = 0
    while True:
        _, page = await floor.venue.signed(
            "GET", "allOrders", symbol=SYMBOL, orderId=first, limit=1000
        )
        found += page
        if len(page) < 1000:
            return found
        first = page[-1]["orderId"] + 1


@pytest.mark.parametrize("door", DOORS if KILLS > 1 else DOORS[:1])
async def test_three_instances_killed_in_turns_send_each_order_once(
    tmp_path: Path, redis_url: str, door: str
) -> None:
    chance = random.Random(door)
    async with trading_floor(tmp_path, redis_url, door=door, **NO_LIMITS) as floor:
        names = ["one", "two", "three"]
        instances = {
            name: ExecutionProcess(name, floor.run, floor.places(), **PATIENCE) for name in names
        }
        try:
            await asyncio.gather(*(each.start() for each in instances.values()))
            async with deciding(floor, seed=3):
                for _ in range(KILLS):
                    name = await holder(floor)
                    await instances[name].kill()
                    await some_taken(floor)
                    await instances[name].start()
                    await asyncio.sleep(chance.random() * 0.3)
            await all_answered(floor)
        finally:
            await asyncio.gather(*(each.kill() for each in instances.values()))
        await check(floor)


async def test_an_instance_that_was_paused_does_nothing_with_what_it_no_longer_holds(
    tmp_path: Path, redis_url: str
) -> None:
    async with trading_floor(tmp_path, redis_url, **NO_LIMITS) as floor:
        instances = {
            name: ExecutionProcess(name, floor.run, floor.places(), **PATIENCE)
            for name in ("one", "two")
        }
        try:
            await asyncio.gather(*(each.start() for each in instances.values()))
            async with deciding(floor, seed=4):
                for _ in range(KILLS):
                    await instances[await holder(floor)].pause(1.2)
                    await some_taken(floor)
            await all_answered(floor)
        finally:
            await asyncio.gather(*(each.kill() for each in instances.values()))
        await check(floor)


async def test_one_and_three_instances_make_the_same_orders(tmp_path: Path, redis_url: str) -> None:
    terms = []
    for names in (["one"], ["one", "two", "three"]):
        directory = tmp_path / str(len(names))
        directory.mkdir()
        async with (
            trading_floor(directory, redis_url, **NO_LIMITS) as floor,
            AsyncExitStack() as on,
        ):
            for name in names:
                await on.enter_async_context(floor.instance(name, is_alone=False))
            for number in range(100):
                floor.leader.place(Side.BUY, 9_000 + number, 10_000 + number)
                if number % 4 == 3:
                    floor.leader.cancel(floor.leader.decided[-1])
                await asyncio.sleep(0.005)
            await all_answered(floor)
            orders = await orders_of(floor)
        terms.append(sorted((each["price"], each["origQty"], each["status"]) for each in orders))
    assert len(terms[0]) == 100
    assert terms[0] == terms[1]


@pytest.mark.parametrize("door", DOORS if KILLS > 1 else DOORS[1:])
async def test_a_venue_s_gateway_that_is_killed_leaves_nothing_unknown_and_nothing_doubled(
    tmp_path: Path, redis_url: str, door: str
) -> None:
    async with trading_floor(tmp_path, redis_url, door=door, **NO_LIMITS) as floor:
        port = child_process.free_port()
        gateway = GatewayProcess(
            matching_address=floor.venue.matching_address,
            redis_url=redis_url,
            ops_url=floor.venue.keys.url,
            service_token=SERVICE_TOKEN,
            comp_id="AGIO",
            host="127.0.0.1",
            websocket_port=port,
            data_directory=tmp_path / "killed",
        )
        await gateway.start()
        at = f"ws://127.0.0.1:{port}", f"127.0.0.1:{gateway.port}"
        places = Places(*at, "AGIO", redis_url, ("127.0.0.1", *floor.feeds_ports))
        instance = ExecutionProcess("one", floor.run, places, **PATIENCE)
        try:
            await instance.start()
            async with deciding(floor, seed=5):
                for _ in range(KILLS):
                    await gateway.kill()
                    await gateway.start()
                    await some_taken(floor)
            await all_answered(floor)
        finally:
            await instance.kill()
            await gateway.kill()
        await check(floor)
