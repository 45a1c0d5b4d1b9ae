"""Orders and fills in answers, as a client reads them."""

import json
from typing import Any

import msgspec
import pytest

from gateway.json_api import order_replies
from gateway.orders import Fill, Order
from tests.gateway.engine_room import ALICE, BOB, EngineRoom
from vocabulary.types import OrderFlags, Side, TimeInForce

GTC = TimeInForce.GOOD_TILL_CANCEL
IOC = TimeInForce.IMMEDIATE_OR_CANCEL
FOK = TimeInForce.FILL_OR_KILL
TIME_MS = 1_700_000_000_123


def seen(reply: object) -> Any:
    return json.loads(msgspec.json.encode(reply))


@pytest.fixture
def room() -> EngineRoom:
    return EngineRoom()


def order_and_fills(room: EngineRoom, client_order_id: bytes) -> tuple[Order, list[Fill]]:
    order = room.orders.order(ALICE, client_order_id=client_order_id)
    assert order is not None
    fills = [each for each in room.orders.fills(ALICE) if each.order_id == order.order_id]
    return order, fills


def half_filled(room: EngineRoom) -> tuple[Order, list[Fill]]:
    """Alice buys 0.02 at 100.00 and gets 0.01 at 99.50 at once."""
    room.enter(b"ask", Side.SELL, "0.1", "99.50", account_id=BOB)
    room.enter(b"half", Side.BUY, "0.2", "100.00")
    return order_and_fills(room, b"half")


def test_an_order_that_traded_at_once_is_answered_in_full(room: EngineRoom) -> None:
    order, fills = half_filled(room)
    assert seen(order_replies.placed(order, fills, "FULL")) == {
        "symbol": "BTCUSDT",
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": "half",
        "transactTime": TIME_MS,
        "price": "100.00",
        "origQty": "0.20000",
        "executedQty": "0.10000",
        "origQuoteOrderQty": "0.00000000",
        "cummulativeQuoteQty": "9.95000000",
        "status": "PARTIALLY_FILLED",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "workingTime": TIME_MS,
        "selfTradePreventionMode": "NONE",
        "fills": [
            {
                "price": "99.50",
                "qty": "0.10000",
                "commission": "0.00020000",
                "commissionAsset": "BTC",
                "tradeId": 1,
            }
        ],
    }


def test_shorter_answers_leave_the_rest_out(room: EngineRoom) -> None:
    order, fills = half_filled(room)
    full = seen(order_replies.placed(order, fills, "FULL"))
    result = seen(order_replies.placed(order, fills, "RESULT"))
    ack = seen(order_replies.placed(order, fills, "ACK"))
    assert result == {key: full[key] for key in full if key != "fills"}
    assert list(ack) == ["symbol", "orderId", "orderListId", "clientOrderId", "transactTime"]
    assert ack.items() <= result.items()


@pytest.mark.parametrize(
    ("price", "time_in_force", "flags", "names"),
    [
        ("90.00", GTC, OrderFlags.NONE, ("LIMIT", "GTC", "NEW")),
        (
            "90.00",
            GTC,
            OrderFlags.POST_ONLY,
            ("LIMIT_MAKER", "GTC", "NEW"),
        ),
        ("90.00", IOC, OrderFlags.NONE, ("LIMIT", "IOC", "EXPIRED")),
        ("90.00", FOK, OrderFlags.NONE, ("LIMIT", "FOK", "EXPIRED")),
        ("99.50", FOK, OrderFlags.NONE, ("LIMIT", "FOK", "FILLED")),
        (None, GTC, OrderFlags.NONE, ("MARKET", "GTC", "FILLED")),
    ],
)
def test_an_orders_kind_and_status_have_binances_names(
    room: EngineRoom,
    price: str | None,
    time_in_force: TimeInForce,
    flags: OrderFlags,
    names: tuple[str, str, str],
) -> None:
    room.enter(b"ask", Side.SELL, "0.1", "99.50", account_id=BOB)
    room.enter(b"x", Side.BUY, "0.1", price, time_in_force=time_in_force, flags=flags)
    reply = seen(order_replies.order_reply(order_and_fills(room, b"x")[0]))
    assert (reply["type"], reply["timeInForce"], reply["status"]) == names
    assert reply["isWorking"] is (names[2] == "NEW")


def test_an_order_asked_for_is_told_as_it_is_now(room: EngineRoom) -> None:
    order, _ = half_filled(room)
    assert seen(order_replies.order_reply(order)) == {
        "symbol": "BTCUSDT",
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": "half",
        "price": "100.00",
        "origQty": "0.20000",
        "executedQty": "0.10000",
        "cummulativeQuoteQty": "9.95000000",
        "status": "PARTIALLY_FILLED",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "stopPrice": "0.00",
        "icebergQty": "0.00000",
        "time": TIME_MS,
        "updateTime": TIME_MS,
        "isWorking": True,
        "workingTime": TIME_MS,
        "origQuoteOrderQty": "0.00000000",
        "selfTradePreventionMode": "NONE",
    }


def test_a_cancel_is_told_with_both_its_names(room: EngineRoom) -> None:
    order, _ = half_filled(room)
    reply = seen(order_replies.canceled(order, b"away"))
    assert (reply["origClientOrderId"], reply["clientOrderId"]) == ("half", "away")
    assert (reply["origQty"], reply["executedQty"]) == ("0.20000", "0.10000")


def test_both_sides_of_a_trade_see_their_own_fee(room: EngineRoom) -> None:
    half_filled(room)
    (bought,) = room.orders.fills(ALICE)
    (sold,) = room.orders.fills(BOB)
    assert seen(order_replies.my_trade(bought)) == {
        "symbol": "BTCUSDT",
        "id": 1,
        "orderId": bought.order_id,
        "orderListId": -1,
        "price": "99.50",
        "qty": "0.10000",
        "quoteQty": "9.95000000",
        "commission": "0.00020000",
        "commissionAsset": "BTC",
        "time": TIME_MS,
        "isBuyer": True,
        "isMaker": False,
        "isBestMatch": True,
    }
    mirrored = seen(order_replies.my_trade(sold))
    assert (mirrored["commission"], mirrored["commissionAsset"]) == ("0.00995000", "USDT")
    assert (mirrored["isBuyer"], mirrored["isMaker"]) == (False, True)
