"""What makes replicas, rebuild and backtest agree, for every strategy and in both forms."""

import subprocess
import sys
from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agio.hot_paths import ROOT
from tests.trading.alpha.firm_stream import ENTRIES, EPOCH, SYMBOL, FirmStream, machine, replay
from tests.trading.own_events import amended, filled
from trading.alpha.machine import LIVE_ORDERS_MAX, DivergedError, Machine
from trading.alpha.orders import OwnOrders
from trading.alpha.snapshot import SnapshotError
from trading.decisions import Action, Decision
from trading.events import (
    AnyEvent,
    BookChanged,
    DecisionTaken,
    OrderReported,
    OwnEvent,
    ReportKind,
    TradeAmended,
)
from vocabulary.types import Side

pytestmark = pytest.mark.core

seeds = st.integers(0, 2**32)
kinds = pytest.mark.parametrize("kind", ENTRIES)


def stream(kind: str, seed: int, count: int = 600) -> tuple[Machine, FirmStream]:
    made = machine(kind)
    flow = FirmStream(seed, [made])
    flow.run(count)
    return made, flow


@kinds
def test_the_same_events_make_the_same_decisions(kind: str) -> None:
    for seed in range(2):
        live, flow = stream(kind, seed, 3_000)
        assert len(flow.decisions) > 20
        again = machine(kind)
        assert replay(again, flow.events) == flow.decisions
        assert again.state_hash() == live.state_hash()


@kinds
@settings(max_examples=10)
@given(seed=seeds, data=st.data())
def test_a_snapshot_and_the_tail_lead_to_the_same_state(
    kind: str, seed: int, data: st.DataObject
) -> None:
    live, flow = stream(kind, seed)
    cut = data.draw(st.integers(0, len(flow.events)))
    first, second = machine(kind), machine(kind)
    before = replay(first, flow.events[:cut])
    second.restore(first.snapshot())
    assert second.state_hash() == first.state_hash()
    # The tail may reach back: what was seen already changes nothing.
    overlap = data.draw(st.integers(0, cut))
    after = replay(second, flow.events[overlap:])
    assert before + after == flow.decisions
    assert second.state_hash() == live.state_hash()


@kinds
@settings(max_examples=10)
@given(seed=seeds, other_seed=seeds, data=st.data())
def test_no_decision_looks_ahead(
    kind: str, seed: int, other_seed: int, data: st.DataObject
) -> None:
    """Put another future behind the same past, or shift the data by one: the past stays."""
    _, flow = stream(kind, seed)
    _, other = stream(kind, other_seed)
    cut = data.draw(st.integers(0, len(flow.events)))
    past = [decision for decision in flow.decisions if decision.cause <= cut]
    market_only = [event for event in other.events[cut:] if not is_own(event)]
    decisions = replay(machine(kind), flow.events[:cut] + market_only)
    assert [decision for decision in decisions if decision.cause <= cut] == past

    late = [msgspec.structs.replace(e, stream_sequence=e.stream_sequence + 1) for e in flow.events]
    shifted = replay(machine(kind), [e for e in late if not is_own(e)])
    plain = replay(machine(kind), [e for e in flow.events if not is_own(e)])
    assert shifted == [msgspec.structs.replace(d, cause=d.cause + 1) for d in plain]


def is_own(event: AnyEvent) -> bool:
    return isinstance(event, OwnEvent)


@kinds
@settings(max_examples=6)
@given(seed=seeds)
def test_machines_share_no_state(kind: str, seed: int) -> None:
    _, flow = stream(kind, seed)
    first, second = machine(kind), machine(kind)
    interleaved: list[Decision] = []
    for event in flow.events:
        interleaved += first.step(event)
        second.step(event)
        second.step(event)
    assert interleaved == flow.decisions
    assert first.state_hash() == second.state_hash()


@settings(max_examples=6)
@given(seed=seeds)
def test_strategies_on_one_symbol_do_not_disturb_each_other(seed: int) -> None:
    machines = [machine(kind) for kind in ENTRIES]
    flow = FirmStream(seed, machines)
    flow.run(800)
    for live in machines:
        again = machine(live.kind)
        decisions = replay(again, flow.events)
        assert decisions == [each for each in flow.decisions if each.strategy == live.name]
        assert again.state_hash() == live.state_hash()


@kinds
@settings(max_examples=10)
@given(seed=seeds)
def test_numbers_have_no_hole_and_an_order_is_canceled_once(kind: str, seed: int) -> None:
    live, flow = stream(kind, seed)
    assert [each.number for each in flow.decisions] == list(range(1, len(flow.decisions) + 1))
    canceled = Counter(each.order for each in flow.decisions if each.action is Action.CANCEL)
    assert all(count == 1 for count in canceled.values())
    placed = {each.number: each for each in flow.decisions if each.action is Action.PLACE}
    for each in flow.decisions:
        if each.action is Action.CANCEL:
            terms = placed[each.order]
            assert (each.side, each.price_ticks, each.lots) == (
                terms.side,
                terms.price_ticks,
                terms.lots,
            )
    taken = [e.number for e in flow.events if isinstance(e, DecisionTaken)]
    untaken = [each.number for each in live.untaken]
    assert taken + untaken == list(range(1, live.last_number + 1))


@kinds
def test_position_and_cash_are_those_of_the_fills_as_they_stand(kind: str) -> None:
    live, flow = stream(kind, 7, 2_000)
    fills = {}
    for event in flow.events:
        if isinstance(event, OrderReported) and event.kind is ReportKind.TRADED:
            terms = event.fill_price_ticks, event.fill_lots, event.fee_units
            fills[event.trade_id] = event.side, *terms
        elif isinstance(event, TradeAmended):
            terms = event.price_ticks, event.lots, event.fee_units
            fills[event.trade_id] = event.side, *terms
    position = cash = base_fees = quote_fees = 0
    for side, price_ticks, lots, fee_units in fills.values():
        sign = 1 if side is Side.BUY else -1
        position += sign * lots
        cash -= sign * lots * price_ticks
        base_fees += fee_units if sign == 1 else 0
        quote_fees += fee_units if sign == -1 else 0
    orders = live.orders
    assert (orders.position_lots, orders.cash_tick_lots) == (position, cash)
    assert (orders.base_fee_units, orders.quote_fee_units) == (base_fees, quote_fees)
    assert orders.fills == sum(1 for _, _, lots, _ in fills.values() if lots)
    assert orders.fills > 0
    assert orders.profit_half_tick_lots(2_000) == 2 * cash + 2_000 * position


@pytest.mark.parametrize(
    ("side", "fee_units", "base", "quote"),
    [(Side.BUY, 7, 7, 0), (Side.SELL, 7, 0, 7), (Side.BUY, -7, 0, -7), (Side.SELL, -7, -7, 0)],
)
def test_a_fee_is_in_what_is_received_and_a_rebate_in_what_is_given(
    side: Side, fee_units: int, base: int, quote: int
) -> None:
    orders = OwnOrders("maker", "BTCUSDT", EPOCH)
    orders.report(filled(1, "one", side=side, fee_units=fee_units))
    assert (orders.base_fee_units, orders.quote_fee_units) == (base, quote)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("fee_units", [7, -7])
def test_a_fill_counts_as_the_venue_amends_it(side: Side, fee_units: int) -> None:
    """A correction makes it another fill, a bust none; the order itself is as it was."""
    orders, as_corrected, none = (OwnOrders("maker", "BTCUSDT", EPOCH) for _ in range(3))
    as_corrected.report(filled(1, "one", side=side, fill_price_ticks=9_000, fill_lots=4))
    orders.report(filled(1, "one", side=side, fee_units=fee_units))
    undone = {"side": side, "undone_fee_units": fee_units}
    orders.amend(amended(1, price_ticks=9_000, lots=4, fee_units=1, **undone))
    assert orders.save() == as_corrected.save()
    undone = {"side": side, "undone_price_ticks": 9_000, "undone_lots": 4}
    orders.amend(amended(1, 2, **undone))
    assert orders.save() == none.save()


def test_a_decision_that_others_made_and_this_machine_did_not_is_a_divergence() -> None:
    _, flow = stream("noise", 3)
    at = next(i for i, event in enumerate(flow.events) if isinstance(event, DecisionTaken))
    taken = flow.events[at]
    assert isinstance(taken, DecisionTaken)
    other = msgspec.structs.replace(taken, lots=taken.lots + 1)
    again = machine("noise")
    replay(again, flow.events[:at])
    with pytest.raises(DivergedError, match="the stream has"):
        again.step(other)


def test_a_snapshot_of_another_machine_is_refused() -> None:
    saved = machine("noise").snapshot()
    with pytest.raises(SnapshotError, match="maker"):
        machine("market_making").restore(saved)
    entry = ENTRIES["noise"].model_copy(update={"parameters": {"seed": 9}})
    with pytest.raises(SnapshotError):
        Machine(entry, SYMBOL, EPOCH).restore(saved)
    with pytest.raises(SnapshotError, match="no snapshot"):
        machine("noise").restore(saved[:-1])


def hashes(count: int) -> str:
    """Return each strategy's state hash after a stream of so many events."""
    return " ".join(stream(kind, 11, count)[0].state_hash() for kind in ENTRIES)


def test_a_state_is_the_same_compiled_and_not() -> None:
    code = "from agio import hot_paths; hot_paths.prefer_source(); "
    code += "from tests.trading.alpha.test_machine import hashes; print(hashes(4_000))"
    told = [
        subprocess.check_output(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"AGIO_UNCOMPILED": uncompiled, "PYTHONPATH": str(ROOT)},
            text=True,
        )
        for uncompiled in ("", "1")
    ]
    assert told[0] == told[1]
    assert told[0].split() == hashes(4_000).split()


def test_before_the_run_begins_the_strategy_only_watches() -> None:
    _, flow = stream("noise", 5)
    late = Machine(ENTRIES["noise"], SYMBOL, EPOCH + 4)
    decisions = replay(late, [event for event in flow.events if not is_own(event)])
    assert decisions
    first = flow.events[decisions[0].cause - 1]
    assert first.received_ns >= (EPOCH + 4) * 1_000_000_000
    assert decisions[0].number == 1
    assert late.market.bids.best_ticks


def test_a_book_that_was_never_told_whole_is_none() -> None:
    made, flow = stream("market_making", 5, 60)
    late = machine("market_making")
    reset = next(i for i, event in enumerate(flow.events[2:], 2) if isinstance(event, BookChanged))
    assert not replay(late, [e for e in flow.events[reset : reset + 20] if not is_own(e)])
    assert late.market.middle_half_ticks == 0
    assert made.market.middle_half_ticks


def test_live_orders_are_bounded() -> None:
    entry = ENTRIES["noise"].model_copy(
        update={
            "parameters": {
                "actions_per_second": 1_000,
                "cancel_ppm": 0,
                "market_ppm": 1_000_000,
                "position_lots_max": 2**40,
            }
        }
    )
    made = Machine(entry, SYMBOL, EPOCH)
    flow = FirmStream(1, [made])
    flow._answer = lambda: None  # type: ignore[method-assign]
    flow.run(2_000)
    assert len(made.orders.live) == LIVE_ORDERS_MAX
    assert made.last_number == LIVE_ORDERS_MAX
    assert made.dropped > 0
