"""Orders of one account that would trade with each other, and do not if they are told to.

The incoming order's mode decides (see `vocabulary.types.SelfTradePrevention`). Whoever has none
pays for all this with one comparison.
"""

from matching.core import icebergs
from matching.core.event_writer import EventWriter
from matching.core.order import Order
from matching.core.order_book import OrderBook
from vocabulary import events as e
from vocabulary.codec import pack
from vocabulary.types import CancelReason, SelfTradePrevention, Side

BUY = Side.BUY.value
NONE = SelfTradePrevention.NONE.value
EXPIRE_TAKER = SelfTradePrevention.EXPIRE_TAKER.value
EXPIRE_MAKER = SelfTradePrevention.EXPIRE_MAKER.value
EXPIRE_BOTH = SelfTradePrevention.EXPIRE_BOTH.value
DECREMENT = SelfTradePrevention.DECREMENT.value

SELF_TRADE_PREVENTED = CancelReason.SELF_TRADE_PREVENTED.value
RESTING_ENDS = 1
INCOMING_ENDS = 2


def prevent(book: OrderBook, resting: Order, incoming: Order, events: EventWriter) -> int:
    """Keep two orders from trading; return which of them are to end.

    What goes on with less has less already, and its funds are released.
    """
    mode = incoming.self_trade_prevention
    lots = min(resting.leaves_lots, incoming.leaves_lots)
    ends = RESTING_ENDS | INCOMING_ENDS
    if mode == EXPIRE_TAKER:
        ends = INCOMING_ENDS
    elif mode == EXPIRE_MAKER:
        ends = RESTING_ENDS
    resting_decrease = incoming_decrease = hidden_decrease = 0
    if mode == DECREMENT and resting.leaves_lots > lots:
        ends = INCOMING_ENDS
        resting_decrease = lots
        hidden_decrease = icebergs.reduce_hidden(resting, lots)
        book.own(resting.side).reduce(resting, lots)
        resting.quantity_lots -= lots
    elif mode == DECREMENT and incoming.leaves_lots > lots:
        ends = RESTING_ENDS
        incoming_decrease = lots
        incoming.leaves_lots -= lots
        incoming.quantity_lots -= lots
    resting_released = resting.hold_per_lot * resting_decrease
    incoming_released = incoming.hold_per_lot * incoming_decrease
    resting.spends.release(resting_released)
    incoming.spends.release(incoming_released)
    book.prevented_count += 1
    if hidden_decrease:
        event = e.MatchPrevented(
            book.prevented_count,
            book.instrument_id,
            Side(incoming.side),
            incoming.account.account_id,
            SelfTradePrevention(mode),
            resting.price_ticks,
            lots,
            resting.order_id,
            incoming.order_id,
            resting_decrease,
            incoming_decrease,
            resting_released,
            incoming_released,
            hidden_decrease,
        )
        events.write(pack(event))
        return ends
    events.match_prevented(
        book.prevented_count,
        book.instrument_id,
        incoming.side,
        incoming.account.account_id,
        mode,
        resting.price_ticks,
        lots,
        resting.order_id,
        incoming.order_id,
        resting_decrease,
        incoming_decrease,
        resting_released,
        incoming_released,
    )
    return ends


def can_fill(book: OrderBook, incoming: Order, limit_ticks: int) -> bool:
    """Say whether an order that prevents self-trades would be filled whole, by others alone."""
    lots = incoming.leaves_lots
    for level in book.opposite(incoming.side):
        price_ticks = level.price_ticks
        if price_ticks > limit_ticks if incoming.side == BUY else price_ticks < limit_ticks:
            return False
        hidden_lots = 0  # they come behind all that is displayed there
        for order in level:
            if order.account is not incoming.account:
                lots -= order.leaves_lots - order.hidden_lots
                hidden_lots += order.hidden_lots
            elif incoming.self_trade_prevention != EXPIRE_MAKER:
                return False  # it would end here, or be smaller from here on
            if lots <= 0:
                return True
        lots -= hidden_lots
        if lots <= 0:
            return True
    return False


def market_buy_units(book: OrderBook, incoming: Order, limit_ticks: int, units_max: int) -> int:
    """Return what an order costs that buys of others at market; -1 if over `units_max`."""
    cost = 0
    lots = incoming.leaves_lots
    for level in book.sells:
        if level.price_ticks > limit_ticks:
            break
        units_per_lot = level.price_ticks * book.tick_lot_units
        for order in level:
            if order.account is incoming.account:
                continue
            taken: int = min(order.leaves_lots, lots)
            if taken > (units_max - cost) // units_per_lot:
                return -1
            cost += taken * units_per_lot
            lots -= taken
            if lots == 0:
                return cost
    return cost
