"""Orders of JSON clients that are replaced or amended, over the real engine."""

import json
from typing import Any

import msgspec
import pytest

from gateway.json_api import requests as r
from gateway.json_api.errors import ApiError
from gateway.json_api.replace_requests import CancelReplace
from gateway.json_orders import ANSWER_TIMEOUT_NS
from tests.gateway.engine_room import ALICE, BOB
from tests.gateway.json_desk import NOW_NS, Desk
from vocabulary.types import Side


@pytest.fixture
def desk() -> Desk:
    return Desk()


def body(error: Any) -> Any:
    assert isinstance(error, ApiError)
    return json.loads(msgspec.json.encode(error.body()))


def test_another_order_takes_the_place_of_one_that_is_canceled(desk: Desk) -> None:
    first = desk.place(newClientOrderId="first")
    told = desk.cancel_replace(
        cancelOrderId=first["orderId"], newClientOrderId="second", price="101.00", quantity="0.2"
    )
    assert (told["cancelResult"], told["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    canceled, placed = told["cancelResponse"], told["newOrderResponse"]
    assert (canceled["orderId"], canceled["status"]) == (first["orderId"], "CANCELED")
    assert (placed["clientOrderId"], placed["price"], placed["origQty"]) == (
        "second",
        "101.00",
        "0.20000",
    )
    assert desk.status(placed["orderId"]) == "NEW"
    again = desk.cancel_replace(cancelOrigClientOrderId="second", cancelNewClientOrderId="bye")
    assert again["cancelResponse"]["clientOrderId"] == "bye"


def test_what_can_t_be_entered_cancels_nothing(desk: Desk) -> None:
    first = desk.place()
    for change in (
        {"price": "100.001"},
        {"quantity": "1e1"},
        {"stopPrice": "99"},
        {"cancelOrigClientOrderId": "both"},
    ):
        with pytest.raises(ApiError):
            desk.cancel_replace(cancelOrderId=first["orderId"], **change)
    with pytest.raises(ApiError, match="'orderId' must be sent"):
        desk.cancel_replace()
    assert desk.submitted == []
    assert desk.status(first["orderId"]) == "NEW"


def test_one_too_many_cancels_nothing() -> None:
    desk = Desk(orders_per_s_max=1)
    first = desk.place()
    with pytest.raises(ApiError, match="Too many new orders"):
        desk.cancel_replace(cancelOrderId=first["orderId"])
    assert desk.status(first["orderId"]) == "NEW"


def test_a_cancel_that_fails_stops_it_or_does_not(desk: Desk) -> None:
    stopped = desk.cancel_replace(cancelOrderId=999, newClientOrderId="not")
    assert stopped.http_status == 400
    assert body(stopped) == {
        "code": -2022,
        "msg": "Order cancel-replace failed.",
        "data": {
            "cancelResult": "FAILURE",
            "newOrderResult": "NOT_ATTEMPTED",
            "cancelResponse": {"code": -2011, "msg": "Unknown order sent."},
            "newOrderResponse": None,
        },
    }
    assert desk.room.orders.order(ALICE, client_order_id=b"not") is None
    went_on = desk.cancel_replace(
        cancelOrderId=999, cancelReplaceMode="ALLOW_FAILURE", newClientOrderId="entered"
    )
    assert went_on.http_status == 409
    told = body(went_on)
    assert (told["code"], told["data"]["newOrderResult"]) == (-2021, "SUCCESS")
    assert desk.room.orders.order(ALICE, client_order_id=b"entered") is not None


def test_an_order_that_the_engine_refuses_is_told_with_the_cancel_that_was_done(
    desk: Desk,
) -> None:
    first = desk.place()
    told = desk.cancel_replace(cancelOrderId=first["orderId"], quantity="9000000")
    assert told.http_status == 409
    assert body(told)["data"]["newOrderResponse"]["code"] == -2010
    assert body(told)["data"]["cancelResult"] == "SUCCESS"
    assert desk.status(first["orderId"]) == "CANCELED"


def test_whether_it_was_canceled_may_be_unknown_and_nothing_is_entered_then(desk: Desk) -> None:
    first = desk.place()
    either = {"cancelOrderId": first["orderId"], "cancelReplaceMode": "ALLOW_FAILURE"}
    request = r.parse(desk.terms(**either), CancelReplace)
    desk.orders.cancel_replace(ALICE, request, NOW_NS, desk.answers.append)
    desk.orders.expire(NOW_NS + ANSWER_TIMEOUT_NS)
    (answer,) = desk.answers
    assert (answer.code, answer.http_status) == (-1007, 504)
    assert desk.orders.pending_count == 0
    assert len(desk.submitted) == 1


def test_less_of_an_order_keeps_its_place(desk: Desk) -> None:
    first = desk.place(newClientOrderId="first", quantity="1")
    desk.place(newClientOrderId="behind")
    told = desk.amend(orderId=first["orderId"], newQty="0.4")
    amended = told["amendedOrder"]
    assert (amended["orderId"], amended["qty"], amended["price"]) == (
        first["orderId"],
        "0.40000",
        "100.00",
    )
    assert (amended["origClientOrderId"], amended["clientOrderId"]) == ("first", "first")
    named = desk.amend(origClientOrderId="first", newQty="0.3", newClientOrderId="less")
    assert named["amendedOrder"]["origClientOrderId"] == "first"
    assert named["amendedOrder"]["clientOrderId"] == "less"
    desk.room.enter(b"b1", Side.SELL, "0.3", "100.00", account_id=BOB)
    assert desk.status(first["orderId"]) == "FILLED"


def test_what_can_t_be_amended_stays_as_it_is(desk: Desk) -> None:
    desk.room.enter(b"b1", Side.SELL, "0.4", "100.00", account_id=BOB)
    order_id = desk.place(quantity="1")["orderId"]
    for quantity in ("1", "2"):
        with pytest.raises(ApiError, match="not below") as refused:
            desk.amend(orderId=order_id, newQty=quantity)
        assert refused.value.code == -2038
    executed = desk.amend(orderId=order_id, newQty="0.4")
    assert (executed.code, executed.http_status) == (-2038, 400)
    with pytest.raises(ApiError, match="'quantity'"):
        desk.amend(orderId=order_id, newQty="much")
    with pytest.raises(ApiError, match="Unknown order"):
        desk.amend(orderId=order_id + 1, newQty="0.5")
    told = desk.amend(orderId=order_id, newQty="0.5")["amendedOrder"]
    assert (told["status"], told["executedQty"]) == ("PARTIALLY_FILLED", "0.40000")
