"""The ledger's transactions against a real Postgres, whole and cut at every message."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from accounts.edge.ledger_store import POSTGRES_ERRORS, LedgerStore, PositionMovedError
from accounts.edge.schema import migrate
from accounts.settlement import Batch, Settlement
from accounts.trial_balance import trial_balance
from tests.accounts.edge.cutting_proxy import CuttingProxy
from tests.accounts.engine_journal import EngineJournal, listings_and_credits, orders
from vocabulary import commands as c
from vocabulary.catalogue import Catalogue
from vocabulary.codec import Record
from vocabulary.types import TradingPhase

SUMS_OFF_ZERO = """
SELECT sequence, event_index, asset_id FROM entries
GROUP BY sequence, event_index, asset_id HAVING sum(units) <> 0
"""
BALANCES_OFF_ENTRIES = """
SELECT account_id, asset_id
FROM (SELECT account_id, asset_id, sum(units) FROM entries GROUP BY account_id, asset_id) AS summed
FULL JOIN balances USING (account_id, asset_id) WHERE sum IS DISTINCT FROM units
"""


@pytest.fixture
async def ledger_url(postgres_url: str) -> str:
    await migrate(postgres_url)
    return postgres_url


@pytest.fixture
async def store(ledger_url: str) -> AsyncIterator[LedgerStore]:
    store = await LedgerStore.connect(ledger_url)
    yield store
    store.close()


async def settlement_of(store: LedgerStore) -> Settlement:
    position = await store.position()
    catalogue = Catalogue()
    for event in position.listings:
        catalogue.apply(event)
    return Settlement(position.settled_sequence, catalogue)


async def settle(store: LedgerStore, records: list[Record]) -> Batch:
    batch = (await settlement_of(store)).batch(records)
    await store.settle(batch)
    return batch


async def assert_ledger_is(store: LedgerStore, journal: EngineJournal, ledger_url: str) -> None:
    """Assert journal = book = ledger, and I3: each trade settled exactly once."""
    sequence, balances = await store.balances()
    assert sequence == journal.engine.sequence
    assert trial_balance(sequence, balances, journal.engine.funds()).agrees
    trades = Settlement(0, Catalogue()).batch(journal.records).trades
    connection = await asyncpg.connect(ledger_url)
    try:
        assert await connection.fetch(SUMS_OFF_ZERO) == []
        assert await connection.fetch(BALANCES_OFF_ENTRIES) == []
        rows = await connection.fetch("SELECT * FROM trades")
        assert sorted(tuple(row) for row in rows) == sorted(trades)
    finally:
        await connection.close()


async def test_batches_add_up_to_the_engines_funds(store: LedgerStore, ledger_url: str) -> None:
    journal = EngineJournal()
    await settle(store, journal.ask(*listings_and_credits(4)))
    for seed in range(3):
        batch = await settle(store, journal.ask(*orders(seed, 100)))
        assert batch.trades
    await assert_ledger_is(store, journal, ledger_url)


async def test_listings_are_read_back_as_they_are_now(store: LedgerStore) -> None:
    journal = EngineJournal()
    journal.ask(*listings_and_credits(1))
    journal.ask(c.ChangePhase(9, 1, 1, TradingPhase.HALTED), c.SetFees(9, 2, 2, 11, 22))
    await settle(store, journal.records)
    catalogue = Catalogue()
    for event in (await store.position()).listings:
        catalogue.apply(event)
    assert catalogue.phases == {1: TradingPhase.HALTED, 2: TradingPhase.TRADING}
    assert catalogue.instrument_by_symbol["ETHBTC"].maker_fee_ppm == 11
    assert catalogue.instrument_by_symbol["BTCUSDT"].taker_fee_ppm == 2_001
    assert catalogue.asset_by_name["USDT"].scale == 6


async def test_batch_settled_twice_counts_once(store: LedgerStore, ledger_url: str) -> None:
    """F14: the second delivery finds the position moved, and changes nothing."""
    journal = EngineJournal()
    batch = await settle(store, journal.ask(*listings_and_credits(4), *orders(1, 50)))
    with pytest.raises(PositionMovedError):
        await store.settle(batch)
    await assert_ledger_is(store, journal, ledger_url)


async def test_balance_that_would_go_below_zero_settles_nothing(store: LedgerStore) -> None:
    journal = EngineJournal()
    batch = await settle(store, journal.ask(*listings_and_credits(1)))
    wrong = Batch(batch.last_sequence)
    wrong.last_sequence += 1
    wrong.deltas[1, 1] = -(10**15)
    wrong.entries.append((wrong.last_sequence, *batch.entries[0][1:]))
    before = await store.balances()
    with pytest.raises(asyncpg.CheckViolationError):
        await store.settle(wrong)
    assert await store.balances() == before


@pytest.mark.parametrize("deliver", [False, True], ids=["request lost", "answer lost"])
async def test_connection_cut_at_every_message_settles_once(
    ledger_url: str, *, deliver: bool
) -> None:
    """F13: whatever was under way, COMMIT included, the ledger says whether it is settled."""
    journal = EngineJournal()
    outcomes = set()
    async with CuttingProxy(ledger_url) as proxy:
        direct = await LedgerStore.connect(ledger_url)
        await settle(direct, journal.ask(*listings_and_credits(4)))
        cut_at, was_cut = 0, True
        while was_cut:
            records = journal.ask(
                *orders(cut_at + 1, 30), c.SetFees(9, cut_at + 1, 1, cut_at, cut_at)
            )
            batch = (await settlement_of(direct)).batch(records)
            store = await LedgerStore.connect(proxy.url)
            proxy.arm(cut_at, deliver=deliver)
            try:
                await store.settle(batch)
            except POSTGRES_ERRORS:
                # The server may still be at work on what it got: our next transaction waits for it.
                settled = await _settled_after_all(direct, batch)
                outcomes.add(settled)
                if not settled:
                    await settle(direct, records)
            store.close()
            was_cut = proxy.has_cut
            cut_at += 1
        await assert_ledger_is(direct, journal, ledger_url)
        direct.close()
    assert cut_at > 6, "BEGIN, UPDATE, listing, entries, trades, balances, COMMIT"
    # Only a COMMIT that was carried out, its answer lost, leaves a settled batch behind an error.
    assert outcomes == ({False, True} if deliver else {False})


async def _settled_after_all(direct: LedgerStore, batch: Batch) -> bool:
    # The lock on the row waits for a server process that has not noticed its client's death.
    await direct._connection.execute("UPDATE settled SET settled_sequence = settled_sequence")
    position = await direct.position()
    assert position.settled_sequence in {batch.previous_sequence, batch.last_sequence}
    return position.settled_sequence == batch.last_sequence
