"""The archive's service, before a real matching server, on a directory and on moto's S3."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest

from marketdata.archive_manifest import MANIFESTS, ROOT, STATE_KEY
from marketdata.edge.archive import ArchiveService
from marketdata.edge.archive_reader import cuts, days, verify
from objects.store import open_store
from tests.marketdata.live_venue import LiveVenue, eventually
from tests.marketdata.stored_trades import expected_trades, matching_alone, trade_at_random


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[LiveVenue]:
    async with matching_alone(tmp_path) as running:
        yield running


def service(venue: LiveVenue, url: str, flush_seconds: float = 0.05) -> ArchiveService:
    return ArchiveService(
        matching_address=venue.address,
        store_url=url,
        flush_seconds=flush_seconds,
        flush_events=1000,
    )


async def archive_all(venue: LiveVenue, url: str) -> None:
    """Let a service run until everything is in."""
    archive = service(venue, url)
    await archive.start()
    await eventually(lambda: archive.health()["sequence"] == len(venue.records), 30)
    assert archive.health()["ready"] is True
    assert archive.health()["lag_records"] == 0
    await archive.stop()


async def test_restarts_go_on_in_the_archive(venue: LiveVenue, store_url: str) -> None:
    for seed in range(3):
        trade_at_random(venue, 50, seed)
        await venue.carry_out()
        await archive_all(venue, store_url)
    found = verify(open_store(store_url))
    assert found.problems == []
    assert (found.first_sequence, found.through_sequence) == (1, len(venue.records))
    assert found.rows["trade"] == len(expected_trades(venue.records))
    assert found.rows["event"] == sum(len(record.events) for record in venue.records)
    [market, rest] = days(cuts(open_store(store_url)))
    assert (market.symbol, rest.symbol) == ("BTCUSDT", "_")


async def test_others_read_it_as_it_is(venue: LiveVenue, tmp_path: Path) -> None:
    for seed in range(2):
        trade_at_random(venue, 60, seed)
        await venue.carry_out()
        await archive_all(venue, (tmp_path / "store").as_uri())
    expected = [
        (each.trade_id, each.symbol, each.price, each.sequence)
        for each in expected_trades(venue.records)
    ]
    files = tmp_path / "store" / ROOT / "**/type=trade/*.parquet"
    query = "SELECT trade_id, symbol, price, sequence FROM read_parquet(?) ORDER BY trade_id"
    found = duckdb.execute(query, [str(files)]).fetchall()
    assert [(i, s, f"{p:.4f}", q) for i, s, p, q in found] == expected

    frame = pl.read_parquet(files, hive_partitioning=True).sort("trade_id")
    rows = frame.select("trade_id", "symbol", "price", "sequence").rows()
    assert [(i, s, f"{p:.4f}", q) for i, s, p, q in rows] == expected

    paths = [str(path) for path in (tmp_path / "store" / ROOT).glob("**/type=trade/*.parquet")]
    table = pd.read_parquet(paths).sort_values("trade_id")
    assert list(table["trade_id"]) == [row[0] for row in expected]
    assert {f"{price:.4f}" for price in table["price"]} == {row[2] for row in expected}

    detail = "SELECT count(*) FROM read_parquet(?) WHERE detail->>'trade_id' IS NOT NULL"
    events = tmp_path / "store" / ROOT / "**/type=event/*.parquet"
    assert duckdb.execute(detail, [str(events)]).fetchone() == (len(expected),)


async def test_nothing_is_cut_before_it_is_due(venue: LiveVenue, tmp_path: Path) -> None:
    url = (tmp_path / "store").as_uri()
    archive = service(venue, url, flush_seconds=60)
    await archive.start()
    await eventually(lambda: archive.health()["lag_records"] == len(venue.records))
    assert cuts(open_store(url)) == []
    for seed in range(8):
        trade_at_random(venue, 100, seed)
    await venue.carry_out()
    await eventually(lambda: len(cuts(open_store(url))) == 1)  # a thousand events are enough
    await archive.stop()


async def test_a_state_that_nobody_can_read_is_not_written_over(
    venue: LiveVenue, store_url: str
) -> None:
    store = open_store(store_url)
    store.put(STATE_KEY, b'{"version": 9}')
    archive = service(venue, store_url)
    await archive.start()
    await eventually(lambda: archive.health()["failed"] is True)
    assert "version 9" in str(archive.health()["failure"])
    await archive.stop()
    stored = store.get(STATE_KEY)
    assert stored is not None
    assert stored.data == b'{"version": 9}'


async def test_who_was_there_before_stops(venue: LiveVenue, store_url: str) -> None:
    first = service(venue, store_url)
    await first.start()
    await eventually(lambda: first.health()["sequence"] == len(venue.records))
    trade_at_random(venue, 20, seed=1)
    await venue.carry_out()
    await archive_all(venue, store_url)
    trade_at_random(venue, 20, seed=2)
    await venue.carry_out()
    await eventually(lambda: "ConflictError" in str(first.health()["failure"]))
    await first.stop()
    await archive_all(venue, store_url)
    assert verify(open_store(store_url)).problems == []


@pytest.mark.parametrize("harm", ["changed", "lost", "stranger", "no manifest"])
async def test_verification_tells_what_is_wrong(
    venue: LiveVenue, tmp_path: Path, harm: str
) -> None:
    for seed in range(3):
        trade_at_random(venue, 40, seed)
        await venue.carry_out()
        await archive_all(venue, (tmp_path / "store").as_uri())
    store = open_store((tmp_path / "store").as_uri())
    parts = sorted(key for key in store.keys(ROOT) if "/type=trade/" in key)
    manifests = sorted(store.keys(MANIFESTS))
    if harm == "changed":
        stored = store.get(parts[1])
        assert stored is not None
        store.put(parts[1], stored.data[:-9] + b"x" + stored.data[-8:])
        expected = f"{parts[1]}: its SHA-256 is not the manifest's"
    elif harm == "lost":
        store.delete(parts[1])
        expected = f"{parts[1]}: is not there"
    elif harm == "stranger":
        store.put(parts[1] + ".old", b"")
        expected = f"{parts[1]}.old: no manifest names it"
    else:
        store.delete(manifests[1])
        expected = "are in no cut"
    assert any(expected in problem for problem in verify(store).problems)
