"""Pages of the trade history against a plain list of the same trades."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.edge import history_tables
from gateway.edge.history_tables import HistoryTables
from gateway.trade_history import HistoryUnavailableError, TradeRange
from marketdata.edge import history_tables as writing
from tests.aws_server import ENVIRONMENT
from vocabulary.trade_history import (
    HistoricFill,
    HistoricTrade,
    begins_block,
    block_item,
    fill_item,
    place_of,
    trade_item,
)
from vocabulary.types import INT64_MAX

TRADES = 2_345
OLDEST = 300  # those before it have expired
ACCOUNT, BUSY_ACCOUNT = 7, 8
START_NS = 1_795_000_000_000_000_000

numbers = count(1)


class Stored(NamedTuple):
    tables: HistoryTables
    trades: list[HistoricTrade]
    fills: list[HistoricFill]


def history() -> tuple[list[HistoricTrade], list[HistoricFill]]:
    """Return trades, some at the same time, of which every ninth is the account's."""
    chance = random.Random(5)
    now_ns = START_NS
    trades, fills = [], []
    for trade_id in range(1, TRADES + 1):
        now_ns += chance.choice((0, 0, 1_000, 1_000_000, 50_000_000))
        trade = HistoricTrade(
            "BTCUSDT", trade_id, now_ns, f"{trade_id}.5", "1.0", "1", True, 1, trade_id, trade_id
        )
        account_id = ACCOUNT if trade_id % 9 == 0 else BUSY_ACCOUNT
        fill = HistoricFill(
            account_id, "BTCUSDT", trade_id, False, trade_id // 4, True, "1", "1", "1", "0", "BTC",
            now_ns, trade_id,
        )  # fmt: skip
        trades.append(trade)
        fills += [fill] if account_id == ACCOUNT else []
        if trade_id % 45 == 0:  # both sides are the account's
            fills.insert(-1, fill._replace(is_maker=True, is_buyer=False))
    return trades, fills


@pytest.fixture(scope="module")
def stored(aws_endpoint: str) -> Iterator[Stored]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setattr(history_tables, "READ_TIMEOUT_S", 30)  # moto is no database
        place = place_of(f"dynamodb://us-east-1/pages-{next(numbers)}?endpoint={aws_endpoint}")
        trades, fills = history()
        writer = writing.HistoryTables(place)
        writer.make(expire=False)
        blocks = [block_item(trade, None) for trade in trades if begins_block(trade.trade_id)]
        items = [trade_item(trade, None) for trade in trades[OLDEST - 1 :]]
        writer.write(blocks + items, [fill_item(fill, None) for fill in fills])
        yield Stored(HistoryTables(place, 2), trades[OLDEST - 1 :], fills)


def in_range(
    found: list[HistoricTrade] | list[HistoricFill], wanted: TradeRange
) -> list[HistoricTrade | HistoricFill]:
    kept = [
        each
        for each in found
        if each.trade_id >= wanted.first_id
        and wanted.start_ns <= each.timestamp_ns <= wanted.end_ns
        and (not isinstance(each, HistoricFill) or wanted.order_id in {None, each.order_id})
    ]
    return kept[: wanted.limit] if wanted.is_from_start else kept[-wanted.limit :]


times = st.integers(0, TRADES).map(
    lambda n: START_NS + n * 10_000_000
)  # on average a trade each 10 ms
from_start = st.builds(
    TradeRange,
    st.just("BTCUSDT"),
    st.sampled_from([1, 40, 250]),
    st.just(True),
    st.integers(0, TRADES + 5),
    st.just(0) | times,
    st.just(INT64_MAX) | times,
    st.none() | st.integers(1, TRADES // 4),
)
newest = st.builds(
    TradeRange,
    st.just("BTCUSDT"),
    st.sampled_from([1, 40, 250]),
    st.just(False),
    end_ns=st.just(INT64_MAX) | times,
)


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(wanted=from_start | newest)
def test_a_page_is_what_a_list_of_all_would_give(stored: Stored, wanted: TradeRange) -> None:
    deadline_s = time.monotonic() + 60
    found = stored.tables.trades(wanted, deadline_s)
    assert found.trades == in_range(stored.trades, wanted)
    assert found.through_ns == 0  # nobody has written how far this is
    fills = stored.tables.fills(ACCOUNT, wanted, deadline_s)
    assert fills.fills == in_range(stored.fills, wanted)


def test_who_has_no_trades_has_an_empty_page(stored: Stored) -> None:
    deadline_s = time.monotonic() + 30
    for is_from_start in (True, False):
        wanted = TradeRange("ETHUSDT", 10, is_from_start)
        assert stored.tables.trades(wanted, deadline_s).trades == []
        assert stored.tables.fills(ACCOUNT, wanted, deadline_s).fills == []


def test_no_question_is_asked_behind_the_deadline(stored: Stored) -> None:
    with pytest.raises(HistoryUnavailableError, match="too long"):
        stored.tables.trades(TradeRange("BTCUSDT", 10, True), time.monotonic() - 1)
