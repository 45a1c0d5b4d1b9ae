"""The parts as others find them: no line of ours is needed to load them."""

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest

from objects.store import open_store
from tests.trading.history.sample_events import NOON_NS, firm, plausible
from trading.events import BookChanged, TradePrinted
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


@pytest.fixture
def firms_root(tmp_path: Path) -> Path:
    """Give a store of 40 decisions, an order each, and what became of them."""
    writer = HistoryWriter(open_store(tmp_path.as_uri()))
    writer.open()
    writer.write(firm(40), "")
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


def test_fills_by_strategy_in_each(firms_root: Path) -> None:
    """The question that one asks first: what did each strategy trade, and at which fees."""
    decisions, reports = (
        f"{firms_root}/**/type=decision/*.parquet",
        f"{firms_root}/**/type=report/*.parquet",
    )
    join = (
        f"SELECT strategy, count(*), sum(fill_lots), sum(fee_units) FROM '{decisions}' "
        f"JOIN '{reports}' USING (strategy, symbol, epoch, \"order\") "
        "WHERE kind = 3 GROUP BY strategy"
    )
    with duckdb.connect() as database:
        assert database.execute(join).fetchall() == [("maker", 40, 400, 40)]

    paths = [str(path) for path in firms_root.glob("**/type=report/*.parquet")]
    fills = pd.read_parquet(paths).query("kind == 3")
    assert fills.groupby("strategy")["fill_lots"].sum().to_dict() == {"maker": 400}

    fills_of = pl.scan_parquet(reports, hive_partitioning=True).filter(pl.col("kind") == 3)
    assert fills_of.group_by("strategy", "symbol").agg(pl.sum("fee_units")).collect().rows() == [
        ("maker", "BTCUSDT", 40)
    ]


def test_the_clock_in_each(firms_root: Path) -> None:
    times = [NOON_NS + number * 4_000_000 for number in range(1, 41)]
    paths = sorted(firms_root.glob("**/type=time/*.parquet"))
    assert pd.concat(map(pd.read_parquet, paths))["received_ns"].tolist() == times
    assert pl.read_parquet(paths)["received_ns"].to_list() == times
    with duckdb.connect() as database:
        found = database.execute(f"SELECT received_ns FROM '{paths[0]}'").fetchall()
    assert [time for (time,) in found] == times
