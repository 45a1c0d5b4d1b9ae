"""Trades that memory holds no longer, over REST and WebSocket."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from marketdata.edge.trade_history import TradeHistoryService
from matching.client import MatchingClient
from tests.gateway.edge.desk_link import DeskLink
from tests.gateway.edge.json_venue import JsonVenue, until
from tests.gateway.engine_room import ALICE, BOB, BTCUSDT
from tests.throttling_proxy import ThrottlingProxy
from vocabulary.commands import EnterOrder
from vocabulary.types import OrderFlags, OrderType, Side, TimeInForce

TRADES = 1_130  # of which memory holds the last 1,000


class OldVenue(JsonVenue):
    """A venue where Alice bought from Bob so often, with a history behind a proxy."""

    def __init__(self, directory: Path, redis_url: str, history_url: str) -> None:
        super().__init__(directory, redis_url)
        self.history = TradeHistoryService(
            matching_address=self.matching_address, history_url=history_url, ttl_days=0
        )

    async def trade(self) -> None:
        trader = MatchingClient(
            self.matching_address, "trader", from_sequence=None, on_records=lambda _: None
        )
        await trader.start()
        terms = (OrderType.LIMIT, TimeInForce.GOOD_TILL_CANCEL, OrderFlags.NONE, 1_000_000)
        sold = EnterOrder(5, 1, BOB, BTCUSDT, Side.SELL, *terms, 100 * TRADES, b"sold")
        trader.submit(sold)
        for number in range(2, TRADES + 2):
            lots = 100 if number % 2 else 60
            name = b"bought-%d" % number
            trader.submit(EnterOrder(5, number, ALICE, BTCUSDT, Side.BUY, *terms, lots, name))
        await trader.funds()
        await trader.stop()
        tape = self.gateway.feed.tapes["BTCUSDT"].prints
        await until(lambda: tape and tape[-1].trade_id == TRADES)


@pytest.fixture
async def proxy(aws_endpoint: str) -> AsyncIterator[ThrottlingProxy]:
    async with ThrottlingProxy(aws_endpoint) as running:
        yield running


@pytest.fixture
async def venue(
    tmp_path: Path,
    redis_url: str,
    trade_history_url: str,
    aws_endpoint: str,
    proxy: ThrottlingProxy,
) -> AsyncIterator[OldVenue]:
    venue = OldVenue(tmp_path, redis_url, trade_history_url)
    await venue.start(trade_history_url=trade_history_url.replace(aws_endpoint, proxy.url))
    await venue.trade()
    yield venue
    await venue.stop()


async def until_stored(venue: OldVenue) -> None:
    await venue.history.start()
    last = venue.gateway.matching.last_sequence
    deadline_s = time.monotonic() + 60
    while venue.history.health()["sequence"] != last:
        assert time.monotonic() < deadline_s
        await venue.get("ping")


async def my_trades(venue: OldVenue, **asked: Any) -> Any:
    status, found = await venue.signed("GET", "myTrades", symbol="BTCUSDT", **asked)
    assert status == 200, found
    return found


async def check_fix(venue: OldVenue, trade: dict[str, Any]) -> None:
    """Check that FIX tells of an old trade of Alice's what REST does."""
    fix = await venue.client(comp_id=f"OLD{trade['id']}{trade.get('amendment', '')}")
    name = f"1-{trade['id']}-1"
    fix.send("AD", {568: "old", 569: 1, 571: name, 55: "BTCUSDT"})
    assert (await fix.expect("AQ"))[748] == "1"
    told = await fix.expect("AE")
    asked = {"id": 527, "orderId": 37, "price": 31, "qty": 32, "commission": 137}
    assert [told[tag] for tag in asked.values()] == [str(trade[each]) for each in asked]
    kind = {None: "F", "BUSTED": "H", "CORRECTED": "G"}[trade.get("amendment")]
    assert (told[150], told.get(572, name)) == (kind, name)
    await fix.log_out()


async def check_amended(
    venue: OldVenue, found: list[dict[str, Any]], tape: list[dict[str, Any]]
) -> None:
    """Bust the third trade and correct the fourth, and check that they are marked everywhere."""
    async with DeskLink(venue.matching_address) as desk:
        await desk.bust(3)
        await desk.correct(4, 900_000, 50)
    last = venue.gateway.matching.last_sequence
    while venue.history.health()["sequence"] != last:
        await venue.get("ping")
    busted, corrected, other = await my_trades(venue, fromId=3, limit=3)
    assert busted == found[2] | {"amendment": "BUSTED"}
    assert (corrected["amendment"], corrected["price"]) == ("CORRECTED", "9000.00")
    assert (corrected["qty"], corrected["quoteQty"]) == ("0.00050", "4.50000000")
    assert other == found[4]
    _, bobs = await venue.signed("GET", "myTrades", "bob", symbol="BTCUSDT", fromId=3, limit=2)
    assert [each["amendment"] for each in bobs] == ["BUSTED", "CORRECTED"]
    now = await venue.get("historicalTrades", symbol="BTCUSDT", fromId=3, limit=3)
    terms = {"price": "9000.00", "qty": "0.00050", "quoteQty": "4.50000000"}
    assert now[0] == tape[2] | {"amendment": "BUSTED"}
    assert now[1] == tape[3] | terms | {"amendment": "CORRECTED"}
    assert now[2] == tape[4]
    for trade in (busted, corrected):
        await check_fix(venue, trade)


async def test_pages_go_back_to_the_first_trade(venue: OldVenue, proxy: ThrottlingProxy) -> None:
    # Before the history has come so far, what it would lack is not left out without a word.
    status, refused = await venue.signed("GET", "myTrades", symbol="BTCUSDT", fromId=1)
    assert (status, refused["code"]) == (503, -1001)
    await until_stored(venue)

    proxy.operations.clear()
    newest = await my_trades(venue, limit=5)
    assert [trade["id"] for trade in newest] == list(range(TRADES - 4, TRADES + 1))
    tape = await venue.get("historicalTrades", symbol="BTCUSDT")
    assert (len(tape), tape[0]["id"]) == (500, 631)
    assert proxy.operations == []  # memory has them

    found = await my_trades(venue, fromId=1, limit=200)
    assert [trade["id"] for trade in found] == list(range(1, 201))
    assert found[-1] == (await my_trades(venue, fromId=200, limit=1))[0]  # as memory has it

    first = found[0]
    assert await my_trades(venue, startTime=first["time"], limit=1) == [first]
    assert await my_trades(venue, orderId=first["orderId"]) == [first]
    assert await my_trades(venue, endTime=first["time"] - 1) == []

    trades = await venue.get("historicalTrades", symbol="BTCUSDT", fromId=0, limit=200)
    assert [trade["id"] for trade in trades] == list(range(1, 201))
    [known] = await venue.get("historicalTrades", symbol="BTCUSDT", fromId=200, limit=1)
    assert trades[-1] == known
    aggregates = await venue.get("aggTrades", symbol="BTCUSDT", fromId=1, limit=200)
    assert [(each["a"], each["q"]) for each in aggregates] == [(t["id"], t["qty"]) for t in trades]
    assert aggregates[-1] == (await venue.get("aggTrades", symbol="BTCUSDT", fromId=200))[0]

    await check_fix(venue, found[2])

    async with venue.api() as api:
        answer = await api.ask("trades.historical", symbol="BTCUSDT", fromId=3, limit=2)
        assert (answer["status"], answer["result"]) == (200, trades[2:4])
        answer = await api.signed("myTrades", symbol="BTCUSDT", fromId=3, limit=2)
        assert answer["result"] == found[2:4]

    await check_amended(venue, found, trades)

    # While the history is away, or slow, who asks for old trades is told, and nobody else notices.
    for trouble in ("is_away", "is_slow"):
        setattr(proxy, trouble, True)
        began_s = time.monotonic()
        status, refused = await venue.signed("GET", "myTrades", symbol="BTCUSDT", fromId=1)
        assert (status, refused["code"]) == (503, -1001)
        assert time.monotonic() - began_s < 8
        assert "try again" in refused["msg"]
        assert await my_trades(venue, limit=5) == newest
        assert (await venue.place(price="90.00"))["status"] == "NEW"
        setattr(proxy, trouble, False)
    await venue.history.stop()


async def test_without_a_history_memory_is_all_there_is(tmp_path: Path, redis_url: str) -> None:
    venue = JsonVenue(tmp_path, redis_url)
    await venue.start()
    await venue.place("bob", side="SELL")
    await venue.place()
    assert len(await venue.get("historicalTrades", symbol="BTCUSDT", fromId=1)) <= 1
    status, found = await venue.signed("GET", "myTrades", symbol="BTCUSDT", fromId=1)
    assert (status, [trade["id"] for trade in found]) == (200, [1])
    unknown = await venue.send("GET", "/api/v3/historicalTrades?symbol=NOPE")
    assert (unknown[0], unknown[1]["code"]) == (400, -1121)
    await venue.stop()
