"""A live session, recorded and replayed: decisions and fills are the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from agio import run_files
from agio.parity_command import parity
from objects.store import open_store
from tests.gateway.edge.json_venue import JsonVenue
from tests.trading.backtest.live_session import (
    MAKER_AND_NOISE,
    NOISE,
    SYMBOL,
    TWO_OF_NOISE,
    run_of,
    session,
)
from tests.trading.backtest.stored_market import store_of
from tests.trading.feeds.live_feeds import Flow
from trading.alpha.machine import Machine
from trading.backtest.edge.parity import compare
from trading.backtest.fill_parity import Difference
from trading.backtest.parity import encode, lines
from trading.events import AnyEvent, OrderReported, ReportKind, TradeAmended
from trading.history.edge.reader import HistoryReader

FEES = (1000, 2000)  # what the small venue lists
SESSION_S = 3


def reader_of(directory: Path) -> HistoryReader:
    return HistoryReader(open_store((directory / "store").as_uri()))


def with_another_fill(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """Return a recording in which the venue filled a tick better, once."""
    altered = list(events)
    at = next(
        index
        for index, event in enumerate(altered)
        if isinstance(event, OrderReported) and event.kind is ReportKind.TRADED
    )
    first = altered[at]
    assert isinstance(first, OrderReported)
    altered[at] = msgspec.structs.replace(first, fill_price_ticks=first.fill_price_ticks + 1)
    return altered


def with_amendments(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """Return a recording in which the venue undid the first fill, and corrected the last one."""
    recorded = list(events)
    fills = [e for e in recorded if isinstance(e, OrderReported) and e.fill_lots]
    terms = [(0, 0, 0), (fills[-1].fill_price_ticks + 5, fills[-1].fill_lots // 2, 3)]
    last = recorded[-1]
    amendments = [
        TradeAmended(
            last.stream_sequence + at, SYMBOL, 0, last.exchange_ns, last.received_ns,
            fill.strategy, fill.epoch, fill.order, fill.trade_id, 1, fill.side,
            fill.fill_price_ticks, fill.fill_lots, fill.fee_units, *now,
        )
        for at, (fill, now) in enumerate(zip((fills[0], fills[-1]), terms, strict=True), 1)
    ]  # fmt: skip
    return [*recorded, *amendments]


async def test_a_session_among_the_firms_own_is_equal(
    tmp_path: Path, venue: JsonVenue, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with session(tmp_path, venue, redis_url, TWO_OF_NOISE) as running:
        await asyncio.sleep(SESSION_S)
    fills = [e for e in running.events if isinstance(e, OrderReported) and e.trade_id]
    assert len(fills) > 10
    reader = reader_of(tmp_path)
    compared = compare(reader, TWO_OF_NOISE, Machine, FEES)
    assert compared.holds, "\n".join(lines(compared))
    assert compared.fills_are_equal, "\n".join(lines(compared))
    assert compared.fills[SYMBOL].recorded_fills == len(fills)
    assert all(each.recorded == each.replayed for each in compared.strategies)

    # Another strategy than the one that ran decides something else, and is shown where.
    other = run_of(("alice", "noise", NOISE), ("bob", "noise", NOISE | {"seed": 3}))
    alice, bob = compare(reader, other, Machine, FEES).strategies
    assert alice.decisions.difference is None
    difference = bob.decisions.difference
    assert difference is not None
    assert difference.recorded != difference.replayed
    assert "TimePassed(" in difference.cause

    # So do fills that the venue's rules don't give.
    altered = store_of(tmp_path / "altered", with_another_fill(reader.read(allow_gaps=True)))
    broken = compare(altered, TWO_OF_NOISE, Machine, FEES)
    assert not broken.holds
    assert Difference.UNEXPLAINED in {each.why for each in broken.fills[SYMBOL].differences}
    assert lines(broken)[-1] == "NOT EQUAL"

    # What the venue's desk undoes, no rule of the venue does: it counts for both.
    history = store_of(tmp_path / "amended", with_amendments(reader.read(allow_gaps=True)))
    amended = compare(history, TWO_OF_NOISE, Machine, FEES)
    assert amended.holds, "\n".join(lines(amended))
    assert amended.fills_are_equal
    assert all(each.recorded == each.replayed for each in amended.strategies)
    before = {each.strategy: each.recorded for each in compared.strategies}
    assert any(each.recorded != before[each.strategy] for each in amended.strategies)

    def agio(*words: str) -> Result:
        return CliRunner().invoke(parity, ["short", "--fees", "1000/2000", *words])

    monkeypatch.chdir(tmp_path)
    run_files.write(tmp_path / "agio-data", TWO_OF_NOISE, {})
    monkeypatch.setenv("AGIO_HISTORY_STORE_URL", (tmp_path / "store").as_uri())
    told = agio()
    assert (told.exit_code, told.stdout.splitlines()[-1]) == (0, "equal"), told.output
    assert json.loads(agio("--json").stdout)["fills_are_equal"] is True
    monkeypatch.setenv("AGIO_HISTORY_STORE_URL", (tmp_path / "altered").as_uri())
    assert agio().exit_code == 1


async def test_where_others_trade_the_decisions_are_equal_and_the_fills_explained(
    tmp_path: Path, venue: JsonVenue, redis_url: str
) -> None:
    async with session(tmp_path, venue, redis_url, MAKER_AND_NOISE):
        await asyncio.gather(Flow(venue).run(120), asyncio.sleep(SESSION_S))
    compared = compare(reader_of(tmp_path), MAKER_AND_NOISE, Machine, FEES)
    assert compared.decisions_are_equal, "\n".join(lines(compared))
    assert compared.holds, "\n".join(lines(compared))
    assert json.loads(encode(compared))["holds"] is True
