"""Steps that the prices and quantities of orders keep to, and how they change.

An instrument's own ticks and lots stay what it was listed with: all figures, of the past too, are
counted in them. What changes is of how many of them an order's price and quantity are multiples.
So nothing is ever converted, and an order on its way means the same before and after a change.
"""

from matching.core.matcher import Matcher
from matching.core.order import Order
from matching.core.order_book import OrderBook
from matching.core.trading_phase import TAKES_INCREMENTS
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.codec import pack
from vocabulary.rejects import RejectReason
from vocabulary.types import PRICE_TICKS_MAX, QUANTITY_LOTS_MAX, CancelReason, TradingPhase


def change(matcher: Matcher, command: c.ChangeIncrements) -> None:
    """Let an instrument have other increments, once no open order is off them."""
    book = matcher.state.books.get(command.instrument_id)
    if book is None:
        return refuse(matcher, RejectReason.UNKNOWN_INSTRUMENT)
    if book.phase == TradingPhase.DELISTED:
        return refuse(matcher, RejectReason.INSTRUMENT_DELISTED)
    if book.phase not in TAKES_INCREMENTS:
        return refuse(matcher, RejectReason.STILL_TRADING)
    increments = (command.price_increment_ticks, command.quantity_increment_lots)
    if not are_possible(*increments) or command.cancels_max < 0:
        return refuse(matcher, RejectReason.INVALID_INCREMENT)
    misfits = [order for order in open_orders(book) if not fits(order, *increments)]
    if misfits and command.cancels_max == 0:
        return refuse(matcher, RejectReason.ORDERS_OFF_INCREMENT)

    # Past this line nothing can fail.
    misfits.sort(key=lambda order: order.order_id)
    for order in misfits[: command.cancels_max]:
        if matcher.state.orders.find(order.order_id) is order:  # else ended with its list
            matcher.cancel_resting(book, order, CancelReason.OFF_INCREMENT)
    if any(matcher.state.orders.find(order.order_id) is order for order in misfits):
        return None
    book.set_increments(*increments)
    event = e.IncrementsChanged(book.instrument_id, *increments)
    return matcher.events.write(pack(event))


def refuse(matcher: Matcher, reason: RejectReason) -> None:
    matcher.events.command_rejected(reason)


def are_possible(price_increment_ticks: int, quantity_increment_lots: int) -> bool:
    return (
        0 < price_increment_ticks <= PRICE_TICKS_MAX
        and 0 < quantity_increment_lots <= QUANTITY_LOTS_MAX
    )


def open_orders(book: OrderBook) -> list[Order]:
    """Return all that rest in a book or wait beside it."""
    resting = [order for side in (book.buys, book.sells) for level in side for order in level]
    return [*resting, *book.triggers.orders.values()]


def fits(order: Order, price_increment_ticks: int, quantity_increment_lots: int) -> bool:
    """Say whether all of an order's figures are multiples of the increments.

    Those filled already, too: what it leaves and what it has traded are both shown to its owner.
    """
    lots = (order.quantity_lots, order.leaves_lots, order.hidden_lots, order.display_lots)
    return not any(price % price_increment_ticks for price in prices(order)) and not any(
        each % quantity_increment_lots for each in lots
    )


def prices(order: Order) -> tuple[int, ...]:
    """Return the prices that an order's owner has named."""
    trigger = order.trigger
    if trigger is None:
        return (order.price_ticks,)
    if trigger.is_turn:
        return (trigger.command.price_ticks, trigger.command.trigger_price_ticks)
    limit_ticks = 0 if trigger.is_market else order.price_ticks
    return (limit_ticks, 0 if trigger.trailing_bps else trigger.price_ticks)
