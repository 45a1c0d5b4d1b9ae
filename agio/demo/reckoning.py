"""The reckoning at the end: the journal, replayed from its first record, beside the ledger."""

from pathlib import Path
from typing import NamedTuple

import asyncpg

from accounts.edge.ledger_store import LedgerStore
from accounts.trial_balance import differences
from matching.core.engine import Engine
from matching.edge.segments import Segments
from matching.replay import Replay
from matching.sequencer import Sequencer
from vocabulary.instrument import decimal_text

REPLAY_CHUNK_BYTES = 2**20


class Reckoning(NamedTuple):
    """What journal and ledger say, each by itself. `ledger_sums` should all be zero."""

    last_sequence: int
    settled_sequence: int
    state_hash: str
    trades: int
    trades_settled: int
    ledger_sums: dict[str, str]
    is_journal_ledger: bool


async def reckon(journal: Path, postgres_url: str) -> Reckoning:
    """Replay the journal, which must be at rest, and compare it with the ledger.

    Raises what a damaged journal or a diverging replay raises.
    """
    engine = Engine()
    replay = Replay(engine, Sequencer())
    segments = Segments(journal)
    while records := segments.read(replay.last_sequence + 1, REPLAY_CHUNK_BYTES).records:
        replay.apply(records)
    told = replay.result()

    connection = await asyncpg.connect(postgres_url)
    try:
        settled_sequence, balances = await LedgerStore(connection).balances()
        trades_settled = await connection.fetchval("SELECT count(*) FROM trades")
        # From the entries themselves: balances could agree with the engine and still be wrong.
        sums = await connection.fetch(
            "SELECT name, scale, coalesce(sum(units), 0)::bigint AS units"
            " FROM assets LEFT JOIN entries USING (asset_id) GROUP BY name, scale ORDER BY name"
        )
    finally:
        await connection.close()
    return Reckoning(
        last_sequence=told.last_sequence,
        settled_sequence=settled_sequence,
        state_hash=told.state_hash,
        trades=told.events.get("TradeExecuted", 0),
        trades_settled=trades_settled,
        ledger_sums={name: decimal_text(units, scale) for name, scale, units in sums},
        is_journal_ledger=settled_sequence == told.last_sequence
        and not differences(balances, engine.funds()),
    )
