"""How often an order would meet others: one command makes a bounded number of matches.

Where there would be more, an auction takes over (see `matching.core.auction.interrupt`). An order
that is to be filled whole or not at all is killed instead.
"""

from matching.core.order import Order
from matching.core.order_book import OrderBook
from vocabulary.types import SelfTradePrevention

NONE = SelfTradePrevention.NONE.value


def fit(book: OrderBook, incoming: Order, matches_max: int) -> bool:
    """Say whether an order that can be filled is so by that many matches.

    At the last of the prices that it reaches all orders count, with all their slices.
    """
    lots = incoming.leaves_lots
    prevents = incoming.self_trade_prevention > NONE
    if lots <= matches_max and not prevents:
        return True
    matches = 0
    for level in book.opposite(incoming.side):
        for resting in level:
            matches += 1
            if resting.hidden_lots:
                matches += -(-resting.hidden_lots // resting.display_lots)
            if not prevents or resting.account is not incoming.account:
                lots -= resting.leaves_lots
        if lots <= 0:
            break
    return matches <= matches_max
