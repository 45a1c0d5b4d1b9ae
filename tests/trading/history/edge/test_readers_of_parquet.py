"""The parts as others find them: no line of ours is needed to load them."""

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest

from tests.trading.history.sample_events import plausible
from trading.events import BookChanged, TradePrinted
from trading.history.edge.object_store import open_store
from trading.history.edge.writer import HistoryWriter

pytestmark = pytest.mark.usefixtures("no_sync")
EVENTS = list(plausible(600))
TRADES = [event for event in EVENTS if isinstance(event, TradePrinted)]
CHANGES = [event for event in EVENTS if isinstance(event, BookChanged)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    writer = HistoryWriter(open_store(tmp_path.as_uri()))
    writer.open()
    for start in range(0, 600, 200):
        writer.write(EVENTS[start : start + 200], "")
    return tmp_path / "events" / "v1"


def check(rows: list[tuple[Any, ...]]) -> None:
    assert rows == [
        (trade.stream_sequence, trade.symbol, trade.received_ns, trade.price_ticks)
        for trade in TRADES
    ]


COLUMNS = ["stream_sequence", "symbol", "received_ns", "price_ticks"]


def test_pandas(root: Path) -> None:
    frame = pd.read_parquet([str(path) for path in root.glob("**/type=trade/*.parquet")])
    assert frame["price_ticks"].dtype == "int64"
    rows = frame.sort_values("stream_sequence")[COLUMNS]
    check(list(rows.itertuples(index=False, name=None)))


def test_polars(root: Path) -> None:
    frame = pl.read_parquet(root / "**/type=trade/*.parquet", hive_partitioning=True)
    assert frame["price_ticks"].dtype == pl.Int64
    check(frame.sort("stream_sequence").select(COLUMNS).rows())


def test_duckdb(root: Path) -> None:
    with duckdb.connect() as database:
        select = f"SELECT {', '.join(COLUMNS)} FROM '{root}/**/type=trade/*.parquet' ORDER BY 1"
        check(database.execute(select).fetchall())
        bids = f"SELECT unnest(bids) AS bid FROM '{root}/**/type=book_change/*.parquet'"
        lots = database.execute(f"SELECT sum(bid.lots) FROM ({bids})").fetchall()
    assert lots == [(sum(level.lots for change in CHANGES for level in change.bids),)]
