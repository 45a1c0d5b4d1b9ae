"""A real matching server, a client that trades on it, and a Postgres that may be stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from agio import child_process
from agio.embedded_postgres import EmbeddedPostgres
from matching.client import MatchingClient
from matching.edge.server import MatchingServer
from tests.accounts.edge.desk_client import DeskClient, list_and_open_accounts, open_desk
from vocabulary import commands as c
from vocabulary.codec import Record


class Trader:
    """Sends commands and waits for their records."""

    def __init__(self, address: str) -> None:
        self._client = MatchingClient(
            address, "trader", from_sequence=None, on_records=self._on_records
        )
        self._missing: set[tuple[int, int]] = set()
        self._complete = asyncio.Event()
        self._records: list[Record] = []

    async def start(self) -> None:
        await self._client.start()

    async def stop(self) -> None:
        await self._client.stop()

    async def send(self, commands: Sequence[c.Command]) -> list[Record]:
        """Send commands; return their records."""
        self._missing = {(command.session_id, command.session_number) for command in commands}
        self._complete.clear()
        self._records.clear()
        for command in commands:
            self._client.submit(command)
        await asyncio.wait_for(self._complete.wait(), 30)
        return list(self._records)

    async def head_sequence(self) -> int:
        return (await self._client.funds()).sequence

    def _on_records(self, records: list[Record]) -> None:
        for record in records:
            self._missing.discard((record.command.session_id, record.command.session_number))
            self._records.append(record)
        if not self._missing:
            self._complete.set()


@pytest.fixture
async def matching(tmp_path: Path) -> AsyncIterator[MatchingServer]:
    server = MatchingServer(
        journal_directory=tmp_path / "journal",
        address="tcp://127.0.0.1:0",
        mode="os",
        segment_bytes=1 << 20,
    )
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def trader(matching: MatchingServer) -> AsyncIterator[Trader]:
    trader = Trader(matching.address)
    await trader.start()
    yield trader
    await trader.stop()


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """Give a server of the test's own, which keeps its port when it is stopped and started."""
    port = str(child_process.free_port())
    with EmbeddedPostgres(tmp_path / "postgres", "test-password", {"port": port}) as server:
        server.port = int(port)
        yield server


@pytest.fixture
async def desk(matching: MatchingServer, postgres_url: str) -> AsyncIterator[DeskClient]:
    async with open_desk(matching.address, postgres_url) as desk:
        await desk.until_ready()
        await list_and_open_accounts(desk)
        yield desk
