"""The state hash sees all of the state: engines that differ in one thing hash differently."""

from collections.abc import Sequence

import msgspec
import pytest

from matching.core.engine import Engine
from tests.matching.core.requests import LISTINGS, enter
from vocabulary import commands as c
from vocabulary.codec import pack
from vocabulary.types import (
    OrderFlags,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TradingPhase,
)


def state_hash(commands: Sequence[c.Command], timestamp_ns: int = 0) -> str:
    engine = Engine()
    for sequence, command in enumerate((*LISTINGS, *commands), start=1):
        engine.apply(pack(command), sequence, timestamp_ns)
    return engine.state_hash()


FIRST = enter(client_order_id=b"first")
SECOND = enter(client_order_id=b"second")
PLAIN = (FIRST, SECOND)
NOTHING = c.CancelAllOrders(1, 1, 9, 0, b"")  # keeps the number of commands
OTHERS = {
    "price": (FIRST, enter(client_order_id=b"second", price_ticks=11)),
    "quantity": (FIRST, enter(client_order_id=b"second", quantity_lots=6)),
    "side": (FIRST, enter(client_order_id=b"second", side=Side.SELL, price_ticks=12)),
    "flags": (FIRST, enter(client_order_id=b"second", flags=OrderFlags.POST_ONLY)),
    "time in force": (
        FIRST,
        enter(client_order_id=b"second", time_in_force=TimeInForce.DAY),
    ),
    "name": (FIRST, enter(client_order_id=b"third")),
    "priority": (SECOND, FIRST),
    "self-trade prevention": (
        FIRST,
        enter(client_order_id=b"second", self_trade_prevention=SelfTradePrevention.EXPIRE_MAKER),
    ),
    "an account's self-trade prevention": (
        *PLAIN,
        c.SetSelfTradePrevention(1, 1, 1, SelfTradePrevention.EXPIRE_MAKER),
    ),
    "suspended": (*PLAIN, c.SuspendAccount(1, 1, 7)),
    "trigger": (
        FIRST,
        enter(client_order_id=b"second", order_type=OrderType.STOP_LIMIT, trigger_price_ticks=15),
    ),
    "fewer orders": (FIRST, NOTHING),
    "phase": (*PLAIN, c.ChangePhase(1, 1, 1, TradingPhase.HALTED)),
    "fees": (*PLAIN, c.SetFees(1, 1, 1, 1, 0)),
    "funds": (*PLAIN, c.CreditFunds(1, 1, 2, 1, 1)),
    "asset": (*PLAIN, c.ListAsset(1, 1, 9, 0, b"NEW")),
}


@pytest.mark.parametrize("difference", OTHERS)
def test_what_differs_in_one_thing_hashes_differently(difference: str) -> None:
    commands = OTHERS[difference]
    plain = PLAIN + (NOTHING,) * (len(commands) - len(PLAIN))
    assert state_hash(commands) != state_hash(plain)


def test_a_fill_and_its_order_are_seen() -> None:
    """Half of an order filled is not the same as an order of half, though as much is left."""
    sell = enter(client_order_id=b"sell", side=Side.SELL, quantity_lots=2)
    filled = (enter(client_order_id=b"part", quantity_lots=4), sell)
    smaller = (enter(client_order_id=b"part", quantity_lots=2), NOTHING)
    assert state_hash(filled) != state_hash(smaller)


def test_sequence_and_time_are_seen() -> None:
    assert state_hash(PLAIN) != state_hash((*PLAIN, NOTHING))
    assert state_hash(PLAIN, timestamp_ns=1) != state_hash(PLAIN)


def test_who_sent_a_command_is_not_part_of_the_state() -> None:
    other = msgspec.structs.replace(SECOND, session_id=99, session_number=77)
    assert state_hash((FIRST, other)) == state_hash(PLAIN)
