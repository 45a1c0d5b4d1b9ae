"""What becomes of a strategy's orders in a recorded market."""

from __future__ import annotations

import pytest

from tests.trading.backtest.market import MS, NOON_NS, Recorder, Script, levels, simulate
from trading.backtest.performance import evaluate
from trading.backtest.simulation import Simulation
from trading.decisions import OrderStyle
from trading.events import BookChanged, DecisionTaken, OrderReported, ReportKind, TradePrinted
from vocabulary.types import Side

BUY, SELL = Side.BUY, Side.SELL
RESTING, POST_ONLY, IMMEDIATE = OrderStyle.RESTING, OrderStyle.POST_ONLY, OrderStyle.IMMEDIATE
ACCEPTED, TRADED = ReportKind.ACCEPTED, ReportKind.TRADED
FIRST_BOOK = 2  # the instrument is the first thing that is seen, the book the second


def opened() -> Recorder:
    return Recorder().reset({100: 5, 99: 7}, {102: 4, 103: 6})


def joining(recorder: Recorder, lots: int = 2) -> tuple[Script, Simulation]:
    """Join the 5 lots at 100 when the first book is seen."""
    script = Script({FIRST_BOOK: [(BUY, 100, lots, RESTING)]})
    return script, simulate(recorder.events, script)


def fills(simulation: Simulation) -> list[tuple[int, int]]:
    return [(fill.price_ticks, fill.lots) for fill in simulation.fills]


@pytest.mark.parametrize(("printed", "filled"), [(5, 0), (6, 1), (7, 2), (99, 2)])
def test_an_order_is_filled_when_its_turn_comes(printed: int, filled: int) -> None:
    _, simulation = joining(opened().trade(100, printed, buyer_is_maker=True))
    assert sum(fill.lots for fill in simulation.fills) == filled


def test_who_joins_later_stands_behind() -> None:
    recorder = opened().change({100: 9}).trade(100, 7, buyer_is_maker=True)
    _, simulation = joining(recorder)
    assert fills(simulation) == [(100, 2)]


def test_what_leaves_without_a_trade_leaves_from_the_back() -> None:
    """4 joined behind us and 4 left: whoever they were, the 5 before us are still there."""
    recorder = opened().change({100: 9}).change({100: 5}).trade(100, 5, buyer_is_maker=True)
    _, simulation = joining(recorder)
    assert fills(simulation) == []
    recorder.trade(100, 1, buyer_is_maker=True)
    _, simulation = joining(recorder)
    assert fills(simulation) == [(100, 1)]


def test_a_level_that_all_others_left_leaves_the_order_first() -> None:
    recorder = opened().change({100: 0}).change({100: 8}).trade(100, 2, buyer_is_maker=True)
    _, simulation = joining(recorder)
    assert fills(simulation) == [(100, 2)]


def test_an_order_is_filled_by_others_who_come_to_its_price() -> None:
    recorder = opened().change({100: 0}).change({}, {100: 3})
    _, simulation = joining(recorder)
    assert fills(simulation) == [(100, 2)]
    assert simulation.fills[0].is_maker
    assert simulation.venue.level_lots(SELL, 100) == 1


def test_an_immediate_order_takes_what_there_is_and_ends() -> None:
    script = Script({FIRST_BOOK: [(BUY, 103, 9, IMMEDIATE)]})
    simulation = simulate(opened().change({99: 8}).events, script)
    assert fills(simulation) == [(102, 4), (103, 5)]
    assert script.told(1) == [ACCEPTED, TRADED, TRADED]
    printed = [
        (each.price_ticks, each.lots, each.buyer_is_maker) for each in script.of(TradePrinted)
    ]
    assert printed == [(102, 4, False), (103, 5, False)]


def test_the_rest_of_an_immediate_order_is_canceled() -> None:
    script = Script({FIRST_BOOK: [(BUY, 102, 9, IMMEDIATE)]})
    simulate(opened().change({99: 8}).events, script)
    assert script.told(1) == [ACCEPTED, TRADED, ReportKind.CANCELED]
    assert script.of(OrderReported)[-1].cumulative_lots == 4


def test_a_post_only_order_that_would_take_is_refused() -> None:
    script = Script({FIRST_BOOK: [(BUY, 102, 1, POST_ONLY)]})
    simulate(opened().change({99: 8}).events, script)
    (report,) = script.of(OrderReported)
    assert (report.kind, report.reason) == (ReportKind.REFUSED, "WOULD_TAKE_LIQUIDITY")


def test_a_cancel_may_come_too_late() -> None:
    recorder = opened().trade(100, 7, buyer_is_maker=True, after_ns=3 * MS)
    script = Script({FIRST_BOOK: [(BUY, 100, 2, RESTING)], 4: [1]})  # at the print
    simulate(recorder.change({100: 0}).events, script)
    assert script.told(1) == [ACCEPTED, TRADED, ReportKind.CANCEL_REFUSED]


def test_a_canceled_order_is_gone() -> None:
    recorder = opened().change({99: 6}).trade(100, 7, buyer_is_maker=True)
    script = Script({FIRST_BOOK: [(BUY, 100, 2, RESTING)], 4: [1]})
    simulation = simulate(recorder.events, script)
    assert fills(simulation) == []
    assert script.told(1) == [ACCEPTED, ReportKind.CANCELED]
    assert script.of(OrderReported)[-1].number == 2


def test_the_strategy_sees_the_book_with_its_own_orders() -> None:
    script, _ = joining(opened().change({100: 9, 99: 1}))
    changed = [(event.bids, event.asks) for event in script.of(BookChanged)]
    assert changed == [(levels({100: 7}), ()), (levels({100: 11, 99: 1}), ())]


def test_a_book_told_anew_has_the_strategys_orders_too() -> None:
    script, simulation = joining(opened().lose().reset({100: 1, 98: 3}, {102: 1}))
    assert script.seen[-1].bids == levels({100: 3, 98: 3})  # type: ignore[union-attr]
    assert simulation.venue.background_lots(BUY, 99) == 0


def test_what_is_taken_is_there_again_when_the_level_is_told_of() -> None:
    script = Script({FIRST_BOOK: [(BUY, 102, 3, IMMEDIATE)]})
    recorder = opened().change({99: 8})
    assert simulate(recorder.events, script).venue.level_lots(SELL, 102) == 1
    script = Script(script.acts)
    recorder.change({}, {102: 5})
    assert simulate(recorder.events, script).venue.level_lots(SELL, 102) == 5


def test_latency_decides_who_is_first_in_the_queue() -> None:
    recorder = opened().change({100: 9}, after_ns=50_000).trade(100, 7, buyer_is_maker=True)
    acts = {FIRST_BOOK: [(BUY, 100, 2, RESTING)]}
    assert fills(simulate(recorder.events, Script(acts), latency_us=49)) == [(100, 2)]
    assert fills(simulate(recorder.events, Script(acts), latency_us=50)) == []


def test_reports_come_the_latency_after_the_core() -> None:
    script, _ = joining(opened().change({99: 8}))
    decided_ns = NOON_NS + MS
    (taken,) = script.of(DecisionTaken)
    (accepted,) = script.of(OrderReported)
    assert (taken.exchange_ns, taken.received_ns) == (decided_ns + 10_000, decided_ns + 20_000)
    assert (accepted.exchange_ns, accepted.received_ns) == (taken.exchange_ns, taken.received_ns)
    assert [event.stream_sequence for event in script.seen] == list(range(1, len(script.seen) + 1))


def test_history_in_pieces_is_the_same_history() -> None:
    recorder = opened().change({100: 9}).trade(100, 7, buyer_is_maker=True).change({100: 3})
    acts = {FIRST_BOOK: [(BUY, 100, 2, RESTING)]}
    whole, pieces = Script(acts), Script(acts)
    simulate(recorder.events, whole)
    simulate(recorder.events, pieces, cut=lambda events: [events[at : at + 1] for at in range(5)])
    assert whole.seen == pieces.seen


def test_fees_are_the_venues() -> None:
    """Rounded up to a whole unit of what is received, as the venue does."""
    _, simulation = joining(opened().trade(100, 7, buyer_is_maker=True))
    (fill,) = simulation.fills
    assert fill.fee_units == 1  # 2 lots are 2,000 units of BTC; 200 ppm of that is 0.4


def test_a_rebate_is_paid_in_what_the_maker_gives() -> None:
    recorder = opened().trade(100, 105, buyer_is_maker=True)
    script = Script({FIRST_BOOK: [(BUY, 100, 100, RESTING)]})
    simulation = simulate(recorder.events, script, fees=(-1_000, 2_000))
    (fill,) = simulation.fills
    assert fill.fee_units == -100  # 100 lots at 100 ticks are 100,000 units of USDT
    assert not fill.fee_is_in_base
    (sample,) = simulation.samples[-1:]
    made = evaluate(simulation.venue.instrument, simulation.fills, [sample])
    assert made.fees == pytest.approx(-0.000001)
    assert made.position == pytest.approx(0.001)
