"""The histories: what the archive and the trade history make of packed records.

For the archive what is timed is all that its service does behind the link: decode, cut, encode,
hash, write to a directory that syncs. Beside it the same tables alone, written by a bare pyarrow.
For the trade history it is records to items, and items to moto's DynamoDB until progress is
written; beside it the same items from as many threads by a bare boto3 that asks no questions. moto
is the bound of both: the ratio is the figure.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
from botocore.config import Config

from agio import embedded_aws
from agio.embedded_aws import EmbeddedAws
from bench.figures import Figure, figure, show
from bench.settlement import journal
from marketdata.archive_cut import ARCHIVED_EVENTS, COMPRESSION
from marketdata.edge.archive import ArchiveWriter
from marketdata.edge.archive_reader import cuts
from marketdata.edge.history_tables import BATCH_ITEMS, CALLS_AT_ONCE, HistoryTables
from marketdata.edge.trade_history import HistoryWriter
from marketdata.trade_history import HISTORY_EVENTS, TradeItems
from objects.store import open_store
from vocabulary.excerpt import Excerpt, event_kinds, unpack_excerpts
from vocabulary.trade_history import Item, place_of

RUNS = 5
ARCHIVED_TRADES = 50_000
STORED_TRADES = 700
BATCH = 2_000


def measure() -> list[Figure]:
    return [*archive_figures(), trade_history_figure()]


def archive_figures() -> list[Figure]:
    opening, traded = journal(ARCHIVED_TRADES)
    data = b"".join([*opening, *traded])
    rates: list[float] = []
    bare: list[float] = []
    sizes: list[float] = []
    for run in range(RUNS):
        print(f"histories: archive, run {run + 1} of {RUNS}", file=sys.stderr)
        with tempfile.TemporaryDirectory() as directory:
            rate, bare_rate, size = archive_run(Path(directory), data)
        rates.append(rate)
        bare.append(bare_rate)
        sizes.append(size)
    return [
        figure("archive", "rows/s", rates, compared=("bare pyarrow", bare)),
        figure("archive, a trade's row", "bytes", sizes),
    ]


def archive_run(directory: Path, data: bytes) -> tuple[float, float, float]:
    """Return rows a second archived and written bare, and bytes for each row of `trade`."""
    store = open_store((directory / "store").as_uri())
    writer = ArchiveWriter(store, 3600, 1)
    writer.open()
    start = time.perf_counter()
    writer.write(unpack_excerpts(data, event_kinds(ARCHIVED_EVENTS)))
    seconds = time.perf_counter() - start
    [cut] = cuts(store)
    tables = []
    for part in cut.parts:
        stored = store.get(cut.part_key(part))
        assert stored is not None
        tables.append(pq.read_table(pa.BufferReader(stored.data)))
    start = time.perf_counter()
    for number, table in enumerate(tables):
        pq.write_table(table, directory / str(number), compression=COMPRESSION)
    bare_seconds = time.perf_counter() - start
    rows = sum(cut.counts.values())
    [trades] = [part for part in cut.parts if part.type == "trade"]
    return rows / seconds, rows / bare_seconds, trades.size_bytes / trades.rows


def trade_history_figure() -> Figure:
    opening, traded = journal(STORED_TRADES)
    records = unpack_excerpts(b"".join([*opening, *traded]), event_kinds(HISTORY_EVENTS))
    os.environ.update(embedded_aws.ENVIRONMENT)
    stored: list[float] = []
    bare: list[float] = []
    with tempfile.TemporaryDirectory() as directory:
        aws = EmbeddedAws(Path(directory) / "aws.log")
        aws.start()
        try:
            for run in range(RUNS):
                print(f"histories: trade history, run {run + 1} of {RUNS}", file=sys.stderr)
                stored.append(stored_rate(aws.endpoint, run, records))
                bare.append(bare_rate(aws.endpoint, run, records))
        finally:
            aws.stop()
    return figure("trade history, moto", "items/s", stored, compared=("bare boto3", bare))


def stored_rate(endpoint: str, run: int, records: list[Excerpt]) -> float:
    tables = HistoryTables(place_of(f"dynamodb://us-east-1/run-{run}?endpoint={endpoint}"))
    writer = HistoryWriter(tables, 0)
    writer.open()
    start = time.perf_counter()
    for first in range(0, len(records), BATCH):
        writer.write(records[first : first + BATCH])
    return 3 * STORED_TRADES / (time.perf_counter() - start)


def bare_rate(endpoint: str, run: int, records: list[Excerpt]) -> float:
    place = place_of(f"dynamodb://us-east-1/bare-{run}?endpoint={endpoint}")
    HistoryTables(place).make(expire=False)
    batch = TradeItems((), 0).batch(records)
    db: Any = boto3.client(
        "dynamodb",
        region_name=place.region,
        endpoint_url=endpoint,
        config=Config(max_pool_connections=CALLS_AT_ONCE),
    )
    chunks = [
        (table, items[first : first + BATCH_ITEMS])
        for table, items in ((place.tables.trades, batch.trades), (place.tables.fills, batch.fills))
        for first in range(0, len(items), BATCH_ITEMS)
    ]

    def put(chunk: tuple[str, list[Item]]) -> None:
        table, items = chunk
        db.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": i}} for i in items]})

    with ThreadPoolExecutor(CALLS_AT_ONCE) as threads:
        start = time.perf_counter()
        list(threads.map(put, chunks))
        return 3 * STORED_TRADES / (time.perf_counter() - start)


if __name__ == "__main__":
    show(measure())
