"""The firm's own orders in a recording, so that they can be taken out of its book and its tape.

What the venue published while the firm traded has the firm's orders in it. The reports say which
lots those were, with the venue's sequence of each change; a book update has the venue's sequence up
to which it speaks. So what of a level was the firm's is known exactly, whichever of report and
update was heard first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from trading.events import OrderReported, ReportKind

OrderKey = tuple[str, int, int]


class RecordedOrders:
    """The firm's lots by level, as of the venue's sequence `through`."""

    def __init__(self, reports: Iterable[OrderReported]) -> None:
        self.lots: Counter[tuple[int, int]] = Counter()
        """By side and price."""
        self.taken: set[int] = set()
        """The trades in which the firm's was the incoming order: without it they were not made."""
        self.order_count = 0
        """How many orders of the firm's the venue had."""
        self._changes = self._follow(reports)
        self._next = 0

    def advance(self, through: int) -> list[tuple[int, int]]:
        """Go on to a sequence of the venue; return the levels, side and price, that it changed."""
        changes = self._changes
        levels = []
        while self._next < len(changes) and changes[self._next][0] <= through:
            _, side, price_ticks, lots = changes[self._next]
            self.lots[side, price_ticks] += lots
            levels.append((side, price_ticks))
            self._next += 1
        return levels

    def _follow(self, reports: Iterable[OrderReported]) -> list[tuple[int, int, int, int]]:
        """Return sequence, side, price and change in lots of what rested, in the venue's order."""
        resting: dict[OrderKey, int] = {}
        changes = []
        sequence = 0
        for report in by_venue(reports):
            sequence = report.source_sequence or sequence
            key = (report.strategy, report.epoch, report.order)
            before = resting.get(key, 0)
            if report.kind is ReportKind.ACCEPTED and key not in resting:
                self.order_count += 1
                after = report.lots - report.cumulative_lots
            elif report.kind is ReportKind.TRADED:
                self.order_count += key not in resting
                after = max(0, before - report.fill_lots)
                if not report.is_maker:
                    self.taken.add(report.trade_id)
            elif report.kind in (ReportKind.CANCELED, ReportKind.EXPIRED):
                after = 0
            else:
                continue
            resting[key] = after
            changes.append((sequence, int(report.side), report.price_ticks, after - before))
        return changes


def by_venue(reports: Iterable[OrderReported]) -> list[OrderReported]:
    """Return reports in the venue's order; one that has no sequence stays behind the one before."""
    placed = []
    sequence = 0
    for report in reports:
        sequence = report.source_sequence or sequence
        placed.append((sequence, report.stream_sequence, report))
    return [report for *_, report in sorted(placed, key=lambda each: each[:2])]
