"""The ledger in Postgres, as settlement sees it: where it stands, and one transaction a batch."""

from __future__ import annotations

from typing import NamedTuple, Self

import asyncpg

from accounts.edge.listing_rows import read_listings, write_listing
from accounts.settlement import ENTRY_COLUMNS, AmendmentRow, Batch, Listing, TradeRow

CONNECT_TIMEOUT_S = 5.0
# A server that stalls for longer counts as down.
STATEMENT_TIMEOUT_S = 30.0

# What a lost, restarting, overloaded or refusing server looks like from here.
POSTGRES_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)

# MERGE, since INSERT … ON CONFLICT would hold a negative change, alone, against the CHECK.
MERGE_BALANCES = """
MERGE INTO balances AS balance
USING unnest($1::integer[], $2::integer[], $3::bigint[]) AS delta (account_id, asset_id, units)
ON balance.account_id = delta.account_id AND balance.asset_id = delta.asset_id
WHEN MATCHED THEN UPDATE SET units = balance.units + delta.units
WHEN NOT MATCHED THEN INSERT (account_id, asset_id, units)
    VALUES (delta.account_id, delta.asset_id, delta.units)
"""


class PositionMovedError(Exception):
    """Another settlement has been at work: what we know of the ledger is old."""


class Position(NamedTuple):
    """Where the ledger stands, and what was listed there."""

    settled_sequence: int
    listings: list[Listing]


class LedgerStore:
    """One connection, for settlement alone.

    It is never mended: after an error, connect anew and read `position`.

    Methods raise `POSTGRES_ERRORS`.
    """

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._connection = connection

    @classmethod
    async def connect(cls, postgres_url: str) -> Self:
        return cls(
            await asyncpg.connect(
                postgres_url,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=STATEMENT_TIMEOUT_S,
                server_settings={"application_name": "agio settlement"},
            )
        )

    async def position(self) -> Position:
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            settled_sequence = await self._connection.fetchval(
                "SELECT settled_sequence FROM settled"
            )
            return Position(settled_sequence, await read_listings(self._connection))

    async def settle(self, batch: Batch) -> None:
        """Write a batch and how far it goes, in one transaction. Raises `PositionMovedError`.

        After any error, above all one from COMMIT, it is unknown whether the batch is settled:
        `position` tells.
        """
        async with self._connection.transaction():
            # First, so that two settlements queue up here, and the second finds it moved.
            moved = await self._connection.execute(
                "UPDATE settled SET settled_sequence = $2 WHERE settled_sequence = $1",
                batch.previous_sequence,
                batch.last_sequence,
            )
            if moved != "UPDATE 1":
                raise PositionMovedError(f"the ledger is not at {batch.previous_sequence} any more")
            for _, event in batch.listings:
                await write_listing(self._connection, event)
            if batch.entries:
                await self._post(batch)

    async def _post(self, batch: Batch) -> None:
        await self._connection.copy_records_to_table(
            "entries", records=batch.entries, columns=ENTRY_COLUMNS
        )
        if batch.trades:
            await self._connection.copy_records_to_table(
                "trades", records=batch.trades, columns=TradeRow._fields
            )
        if batch.amendments:
            await self._connection.copy_records_to_table(
                "trade_amendments", records=batch.amendments, columns=AmendmentRow._fields
            )
        keys = batch.deltas.keys()
        await self._connection.execute(
            MERGE_BALANCES,
            [account_id for account_id, _ in keys],
            [asset_id for _, asset_id in keys],
            list(batch.deltas.values()),
        )

    async def balances(self) -> tuple[int, dict[tuple[int, int], int]]:
        """Return the settled sequence and all balances then: units by (account, asset)."""
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            settled_sequence = await self._connection.fetchval(
                "SELECT settled_sequence FROM settled"
            )
            rows = await self._connection.fetch("SELECT account_id, asset_id, units FROM balances")
        return settled_sequence, {
            (account_id, asset_id): units for account_id, asset_id, units in rows
        }

    def close(self) -> None:
        """Close at once; what was under way is rolled back, or its COMMIT's fate is unknown."""
        self._connection.terminate()
