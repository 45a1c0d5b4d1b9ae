"""How the ops desk announces maintenance, and ends it. One at a time."""

from __future__ import annotations

import time

import asyncpg

from accounts.maintenance_api import AnnouncedReply, AnnounceMaintenance, MaintenanceReply
from accounts.ops_api import OpsError

INSERT = "INSERT INTO maintenances (at_ns, text) VALUES ($1, $2) ON CONFLICT DO NOTHING"
END = "UPDATE maintenances SET ended_at = now() WHERE ended_at IS NULL"
OPEN = "SELECT at_ns, text FROM maintenances WHERE ended_at IS NULL"
SECOND_NS = 1_000_000_000


class MaintenanceDesk:
    """Gateways hear of it with the rules of FIX sessions. Methods raise `POSTGRES_ERRORS`."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def announce_maintenance(self, body: AnnounceMaintenance) -> MaintenanceReply:
        """Announce a maintenance: clients are told, then logged out, and kept out until it ends."""
        at_ns = time.time_ns() + body.in_s * SECOND_NS
        if await self._pool.execute(INSERT, at_ns, body.text) != "INSERT 0 1":
            raise OpsError(409, "maintenance_announced", "one is announced: end it first")
        return await self.show_maintenance()

    async def end_maintenance(self) -> MaintenanceReply:
        """End the maintenance, or take its announcement back: clients may log on."""
        if await self._pool.execute(END) != "UPDATE 1":
            raise OpsError(404, "no_maintenance", "no maintenance is announced")
        return await self.show_maintenance()

    async def show_maintenance(self) -> MaintenanceReply:
        """Show which maintenance is announced, or going on."""
        row = await self._pool.fetchrow(OPEN)
        announced = AnnouncedReply.model_validate(dict(row)) if row is not None else None
        return MaintenanceReply(maintenance=announced)
