"""Orders that depend on each other: what happens to one when something does to another.

One cancels the other: the first one holds what it could spend, the second only what it could spend
beyond that, so together they hold the larger of both. When the second is triggered, the first's
hold passes to it.

One triggers the other: the second one holds nothing and stands aside, with those that wait for a
price, until the first is filled. So does a third; they then are a list of which one cancels the
other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matching.core.order import Order
from vocabulary.types import CancelReason, Contingency

if TYPE_CHECKING:
    from matching.core.matcher import Matcher
    from matching.core.order_book import OrderBook

PASSED_ON = (
    CancelReason.REQUESTED,
    CancelReason.MASS_CANCELED,
    CancelReason.EXPIRED,
    CancelReason.DELISTED,
    CancelReason.ACCOUNT_SUSPENDED,
)
"""The reasons for which a list ends as a whole."""


class OrderList:
    """Open orders; `list_id` is the sequence of the command that entered them."""

    def __init__(self, list_id: int, contingency: int, *orders: Order) -> None:
        self.list_id = list_id
        self.contingency = contingency
        self.orders = orders
        for order in orders:
            order.order_list = self

    @property
    def row(self) -> tuple[int, ...]:
        return (self.list_id, self.contingency, *(order.order_id for order in self.orders))

    def dissolve(self, order: Order) -> list[Order]:
        """Let its orders be orders like others; return the other ones."""
        for each in self.orders:
            each.order_list = None
        return [each for each in self.orders if each is not order]


def traded(matcher: Matcher, book: OrderBook, order: Order) -> None:
    """Take in that an order has traded, or has become smaller."""
    order_list = order.order_list
    if order_list.contingency == Contingency.ONE_CANCELS_OTHER:
        first, second = order_list.orders
        if first.leaves_lots != second.leaves_lots:
            [other] = order_list.dissolve(order)
            matcher.cancel_resting(book, other, CancelReason.OTHER_ORDER_OF_LIST)
    elif order.leaves_lots == 0:
        order_list.dissolve(order)
        matcher.activated.append(order_list)
        if book not in matcher.moved:
            matcher.moved.append(book)


def triggered(matcher: Matcher, book: OrderBook, order: Order) -> None:
    """Take in that an order is triggered, before it does anything in the book."""
    _, second = order.order_list.orders
    [other] = order.order_list.dissolve(order)
    if order is second:
        beyond_per_lot = order.hold_per_lot
        matcher.set_funds(order, book, False)
        other.hold_per_lot -= order.hold_per_lot - beyond_per_lot
    matcher.cancel_resting(book, other, CancelReason.OTHER_ORDER_OF_LIST)


def ended(matcher: Matcher, book: OrderBook, order: Order, reason: int) -> None:
    """Take in that an order was canceled."""
    passed_on = reason if reason in PASSED_ON else CancelReason.OTHER_ORDER_OF_LIST
    for other in order.order_list.dissolve(order):
        matcher.cancel_resting(book, other, passed_on)
