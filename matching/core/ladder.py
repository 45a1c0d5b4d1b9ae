"""One side of a book: price levels from best to worst, and at each the orders, oldest first.

::

    best ->  50010   order 7 <-> order 12 <-> order 31
             50009   order 9
             49950   order 2 <-> order 28

Levels are found by price in a dictionary. `keys` holds their prices in ascending order, those of
the sell side negated, so that the best one always stands last, where a list grows and shrinks at no
cost.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator

from matching.core.holds import Account, Funds


class Order:
    """An open order, an incoming one while it matches, or a closed one still remembered."""

    def __init__(
        self,
        order_id: int,
        account: Account,
        instrument_id: int,
        side: int,
        price_ticks: int,
        quantity_lots: int,
        flags: int,
        client_order_id: bytes,
        content: int,
    ) -> None:
        self.order_id = order_id
        self.account = account
        self.instrument_id = instrument_id
        self.side = side
        self.price_ticks = price_ticks
        self.quantity_lots = quantity_lots
        self.leaves_lots = quantity_lots
        self.flags = flags
        self.client_order_id = client_order_id
        self.content = content  # of the command that entered it: see `client_order_ids`
        self.expire_time_ns = 0  # 0: never
        self.is_open = True
        self.closed_ns = 0
        self.spends: Funds
        self.receives: Funds
        self.hold_per_lot = 0  # units of the asset that it spends; 0: exactly what each trade takes
        self.level: Level | None = None  # None while it does not rest
        self.older: Order | None = None
        self.newer: Order | None = None

    @property
    def cumulative_lots(self) -> int:
        return self.quantity_lots - self.leaves_lots


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


class Ladder:
    """One side of a book. `sign` is 1 where the highest price is best, -1 where the lowest is."""

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.levels: dict[int, Level] = {}
        self.keys: list[int] = []
        self.best: Level | None = None

    def __iter__(self) -> Iterator[Level]:
        """Yield the levels, best first."""
        for key in reversed(self.keys):
            yield self.levels[key]

    def append(self, order: Order) -> None:
        """Put an order at the back of the queue at its price."""
        key = self.sign * order.price_ticks
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = Level(order.price_ticks)
            insort(self.keys, key)
            if self.best is None or key > self.sign * self.best.price_ticks:
                self.best = level
        last = level.newest
        if last is None:
            level.oldest = order
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
            self.drop(level)

    def reduce(self, order: Order, lots: int) -> None:
        """Lower what is left of a resting order, which keeps its place."""
        level = order.level
        assert level is not None
        order.leaves_lots -= lots
        level.lots -= lots

    def drop(self, level: Level) -> None:
        """Take an empty level out."""
        key = self.sign * level.price_ticks
        del self.levels[key]
        if level is not self.best:
            del self.keys[bisect_left(self.keys, key)]
            return
        self.keys.pop()
        self.best = self.levels[self.keys[-1]] if self.keys else None
