"""The REST door over a real socket, before a real engine."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import pytest

from gateway.edge import json_operations, rest_http
from tests.gateway.edge.json_venue import (
    LIMIT,
    ORDER_QUERY,
    JsonVenue,
    now_ms,
    sign,
    signed_query,
    until,
)


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[JsonVenue]:
    venue = JsonVenue(tmp_path, redis_url)
    await venue.start()
    yield venue
    await venue.stop()


async def test_the_venue_answers_and_tells_the_time(venue: JsonVenue) -> None:
    assert await venue.get("ping") == {}
    before = now_ms()
    assert before <= (await venue.get("time"))["serverTime"] <= now_ms()


async def test_an_order_lives_its_life(venue: JsonVenue) -> None:
    placed = await venue.place(newClientOrderId="mine")
    assert (placed["status"], placed["fills"]) == ("NEW", [])
    order_id = placed["orderId"]

    status, asked = await venue.signed("GET", "order", symbol="BTCUSDT", orderId=order_id)
    assert (status, asked["status"], asked["isWorking"]) == (200, "NEW", True)
    assert (await venue.signed("GET", "openOrders"))[1] == [asked]
    assert (await venue.signed("GET", "openOrders", "bob"))[1] == []

    status, canceled = await venue.signed(
        "DELETE", "order", symbol="BTCUSDT", origClientOrderId="mine"
    )
    assert (status, canceled["status"], canceled["orderId"]) == (200, "CANCELED", order_id)
    (known,) = (await venue.signed("GET", "allOrders", symbol="BTCUSDT"))[1]
    assert known["status"] == "CANCELED"


@pytest.mark.parametrize(
    ("where", "what"), [(json_operations, "account_status"), (rest_http, "check_signed")]
)
async def test_a_fault_of_ours_is_answered_in_json_and_costs_nobody_else_a_thing(
    venue: JsonVenue, monkeypatch: pytest.MonkeyPatch, where: ModuleType, what: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(where, what, fail)
    status, answer = await venue.signed("GET", "account")
    assert (status, answer["code"]) == (500, -1000)
    monkeypatch.undo()
    assert (await venue.signed("GET", "account", "bob"))[0] == 200


async def test_two_clients_trade_to_the_last_unit(venue: JsonVenue) -> None:
    await venue.place("bob", side="SELL", price="99.99", quantity="0.33333")
    bought = await venue.place(quantity="1")
    (fill,) = bought["fills"]
    assert (fill["price"], fill["qty"], fill["commission"]) == ("99.99", "0.33333", "0.00066666")

    status, account = await venue.signed("GET", "account", omitZeroBalances="true")
    balances = {each["asset"]: each for each in account["balances"]}
    assert (status, account["canTrade"]) == (200, True)
    assert balances["BTC"]["free"] == "10.33266334"
    assert balances["USDT"] == {"asset": "USDT", "free": "999900.00333330", "locked": "66.66700000"}

    (trade,) = (await venue.signed("GET", "myTrades", "bob", symbol="BTCUSDT"))[1]
    assert (trade["isMaker"], trade["commission"], trade["commissionAsset"]) == (
        True,
        "0.03332967",
        "USDT",
    )


async def test_the_market_is_told(venue: JsonVenue) -> None:
    for price in ("99.00", "98.00"):
        await venue.place(price=price)
    await venue.place("bob", side="SELL", price="99.00", quantity="0.06")
    book = venue.gateway.feed.books["BTCUSDT"]
    tape = venue.gateway.feed.tapes["BTCUSDT"]
    await until(lambda: tape.prints and book.bids.best and book.bids.best.lots == 4_000)
    await until(lambda: venue.gateway.feed.candles["BTCUSDT", "1m"].candles)
    statistics = venue.gateway.feed.tickers["BTCUSDT"]
    await until(lambda: statistics.ticker is not None and statistics.ticker.trades)

    depth = await venue.get("depth", symbol="BTCUSDT", limit=5)
    assert depth["bids"] == [["99.00", "0.04000"], ["98.00", "0.10000"]]
    assert (depth["asks"], depth["lastUpdateId"]) == ([], book.sequence)
    (trade,) = await venue.get("trades", symbol="BTCUSDT")
    assert (trade["price"], trade["isBuyerMaker"]) == ("99.00", True)
    (aggregate,) = await venue.get("aggTrades", symbol="BTCUSDT")
    assert (aggregate["a"], aggregate["p"]) == (trade["id"], trade["price"])
    (candle,) = await venue.get("klines", symbol="BTCUSDT", interval="1m")
    assert (candle[4], candle[5], candle[8]) == ("99.00", "0.06000", 1)
    ticker = await venue.get("ticker/24hr", symbol="BTCUSDT")
    assert (ticker["lastPrice"], ticker["bidPrice"], ticker["count"]) == ("99.00", "99.00", 1)
    assert [ticker] == await venue.get("ticker/24hr", symbols='["BTCUSDT"]')
    price = await venue.get("ticker/price")
    assert price == [{"symbol": "BTCUSDT", "price": "99.00"}]
    best = await venue.get("ticker/bookTicker", symbol="BTCUSDT")
    assert (best["bidPrice"], best["askPrice"]) == ("99.00", "0.00")
    (symbol,) = (await venue.get("exchangeInfo"))["symbols"]
    assert (symbol["symbol"], symbol["status"]) == ("BTCUSDT", "TRADING")


async def test_all_open_orders_are_canceled(venue: JsonVenue) -> None:
    ids = [(await venue.place())["orderId"] for _ in range(3)]
    status, canceled = await venue.signed("DELETE", "openOrders", symbol="BTCUSDT")
    assert (status, [each["orderId"] for each in canceled]) == (200, ids)
    status, none = await venue.signed("DELETE", "openOrders", symbol="BTCUSDT")
    assert (status, none["code"]) == (400, -2011)


async def test_a_test_order_changes_nothing(venue: JsonVenue) -> None:
    before = venue.state_hash()
    assert await venue.signed("POST", "order/test", **LIMIT) == (200, {})
    status, refused = await venue.signed("POST", "order/test", **(LIMIT | {"price": "0.001"}))
    assert (status, refused["code"]) == (400, -1013)
    assert venue.state_hash() == before


@pytest.mark.parametrize("query_bytes", [0, 14, len(ORDER_QUERY), None])
async def test_parameters_may_be_in_query_body_or_both(
    venue: JsonVenue, query_bytes: int | None
) -> None:
    signed = signed_query()
    query, body = (signed, "") if query_bytes is None else (signed[:query_bytes], "")
    if query_bytes is not None:
        # Where the two meet there is no "&" to be signed.
        rest = signed[query_bytes:].partition("&signature")[0].removeprefix("&")
        body = f"{rest}&signature={sign('alice', query + rest)}"
    status, answer = await venue.send(
        "POST", f"/api/v3/order?{query}", key="alice", data=body.encode() or None
    )
    assert (status, answer["status"]) == (200, "NEW"), answer


async def test_an_order_whose_record_is_late_is_of_unknown_outcome(
    venue: JsonVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.json_orders.ANSWER_TIMEOUT_NS", 200_000_000)
    await venue.matching.stop()
    status, answer = await venue.signed("POST", "order", **(LIMIT | {"newClientOrderId": "late"}))
    assert (status, answer["code"]) == (504, -1007)

    await venue.restart_matching()
    entered = venue.gateway.orders.order
    await until(lambda: entered(1, client_order_id=b"late") is not None)
    status, answer = await venue.signed("GET", "order", symbol="BTCUSDT", origClientOrderId="late")
    assert (status, answer["status"]) == (200, "NEW")
