"""hftbacktest on the events of `bench.trading_backtest`: run by the interpreter that has it.

The strategy sees every event, keeps the flow at the best prices as `trading.strategies.imbalance`
does, and takes or gives back a position with immediate orders once a second. Its data is a row for
each level and trade; the rate counts our events, of which one may have many levels.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import numpy as np
from hftbacktest import (  # type: ignore[import-not-found]
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    LIMIT,
    LOCAL_EVENT,
    SELL_EVENT,
    TRADE_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
    event_dtype,
)
from hftbacktest.order import IOC  # type: ignore[import-not-found]
from numba import njit  # type: ignore[import-not-found]

TRADE = 4
TICK, LOT = 0.01, 0.00001
LATENCY_NS = 100_000
WARM_UP_ROWS = 2_000
END_OF_DATA = 1
SECOND_NS = 1_000_000_000


@njit  # type: ignore[untyped-decorator]
def imbalance(backtest: Any) -> int:
    """Return how often the strategy was called."""
    flow = 0.0
    depth_sum = 0.0
    bid_ticks = ask_ticks = 0
    bid_lots = ask_lots = 0.0
    due_ns = 0
    order_id = 0
    calls = 0
    while backtest.wait_next_feed(True, SECOND_NS) != END_OF_DATA:
        calls += 1
        depth = backtest.depth(0)
        bid, ask = depth.best_bid_tick, depth.best_ask_tick
        bid_now, ask_now = depth.best_bid_qty, depth.best_ask_qty
        if bid >= bid_ticks:
            flow += bid_now
        if bid <= bid_ticks:
            flow -= bid_lots
        if ask <= ask_ticks:
            flow -= ask_now
        if ask >= ask_ticks:
            flow += ask_lots
        depth_sum += bid_now + ask_now
        bid_ticks, ask_ticks, bid_lots, ask_lots = bid, ask, bid_now, ask_now
        if backtest.current_timestamp < due_ns:
            continue
        due_ns = backtest.current_timestamp + SECOND_NS
        order_id += 1
        position = backtest.position(0)
        if flow > depth_sum * 0.001 and position <= 0.0:
            price = (ask + 1) * TICK
            backtest.submit_buy_order(0, order_id, price, 50 * LOT, IOC, LIMIT, False)
        elif flow < -depth_sum * 0.001 and position >= 0.0:
            price = (bid - 1) * TICK
            backtest.submit_sell_order(0, order_id, price, 50 * LOT, IOC, LIMIT, False)
        backtest.clear_inactive_orders(0)
        flow = depth_sum = 0.0
    return calls


def rows_of(recorded: Any) -> Any:
    """Return the recorded columns as hftbacktest's rows, a level or a trade each."""
    counts = recorded["end"] - recorded["begin"]
    owner = np.repeat(np.arange(len(counts)), counts)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    at = recorded["begin"][owner] + np.arange(len(owner)) - first
    is_bid = at < recorded["middle"][owner]
    is_trade = recorded["kind"][owner] == TRADE
    # A trade's side is that of who took it, who stood on the other one.
    is_buy = np.where(is_trade, ~is_bid, is_bid)
    rows = np.zeros(len(owner), event_dtype)
    side = np.where(is_buy, BUY_EVENT, SELL_EVENT)
    kind = np.where(is_trade, TRADE_EVENT, DEPTH_EVENT)
    rows["ev"] = (kind | side | EXCH_EVENT | LOCAL_EVENT).astype(np.uint64)
    rows["exch_ts"] = recorded["received_ns"][owner]
    rows["local_ts"] = recorded["received_ns"][owner] + 1
    rows["px"] = recorded["price_ticks"][at] * TICK
    rows["qty"] = recorded["lots"][at] * LOT
    return rows


def run(rows: Any) -> None:
    asset = (
        BacktestAsset()
        .data(rows)
        .linear_asset(1.0)
        .constant_order_latency(LATENCY_NS, LATENCY_NS)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0002, 0.0004)
        .tick_size(TICK)
        .lot_size(LOT)
    )
    backtest = HashMapMarketDepthBacktest([asset])
    imbalance(backtest)
    backtest.close()


def main() -> None:
    os.sched_setaffinity(0, {0})
    with np.load(sys.argv[1]) as recorded:
        rows, events = rows_of(recorded), len(recorded["kind"])
    run(rows[:WARM_UP_ROWS])  # compiles it
    start = time.process_time()
    run(rows)
    print(events / (time.process_time() - start))


if __name__ == "__main__":
    main()
