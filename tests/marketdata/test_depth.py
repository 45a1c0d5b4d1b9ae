from hypothesis import given
from hypothesis import strategies as st

from marketdata.depth import Depth
from tests.marketdata.scripted_venue import ScriptedVenue, Step, play, steps
from vocabulary import commands as c
from vocabulary.codec import Record
from vocabulary.market_data import Level
from vocabulary.types import OrderFlags, OrderType, SelfTradePrevention, Side, TimeInForce


def apply(depth: Depth, record: Record) -> bool:
    touched = [depth.apply(event) for event in record.events]
    return any(touched)


@given(st.lists(steps, max_size=60), st.integers(1, 10))
def test_depth_is_what_the_open_orders_add_up_to(script: list[Step], take_every: int) -> None:
    venue, depth = ScriptedVenue(), Depth()
    told_bids: dict[int, int] = {}
    told_asks: dict[int, int] = {}
    for number, record in enumerate(play(venue, script)):
        apply(depth, record)
        assert depth.bids == venue.levels(Side.BUY)
        assert depth.asks == venue.levels(Side.SELL)
        assert max(depth.bids, default=0) < min(depth.asks, default=1000), "crossed"
        if number % take_every == 0 and (message := depth.take(record.sequence, 0, 0)):
            told_bids |= {level.price_ticks: level.lots for level in message.bids}
            told_asks |= {level.price_ticks: level.lots for level in message.asks}
            assert {price: lots for price, lots in told_bids.items() if lots} == depth.bids
            assert {price: lots for price, lots in told_asks.items() if lots} == depth.asks


def test_a_level_that_empties_is_told_with_no_lots() -> None:
    venue, depth = ScriptedVenue(), Depth()
    apply(depth, venue.sell(100, 5))
    depth.take(1, 0, 0)
    apply(depth, venue.buy(100, 5))
    message = depth.take(2, 1, 77)
    assert message is not None
    assert (message.bids, message.asks) == ([], [Level(100, 0)])
    assert (message.sequence, message.previous_sequence, message.timestamp_ns) == (2, 1, 77)


def test_what_came_and_went_between_two_messages_is_not_told() -> None:
    venue, depth = ScriptedVenue(), Depth()
    entered = venue.sell(100, 5)
    apply(depth, entered)
    assert apply(depth, venue.cancel(entered.sequence))
    assert depth.take(2, 1, 0) is None


def test_an_order_that_never_rested_does_not_touch_depth() -> None:
    venue, depth = ScriptedVenue(), Depth()
    script: list[Step] = [("take", Side.BUY, 100, 5, 0), ("market", Side.SELL, 100, 5, 1)]
    assert [apply(depth, record) for record in play(venue, script)] == [False, False]


def test_a_snapshot_has_the_best_prices_first() -> None:
    venue, depth = ScriptedVenue(), Depth()
    for price_ticks in (98, 99, 97):
        apply(depth, venue.buy(price_ticks, 1))
    for price_ticks in (102, 101, 103):
        apply(depth, venue.sell(price_ticks, 2))
    snapshot = depth.snapshot(9, 77)
    assert [level.price_ticks for level in snapshot.bids] == [99, 98, 97]
    assert [level.price_ticks for level in snapshot.asks] == [101, 102, 103]
    assert (snapshot.sequence, snapshot.timestamp_ns) == (9, 77)


def test_what_a_prevented_match_takes_off_a_resting_order_leaves_the_book() -> None:
    venue, depth = ScriptedVenue(), Depth()
    apply(depth, venue.sell(100, 5))
    own = c.EnterOrder(
        1, 99, 7, 1, Side.BUY, OrderType.LIMIT, TimeInForce.GOOD_TILL_CANCEL, OrderFlags.NONE,
        100, 2, b"own", 0, SelfTradePrevention.DECREMENT,
    )  # fmt: skip
    assert apply(depth, venue.apply(own))
    assert (depth.bids, depth.asks) == ({}, {100: 3})
    assert depth.asks == venue.levels(Side.SELL)
