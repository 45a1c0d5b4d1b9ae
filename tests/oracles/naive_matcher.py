"""What a flow of commands must lead to, by the plainest matcher there is.

Lists are sorted and searched. Nothing of ours is used but the file's layout, which it reads itself.
"""

from dataclasses import dataclass
from struct import Struct

HEADER = Struct("<8sIIQQQ")
COMMAND = Struct("<BBHIqqq")
LIMIT, IMMEDIATE_OR_CANCEL, MARKET, CANCEL, REPLACE = 1, 2, 3, 4, 5
BUY = 1
ROW = Struct("<4q")


@dataclass
class Resting:
    order_id: int
    side: int
    symbol: int
    price: int
    quantity: int
    place: int  # in time


class NaiveMatcher:
    def __init__(self) -> None:
        self.orders: list[Resting] = []
        self.trades: list[tuple[int, int, int, int]] = []
        self.place = 0

    def queue(self, symbol: int, side: int) -> list[Resting]:
        """Return what rests on a side, what trades first first."""
        sign = -1 if side == BUY else 1
        there = [o for o in self.orders if o.symbol == symbol and o.side == side]
        return sorted(there, key=lambda order: (sign * order.price, order.place))

    def match(self, symbol: int, side: int, order_id: int, limit: int | None, quantity: int) -> int:
        for resting in self.queue(symbol, 3 - side):
            crosses = limit is None or (
                resting.price <= limit if side == BUY else resting.price >= limit
            )
            if not crosses or quantity == 0:
                break
            traded = min(quantity, resting.quantity)
            quantity -= traded
            resting.quantity -= traded
            self.trades.append((resting.order_id, order_id, resting.price, traded))
            if resting.quantity == 0:
                self.orders.remove(resting)
        return quantity

    def apply(
        self, kind: int, side: int, symbol: int, _: int, order_id: int, price: int, quantity: int
    ) -> None:
        found = [order for order in self.orders if order.order_id == order_id]
        if kind in (CANCEL, REPLACE) and not found:
            return
        if kind == REPLACE and found[0].price == price and quantity <= found[0].quantity:
            found[0].quantity = quantity
            return
        if found:
            self.orders.remove(found[0])
        if kind == CANCEL:
            return
        left = self.match(symbol, side, order_id, None if kind == MARKET else price, quantity)
        if left and kind in (LIMIT, REPLACE):
            self.place += 1
            self.orders.append(Resting(order_id, side, symbol, price, left, self.place))


def naive_run(data: bytes) -> tuple[bytes, bytes]:
    """Return the trades and the book of a flow file, as `agio bench engine` must write them."""
    _, symbols, _, _, _, _ = HEADER.unpack_from(data)
    matcher = NaiveMatcher()
    for command in COMMAND.iter_unpack(data[HEADER.size :]):
        matcher.apply(*command)
    book = [
        ROW.pack(symbol, order.order_id, order.price, order.quantity)
        for symbol in range(symbols)
        for side in (1, 2)
        for order in matcher.queue(symbol, side)
    ]
    return b"".join(ROW.pack(*trade) for trade in matcher.trades), b"".join(book)
