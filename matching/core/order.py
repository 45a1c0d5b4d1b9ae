"""An order, and the queue of those at one price.

Ladders and tables know an order as `Resting`: what they need of it, and no more, lies side by side
in memory. The engine's own orders add to that; a book without an engine does with it alone.
"""

from collections.abc import Iterator
from typing import Any

from matching.core.client_order_ids import ClientOrderId
from matching.core.holds import PREVENTS_NOTHING, Account, Funds

COMPILED = not __file__.endswith(".py")
SPARE_ORDERS_MAX = 4096


class Resting:
    """An order as ladders and tables know it. All that are in one are of one class."""

    def __init__(self) -> None:
        self.order_id = 0
        self.price_ticks = 0
        self.leaves_lots = 0
        self.level: Level | None = None  # None while it does not rest
        self.older: Any = None
        self.newer: Any = None
        self.chained: Any = None  # the next one in a bucket of `OrderTable`


class Order(Resting):
    """An open order, or an incoming one while it matches.

    See `begin`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.entered_by = 0  # a session
        self.account: Account
        self.instrument_id = 0
        self.side = 0
        self.quantity_lots = 0
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
    """Return an order that nothing has happened to."""
    order = blank()
    begin(
        order,
        order_id,
        account,
        instrument_id,
        side,
        price_ticks,
        quantity_lots,
        flags,
        expire_time_ns,
    )
    return order


def blank() -> Order:
    """Return an order whose fields are 0 and None, as compiled ones are from the start.

    A class that is called would look for `__init__`.
    """
    order = Order.__new__(Order)
    if not COMPILED:
        Order.__init__(order)
    return order


def begin(
    order: Order,
    order_id: int,
    account: Account,
    instrument_id: int,
    side: int,
    price_ticks: int,
    quantity_lots: int,
    flags: int,
    expire_time_ns: int,
) -> None:
    """Let an order be a new one, of these terms."""
    order.order_id = order_id
    order.account = account
    order.instrument_id = instrument_id
    order.side = side
    order.price_ticks = price_ticks
    order.quantity_lots = quantity_lots
    order.leaves_lots = quantity_lots
    order.flags = flags
    order.self_trade_prevention = account.self_trade_prevention
    order.expire_time_ns = expire_time_ns


class SpareOrders:
    """Orders that have ended, for those to come: allocating and freeing one takes longer.

    The engine takes one at the start of a command, so all that still speaks of an order that ended
    in this command speaks of that order; and what outlives a command refers to open orders only.
    """

    def __init__(self) -> None:
        self.orders: list[Order] = []

    def take(self) -> Order:
        """Return an order for `begin`, which has nothing of an order's special traits."""
        return self.orders.pop() if self.orders else blank()

    def keep(self, order: Order) -> None:
        """Keep an order that a command is done with, unless it is open or is a special one."""
        is_plain = order.display_lots == 0 and order.trigger is None and order.order_list is None
        if is_plain and order.level is None and len(self.orders) < SPARE_ORDERS_MAX:
            self.orders.append(order)


class Level:
    """The orders that rest at one price."""

    def __init__(self, price_ticks: int) -> None:
        self.price_ticks = price_ticks
        self.lots = 0
        self.oldest: Any = None  # a `Resting`
        self.newest: Any = None
        self.chained: Level | None = None  # the next one in a bucket of `Ladder`

    def __iter__(self) -> Iterator[Any]:
        order = self.oldest
        while order is not None:
            yield order
            order = order.newer
