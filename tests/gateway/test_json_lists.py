"""Lists of orders over JSON: placed, asked for and canceled as one."""

import pytest

from gateway.json_api import list_requests as lists
from gateway.json_api import order_queries
from gateway.json_api.errors import ApiError
from tests.gateway.engine_room import ALICE, BOB
from tests.gateway.json_desk import Desk
from vocabulary.types import Side


@pytest.fixture
def desk() -> Desk:
    return Desk()


OCO = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "quantity": "0.1",
    "aboveType": "LIMIT_MAKER",
    "abovePrice": "110.00",
    "belowType": "STOP_LOSS_LIMIT",
    "belowPrice": "94.00",
    "belowStopPrice": "95.00",
    "belowTimeInForce": "GTC",
    "listClientOrderId": "pair",
    "timestamp": 1,
}
OTO = {
    "symbol": "BTCUSDT",
    "workingType": "LIMIT",
    "workingSide": "BUY",
    "workingPrice": "100.00",
    "workingQuantity": "0.1",
    "workingTimeInForce": "GTC",
    "pendingType": "STOP_LOSS",
    "pendingSide": "SELL",
    "pendingStopPrice": "95.00",
    "pendingQuantity": "0.1",
    "timestamp": 1,
}

OTOCO = {
    "symbol": "BTCUSDT",
    "workingType": "LIMIT",
    "workingSide": "BUY",
    "workingPrice": "100.00",
    "workingQuantity": "0.1",
    "workingTimeInForce": "GTC",
    "pendingSide": "SELL",
    "pendingQuantity": "0.1",
    "pendingAboveType": "LIMIT_MAKER",
    "pendingAbovePrice": "110.00",
    "pendingBelowType": "STOP_LOSS_LIMIT",
    "pendingBelowPrice": "94.00",
    "pendingBelowStopPrice": "95.00",
    "pendingBelowTimeInForce": "GTC",
    "listClientOrderId": "three",
    "timestamp": 1,
}


def test_a_list_is_placed_queried_and_canceled_as_one(desk: Desk) -> None:
    placed = desk.place_list(OCO, lists.PlaceOco)
    assert (placed["contingencyType"], placed["listOrderStatus"]) == ("OCO", "EXECUTING")
    assert [each["clientOrderId"] for each in placed["orders"]] == ["pair.1", "pair.2"]
    gain, stop = placed["orderReports"]
    assert (gain["type"], gain["status"]) == ("LIMIT_MAKER", "NEW")
    assert (stop["type"], stop["orderListId"]) == ("STOP_LOSS_LIMIT", placed["orderListId"])
    assert desk.place_list(OCO, lists.PlaceOco)["orderListId"] == placed["orderListId"]

    room = desk.room.orders
    query = lists.QueryList(timestamp=1, order_list_id=placed["orderListId"])
    assert order_queries.list_status(room, ALICE, query).list_client_order_id == "pair"
    assert len(order_queries.open_lists(room, ALICE, lists.OpenLists(timestamp=1))) == 1

    canceled = desk.cancel_list(listClientOrderId="pair")
    assert canceled["listOrderStatus"] == "ALL_DONE"
    assert [each["status"] for each in canceled["orderReports"]] == ["CANCELED", "CANCELED"]
    assert order_queries.open_lists(room, ALICE, lists.OpenLists(timestamp=1)) == []
    with pytest.raises(ApiError, match="Unknown order"):
        desk.cancel_list(listClientOrderId="pair")
    with pytest.raises(ApiError, match="does not exist"):
        order_queries.list_status(room, BOB, query)


def test_one_order_of_a_list_ends_as_the_other_trades(desk: Desk) -> None:
    placed = desk.place_list(OCO, lists.PlaceOco)
    desk.room.enter(b"b1", Side.BUY, "0.05", "110.00", account_id=BOB)
    statuses = [desk.status(each["orderId"]) for each in placed["orders"]]
    assert statuses == ["PARTIALLY_FILLED", "EXPIRED"]


def test_a_pending_order_is_placed_once_the_working_one_is_filled(desk: Desk) -> None:
    placed = desk.place_list(OTO, lists.PlaceOto)
    working, pending = (each["orderId"] for each in placed["orders"])
    assert (desk.status(working), desk.status(pending)) == ("NEW", "PENDING_NEW")
    desk.room.enter(b"b1", Side.SELL, "0.1", "100.00", account_id=BOB)
    assert (desk.status(working), desk.status(pending)) == ("FILLED", "NEW")
    assert desk.room.orders.open_lists(ALICE) != []


def test_two_pending_orders_are_placed_of_which_one_cancels_the_other(desk: Desk) -> None:
    placed = desk.place_list(OTOCO, lists.PlaceOtoco)
    assert (placed["contingencyType"], placed["listStatusType"]) == ("OTO", "EXEC_STARTED")
    names = [each["clientOrderId"] for each in placed["orders"]]
    assert names == ["three.1", "three.2", "three.3"]
    types = [(each["type"], each["side"], each["status"]) for each in placed["orderReports"]]
    assert types == [
        ("LIMIT", "BUY", "NEW"),
        ("LIMIT_MAKER", "SELL", "PENDING_NEW"),
        ("STOP_LOSS_LIMIT", "SELL", "PENDING_NEW"),
    ]
    assert desk.place_list(OTOCO, lists.PlaceOtoco)["orderListId"] == placed["orderListId"]
    ids = [each["orderId"] for each in placed["orders"]]
    desk.room.enter(b"b1", Side.SELL, "0.1", "100.00", account_id=BOB)
    assert [desk.status(order_id) for order_id in ids] == ["FILLED", "NEW", "NEW"]
    desk.room.enter(b"b2", Side.BUY, "0.1", "110.00", account_id=BOB)
    assert [desk.status(order_id) for order_id in ids] == ["FILLED", "FILLED", "EXPIRED"]


def test_three_orders_are_canceled_as_one_and_refused_whole(desk: Desk) -> None:
    desk.place_list(OTOCO, lists.PlaceOtoco)
    canceled = desk.cancel_list(listClientOrderId="three")
    assert [each["status"] for each in canceled["orderReports"]] == 3 * ["CANCELED"]
    no_pair = {"pendingAboveType": "LIMIT_MAKER", "pendingBelowType": "TAKE_PROFIT_LIMIT"}
    refused = desk.place_list(OTOCO | no_pair, lists.PlaceOtoco)
    assert isinstance(refused, ApiError)
    assert refused.code == -1014
    assert desk.room.orders.open_orders(ALICE) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"belowType": "TAKE_PROFIT"}, -1106),  # that has no price
        ({"belowType": "TAKE_PROFIT_LIMIT"}, -1014),
        ({"quantity": "1000"}, -2010),
        ({"aboveClientOrderId": "same", "belowClientOrderId": "same"}, -2010),
        ({"listClientOrderId": "no spaces"}, -1100),
    ],
)
def test_a_list_is_refused_whole(desk: Desk, change: dict[str, str], code: int) -> None:
    try:
        refused = desk.place_list(OCO | change, lists.PlaceOco)
    except ApiError as error:
        refused = error
    assert isinstance(refused, ApiError)
    assert refused.code == code
    assert desk.room.orders.open_orders(ALICE) == []
