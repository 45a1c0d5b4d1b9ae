"""What a patient reader gets, beside one that is told at once: the same records, more at a time."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from matching.client import EventReader
from matching.edge import connection
from tests.matching.samples import order
from tests.matching.venue import Reader, Venue, list_market, until
from vocabulary import events as e
from vocabulary.excerpt import Excerpt

PATIENCE_MS = 200


@asynccontextmanager
async def patient(
    venue: Venue, from_sequence: int, on_records: Callable[[list[Excerpt]], None]
) -> AsyncIterator[EventReader]:
    reader = EventReader(
        venue.address,
        "patient",
        from_sequence=from_sequence,
        event_types={e.TradeExecuted},
        on_records=on_records,
        patience_ms=PATIENCE_MS,
    )
    await reader.start()
    yield reader
    await reader.stop()


async def trade(trader: Reader, first: int, last: int) -> None:
    """Send orders one at a time, each once the one before is acknowledged."""
    for number in range(first, last + 1):
        trader.client.submit(order(7, number))
        await trader.wait_for(7 + number)


async def test_a_patient_reader_gets_in_one_piece_what_others_get_one_by_one(
    venue: Venue,
) -> None:
    trader = await venue.reader()
    list_market(trader)
    await trader.wait_for(7)
    pieces: list[list[int]] = []

    async with patient(
        venue, 8, lambda records: pieces.append([record.sequence for record in records])
    ) as reader:
        await until(lambda: venue.live_readers == 2)
        started = time.monotonic()
        await trade(trader, 1, 20)
        took = time.monotonic() - started
        await until(lambda: reader.last_sequence == 27)
        waited = time.monotonic() - started
        assert waited < PATIENCE_MS / 1_000 + took + 1
        assert [sequence for piece in pieces for sequence in piece] == list(range(8, 28))
        assert trader.calls >= 20
        assert len(pieces) <= 1 + took / (PATIENCE_MS / 1_000)

        trader.client.submit(order(7, 21))
        # What asks is answered at once, behind the records before.
        assert (await reader.funds()).sequence == reader.last_sequence


async def test_what_gathers_is_bounded(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "GATHERED_BYTES_MAX", 1_000)
    trader = await venue.reader()
    list_market(trader)
    await trader.wait_for(7)
    pieces: list[int] = []

    async with patient(venue, 8, lambda records: pieces.append(len(records))) as reader:
        await until(lambda: venue.live_readers == 2)
        await trade(trader, 1, 100)
        await until(lambda: reader.last_sequence == 107)
    assert len(pieces) > 5


async def test_patient_readers_lose_nothing_wherever_they_begin_and_break_off(
    venue: Venue,
) -> None:
    trader = await venue.reader()
    list_market(trader)
    await trader.wait_for(7)
    seen: dict[int, list[int]] = {}

    async def follow(start: int) -> None:
        seen[start] = []

        def take(records: list[Excerpt]) -> None:
            seen[start].extend(record.sequence for record in records)

        async with patient(venue, start, take) as reader:
            while reader.last_sequence < 1_507:
                await asyncio.sleep(0.02 * (1 + start % 5))
                if trader.client.last_sequence < 1_507:
                    assert reader._transport is not None
                    reader._transport.abort()
                    await until(lambda: not reader.connected)
                    await until(lambda: reader.connected)

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for start in range(1, 8):
            group.create_task(follow(start))
        await trade(trader, 1, 1_500)
    assert seen == {start: list(range(start, 1_508)) for start in range(1, 8)}
