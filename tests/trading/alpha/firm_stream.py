"""Streams as the feeds handler numbers them: a random market, and what became of decisions."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

from trading.alpha.machine import Machine
from trading.decisions import Action, Decision, OrderStyle
from trading.events import (
    AnyEvent,
    BookChanged,
    BookReset,
    DecisionTaken,
    FeedLost,
    InstrumentDefined,
    Level,
    OrderReported,
    ReportKind,
    TimePassed,
    TradeAmended,
    TradePrinted,
)
from trading.runs import StrategyRun
from vocabulary.types import Side

SYMBOL = "BTCUSDT"
EPOCH = 1_795_348_800
START_NS = EPOCH * 1_000_000_000
STEP_NS = 40_000_000
PRICES = range(900, 1_100)

ENTRIES = {
    "market_making": StrategyRun(
        name="maker",
        strategy="market_making",
        parameters={"order_lots": 10, "position_lots_max": 40, "half_spread_ticks": 2},
        symbols=(SYMBOL,),
    ),
    "momentum": StrategyRun(
        name="trend",
        strategy="momentum",
        parameters={
            "sample_ms": 100,
            "fast_samples": 2,
            "slow_samples": 6,
            "band_ticks": 0,
            "position_lots": 30,
            "order_lots": 20,
        },
        symbols=(SYMBOL,),
    ),
    "imbalance": StrategyRun(
        name="flow",
        strategy="imbalance",
        parameters={"interval_ms": 200, "threshold_milliticks": 500, "position_lots": 20},
        symbols=(SYMBOL,),
    ),
    "noise": StrategyRun(
        name="noise",
        strategy="noise",
        parameters={"actions_per_second": 20, "order_lots": 10, "position_lots_max": 50},
        symbols=(SYMBOL,),
    ),
}


def machine(kind: str) -> Machine:
    return Machine(ENTRIES[kind], SYMBOL, EPOCH)


def replay(into: Machine, events: list[AnyEvent]) -> list[Decision]:
    return [decision for event in events for decision in into.step(event)]


class FirmStream:
    """Makes events one after the other; the machines see each, and their decisions come back.

    Some decisions are taken at once, some later; an order is accepted or refused, trades in parts,
    is canceled by request or by itself, now and then after it has traded.
    """

    def __init__(self, seed: int, machines: list[Machine]) -> None:
        self.events: list[AnyEvent] = []
        self.decisions: list[Decision] = []
        self._chance = random.Random(seed)
        self._machines = machines
        self._now_ns = START_NS
        self._untaken: deque[Decision] = deque()
        self._unanswered: deque[Decision] = deque()
        self._open: dict[tuple[str, int], tuple[Decision, int]] = {}  # with what is left
        self._middle = 1_000
        self._reports = 0
        self._put(InstrumentDefined, "BTC", "USDT", 1, 2, 1, 5)
        self._reset()

    def run(self, count: int) -> list[AnyEvent]:
        while len(self.events) < count:
            self._now_ns += self._chance.randrange(STEP_NS)
            act = self._chance.choices(
                (self._change, self._print, self._pass, self._lose, self._answer, self._take),
                (50, 8, 15, 1, 12, 12),
            )[0]
            act()
        return self.events

    def _put(self, kind: Any, *fields: Any) -> None:
        number = len(self.events) + 1
        times = (self._now_ns - 1_000, self._now_ns)
        event = kind(number, SYMBOL, 0, *times, *fields)
        self.events.append(event)
        for each in self._machines:
            decisions = each.step(event)
            self.decisions += decisions
            self._untaken.extend(decisions)

    def _levels(self, side: int) -> tuple[Level, ...]:
        chance = self._chance
        prices = {self._middle + side * chance.randrange(1, 12) for _ in range(chance.randrange(8))}
        return tuple(Level(price, chance.choice((0, 5, 20, 300))) for price in prices)

    def _reset(self) -> None:
        bids = tuple(Level(self._middle - away, 50 * away) for away in range(1, 8))
        asks = tuple(Level(self._middle + away, 50 * away) for away in range(1, 8))
        self._put(BookReset, bids, asks)

    def _change(self) -> None:
        move = self._chance.choice((-1, 0, 0, 0, 1))
        self._middle = min(max(self._middle + move, PRICES[0]), PRICES[-1])
        # What the middle has passed is gone: the book is never crossed.
        gone = (Level(self._middle, 0),)
        self._put(BookChanged, gone + self._levels(-1), gone + self._levels(1))

    def _print(self) -> None:
        is_maker = self._chance.random() < 0.5
        self._put(TradePrinted, len(self.events), self._middle, 7, is_maker)

    def _pass(self) -> None:
        self._put(TimePassed)

    def _lose(self) -> None:
        self._put(FeedLost, "no connection")
        self._reset()

    def _take(self) -> None:
        if self._untaken:
            decision = self._untaken.popleft()
            self._unanswered.append(decision)
            taken = [getattr(decision, name) for name in decision.__struct_fields__]
            del taken[1]  # the symbol, which every event has
            self._put(DecisionTaken, *taken)

    def _answer(self) -> None:
        """Tell what became of a decision, or of an open order."""
        if self._unanswered and self._chance.random() < 0.7:
            decision = self._unanswered.popleft()
            if decision.action is Action.CANCEL:
                self._answer_cancel(decision)
            else:
                self._answer_order(decision)
        elif self._open:
            decision, leaves = self._open[self._chance.choice(list(self._open))]
            if self._chance.random() < 0.8:
                self._trade(decision, leaves, self._chance.randint(1, leaves))
            else:
                self._close(decision, ReportKind.EXPIRED, leaves)

    def _answer_order(self, decision: Decision) -> None:
        if self._chance.random() < 0.1:
            self._report(decision, decision.number, ReportKind.REFUSED, 0)
            return
        self._report(decision, decision.number, ReportKind.ACCEPTED, decision.lots)
        self._open[decision.strategy, decision.number] = (decision, decision.lots)
        if decision.style is OrderStyle.IMMEDIATE:
            lots = self._chance.randint(0, decision.lots)
            leaves = self._trade(decision, decision.lots, lots) if lots else decision.lots
            if leaves:
                self._close(decision, ReportKind.CANCELED, leaves)

    def _answer_cancel(self, cancel: Decision) -> None:
        decision, leaves = self._open.get((cancel.strategy, cancel.order), (cancel, 0))
        if leaves and self._chance.random() < 0.2:
            leaves = self._trade(decision, leaves, leaves)
        if leaves:
            self._close(decision, ReportKind.CANCELED, leaves, cancel.number)
        else:
            self._report(cancel, cancel.number, ReportKind.CANCEL_REFUSED, 0)

    def _close(self, decision: Decision, kind: ReportKind, leaves: int, number: int = 0) -> None:
        del self._open[decision.strategy, decision.number]
        self._report(decision, number, kind, leaves)

    def _trade(self, decision: Decision, leaves: int, lots: int) -> int:
        leaves -= lots
        if leaves:
            self._open[decision.strategy, decision.number] = (decision, leaves)
        else:
            del self._open[decision.strategy, decision.number]
        self._report(decision, 0, ReportKind.TRADED, leaves, lots)
        if self._chance.random() < 0.1:
            self._amend(decision, lots)
        return leaves

    def _amend(self, decision: Decision, lots: int) -> None:
        """Let the venue's desk undo the fill that was reported last, or a part of it."""
        left = self._chance.randint(0, lots - 1)
        now = (decision.price_ticks, left, 3) if left else (0, 0, 0)
        self._put(
            TradeAmended, decision.strategy, decision.epoch, decision.order, self._reports, 1,
            decision.side, decision.price_ticks, lots, 3, *now,
        )  # fmt: skip

    def _report(
        self, about: Decision, number: int, kind: ReportKind, leaves: int, fill: int = 0
    ) -> None:
        self._reports += 1
        self._put(
            OrderReported,
            about.strategy,
            about.epoch,
            about.order,
            number,
            kind,
            about.side,
            about.price_ticks,
            about.lots,
            about.lots - leaves,
            leaves if kind in {ReportKind.ACCEPTED, ReportKind.TRADED} else 0,
            about.price_ticks if fill else 0,
            fill,
            3 if fill else 0,
            self._reports if fill else 0,
            about.side is Side.BUY,
            f"r-{self._reports}",
            "",
        )
