"""Unmodified ccxt.pro over WebSocket, on a venue that `agio up` runs."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import ccxt.pro
import pytest

from tests.agio.running_venue import RunningVenue, free_port_base
from tests.end_to_end.ccxt_clients import configured, traders

MARKET = "BTC/USDT"
PATIENCE_S = 10


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVenue]:
    with RunningVenue(tmp_path_factory.mktemp("venue"), free_port_base()) as venue:
        yield venue


@pytest.fixture(scope="module")
def keys(venue: RunningVenue) -> list[dict[str, str]]:
    return traders(venue, "maker", "taker")


@pytest.fixture
async def pair(venue: RunningVenue, keys: list[dict[str, str]]) -> AsyncIterator[tuple[Any, Any]]:
    """Give two clients, a maker and a taker, and take what they left in the book out."""
    maker, taker = (configured(ccxt.pro.binance(dict(key)), venue) for key in keys)
    for exchange in (maker, taker):
        await exchange.load_markets()
    yield maker, taker
    for exchange in (maker, taker):
        if await exchange.fetch_open_orders(MARKET):
            await exchange.cancel_all_orders(MARKET)
        await exchange.close()


async def soon(awaited: Any) -> Any:
    return await asyncio.wait_for(awaited, PATIENCE_S)


async def subscribed(awaited: Any) -> asyncio.Task[Any]:
    """Begin to watch, and give the subscription time to arrive."""
    task = asyncio.create_task(awaited)
    await asyncio.sleep(0.3)
    return task


async def test_orders_are_placed_and_canceled_over_websocket(pair: tuple[Any, Any]) -> None:
    maker, _ = pair
    order = await soon(maker.create_order_ws(MARKET, "limit", "buy", 0.5, 90))
    assert (order["status"], order["amount"], order["price"]) == ("open", 0.5, 90)
    (opened,) = await soon(maker.fetch_open_orders_ws(MARKET))
    assert opened["id"] == order["id"]
    assert (await soon(maker.fetch_order_ws(order["id"], MARKET)))["status"] == "open"
    canceled = await soon(maker.cancel_order_ws(order["id"], MARKET))
    assert canceled["status"] == "canceled"
    with pytest.raises(ccxt.InsufficientFunds):
        await soon(maker.create_order_ws(MARKET, "limit", "buy", 5000, 100))


async def test_the_market_is_watched(pair: tuple[Any, Any]) -> None:
    maker, taker = pair
    await maker.create_order(MARKET, "limit", "sell", 1, 100)
    trades = await subscribed(taker.watch_trades(MARKET))
    candles = await subscribed(taker.watch_ohlcv(MARKET, "1m"))
    best = await subscribed(taker.watch_bids_asks([MARKET]))
    book = await subscribed(taker.watch_order_book(MARKET))
    ticker = await subscribed(taker.watch_ticker(MARKET))
    bought = await taker.create_order(MARKET, "limit", "buy", 0.25, 100)

    (trade,) = await soon(trades)
    assert (trade["price"], trade["amount"]) == (100, 0.25)
    assert trade["id"] == bought["trades"][0]["id"]
    assert (await soon(candles))[-1][4:] == [100, 0.25]
    assert (await soon(best))[MARKET]["ask"] == 100
    assert (await soon(ticker))["last"] == 100
    seen = await soon(book)
    while seen["asks"] != [[100, 0.75]]:
        seen = await soon(taker.watch_order_book(MARKET))
    assert seen["bids"] == []


async def test_a_book_kept_by_ccxt_is_the_book(pair: tuple[Any, Any]) -> None:
    maker, taker = pair
    watching = await subscribed(taker.watch_order_book(MARKET))
    for number in range(20):
        await maker.create_order(MARKET, "limit", "buy", 0.1, 80 + number % 7)
    kept = await soon(watching)
    expected = await taker.fetch_order_book(MARKET)
    while kept["nonce"] < expected["nonce"]:
        kept = await soon(taker.watch_order_book(MARKET))
        expected = await taker.fetch_order_book(MARKET)
    assert kept["bids"] == expected["bids"]
    assert len(kept["bids"]) == 7


async def test_an_owner_watches_orders_trades_and_balance(pair: tuple[Any, Any]) -> None:
    maker, taker = pair
    orders = await subscribed(maker.watch_orders(MARKET))
    balance = await subscribed(maker.watch_balance())
    trades = await subscribed(maker.watch_my_trades(MARKET))
    placed = await maker.create_order(MARKET, "limit", "sell", 1, 100)
    (order,) = await soon(orders)
    assert (order["id"], order["status"]) == (placed["id"], "open")
    assert (await soon(balance))["BTC"]["used"] == 1

    next_order = asyncio.create_task(maker.watch_orders(MARKET))
    await taker.create_order(MARKET, "market", "buy", 1)
    (trade,) = await soon(trades)
    assert (trade["order"], trade["takerOrMaker"], trade["amount"]) == (placed["id"], "maker", 1)
    assert (trade["fee"]["cost"], trade["fee"]["currency"]) == (0.02, "USDT")
    (order,) = await soon(next_order)
    assert (order["status"], order["filled"]) == ("closed", 1)
