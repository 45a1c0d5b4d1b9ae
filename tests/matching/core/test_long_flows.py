"""Over many orders, too, the engine says exactly what the naive venue says."""

import random

import pytest

from tests.matching.core.drawn import ACCOUNTS
from tests.matching.core.test_against_naive_venue import Both
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.types import (
    OrderFlags,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)


@pytest.mark.parametrize("seed", range(4))
def test_a_long_random_flow_trades_exactly_as_the_naive_venue(seed: int) -> None:
    chance = random.Random(seed)
    both = Both()
    for account_id in ACCOUNTS:
        both.ask(c.CreditFunds(7, 6, account_id, 1, 50_000))
        both.ask(c.CreditFunds(7, 6, account_id, 2, 500_000))
    trades = triggered = refreshed = 0
    for number in range(1500):
        kind = chance.random()
        account_id = chance.choice(ACCOUNTS)
        order_id = both.sequence - chance.randrange(60)
        price, lots = chance.randint(90, 110), chance.randint(1, 40)
        name = b"o%d" % number
        if kind < 0.02:
            command: c.Command = c.ExpireOrders(8, 1)
        elif kind < 0.3:
            command = c.CancelOrder(8, 1, account_id, 1, max(order_id, 1), b"", b"")
        elif kind < 0.45:
            command = c.ReplaceOrder(8, 1, account_id, 1, max(order_id, 1), price, lots, name, b"")
        else:
            side = chance.choice((Side.BUY, Side.SELL))
            time_in_force = chance.choice((TimeInForce.GOOD_TILL_CANCEL, *TimeInForce))
            order_type = chance.choice((OrderType.LIMIT,) * 12 + tuple(OrderType))
            is_market = order_type % 2 == 1
            waits = order_type > OrderType.LIMIT
            may_rest = time_in_force in (TimeInForce.GOOD_TILL_CANCEL, TimeInForce.DAY)
            display = chance.choice((0, 1, 3)) if may_rest and not is_market else 0
            amount = chance.choice((0, 500, 2000)) if order_type is OrderType.MARKET else 0
            trailing_bps = chance.choice((0, 100)) if waits else 0
            trigger = chance.randint(90, 110) if waits and not trailing_bps else 0
            command = c.EnterOrder(
                8,
                1,
                account_id,
                1,
                side,
                order_type,
                time_in_force,
                OrderFlags.NONE,
                0 if is_market else price,
                0 if amount else lots,
                name,
                both.now_ns + chance.randrange(1, 99)
                if time_in_force is TimeInForce.GOOD_TILL_DATE
                else 0,
                chance.choice(tuple(SelfTradePrevention)),
                trigger,
                trailing_bps,
                amount,
                min(display, lots),
            )
        said = both.ask(command)
        triggered += sum(isinstance(event, e.OrderTriggered) for event in said)
        refreshed += sum(isinstance(event, e.OrderRefreshed) for event in said)
        trades += sum(isinstance(event, e.TradeExecuted) for event in said)
        if number % 100 == 0:
            both.check()
    both.check()
    assert trades > 300
    assert triggered > 20
    assert refreshed > 100
    assert both.venue.prevented[1] > 50
