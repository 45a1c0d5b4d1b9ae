"""What the ops desk can ask about the ledger as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from accounts.edge.settler import Settler
from accounts.listings import Listings
from accounts.ops_api import (
    AssetSumsReply,
    DifferenceReply,
    HealthReply,
    OpsError,
    TrialBalanceReply,
)
from accounts.trial_balance import AssetSums, Difference

RECONCILE_TIMEOUT_S = 8.0
DIFFERENCES_SHOWN_MAX = 100


class LedgerDesk:
    """The trial balance and the service's health."""

    def __init__(
        self, settler: Settler, listings: Listings, health: Callable[[], dict[str, object]]
    ) -> None:
        self._settler = settler
        self._listings = listings
        self._health = health

    async def show_trial_balance(self) -> TrialBalanceReply:
        """Compare engine and ledger as of now; waits until settlement has come so far."""
        try:
            async with asyncio.timeout(RECONCILE_TIMEOUT_S):
                result = await self._settler.reconcile()
        except TimeoutError:
            raise OpsError(
                503,
                "not_settled",
                f"settlement is at {self._settler.settled_sequence} of"
                f" {self._settler.head_sequence}: {self._settler.last_error or 'catching up'}",
            ) from None
        return TrialBalanceReply(
            settled_sequence=result.sequence,
            assets=[self._sums(sums) for sums in result.assets],
            differences=[
                self._difference(difference)
                for difference in result.differences[:DIFFERENCES_SHOWN_MAX]
            ],
            agrees=result.agrees,
        )

    async def show_health(self) -> HealthReply:
        """Show how settlement stands."""
        return HealthReply.model_validate(self._health())

    def _sums(self, sums: AssetSums) -> AssetSumsReply:
        asset = self._listings.catalogue.assets[sums.asset_id]
        return AssetSumsReply(
            asset=asset.name,
            sum="0" if sums.sum_units == 0 else asset.text(sums.sum_units),
            customers=asset.text(sums.customers_units),
            fees=asset.text(sums.fees_units),
            custody=asset.text(sums.custody_units),
        )

    def _difference(self, difference: Difference) -> DifferenceReply:
        asset = self._listings.catalogue.assets[difference.asset_id]
        return DifferenceReply(
            account_id=difference.account_id,
            asset=asset.name,
            engine=asset.text(difference.engine_units),
            ledger=asset.text(difference.ledger_units),
        )
