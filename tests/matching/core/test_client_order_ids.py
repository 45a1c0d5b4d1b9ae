"""Names are found as long as they are to be, whatever was forgotten meanwhile."""

import random

import pytest

from matching.core import invariants
from matching.core.engine import Engine
from tests.matching.core.requests import LISTINGS, enter
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.codec import pack, unpack
from vocabulary.types import TimeInForce

MINUTE_NS = 60 * 10**9
DAY_MINUTES = 24 * 60


@pytest.mark.parametrize("seed", range(3))
def test_names_that_go_leave_the_others_to_be_found(seed: int) -> None:
    chance = random.Random(seed)
    engine = Engine()
    for sequence, listing in enumerate(LISTINGS, 1):
        engine.apply(pack(listing), sequence, 0)
    entered: list[tuple[int, c.Command]] = []
    minute = 0
    for sequence in range(100, 1300):
        minute += chance.randrange(20)
        name = b"%d" % chance.randrange(10**9)
        order = enter(client_order_id=name, time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL)
        engine.apply(pack(order), sequence, minute * MINUTE_NS)
        entered.append((minute, order))
        then, again = entered[-1 - chance.randrange(min(len(entered), 200))]
        if minute - then < DAY_MINUTES:
            event, _ = unpack(engine.apply(pack(again), 10_000 + sequence, minute * MINUTE_NS))
            assert isinstance(event, e.OrderRepeated)
    invariants.check(engine.state)
    assert engine.state.accounts[1].client_order_ids.count < 300
