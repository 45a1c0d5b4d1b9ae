"""The simulated venue's book is the recorded one, but for what was the firm's."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.backtest.market import EPOCH, SYMBOL, Act, Recorder, Script, levels, simulate
from trading.backtest.simulation import Simulation
from trading.decisions import OrderStyle
from trading.events import BookChanged, BookReset, OrderReported, ReportKind, TradePrinted
from vocabulary.types import Side

BUY, SELL = Side.BUY.value, Side.SELL.value
lots = st.integers(0, 20)
some = st.integers(1, 20)
steps = st.one_of(
    st.tuples(st.just("bids"), st.dictionaries(st.integers(90, 99), lots, max_size=4)),
    st.tuples(st.just("asks"), st.dictionaries(st.integers(101, 110), lots, max_size=4)),
    st.tuples(st.just("sold"), st.tuples(st.integers(90, 99), some)),
    st.tuples(st.just("bought"), st.tuples(st.integers(101, 110), some)),
    st.tuples(st.just("reset"), st.dictionaries(st.integers(90, 99), some, max_size=4)),
)


def book_of(simulation: Simulation) -> tuple[dict[int, int], dict[int, int]]:
    book = simulation.venue.book
    bids, asks = (
        {each.price_ticks: each.lots for each in side} for side in (book.buys, book.sells)
    )
    return bids, asks


@settings(max_examples=40)
@given(st.lists(steps, max_size=30))
def test_whatever_happens_the_book_is_the_recorded_one(drawn: list[tuple[str, Any]]) -> None:
    recorder = Recorder().reset({99: 5}, {101: 5})
    bids, asks = {99: 5}, {101: 5}
    for kind, given_ in drawn:
        if kind == "sold":
            recorder.trade(*given_, buyer_is_maker=True)
        elif kind == "bought":
            recorder.trade(*given_, buyer_is_maker=False)
        elif kind == "reset":
            bids, asks = dict(given_), {104: 2}
            recorder.reset(bids, asks)
        else:
            changed = {"bids": bids, "asks": asks}[kind]
            changed |= given_
            recorder.change(**{kind: given_})
    recorder.change({}, {})  # prints change nothing that the next word about the book does not undo
    simulation = simulate(recorder.events, Script({}))
    expected = tuple({p: n for p, n in side.items() if n} for side in (bids, asks))
    assert book_of(simulation) == expected
    assert simulation.venue.refused == 0


@settings(max_examples=40)
@given(st.lists(steps, max_size=30), st.integers(95, 99), st.booleans())
def test_the_strategy_sees_what_is_in_the_core(
    drawn: list[tuple[str, Any]], price: int, takes: bool
) -> None:
    """Own orders rest, take and are taken: the strategy's picture of the book is the core's."""
    recorder = Recorder().reset({99: 5}, {101: 5, 103: 5})
    for kind, given_ in drawn:
        if kind in {"sold", "bought"}:
            recorder.trade(*given_, buyer_is_maker=kind == "sold")
        elif kind == "reset":
            recorder.reset(given_, {104: 2})
        else:
            recorder.change(**{kind: given_})
    recorder.change({}, {})
    style = OrderStyle.IMMEDIATE if takes else OrderStyle.RESTING
    acts: dict[int, list[Act]] = {
        2: [(Side.BUY, price, 3, OrderStyle.RESTING)],
        5: [(Side.BUY, 103, 7, style)],
        9: [1],
    }
    script = Script(acts)
    simulation = simulate(recorder.events, script)
    sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for event in script.seen:
        if isinstance(event, BookReset):
            for side in sides:
                side.clear()
        if isinstance(event, BookReset | BookChanged):
            for side, changed in zip(sides, (event.bids, event.asks), strict=True):
                side |= {level.price_ticks: level.lots for level in changed}
    seen = tuple({p: n for p, n in side.items() if n} for side in sides)
    assert seen == book_of(simulation)


class Reports:
    """What became of the firm's orders in the recording."""

    def __init__(self) -> None:
        self.events: list[OrderReported] = []

    def add(self, kind: ReportKind, sequence: int, order: int, **more: Any) -> Reports:
        fields: dict[str, Any] = {
            "source_sequence": sequence,
            "order": order,
            "kind": kind,
            "side": Side.BUY,
            "price_ticks": 100,
            "lots": 3,
        }
        fields |= more
        names = OrderReported.__struct_fields__
        empty: dict[str, Any] = {"symbol": SYMBOL, "strategy": "maker", "epoch": EPOCH}
        empty |= {"report_id": "", "reason": "", "is_maker": False}
        values = [fields.get(name, empty.get(name, 0)) for name in names]
        self.events.append(OrderReported(*values))
        return self


def test_the_firms_recorded_orders_are_not_in_the_book() -> None:
    """Update 101 has 5 lots of others at 100, 102 the firm's 3 as well, 103 what is left."""
    recorder = Recorder().reset({100: 5}, {102: 4}).change({100: 8}).change({100: 5})
    reports = Reports().add(ReportKind.ACCEPTED, 102, 1).add(ReportKind.CANCELED, 103, 1)
    seen = Script({})
    simulate(recorder.events, seen, recorded=reports.events)
    bids = [event.bids for event in seen.of(BookReset) + seen.of(BookChanged)]
    assert bids == [levels({100: 5})] * 3


def test_a_level_that_others_left_as_the_firm_joined_it_is_settled() -> None:
    """The level is as before, so no update tells of it; yet the 5 lots are the firm's 3 and 2."""
    recorder = Recorder().reset({100: 5}, {102: 4}).change({99: 1})
    reports = Reports().add(ReportKind.ACCEPTED, 102, 1)
    simulation = simulate(recorder.events, Script({}), recorded=reports.events)
    assert simulation.venue.background_lots(BUY, 100) == 2


def test_a_trade_that_the_firm_made_by_taking_did_not_happen() -> None:
    recorder = Recorder().reset({100: 5}, {102: 4}).trade(102, 3, buyer_is_maker=False)
    taken = Reports().add(ReportKind.TRADED, 102, 1, trade_id=1, fill_lots=3)
    seen = Script({})
    simulation = simulate(recorder.events, seen, recorded=taken.events)
    assert seen.of(TradePrinted) == []
    assert simulation.venue.level_lots(SELL, 102) == 4


def test_who_traded_with_the_firms_resting_order_comes_all_the_same() -> None:
    recorder = Recorder().reset({100: 8}, {102: 4}).trade(100, 6, buyer_is_maker=True)
    reports = (
        Reports()
        .add(ReportKind.ACCEPTED, 90, 1)
        .add(ReportKind.TRADED, 102, 1, trade_id=1, fill_lots=1, is_maker=True)
    )
    script = Script({2: [(Side.BUY, 100, 2, OrderStyle.RESTING)]})
    simulation = simulate(recorder.events, script, recorded=reports.events)
    assert [fill.lots for fill in simulation.fills] == [1]  # 5 lots of others stood before it
