"""nautilus_trader on the events of `bench.trading_backtest`: run by the interpreter that has it.

The strategy sees every event, keeps the flow at the best prices as `trading.strategies.imbalance`
does, and takes or gives back a position with immediate orders once a second. A message about the
book is an `OrderBookDeltas`, a trade a `TradeTick`; making them is not timed. Its venue fills
orders from the recorded book, on arrival and without a latency.
"""

from __future__ import annotations

import os
import sys
import time
from decimal import Decimal
from typing import Any

import numpy as np
from nautilus_trader.backtest.engine import (  # type: ignore[import-not-found]
    BacktestEngine,
    BacktestEngineConfig,
)
from nautilus_trader.config import LoggingConfig  # type: ignore[import-not-found]
from nautilus_trader.model.currencies import BTC, USDT  # type: ignore[import-not-found]
from nautilus_trader.model.data import (  # type: ignore[import-not-found]
    BookOrder,
    OrderBookDelta,
    OrderBookDeltas,
    TradeTick,
)
from nautilus_trader.model.enums import (  # type: ignore[import-not-found]
    AccountType,
    AggressorSide,
    BookAction,
    BookType,
    OmsType,
    OrderSide,
    RecordFlag,
    TimeInForce,
)
from nautilus_trader.model.identifiers import (  # type: ignore[import-not-found]
    InstrumentId,
    Symbol,
    TradeId,
    TraderId,
    Venue,
)
from nautilus_trader.model.instruments import CurrencyPair  # type: ignore[import-not-found]
from nautilus_trader.model.objects import (  # type: ignore[import-not-found]
    Money,
    Price,
    Quantity,
)
from nautilus_trader.trading.strategy import Strategy  # type: ignore[import-not-found]

TRADE = 4
PRICE_DIGITS, SIZE_DIGITS = 2, 5
ORDER_LOTS = 50
WARM_UP_EVENTS = 2_000
SECOND_NS = 1_000_000_000
VENUE = Venue("VENUE")
INSTRUMENT_ID = InstrumentId(Symbol("BASEQUOTE"), VENUE)


class Imbalance(Strategy):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.events = 0
        self.due_ns = 0
        self.flow = self.depth_sum = 0.0
        self.best = (0.0, 0.0, 0.0, 0.0)

    def on_start(self) -> None:
        self.book = self.cache.order_book(INSTRUMENT_ID)
        self.subscribe_order_book_deltas(INSTRUMENT_ID, BookType.L2_MBP)
        self.subscribe_trade_ticks(INSTRUMENT_ID)

    def on_trade_tick(self, tick: Any) -> None:  # noqa: ARG002
        self.events += 1

    def on_order_book_deltas(self, deltas: Any) -> None:
        self.events += 1
        book = self.book or self.cache.order_book(INSTRUMENT_ID)
        self.book = book
        found = book.best_bid_price(), book.best_ask_price()
        if None in found:
            return
        bid, ask = float(found[0]), float(found[1])
        bid_size, ask_size = float(book.best_bid_size()), float(book.best_ask_size())
        bid_before, ask_before, bid_size_before, ask_size_before = self.best
        self.flow += bid_size * (bid >= bid_before) - bid_size_before * (bid <= bid_before)
        self.flow -= ask_size * (ask <= ask_before) - ask_size_before * (ask >= ask_before)
        self.depth_sum += bid_size + ask_size
        self.best = bid, ask, bid_size, ask_size
        if deltas.ts_event >= self.due_ns:
            self.due_ns = deltas.ts_event + SECOND_NS
            self.trade(ask, bid)
            self.flow = self.depth_sum = 0.0

    def trade(self, ask: float, bid: float) -> None:
        position = self.portfolio.net_position(INSTRUMENT_ID)
        if self.flow > self.depth_sum * 0.001 and position <= 0:
            self.send(OrderSide.BUY, ask)
        elif self.flow < -self.depth_sum * 0.001 and position >= 0:
            self.send(OrderSide.SELL, bid)

    def send(self, side: Any, price: float) -> None:
        order = self.order_factory.limit(
            INSTRUMENT_ID,
            side,
            Quantity(ORDER_LOTS / 10**SIZE_DIGITS, SIZE_DIGITS),
            Price(price, PRICE_DIGITS),
            time_in_force=TimeInForce.IOC,
        )
        self.submit_order(order)


def instrument() -> Any:
    return CurrencyPair(
        instrument_id=INSTRUMENT_ID,
        raw_symbol=INSTRUMENT_ID.symbol,
        base_currency=BTC,
        quote_currency=USDT,
        price_precision=PRICE_DIGITS,
        size_precision=SIZE_DIGITS,
        price_increment=Price(10**-PRICE_DIGITS, PRICE_DIGITS),
        size_increment=Quantity(10**-SIZE_DIGITS, SIZE_DIGITS),
        ts_event=0,
        ts_init=0,
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0004"),
    )


def events_of(recorded: Any) -> list[Any]:
    """Return the recorded columns as nautilus_trader's data, an object for each of our events."""
    names = ("kind", "begin", "middle", "end", "price_ticks", "lots", "received_ns", "trade_id")
    kind, begin, middle, end, ticks, lots, received_ns, trade_id = (
        recorded[name].tolist() for name in names
    )
    data: list[Any] = []
    for row, first in enumerate(begin):
        now_ns = received_ns[row]
        orders = [
            BookOrder(
                OrderSide.BUY if at < middle[row] else OrderSide.SELL,
                Price(ticks[at] / 10**PRICE_DIGITS, PRICE_DIGITS),
                Quantity(lots[at] / 10**SIZE_DIGITS, SIZE_DIGITS),
                0,
            )
            for at in range(first, end[row])
        ]
        if kind[row] == TRADE:
            # A trade's side is that of who took it, who stood on the other one.
            buyer_takes = orders[0].side == OrderSide.SELL
            side = AggressorSide.BUYER if buyer_takes else AggressorSide.SELLER
            print_ = (orders[0].price, orders[0].size, side, TradeId(str(trade_id[row])))
            data.append(TradeTick(INSTRUMENT_ID, *print_, now_ns, now_ns))
        elif orders:
            last = len(orders) - 1
            deltas = [
                OrderBookDelta(
                    INSTRUMENT_ID,
                    BookAction.UPDATE if lots[first + at] else BookAction.DELETE,
                    order,
                    RecordFlag.F_LAST if at == last else 0,
                    row,
                    now_ns,
                    now_ns,
                )
                for at, order in enumerate(orders)
            ]
            data.append(OrderBookDeltas(INSTRUMENT_ID, deltas))
    return data


def seconds_of(data: list[Any]) -> float:
    """Return the CPU time of a run, without what comes before and behind the data."""
    engine = BacktestEngine(
        BacktestEngineConfig(
            trader_id=TraderId("BENCH-1"),
            logging=LoggingConfig(bypass_logging=True),
            run_analysis=False,
        )
    )
    funds = [Money(1_000, BTC), Money(100_000, USDT)]
    engine.add_venue(VENUE, OmsType.NETTING, AccountType.CASH, funds, book_type=BookType.L2_MBP)
    engine.add_instrument(instrument())
    engine.add_data(data)
    strategy = Imbalance()
    engine.add_strategy(strategy)
    start = time.process_time()
    engine.run()
    seconds = time.process_time() - start
    assert strategy.events == len(data), (strategy.events, len(data))
    orders = engine.cache.orders_total_count()
    engine.dispose()
    print(f"{len(data)} events, {orders} orders", file=sys.stderr)
    return seconds


def main() -> None:
    os.sched_setaffinity(0, {0})
    with np.load(sys.argv[1]) as recorded:
        data = events_of(recorded)
    seconds_of(data[:WARM_UP_EVENTS])
    print(len(data) / seconds_of(data))


if __name__ == "__main__":
    main()
