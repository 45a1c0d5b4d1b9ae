import pytest

from gateway.order_entry import OrderEntry
from tests.gateway.engine_room import ALICE, EngineRoom
from vocabulary import commands as c
from vocabulary.rejects import Refused, RejectReason
from vocabulary.types import OrderFlags, OrderType, Side, TimeInForce

R = RejectReason


@pytest.fixture(scope="module")
def order_entry() -> OrderEntry:
    return EngineRoom().order_entry


def enter(order_entry: OrderEntry, **changes: object) -> c.EnterOrder:
    request = {
        "symbol": "BTCUSDT",
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "price": "50000.01",
        "quantity": "0.12345",
        "client_order_id": b"a1",
    }
    return order_entry.enter_order(5, 6, ALICE, **(request | changes))  # type: ignore[arg-type]


def test_decimal_text_becomes_ticks_and_lots(order_entry: OrderEntry) -> None:
    assert enter(order_entry) == c.EnterOrder(
        5,
        6,
        ALICE,
        1,
        Side.BUY,
        OrderType.LIMIT,
        TimeInForce.GOOD_TILL_CANCEL,
        OrderFlags.NONE,
        5_000_001,
        12_345,
        b"a1",
    )


def test_a_market_order_has_price_zero(order_entry: OrderEntry) -> None:
    assert enter(order_entry, order_type=OrderType.MARKET, price=None).price_ticks == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"symbol": "NOPE"}, R.UNKNOWN_INSTRUMENT),
        ({"price": None}, R.MALFORMED_PRICE),
        ({"price": ""}, R.MALFORMED_PRICE),
        ({"price": "-1"}, R.MALFORMED_PRICE),
        ({"price": "1e5"}, R.MALFORMED_PRICE),
        ({"price": "9" * 30}, R.MALFORMED_PRICE),
        ({"price": "50000.011"}, R.PRICE_NOT_ON_TICK),
        ({"price": "9" * 20}, R.PRICE_OUT_OF_RANGE),
        ({"quantity": "1_000"}, R.MALFORMED_QUANTITY),
        ({"quantity": "+1"}, R.MALFORMED_QUANTITY),
        ({"quantity": "1.0000000000000000000"}, R.MALFORMED_QUANTITY),
        ({"quantity": "\u0661"}, R.MALFORMED_QUANTITY),
        ({"quantity": "0.000001"}, R.QUANTITY_NOT_ON_LOT),
        ({"quantity": "9" * 20}, R.QUANTITY_OUT_OF_RANGE),
        ({"client_order_id": b""}, R.MALFORMED_CLIENT_ORDER_ID),
        ({"client_order_id": b"x" * 37}, R.MALFORMED_CLIENT_ORDER_ID),
        ({"client_order_id": b"with space"}, R.MALFORMED_CLIENT_ORDER_ID),
        ({"order_type": OrderType.MARKET}, R.UNSUPPORTED_ORDER),
        # Where several hold, the first in the list of reasons is given.
        ({"price": "x", "quantity": "x", "client_order_id": b""}, R.MALFORMED_PRICE),
        ({"quantity": "0.000001", "client_order_id": b""}, R.QUANTITY_NOT_ON_LOT),
    ],
)
def test_a_bad_request_is_refused_never_rounded(
    order_entry: OrderEntry, changes: dict[str, object], reason: RejectReason
) -> None:
    with pytest.raises(Refused) as refused:
        enter(order_entry, **changes)
    assert refused.value.reason is reason
    assert len(refused.value.text) < 150


def test_orders_are_named_by_one_of_two_ids(order_entry: OrderEntry) -> None:
    by_id = order_entry.cancel_order(
        5, 6, ALICE, symbol="BTCUSDT", order_id=7, original_client_order_id=b"a1"
    )
    assert (by_id.order_id, by_id.original_client_order_id) == (7, b"")
    by_name = order_entry.replace_order(
        5, 6, ALICE, symbol="BTCUSDT", original_client_order_id=b"a1", price="1", quantity="1"
    )
    assert (by_name.order_id, by_name.original_client_order_id) == (0, b"a1")


@pytest.mark.parametrize(
    "naming", [{}, {"order_id": -1}, {"order_id": 2**63}, {"original_client_order_id": b"\xff"}]
)
def test_an_order_must_be_named(order_entry: OrderEntry, naming: dict[str, object]) -> None:
    with pytest.raises(Refused) as refused:
        order_entry.cancel_order(5, 6, ALICE, symbol="BTCUSDT", **naming)  # type: ignore[arg-type]
    assert refused.value.reason is R.UNKNOWN_ORDER


def test_cancel_all_takes_one_instrument_or_all(order_entry: OrderEntry) -> None:
    assert order_entry.cancel_all_orders(5, 6, ALICE).instrument_id == 0
    assert order_entry.cancel_all_orders(5, 6, ALICE, symbol="BTCUSDT").instrument_id == 1
