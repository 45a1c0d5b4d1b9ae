"""Two orders of which one depends on the other: what happens to it when something does to that one.

One cancels the other: the first one holds what it could spend, the second only what it could spend
beyond that, so together they hold the larger of both. When the second is triggered, the first's
hold passes to it.

One triggers the other: the second one holds nothing and stands aside, with those that wait for a
price, until the first is filled.
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
    """Two open orders; `list_id` is the sequence of the command that entered them."""

    def __init__(self, list_id: int, contingency: int, first: Order, second: Order) -> None:
        self.list_id = list_id
        self.contingency = contingency
        self.first = first
        self.second = second
        first.order_list = second.order_list = self

    @property
    def row(self) -> tuple[int, ...]:
        return (self.list_id, self.contingency, self.first.order_id, self.second.order_id)

    def dissolve(self, order: Order) -> Order:
        """Let its orders be orders like others; return the other one."""
        self.first.order_list = self.second.order_list = None
        return self.second if order is self.first else self.first


def traded(matcher: Matcher, book: OrderBook, order: Order) -> None:
    """Take in that an order has traded, or has become smaller."""
    order_list = order.order_list
    if order_list.contingency == Contingency.ONE_CANCELS_OTHER:
        if order_list.first.leaves_lots != order_list.second.leaves_lots:
            other = order_list.dissolve(order)
            matcher.cancel_resting(book, other, CancelReason.OTHER_ORDER_OF_LIST)
    elif order.leaves_lots == 0:
        matcher.activated.append(order_list.dissolve(order))
        if book not in matcher.moved:
            matcher.moved.append(book)


def triggered(matcher: Matcher, book: OrderBook, order: Order) -> None:
    """Take in that an order is triggered, before it does anything in the book."""
    second = order.order_list.second
    other = order.order_list.dissolve(order)
    if order is second:
        beyond_per_lot = order.hold_per_lot
        matcher.set_funds(order, book, False)
        other.hold_per_lot -= order.hold_per_lot - beyond_per_lot
    matcher.cancel_resting(book, other, CancelReason.OTHER_ORDER_OF_LIST)


def ended(matcher: Matcher, book: OrderBook, order: Order, reason: int) -> None:
    """Take in that an order was canceled."""
    other = order.order_list.dissolve(order)
    passed_on = reason if reason in PASSED_ON else CancelReason.OTHER_ORDER_OF_LIST
    matcher.cancel_resting(book, other, passed_on)
