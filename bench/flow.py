"""Seeded flows of commands such as busy books see, as files of `agio.flow_file`.

    python -m bench.flow normal.bin --kind normal --commands 1000000 --symbols 100

Per 100 commands 40 cancels, 10 replaces, 9 immediate-or-cancel and 3 market orders; the rest are
limit orders, nearly all of which rest, about a price that walks and is drawn back to an anchor. New
orders and cancels keep each book at about `depth`. The maker does not match: it cancels and
replaces orders that have been filled meanwhile, too, as clients do. A symbol's share of the
commands falls with its number. Three of four orders that rest stand near the price, the others
anywhere up to `spread` ticks away.

Kinds differ in what the price does:

normal       walks about its anchor
static       stands still
swing-25     goes up and down by 25% of the anchor, all over the flow
swing-40     by 40%
flash-crash  falls by 60% within a fiftieth of the flow, by market orders through a book that is
             being canceled, and climbs back
"""

from __future__ import annotations

import argparse
import math
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from random import Random

import numpy as np

from agio.flow_file import (
    CANCEL,
    COMMAND,
    IMMEDIATE_OR_CANCEL,
    LIMIT,
    MARKET,
    REPLACE,
    Flow,
    write_flow,
)

ACCOUNTS = 1000
DEPTH = 1000
SPREAD_TICKS = 250
ANCHOR_TICKS = 10_000
KINDS = ("normal", "static", "swing-25", "swing-40", "flash-crash")
CRASH_AT, CRASH_ENDS = 0.50, 0.52
CRASH_DEPTH = 0.6

Row = tuple[int, int, int, int, int, int, int]  # the fields of `COMMAND`


class Market:
    """One symbol as its clients see it: where the price is, and the orders that they placed."""

    def __init__(self, symbol: int, spread: int) -> None:
        self.symbol = symbol
        self.anchor = max(ANCHOR_TICKS, 4 * spread) + 1000 * (symbol % 20)
        self.mid = self.anchor
        self.walked = 0
        self.placed: list[list[int]] = []  # order id, side, account, price, quantity


class FlowMaker:
    """Draws the commands of a flow, one by one."""

    def __init__(self, seed: int, symbols: int, depth: int, spread: int, kind: str) -> None:
        self.uniform = Random(seed).random
        self.markets = [Market(symbol, spread) for symbol in range(symbols)]
        self.shares = list(accumulate(1 / (symbol + 1) for symbol in range(symbols)))
        self.depth = depth
        self.spread = spread
        self.kind = kind
        self.last_id = 0

    def warmup(self) -> Iterator[Row]:
        """Yield the orders that fill the books."""
        for market in self.markets:
            for _ in range(self.depth):
                yield self.enter(market, LIMIT)

    def draw(self, progress: float) -> Row:
        """Return the next command; `progress` goes from 0 to 1."""
        drawn = self.uniform() * self.shares[-1]
        market = self.markets[bisect_left(self.shares, drawn)]
        self.move(market, progress)
        is_crash = self.kind == "flash-crash" and CRASH_AT <= progress < CRASH_ENDS
        chance = self.uniform()
        if is_crash and chance < 0.3:
            return self.enter(market, MARKET, side=2)
        if chance < 0.09:
            return self.enter(market, IMMEDIATE_OR_CANCEL)
        if chance < 0.12:
            return self.enter(market, MARKET)
        if chance < 0.22 and market.placed:
            return self.replace(market)
        shortage = 1 - len(market.placed) / (self.depth * (0.3 if is_crash else 1.1))
        if self.uniform() < 0.5 + max(-0.4, min(0.4, 4 * shortage)) or not market.placed:
            return self.enter(market, LIMIT)
        return self.cancel(market)

    def move(self, market: Market, progress: float) -> None:
        if self.kind == "static":
            return
        if self.uniform() < 0.02:
            pull = max(-0.4, min(0.4, -0.01 * market.walked))
            market.walked += 1 if self.uniform() < 0.5 + pull else -1
        base = 1.0
        if self.kind == "swing-25":
            base += 0.25 * math.sin(20 * math.pi * progress)
        elif self.kind == "swing-40":
            base += 0.40 * math.sin(20 * math.pi * progress)
        elif self.kind == "flash-crash" and CRASH_AT <= progress < 0.9:
            falling = (progress - CRASH_AT) / (CRASH_ENDS - CRASH_AT)
            rising = (0.9 - progress) / (0.9 - CRASH_ENDS)
            base -= CRASH_DEPTH * min(falling, rising)
        market.mid = int(market.anchor * base) + market.walked

    def passive_price(self, market: Market, side: int) -> int:
        drawn = self.uniform()
        near = 0.128 * (drawn / 0.75) ** 2
        offset = 1 + int(self.spread * (near if drawn < 0.75 else 4 * (drawn - 0.75)))
        return market.mid - offset if side == 1 else market.mid + offset

    def enter(self, market: Market, kind: int, side: int = 0) -> Row:
        self.last_id += 1
        side = side or (1 if self.uniform() < 0.5 else 2)
        account = 1 + int(ACCOUNTS * self.uniform())
        if kind == LIMIT:
            quantity = 1 + int(100 * self.uniform())
            is_aggressive = self.uniform() < 0.03
        else:
            quantity = 1 + int((10 if kind == IMMEDIATE_OR_CANCEL else 20) * self.uniform())
            is_aggressive = True
        if kind == MARKET:
            price = 0
        elif is_aggressive:
            price = market.mid + (1 if side == 1 else -1) * int(6 * self.uniform())
        else:
            price = self.passive_price(market, side)
            market.placed.append([self.last_id, side, account, price, quantity])
        return kind, side, market.symbol, account, self.last_id, price, quantity

    def cancel(self, market: Market) -> Row:
        placed = market.placed
        chosen = int(len(placed) * self.uniform())
        order_id, side, account, _, _ = placed[chosen]
        placed[chosen] = placed[-1]
        placed.pop()
        return CANCEL, side, market.symbol, account, order_id, 0, 0

    def replace(self, market: Market) -> Row:
        order = market.placed[int(len(market.placed) * self.uniform())]
        order_id, side, account, price, quantity = order
        chance = self.uniform()
        if chance < 0.5:
            price = self.passive_price(market, side)
        elif chance < 0.8:
            quantity = max(1, quantity // 2)
        else:
            quantity += 1 + int(50 * self.uniform())
        order[3:] = price, quantity
        return REPLACE, side, market.symbol, account, order_id, price, quantity


def make_flow(
    count: int,
    symbols: int = 1,
    seed: int = 1,
    kind: str = "normal",
    depth: int = DEPTH,
    spread: int = SPREAD_TICKS,
) -> Flow:
    """Return a flow of so many commands behind those that fill the books."""
    maker = FlowMaker(seed, symbols, depth, spread, kind)
    rows = list(maker.warmup())
    warmup = len(rows)
    rows += [maker.draw(number / count) for number in range(count)]
    return Flow(symbols, warmup, np.array(rows, COMMAND))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.flow", description="Make a flow file.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--kind", choices=KINDS, default="normal")
    parser.add_argument("--commands", type=int, default=1_000_000)
    parser.add_argument("--symbols", type=int, default=1)
    parser.add_argument("--depth", type=int, default=DEPTH, help="orders resting per symbol")
    parser.add_argument(
        "--spread", type=int, default=SPREAD_TICKS, help="of their prices, in ticks"
    )
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    shape = (given.kind, given.depth, given.spread)
    flow = make_flow(given.commands, given.symbols, given.seed, *shape)
    write_flow(given.file, flow, given.seed)


if __name__ == "__main__":
    main()
