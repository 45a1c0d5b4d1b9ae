"""Settlement between a real matching server and a real Postgres, both of which come and go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import asyncpg
import pytest

from accounts.edge import settler
from accounts.edge.schema import migrate
from accounts.edge.settler import Settler
from accounts.listings import Listings
from agio.embedded_postgres import EmbeddedPostgres
from matching.edge import record_stream
from matching.edge.server import MatchingServer
from tests.accounts.edge.conftest import Trader
from tests.accounts.engine_journal import listings_and_credits, orders

TRADES_IN_ENTRIES = "SELECT count(DISTINCT (sequence, event_index)) FROM entries"
TRADES = "SELECT count(*) FROM trades"
CREDITS = 12  # by listings_and_credits(4)


@asynccontextmanager
async def settling(address: str, postgres_url: str) -> AsyncIterator[Settler]:
    settler = Settler(
        matching_address=address,
        postgres_url=postgres_url,
        listings=Listings(),
        reconcile_interval_s=0.2,
    )
    task = asyncio.create_task(settler.run())
    try:
        yield settler
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool], what: str, timeout_s: float = 20) -> None:
    deadline = monotonic() + timeout_s
    while not condition():
        assert monotonic() < deadline, what
        await asyncio.sleep(0.01)


async def fetchval(postgres_url: str, query: str) -> int:
    connection = await asyncpg.connect(postgres_url)
    try:
        value: int = await connection.fetchval(query)
    finally:
        await connection.close()
    return value


async def assert_settled_once(settler: Settler, trader: Trader, postgres_url: str) -> None:
    """I3: settlement is at the journal's end, agrees with the engine, has every trade once."""
    head_sequence = await trader.head_sequence()
    result = await asyncio.wait_for(settler.reconcile(), 20)
    assert result.sequence == head_sequence == settler.settled_sequence
    assert result.agrees, result
    trades = await fetchval(postgres_url, TRADES)
    assert trades > 0
    assert await fetchval(postgres_url, TRADES_IN_ENTRIES) == trades + CREDITS


async def test_settles_what_was_traded_before_and_after_it_started(
    matching: MatchingServer, trader: Trader, postgres_url: str
) -> None:
    await migrate(postgres_url)
    await trader.send([*listings_and_credits(4), *orders(1, 300)])
    async with settling(matching.address, postgres_url) as settler:
        await assert_settled_once(settler, trader, postgres_url)
        await trader.send(orders(2, 300))
        await assert_settled_once(settler, trader, postgres_url)
        assert settler.head_sequence == settler.settled_sequence


async def test_goes_on_where_the_ledger_stands_after_a_restart(
    matching: MatchingServer, trader: Trader, postgres_url: str
) -> None:
    await migrate(postgres_url)
    await trader.send(listings_and_credits(4))
    for seed in range(1, 6):
        await trader.send(orders(seed, 100))
        async with settling(matching.address, postgres_url) as settler:
            await assert_settled_once(settler, trader, postgres_url)


async def test_postgres_away_under_load_delays_settlement_and_loses_nothing(
    matching: MatchingServer, trader: Trader, own_postgres: EmbeddedPostgres
) -> None:
    """F11: trading goes on; what it did meanwhile is settled once when Postgres is back."""
    url = own_postgres.url()
    await migrate(url)
    async with settling(matching.address, url) as settler:
        await trader.send([*listings_and_credits(4), *orders(1, 200)])
        await assert_settled_once(settler, trader, url)
        settled_before = settler.settled_sequence

        own_postgres.stop()
        for seed in range(2, 8):
            await trader.send(orders(seed, 200))
            await asyncio.sleep(0.2)
        assert not settler.is_running
        assert "Connect" in settler.last_error
        assert settler.settled_sequence == settled_before

        own_postgres.start()
        await assert_settled_once(settler, trader, url)
        assert settler.is_running


async def test_a_comparison_that_postgres_broke_is_made_when_it_is_back(
    matching: MatchingServer, trader: Trader, own_postgres: EmbeddedPostgres
) -> None:
    await migrate(own_postgres.url())
    await trader.send([*listings_and_credits(4), *orders(1, 100)])
    async with settling(matching.address, own_postgres.url()) as running:
        await asyncio.wait_for(running.reconcile(), 20)
        own_postgres.stop()
        asked = asyncio.create_task(running.reconcile())
        await until(lambda: not running.is_running, "Postgres is missed")
        own_postgres.start()
        assert (await asyncio.wait_for(asked, 20)).agrees


async def test_who_gives_up_asking_is_forgotten_while_matching_is_away(postgres_url: str) -> None:
    await migrate(postgres_url)
    async with settling("tcp://127.0.0.1:1", postgres_url) as running:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(running.reconcile(), 0.01)
        assert running.asked == 0


async def test_killed_database_sessions_under_load_settle_everything_once(
    matching: MatchingServer, trader: Trader, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settler, "BATCH_RECORDS_MAX", 7)  # many transactions to be hit in
    monkeypatch.setattr(settler, "RETRY_PAUSE_S_MIN", 0.001)
    monkeypatch.setattr(settler, "RETRY_PAUSE_S_MAX", 0.001)
    await migrate(postgres_url)
    await trader.send(listings_and_credits(4))
    killer = await asyncpg.connect(postgres_url)
    async with settling(matching.address, postgres_url) as running:
        await until(lambda: running.is_running, "settlement runs")
        killed = 0
        for seed in range(1, 31):
            await trader.send(orders(seed, 40))
            await asyncio.sleep(0.002 * (seed % 7))
            killed += await killer.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE application_name = 'agio settlement'"
            )
        assert killed >= 10
        await assert_settled_once(running, trader, postgres_url)
    await killer.close()


async def test_reader_that_falls_behind_holds_a_bounded_number_of_records(
    matching: MatchingServer, trader: Trader, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I9: it closes the stream, and opens it again behind what it holds."""
    monkeypatch.setattr(record_stream, "RECORDS_MAX", 100)
    monkeypatch.setattr(settler, "BATCH_RECORDS_MAX", 30)
    opened = []
    original = record_stream.RecordStream.open

    async def count_open(stream: record_stream.RecordStream) -> None:
        opened.append(stream)
        await original(stream)

    monkeypatch.setattr(record_stream.RecordStream, "open", count_open)
    await migrate(postgres_url)
    await trader.send(listings_and_credits(4))
    for seed in range(1, 4):
        await trader.send(orders(seed, 2000))
    async with settling(matching.address, postgres_url) as running:
        await assert_settled_once(running, trader, postgres_url)
    assert len(opened) > 1
    assert len(set(opened)) == 1, "without starting anew"


async def test_tampered_balance_is_noticed(
    matching: MatchingServer, trader: Trader, postgres_url: str
) -> None:
    """F32: within one interval, without anyone asking."""
    await migrate(postgres_url)
    await trader.send([*listings_and_credits(4), *orders(1, 100)])
    async with settling(matching.address, postgres_url) as running:
        await assert_settled_once(running, trader, postgres_url)
        await fetchval(
            postgres_url,
            "UPDATE balances SET units = units + 1 WHERE (account_id, asset_id) = (2, 1)"
            " RETURNING units",
        )
        await until(
            lambda: not (running.last_trial_balance and running.last_trial_balance.agrees),
            "the difference is found",
        )
        found = running.last_trial_balance
        assert found is not None
        assert [(d.account_id, d.asset_id) for d in found.differences] == [(2, 1)]
        assert found.differences[0].ledger_units == found.differences[0].engine_units + 1
        assert [asset.sum_units for asset in found.assets] == [1, 0, 0]
        assert settler.differences_gauge._value.get() == 2


async def test_comparisons_hold_while_trading_goes_on(
    matching: MatchingServer, trader: Trader, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Journal = book = ledger in mid-stream: a batch ends where the engine was asked."""
    monkeypatch.setattr(settler, "BATCH_RECORDS_MAX", 13)
    await migrate(postgres_url)
    await trader.send(listings_and_credits(4))
    retries = settler.retries_counter._value.get()
    async with settling(matching.address, postgres_url) as running:
        await until(lambda: running.is_running, "settlement runs")
        compared: set[int] = set()
        for seed in range(1, 15):
            traded = asyncio.create_task(trader.send(orders(seed, 300)))
            while not traded.done():
                result = await asyncio.wait_for(running.reconcile(), 20)
                assert result.agrees
                compared.add(result.sequence)
            await traded
    assert len(compared) > 5
    assert settler.retries_counter._value.get() == retries, "without starting anew"


async def test_stops_at_once_whatever_arrives_meanwhile(
    matching: MatchingServer, trader: Trader, postgres_url: str
) -> None:
    await migrate(postgres_url)
    await trader.send(listings_and_credits(4))
    for seed in range(1, 41):
        async with asyncio.timeout(5), settling(matching.address, postgres_url) as running:
            asked = asyncio.create_task(running.reconcile())
            await trader.send(orders(seed, 3))
            await asked


async def test_ledger_of_another_journal_is_not_touched(
    matching: MatchingServer, trader: Trader, postgres_url: str, tmp_path: Path
) -> None:
    await migrate(postgres_url)
    await trader.send([*listings_and_credits(4), *orders(1, 100)])
    async with settling(matching.address, postgres_url) as running:
        await assert_settled_once(running, trader, postgres_url)
    settled_sequence = running.settled_sequence

    other = MatchingServer(
        journal_directory=tmp_path / "other", address="tcp://127.0.0.1:0", mode="os"
    )
    await other.start()
    async with settling(other.address, postgres_url) as running:
        await asyncio.sleep(1)
        assert not running.is_running
        assert running.last_error == f"no records from matching behind {settled_sequence} yet"
    await other.stop()
    assert await fetchval(postgres_url, "SELECT settled_sequence FROM settled") == settled_sequence
