"""Orders of JSON clients over the real engine: requests in, answers out."""

import json
from typing import Any

import msgspec
import pytest

from gateway import order_table
from gateway.json_api import order_queries
from gateway.json_api import requests as r
from gateway.json_api.errors import ApiError
from gateway.json_api.user_events import execution_report
from gateway.json_orders import ANSWER_TIMEOUT_NS
from tests.gateway.engine_room import ALICE, BOB, BTC, BTCUSDT, OPS_SESSION, USDT
from tests.gateway.json_desk import NOW_NS, SESSION_ID, Desk
from vocabulary import commands as c
from vocabulary.types import SelfTradePrevention, Side, TradingPhase

STP = SelfTradePrevention


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_an_order_may_end_by_its_time(desk: Desk) -> None:
    until = {"timeInForce": "GTD", "goodTillDate": 1_700_000_060_000}
    placed = desk.place(**until)
    assert (placed["status"], placed["timeInForce"]) == ("NEW", "GTD")
    assert desk.place(timeInForce="DAY")["timeInForce"] == "DAY"
    late = desk.place(timeInForce="GTD", goodTillDate=1_600_000_000_000)
    assert isinstance(late, ApiError)
    assert late.code == -1130
    for change in ({"timeInForce": "GTD"}, {"goodTillDate": 1_700_000_060_000}):
        with pytest.raises(ApiError, match="goodTillDate"):
            desk.place(**change)


def test_an_order_sent_again_gets_the_first_one_s_answer(desk: Desk) -> None:
    desk.room.enter(b"b1", Side.SELL, "0.1", "100.00", account_id=BOB)
    first = desk.place(newClientOrderId="mine")
    again = desk.place(newClientOrderId="mine")
    assert again == first
    assert len(again["fills"]) == 1
    changed = desk.place(newClientOrderId="mine", quantity="0.2")
    assert isinstance(changed, ApiError)
    assert changed.message == "Duplicate order sent."


def test_an_order_that_is_kept_no_more_is_a_duplicate(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_table, "CLOSED_ORDERS_MAX", 1)
    for name in ("mine", "other"):
        assert desk.place(newClientOrderId=name, timeInForce="IOC")["status"] == "EXPIRED"
    again = desk.place(newClientOrderId="mine", timeInForce="IOC")
    assert isinstance(again, ApiError)
    assert (again.code, again.message) == (-2010, "Duplicate order sent.")


def test_a_market_order_by_amount_says_the_amount_and_what_it_came_to(desk: Desk) -> None:
    desk.room.enter(b"b1", Side.SELL, "0.1", "100.00", account_id=BOB)
    desk.room.enter(b"b2", Side.SELL, "0.1", "110.00", account_id=BOB)
    terms = {"type": "MARKET", "timeInForce": None, "price": None, "quantity": None}
    bought = desk.place(**terms, quoteOrderQty="15.5")
    assert (bought["status"], bought["origQty"]) == ("FILLED", "0.15000")
    assert bought["origQuoteOrderQty"] == "15.50000000"
    assert bought["cummulativeQuoteQty"] == "15.50000000"
    short = desk.place(**terms, quoteOrderQty="11")
    assert (short["status"], short["origQty"], short["executedQty"]) == (
        "EXPIRED",
        "0.10000",
        "0.05000",
    )
    nothing = desk.place(**terms, quoteOrderQty="11")
    assert isinstance(nothing, ApiError)
    assert nothing.message == "Filter failure: MARKET_LOT_SIZE"
    with pytest.raises(ApiError, match="'quoteOrderQty'"):
        desk.place(**terms, quoteOrderQty="1e1")


def test_an_iceberg_says_what_it_displays(desk: Desk) -> None:
    placed = desk.place(newClientOrderId="ice", icebergQty="0.01")
    request = r.QueryOrder(timestamp=1, symbol="BTCUSDT", order_id=placed["orderId"])
    told = order_queries.order_status(desk.room.orders, ALICE, request)
    assert (told.iceberg_qty, told.orig_qty) == ("0.01000", "0.10000")
    too_small = desk.place(icebergQty="0.00099")
    assert isinstance(too_small, ApiError)
    assert too_small.message == "Filter failure: ICEBERG_PARTS"
    at_once = desk.place(icebergQty="0.01", timeInForce="IOC")
    assert isinstance(at_once, ApiError)
    assert at_once.code == -1014


def test_self_trades_are_prevented_as_the_order_or_its_account_says(desk: Desk) -> None:
    resting = desk.place(newClientOrderId="resting", side="SELL")
    desk.room.apply(c.SetSelfTradePrevention(OPS_SESSION, 99, ALICE, STP.EXPIRE_MAKER))
    other = desk.place(newClientOrderId="other", selfTradePreventionMode="EXPIRE_TAKER")
    assert (other["status"], other["selfTradePreventionMode"]) == (
        "EXPIRED_IN_MATCH",
        "EXPIRE_TAKER",
    )
    by_default = desk.place(newClientOrderId="default", quantity="0.2")
    assert (by_default["status"], by_default["selfTradePreventionMode"]) == ("NEW", "EXPIRE_MAKER")
    request = r.QueryOrder(timestamp=1, symbol="BTCUSDT", order_id=resting["orderId"])
    told = json.loads(
        msgspec.json.encode(order_queries.order_status(desk.room.orders, ALICE, request))
    )
    assert (told["status"], told["preventedMatchId"], told["preventedQuantity"]) == (
        "EXPIRED_IN_MATCH",
        2,
        "0.10000",
    )
    smaller = desk.place(side="SELL", quantity="0.05", selfTradePreventionMode="DECREMENT")
    assert smaller["status"] == "EXPIRED_IN_MATCH"
    request = r.QueryOrder(timestamp=1, symbol="BTCUSDT", order_id=by_default["orderId"])
    told = json.loads(
        msgspec.json.encode(order_queries.order_status(desk.room.orders, ALICE, request))
    )
    assert (told["status"], told["origQty"], told["preventedQuantity"]) == (
        "NEW",
        "0.20000",
        "0.05000",
    )


def test_a_stop_order_waits_and_triggers(desk: Desk) -> None:
    desk.room.enter(b"b1", Side.SELL, "0.1", "100.00", account_id=BOB)
    desk.room.enter(b"b2", Side.BUY, "0.1", "100.00", account_id=BOB)
    terms = {"type": "STOP_LOSS_LIMIT", "stopPrice": "110.00", "price": "115.00"}
    placed = desk.place(**terms, newOrderRespType="RESULT")
    assert (placed["type"], placed["status"]) == ("STOP_LOSS_LIMIT", "NEW")
    request = r.QueryOrder(timestamp=1, symbol="BTCUSDT", order_id=placed["orderId"])
    before = order_queries.order_status(desk.room.orders, ALICE, request)
    assert (before.stop_price, before.is_working) == ("110.00", False)
    desk.room.enter(b"b3", Side.SELL, "0.1", "110.00", account_id=BOB)
    desk.room.enter(b"b4", Side.BUY, "0.1", "110.00", account_id=BOB)
    assert order_queries.order_status(desk.room.orders, ALICE, request).is_working
    refused = desk.place(**terms)
    assert isinstance(refused, ApiError)
    assert refused.message == "Stop price would trigger immediately."


def test_a_prevented_match_is_an_event_of_the_user_stream(desk: Desk) -> None:
    desk.room.enter(b"a1", Side.SELL, "0.5", "100.00")
    _, report, _ = desk.room.enter(
        b"a2", Side.BUY, "0.2", "100.00", self_trade_prevention=STP.DECREMENT
    )
    assert report.order is not None
    event = execution_report(report, report.order)
    assert {name: event[name] for name in ("x", "X", "q", "v", "A", "B", "pL", "V")} == {
        "x": "TRADE_PREVENTION", "X": "NEW", "q": "0.50000", "v": 1, "A": "0.20000",
        "B": "0.20000", "pL": "100.00", "V": "NONE",
    }  # fmt: skip


def test_an_order_is_answered_when_its_record_arrives(desk: Desk) -> None:
    desk.submit(newClientOrderId="mine")
    assert desk.answers == []
    answer = desk.run()
    assert (answer["clientOrderId"], answer["status"], answer["fills"]) == ("mine", "NEW", [])
    assert answer["orderId"] == desk.room.records[-1].sequence
    assert desk.orders.pending_count == 0


def test_a_trade_is_in_the_answer(desk: Desk) -> None:
    desk.room.enter(b"a", Side.SELL, "0.06", "99.00", account_id=BOB)
    desk.room.enter(b"b", Side.SELL, "0.06", "100.00", account_id=BOB)
    answer = desk.place()
    assert [(fill["price"], fill["qty"]) for fill in answer["fills"]] == [
        ("99.00", "0.06000"),
        ("100.00", "0.04000"),
    ]
    assert (answer["status"], answer["cummulativeQuoteQty"]) == ("FILLED", "9.94000000")


def test_an_order_without_a_name_gets_one_of_its_own(desk: Desk) -> None:
    first, second = desk.place(), desk.place()
    assert first["clientOrderId"] != second["clientOrderId"]
    assert len(first["clientOrderId"]) <= 36
    assert desk.cancel(origClientOrderId=first["clientOrderId"])["status"] == "CANCELED"


def test_session_numbers_rise_from_1_and_a_refusal_takes_none(desk: Desk) -> None:
    desk.submit()
    with pytest.raises(ApiError):
        desk.submit(price="100.001")
    desk.submit()
    assert [(each.session_id, each.session_number) for each in desk.submitted] == [
        (SESSION_ID, 1),
        (SESSION_ID, 2),
    ]


def test_a_cancel_is_answered_with_the_order(desk: Desk) -> None:
    order_id = desk.place(newClientOrderId="mine")["orderId"]
    answer = desk.cancel(orderId=order_id, newClientOrderId="away")
    assert (answer["orderId"], answer["status"]) == (order_id, "CANCELED")
    assert (answer["origClientOrderId"], answer["clientOrderId"]) == ("mine", "away")
    again = desk.cancel(orderId=order_id)
    assert (again.code, again.message) == (-2011, "Unknown order sent.")


def test_all_orders_are_canceled_at_once(desk: Desk) -> None:
    names = [desk.place()["clientOrderId"] for _ in range(3)]
    assert [each["origClientOrderId"] for each in desk.cancel_all()] == names
    assert desk.cancel_all().code == -2011


def test_all_orders_of_a_side_are_canceled_and_the_others_stay(desk: Desk) -> None:
    bought = desk.place()["clientOrderId"]
    sold = desk.place(side="SELL", price="200.00")["clientOrderId"]
    assert [each["origClientOrderId"] for each in desk.cancel_all(side="SELL")] == [sold]
    assert desk.cancel_all(side="SELL").code == -2011
    assert [each["origClientOrderId"] for each in desk.cancel_all(side="BUY")] == [bought]
    with pytest.raises(ApiError) as refused:
        desk.cancel_all(side="BOTH")
    assert refused.value.code == -1117


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"symbol": "DOGEUSDT"}, -1121),
        ({"price": "100.001"}, -1013),
        ({"price": "1e2"}, -1100),
        ({"price": "-1"}, -1100),
        ({"price": "9" * 30}, -1100),
        ({"quantity": "0.000001"}, -1013),
        ({"quantity": "1_000"}, -1100),
        ({"quantity": "\u0661"}, -1100),
        ({"quantity": "NaN"}, -1100),
        ({"newClientOrderId": "no spaces"}, -1100),
        ({"newClientOrderId": "x" * 37}, -1100),
        ({"newClientOrderId": "\u00fc"}, -1100),
    ],
)
def test_what_the_gateway_refuses_is_never_sent(
    desk: Desk, change: dict[str, str], code: int
) -> None:
    with pytest.raises(ApiError) as caught:
        desk.submit(**change)
    assert caught.value.code == code
    assert desk.submitted == []


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"quantity": "0"}, -1013, "LOT_SIZE"),
        ({"price": "0"}, -1013, "PRICE_FILTER"),
        ({"price": "99999999999.00"}, -1013, "PRICE_FILTER"),
        ({"quantity": "0.00001"}, -1013, "NOTIONAL"),
        ({"quantity": "50000"}, -2010, "insufficient balance"),
        ({"newClientOrderId": "taken"}, -2010, "Duplicate order"),
        ({"type": "LIMIT_MAKER", "timeInForce": None}, -2010, "immediately match"),
    ],
)
def test_what_the_engine_refuses_is_answered(
    desk: Desk, change: dict[str, Any], code: int, words: str
) -> None:
    desk.room.enter(b"taken", Side.BUY, "0.1", "50.00")
    desk.room.enter(b"ask", Side.SELL, "0.1", "100.00", account_id=BOB)
    before = desk.room.engine.state_hash(), desk.room.engine.funds()
    try:
        answer = desk.place(**change)
    except ApiError as error:  # found while reading it
        answer = error
    assert (answer.code, words in answer.message) == (code, True), answer
    assert desk.room.engine.funds() == before[1]


def test_a_halted_market_is_closed(desk: Desk) -> None:
    desk.room.apply(c.ChangePhase(OPS_SESSION, 99, BTCUSDT, TradingPhase.HALTED))
    assert desk.place().message == "Market is closed."


def test_a_late_record_was_answered_with_unknown(desk: Desk) -> None:
    desk.submit()
    desk.orders.expire(NOW_NS + ANSWER_TIMEOUT_NS - 1)
    assert desk.answers == []
    desk.orders.expire(NOW_NS + ANSWER_TIMEOUT_NS)
    assert desk.answers[0].code == -1007
    assert desk.run().code == -1007  # and the record, when it comes, answers nobody again


def test_what_matching_took_for_no_command_is_answered(desk: Desk) -> None:
    desk.submit()
    desk.submitted.clear()
    desk.orders.on_refused(1, None)
    desk.orders.on_refused(1, None)
    assert desk.run().code == -1000


def test_what_matching_can_not_execute_now_is_answered_with_the_reason(desk: Desk) -> None:
    desk.submit()
    desk.submitted.clear()
    desk.orders.on_refused(1, "only cancels are taken: the journal's disk is full")
    answer = desk.run()
    assert (answer.code, answer.http_status) == (-1008, 503)
    assert "the journal's disk is full" in answer.message


def test_new_orders_are_throttled_and_cancels_are_not() -> None:
    desk = Desk(orders_per_s_max=2)
    order_ids = [desk.place()["orderId"] for _ in range(2)]
    with pytest.raises(ApiError) as caught:
        desk.submit()
    assert (caught.value.code, caught.value.http_status) == (-1015, 429)
    for order_id in order_ids:
        assert desk.cancel(orderId=order_id)["status"] == "CANCELED"


def test_a_test_order_is_checked_and_not_sent(desk: Desk) -> None:
    request = r.PlaceOrder(timestamp=1, symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1")
    desk.orders.test(ALICE, request)
    request.quantity = "zero"
    with pytest.raises(ApiError):
        desk.orders.test(ALICE, request)
    assert desk.submitted == []


def test_an_order_is_asked_for_by_its_own_symbol(desk: Desk) -> None:
    order_id = desk.place()["orderId"]
    other = c.ListInstrument(OPS_SESSION, 99, 2, USDT, BTC, 100, 1, 0, 0, 0, b"USDTBTC")
    desk.room.apply(other)
    request = r.QueryOrder(timestamp=1, symbol="USDTBTC", order_id=order_id)
    with pytest.raises(ApiError) as caught:
        order_queries.order_status(desk.room.orders, ALICE, request)
    assert caught.value.code == -2013


def test_orders_and_trades_can_be_asked_for(desk: Desk) -> None:
    desk.room.enter(b"ask", Side.SELL, "0.3", "100.00", account_id=BOB)
    filled = desk.place()["orderId"]
    resting = desk.place(price="90.00", newClientOrderId="resting")["orderId"]
    orders = desk.room.orders

    by_name = r.QueryOrder(timestamp=1, symbol="BTCUSDT", orig_client_order_id="resting")
    assert order_queries.order_status(orders, ALICE, by_name).order_id == resting
    by_id = r.QueryOrder(timestamp=1, symbol="BTCUSDT", order_id=filled)
    assert order_queries.order_status(orders, ALICE, by_id).status == "FILLED"
    with pytest.raises(ApiError) as caught:
        order_queries.order_status(orders, BOB, by_id)
    assert caught.value.code == -2013

    def open_ids(account_id: int) -> list[int]:
        found = order_queries.open_orders(orders, account_id, r.OpenOrders(timestamp=1))
        return [each.order_id for each in found]

    assert open_ids(ALICE) == [resting]
    everything = r.AllOrders(timestamp=1, symbol="BTCUSDT")
    told = order_queries.all_orders(orders, ALICE, everything)
    assert [each.order_id for each in told] == [filled, resting]
    newest = r.AllOrders(timestamp=1, symbol="BTCUSDT", limit=1)
    assert order_queries.all_orders(orders, ALICE, newest)[0].order_id == resting
    oldest = r.AllOrders(timestamp=1, symbol="BTCUSDT", order_id=0, limit=1)
    assert order_queries.all_orders(orders, ALICE, oldest)[0].order_id == filled
    trades = r.MyTrades(timestamp=1, symbol="BTCUSDT")
    assert [each.order_id for each in order_queries.my_trades(orders, ALICE, trades)] == [filled]
    of_other = r.MyTrades(timestamp=1, symbol="BTCUSDT", order_id=resting)
    assert order_queries.my_trades(orders, ALICE, of_other) == []
    with pytest.raises(ApiError) as caught:
        order_queries.my_trades(orders, ALICE, r.MyTrades(timestamp=1, symbol="X"))
    assert caught.value.code == -1121
