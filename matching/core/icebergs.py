"""Icebergs: orders that rest with most of their quantity hidden.

What is displayed trades in its turn. Once that slice has traded, the next one goes to the back of
the queue at its price. Where the quantity falls, hidden lots go first, so that the slice keeps its
place; where the order enters the book anew, it begins with a whole slice.
"""

from matching.core.event_writer import EventWriter
from matching.core.order import Order
from matching.core.order_book import OrderBook
from vocabulary import events as e
from vocabulary.codec import pack
from vocabulary.rejects import RejectReason
from vocabulary.types import ICEBERG_PARTS_MAX, CancelReason, OrderType, Side, TimeInForce

IMMEDIATE = (TimeInForce.IMMEDIATE_OR_CANCEL, TimeInForce.FILL_OR_KILL)


def is_supported(order_type: int, time_in_force: int) -> bool:
    """Say whether an order may be an iceberg: only one that may rest has anything to hide."""
    has_limit = order_type % 2 == OrderType.LIMIT % 2
    return has_limit and time_in_force not in IMMEDIATE


def refusal(book: OrderBook, lots: int, display_lots: int) -> int:
    """Return why an iceberg's slice is refused, or 0."""
    is_in_range = book.quantity_lots_min <= display_lots <= lots
    is_off = display_lots % book.quantity_increment_lots != 0
    if is_in_range and not is_off and not has_too_many_parts(lots, display_lots):
        return 0
    return RejectReason.DISPLAY_QUANTITY_OUT_OF_RANGE


def has_too_many_parts(lots: int, display_lots: int) -> bool:
    return lots > display_lots * ICEBERG_PARTS_MAX


def show(order: Order) -> None:
    """Let an order that comes to rest display a slice, and hide the others."""
    order.hidden_lots = max(order.leaves_lots - order.display_lots, 0)


def refresh(book: OrderBook, order: Order, events: EventWriter) -> None:
    """Let an order whose slice has traded display the next one."""
    show(order)
    book.own(order.side).requeue(order)
    event = e.OrderRefreshed(
        order.order_id,
        order.account.account_id,
        book.instrument_id,
        Side(order.side),
        order.price_ticks,
        order.leaves_lots - order.hidden_lots,
    )
    events.write(pack(event))


def reduce_hidden(order: Order, lots: int) -> int:
    """Take lots that a resting order loses from its hidden ones; return how many there were."""
    hidden_lots = min(order.hidden_lots, lots)
    order.hidden_lots -= hidden_lots
    return hidden_lots


def report_rested(order: Order, events: EventWriter) -> None:
    event = e.OrderRested(
        order.order_id,
        order.account.account_id,
        order.instrument_id,
        Side(order.side),
        order.price_ticks,
        order.leaves_lots,
        order.hidden_lots,
    )
    events.write(pack(event))


def report_replaced(
    order: Order,
    kept_priority: bool,
    previous: tuple[int, int, int],
    held_units: int,
    events: EventWriter,
) -> None:
    """Say what an order is now; `previous` were its price, its leaves and its hidden lots."""
    previous_price_ticks, previous_leaves_lots, previous_hidden_lots = previous
    event = e.OrderReplaced(
        order.order_id,
        order.account.account_id,
        order.instrument_id,
        Side(order.side),
        kept_priority,
        previous_price_ticks,
        previous_leaves_lots,
        order.price_ticks,
        order.quantity_lots,
        order.leaves_lots,
        held_units,
        previous_hidden_lots,
        order.hidden_lots,
    )
    events.write(pack(event))


def report_canceled(order: Order, reason: int, released_units: int, events: EventWriter) -> None:
    """Say that a resting order ended."""
    event = e.OrderCanceled(
        order.order_id,
        order.account.account_id,
        order.instrument_id,
        Side(order.side),
        True,
        CancelReason(reason),
        order.price_ticks,
        order.leaves_lots,
        order.cumulative_lots,
        released_units,
        order.hidden_lots,
    )
    events.write(pack(event))
