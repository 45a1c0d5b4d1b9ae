"""The historical store: events into Parquet parts of a directory that syncs, and back, in order.

What is timed is all that the service does behind the queue: cut, encode, hash, write, sync; and all
that a backtest waits for: read, check the hash, decode, merge. Beside each the same rows alone, as
Arrow tables that a bare pyarrow writes and reads: no objects, no hash, no sync.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.figures import Figure, figure, show
from objects.store import open_store
from trading.events import AnyEvent, BookChanged, Level, TradePrinted
from trading.history.edge.reader import HistoryReader
from trading.history.edge.writer import HistoryWriter
from trading.history.parts import COMPRESSION
from trading.history.rows import TABLE_OF, to_rows

RUNS = 5
EVENTS = 300_000
CUT = 100_000
SYMBOLS = ("BTCUSDT", "ETHUSDT", "ETHBTC")
START_NS = 1_795_348_800_000_000_000


def measure() -> list[Figure]:
    events = stream()
    tables = [
        to_rows(name, [e for e in events if TABLE_OF[type(e)] == name and e.symbol == symbol])
        for symbol in SYMBOLS
        for name in ("book_change", "trade")
    ]
    rates: dict[str, list[float]] = {"write": [], "read": [], "bare write": [], "bare read": []}
    for run in range(RUNS):
        print(f"trading_history: run {run + 1} of {RUNS}", file=sys.stderr)
        with tempfile.TemporaryDirectory() as directory:
            for name, seconds in one_run(Path(directory), events, tables).items():
                rates[name].append(EVENTS / seconds)
    return [
        figure(
            f"history {name}",
            "events/s",
            rates[name],
            compared=(f"bare {name}", rates[f"bare {name}"]),
        )
        for name in ("write", "read")
    ]


def stream() -> list[AnyEvent]:
    """Return book changes of two levels, and a trade for every four of them."""
    events: list[AnyEvent] = []
    for number in range(1, EVENTS + 1):
        now_ns = START_NS + number * 10_000
        place = (number, SYMBOLS[number % 3], number // 3, now_ns - 50_000, now_ns)
        price_ticks = 10_000 + number % 97
        if number % 5 == 0:
            events.append(TradePrinted(*place, number, price_ticks, number % 11, number % 2 == 0))
        else:
            bids = (Level(price_ticks, number % 13),)
            events.append(BookChanged(*place, bids, (Level(price_ticks + 1, number % 7),)))
    return events


def one_run(directory: Path, events: list[AnyEvent], tables: list[pa.Table]) -> dict[str, float]:
    """Return the seconds that each part takes."""
    store = open_store((directory / "store").as_uri())
    writer = HistoryWriter(store)
    writer.open()
    start = time.perf_counter()
    for first in range(0, EVENTS, CUT):
        writer.write(events[first : first + CUT], "")
    written = time.perf_counter()
    count = sum(1 for _ in HistoryReader(store).read())
    read = time.perf_counter()
    assert count == EVENTS

    bare_start = time.perf_counter()
    for number, table in enumerate(tables):
        pq.write_table(table, directory / str(number), compression=COMPRESSION)
    bare_written = time.perf_counter()
    rows = sum(pq.read_table(directory / str(n), partitioning=None).num_rows for n in range(6))
    bare_read = time.perf_counter()
    assert rows == EVENTS
    return {
        "write": written - start,
        "read": read - written,
        "bare write": bare_written - bare_start,
        "bare read": bare_read - bare_written,
    }


if __name__ == "__main__":
    show(measure())
