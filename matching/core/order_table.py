"""The resting orders by their id.

An order's id is the sequence of the command that entered it, so ids are dense and rise: their low
bits alone spread them evenly over the buckets, and orders that came together stand together in
memory. Orders that share a bucket are linked through `Resting.chained`. There are at least twice as
many buckets as orders, so that few share one, and never fewer than there once were.
"""

from collections.abc import Iterator
from typing import Any

from matching.core import prefetch
from matching.core.order import Resting

BUCKETS_MIN = 1024


class OrderTable:
    """Finds an order by its id in a time that does not depend on how many there are."""

    def __init__(self) -> None:
        self.buckets: list[Resting | None] = [None] * BUCKETS_MIN
        self.mask = BUCKETS_MIN - 1
        self.count = 0

    def __len__(self) -> int:
        return self.count

    def __contains__(self, order_id: int) -> bool:
        return self.find(order_id) is not None

    def __iter__(self) -> Iterator[Any]:
        """Yield the orders, in no order that means anything."""
        for bucket in self.buckets:
            order = bucket
            while order is not None:
                yield order
                order = order.chained

    def find(self, order_id: int) -> Any:
        """Return a resting order; None if there is none of that id."""
        order = self.buckets[order_id & self.mask]
        while order is not None and order.order_id != order_id:
            order = order.chained
        return order

    def fetch(self, order_id: int, step: int) -> None:
        """Fetch where an order is found, the order, what is beside it."""
        if step == 0:
            prefetch.place(self.buckets, order_id & self.mask)
        elif step == 1:
            prefetch.thing(self.buckets, order_id & self.mask)
        else:
            order = self.find(order_id)
            if order is not None:
                prefetch.beside(order)

    def add(self, order: Resting) -> None:
        if 2 * self.count > self.mask:
            self.grow()
        bucket = order.order_id & self.mask
        order.chained = self.buckets[bucket]
        self.buckets[bucket] = order
        self.count += 1

    def remove(self, order: Resting) -> None:
        bucket = order.order_id & self.mask
        before = self.buckets[bucket]
        if before is order:
            self.buckets[bucket] = order.chained
        else:
            while before is not None and before.chained is not order:
                before = before.chained
            assert before is not None
            before.chained = order.chained
        order.chained = None
        self.count -= 1

    def grow(self) -> None:
        """Make twice as many buckets: the orders of each go by one more bit of their ids."""
        orders = list(self)
        self.buckets = [None] * (2 * len(self.buckets))
        self.mask = len(self.buckets) - 1
        for order in orders:
            bucket = order.order_id & self.mask
            order.chained = self.buckets[bucket]
            self.buckets[bucket] = order
