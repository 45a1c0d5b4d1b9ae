"""A matching server on a real socket, and clients that note what they are told."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from matching import link
from matching.client import MatchingClient, Refusal
from matching.edge.journal import Mode
from matching.edge.server import MatchingServer
from tests.matching.samples import listing
from vocabulary.codec import Record


class Reader:
    """A client and everything that it was told."""

    def __init__(self, address: str, from_sequence: int | None = 1, name: str = "test") -> None:
        self.records: list[Record] = []
        self.calls = 0
        self.repeated: list[Record] = []
        self.refused: list[Refusal] = []
        self.caught_up = asyncio.Event()
        self._wanted = 0
        self._arrived = asyncio.Event()
        self.client = MatchingClient(
            address,
            name,
            from_sequence=from_sequence,
            on_records=self._on_records,
            on_caught_up=self.caught_up.set,
            on_repeated=self.repeated.extend,
            on_refused=self.refused.append,
        )

    def _on_records(self, records: list[Record]) -> None:
        self.calls += 1
        self.records += records
        if len(self.records) >= self._wanted:
            self._arrived.set()

    async def wait_for(self, count: int) -> list[Record]:
        """Return the records once so many have come."""
        self._wanted = count
        self._arrived.clear()
        if len(self.records) < count:
            async with asyncio.timeout(20):
                await self._arrived.wait()
        return self.records

    @property
    def sequences(self) -> list[int]:
        return [record.sequence for record in self.records]


class Venue:
    """Starts and stops servers on one journal, and the readers that use them."""

    def __init__(self, directory: Path, transport: str) -> None:
        self.journal = directory / "journal"
        self.mode: Mode = "os"
        self.address = f"unix://{directory}/m.sock"
        if transport == "tcp":
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
        self.failures: list[BaseException] = []
        self.server: MatchingServer | None = None
        self._readers: list[Reader] = []

    async def start(
        self,
        reader_buffer_bytes_max: int = 16 << 20,
        snapshot_command: Sequence[str] | None = None,
        snapshot_records: int = 100,
        archive_url: str | None = None,
        archive_key_file: Path | None = None,
    ) -> MatchingServer:
        self.server = MatchingServer(
            journal_directory=self.journal,
            address=self.address,
            mode=self.mode,
            segment_bytes=100_000,
            reader_buffer_bytes_max=reader_buffer_bytes_max,
            snapshot_command=snapshot_command,
            snapshot_records=snapshot_records,
            archive_url=archive_url,
            archive_key_file=archive_key_file,
            on_failure=self.failures.append,
        )
        await self.server.start()
        return self.server

    @property
    def live_readers(self) -> int:
        assert self.server is not None
        return cast("int", self.server.health()["live_readers"])

    async def stop(self) -> None:
        if self.server is not None:
            await self.server.stop()

    async def reader(self, from_sequence: int | None = 1, name: str = "test") -> Reader:
        reader = Reader(self.address, from_sequence, name)
        await reader.client.start()
        self._readers.append(reader)
        return reader

    async def close(self) -> None:
        for reader in self._readers:
            await reader.client.stop()
        await self.stop()


def list_market(reader: Reader) -> None:
    for command in listing():
        reader.client.submit(command)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def connect(venue: Venue) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    address = link.parse_address(venue.address)
    if isinstance(address, link.UnixAddress):
        return await asyncio.open_unix_connection(address.path)
    return await asyncio.open_connection(*address)
