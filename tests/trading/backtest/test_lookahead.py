"""Nothing that comes later has a part in what a strategy sees or is given now."""

from __future__ import annotations

from random import Random

import pytest

from tests.trading.backtest.market import MS, Recorder, Script, simulate
from trading.decisions import OrderStyle
from vocabulary.types import Side


def busy(seed: int, events: int, after: Recorder | None = None) -> Recorder:
    """Return a market that moves at random."""
    chance = Random(seed)
    recorder = after or Recorder().reset({100: 5, 99: 7}, {102: 4, 103: 6})
    for _ in range(events):
        if chance.random() < 0.3:
            buyer_is_maker = chance.random() < 0.5
            price = 100 if buyer_is_maker else 102
            recorder.trade(price, chance.randint(1, 6), buyer_is_maker=buyer_is_maker)
        else:
            recorder.change(
                {chance.choice([98, 99, 100]): chance.randint(1, 9)},
                {chance.choice([102, 103]): chance.randint(1, 9)},
            )
    return recorder


def trader() -> Script:
    sides = ((Side.BUY, 100), (Side.SELL, 102))
    styles = (OrderStyle.RESTING, OrderStyle.IMMEDIATE)
    return Script(
        {at: [(*sides[at % 2], 1 + at % 3, styles[at % 5 == 0])] for at in range(2, 200, 3)}
    )


@pytest.mark.parametrize("cut", [30, 60, 90])
def test_another_future_changes_nothing_before_it(cut: int) -> None:
    """The same first events, with two different futures behind them."""
    futures = [busy(seed, 60, busy(1, cut)) for seed in (2, 3)]
    seen, fills = [], []
    for recorder in futures:
        script = trader()
        simulation = simulate(recorder.events, script)
        until_ns = recorder.events[cut + 1].received_ns
        seen.append([event for event in script.seen if event.received_ns <= until_ns])
        fills.append([fill for fill in simulation.fills if fill.time_ns <= until_ns])
    assert len(seen[0]) > cut
    assert fills[0]
    assert seen[0] == seen[1]
    assert fills[0] == fills[1]


def test_a_shifted_recording_shifts_everything_with_it() -> None:
    """A market that comes a second later is decided on a second later, and no earlier."""
    recorder = busy(4, 80)
    later = busy(4, 80)
    later.events = [
        type(event)(
            *(
                value + 1000 * MS if name in {"exchange_ns", "received_ns"} else value
                for name, value in zip(
                    event.__struct_fields__,
                    (getattr(event, field) for field in event.__struct_fields__),
                    strict=True,
                )
            )
        )
        for event in recorder.events
    ]
    first = simulate(recorder.events, trader())
    second = simulate(later.events, trader())
    assert [fill.time_ns + 1000 * MS for fill in first.fills] == [
        fill.time_ns for fill in second.fills
    ]
    assert [fill[1:] for fill in first.fills] == [fill[1:] for fill in second.fills]
    assert first.decisions == second.decisions


def test_one_who_knew_the_next_event_would_do_better() -> None:
    """The harness can tell: a decision made an event earlier gets what the other does not."""
    recorder = Recorder().reset({100: 5}, {102: 4}).change({100: 5}).change({}, {102: 0, 110: 4})
    told_at, foreseen_at = 4, 3
    order = (Side.BUY, 105, 4, OrderStyle.IMMEDIATE)
    recorder.change({101: 1})
    assert not simulate(recorder.events, Script({told_at: [order]})).fills
    assert simulate(recorder.events, Script({foreseen_at: [order]})).fills
