"""A market by hand: the strategy's machine, and the events that a test puts into it."""

from __future__ import annotations

from typing import Any

from trading.alpha.machine import Machine
from trading.decisions import Decision
from trading.events import BookReset, DecisionTaken, Level, OrderReported, ReportKind, TimePassed
from trading.runs import StrategyRun
from vocabulary.types import Side

SECOND_NS = 1_000_000_000
START_NS = 1_795_348_800 * SECOND_NS


class Desk:
    """One strategy and the events for it, numbered and timed."""

    def __init__(self, strategy: str, **parameters: Any) -> None:
        entry = StrategyRun(
            name="own", strategy=strategy, parameters=parameters, symbols=("BTCUSDT",)
        )
        self.machine = Machine(entry, "BTCUSDT", 1)
        self.now_ns = START_NS
        self._sequence = 0

    def put(self, kind: Any, *fields: Any, after_s: float = 0.0) -> list[Decision]:
        self._sequence += 1
        self.now_ns += int(after_s * SECOND_NS)
        event = kind(self._sequence, "BTCUSDT", 0, self.now_ns, self.now_ns, *fields)
        return self.machine.step(event)

    def book(
        self, bid: int, ask: int, *, lots: tuple[int, int] = (50, 50), after_s: float = 0.0
    ) -> list[Decision]:
        """Make this the whole book; a price of 0 leaves a side empty."""
        bids = (Level(bid, lots[0]),) if bid else ()
        asks = (Level(ask, lots[1]),) if ask else ()
        return self.put(BookReset, bids, asks, after_s=after_s)

    def wait(self, seconds: float) -> list[Decision]:
        return self.put(TimePassed, after_s=seconds)

    def take(self, decision: Decision) -> list[Decision]:
        fields = [getattr(decision, name) for name in decision.__struct_fields__]
        del fields[1]
        return self.put(DecisionTaken, *fields)

    def report(self, decision: Decision, kind: ReportKind, fill: int = 0) -> list[Decision]:
        order = self.machine.orders.live.get(decision.order)
        leaves = (order.leaves_lots if order else 0) - fill
        return self.put(
            OrderReported,
            *("own", 1, decision.order, decision.number, kind, decision.side),
            *(decision.price_ticks, decision.lots, decision.lots - leaves, leaves),
            *(decision.price_ticks if fill else 0, fill, 0, 0, True, f"r{self._sequence}", ""),
        )

    def accept(self, decisions: list[Decision]) -> list[Decision]:
        """Take and accept orders; return what is decided at that."""
        after = [each for decision in decisions for each in self.take(decision)]
        for decision in decisions:
            after += self.report(decision, ReportKind.ACCEPTED)
        return after


def quotes(decisions: list[Decision]) -> tuple[int, int]:
    """Return the prices of a bid and an offer that are both decided, and nothing else."""
    by_side = {each.side: each.price_ticks for each in decisions}
    assert len(decisions) == len(by_side) == 2
    return by_side[Side.BUY], by_side[Side.SELL]
