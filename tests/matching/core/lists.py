"""Lists of orders, most of them such as are taken, to ask engine and oracle for."""

import msgspec
from hypothesis import strategies as st

from vocabulary import commands as c
from vocabulary.types import (
    Contingency,
    OrderFlags,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

Pair = tuple[int, int]
Third = tuple[OrderType, int, int]
Drawn = tuple[
    int,
    int,
    tuple[Side, Side],
    tuple[OrderType, OrderType],
    Contingency,
    Pair,
    Pair,
    Pair,
    SelfTradePrevention,
    tuple[bytes, bytes] | None,
    Third | None,
]
FIRSTS = (*4 * (OrderType.LIMIT,), OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
SECONDS = (OrderType.LIMIT, OrderType.MARKET, *3 * (OrderType.STOP, OrderType.STOP_LIMIT))
SAME_SIDES = [(side, side) for side in Side]
NAMES = st.sampled_from([b"n%d" % number for number in range(6)] + [b""])

drawn = st.tuples(
    st.sampled_from((1, 2, 3, 1, 2, 3, 0, 9)),
    st.sampled_from((1, 1, 1, 2, 3)),
    st.sampled_from((*2 * SAME_SIDES, (Side.BUY, Side.SELL))),
    st.tuples(st.sampled_from(FIRSTS), st.sampled_from(SECONDS)),
    st.sampled_from(Contingency),
    st.tuples(st.integers(1, 8), st.integers(1, 8)),
    st.tuples(st.integers(1, 8), st.integers(1, 8)),
    st.sampled_from(((3, 3), (5, 5), (1, 1), (2, 7), (0, 4))),
    st.sampled_from(SelfTradePrevention),
    st.none() | st.tuples(NAMES, NAMES),
    st.none()
    | st.tuples(
        st.sampled_from((OrderType.STOP, OrderType.STOP_LIMIT, OrderType.LIMIT)),
        st.integers(1, 8),
        st.integers(1, 8),
    ),
)
"""The arguments of `command`, but for the sequence."""


def command(
    sequence: int,
    account_id: int,
    instrument_id: int,
    sides: tuple[Side, Side],
    types: tuple[OrderType, OrderType],
    contingency: Contingency,
    prices: Pair,
    triggers: Pair,
    quantities: Pair,
    prevention: SelfTradePrevention,
    names: tuple[bytes, bytes] | None,
    third: Third | None,
) -> c.EnterOrderList:
    makes = contingency is Contingency.ONE_CANCELS_OTHER
    if third is not None:
        types = (types[0], FIRSTS[prices[1] % len(FIRSTS)])
    first, second = (
        c.EnterOrder(
            8 + sequence % 2,
            1,
            account_id,
            instrument_id,
            side,
            order_type,
            TimeInForce.DAY if price == 1 else TimeInForce.GOOD_TILL_CANCEL,
            OrderFlags.POST_ONLY
            if order_type is OrderType.LIMIT and (makes or (third is not None and not is_first))
            else OrderFlags.NONE,
            0 if order_type % 2 else price,
            quantity,
            name,
            self_trade_prevention=prevention,
            trigger_price_ticks=trigger if order_type > OrderType.LIMIT else 0,
            display_lots=1 if order_type is OrderType.LIMIT and trigger > 6 else 0,
        )
        for is_first, side, order_type, price, trigger, quantity, name in zip(
            (True, False),
            sides,
            types,
            prices,
            triggers,
            quantities,
            names or (b"f%d" % sequence, b"s%d" % sequence),
            strict=True,
        )
    )
    orders = [first, second]
    if third is not None:
        order_type, price, trigger = third
        protects = {
            "order_type": order_type,
            "flags": OrderFlags.NONE,
            "price_ticks": 0 if order_type % 2 else price,
            "client_order_id": b"t%d" % sequence if names is None else names[0] + b"t",
            "trigger_price_ticks": trigger if order_type > OrderType.LIMIT else 0,
            "display_lots": 0,
        }
        orders.append(msgspec.structs.replace(second, **protects))
    return c.list_orders(contingency, b"list", *orders)
