"""The ledger out of a backup: its copy, and what the journal has behind it, settled again."""

from __future__ import annotations

import asyncio

import asyncpg

from accounts.edge.ledger_store import LedgerStore
from accounts.edge.schema import migrate
from accounts.settlement import SETTLED_EVENTS, Settlement
from accounts.trial_balance import TrialBalance, trial_balance
from agio.backup import postgres_copy
from agio.backup.contents import DESK, LEDGER, Contents
from agio.backup.restore_journal import OnProgress, Progress, Recovered
from objects.encrypted import EncryptedStore
from vocabulary.catalogue import Catalogue
from vocabulary.excerpt import event_kinds, unpack_excerpts

BATCH_BYTES = 1 << 20


class LedgerRefusedError(Exception):
    """The ledger can't be restored there, or from this; says why."""


async def restore_ledger(
    postgres_url: str,
    store: EncryptedStore,
    contents: Contents,
    recovered: Recovered,
    on_progress: OnProgress,
) -> TrialBalance:
    """Fill an empty database, settle what is behind its copy, and compare it with the engine.

    Raises `LedgerRefusedError`, `PostgresToolError`, and what the store and asyncpg raise.
    """
    if not await postgres_copy.is_empty(postgres_url):
        raise LedgerRefusedError("the database is not empty")
    until = recovered.engine.sequence
    ledger, desk = contents.newest(LEDGER, until), max(contents.copies[DESK], default=None)
    if ledger is None and contents.copies[LEDGER]:
        oldest = contents.copies[LEDGER][0].sequence
        raise LedgerRefusedError(f"the oldest copy of the ledger is as of sequence {oldest}")
    if ledger is not None:
        pieces = store.read(ledger.name, contents.parts[ledger.name])
        await asyncio.to_thread(postgres_copy.load, postgres_url, pieces)
    await migrate(postgres_url)
    if desk is not None:
        await _clear_accounts(postgres_url)
        pieces = store.read(desk.name, contents.parts[desk.name])
        await asyncio.to_thread(postgres_copy.load, postgres_url, pieces)
    return await settle_behind(postgres_url, recovered, on_progress)


async def _clear_accounts(postgres_url: str) -> None:
    """Remove the venue's own accounts, which a new schema has: the desk's copy has them, too."""
    connection = await asyncpg.connect(postgres_url, timeout=postgres_copy.CONNECT_TIMEOUT_S)
    try:
        await connection.execute("DELETE FROM accounts")
    finally:
        connection.terminate()


async def settle_behind(
    postgres_url: str, recovered: Recovered, on_progress: OnProgress
) -> TrialBalance:
    """Settle all that the journal has behind the ledger, and compare the ledger with the engine."""
    kinds = event_kinds(SETTLED_EVENTS)
    until = recovered.engine.sequence
    store = await LedgerStore.connect(postgres_url)
    try:
        settled_sequence, listings = await store.position()
        catalogue = Catalogue()
        for event in listings:
            catalogue.apply(event)
        settlement = Settlement(settled_sequence, catalogue)
        while settlement.last_sequence < until:
            chunk = recovered.segments.read(settlement.last_sequence + 1, BATCH_BYTES)
            await store.settle(settlement.batch(unpack_excerpts(chunk.records, kinds)))
            on_progress(Progress("ledger", settlement.last_sequence, until))
        sequence, balances = await store.balances()
    finally:
        store.close()
    return trial_balance(sequence, balances, recovered.engine.funds())
