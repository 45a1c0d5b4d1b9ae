"""Funds: what an account may still spend, and what its open orders have set aside.

Funds are held before an order may match, consumed by its trades, and what is left is released when
it ends. So neither figure is ever negative, and what is held is the sum of what the open orders
could still spend.
"""

from matching.core.client_order_ids import ClientOrderIds
from matching.core.name_rows import NameRows
from vocabulary.types import SelfTradePrevention

PREVENTS_NOTHING = SelfTradePrevention.NONE.value


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
    """An account's funds by asset, and the names of its orders."""

    def __init__(self, account_id: int, name_rows: NameRows) -> None:
        self.account_id = account_id
        self.funds: dict[int, Funds] = {}
        self.client_order_ids = ClientOrderIds(name_rows)
        self.open_order_count = 0
        self.self_trade_prevention = PREVENTS_NOTHING  # of its orders that name no other
        self.latest: Funds | None = None  # the last two that were looked up: a book's, mostly
        self.latest_but_one: Funds | None = None
        self.fee_tier = 0  # 0: none
        self.is_suspended = False

    def funds_in(self, asset_id: int) -> Funds:
        funds = self.latest
        if funds is not None and funds.asset_id == asset_id:
            return funds
        funds = self.latest_but_one
        if funds is not None and funds.asset_id == asset_id:
            return funds
        funds = self.funds.get(asset_id)
        if funds is None:
            funds = self.funds[asset_id] = Funds(asset_id)
        self.latest_but_one = self.latest
        self.latest = funds
        return funds
