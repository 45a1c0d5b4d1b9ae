from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import asyncpg
import pytest

from accounts.edge.schema import migrate

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[Connection]:
    """Give a connection to a database with the schema and a row in each append-only table."""
    await migrate(postgres_url)
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("INSERT INTO entries VALUES (1, 0, 0, 11, 1, 5)")
    await connection.execute(
        "INSERT INTO trades VALUES (1, 1, 1, 0, 0, 1, 1, 1, 1, 11, 12, 1, 2, 0, 0, true)"
    )
    await connection.execute(
        "INSERT INTO audit (actor, action, target, result) VALUES ('ops', 'a', '/', '200')"
    )
    yield connection
    await connection.close()


async def test_migrating_again_changes_nothing(postgres_url: str, connection: Connection) -> None:
    await migrate(postgres_url)
    assert await connection.fetchval("SELECT count(*) FROM entries") == 1


async def test_services_that_start_together_migrate_once(postgres_url: str) -> None:
    await asyncio.gather(*(migrate(postgres_url) for _ in range(5)))
    connection = await asyncpg.connect(postgres_url)
    assert await connection.fetchval("SELECT count(*) FROM settled") == 1
    await connection.close()


CHANGES = (
    "UPDATE {table} SET {column} = {column}",
    "UPDATE {table} SET {column} = {column} WHERE false",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
)


async def test_append_only_tables_refuse_any_change(connection: Connection) -> None:
    for table, column in (("entries", "units"), ("trades", "price_ticks"), ("audit", "result")):
        before = await connection.fetch(f"SELECT * FROM {table}")
        for change in CHANGES:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match=f"{table} is append-only"):
                await connection.execute(change.format(table=table, column=column))
        assert await connection.fetch(f"SELECT * FROM {table}") == before


async def test_customers_balance_can_not_go_below_zero(connection: Connection) -> None:
    await connection.execute("INSERT INTO balances VALUES (-1, 1, -5)")
    for account_id in (0, 11):
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(f"INSERT INTO balances VALUES ({account_id}, 1, -1)")


async def test_the_venues_own_accounts_are_there_under_reserved_names(
    connection: Connection,
) -> None:
    rows = await connection.fetch("SELECT account_id, name FROM accounts ORDER BY account_id")
    assert [tuple(row) for row in rows] == [(-1, "custody"), (0, "fees")]
