"""A change of tick and lot, as the doors tell it and hold orders to it."""

import pytest

from gateway.fix_application.security_list import sizes
from gateway.json_api.exchange_info import filters
from gateway.orders import OrderStatus, Report
from tests.gateway.engine_room import ALICE, BTCUSDT, OPS_SESSION, EngineRoom
from vocabulary import commands as c
from vocabulary.rejects import Refused, RejectReason
from vocabulary.types import CancelReason, OrderType, Side, TradingPhase


def enter(room: EngineRoom, name: bytes, price: str, quantity: str) -> list[Report]:
    command = room.order_entry.enter_order(
        5,
        len(room.records),
        ALICE,
        symbol="BTCUSDT",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        price=price,
        quantity=quantity,
        client_order_id=name,
    )
    return room.apply(command)


def change(room: EngineRoom) -> list[Report]:
    """Let the tick be 0.25 and the lot 0.00100 from now on."""
    room.apply(c.ChangePhase(OPS_SESSION, 97, BTCUSDT, TradingPhase.HALTED))
    reports = room.apply(c.ChangeIncrements(OPS_SESSION, 98, BTCUSDT, 25, 100, 10))
    room.apply(c.ChangePhase(OPS_SESSION, 99, BTCUSDT, TradingPhase.TRADING))
    return reports


@pytest.fixture
def room() -> EngineRoom:
    """Give a venue whose tick and lot have changed."""
    room = EngineRoom()
    change(room)
    return room


def test_an_order_that_is_off_them_is_reported_as_ended_and_the_other_stays() -> None:
    room = EngineRoom()
    enter(room, b"fits", "50000.25", "0.00200")
    enter(room, b"off", "50000.01", "0.00200")
    (report,) = change(room)
    assert (report.client_order_id, report.status) == (b"off", OrderStatus.EXPIRED)
    assert report.reason is CancelReason.OFF_INCREMENT
    assert [order.client_order_id for order in room.orders.open_orders(ALICE)] == [b"fits"]


def test_both_doors_tell_the_new_steps(room: EngineRoom) -> None:
    instrument = room.catalogue.instruments[BTCUSDT]
    price, lot, *_ = filters(instrument)
    assert (price["tickSize"], price["minPrice"]) == ("0.25", "0.25")
    assert price["maxPrice"] == "10995116277.75"
    assert (lot["stepSize"], lot["minQty"]) == ("0.00100", "0.00100")
    assert lot["maxQty"] == "2814749767.10600"
    assert [text for _, text in sizes(instrument)] == ["0.00100", "0.00100", "0.25"]


@pytest.mark.parametrize(
    ("price", "quantity", "reason"),
    [
        ("50000.10", "0.00200", RejectReason.PRICE_NOT_ON_TICK),
        ("50000.25", "0.00150", RejectReason.QUANTITY_NOT_ON_LOT),
    ],
)
def test_an_order_that_is_off_them_is_refused_at_the_door(
    room: EngineRoom, price: str, quantity: str, reason: RejectReason
) -> None:
    with pytest.raises(Refused) as refused:
        enter(room, b"new", price, quantity)
    assert refused.value.reason is reason
    assert "0.25" in refused.value.text or "0.00100" in refused.value.text


def test_prices_of_before_keep_their_places(room: EngineRoom) -> None:
    (report,) = enter(room, b"new", "50000.5", "0.002")
    assert report.order is not None
    assert report.order.instrument.price_text(report.order.price_ticks) == "50000.50"
