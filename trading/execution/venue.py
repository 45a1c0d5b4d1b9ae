"""What the engine asks of a venue link, and what a link tells the engine, whichever its door.

Prices are ticks and quantities lots; times are UTC nanoseconds.
"""

from __future__ import annotations

from typing import NamedTuple

from trading.decisions import OrderName, OrderStyle
from trading.events import ReportKind
from vocabulary.types import Side


class PlaceOrder(NamedTuple):
    name: OrderName
    side: Side
    price_ticks: int
    lots: int
    style: OrderStyle


class CancelOrder(NamedTuple):
    """`client_order_id` is the cancel's own."""

    name: OrderName
    side: Side
    client_order_id: str


class AskOrder(NamedTuple):
    """Asks how an order stands, if there is one of that name."""

    name: OrderName


class AskTrades(NamedTuple):
    """Asks what an order has traded; `order_id` is the venue's number for it."""

    name: OrderName
    order_id: int


class AskFills(NamedTuple):
    """Asks how all fills of a strategy in a symbol stand, from a trade on; names no order."""

    name: OrderName
    from_trade_id: int


Request = PlaceOrder | CancelOrder | AskOrder | AskTrades | AskFills


class Accepted(NamedTuple):
    name: OrderName
    sequence: int
    time_ns: int


class Traded(NamedTuple):
    """A fill. `cumulative_lots` is the order's after it, 0 where the venue did not say.

    A fill that the venue undid is one of no lots, at no price and without a fee.
    """

    name: OrderName
    side: Side
    trade_id: int
    price_ticks: int
    lots: int
    fee_units: int
    is_maker: bool
    cumulative_lots: int
    sequence: int
    time_ns: int

    def undone(self) -> Traded:
        """Return what is left of it once the venue undid it."""
        return self._replace(price_ticks=0, lots=0, fee_units=0)


class Amended(NamedTuple):
    """The venue undid a fill, or made `fill` of it."""

    name: OrderName
    fill: Traded


class Ended(NamedTuple):
    """An order left the book without being filled: `CANCELED` or `EXPIRED`.

    `by` is the client order id of the cancel that did it, "" where none is known.
    """

    name: OrderName
    kind: ReportKind
    cumulative_lots: int
    by: str
    reason: str
    sequence: int
    time_ns: int


class Refused(NamedTuple):
    """The venue did not take the order, and never will by itself."""

    name: OrderName
    reason: str


class CancelRefused(NamedTuple):
    """A cancel was refused; `name` is that of the order, `client_order_id` the cancel's own."""

    name: OrderName
    client_order_id: str
    reason: str


class OutcomeUnknown(NamedTuple):
    """What was sent about an order may have been done, or may be done yet."""

    name: OrderName
    reason: str


class OrderFound(NamedTuple):
    """How an order stands; `ended` is None while it is open, or filled."""

    name: OrderName
    order_id: int
    cumulative_lots: int
    ended: ReportKind | None
    time_ns: int


class NoSuchOrder(NamedTuple):
    name: OrderName


class TradesFound(NamedTuple):
    """All fills of an order, or all that were asked for without one, oldest first."""

    name: OrderName
    fills: tuple[Traded, ...]


VenueReport = (
    Accepted
    | Traded
    | Amended
    | Ended
    | Refused
    | CancelRefused
    | OutcomeUnknown
    | OrderFound
    | NoSuchOrder
    | TradesFound
)
