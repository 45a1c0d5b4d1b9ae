"""What the desk has laid down for FIX sessions, in Postgres."""

from __future__ import annotations

from typing import Any

import asyncpg

from accounts.edge.desk_store import STATEMENT_TIMEOUT_S

# Under a lock: a gateway that has seen a version must have seen all before it.
LOCK = "LOCK TABLE fix_sessions IN SHARE ROW EXCLUSIVE MODE"
NEXT_VERSION = "SELECT 1 + coalesce(max(version), 0) FROM fix_sessions"
WHICH = "service = $1 AND account_id = $2 AND sender_comp_id = $3"
INSERT = f"""
INSERT INTO fix_sessions (service, account_id, sender_comp_id, version)
VALUES ($1, $2, $3, ({NEXT_VERSION})) ON CONFLICT DO NOTHING
"""  # noqa: S608 (of constants)
SELECT = f"SELECT * FROM fix_sessions WHERE {WHICH}"  # noqa: S608 (of constants)

Key = tuple[str, int, str]
Row = asyncpg.Record


class FixSessionStore:
    """Rows of `fix_sessions`. Methods raise `ledger_store.POSTGRES_ERRORS`."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def make(self, key: Key) -> bool:
        """Add a session without settings; return whether there was none of this name."""
        async with (
            self._pool.acquire(timeout=STATEMENT_TIMEOUT_S) as connection,
            connection.transaction(),
        ):
            await connection.execute(LOCK)
            made = await connection.execute(INSERT, *key)
        return bool(made == "INSERT 0 1")

    async def change(self, key: Key, values: dict[str, Any]) -> Row | None:
        """Change columns of a session, which the desk names; None if there is none."""
        columns = "".join(f", {name} = ${at}" for at, name in enumerate(values, start=4))
        async with (
            self._pool.acquire(timeout=STATEMENT_TIMEOUT_S) as connection,
            connection.transaction(),
        ):
            await connection.execute(LOCK)
            update = f"UPDATE fix_sessions SET version = ({NEXT_VERSION}){columns}"  # noqa: S608
            return await connection.fetchrow(
                f"{update} WHERE {WHICH} RETURNING *", *key, *values.values()
            )

    async def session(self, key: Key) -> Row | None:
        return await self._pool.fetchrow(SELECT, *key)

    async def changed_since(self, version: int) -> list[Row]:
        """Return the sessions changed after a version, the newest last."""
        query = "SELECT * FROM fix_sessions WHERE version > $1 ORDER BY version"
        return await self._pool.fetch(query, version)

    async def version(self) -> int:
        query = "SELECT coalesce(max(version), 0) FROM fix_sessions"
        return int(await self._pool.fetchval(query))
