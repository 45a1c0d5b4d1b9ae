"""Orders at market by quote amount: what quantity they come to.

The amount is counted off in the book as it stands when the order comes, price by price; what the
book is too short for counts at its last price, and can only be canceled. An increment that the
amount does not pay for whole is left out: a buyer never spends more than the amount, a seller gets
no more before fees.
"""

from collections.abc import Iterator

from matching.core.order import Order
from matching.core.order_book import OrderBook
from vocabulary.rejects import RejectReason
from vocabulary.types import QUANTITY_LOTS_MAX, SelfTradePrevention

EXPIRE_MAKER = SelfTradePrevention.EXPIRE_MAKER.value


def refusal(book: OrderBook, quote_units: int) -> int:
    """Return why an amount is refused whatever is in the book, or 0."""
    if quote_units < max(book.notional_units_min, 1):
        return RejectReason.NOTIONAL_TOO_SMALL
    return RejectReason.NOTIONAL_TOO_LARGE if quote_units > book.notional_units_max else 0


def lots_for(book: OrderBook, incoming: Order, quote_units: int) -> int:
    """Return how many lots an amount comes to; 0 if there is none, or no price to count at."""
    lots = _lots_for(book, incoming, quote_units)
    return lots - lots % book.quantity_increment_lots


def _lots_for(book: OrderBook, incoming: Order, quote_units: int) -> int:
    lots = lots_there = units_per_lot = 0
    for price_ticks, lots_there in _counterparties(book, incoming):
        units_per_lot = price_ticks * book.tick_lot_units
        taken = min(lots_there, quote_units // units_per_lot)
        lots += taken
        quote_units -= taken * units_per_lot
        if taken < lots_there:
            return lots
    if units_per_lot:
        lots += quote_units // units_per_lot
    return min(lots, QUANTITY_LOTS_MAX + 1)


def _counterparties(book: OrderBook, incoming: Order) -> Iterator[tuple[int, int]]:
    """Yield prices and lots of those that an order trades with, best first."""
    for level in book.opposite(incoming.side):
        lots = level.lots
        if incoming.self_trade_prevention == EXPIRE_MAKER:
            lots -= sum(o.leaves_lots for o in level if o.account is incoming.account)
        if lots:
            yield level.price_ticks, lots
