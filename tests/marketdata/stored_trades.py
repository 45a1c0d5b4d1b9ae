"""A venue that trades, and what its trade history should hold and does hold."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import boto3

from tests.marketdata.live_venue import LiveVenue
from vocabulary.codec import Record
from vocabulary.events import TradeExecuted
from vocabulary.trade_history import (
    HistoricFill,
    HistoricTrade,
    place_of,
    read_fill,
    read_trade,
)
from vocabulary.types import Side

PRICE_SCALE, LOTS_SCALE = 4, 4  # of the scripted venue: a tick is 0.0001 USDT, a lot 0.0001 BTC


@asynccontextmanager
async def matching_alone(directory: Path) -> AsyncIterator[LiveVenue]:
    """Give a venue without its publisher of market data."""
    venue = LiveVenue(directory, "redis://127.0.0.1:1/0")
    await venue.server.start()
    await venue.trader.start()
    await venue.carry_out()
    try:
        yield venue
    finally:
        await venue.trader.stop()
        await venue.server.stop()


def trade_at_random(venue: LiveVenue, orders: int, seed: int) -> None:
    """Script orders of three accounts around one price, most of which trade."""
    chance = random.Random(seed)
    for _ in range(orders):
        venue.script.enter(
            chance.choice((Side.BUY, Side.SELL)),
            chance.randint(99, 101),
            chance.randint(1, 9),
            account_id=chance.choice((7, 8, 9)),
        )


def expected_trades(records: Iterable[Record]) -> list[HistoricTrade]:
    """Return what the history should hold of BTCUSDT, from the journal's records."""
    return [
        HistoricTrade(
            symbol="BTCUSDT",
            trade_id=event.trade_id,
            timestamp_ns=record.timestamp_ns,
            price=f"{event.price_ticks / 10**PRICE_SCALE:.{PRICE_SCALE}f}",
            quantity=f"{event.quantity_lots / 10**LOTS_SCALE:.{LOTS_SCALE}f}",
            quote_quantity=f"{event.price_ticks * event.quantity_lots / 10**8:.8f}",
            buyer_is_maker=event.incoming_side is Side.SELL,
            buyer_order_id=(
                event.resting_order_id
                if event.incoming_side is Side.SELL
                else event.incoming_order_id
            ),
            seller_order_id=(
                event.incoming_order_id
                if event.incoming_side is Side.SELL
                else event.resting_order_id
            ),
            sequence=record.sequence,
        )
        for record in records
        for event in record.events
        if isinstance(event, TradeExecuted)
    ]


def dynamo(url: str) -> Any:
    place = place_of(url)
    return boto3.client("dynamodb", region_name=place.region, endpoint_url=place.endpoint)


def items(url: str, table: str) -> list[dict[str, Any]]:
    """Return all of a table, by the name's end; none where it is not there."""
    client = dynamo(url)
    name = f"{place_of(url).prefix}-{table}"
    try:
        pages = list(client.get_paginator("scan").paginate(TableName=name, ConsistentRead=True))
    except client.exceptions.ResourceNotFoundException:
        return []
    return [item for page in pages for item in page["Items"]]


def stored_trades(url: str) -> list[HistoricTrade]:
    """Return the trades stored, by id; each id once, as ids are keys."""
    found = [item for item in items(url, "trades") if "price" in item]
    return sorted(map(read_trade, found), key=lambda trade: (trade.symbol, trade.trade_id))


def stored_fills(url: str) -> list[HistoricFill]:
    """Return the fills stored, makers' in front of takers'."""
    found = map(read_fill, items(url, "fills"))
    return sorted(found, key=lambda fill: (fill.symbol, fill.trade_id, not fill.is_maker))
