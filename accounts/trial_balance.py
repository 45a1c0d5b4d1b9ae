"""Does the money add up? Sums of the ledger, and the ledger beside the engine's funds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from accounts.ledger import CUSTODY_ACCOUNT_ID, FEES_ACCOUNT_ID

# Units by (account, asset).
Balances = Mapping[tuple[int, int], int]


class AssetSums(NamedTuple):
    """An asset's balances, in smallest units. Their sum is zero, or the ledger is wrong."""

    asset_id: int
    customers_units: int
    fees_units: int
    custody_units: int

    @property
    def sum_units(self) -> int:
        return self.customers_units + self.fees_units + self.custody_units


class Difference(NamedTuple):
    """An account whose funds in the engine are not its balance in the ledger, in smallest units."""

    account_id: int
    asset_id: int
    engine_units: int
    ledger_units: int


class TrialBalance(NamedTuple):
    """The ledger exactly after the record `sequence`, and how it compares with the engine then."""

    sequence: int
    assets: list[AssetSums]
    differences: list[Difference]

    @property
    def agrees(self) -> bool:
        return not self.differences and not any(asset.sum_units for asset in self.assets)


def trial_balance(
    sequence: int, balances: Balances, funds: Iterable[tuple[int, int, int, int]]
) -> TrialBalance:
    """Compare the ledger's balances with the engine's funds, both as of `sequence`.

    `funds` are rows of account, asset, available and held units.
    """
    return TrialBalance(sequence, asset_sums(balances), differences(balances, funds))


def asset_sums(balances: Balances) -> list[AssetSums]:
    """Return each asset's sums, by asset id."""
    customers: defaultdict[int, int] = defaultdict(int)
    for (account_id, asset_id), units in balances.items():
        customers[asset_id] += units if account_id > 0 else 0
    return [
        AssetSums(
            asset_id,
            customers[asset_id],
            balances.get((FEES_ACCOUNT_ID, asset_id), 0),
            balances.get((CUSTODY_ACCOUNT_ID, asset_id), 0),
        )
        for asset_id in sorted(customers)
    ]


def differences(balances: Balances, funds: Iterable[tuple[int, int, int, int]]) -> list[Difference]:
    """Return where engine and ledger disagree; no row and zero units are the same.

    Custody is left out: the world outside has no funds in the engine.
    """
    engine: defaultdict[tuple[int, int], int] = defaultdict(int)
    for account_id, asset_id, available_units, held_units in funds:
        engine[account_id, asset_id] += available_units + held_units
    ledger = {key: units for key, units in balances.items() if key[0] != CUSTODY_ACCOUNT_ID}
    return [
        Difference(*key, engine.get(key, 0), ledger.get(key, 0))
        for key in sorted(engine.keys() | ledger.keys())
        if engine.get(key, 0) != ledger.get(key, 0)
    ]
