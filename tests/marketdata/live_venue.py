"""A real matching process's server, its journal and a publisher, all in the test's event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from marketdata.edge.publisher import MarketDataPublisher
from matching.client import MatchingClient
from matching.edge.server import MatchingServer
from tests.marketdata.scripted_venue import ScriptedVenue
from vocabulary.codec import Record
from vocabulary.events import TradeExecuted


class LiveVenue:
    """Carries out what a `ScriptedVenue` is told, for real. `records` are the journal's."""

    def __init__(self, directory: Path, redis_url: str) -> None:
        self.script = ScriptedVenue()
        self.records: list[Record] = []
        self.redis_url = redis_url
        self.address = f"unix://{directory / 'matching'}"
        self.server = self.new_server(directory)
        self.trader = MatchingClient(
            self.address, "trader", from_sequence=1, on_records=self.records.extend
        )
        self.publisher = self.new_publisher()
        self._directory = directory
        self._submitted = 0

    def new_server(self, directory: Path) -> MatchingServer:
        return MatchingServer(
            journal_directory=directory / "journal",
            address=self.address,
            mode="os",
            segment_bytes=1 << 20,
        )

    def new_publisher(self) -> MarketDataPublisher:
        return MarketDataPublisher(matching_address=self.address, redis_url=self.redis_url)

    async def carry_out(self) -> None:
        """Submit what the script holds by now, and wait until it is done."""
        for record in self.script.records[self._submitted :]:
            self.trader.submit(record.command)
        self._submitted = len(self.script.records)
        await eventually(lambda: len(self.records) == self._submitted)

    async def restart_publisher(self) -> None:
        await self.publisher.stop()
        self.publisher = self.new_publisher()
        await self.publisher.start()

    async def restart_server(self) -> None:
        await self.server.stop()
        self.server = self.new_server(self._directory)
        await self.server.start()

    def trades(self) -> list[TradeExecuted]:
        events = (event for record in self.records for event in record.events)
        return [event for event in events if isinstance(event, TradeExecuted)]


@asynccontextmanager
async def live_venue(directory: Path, redis_url: str) -> AsyncIterator[LiveVenue]:
    venue = LiveVenue(directory, redis_url)
    await venue.server.start()
    await venue.trader.start()
    await venue.carry_out()
    await venue.publisher.start()
    try:
        yield venue
    finally:
        await venue.publisher.stop()
        await venue.trader.stop()
        await venue.server.stop()


async def eventually(condition: Callable[[], bool], timeout_s: float = 15.0) -> float:
    """Wait until the condition holds; return how many seconds that took."""
    began_s = time.monotonic()
    while not condition():
        assert time.monotonic() - began_s < timeout_s, "it never came to be"
        await asyncio.sleep(0.005)
    return time.monotonic() - began_s
