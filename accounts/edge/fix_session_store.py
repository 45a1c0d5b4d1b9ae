"""What the desk has laid down for FIX sessions, in Postgres."""

from __future__ import annotations

from typing import Any

import asyncpg

from accounts.edge.desk_store import STATEMENT_TIMEOUT_S

# Under a lock: a gateway that has seen a version must have seen all before it.
LOCK = "LOCK TABLE fix_sessions IN SHARE ROW EXCLUSIVE MODE"
NEXT_VERSION = "SELECT 1 + coalesce(max(version), 0) FROM fix_sessions"
WHICH = "service = $1 AND account_id = $2 AND sender_comp_id = $3"
SELECT = f"SELECT * FROM fix_sessions WHERE {WHICH}"  # noqa: S608 (of constants)

Key = tuple[str, int, str]
Row = asyncpg.Record


class FixSessionStore:
    """Rows of `fix_sessions`. Methods raise `ledger_store.POSTGRES_ERRORS`."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def make(self, key: Key, values: dict[str, Any]) -> Row | None:
        """Add a session, with columns that the desk names; None if there is one of this name."""
        return await self._write(f"{_insert(values)} ON CONFLICT DO NOTHING", key, values)

    async def change(self, key: Key, values: dict[str, Any]) -> Row | None:
        """Change columns of a session, which the desk names; None if there is none."""
        columns = "".join(f", {name} = ${at}" for at, name in enumerate(values, start=4))
        update = f"UPDATE fix_sessions SET version = ({NEXT_VERSION}){columns}"  # noqa: S608
        return await self._write(f"{update} WHERE {WHICH}", key, values)

    async def make_or_change(self, key: Key, values: dict[str, Any]) -> Row | None:
        """Change columns of a session, which is made if there is none."""
        columns = "".join(f", {name} = excluded.{name}" for name in values)
        other = f"DO UPDATE SET version = excluded.version{columns}"
        return await self._write(
            f"{_insert(values)} ON CONFLICT (service, account_id, sender_comp_id) {other}",
            key,
            values,
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

    async def _write(self, statement: str, key: Key, values: dict[str, Any]) -> Row | None:
        async with (
            self._pool.acquire(timeout=STATEMENT_TIMEOUT_S) as connection,
            connection.transaction(),
        ):
            await connection.execute(LOCK)
            return await connection.fetchrow(f"{statement} RETURNING *", *key, *values.values())


def _insert(values: dict[str, Any]) -> str:
    names = "".join(f", {name}" for name in values)
    places = "".join(f", ${at}" for at in range(4, 4 + len(values)))
    return (
        f"INSERT INTO fix_sessions (service, account_id, sender_comp_id, version{names})"  # noqa: S608
        f" VALUES ($1, $2, $3, ({NEXT_VERSION}){places})"
    )
