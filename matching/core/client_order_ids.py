"""Client order ids: which order of an account has, or lately had, a name that its owner gave it.

A name stays taken while its order is open and for 24 hours after that, by the commands' timestamps;
so does a name that a replace took from its order. Whoever enters the same order again within that
time is told of the first one, and never gets a second.

Per account the newest `CLOSED_ORDERS_REMEMBERED_MAX` such names are kept: memory has to end
somewhere, and an account that closes more orders in a day is told so in the documentation.
"""

from matching.core.holds import Account
from matching.core.ladder import Order
from vocabulary.types import CLOSED_ORDERS_REMEMBERED_MAX

REMEMBERED_NS = 24 * 3600 * 10**9
REMEMBERED_MAX = CLOSED_ORDERS_REMEMBERED_MAX
CONTENT_MASK = 2**64 - 1
CONTENT_SEED = 0xCBF29CE484222325
CONTENT_FACTOR = 0x100000001B3


def content_of(words: memoryview, first: int, last: int) -> int:
    """Return 64 bits that stand for what was asked: equal for equal words, else all but never.

    FNV-1a, a word at a time. An account that would construct an equal one of another order only
    misleads itself.
    """
    content = CONTENT_SEED
    for at in range(first, last):
        content = (content ^ (words[at] & CONTENT_MASK)) * CONTENT_FACTOR & CONTENT_MASK
        content ^= content >> 32
    return content


def find(account: Account, client_order_id: bytes, now_ns: int) -> Order | None:
    """Return the order that has the name, open or closed less than 24 hours ago."""
    order: Order | None = account.orders.get(client_order_id)
    if order is None or order.is_open or now_ns - order.closed_ns < REMEMBERED_NS:
        return order
    return None


def remember(account: Account, order: Order, now_ns: int) -> None:
    """Keep a closed order's name, and let go of those that are too old or too many."""
    order.is_open = False
    order.closed_ns = now_ns
    newest: Order | None = account.newest_closed
    if newest is None:
        account.oldest_closed = order
    else:
        newest.newer = order
    account.newest_closed = order
    account.closed_count += 1
    oldest: Order = account.oldest_closed
    while account.closed_count > REMEMBERED_MAX or now_ns - oldest.closed_ns >= REMEMBERED_NS:
        # A newer order may have taken the name since its time ran out.
        if account.orders[oldest.client_order_id] is oldest:
            del account.orders[oldest.client_order_id]
        account.oldest_closed = oldest.newer
        account.closed_count -= 1
        oldest = account.oldest_closed
