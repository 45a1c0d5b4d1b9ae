"""One side of a book: price levels from best to worst, and at each the orders, oldest first.

::

    best ->  50010   order 7 <-> order 12 <-> order 31
             50009   order 9
             49950   order 2 <-> order 28

Neighbouring prices share a page of 64, with one bit for each price that has orders. So in a book
that is dense, as busy ones are, a level is found by arithmetic, one comes or goes by flipping a
bit, and the next best one is the next bit. A book that is sparse or wide only has more pages, and
these are searched by bisection.

A price's `key` is the price on the buy side and its negative on the sell side: on both the higher
one is better, and the best page stands last, where a list grows and shrinks at no cost.
"""

from collections.abc import Iterator
from typing import Any

from matching.core.client_order_ids import ClientOrderId
from matching.core.holds import PREVENTS_NOTHING, Account, Funds

PAGE_BITS = 6
PAGE_LEVELS = 1 << PAGE_BITS
SLOT_MASK = PAGE_LEVELS - 1
FIRST_SLOT = 1  # its bit


class Order:
    """An open order, or an incoming one while it matches.

    See `new_order`.
    """

    def __init__(self) -> None:
        self.order_id = 0
        self.entered_by = 0  # a session
        self.account: Account
        self.instrument_id = 0
        self.side = 0
        self.price_ticks = 0
        self.quantity_lots = 0
        self.leaves_lots = 0
        self.hidden_lots = 0  # of these, while it rests
        self.display_lots = 0  # 0: all
        self.flags = 0
        self.name_row = 0  # its client order id's
        self.expire_time_ns = 0  # 0: never
        self.spends: Funds
        self.receives: Funds
        self.hold_per_lot = 0  # units of the asset that it spends; 0: `budget_units` in all
        self.budget_units = 0  # what a market order that buys still holds
        self.self_trade_prevention = PREVENTS_NOTHING
        self.order_list: Any = None  # its `OrderList` while that matters
        self.trigger: Any = None  # a `Trigger` while it waits for the price
        self.level: Level | None = None  # None while it does not rest
        self.older: Order | None = None
        self.newer: Order | None = None
        self.chained: Order | None = None  # the next one in a bucket of `OrderTable`

    @property
    def client_order_id(self) -> ClientOrderId:
        return self.account.client_order_ids.at_row(self.name_row)

    @property
    def cumulative_lots(self) -> int:
        return self.quantity_lots - self.leaves_lots


def new_order(
    order_id: int,
    account: Account,
    instrument_id: int,
    side: int,
    price_ticks: int,
    quantity_lots: int,
    flags: int,
    expire_time_ns: int,
) -> Order:
    """Return an order that nothing has happened to.

    A class that is called with arguments makes Python objects of them all; this compiles to a few
    stores.
    """
    order = Order()
    order.order_id = order_id
    order.account = account
    order.instrument_id = instrument_id
    order.side = side
    order.price_ticks = price_ticks
    order.quantity_lots = quantity_lots
    order.leaves_lots = quantity_lots
    order.flags = flags
    order.expire_time_ns = expire_time_ns
    return order


class Level:
    """The orders that rest at one price."""

    def __init__(self, price_ticks: int) -> None:
        self.price_ticks = price_ticks
        self.lots = 0
        self.oldest: Order | None = None
        self.newest: Order | None = None

    def __iter__(self) -> Iterator[Order]:
        order = self.oldest
        while order is not None:
            yield order
            order = order.newer


class Page:
    """The levels of 64 neighbouring keys, the first of which is 64 times `number`.

    A bit of `occupied` is set where a level has orders. Levels that have none any more stay, for
    the next order at their price.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.occupied = 0
        self.levels: list[Level | None] = [None] * PAGE_LEVELS

    def level_at_or_below(self, slot: int) -> Level | None:
        """Return the best of the occupied levels up to a slot; None if there is none."""
        while slot >= 0:
            if self.occupied >> slot & 1:
                return self.levels[slot]
            slot -= 1
        return None


class Ladder:
    """One side of a book. `sign` is 1 where the highest price is best, -1 where the lowest is."""

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.pages: list[Page] = []  # those with orders, by number
        self.best: Level | None = None

    def __iter__(self) -> Iterator[Level]:
        """Yield the levels, best first."""
        level = self.best
        while level is not None:
            yield level
            level = self.next_worse(level)

    def __reversed__(self) -> Iterator[Level]:
        """Yield the levels, worst first."""
        for page in self.pages:
            for slot in range(PAGE_LEVELS):
                if page.occupied >> slot & 1:
                    level = page.levels[slot]
                    assert level is not None
                    yield level

    def level_at(self, price_ticks: int) -> Level | None:
        """Return the level of a price; None if nothing rests there."""
        key = self.sign * price_ticks
        at = self.page_index(key >> PAGE_BITS)
        if at == len(self.pages):
            return None
        page = self.pages[at]
        slot = key & SLOT_MASK
        if page.number != key >> PAGE_BITS or not page.occupied >> slot & 1:
            return None
        return page.levels[slot]

    def look_at(self, price_ticks: int) -> int:
        """Return a number that says nothing, but has memory fetch where an order would go."""
        level = self.level_at(price_ticks)
        if level is None or level.newest is None:
            return 0
        return level.newest.leaves_lots

    def append(self, order: Order) -> None:
        """Put an order at the back of the queue at its price."""
        key = self.sign * order.price_ticks
        slot = key & SLOT_MASK
        page = self.page(key >> PAGE_BITS)
        level = page.levels[slot]
        if level is None:
            level = page.levels[slot] = Level(order.price_ticks)
        last = level.newest
        if last is None:
            level.oldest = order
            page.occupied |= FIRST_SLOT << slot
            if self.best is None or key > self.sign * self.best.price_ticks:
                self.best = level
        else:
            last.newer = order
            order.older = last
        level.newest = order
        level.lots += order.leaves_lots
        order.level = level

    def remove(self, order: Order) -> None:
        """Take an order out, wherever in the queue it stands."""
        level = order.level
        assert level is not None
        older = order.older
        newer = order.newer
        if older is None:
            level.oldest = newer
        else:
            older.newer = newer
        if newer is None:
            level.newest = older
        else:
            newer.older = older
        order.level = order.older = order.newer = None
        level.lots -= order.leaves_lots
        if level.oldest is None:
            self.vacate(level)

    def requeue(self, order: Order) -> None:
        """Let an order go to the back of the queue at its price."""
        level = order.level
        assert level is not None
        newer = order.newer
        if newer is None:
            return
        if order.older is None:
            level.oldest = newer
        else:
            order.older.newer = newer
        newer.older = order.older
        last = level.newest
        assert last is not None
        last.newer = order
        order.older = last
        order.newer = None
        level.newest = order

    def reduce(self, order: Order, lots: int) -> None:
        """Lower what is left of a resting order, which keeps its place."""
        level = order.level
        assert level is not None
        order.leaves_lots -= lots
        level.lots -= lots

    def next_worse(self, level: Level) -> Level | None:
        """Return the level behind an occupied one; None behind the last."""
        key = self.sign * level.price_ticks
        at = self.page_index(key >> PAGE_BITS)
        page = self.pages[at]
        worse = page.level_at_or_below((key & SLOT_MASK) - 1)
        if worse is None and at > 0:
            page = self.pages[at - 1]
            worse = page.level_at_or_below(SLOT_MASK)
        return worse

    def vacate(self, level: Level) -> None:
        """Take note that a level has no orders any more."""
        key = self.sign * level.price_ticks
        at = self.page_index(key >> PAGE_BITS)
        page = self.pages[at]
        if level is self.best:
            self.best = self.next_worse(level)
        page.occupied ^= FIRST_SLOT << (key & SLOT_MASK)
        if page.occupied == 0:
            del self.pages[at]

    def page(self, number: int) -> Page:
        """Return the page of that number, a new one if there was none."""
        at = self.page_index(number)
        if at < len(self.pages):
            page = self.pages[at]
            if page.number == number:
                return page
        page = Page(number)
        self.pages.insert(at, page)
        return page

    def page_index(self, number: int) -> int:
        """Return where in `pages` the page of that number stands, or would have to."""
        high = len(self.pages) - 1
        if high < 0:
            return 0
        page = self.pages[high]
        low = high - (page.number - number)  # the very place if no page is missing
        if low > high:
            return high + 1
        # Page numbers rise at least by one a place, so the page can't stand below `low`.
        low = max(low, 0)
        page = self.pages[low]
        while low < high and page.number != number:
            middle = (low + high) >> 1
            page = self.pages[middle]
            if page.number < number:
                low = middle + 1
            else:
                high = middle
            page = self.pages[low]
        return low
