"""Funds: what an account may still spend, and what its open orders have set aside.

Funds are held before an order may match, consumed by its trades, and what is left is released when
it ends. So neither figure is ever negative, and what is held is the sum of what the open orders
could still spend.
"""

from typing import Any


class Funds:
    """One account's funds in one asset, in the asset's smallest units."""

    def __init__(self, asset_id: int) -> None:
        self.asset_id = asset_id
        self.available = 0
        self.held = 0

    def hold(self, units: int) -> None:
        """Set available funds aside; the caller has seen that there are as many."""
        self.available -= units
        self.held += units

    def release(self, units: int) -> None:
        """Make held funds available again."""
        self.held -= units
        self.available += units


class Account:
    """An account's funds by asset and its orders by client order id.

    Each of these is an `Order` of `matching.core.ladder`, which in turn knows its account. The
    closed ones form a queue, linked by `newer` (see `matching.core.client_order_ids`).
    """

    def __init__(self, account_id: int) -> None:
        self.account_id = account_id
        self.funds: dict[int, Funds] = {}
        self.orders: dict[bytes, Any] = {}
        self.open_order_count = 0
        self.closed_count = 0
        self.oldest_closed: Any = None
        self.newest_closed: Any = None

    def funds_in(self, asset_id: int) -> Funds:
        funds = self.funds.get(asset_id)
        if funds is None:
            funds = self.funds[asset_id] = Funds(asset_id)
        return funds
