from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.candles import Candles
from tests.marketdata.scripted_venue import MINUTE_NS, NOON_NS, SECOND_NS, ScriptedVenue
from vocabulary.codec import Record
from vocabulary.events import TradeExecuted
from vocabulary.market_data import CANDLE_INTERVALS_SECONDS, CANDLES_MAX, Candle
from vocabulary.types import Side

# Seconds to pass, the side that takes, price and lots.
trades = st.lists(
    st.tuples(
        st.integers(0, 100_000), st.sampled_from(Side), st.integers(90, 110), st.integers(1, 9)
    ),
    max_size=40,
)


def trade_events(record: Record) -> Iterable[TradeExecuted]:
    return (event for event in record.events if isinstance(event, TradeExecuted))


def add(candles: Candles, record: Record) -> None:
    for event in trade_events(record):
        candles.add(event, record.timestamp_ns)


def naive_candles(interval_ns: int, records: Iterable[Record]) -> dict[int, list[object]]:
    """Group all trades by interval and compute each candle from its whole list."""
    by_interval: dict[int, list[TradeExecuted]] = {}
    for record in records:
        open_time_ns = record.timestamp_ns // interval_ns * interval_ns
        for event in trade_events(record):
            by_interval.setdefault(open_time_ns, []).append(event)
    return {
        open_time_ns: [
            group[0].price_ticks,
            max(one.price_ticks for one in group),
            min(one.price_ticks for one in group),
            group[-1].price_ticks,
            sum(one.quantity_lots for one in group),
            sum(one.quote_units for one in group),
            len(group),
            min(one.trade_id for one in group),
            max(one.trade_id for one in group),
            sum(one.quantity_lots for one in group if one.incoming_side is Side.BUY),
            sum(one.quote_units for one in group if one.incoming_side is Side.BUY),
        ]
        for open_time_ns, group in by_interval.items()
    }


def numbers(candle: Candle) -> list[object]:
    return [getattr(candle, name) for name in Candle.__struct_fields__[1:-1]]


@pytest.mark.parametrize("seconds", CANDLE_INTERVALS_SECONDS.values())
@given(trades, st.integers(1, 7))
def test_candles_are_what_the_trades_add_up_to(
    seconds: int, script: list[tuple[int, Side, int, int]], take_every: int
) -> None:
    interval_ns = seconds * SECOND_NS
    venue, candles = ScriptedVenue(step_ns=0), Candles(interval_ns)
    told: dict[int, Candle] = {}
    for number, (pause_s, side, price_ticks, lots) in enumerate(script):
        venue.now_ns += pause_s * SECOND_NS
        candles.tick(venue.now_ns)
        resting_side = Side.SELL if side is Side.BUY else Side.BUY
        venue.enter(resting_side, price_ticks, lots)
        add(candles, venue.enter(side, price_ticks, lots, account_id=8))
        if number % take_every == 0 and (message := candles.take(venue.sequence, 0, 0)):
            told |= {candle.open_time_ns: candle for candle in message.candles}
    if message := candles.take(venue.sequence, 0, 0):
        told |= {candle.open_time_ns: candle for candle in message.candles}

    expected = naive_candles(interval_ns, venue.records)
    snapshot = candles.snapshot(venue.sequence, 0).candles
    assert {candle.open_time_ns: numbers(candle) for candle in snapshot} == expected
    assert [candle.open_time_ns for candle in snapshot] == sorted(expected)
    assert [candle.closed for candle in snapshot] == [True] * (len(snapshot) - 1) + [False] * bool(
        snapshot
    )
    assert list(told.values()) == snapshot, "the messages tell what the snapshot holds"


def test_a_candle_closes_when_its_time_is_over_even_if_nothing_trades() -> None:
    venue, candles = ScriptedVenue(), Candles(MINUTE_NS)
    add(candles, venue.trade(100, 5))
    candles.take(1, 0, 0)
    assert not candles.tick(NOON_NS + MINUTE_NS - 1)
    assert candles.tick(NOON_NS + MINUTE_NS)
    message = candles.take(1, 1, 0)
    assert message is not None
    assert [(one.open_time_ns, one.closed) for one in message.candles] == [(NOON_NS, True)]
    assert not candles.tick(NOON_NS + 2 * MINUTE_NS), "it closes once"
    assert candles.take(1, 1, 0) is None


def test_before_a_new_candle_stands_the_closed_one_that_it_follows() -> None:
    venue, candles = ScriptedVenue(), Candles(MINUTE_NS)
    add(candles, venue.trade(100, 5))
    candles.tick(NOON_NS + MINUTE_NS)
    candles.take(1, 0, 0)  # say this message, which tells of the close, was lost
    venue.now_ns = NOON_NS + 3 * MINUTE_NS
    add(candles, venue.trade(101, 5))
    message = candles.take(2, 1, 0)
    assert message is not None
    assert [(one.close_ticks, one.closed) for one in message.candles] == [(100, True), (101, False)]


def test_a_trade_sequenced_before_the_close_but_read_after_it_still_counts() -> None:
    venue, candles = ScriptedVenue(), Candles(MINUTE_NS)
    add(candles, venue.trade(100, 5))
    candles.tick(NOON_NS + MINUTE_NS)
    candles.take(1, 0, 0)
    venue.now_ns = NOON_NS + 50 * SECOND_NS
    add(candles, venue.trade(103, 2))
    message = candles.take(2, 1, 0)
    assert message is not None
    (candle,) = message.candles
    assert (candle.closed, candle.lots, candle.high_ticks) == (True, 7, 103)


def test_only_the_newest_candles_are_kept() -> None:
    venue, candles = ScriptedVenue(step_ns=0), Candles(MINUTE_NS)
    for _ in range(CANDLES_MAX + 5):
        venue.now_ns += MINUTE_NS
        add(candles, venue.trade(100, 1))
    kept = candles.snapshot(1, 0).candles
    assert len(kept) == CANDLES_MAX
    assert kept[0].first_trade_id == 6
    message = candles.take(1, 0, 0)
    assert message is not None
    assert message.candles == kept
