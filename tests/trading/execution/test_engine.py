"""One instance: what it sends, what it asks, and what it tells the stream, at each turn."""

from __future__ import annotations

import msgspec
import pytest

from tests.trading.execution.samples import NOW, SECOND, SYMBOL, Desk, decision
from trading.decisions import Action, OrderName, OrderStyle
from trading.events import OrderReported, ReportKind
from trading.execution import venue as v
from trading.execution.trader import Patience
from vocabulary.types import Side

EPOCH = NOW // SECOND - 3600


def name(number: int) -> OrderName:
    return OrderName("maker", SYMBOL, EPOCH, number)


def place(number: int) -> v.PlaceOrder:
    return v.PlaceOrder(name(number), Side.BUY, 10_000, 10, OrderStyle.RESTING)


def traded(number: int, trade_id: int, lots: int, cumulative: int) -> v.Traded:
    return v.Traded(name(number), Side.BUY, trade_id, 10_000, lots, 1, True, cumulative, 7, NOW)


def ended(number: int, cumulative: int, by: str = "") -> v.Ended:
    return v.Ended(name(number), ReportKind.CANCELED, cumulative, by, "", 9, NOW)


def working(desk: Desk, number: int = 1) -> None:
    """Have an order at the venue."""
    assert desk.decide(decision(number, desk.cause)) == [place(number)]
    desk.report(v.Accepted(name(number), 5, NOW))
    desk.kinds()


def test_a_decision_is_taken_then_sent_then_reported() -> None:
    desk = Desk()
    assert desk.decide(decision(1, desk.cause)) == [place(1)]
    assert desk.kinds() == ["taken 1"]
    desk.report(v.Accepted(name(1), 5, NOW), traded(1, 3, 4, 4), traded(1, 4, 6, 10))
    assert desk.kinds() == ["ACCEPTED 1", "TRADED 0", "TRADED 0"]
    [*_, last] = desk.stream.events
    assert isinstance(last, OrderReported)
    assert (last.cumulative_lots, last.leaves_lots, last.fill_lots) == (10, 0, 6)
    assert not desk.engine.open_orders("maker")


def test_reports_that_come_again_are_told_once() -> None:
    desk = Desk()
    working(desk)
    for _ in range(2):
        desk.report(v.Accepted(name(1), 5, NOW), traded(1, 3, 4, 4))
    desk.report(ended(1, 4), ended(1, 4))
    assert desk.kinds() == ["TRADED 0", "CANCELED 0"]


def test_decisions_are_taken_in_their_order_each_once() -> None:
    desk = Desk()
    cause = desk.cause
    assert desk.decide(decision(2, cause), decision(3, cause)) == []
    assert desk.decide(decision(1, cause)) == [place(1), place(2), place(3)]
    assert desk.decide(decision(2, cause), decision(1, cause)) == []
    assert desk.kinds() == ["taken 1", "taken 2", "taken 3"]


def test_a_former_leader_s_decisions_go_nowhere() -> None:
    desk = Desk()
    assert desk.decide(decision(1, desk.cause), token=7) == [place(1)]
    assert desk.decide(decision(2, desk.cause), token=6) == []
    assert desk.engine.outbox.counts["decisions_fenced"] == 1
    assert desk.decide(decision(2, desk.cause), token=8) == [place(2)]


def test_who_does_not_hold_the_symbol_sends_nothing() -> None:
    desk = Desk()
    desk.is_held = False
    assert desk.decide(decision(1, desk.cause)) == []
    assert desk.pass_time(SECOND) == []
    assert desk.kinds() == []


def test_a_cancel_goes_out_under_its_own_id_and_is_answered() -> None:
    desk = Desk()
    working(desk)
    cancel = decision(2, desk.cause, action=Action.CANCEL, order=1)
    assert desk.decide(cancel) == [v.CancelOrder(name(1), Side.BUY, cancel.client_order_id)]
    desk.report(ended(1, 0, by=cancel.client_order_id))
    assert desk.kinds() == ["taken 2", "CANCELED 2"]


def test_a_cancel_that_comes_too_late_is_refused() -> None:
    desk = Desk()
    working(desk)
    cancel = decision(2, desk.cause, action=Action.CANCEL, order=1)
    desk.decide(cancel)
    desk.report(traded(1, 3, 10, 10))
    desk.report(v.CancelRefused(name(1), cancel.client_order_id, "unknown order"))
    assert desk.decide(decision(3, desk.cause, action=Action.CANCEL, order=1)) == []
    assert desk.kinds() == [
        "taken 2",
        "TRADED 0",
        "CANCEL_REFUSED 2",
        "taken 3",
        "CANCEL_REFUSED 3",
    ]


@pytest.mark.parametrize("outcome", ["timeout", "told", "disconnect"])
def test_an_unknown_outcome_is_asked_about_and_never_just_sent_again(outcome: str) -> None:
    desk = Desk(Patience(decision_age_max_ns=20 * SECOND))
    desk.decide(decision(1, desk.cause))
    if outcome == "timeout":
        assert desk.pass_time(2 * SECOND - 1) == []
        asked = desk.pass_time(1)
    elif outcome == "told":
        asked = desk.report(v.OutcomeUnknown(name(1), "-1007"))
    else:
        desk.engine.on_link("maker", desk.now, is_ready=False)
        assert desk.pass_time(5 * SECOND) == []
        desk.engine.on_link("maker", desk.now, is_ready=True)
        asked = desk.out()
    assert asked == [v.AskOrder(name(1))]
    # It is there: nothing is sent.
    assert desk.report(v.OrderFound(name(1), 88, 0, None, NOW)) == []
    assert desk.kinds() == ["taken 1", "ACCEPTED 1"]


def test_only_no_such_order_lets_it_be_sent_again() -> None:
    desk = Desk()
    desk.decide(decision(1, desk.cause))
    assert desk.report(v.OutcomeUnknown(name(1), "-1007")) == [v.AskOrder(name(1))]
    assert desk.report(v.NoSuchOrder(name(1))) == [place(1)]
    assert desk.engine.outbox.counts["resent"] == 1


def test_what_was_missed_is_told_from_the_answers() -> None:
    desk = Desk()
    working(desk)
    desk.report(traded(1, 3, 2, 2))
    desk.engine.on_link("maker", desk.now, is_ready=False)
    desk.engine.on_link("maker", desk.now, is_ready=True)
    assert desk.out() == [v.AskFills(name(0), 3), v.AskOrder(name(1))]
    found = v.OrderFound(name(1), 88, 5, ReportKind.CANCELED, NOW)
    assert desk.report(found) == [v.AskTrades(name(1), 88)]
    fills = traded(1, 4, 3, 0), traded(1, 3, 2, 0)
    desk.report(v.TradesFound(name(1), fills))
    assert desk.kinds() == ["TRADED 0", "TRADED 0", "CANCELED 0"]
    reports = [each for each in desk.stream.events if isinstance(each, OrderReported)]
    assert [each.cumulative_lots for each in reports] == [0, 2, 5, 5]


def position(desk: Desk) -> tuple[int, int, int, int]:
    """Return lots, base and quote units, and how many fills there are."""
    held = desk.engine.traders["maker", SYMBOL].orders.holdings
    return held.lots, held.base_units, held.quote_units, held.trades


def test_fills_that_the_venue_amends_count_as_they_then_are() -> None:
    desk, other = Desk(), Desk()
    for each in (desk, other):
        working(each)
    fills = traded(1, 3, 4, 4), traded(1, 4, 3, 7)
    desk.report(*fills)
    smaller = fills[0]._replace(price_ticks=9_990, lots=2, fee_units=-5)
    for _ in range(2):  # over FIX and over WebSocket
        desk.report(v.Amended(name(1), smaller))
        desk.report(v.Amended(name(1), fills[1].undone()))
    assert desk.kinds() == ["TRADED 0", "TRADED 0", "amended 3", "amended 4"]
    other.report(smaller._replace(cumulative_lots=2))
    assert position(desk) == position(other)

    # The order's three lots still stand in the book, and no more: seven were traded.
    desk.report(traded(1, 5, 3, 5))
    assert desk.kinds() == ["TRADED 0"]
    last = desk.stream.events[-1]
    assert isinstance(last, OrderReported)
    assert (last.lots, last.cumulative_lots, last.leaves_lots) == (5, 5, 0)
    desk.report(v.Amended(name(1), fills[0].undone()))  # however long ago
    assert position(desk)[0] == 3


def test_what_was_amended_while_nobody_listened_is_told_from_the_answers() -> None:
    desk = Desk()
    working(desk)
    desk.report(traded(1, 3, 10, 10))
    desk.kinds()
    desk.engine.on_link("maker", desk.now, is_ready=False)
    desk.engine.on_link("maker", desk.now, is_ready=True)
    question = v.AskFills(name(0), 3)
    assert desk.out() == [question]
    assert desk.pass_time(Patience().answer_ns) == [question]  # no answer yet
    ours, unknown = traded(1, 3, 10, 0).undone(), traded(9, 8, 1, 0)
    desk.report(v.TradesFound(name(0), (ours, unknown)))
    assert desk.kinds() == ["amended 3"]
    assert position(desk) == (0, 0, 0, 0)
    assert desk.pass_time(2 * Patience().answer_ns) == []


def test_of_a_missed_trade_that_was_undone_nothing_is_told() -> None:
    desk = Desk()
    working(desk)
    desk.report(traded(1, 3, 2, 2))
    desk.kinds()
    busted = v.Amended(name(1), traded(1, 4, 5, 2).undone())
    assert desk.report(busted) == [v.AskOrder(name(1))]
    assert desk.report(v.OrderFound(name(1), 88, 2, None, NOW)) == []
    assert desk.kinds() == []
    found = v.OrderFound(name(1), 88, 0, ReportKind.CANCELED, NOW)
    assert desk.report(found) == [v.AskTrades(name(1), 88)]
    fills = traded(1, 3, 2, 0).undone(), traded(1, 4, 5, 0).undone()
    desk.report(v.TradesFound(name(1), fills))
    assert desk.kinds() == ["amended 3", "CANCELED 0"]
    assert position(desk) == (0, 0, 0, 0)


def test_of_two_amendments_of_one_number_that_of_the_stream_holds() -> None:
    """Who held the symbol before may still tell of one that its successor heard of only later."""
    desk = Desk()
    working(desk)
    fill = traded(1, 3, 10, 10)
    desk.report(fill)
    desk.report(v.Amended(name(1), fill.undone()))
    stands = desk.reported[-1]
    late = msgspec.structs.replace(stands, stream_sequence=99, price_ticks=10_001, lots=4)
    desk.engine.on_events([late], desk.now)
    assert desk.out() == [v.AskFills(name(0), 3)]
    desk.report(v.TradesFound(name(0), (fill.undone(),)))
    assert desk.reported[-1].amendment == 2
    assert desk.reported[-1].undone_lots == 4
    assert position(desk) == (0, 0, 0, 0)


def test_a_gap_between_fills_is_asked_about() -> None:
    desk = Desk()
    working(desk)
    assert desk.report(traded(1, 4, 3, 5)) == [v.AskOrder(name(1))]
    assert desk.kinds() == []


def test_an_old_decision_is_refused_and_a_cancel_never_is() -> None:
    desk = Desk()
    working(desk)
    cause = desk.cause
    desk.pass_time(SECOND)
    desk.pass_time(SECOND)
    assert desk.decide(decision(2, cause)) == [place(2)]
    desk.pass_time(1)
    assert desk.decide(decision(3, cause)) == []
    assert desk.kinds() == ["taken 2", "taken 3", "REFUSED 3"]
    assert desk.decide(decision(4, cause, action=Action.CANCEL, order=1))


def test_nothing_is_sent_without_a_link_but_nobody_waits_for_ever() -> None:
    desk = Desk()
    desk.engine.on_link("maker", desk.now, is_ready=False)
    assert desk.decide(decision(1, desk.cause)) == []
    desk.pass_time(SECOND)
    assert desk.kinds() == []
    desk.pass_time(2 * SECOND)
    assert desk.kinds() == ["taken 1", "REFUSED 1"]


def test_nothing_is_sent_while_the_stream_stands_still() -> None:
    desk = Desk()
    cause = desk.cause
    desk.now += 2 * SECOND + 1
    assert desk.decide(decision(1, cause)) == []
    assert desk.kinds() == ["taken 1", "REFUSED 1"]


def test_a_limit_refuses_with_its_name_and_does_not_count_what_it_refused() -> None:
    desk = Desk(orders_per_second_max=2, order_lots_max=10)
    cause = desk.cause
    assert desk.decide(decision(1, cause, lots=11), decision(2, cause)) == [place(2)]
    assert desk.decide(decision(3, cause), decision(4, cause)) == [place(3)]
    told = [each.reason for each in desk.reported if isinstance(each, OrderReported)]
    assert told == [
        "order_lots_max: 11 lots, limit 10",
        "orders_per_second_max: 3 orders within a second, limit 2",
    ]
    assert desk.pass_time(SECOND) == []
    assert desk.decide(decision(5, desk.cause)) == [place(5)]
    assert desk.engine.outbox.counts["refused_order_lots_max"] == 1


def test_open_orders_count_for_the_position() -> None:
    desk = Desk(position_lots_max=20)
    cause = desk.cause
    orders = [decision(number, cause) for number in (1, 2, 3)]
    assert desk.decide(*orders) == [place(1), place(2)]
    desk.report(v.Accepted(name(1), 1, NOW), ended(1, 0))
    assert desk.decide(decision(4, desk.cause)) == [place(4)]


def test_the_loss_of_a_day_stops_the_strategy_and_cancels_its_orders() -> None:
    desk = Desk(daily_loss_max="0.001")  # 10 lots a tenth cheaper
    desk.decide(decision(1, desk.cause), decision(2, desk.cause))
    desk.report(v.Accepted(name(2), 5, NOW), traded(1, 3, 10, 10))
    desk.stream.book(desk.now, 8_999, 9_001)
    requests = desk.pass_time(1)
    assert [pull.strategy for pull in desk.engine.take_pulls()] == ["maker"]
    assert requests == [v.CancelOrder(name(2), Side.BUY, "kill.maker.2")]
    assert desk.decide(decision(3, desk.cause)) == []
    [*_, refusal] = [each for each in desk.reported if isinstance(each, OrderReported)]
    assert refusal.reason.startswith("killed: daily_loss_max: 0.00100090")


def test_a_switch_cancels_what_comes_to_be_open_until_it_is_let_go() -> None:
    desk = Desk()
    desk.decide(decision(1, desk.cause))
    desk.engine.set_kill_switches({"maker": "by hand"}, desk.now)
    assert desk.out() == [v.CancelOrder(name(1), Side.BUY, "kill.maker.1")]
    desk.report(v.Accepted(name(1), 5, NOW))
    desk.report(ended(1, 0, by="kill.maker.1"))
    assert desk.decide(decision(2, desk.cause)) == []
    desk.engine.set_kill_switches({}, desk.now)
    assert desk.decide(decision(3, desk.cause)) == [place(3)]
    assert desk.kinds() == [
        "taken 1", "ACCEPTED 1", "CANCELED 0", "taken 2", "REFUSED 2", "taken 3",
    ]  # fmt: skip


def test_who_takes_over_asks_first() -> None:
    desk = Desk()
    working(desk)
    cause = desk.cause
    desk.engine.release(SYMBOL)
    assert desk.decide(decision(2, cause)) == []
    desk.now += SECOND
    desk.engine.hold(SYMBOL, desk.now)
    # Until the stream has run up to the takeover, the last holder may still have told something.
    assert desk.pass_time(1) == []
    assert desk.pass_time(50_000_000) == [v.AskOrder(name(1)), v.AskOrder(name(2))]
    assert desk.report(v.NoSuchOrder(name(2))) == [place(2)]
    assert desk.report(v.OrderFound(name(1), 88, 0, None, NOW)) == []
    assert desk.decide(decision(3, desk.cause)) == [place(3)]


def test_who_takes_over_refuses_nothing_that_may_be_on_its_way() -> None:
    desk = Desk(Patience(settled_ns=5 * SECOND))
    cause = desk.cause
    desk.engine.release(SYMBOL)
    desk.decide(decision(1, cause))
    desk.engine.set_kill_switches({"maker": "by hand"}, desk.now)
    desk.engine.hold(SYMBOL, desk.now)
    assert desk.pass_time(SECOND) == [v.AskOrder(name(1))]
    assert desk.report(v.NoSuchOrder(name(1))) == []
    assert desk.kinds() == ["taken 1"]
    assert desk.pass_time(4 * SECOND + 50_000_000) == [v.AskOrder(name(1))]
    desk.report(v.NoSuchOrder(name(1)))
    assert desk.kinds() == ["REFUSED 1"]
