"""What the ops desk keeps and reads in Postgres: accounts, API keys, balances, the audit."""

from __future__ import annotations

from typing import NamedTuple, Self

import asyncpg

from accounts.edge.ledger_store import CONNECT_TIMEOUT_S, Position
from accounts.edge.listing_rows import read_listings
from accounts.keys import Key
from accounts.users import Account

CONNECTIONS_MAX = 4
STATEMENT_TIMEOUT_S = 5.0

# Past every number that the ledger knows, too: a new account never inherits another one's funds,
# not even where the table of accounts was lost and the ledger made anew from the journal.
INSERT_ACCOUNT = """
INSERT INTO accounts (account_id, name) SELECT 1 + greatest(0, (SELECT max(account_id) FROM
accounts), (SELECT max(account_id) FROM balances)), $1 ON CONFLICT (name) DO NOTHING RETURNING
account_id
"""


TRADE_AS_IT_STANDS = """
SELECT coalesce(amended.amendments, 0), trade.buyer_account_id, trade.seller_account_id,
    trade.buyer_order_id, trade.seller_order_id, trade.buyer_is_maker,
    coalesce(amended.price_ticks, trade.price_ticks),
    coalesce(amended.quantity_lots, trade.quantity_lots),
    coalesce(amended.base_units, trade.base_units),
    coalesce(amended.quote_units, trade.quote_units),
    coalesce(amended.buyer_fee_units, trade.buyer_fee_units),
    coalesce(amended.seller_fee_units, trade.seller_fee_units), trade.sequence
FROM trades AS trade LEFT JOIN trade_amendments AS amended USING (instrument_id, trade_id)
WHERE instrument_id = $1 AND trade_id = $2 ORDER BY amended.amendments DESC LIMIT 1
"""


class StandingTrade(NamedTuple):
    """A trade after so many amendments; of no lots if it was busted."""

    amendments: int
    buyer_account_id: int
    seller_account_id: int
    buyer_order_id: int
    seller_order_id: int
    buyer_is_maker: bool
    price_ticks: int
    quantity_lots: int
    base_units: int
    quote_units: int
    buyer_fee_units: int
    seller_fee_units: int
    sequence: int
    """Its own record's, in the journal."""


class DeskStore:
    """A few connections of its own, so that neither settlement nor the desk waits for the other.

    Methods raise `ledger_store.POSTGRES_ERRORS`.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    @property
    def pool(self) -> asyncpg.Pool[asyncpg.Record]:
        """The connections, for what else the desk keeps."""
        return self._pool

    @classmethod
    async def connect(cls, postgres_url: str) -> Self:
        return cls(
            await asyncpg.create_pool(
                postgres_url,
                min_size=1,
                max_size=CONNECTIONS_MAX,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=STATEMENT_TIMEOUT_S,
                server_settings={"application_name": "agio ops"},
            )
        )

    def close(self) -> None:
        self._pool.terminate()

    async def position(self) -> Position:
        async with (
            self._pool.acquire(timeout=STATEMENT_TIMEOUT_S) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            settled_sequence = await connection.fetchval("SELECT settled_sequence FROM settled")
            return Position(settled_sequence, await read_listings(connection))

    async def create_account(self, name: str) -> Account | None:
        """Return a new account; None if there is one of this name."""
        async with (
            self._pool.acquire(timeout=STATEMENT_TIMEOUT_S) as connection,
            connection.transaction(),
        ):
            await connection.execute("LOCK TABLE accounts IN SHARE ROW EXCLUSIVE MODE")
            account_id = await connection.fetchval(INSERT_ACCOUNT, name)
        return Account(account_id, name) if account_id is not None else None

    async def accounts(self, name: str | None, after: int, limit: int) -> list[Account]:
        """Return customers' accounts behind number `after`, or the one called `name`."""
        rows = await self._pool.fetch(
            "SELECT account_id, name FROM accounts"
            " WHERE account_id > $2 AND ($1::text IS NULL OR name = $1)"
            " ORDER BY account_id LIMIT $3",
            name,
            after,
            limit,
        )
        return [Account(*row) for row in rows]

    async def account_exists(self, account_id: int) -> bool:
        query = "SELECT true FROM accounts WHERE account_id = $1"
        return await self._pool.fetchval(query, account_id) is not None

    async def balances(self, account_id: int) -> tuple[int, list[tuple[int, int]]]:
        """Return the settled sequence and, as of it, the account's units by asset id."""
        rows = await self._pool.fetch(
            "SELECT settled_sequence, asset_id, units FROM settled"
            " LEFT JOIN balances ON account_id = $1 ORDER BY asset_id",
            account_id,
        )
        return rows[0]["settled_sequence"], [
            (row["asset_id"], row["units"]) for row in rows if row["asset_id"] is not None
        ]

    async def trade(self, instrument_id: int, trade_id: int) -> StandingTrade | None:
        """Return a settled trade as its last amendment left it."""
        row = await self._pool.fetchrow(TRADE_AS_IT_STANDS, instrument_id, trade_id)
        return StandingTrade(*row) if row is not None else None

    async def add_key(self, key: Key, sealed_secret: bytes | None) -> None:
        """Keep a key, with its secret unless it is a public one."""
        await self._pool.execute(
            "INSERT INTO api_keys"
            " (api_key, account_id, label, permissions, sender_comp_ids, public_key, sealed_secret)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            *key,
            sealed_secret,
        )

    async def keys(self, account_id: int) -> list[Key]:
        """Return the account's keys that are not revoked."""
        rows = await self._pool.fetch(
            "SELECT api_key, account_id, label, permissions, sender_comp_ids, public_key"
            " FROM api_keys WHERE account_id = $1 AND revoked_at IS NULL"
            " ORDER BY created_at, api_key",
            account_id,
        )
        return [_key(row) for row in rows]

    async def key_and_sealed_secret(self, api_key: str) -> tuple[Key, bytes | None] | None:
        """Return a key; None if there is none, or it is revoked."""
        row = await self._pool.fetchrow(
            "SELECT api_key, account_id, label, permissions, sender_comp_ids, public_key,"
            " sealed_secret FROM api_keys WHERE api_key = $1 AND revoked_at IS NULL",
            api_key,
        )
        return (_key(row), row["sealed_secret"]) if row is not None else None

    async def any_sealed_secret(self) -> tuple[str, bytes] | None:
        """Return the newest API key and its sealed secret, to try the master key on."""
        row = await self._pool.fetchrow(
            "SELECT api_key, sealed_secret FROM api_keys WHERE sealed_secret IS NOT NULL"
            " ORDER BY created_at DESC LIMIT 1"
        )
        return (row["api_key"], row["sealed_secret"]) if row is not None else None

    async def revoke_key(self, api_key: str) -> bool:
        """Return whether there was such a key that was not revoked."""
        revoked = await self._pool.execute(
            "UPDATE api_keys SET revoked_at = now() WHERE api_key = $1 AND revoked_at IS NULL",
            api_key,
        )
        return revoked == "UPDATE 1"

    async def add_audit(self, actor: str, action: str, target: str, result: str) -> None:
        await self._pool.execute(
            "INSERT INTO audit (actor, action, target, result) VALUES ($1, $2, $3, $4)",
            actor,
            action,
            target,
            result,
        )


def _key(row: asyncpg.Record) -> Key:
    return Key(
        row["api_key"],
        row["account_id"],
        row["label"],
        tuple(row["permissions"]),
        tuple(row["sender_comp_ids"]),
        row["public_key"],
    )
