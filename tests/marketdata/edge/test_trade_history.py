"""The trade history's service, before a real matching server and moto's DynamoDB."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from marketdata.edge.trade_history import TradeHistoryService
from tests.marketdata.live_venue import LiveVenue, eventually
from tests.marketdata.stored_trades import (
    dynamo,
    expected_trades,
    items,
    matching_alone,
    stored_fills,
    stored_trades,
    trade_at_random,
)
from tests.throttling_proxy import ThrottlingProxy
from vocabulary.types import Side


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[LiveVenue]:
    async with matching_alone(tmp_path) as running:
        yield running


def service(venue: LiveVenue, url: str, ttl_days: int = 0) -> TradeHistoryService:
    return TradeHistoryService(matching_address=venue.address, history_url=url, ttl_days=ttl_days)


async def until_stored(history: TradeHistoryService, venue: LiveVenue) -> None:
    await eventually(lambda: history.health()["sequence"] == len(venue.records), 30)


async def test_a_trade_is_found_by_symbol_and_by_both_accounts(
    venue: LiveVenue, trade_history_url: str
) -> None:
    venue.script.sell(100, 30, account_id=8)
    venue.script.buy(101, 10, account_id=7)
    await venue.carry_out()
    history = service(venue, trade_history_url)
    await history.start()
    await until_stored(history, venue)
    assert history.health() == {
        "ready": True,
        "failed": False,
        "sequence": len(venue.records),
        "lag_records": 0,
        "matching_connected": True,
        "failure": "",
    }
    await history.stop()

    [trade] = stored_trades(trade_history_url)
    assert (trade.price, trade.quantity, trade.quote_quantity) == ("0.0100", "0.0010", "0.00001000")
    assert [trade] == expected_trades(venue.records)
    maker, taker = stored_fills(trade_history_url)
    assert (maker.account_id, maker.is_maker, maker.is_buyer) == (8, True, False)
    assert (taker.account_id, taker.is_maker, taker.is_buyer) == (7, False, True)
    assert (maker.fee_asset, taker.fee_asset) == ("USDT", "BTC")
    assert {maker.order_id, taker.order_id} == {trade.seller_order_id, trade.buyer_order_id}


async def test_an_account_that_trades_with_itself_has_both_sides(
    venue: LiveVenue, trade_history_url: str
) -> None:
    venue.script.sell(100, 30, account_id=7)
    venue.script.buy(100, 10, account_id=7)
    await venue.carry_out()
    history = service(venue, trade_history_url)
    await history.start()
    await until_stored(history, venue)
    await history.stop()
    assert [fill.is_buyer for fill in stored_fills(trade_history_url)] == [False, True]


async def test_it_goes_on_from_where_it_stands(venue: LiveVenue, trade_history_url: str) -> None:
    for seed in range(3):
        trade_at_random(venue, 60, seed)
        await venue.carry_out()
        history = service(venue, trade_history_url)
        await history.start()
        await until_stored(history, venue)
        await history.stop()
    trades = stored_trades(trade_history_url)
    assert trades == expected_trades(venue.records)
    assert len(stored_fills(trade_history_url)) == 2 * len(trades)


async def test_throttled_writes_are_made_again_until_all_are_taken(
    venue: LiveVenue, trade_history_url: str, aws_endpoint: str
) -> None:
    trade_at_random(venue, 300, seed=1)
    await venue.carry_out()
    async with ThrottlingProxy(aws_endpoint) as proxy:
        proxy.throttled, proxy.halved = 0.2, 0.4
        history = service(venue, trade_history_url.replace(aws_endpoint, proxy.url))
        await history.start()
        await until_stored(history, venue)
        await history.stop()
        assert proxy.refused > 10
    assert stored_trades(trade_history_url) == expected_trades(venue.records)


async def test_a_store_that_is_away_only_lets_it_lag(
    venue: LiveVenue, trade_history_url: str, aws_endpoint: str
) -> None:
    async with ThrottlingProxy(aws_endpoint) as proxy:
        proxy.is_away = True
        history = service(venue, trade_history_url.replace(aws_endpoint, proxy.url))
        await history.start()
        await eventually(lambda: "Connection" in str(history.health()["failure"]))
        assert history.health()["ready"] is False
        proxy.is_away = False
        await until_stored(history, venue)

        proxy.is_away = True
        trade_at_random(venue, 200, seed=2)
        await venue.carry_out()  # nobody waits for the history
        await eventually(lambda: history.health()["lag_records"] == 200)
        proxy.is_away = False
        await until_stored(history, venue)
        assert history.health()["ready"] is True
        await history.stop()
    assert stored_trades(trade_history_url) == expected_trades(venue.records)


async def test_who_was_there_before_stops(venue: LiveVenue, trade_history_url: str) -> None:
    first, second = (service(venue, trade_history_url) for _ in range(2))
    await first.start()
    await until_stored(first, venue)
    await second.start()
    await until_stored(second, venue)
    trade_at_random(venue, 40, seed=3)
    await venue.carry_out()
    await until_stored(second, venue)
    await eventually(lambda: "ConflictError" in str(first.health()["failure"]))
    assert first.health()["ready"] is False
    assert first.health()["failed"] is False  # started anew it would drive the other one out
    await first.stop()
    await second.stop()
    assert stored_trades(trade_history_url) == expected_trades(venue.records)


async def test_items_expire_where_they_are_told_to(
    venue: LiveVenue, trade_history_url: str
) -> None:
    venue.script.trade(100, 5)
    await venue.carry_out()
    history = service(venue, trade_history_url, ttl_days=30)
    await history.start()
    await until_stored(history, venue)
    await history.stop()
    expected_s = venue.records[-1].timestamp_ns // 10**9 + 30 * 86_400
    for table in ("trades", "fills"):
        found = items(trade_history_url, table)
        assert {int(item["expires"]["N"]) for item in found} == {expected_s}
        assert time_to_live(trade_history_url, table) == ("ENABLED", "expires")
    assert all("expires" not in item for item in items(trade_history_url, "progress"))


async def test_tables_cost_nothing_while_nothing_happens(
    venue: LiveVenue, trade_history_url: str
) -> None:
    history = service(venue, trade_history_url)
    await history.start()
    await until_stored(history, venue)
    await history.stop()
    name = trade_history_url.rpartition("/venue")[2].partition("?")[0]
    described: Any = dynamo(trade_history_url).describe_table(TableName=f"venue{name}-trades")
    assert described["Table"]["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


async def test_a_stop_does_not_wait_for_a_store_that_hangs(
    venue: LiveVenue, trade_history_url: str, aws_endpoint: str
) -> None:
    async with ThrottlingProxy(aws_endpoint) as proxy:
        history = service(venue, trade_history_url.replace(aws_endpoint, proxy.url))
        await history.start()
        await until_stored(history, venue)
        proxy.is_slow = True
        venue.script.trade(100, 5)
        venue.script.enter(Side.BUY, 100, 1)
        await venue.carry_out()
        await eventually(lambda: proxy.operations[-1] == "BatchWriteItem")
        async with asyncio.timeout(2):
            await history.stop()


def time_to_live(url: str, table: str) -> tuple[str, str]:
    name = url.rpartition("/venue")[2].partition("?")[0]
    described = dynamo(url).describe_time_to_live(TableName=f"venue{name}-{table}")
    found = described["TimeToLiveDescription"]
    return found["TimeToLiveStatus"], found["AttributeName"]
