"""The orders that are known, by their ids and by account: what the gateway's doors ask for.

All open ones are, and of each account the newest closed ones and fills.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import chain

from gateway.orders import Fill, Order, OrderList, OrderStatus

CLOSED_ORDERS_MAX = 10_000
"""How many closed orders of an account are remembered: the newest."""

FILLS_MAX = 1_000
"""How many fills of an account are remembered, the newest ones."""


class AccountOrders:
    """What is known of one account's orders."""

    def __init__(self) -> None:
        self.open: dict[int, Order] = {}
        self.closed: deque[Order] = deque()
        self.fills: deque[Fill] = deque(maxlen=FILLS_MAX)
        self.by_client_order_id: dict[bytes, Order] = {}
        self.lists: dict[int, OrderList] = {}  # those of remembered orders

    def forget_client_order_id(self, order: Order) -> None:
        # A closed order's may have been given to a newer one.
        if self.by_client_order_id.get(order.client_order_id) is order:
            del self.by_client_order_id[order.client_order_id]


class OrderTable:
    """Finds orders, lists and fills."""

    def __init__(self) -> None:
        self.open_order_count = 0
        self._orders: dict[int, Order] = {}
        self._accounts: dict[int, AccountOrders] = {}

    def order(
        self, account_id: int, *, order_id: int = 0, client_order_id: bytes = b""
    ) -> Order | None:
        """Return an account's order by our id or, where that is 0, by its client order id."""
        if order_id:
            found = self._orders.get(order_id)
            return found if found is not None and found.account_id == account_id else None
        account = self._accounts.get(account_id)
        return account.by_client_order_id.get(client_order_id) if account is not None else None

    def order_list(
        self, account_id: int, *, list_id: int | None = None, client_list_id: bytes = b""
    ) -> OrderList | None:
        """Return an account's list by our id or, without one, the newest of that client's id."""
        account = self._accounts.get(account_id)
        if account is None:
            return None
        if list_id is not None:
            return account.lists.get(list_id)
        named = [each for each in account.lists.values() if each.client_list_id == client_list_id]
        return max(named, key=_list_id, default=None)

    def open_lists(self, account_id: int) -> list[OrderList]:
        """Return an account's lists that are not done, oldest first."""
        account = self._accounts.get(account_id)
        lists = account.lists.values() if account is not None else ()
        return [each for each in lists if not each.is_done]

    def open_orders(self, account_id: int, instrument_id: int = 0) -> list[Order]:
        """Return an account's open orders, oldest first, in one instrument or (0) in all."""
        account = self._accounts.get(account_id)
        return _in_instrument(account.open.values(), instrument_id) if account is not None else []

    def open_count(self, account_id: int) -> int:
        """Return how many orders an account has open."""
        account = self._accounts.get(account_id)
        return len(account.open) if account is not None else 0

    def orders(self, account_id: int, instrument_id: int = 0) -> list[Order]:
        """Return the open and the remembered closed orders of an account, oldest first."""
        account = self._accounts.get(account_id)
        if account is None:
            return []
        known = _in_instrument(chain(account.open.values(), account.closed), instrument_id)
        return sorted(known, key=lambda order: order.order_id)

    def fills(self, account_id: int, instrument_id: int = 0) -> list[Fill]:
        """Return an account's remembered fills, oldest first."""
        account = self._accounts.get(account_id)
        if account is None:
            return []
        return [
            fill
            for fill in account.fills
            if not instrument_id or fill.instrument.instrument_id == instrument_id
        ]

    def fills_known_from_ns(self, account_id: int) -> int:
        """Return behind which time all fills of an account are remembered; 0: all there ever were.

        Of those at that very time some may be forgotten.
        """
        account = self._accounts.get(account_id)
        if account is None or len(account.fills) < FILLS_MAX:
            return 0
        return account.fills[0].timestamp_ns

    def _account(self, account_id: int) -> AccountOrders:
        account = self._accounts.get(account_id)
        if account is None:
            account = self._accounts[account_id] = AccountOrders()
        return account

    def _open(self, order: Order) -> None:
        order_id, account = order.order_id, self._account(order.account_id)
        self._orders[order_id] = account.open[order_id] = order
        account.by_client_order_id[order.client_order_id] = order
        self.open_order_count += 1

    def _close(self, order: Order, status: OrderStatus) -> None:
        order.status = status
        self.open_order_count -= 1
        account = self._account(order.account_id)
        del account.open[order.order_id]
        account.closed.append(order)
        if len(account.closed) > CLOSED_ORDERS_MAX:
            oldest = account.closed.popleft()
            del self._orders[oldest.order_id]
            account.forget_client_order_id(oldest)
            order_list, oldest.order_list = oldest.order_list, None  # they hold each other
            if order_list is not None and order_list.is_done:
                account.lists.pop(order_list.list_id, None)


def _list_id(order_list: OrderList) -> int:
    return order_list.list_id


def _in_instrument(orders: Iterable[Order], instrument_id: int) -> list[Order]:
    of = instrument_id
    return [order for order in orders if not of or order.instrument.instrument_id == of]
