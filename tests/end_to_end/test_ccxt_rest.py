"""Unmodified ccxt over REST, on a venue that `agio up` runs."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import ccxt
import pytest

from tests.agio.running_venue import RunningVenue, free_port_base
from tests.end_to_end.ccxt_clients import configured, traders

MARKET = "BTC/USDT"


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVenue]:
    with RunningVenue(tmp_path_factory.mktemp("venue"), free_port_base()) as venue:
        yield venue


@pytest.fixture(scope="module")
def keys(venue: RunningVenue) -> list[dict[str, str]]:
    return traders(venue, "maker", "taker")


@pytest.fixture(scope="module")
def maker(venue: RunningVenue, keys: list[dict[str, str]]) -> Any:
    return configured(ccxt.binance(keys[0]), venue)


@pytest.fixture(scope="module")
def taker(venue: RunningVenue, keys: list[dict[str, str]]) -> Any:
    return configured(ccxt.binance(keys[1]), venue)


@pytest.fixture(autouse=True)
def nothing_stays_in_the_book(maker: Any, taker: Any) -> Iterator[None]:
    yield
    for exchange in (maker, taker):
        if exchange.fetch_open_orders(MARKET):
            exchange.cancel_all_orders(MARKET)


def eventually(ask: Callable[[], Any]) -> Any:
    """Ask until there is something in the answer: market data takes its way through Redis."""
    deadline = time.monotonic() + 10
    while not (answer := ask()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return answer


def test_markets_are_loaded_with_their_limits(taker: Any) -> None:
    market = taker.load_markets()[MARKET]
    assert (market["id"], market["spot"], market["active"]) == ("BTCUSDT", True, True)
    assert market["precision"] == {"amount": 1e-05, "price": 0.01, "base": 1e-08, "quote": 1e-08}
    assert market["limits"]["amount"]["min"] == 1e-05
    assert market["limits"]["price"]["min"] == 0.01
    assert sorted(taker.markets) == ["BTC/USDT", "ETH/BTC", "ETH/USDT"]
    assert abs(taker.fetch_time() - time.time() * 1000) < 2000


def test_an_order_is_edited(maker: Any) -> None:
    order = maker.create_order(MARKET, "limit", "buy", 0.5, 90)
    edited = maker.edit_order(order["id"], MARKET, "limit", "buy", 0.25, 91)
    assert (edited["status"], edited["price"], edited["amount"]) == ("open", 91, 0.25)
    assert [each["id"] for each in maker.fetch_open_orders(MARKET)] == [edited["id"]]
    assert maker.fetch_balance()["USDT"]["used"] == 22.75
    with pytest.raises(ccxt.ExchangeError, match="Unknown order sent"):
        maker.edit_order(order["id"], MARKET, "limit", "buy", 0.25, 91)
    amended = maker.request(
        "order/amend/keepPriority",
        "private",
        "PUT",
        {"symbol": "BTCUSDT", "orderId": edited["id"], "newQty": "0.1"},
    )
    assert amended["amendedOrder"]["qty"] == "0.10000"
    assert maker.fetch_order(edited["id"], MARKET)["remaining"] == 0.1


def test_fees_are_those_of_the_account(maker: Any) -> None:
    fee = maker.fetch_trading_fee(MARKET)
    assert (fee["symbol"], fee["maker"], fee["taker"]) == (MARKET, 0.0002, 0.0004)
    assert sorted(maker.fetch_trading_fees()) == ["BTC/USDT", "ETH/BTC", "ETH/USDT"]
    told = maker.privateGetAccountCommission({"symbol": "BTCUSDT"})
    assert told["standardCommission"]["maker"] == "0.00020000"


def test_an_order_lives_its_life(maker: Any) -> None:
    order = maker.create_order(MARKET, "limit", "buy", 0.5, 90, {"clientOrderId": "mine"})
    assert (order["status"], order["filled"], order["remaining"]) == ("open", 0, 0.5)
    assert (order["clientOrderId"], order["timeInForce"]) == ("mine", "GTC")
    assert maker.fetch_balance()["USDT"]["used"] == 45

    assert maker.fetch_order(order["id"], MARKET)["status"] == "open"
    by_name = maker.fetch_order("", MARKET, {"clientOrderId": "mine"})
    assert by_name["id"] == order["id"]
    assert [each["id"] for each in maker.fetch_open_orders(MARKET)] == [order["id"]]

    assert maker.cancel_order(order["id"], MARKET)["status"] == "canceled"
    assert maker.fetch_open_orders(MARKET) == []
    assert maker.fetch_orders(MARKET)[-1]["status"] == "canceled"
    assert maker.fetch_balance()["USDT"]["used"] == 0


def test_a_trade_is_seen_by_both_sides(maker: Any, taker: Any) -> None:
    before = {each: each.fetch_balance()["total"] for each in (maker, taker)}
    resting = maker.create_order(MARKET, "limit", "sell", 2, 100)
    bought = taker.create_order(MARKET, "market", "buy", 0.5)
    assert (bought["status"], bought["filled"], bought["average"]) == ("closed", 0.5, 100)
    assert (bought["fee"]["cost"], bought["fee"]["currency"]) == (0.0002, "BTC")
    (sold,) = maker.fetch_my_trades(MARKET, limit=1)
    assert (sold["order"], sold["takerOrMaker"], sold["cost"]) == (resting["id"], "maker", 50)
    assert (sold["fee"]["cost"], sold["fee"]["currency"]) == (0.01, "USDT")
    assert taker.fetch_order_trades(bought["id"], MARKET)[0]["id"] == sold["id"]
    assert maker.fetch_order(resting["id"], MARKET)["remaining"] == 1.5

    now = {each: each.fetch_balance()["total"] for each in (maker, taker)}
    assert now[taker]["BTC"] - before[taker]["BTC"] == pytest.approx(0.4998, abs=1e-9)
    assert now[maker]["USDT"] - before[maker]["USDT"] == pytest.approx(49.99, abs=1e-9)


def test_an_order_at_market_may_name_its_cost(maker: Any, taker: Any) -> None:
    maker.create_order(MARKET, "limit", "sell", 2, 100)
    bought = taker.create_market_buy_order_with_cost(MARKET, 25)
    assert (bought["status"], bought["filled"], bought["cost"]) == ("closed", 0.25, 25)
    maker.create_order(MARKET, "limit", "buy", 2, 90)
    sold = taker.create_market_sell_order_with_cost(MARKET, 18)
    assert (sold["status"], sold["filled"], sold["cost"]) == ("closed", 0.2, 18)


def test_a_trade_is_seen_by_everyone(maker: Any, taker: Any) -> None:
    maker.create_order(MARKET, "limit", "sell", 2, 120)
    bought = taker.create_order(MARKET, "limit", "buy", 0.5, 120)
    trade_id = bought["trades"][0]["id"]
    tape = eventually(lambda: [t for t in taker.fetch_trades(MARKET) if t["id"] == trade_id])
    assert (tape[0]["price"], tape[0]["amount"], tape[0]["side"]) == (120, 0.5, "buy")
    book = eventually(lambda: book_with_asks(taker, [[120, 1.5]]))
    assert book["bids"] == []
    eventually(lambda: taker.fetch_ticker(MARKET)["last"] == 120)
    ticker = taker.fetch_ticker(MARKET)
    assert (ticker["ask"], ticker["high"], ticker["change"] is not None) == (120, 120, True)
    assert taker.fetch_tickers([MARKET])[MARKET]["last"] == 120
    assert taker.fetch_bids_asks([MARKET])[MARKET]["ask"] == 120
    assert taker.fetch_last_prices([MARKET])[MARKET]["price"] == 120
    eventually(lambda: taker.fetch_ohlcv(MARKET, "1d")[-1][4] == 120)


def test_of_an_iceberg_everyone_sees_a_slice(maker: Any, taker: Any) -> None:
    placed = maker.create_order(MARKET, "limit", "sell", 2, 130, {"icebergQty": "0.5"})
    assert placed["remaining"] == 2
    assert eventually(lambda: book_with_asks(taker, [[130, 0.5]]))
    bought = taker.create_order(MARKET, "market", "buy", 0.75)
    assert (bought["status"], len(bought["trades"])) == ("closed", 2)
    assert eventually(lambda: book_with_asks(taker, [[130, 0.25]]))


def test_of_two_orders_one_cancels_the_other(maker: Any, taker: Any) -> None:
    maker.create_order(MARKET, "limit", "sell", 0.5, 100)
    taker.create_order(MARKET, "limit", "buy", 0.5, 100)  # the price that the stop is below
    terms = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "1"}
    above = {"aboveType": "LIMIT_MAKER", "abovePrice": "140"}
    below = {"belowType": "STOP_LOSS", "belowStopPrice": "80", "listClientOrderId": "both"}
    before = maker.fetch_balance()["BTC"]["used"]
    placed = maker.private_post_orderlist_oco({**terms, **above, **below})
    assert maker.fetch_balance()["BTC"]["used"] == before + 1
    assert (placed["contingencyType"], len(placed["orderReports"])) == ("OCO", 2)
    assert [each["listClientOrderId"] for each in maker.private_get_openorderlist()] == ["both"]
    name = {"symbol": "BTCUSDT", "orderListId": placed["orderListId"]}
    assert maker.private_delete_orderlist(name)["listOrderStatus"] == "ALL_DONE"
    assert maker.fetch_open_orders(MARKET) == []


def test_an_order_is_placed_once_another_is_filled(maker: Any, taker: Any) -> None:
    working = {"workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "70"}
    pending = {"pendingType": "LIMIT_MAKER", "pendingSide": "SELL", "pendingPrice": "150"}
    quantities = {"workingQuantity": "0.5", "pendingQuantity": "0.25"}
    terms = {"symbol": "BTCUSDT", "workingTimeInForce": "GTC", **quantities}
    placed = maker.private_post_orderlist_oto({**terms, **working, **pending})
    statuses = [each["status"] for each in placed["orderReports"]]
    assert statuses == ["NEW", "PENDING_NEW"]
    taker.create_order(MARKET, "limit", "sell", 0.5, 70)
    [left] = maker.fetch_open_orders(MARKET)
    assert (left["price"], left["remaining"]) == (150, 0.25)


def test_an_order_and_then_a_pair(maker: Any, taker: Any) -> None:
    working = {"workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "60"}
    above = {"pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": "160"}
    below = {"pendingBelowType": "STOP_LOSS", "pendingBelowStopPrice": "50"}
    terms = {"symbol": "BTCUSDT", "workingQuantity": "0.5", "workingTimeInForce": "GTC"}
    pending = {"pendingSide": "SELL", "pendingQuantity": "0.5", "listClientOrderId": "three"}
    placed = maker.request(
        "orderList/otoco", "private", "POST", {**terms, **working, **pending, **above, **below}
    )
    statuses = [each["status"] for each in placed["orderReports"]]
    assert (placed["contingencyType"], statuses) == ("OTO", ["NEW", "PENDING_NEW", "PENDING_NEW"])
    taker.create_order(MARKET, "limit", "sell", 0.5, 60)
    opened = {order["clientOrderId"] for order in maker.fetch_open_orders(MARKET)}
    assert opened >= {"three.2", "three.3"}
    name = {"symbol": "BTCUSDT", "orderListId": placed["orderListId"]}
    assert maker.private_delete_orderlist(name)["listOrderStatus"] == "ALL_DONE"


def book_with_asks(exchange: Any, asks: list[list[float]]) -> Any:
    book = exchange.fetch_order_book(MARKET, 5)
    return book if book["asks"] == asks else None


@pytest.mark.parametrize(
    ("parameters", "status", "filled"),
    [
        ({"timeInForce": "IOC"}, "expired", 0.1),
        ({"timeInForce": "FOK"}, "expired", 0),
        ({"timeInForce": "GTC"}, "open", 0.1),
    ],
)
def test_times_in_force(
    maker: Any, taker: Any, parameters: dict[str, str], status: str, filled: float
) -> None:
    maker.create_order(MARKET, "limit", "sell", 0.1, 100)
    order = taker.create_order(MARKET, "limit", "buy", 0.3, 100, parameters)
    assert (order["status"], order["filled"]) == (status, filled)


def test_a_post_only_order_never_takes(maker: Any, taker: Any) -> None:
    maker.create_order(MARKET, "limit", "sell", 0.1, 100)
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        taker.create_order(MARKET, "limit", "buy", 0.1, 100, {"postOnly": True})
    order = taker.create_order(MARKET, "limit", "buy", 0.1, 99, {"postOnly": True})
    assert taker.fetch_order(order["id"], MARKET)["postOnly"] is True


def test_all_orders_are_canceled_at_once(maker: Any) -> None:
    for price in (90, 91, 92):
        maker.create_order(MARKET, "limit", "buy", 0.1, price)
    assert len(maker.cancel_all_orders(MARKET)) == 3
    with pytest.raises(ccxt.OrderNotFound):
        maker.cancel_all_orders(MARKET)


def test_failures_are_of_ccxts_own_kinds(maker: Any) -> None:
    cases: list[tuple[type[Exception], Callable[[], Any]]] = [
        (ccxt.InsufficientFunds, lambda: maker.create_order(MARKET, "limit", "buy", 5000, 100)),
        (ccxt.OrderNotFound, lambda: maker.cancel_order("999999999", MARKET)),
        (ccxt.OrderNotFound, lambda: maker.fetch_order("999999999", MARKET)),
        (ccxt.BadSymbol, lambda: maker.public_get_depth({"symbol": "DOGEUSDT"})),
        (ccxt.InvalidOrder, lambda: raw_order(maker, price="100.001")),
        (ccxt.InvalidOrder, lambda: raw_order(maker, quantity="0.000001")),
        (ccxt.BadRequest, lambda: raw_order(maker, quantity="1_000")),
        (ccxt.BadRequest, lambda: raw_order(maker, icebergQty="1")),
        (ccxt.ExchangeError, lambda: maker.create_order(MARKET, "stop", "buy", 1, 100)),
    ]
    for kind, call in cases:
        with pytest.raises(kind):
            call()


def raw_order(exchange: Any, **change: str) -> Any:
    terms = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    return exchange.private_post_order(terms | {"quantity": "0.1", "price": "50.00"} | change)


def test_a_wrong_secret_and_a_wrong_clock_are_told_apart(venue: RunningVenue, maker: Any) -> None:
    forger = configured(ccxt.binance({"apiKey": maker.apiKey, "secret": "guess"}), venue)
    with pytest.raises(ccxt.AuthenticationError):
        forger.fetch_balance()
    stranger = configured(ccxt.binance({"apiKey": "nobody", "secret": "guess"}), venue)
    with pytest.raises(ccxt.AuthenticationError):
        stranger.fetch_balance()
    late = configured(ccxt.binance({"apiKey": maker.apiKey, "secret": maker.secret}), venue)
    late.options["timeDifference"] = 11_000  # by which it thinks its clock is ahead
    with pytest.raises(ccxt.InvalidNonce):
        late.fetch_balance()
