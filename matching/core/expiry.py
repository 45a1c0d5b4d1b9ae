"""Which open order runs out of time next.

A heap of times and order ids. An order that ends before its time leaves its entry behind; entries
of ended orders are passed over, and swept out before they outnumber the others.
"""

from heapq import heapify, heappop, heappush

from matching.core.order import Order
from matching.core.order_table import OrderTable

ENDED_MAX = 1_024
"""How many more entries of ended orders than others may be there."""


class Expiries:
    """The times of the orders that have one. `orders` are the open ones."""

    def __init__(self, orders: OrderTable) -> None:
        self.orders = orders
        self.heap: list[tuple[int, int]] = []
        self.swept_length = 0

    def add(self, order: Order) -> None:
        if len(self.heap) > 2 * self.swept_length + ENDED_MAX:
            self.heap = [entry for entry in self.heap if entry[1] in self.orders]
            heapify(self.heap)
            self.swept_length = len(self.heap)
        heappush(self.heap, (order.expire_time_ns, order.order_id))

    def next_ns(self) -> int:
        """Return the earliest time at which an open order ends; 0 if none ever does."""
        while self.heap:
            expire_time_ns, order_id = self.heap[0]
            if order_id in self.orders:
                return expire_time_ns
            heappop(self.heap)
        return 0
