"""What a session is told, by ExecType(150) and OrdStatus(39): FIX 4.4 vol. 4, appendix D."""

from decimal import Decimal
from typing import Any

import pytest

from gateway import order_table
from gateway.fix.dictionary import fix44
from gateway.fix_application import reports as fix_reports
from gateway.fix_application.reject_reasons import REJECT_REASONS
from gateway.orders import Report, ReportKind
from tests.gateway.engine_room import (
    ALICE,
    ALICE_SESSION,
    BOB,
    BTCUSDT,
    START_NS,
    EngineRoom,
)
from tests.gateway.fix_messages import (
    CANCEL,
    ORDER,
    REPLACE,
    STATUS,
    fields_of,
    message,
    message_of,
)
from vocabulary import commands as c
from vocabulary.codec import Record
from vocabulary.rejects import PRECEDENCE, RejectReason
from vocabulary.types import (
    Contingency,
    OrderFlags,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TradingPhase,
)

R = RejectReason
ORDER_REASONS = list(R)[: PRECEDENCE[R.UNKNOWN_ASSET]]


@pytest.fixture
def room() -> EngineRoom:
    return EngineRoom()


def told(room: EngineRoom, report: Report) -> dict[int, str]:
    """Return the fields of a report's message, which our own dictionary must find valid."""
    msg_type, body = message_of(report, room.catalogue)
    text = body.decode().replace("\x01", "|").rstrip("|")
    assert fix44().validate(message(msg_type, text)) is None, text
    return fields_of(body) | {35: msg_type}


def row(fields: dict[int, str]) -> tuple[str, ...]:
    """Return ExecType, OrdStatus, CumQty and LeavesQty."""
    return fields[150], fields[39], fields[14], fields[151]


def test_an_order_by_amount_says_amount_and_quantity(room: EngineRoom) -> None:
    room.enter(b"a1", Side.SELL, "0.5", "50000")
    by_amount: dict[str, Any] = {"account_id": BOB, "quote_amount": "10000.5"}
    accepted, _, traded = room.enter(b"b1", Side.BUY, None, None, **by_amount)
    for report in (accepted, traded):
        fields = told(room, report)
        assert (fields[152], fields[38]) == ("10000.50000000", "0.20001")
    assert row(fields) == ("F", "2", "0.20001", "0.00000")
    [refused] = room.enter(b"b2", Side.SELL, None, None, **by_amount)
    fields = told(room, refused)
    assert (fields[150], fields[103], fields[152], 38 in fields) == (
        "8",
        "13",
        "10000.50000000",
        False,
    )


def test_an_iceberg_says_what_it_displays(room: EngineRoom) -> None:
    [accepted] = room.enter(b"a1", Side.BUY, "0.5", "50000", display_quantity="0.1")
    fields = told(room, accepted)
    assert (fields[38], fields[111], fields[151]) == ("0.50000", "0.10000", "0.50000")


def test_new_partially_filled_filled(room: EngineRoom) -> None:
    [accepted] = room.enter(b"a1", Side.BUY, "0.5", "50000")
    assert row(told(room, accepted)) == ("0", "0", "0.00000", "0.50000")
    _, part, _ = room.enter(b"b1", Side.SELL, "0.2", "50000", account_id=BOB)
    assert row(told(room, part)) == ("F", "1", "0.20000", "0.30000")
    _, full, _ = room.enter(b"b2", Side.SELL, "0.3", "50000", account_id=BOB)
    assert row(told(room, full)) == ("F", "2", "0.50000", "0.00000")


def test_an_order_sent_again_is_answered_with_its_status(room: EngineRoom) -> None:
    room.enter(b"a1", Side.BUY, "0.5", "50000")
    room.enter(b"b1", Side.SELL, "0.2", "50000", account_id=BOB)
    [again] = room.enter(b"a1", Side.BUY, "0.5", "50000")
    assert row(told(room, again)) == ("I", "1", "0.20000", "0.30000")


def test_an_order_that_is_kept_no_more_is_refused_as_a_duplicate(
    room: EngineRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_table, "CLOSED_ORDERS_MAX", 1)
    ioc = TimeInForce.IMMEDIATE_OR_CANCEL
    for name in (b"a1", b"a2"):
        room.enter(name, Side.BUY, "0.5", "50000", time_in_force=ioc)
    [again] = room.enter(b"a1", Side.BUY, "0.5", "50000", time_in_force=ioc)
    fields = told(room, again)
    assert (fields[150], fields[11], fields[103]) == ("8", "a1", "6")
    assert fields[58] == "ClOrdID(11) is that of an earlier order"


def test_a_day_order_and_a_good_till_date_one_expire(room: EngineRoom) -> None:
    room.enter(b"a1", Side.BUY, "0.5", "50000", time_in_force=TimeInForce.DAY)
    when = START_NS // 10**9 * 10**9 + 60 * 10**9
    gtd = TimeInForce.GOOD_TILL_DATE
    [accepted] = room.enter(b"a2", Side.BUY, "0.5", "50000", time_in_force=gtd, expire_time_ns=when)
    assert told(room, accepted)[126] == "20231114-22:14:20.000"
    room.now_ns = when + 2 * 3600 * 10**9
    reports = room.apply(c.ExpireOrders(99, 1))
    assert [report.client_order_id for report in reports] == [b"a2", b"a1"]
    for report in reports:
        assert row(told(room, report)) == ("C", "C", "0.00000", "0.00000")
    assert room.orders.open_order_count == 0


def test_a_prevented_match_is_told_on_both_sides(room: EngineRoom) -> None:
    room.enter(b"a1", Side.SELL, "0.5", "50000")
    mode = SelfTradePrevention.DECREMENT
    _, less, ended = room.enter(b"a2", Side.BUY, "0.2", "50000", self_trade_prevention=mode)
    restated, expired = told(room, less), told(room, ended)
    assert row(restated) == ("D", "0", "0.00000", "0.30000")
    assert (restated[11], restated[38], restated[378]) == ("a1", "0.30000", "5")
    assert row(expired) == ("C", "C", "0.00000", "0.00000")
    assert (expired[11], expired[25001]) == ("a2", "5")
    for fields, other in ((restated, ended), (expired, less)):
        assert other.order is not None
        assert [fields[tag] for tag in (25024, 25025, 25026, 25029, 25030)] == [
            "1", "50000.00", "0.20000", str(other.order.order_id), "0.20000",
        ]  # fmt: skip


def test_a_stop_is_told_when_it_triggers_and_to_its_owner_alone(room: EngineRoom) -> None:
    room.enter(b"b1", Side.SELL, "0.1", "50000", account_id=BOB)
    room.enter(b"a1", Side.BUY, "0.3", "49000")
    room.enter(b"b2", Side.BUY, "0.1", "50000", account_id=BOB)
    [accepted] = room.enter(
        b"a2", Side.SELL, "0.1", None, order_type=OrderType.STOP, trigger_price="49000"
    )
    fields = told(room, accepted)
    assert [fields[tag] for tag in (40, 99, 1109, 636)] == ["3", "49000.00", "D", "N"]
    reports = room.enter(b"b3", Side.SELL, "0.1", "49000", account_id=BOB)
    mine = [report for report in reports if report.client_order_id == b"a2"]
    assert [row(told(room, report))[:2] for report in mine] == [("L", "0"), ("F", "2")]
    assert not any(report.is_requester for report in mine)


def test_new_replaced_partially_filled_replaced_canceled(room: EngineRoom) -> None:
    room.enter(b"a1", Side.BUY, "0.5", "50000")
    replace = c.ReplaceOrder(ALICE_SESSION, 98, ALICE, BTCUSDT, 0, 5_000_000, 40_000, b"a2", b"a1")
    [replaced] = room.apply(replace)
    # FIX 4.4 has no OrdStatus(39) Replaced: it stays what it was.
    assert row(told(room, replaced)) == ("5", "0", "0.00000", "0.40000")
    room.enter(b"b1", Side.SELL, "0.1", "50000", account_id=BOB)
    replace = c.ReplaceOrder(ALICE_SESSION, 99, ALICE, BTCUSDT, 0, 5_000_000, 30_000, b"a3", b"a2")
    [replaced] = room.apply(replace)
    assert row(told(room, replaced)) == ("5", "1", "0.10000", "0.20000")
    [canceled] = room.apply(c.CancelOrder(ALICE_SESSION, 100, ALICE, BTCUSDT, 0, b"x", b"a3"))
    assert row(told(room, canceled)) == ("4", "4", "0.10000", "0.00000")


@pytest.mark.parametrize(
    ("quantity", "price", "time_in_force", "rows"),
    [
        (
            "0.3",
            "50000",
            TimeInForce.IMMEDIATE_OR_CANCEL,
            [("0", "0", "0.00000", "0.30000"), ("F", "1", "0.10000", "0.20000"),
             ("C", "C", "0.10000", "0.00000")],
        ),
        (
            "0.3",
            "50000",
            TimeInForce.FILL_OR_KILL,
            [("0", "0", "0.00000", "0.30000"), ("C", "C", "0.00000", "0.00000")],
        ),
        (
            "0.3",
            None,
            TimeInForce.GOOD_TILL_CANCEL,
            [("0", "0", "0.00000", "0.30000"), ("F", "1", "0.10000", "0.20000"),
             ("C", "C", "0.10000", "0.00000")],
        ),
        (
            "0.1",
            None,
            TimeInForce.GOOD_TILL_CANCEL,
            [("0", "0", "0.00000", "0.10000"), ("F", "2", "0.10000", "0.00000")],
        ),
    ],
    ids=["immediate or cancel", "fill or kill", "market, exhausted", "market, filled"],
)  # fmt: skip
def test_what_is_not_filled_in_time_expires(
    room: EngineRoom,
    quantity: str,
    price: str | None,
    time_in_force: TimeInForce,
    rows: list[tuple[str, ...]],
) -> None:
    room.enter(b"b1", Side.SELL, "0.1", "50000", account_id=BOB)
    reports = room.enter(b"a1", Side.BUY, quantity, price, time_in_force=time_in_force)
    own = [told(room, report) for report in reports if report.client_order_id == b"a1"]
    assert [row(fields) for fields in own] == rows
    assert all(fields[636] == "N" for fields in own)
    assert (44 in own[0]) is (price is not None)


def test_an_order_is_described_as_it_was_entered(room: EngineRoom) -> None:
    [report] = room.enter(b"a1", Side.SELL, "0.5", "50000.01", flags=OrderFlags.POST_ONLY)
    fields = told(room, report)
    described = {11: "a1", 55: "BTCUSDT", 54: "2", 38: "0.50000", 40: "2", 44: "50000.01", 59: "1"}
    assert fields.items() >= (described | {18: "6", 636: "Y"}).items()
    assert fields[17] == report.exec_id
    assert report.order is not None
    assert fields[37] == str(report.order.order_id)
    assert fields[60] == "20231114-22:13:20.123"


def test_the_average_price_is_exact(room: EngineRoom) -> None:
    room.enter(b"b1", Side.SELL, "0.1", "50000", account_id=BOB)
    room.enter(b"b2", Side.SELL, "0.2", "50000.01", account_id=BOB)
    *_, last = (
        report
        for report in room.enter(b"a1", Side.BUY, "0.3", "50001")
        if report.client_order_id == b"a1"
    )
    exact = (Decimal(50000) + Decimal("50000.01") * 2) / 3
    assert told(room, last)[6] == str(exact.quantize(Decimal("1e-10"), rounding="ROUND_DOWN"))


@pytest.mark.parametrize("reason", ORDER_REASONS, ids=lambda reason: reason.name)
def test_every_reason_has_codes_and_words_for_each_message(
    room: EngineRoom, reason: RejectReason
) -> None:
    def refused(command: c.Command, kind: ReportKind) -> dict[int, str]:
        report = Report(Record(9, 10**18, command, []))
        report.kind, report.reason = kind, reason
        report.client_order_id, report.original_client_order_id = b"n1", b"a1"
        return told(room, report)

    order_code, cancel_code, words = REJECT_REASONS[reason]
    enter = c.EnterOrder(
        1, 2, ALICE, BTCUSDT, Side.BUY, OrderType.LIMIT, TimeInForce.GOOD_TILL_CANCEL,
        OrderFlags.NONE, 5_000_000, 1_000, b"n1",
    )  # fmt: skip
    fields = refused(enter, ReportKind.REJECTED)
    assert (fields[150], fields[39], fields[103]) == ("8", "8", order_code.decode())
    assert (fields[37], fields[11], fields[58]) == ("NONE", "n1", words)

    cancel = c.CancelOrder(1, 2, ALICE, BTCUSDT, 0, b"n1", b"a1")
    replace = c.ReplaceOrder(1, 2, ALICE, BTCUSDT, 0, 1, 1, b"n1", b"a1")
    for command, kind, response_to in (
        (cancel, ReportKind.CANCEL_REJECTED, "1"),
        (replace, ReportKind.REPLACE_REJECTED, "2"),
    ):
        fields = refused(command, kind)
        assert (fields[35], fields[434], fields[102]) == ("9", response_to, cancel_code.decode())
        assert (fields[11], fields[41], fields[37], fields[39]) == ("n1", "a1", "NONE", "8")


# One real refusal of each kind by the engine, and its OrdRejReason(103).
@pytest.mark.parametrize(
    ("reason", "changes", "code"),
    [
        (R.PRICE_OUT_OF_RANGE, {"price": "0"}, "99"),
        (R.QUANTITY_OUT_OF_RANGE, {"quantity": "0"}, "13"),
        (R.NOTIONAL_TOO_SMALL, {"quantity": "0.00001"}, "99"),
        (R.NOTIONAL_TOO_LARGE, {"quantity": "2000000000", "price": "10000000000"}, "3"),
        (R.INSUFFICIENT_FUNDS, {"quantity": "21"}, "3"),
        (R.DUPLICATE_CLIENT_ORDER_ID, {"client_order_id": b"open"}, "6"),
        (R.WOULD_TAKE_LIQUIDITY, {"flags": OrderFlags.POST_ONLY, "price": "60000"}, "99"),
    ],
    ids=lambda value: value.name if isinstance(value, RejectReason) else "",
)
def test_the_engine_s_refusals_reach_the_session(
    room: EngineRoom, reason: RejectReason, changes: dict[str, object], code: str
) -> None:
    room.enter(b"open", Side.BUY, "0.001", "40000")
    room.enter(b"ask", Side.SELL, "0.001", "60000", account_id=BOB)
    order: dict[str, object] = {"client_order_id": b"a1", "side": Side.BUY}
    order |= {"quantity": "0.5", "price": "50000"} | changes
    [report] = room.enter(**order)  # type: ignore[arg-type]
    assert report.reason is reason
    assert told(room, report)[103] == code


def test_a_halted_instrument_says_so(room: EngineRoom) -> None:
    room.apply(c.ChangePhase(90, 99, BTCUSDT, TradingPhase.HALTED))
    [report] = room.enter(b"a1", Side.BUY, "0.5", "50000")
    assert told(room, report)[103] == "2"


def test_answers_of_the_gateway_s_own_are_valid(room: EngineRoom) -> None:
    [report] = room.enter(b"a1", Side.BUY, "0.5", "50000")
    assert report.order is not None
    order, now_ns = report.order, 10**18
    answers = {
        "status": ("8", fix_reports.order_status(order, message("H", STATUS), b"e1", now_ns)),
        "unknown": ("8", fix_reports.unknown_order_status(message("H", STATUS), b"e2", now_ns)),
        "refused": (
            "8",
            fix_reports.refused_order(
                message("D", ORDER), R.PRICE_NOT_ON_TICK, "why\x01not", b"e3", now_ns
            ),
        ),
        "throttled": (
            "8",
            fix_reports.refused_order(message("D", ORDER), None, "slow down", b"e4", now_ns),
        ),
        "cancel": ("9", fix_reports.refused_change(message("F", CANCEL), order, None, "t", now_ns)),
        "replace": (
            "9",
            fix_reports.refused_change(
                message("G", REPLACE), None, R.UNKNOWN_ORDER, "\u20ac", now_ns
            ),
        ),
    }
    for msg_type, body in answers.values():
        text = body.decode().replace("\x01", "|").rstrip("|")
        assert fix44().validate(message(msg_type, text)) is None, text
    told_by = {name: fields_of(body) for name, (_, body) in answers.items()}
    assert told_by["status"][150] == told_by["unknown"][150] == "I"
    assert (told_by["refused"][103], told_by["refused"][58]) == ("99", "why not")
    assert told_by["throttled"][103] == "3"
    assert (told_by["cancel"][434], told_by["cancel"][39], told_by["cancel"][102]) == (
        "1",
        "0",
        "99",
    )
    assert (told_by["replace"][434], told_by["replace"][39], told_by["replace"][102]) == (
        "2",
        "8",
        "1",
    )


def test_the_orders_of_a_list_are_told_of_like_others(room: EngineRoom) -> None:
    terms: dict[str, Any] = {"symbol": "BTCUSDT", "quantity": "0.5", "order_type": OrderType.LIMIT}
    first, second = (
        room.order_entry.enter_order(
            ALICE_SESSION, 9, ALICE, side=side, price=price, client_order_id=name, **terms
        )
        for name, side, price in ((b"f1", Side.BUY, "50000"), (b"s1", Side.SELL, "60000"))
    )
    triggers = Contingency.ONE_TRIGGERS_OTHER
    pending, _ = room.apply(room.order_entry.order_list(triggers, b"l1", first, second))
    assert row(told(room, pending)) == ("0", "A", "0.00000", "0.50000")
    *_, activated = room.enter(b"b1", Side.SELL, "0.5", "50000", account_id=BOB)
    assert row(told(room, activated)) == ("L", "0", "0.00000", "0.50000")
    again = room.order_entry.order_list(Contingency.ONE_CANCELS_OTHER, b"l1", first, second)
    [refused] = room.apply(again)
    fields = told(room, refused)
    assert (fields[431], fields[25014], fields[103]) == ("7", "l1", "11")
