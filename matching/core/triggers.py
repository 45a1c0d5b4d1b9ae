"""Orders of one instrument that wait for the price to reach them.

Those that wait for a fall and those that wait for a rise stand in a list each, the one to be
reached first at its front, the older one first at one price. A trailing stop's trigger price
follows the best price since its entry, so it moves up a list as others stand still.
"""

from bisect import bisect_left, bisect_right, insort
from typing import Any

from vocabulary.commands import EnterOrder
from vocabulary.types import PRICE_TICKS_MAX, OrderType, Side

BPS = 10_000
ID_MAX = 2**63
TAKES_PROFIT = (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)


class Trigger:
    """What an order waits for, and what it is to be then.

    `best_ticks` is the best price since a trailing stop was entered, and 0 for any other order.
    """

    is_turn = False

    def __init__(
        self,
        order_type: int,
        side: int,
        time_in_force: int,
        price_ticks: int,
        trailing_bps: int = 0,
        best_ticks: int = 0,
    ) -> None:
        self.order_type = order_type
        self.time_in_force = time_in_force
        self.price_ticks = price_ticks
        self.trailing_bps = trailing_bps
        self.best_ticks = best_ticks
        self.awaits_fall = (side == Side.SELL) != (order_type in TAKES_PROFIT)
        if trailing_bps:
            self.trail(best_ticks)

    @property
    def row(self) -> tuple[int, ...]:
        """Return what there is to know of it, but for its order's side."""
        return (
            self.order_type,
            self.time_in_force,
            self.price_ticks,
            self.trailing_bps,
            self.best_ticks,
        )

    @property
    def is_market(self) -> bool:
        return self.order_type % 2 == 1

    @property
    def key(self) -> int:
        """Return where it stands: the lowest is reached first."""
        return -self.price_ticks if self.awaits_fall else self.price_ticks

    def is_reached(self, price_ticks: int) -> bool:
        return (
            price_ticks <= self.price_ticks
            if self.awaits_fall
            else (price_ticks >= self.price_ticks)
        )

    def leads(self, price_ticks: int) -> bool:
        """Say whether a price is better than all that a trailing stop has seen."""
        if self.awaits_fall:
            return price_ticks > self.best_ticks
        return price_ticks < self.best_ticks

    def trail(self, best_ticks: int) -> None:
        """Follow the best price, at a distance of at least one tick."""
        distance = max(best_ticks * self.trailing_bps // BPS, 1)
        self.best_ticks = best_ticks
        if self.awaits_fall:
            self.price_ticks = max(best_ticks - distance, 1)
        else:
            self.price_ticks = min(best_ticks + distance, PRICE_TICKS_MAX)


class Turn:
    """What an order waits for that is entered after another one of its list: its turn."""

    is_turn = True

    def __init__(self, command: EnterOrder) -> None:
        self.command = command

    @property
    def row(self) -> tuple[int, ...]:
        return ()


class Triggers:
    """The orders, each an `Order` of `matching.core.order` with a `Trigger` or a `Turn`."""

    def __init__(self) -> None:
        self.orders: dict[int, Any] = {}  # by order id, in the order of their entry
        self.falling: list[tuple[int, int]] = []
        self.rising: list[tuple[int, int]] = []
        self.trailing: dict[int, Any] = {}
        self.prices: list[int] = []  # of trades that were not looked at yet

    def add(self, order: Any) -> None:
        self.orders[order.order_id] = order
        if not order.trigger.is_turn:
            self.line_up(order)

    def remove(self, order: Any) -> None:
        """Forget an order, whether it stands in its list or was taken from there."""
        del self.orders[order.order_id]
        if order.trigger.is_turn:
            return
        self.trailing.pop(order.order_id, None)
        entry = (order.trigger.key, order.order_id)
        line = self.line_of(order)
        at = bisect_left(line, entry)
        if at < len(line) and line[at] == entry:
            del line[at]

    def line_of(self, order: Any) -> list[tuple[int, int]]:
        return self.falling if order.trigger.awaits_fall else self.rising

    def line_up(self, order: Any) -> None:
        insort(self.line_of(order), (order.trigger.key, order.order_id))
        if order.trigger.trailing_bps:
            self.trailing[order.order_id] = order

    def take(self, price_ticks: int) -> list[Any]:
        """Take those that a trade's price reaches out of their lists.

        First those that wait for a fall, from the highest trigger price down, then those that wait
        for a rise, from the lowest up; the older one first.
        """
        for order in self.trailing.values():
            if order.trigger.leads(price_ticks):
                line = self.line_of(order)
                del line[bisect_left(line, (order.trigger.key, order.order_id))]
                order.trigger.trail(price_ticks)
                insort(line, (order.trigger.key, order.order_id))
        reached: list[Any] = []
        for line, key in ((self.falling, -price_ticks), (self.rising, price_ticks)):
            end = bisect_right(line, (key, ID_MAX))
            reached += [self.orders[order_id] for _, order_id in line[:end]]
            del line[:end]
        for order in reached:
            self.trailing.pop(order.order_id, None)
        return reached
