"""Names are found as long as they are to be, whatever was forgotten meanwhile."""

import random

import pytest

from matching.core import invariants, snapshot
from matching.core.engine import Engine
from tests.matching.core.requests import LISTINGS, enter
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.codec import Message, pack, unpack
from vocabulary.rejects import RejectReason
from vocabulary.types import TimeInForce

MINUTE_NS = 60 * 10**9
DAY_MINUTES = 24 * 60
DAY_NS = DAY_MINUTES * MINUTE_NS
MANY = 12_000  # names fill several tables
IOC = TimeInForce.IMMEDIATE_OR_CANCEL


def venue() -> Engine:
    engine = Engine()
    for sequence, listing in enumerate(LISTINGS, 1):
        engine.apply(pack(listing), sequence, 0)
    return engine


def restored(engine: Engine) -> Engine:
    copy = Engine()
    for section in snapshot.save(engine.state):
        snapshot.restore(copy.state, section)
    return copy


def close_one(engine: Engine, number: int, now_ns: int, quantity_lots: int = 5) -> Message:
    """Enter an order that ends at once under a name of that number; return the first event."""
    order = enter(client_order_id=b"%d" % number, time_in_force=IOC, quantity_lots=quantity_lots)
    event, _ = unpack(engine.apply(pack(order), engine.sequence + 1, now_ns))
    return event


@pytest.mark.parametrize("seed", range(3))
def test_names_that_go_leave_the_others_to_be_found(seed: int) -> None:
    chance = random.Random(seed)
    engine = venue()
    entered: list[tuple[int, c.Command]] = []
    minute = 0
    for sequence in range(100, 1300):
        minute += chance.randrange(20)
        name = b"%d" % chance.randrange(10**9)
        order = enter(client_order_id=name, time_in_force=IOC)
        engine.apply(pack(order), sequence, minute * MINUTE_NS)
        entered.append((minute, order))
        then, again = entered[-1 - chance.randrange(min(len(entered), 200))]
        if minute - then < DAY_MINUTES:
            event, _ = unpack(engine.apply(pack(again), 10_000 + sequence, minute * MINUTE_NS))
            assert isinstance(event, e.OrderRepeated)
    invariants.check(engine.state)
    assert engine.state.accounts[1].client_order_ids.count < 300


def test_however_many_orders_close_in_24_hours_none_is_entered_twice() -> None:
    engine = venue()
    for number in range(MANY):
        close_one(engine, number, now_ns=number)
    invariants.check(engine.state)
    for venue_or_copy in (engine, restored(engine)):
        for number in (*range(0, MANY, 97), MANY - 1):
            assert isinstance(close_one(venue_or_copy, number, DAY_NS - 1), e.OrderRepeated)
            duplicate = close_one(venue_or_copy, number, DAY_NS - 1, quantity_lots=6)
            assert duplicate == e.CommandRejected(RejectReason.DUPLICATE_CLIENT_ORDER_ID)
    assert isinstance(close_one(engine, 1, DAY_NS), e.OrderRepeated)
    assert isinstance(close_one(engine, 0, DAY_NS), e.OrderAccepted)


def test_names_too_old_are_let_go_of_a_few_at_a_time_and_make_no_difference_meanwhile() -> None:
    engine = venue()
    for number in range(MANY):
        close_one(engine, number, now_ns=number)
    names = engine.state.accounts[1].client_order_ids
    for number in range(MANY):
        assert isinstance(close_one(engine, number, 2 * DAY_NS), e.OrderAccepted)
        assert names.count == max(MANY - number - 1, number + 1)
        if number % 4_000 == 0:
            copy = restored(engine)
            assert copy.state_hash() == engine.state_hash()
            assert copy.state.accounts[1].client_order_ids.closed_count == number + 1
    assert names.count == MANY
    invariants.check(engine.state)
