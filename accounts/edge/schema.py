"""Brings the database's schema up to date when the service starts."""

from __future__ import annotations

from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import accounts.migrations

# Any number of our own: whoever holds the advisory lock of this number migrates.
MIGRATION_LOCK = 0x6167696F


async def migrate(postgres_url: str) -> None:
    """Apply the migrations that the database lacks, all or none; others who start meanwhile wait.

    Raises what asyncpg and alembic raise.
    """
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(postgres_url, timeout=5),
        poolclass=NullPool,
    )
    try:
        async with engine.begin() as connection:
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(accounts.migrations.__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
