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


NO_FUNDS = Funds(-1)  # which is no asset


class Account:
    """An account's funds by asset, and the names of its orders."""

    def __init__(self, account_id: int, name_rows: NameRows) -> None:
        self.account_id = account_id
        self.funds: dict[int, Funds] = {}
        self.client_order_ids = ClientOrderIds(name_rows)
        self.open_order_count = 0
        self.self_trade_prevention = PREVENTS_NOTHING  # of its orders that name no other
        self.base_funds = NO_FUNDS  # in the assets of the book that it turned to last
        self.quote_funds = NO_FUNDS
        self.fee_tier = 0  # 0: none
        self.is_suspended = False

    def funds_in(self, asset_id: int) -> Funds:
        funds = self.funds.get(asset_id)
        if funds is None:
            funds = self.funds[asset_id] = Funds(asset_id)
        return funds

    def turn_to(self, base_asset_id: int, quote_asset_id: int) -> None:
        """Have the funds in a book's assets at hand; mostly they are."""
        if self.base_funds.asset_id != base_asset_id:
            self.base_funds = self.funds_in(base_asset_id)
        if self.quote_funds.asset_id != quote_asset_id:
            self.quote_funds = self.funds_in(quote_asset_id)
