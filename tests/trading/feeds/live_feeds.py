"""A handler on a real venue, a subscriber to its events, and a flow of orders."""

from __future__ import annotations

import asyncio
import itertools
import random
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from matching.client import MatchingClient
from tests.gateway.edge.json_venue import JsonVenue
from tests.gateway.engine_room import BTCUSDT, OPS_SESSION
from trading import events as stream_events
from trading.credentials import Credentials
from trading.events import AnyEvent, BookChanged, BookReset, FeedLost
from trading.feeds.book import Book
from trading.feeds.edge.service import FeedsService
from vocabulary.commands import ChangePhase, Command
from vocabulary.types import TradingPhase

PATIENCE_S = 10.0
KEY: dict[str, Any] = {"credentials": Credentials("reader", "secret-of-reader")}
"""What a FIX source logs on with."""


class EventSubscriber:
    """A strategy's connection: what it got, checked to be without a hole."""

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self.error = ""
        self._writer: asyncio.StreamWriter
        self._task: asyncio.Task[None]

    async def open(self, port: int, first: int = 0, version: int = stream_events.VERSION) -> None:
        reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        request = msgspec.msgpack.encode({"version": version, "from": first})
        self._writer.write(struct.pack("<I", len(request)) + request)
        self._task = asyncio.create_task(self._read(reader))

    async def close(self) -> None:
        self._writer.close()
        await asyncio.wait({self._task})

    async def until_closed(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait({self._task})

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                (length,) = struct.unpack("<I", await reader.readexactly(4))
                payload = msgspec.msgpack.decode(await reader.readexactly(length))
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            if isinstance(payload, dict):
                self.error = payload["error"]
                continue
            for each in payload:
                event = stream_events.decode(msgspec.msgpack.encode(each))
                if self.events:
                    assert event.stream_sequence == self.events[-1].stream_sequence + 1
                self.events.append(event)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def books(self) -> dict[int, Any]:
        """Return the book as a strategy would have built it, at each update_id."""
        return books(self.events)


def books(events: list[AnyEvent]) -> dict[int, Any]:
    """Return bids and asks in ticks and lots, best first, after each update of the book."""
    book: Book | None = None
    found = {}
    for event in events:
        if isinstance(event, BookReset):
            book = Book(event.source_sequence, event.bids, event.asks)
        elif isinstance(event, FeedLost):
            book = None
        elif isinstance(event, BookChanged):
            assert book is not None, "a change of a book that is lost"
            book.bids.apply(event.bids)
            book.asks.apply(event.asks)
            book.update_id = event.source_sequence
        if book is not None:
            found[book.update_id] = (book.bids.levels(), book.asks.levels())
    return found


async def depth_of(venue: JsonVenue) -> tuple[int, Any]:
    """Return the venue's REST depth: its update_id, and levels in ticks and lots."""
    depth = await venue.get("depth", symbol="BTCUSDT", limit=5000)
    instrument = venue.gateway.catalogue.instrument_by_symbol["BTCUSDT"]
    sides = [
        tuple(
            stream_events.Level(instrument.price_ticks(price), instrument.quantity_lots(quantity))
            for price, quantity in depth[side]
        )
        for side in ("bids", "asks")
    ]
    return depth["lastUpdateId"], tuple(sides)


class Flow:
    """Alice and Bob, who place, cross and cancel orders around 100."""

    def __init__(self, venue: JsonVenue, seed: int = 7) -> None:
        self._venue = venue
        self._chance = random.Random(seed)
        self._name = f"flow-{seed}"
        self._ids = itertools.count(1)
        self._open: list[tuple[str, str]] = []

    async def run(self, orders: int) -> None:
        for _ in range(orders):
            await self._step()

    async def _step(self) -> None:
        if self._open and self._chance.random() < 0.3:
            key, order_id = self._open.pop(self._chance.randrange(len(self._open)))
            # It may have been filled meanwhile.
            await self._venue.signed(
                "DELETE", "order", key, symbol="BTCUSDT", origClientOrderId=order_id
            )
            return
        key = self._chance.choice(("alice", "bob"))
        is_buy = self._chance.random() < 0.5
        order_id = f"{self._name}-{next(self._ids)}"
        away = self._chance.randint(-60, 80)
        await self._venue.place(
            key,
            side="BUY" if is_buy else "SELL",
            price=f"{100 + (-away if is_buy else away) / 100:.2f}",
            quantity=f"0.{self._chance.randint(100, 199)}",
            newClientOrderId=order_id,
        )
        self._open.append((key, order_id))


async def change_phase(venue: JsonVenue, number: int, phase: TradingPhase) -> None:
    """Let BTCUSDT come to a phase, as the desk does; numbers rise from call to call."""
    await do_at_desk(venue, ChangePhase(OPS_SESSION, 1_000 + number, BTCUSDT, phase))


async def do_at_desk(venue: JsonVenue, command: Command) -> None:
    """Submit a command as the desk does."""
    client = MatchingClient(
        venue.matching_address, "ops", from_sequence=None, on_records=lambda _records: None
    )
    await client.start()
    client.submit(command)
    await client.funds()
    await client.stop()


def source_url(venue: JsonVenue, websocket_url: str = "") -> str:
    return f"{websocket_url or venue.websocket_url}?rest={venue.rest_url}"


def fix_url(venue: JsonVenue, port: int = 0, scheme: str = "fix") -> str:
    return f"{scheme}://127.0.0.1:{port or venue.gateway.fix.market_data.port}?sender=FIRM"


@asynccontextmanager
async def feeds(
    directory: Path, redis_url: str, *sources: str, ready: bool = True, **more: Any
) -> AsyncIterator[FeedsService]:
    service = FeedsService(
        sources=sources,
        symbols=["BTCUSDT"],
        queue_url=redis_url,
        host="127.0.0.1",
        port=0,
        reports_port=0,
        data_directory=directory / "feeds",
        **more,
    )
    await service.start()
    try:
        if ready:
            await eventually(lambda: service.health()["ready"] is True)
        yield service
    finally:
        await service.stop()


@asynccontextmanager
async def subscribed(service: FeedsService, first: int = 1) -> AsyncIterator[EventSubscriber]:
    subscriber = EventSubscriber()
    await subscriber.open(service.port, first)
    try:
        yield subscriber
    finally:
        await subscriber.close()


async def eventually(condition: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)


async def check_against(venue: JsonVenue, subscriber: EventSubscriber, seed: int = 2) -> None:
    """Let orders flow, and compare the book with the venue's at each depth that we see."""
    orders = Flow(venue, seed)
    seen = []
    for _ in range(8):  # however fast the venue is, at least so many depths
        flow = asyncio.create_task(orders.run(25))
        while not flow.done():
            seen.append(await depth_of(venue))
            await asyncio.sleep(0.01)
        await flow
        await asyncio.sleep(0.11)  # so that one of the stream's updates, one in 100 ms, ends here
        seen.append(await depth_of(venue))
    await eventually(lambda: seen[-1][0] in subscriber.books())
    built = subscriber.books()
    common = [update_id for update_id, _ in seen if update_id in built]
    assert len(common) > 3
    for update_id, levels in seen:
        assert built.get(update_id, levels) == levels, update_id


def count(service: FeedsService, name: str) -> int:
    value = service.health()[name]
    assert isinstance(value, int)
    return value
