from typing import Any

import pytest

from gateway import order_table
from gateway.orders import OrderStatus, Report, ReportKind
from tests.gateway.engine_room import (
    ALICE,
    ALICE_SESSION,
    BOB,
    BOB_SESSION,
    BTCUSDT,
    OPS_SESSION,
    EngineRoom,
)
from vocabulary import commands as c
from vocabulary.rejects import RejectReason
from vocabulary.types import (
    CancelReason,
    Contingency,
    OrderFlags,
    OrderType,
    Side,
    TimeInForce,
    TradingPhase,
)


@pytest.fixture
def room() -> EngineRoom:
    return EngineRoom()


def test_a_new_order_is_reported_once_and_is_open(room: EngineRoom) -> None:
    (report,) = room.enter(b"a1", Side.BUY, "0.5", "50000")
    assert report.kind is ReportKind.ACCEPTED
    assert (report.status, report.leaves_lots) == (OrderStatus.NEW, 50_000)
    assert report.exec_id == f"{report.sequence}-0"
    assert room.orders.open_orders(ALICE) == [report.order]
    assert room.orders.order(ALICE, client_order_id=b"a1") is report.order
    assert room.orders.order(BOB, client_order_id=b"a1") is None
    assert report.order is not None
    assert room.orders.order(BOB, order_id=report.order.order_id) is None


def test_a_trade_is_reported_to_both_sides_with_fees_in_the_received_asset(
    room: EngineRoom,
) -> None:
    room.enter(b"a1", Side.BUY, "0.5", "50000")
    accepted, resting, incoming = room.enter(b"b1", Side.SELL, "0.2", "49000", account_id=BOB)

    assert accepted.kind is ReportKind.ACCEPTED
    assert resting.fill is not None
    assert incoming.fill is not None
    assert not resting.is_requester
    assert incoming.is_requester
    assert (resting.status, resting.leaves_lots) == (OrderStatus.PARTIALLY_FILLED, 30_000)
    assert (incoming.status, incoming.leaves_lots) == (OrderStatus.FILLED, 0)
    # The maker buys 0.2 BTC and pays 0.1 % of it, the taker gets 10,000 USDT and pays 0.2 %.
    assert resting.fill.fee_asset.text(resting.fill.fee_units) == "0.00020000"
    assert resting.fill.fee_asset.name == "BTC"
    assert incoming.fill.fee_asset.text(incoming.fill.fee_units) == "20.00000000"
    assert incoming.fill.fee_asset.name == "USDT"
    assert resting.fill.trade_id == incoming.fill.trade_id == 1
    assert room.orders.fills(ALICE, BTCUSDT) == [resting.fill]
    assert room.orders.open_order_count == 1


def test_reports_keep_their_values_while_the_order_goes_on(room: EngineRoom) -> None:
    room.enter(b"a1", Side.BUY, "0.1", "50000")
    room.enter(b"a2", Side.BUY, "0.1", "49999")
    reports = room.enter(b"b1", Side.SELL, "0.3", "49000", account_id=BOB)
    own = [report for report in reports if report.client_order_id == b"b1"]
    assert [(report.cumulative_lots, report.leaves_lots) for report in own] == [
        (0, 30_000),
        (10_000, 20_000),
        (20_000, 10_000),
    ]


def test_a_replace_gives_the_order_its_new_name(room: EngineRoom) -> None:
    room.enter(b"a1", Side.BUY, "0.5", "50000")
    (report,) = room.apply(
        c.ReplaceOrder(ALICE_SESSION, 99, ALICE, BTCUSDT, 0, 5_000_000, 40_000, b"a2", b"a1")
    )
    assert report.kind is ReportKind.REPLACED
    assert (report.client_order_id, report.original_client_order_id) == (b"a2", b"a1")
    assert room.orders.order(ALICE, client_order_id=b"a1") is None
    assert room.orders.order(ALICE, client_order_id=b"a2") is report.order


def test_a_cancel_names_the_request_and_the_order(room: EngineRoom) -> None:
    room.enter(b"a1", Side.BUY, "0.5", "50000")
    (report,) = room.apply(c.CancelOrder(ALICE_SESSION, 99, ALICE, BTCUSDT, 0, b"x1", b"a1"))
    assert report.kind is ReportKind.CANCELED
    assert (report.client_order_id, report.original_client_order_id) == (b"x1", b"a1")
    assert (report.leaves_lots, report.status) == (0, OrderStatus.CANCELED)
    assert room.orders.open_orders(ALICE) == []

    unsolicited = report.unsolicited()
    assert (unsolicited.client_order_id, unsolicited.original_client_order_id) == (b"a1", b"")


def test_cancel_all_reports_each_order(room: EngineRoom) -> None:
    room.enter(b"a1", Side.BUY, "0.5", "50000")
    room.enter(b"a2", Side.SELL, "0.5", "60000")
    reports = room.apply(c.CancelAllOrders(ALICE_SESSION, 99, ALICE, 0, b""))
    assert [(report.kind, report.client_order_id) for report in reports] == [
        (ReportKind.CANCELED, b"a1"),
        (ReportKind.CANCELED, b"a2"),
    ]
    assert room.apply(c.CancelAllOrders(ALICE_SESSION, 100, ALICE, 0, b"")) == []


def test_the_kill_switch_s_cancels_are_nobody_s_request(room: EngineRoom) -> None:
    room.enter(b"a1", Side.BUY, "0.5", "50000")
    room.enter(b"b1", Side.BUY, "0.5", "49000", account_id=BOB)
    (report,) = room.apply(c.SuspendAccount(OPS_SESSION, 99, ALICE))
    assert (report.kind, report.status) == (ReportKind.CANCELED, OrderStatus.CANCELED)
    assert report.reason is CancelReason.ACCOUNT_SUSPENDED
    assert (report.client_order_id, report.original_client_order_id) == (b"a1", b"")
    assert not report.is_requester
    assert room.orders.open_orders(ALICE) == []
    (refused,) = room.enter(b"a2", Side.BUY, "0.5", "50000")
    assert (refused.kind, refused.reason) == (
        ReportKind.REJECTED,
        RejectReason.ACCOUNT_SUSPENDED,
    )


def test_what_an_immediate_order_leaves_expires(room: EngineRoom) -> None:
    reports = room.enter(
        b"a1", Side.BUY, "0.5", "50000", time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL
    )
    assert [report.kind for report in reports] == [ReportKind.ACCEPTED, ReportKind.EXPIRED]
    assert reports[1].reason is CancelReason.IMMEDIATE_OR_CANCEL
    assert reports[1].status is OrderStatus.EXPIRED


def test_refusals_are_told_by_what_was_asked(room: EngineRoom) -> None:
    (report,) = room.enter(b"a1", Side.BUY, "9999", "50000")
    assert (report.kind, report.reason) == (ReportKind.REJECTED, RejectReason.INSUFFICIENT_FUNDS)
    (report,) = room.apply(c.CancelOrder(ALICE_SESSION, 98, ALICE, BTCUSDT, 0, b"x", b"no"))
    assert (report.kind, report.order) == (ReportKind.CANCEL_REJECTED, None)
    (report,) = room.apply(
        c.ReplaceOrder(ALICE_SESSION, 99, ALICE, BTCUSDT, 0, 5_000_000, 1_000, b"x", b"no")
    )
    assert report.kind is ReportKind.REPLACE_REJECTED


def test_an_order_sent_again_is_told_as_it_stands(room: EngineRoom) -> None:
    [first] = room.enter(b"a1", Side.BUY, "0.5", "50000")
    room.enter(b"b1", Side.SELL, "0.2", "50000", account_id=BOB)
    [again] = room.enter(b"a1", Side.BUY, "0.5", "50000")
    assert (again.kind, again.order) == (ReportKind.REPEATED, first.order)
    assert (again.status, again.cumulative_lots) == (OrderStatus.PARTIALLY_FILLED, 20_000)
    [changed] = room.enter(b"a1", Side.BUY, "0.4", "50000")
    assert changed.reason is RejectReason.DUPLICATE_CLIENT_ORDER_ID


def test_an_order_that_is_kept_no_more_is_a_duplicate_when_it_is_sent_again(
    room: EngineRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_table, "CLOSED_ORDERS_MAX", 1)
    ioc = TimeInForce.IMMEDIATE_OR_CANCEL
    for name in (b"a1", b"a2"):
        room.enter(name, Side.BUY, "0.5", "50000", time_in_force=ioc)
    [again] = room.enter(b"a2", Side.BUY, "0.5", "50000", time_in_force=ioc)
    assert again.kind is ReportKind.REPEATED
    [again] = room.enter(b"a1", Side.BUY, "0.5", "50000", time_in_force=ioc)
    assert (again.kind, again.client_order_id) == (ReportKind.REJECTED, b"a1")
    assert again.reason is RejectReason.DUPLICATE_CLIENT_ORDER_ID
    assert again.is_requester


def test_a_refused_change_of_a_closed_order_still_names_it(room: EngineRoom) -> None:
    room.enter(b"a1", Side.BUY, "0.5", "50000")
    room.apply(c.CancelOrder(ALICE_SESSION, 98, ALICE, BTCUSDT, 0, b"x1", b"a1"))
    (report,) = room.apply(c.CancelOrder(ALICE_SESSION, 99, ALICE, BTCUSDT, 0, b"x2", b"a1"))
    assert report.order is room.orders.order(ALICE, client_order_id=b"a1")


def test_listings_and_halts_reach_the_catalogue(room: EngineRoom) -> None:
    assert list(room.catalogue.instrument_by_symbol) == ["BTCUSDT"]
    assert room.apply(c.ChangePhase(OPS_SESSION, 99, BTCUSDT, TradingPhase.HALTED)) == []
    assert room.catalogue.phases[BTCUSDT] is TradingPhase.HALTED


def test_closed_orders_and_fills_are_bounded(
    room: EngineRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_table, "CLOSED_ORDERS_MAX", 2)
    for name in (b"a1", b"a2", b"a3"):
        room.enter(name, Side.BUY, "0.01", "50000")
        room.enter(b"b" + name, Side.SELL, "0.01", "50000", account_id=BOB)
    assert [order.client_order_id for order in room.orders.orders(ALICE)] == [b"a2", b"a3"]
    assert room.orders.order(ALICE, client_order_id=b"a1") is None
    assert room.orders.order(ALICE, client_order_id=b"a3") is not None


def test_a_name_used_again_means_the_newer_order(
    room: EngineRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_table, "CLOSED_ORDERS_MAX", 1)
    for number in range(3):
        room.enter(b"same", Side.BUY, "0.01", "50000")
        room.apply(c.CancelOrder(ALICE_SESSION, 100 + number, ALICE, BTCUSDT, 0, b"x", b"same"))
        room.now_ns += 25 * 3600 * 10**9  # a name is taken for a day
    assert len(room.orders.orders(ALICE)) == 1
    found = room.orders.order(ALICE, client_order_id=b"same")
    assert found is not None
    assert found.order_id == len(room.records) - 1


def test_orders_of_another_session_keep_their_own(room: EngineRoom) -> None:
    (report,) = room.enter(b"b1", Side.BUY, "0.01", "50000", account_id=BOB)
    assert report.order is not None
    assert report.order.session_id == BOB_SESSION


def enter_list(room: EngineRoom, contingency: Contingency) -> list[Report]:
    """Let Alice sell 0.1 at 110 and, once that is filled or beside it, stop at 90."""
    terms: dict[str, Any] = {"symbol": "BTCUSDT", "side": Side.SELL, "quantity": "0.1"}
    cancels = contingency is Contingency.ONE_CANCELS_OTHER
    limit = room.order_entry.enter_order(
        ALICE_SESSION,
        99,
        ALICE,
        order_type=OrderType.LIMIT,
        price="110",
        flags=OrderFlags.POST_ONLY if cancels else OrderFlags.NONE,
        client_order_id=b"limit",
        **terms,
    )
    stop = room.order_entry.enter_order(
        ALICE_SESSION,
        99,
        ALICE,
        order_type=OrderType.STOP,
        price=None,
        trigger_price="90",
        client_order_id=b"stop",
        **terms,
    )
    return room.apply(room.order_entry.order_list(contingency, b"pair", limit, stop))


def test_whoever_cancels_one_order_of_a_list_did_not_name_the_other(room: EngineRoom) -> None:
    accepted = enter_list(room, Contingency.ONE_CANCELS_OTHER)
    assert [report.client_order_id for report in accepted] == [b"stop", b"limit"]
    assert all(report.is_requester for report in accepted)
    stop, limit = (report.order for report in accepted)
    assert stop is not None
    cancel = c.CancelOrder(BOB_SESSION, 1, ALICE, BTCUSDT, stop.order_id, b"cancel", b"")
    named, other = room.apply(cancel)
    assert (named.order, named.client_order_id, named.is_requester) == (stop, b"cancel", True)
    assert (other.order, other.client_order_id, other.is_requester) == (limit, b"limit", False)
    assert room.orders.open_order_count == 0


def test_an_order_whose_turn_never_comes_ends_with_the_one_before(room: EngineRoom) -> None:
    stop, limit = (report.order for report in enter_list(room, Contingency.ONE_TRIGGERS_OTHER))
    assert stop is not None
    assert limit is not None
    assert (stop.status, limit.status) == (OrderStatus.PENDING_NEW, OrderStatus.NEW)
    assert not stop.is_working()
    room.apply(c.CancelOrder(ALICE_SESSION, 1, ALICE, BTCUSDT, limit.order_id, b"", b""))
    assert (stop.status, limit.status) == (OrderStatus.CANCELED, OrderStatus.CANCELED)


def test_a_list_is_forgotten_with_its_orders(
    room: EngineRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_table, "CLOSED_ORDERS_MAX", 1)
    enter_list(room, Contingency.ONE_CANCELS_OTHER)
    [found] = room.orders.open_lists(ALICE)
    assert room.orders.order_list(ALICE, client_list_id=b"pair") is found
    room.apply(c.CancelAllOrders(ALICE_SESSION, 1, ALICE, 0, b""))
    assert found.is_done
    assert room.orders.order_list(ALICE, list_id=found.list_id) is None
