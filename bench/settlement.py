"""Settlement: packed records in, ledger rows committed to a real Postgres that syncs.

What is timed is what the accounts service does for each record once it has come over the link:
decode it, make legs of its trades, and write them with the balances in transactions of at most
5,000 records. Beside it, the same rows alone through COPY into a table without keys.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import asyncpg

from accounts.edge.ledger_store import LedgerStore
from accounts.edge.schema import migrate
from accounts.edge.settler import BATCH_RECORDS_MAX
from accounts.settlement import SETTLED_EVENTS, Settlement
from agio.embedded_postgres import EmbeddedPostgres
from agio.flow_runs import opening as flow_opening
from bench.figures import Figure, figure, show
from bench.flow import ACCOUNTS
from matching.core.engine import Engine
from vocabulary import commands as c
from vocabulary.catalogue import Catalogue
from vocabulary.codec import pack, pack_record
from vocabulary.excerpt import Excerpt, event_kinds, unpack_excerpts
from vocabulary.types import OrderFlags, OrderType, Side, TimeInForce

RUNS = 5
TRADES = 40_000  # two orders each, of which every second one trades


def measure() -> list[Figure]:
    opening, traded = journal(TRADES)
    settled: list[float] = []
    copied: list[float] = []
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        with EmbeddedPostgres(Path(directory) / "postgres", "bench") as server:
            for run in range(RUNS):
                print(f"settlement: run {run + 1} of {RUNS}", file=sys.stderr)
                rates = asyncio.run(one_run(server, run, opening, traded))
                settled.append(rates[0])
                copied.append(rates[1])
    return [
        figure(
            "settlement",
            "trades/s",
            settled,
            target=15_000,
            compared=("bare COPY of the legs", copied),
        )
    ]


def journal(trades: int) -> tuple[list[bytes], list[bytes]]:
    """Return the records that list and fund, and those of orders that trade with each other."""
    engine = Engine()
    records: list[bytes] = []
    opening = list(flow_opening(1, range(1, ACCOUNTS + 1)))
    commands = list(opening)
    for number in range(2 * trades):
        side = Side.SELL if number % 2 == 0 else Side.BUY
        order = c.EnterOrder(
            1,
            number + 1,
            1 + number % ACCOUNTS,
            1,
            side,
            OrderType.LIMIT,
            TimeInForce.GOOD_TILL_CANCEL,
            OrderFlags.NONE,
            1000 + number % 50 // 2,
            10,
            b"%d" % number,
        )
        commands.append(pack(order))
    for sequence, command in enumerate(commands, start=1):
        records.append(pack_record(sequence, 0, command, engine.apply(command, sequence, 0)))
    return records[: len(opening)], records[len(opening) :]


async def one_run(
    server: EmbeddedPostgres, run: int, opening: list[bytes], traded: list[bytes]
) -> tuple[float, float]:
    """Return trades a second settled, and those whose legs a bare COPY writes."""
    database = f"run_{run}"
    admin = await asyncpg.connect(server.url())
    await admin.execute(f"CREATE DATABASE {database}")
    await admin.close()
    url = server.url(database)
    await migrate(url)
    store = await LedgerStore.connect(url)
    settlement = Settlement(0, Catalogue())
    await store.settle(settlement.batch(decode(opening)))
    legs = []
    start = time.perf_counter()
    for first in range(0, len(traded), BATCH_RECORDS_MAX):
        batch = settlement.batch(decode(traded[first : first + BATCH_RECORDS_MAX]))
        await store.settle(batch)
        legs.append(batch.entries)
    settling_s = time.perf_counter() - start
    store.close()

    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE bare (LIKE entries)")
    start = time.perf_counter()
    for rows in legs:
        await connection.copy_records_to_table("bare", records=rows)
    copying_s = time.perf_counter() - start
    await connection.close()
    return TRADES / settling_s, TRADES / copying_s


def decode(records: list[bytes]) -> list[Excerpt]:
    return unpack_excerpts(b"".join(records), event_kinds(SETTLED_EVENTS))


if __name__ == "__main__":
    show(measure())
