"""One side of a book: price levels from best to worst, and at each the orders, oldest first.

::

    best ->  50010   order 7 <-> order 12 <-> order 31
             50009   order 9
             49950   order 2 <-> order 28

A price's `key` is the price on the buy side and its negative on the sell side: on both the higher
one is better. Levels are found in a table by the low bits of their keys, where neighbours never
collide. Which of them have orders stands in bits, 64 prices a page: one comes or goes by flipping
a bit, and the next best one is the next bit. So a page is needed only where the first order comes
to a level or the last one leaves. A book that is sparse or wide only has more pages, and these are
searched by bisection; the best one stands last, where a list grows and shrinks at no cost.
"""

from collections.abc import Iterator

from matching.core import prefetch
from matching.core.order import Level, Resting

PAGE_BITS = 6
SLOT_MASK = (1 << PAGE_BITS) - 1
FIRST_SLOT = 1  # its bit
BUCKETS_MIN = 16


class Page:
    """Which of 64 neighbouring keys, the first of which is 64 times `number`, have orders."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.occupied = 0  # a bit for each

    def best_below(self, slot: int) -> int:
        """Return the highest key here that has orders and stands below a slot; -1 for none."""
        while slot > 0:
            slot -= 1
            if self.occupied >> slot & 1:
                return slot
        return -1


class Ladder:
    """One side of a book. `sign` is 1 where the highest price is best, -1 where the lowest is."""

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.best: Level | None = None
        self.levels: list[Level | None] = [None] * BUCKETS_MIN  # empty ones, too: see `make_level`
        self.mask = BUCKETS_MIN - 1
        self.count = 0  # of the levels
        self.pages: list[Page] = []  # those with orders, by number

    def __iter__(self) -> Iterator[Level]:
        """Yield the levels, best first."""
        level = self.best
        while level is not None:
            yield level
            level = self.next_worse(level)

    def __reversed__(self) -> Iterator[Level]:
        """Yield the levels, worst first."""
        for page in self.pages:
            for slot in range(SLOT_MASK + 1):
                if page.occupied >> slot & 1:
                    level = self.find((page.number << PAGE_BITS) + slot)
                    assert level is not None
                    yield level

    def level_at(self, price_ticks: int) -> Level | None:
        """Return the level of a price; None if nothing rests there."""
        level = self.find(self.sign * price_ticks)
        return None if level is None or level.oldest is None else level

    def find(self, key: int) -> Level | None:
        """Return a level, which may be empty, by its key."""
        price_ticks = self.sign * key
        level = self.levels[key & self.mask]
        while level is not None and level.price_ticks != price_ticks:
            level = level.chained
        return level

    def fetch(self, price_ticks: int, step: int) -> None:
        """Fetch where an order would go: where the level is found, the level, its last order."""
        key = self.sign * price_ticks
        if step == 0:
            prefetch.place(self.levels, key & self.mask)
        elif step == 1:
            prefetch.thing(self.levels, key & self.mask)
        else:
            level = self.find(key)
            if level is not None:
                prefetch.back(level)

    def fetch_front(self) -> None:
        """Fetch whom the next order from the other side would trade with."""
        if self.best is not None:
            prefetch.front(self.best)

    def append(self, order: Resting) -> None:
        """Put an order at the back of the queue at its price."""
        key = self.sign * order.price_ticks
        level = self.find(key)
        if level is None:
            level = self.make_level(key)
        last = level.newest
        if last is None:
            level.oldest = order
            page = self.page(key >> PAGE_BITS)
            page.occupied |= FIRST_SLOT << (key & SLOT_MASK)
            if self.best is None or key > self.sign * self.best.price_ticks:
                self.best = level
        else:
            last.newer = order
            order.older = last
        level.newest = order
        level.lots += order.leaves_lots
        order.level = level

    def remove(self, order: Resting) -> None:
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

    def requeue(self, order: Resting) -> None:
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

    def reduce(self, order: Resting, lots: int) -> None:
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
        slot = page.best_below(key & SLOT_MASK)
        if slot < 0:
            if at == 0:
                return None
            page = self.pages[at - 1]
            slot = page.best_below(SLOT_MASK + 1)
        return self.find((page.number << PAGE_BITS) + slot)

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

    def make_level(self, key: int) -> Level:
        """Return a new level.

        Empty ones stay for the next order at their price, until there is no room for all.
        """
        if self.count > self.mask:
            self.make_room()
        level = Level(self.sign * key)
        self.put(level)
        return level

    def make_room(self) -> None:
        """Let go of the empty levels; make twice as many buckets if these are not many."""
        occupied = list(self)
        if 2 * len(occupied) > self.mask:
            self.mask = 2 * self.mask + 1
        self.levels = [None] * (self.mask + 1)
        self.count = 0
        for level in occupied:
            self.put(level)

    def put(self, level: Level) -> None:
        bucket = self.sign * level.price_ticks & self.mask
        level.chained = self.levels[bucket]
        self.levels[bucket] = level
        self.count += 1

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
