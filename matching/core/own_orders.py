"""Orders of one account that cross while orders are collected.

Nobody trades then, but at the auction's price the two might: so an order that comes to rest there
is dealt with like one that meets them in trading, by its own mode, before it joins the book. The
auction itself need not look at accounts any more, and its price is that of all that it finds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matching.core import order_lists
from matching.core.order import Order
from matching.core.order_book import OrderBook
from matching.core.self_trade import INCOMING_ENDS, RESTING_ENDS, SELF_TRADE_PREVENTED, prevent

if TYPE_CHECKING:
    from matching.core.matcher import Matcher


def pass_by(matcher: Matcher, book: OrderBook, incoming: Order) -> bool:
    """Let an order pass those of its account that it crosses; False if it must end by that."""
    for resting in crossed(book, incoming):
        if matcher.state.orders.find(resting.order_id) is not resting:
            continue  # it ended with the other of its list
        ends = prevent(book, resting, incoming, matcher.events)
        if ends & RESTING_ENDS:
            matcher.cancel_resting(book, resting, SELF_TRADE_PREVENTED)
        elif resting.order_list is not None:
            order_lists.traded(matcher, book, resting)
        if ends & INCOMING_ENDS:
            return False
    return True


def crossed(book: OrderBook, incoming: Order) -> list[Order]:
    """Return the orders of its account that an order crosses, best price first, oldest first."""
    orders: list[Order] = []
    if incoming.account.open_order_count == 0:
        return orders
    opposite = book.opposite(incoming.side)
    for level in opposite:
        if opposite.sign * (level.price_ticks - incoming.price_ticks) < 0:
            break
        orders += [order for order in level if order.account is incoming.account]
    return orders
