"""Which of the firm's own events are new: each stands in the stream once, and in its turn.

Whoever reports them does so at least once, and after a takeover another reports them, too. A
decision is known by its number, which goes on from the last one without a hole; a report by its
order and its `report_id`, an amendment by its trade and its number, which goes on likewise.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import msgspec

from trading.events import DecisionTaken, OrderReported, OwnEvent, ReportKind, TradeAmended
from trading.feeds.rejects import RejectedError, RejectReason

FINISHED_ORDERS_MAX = 10_000
"""Of so many orders that are done the reports are known one by one."""

ENDS = (ReportKind.REFUSED, ReportKind.CANCELED, ReportKind.EXPIRED)


class LineKey(NamedTuple):
    """Whose decisions are numbered together."""

    strategy: str
    symbol: str
    epoch: int


class Line(msgspec.Struct, array_like=True):
    """`last` decision taken, and the report_ids of each order that is open or only just done.

    `amendments` counts them by order and trade, for good: there are few.
    """

    last: int = 0
    reports: dict[int, set[str]] = {}
    amendments: dict[int, dict[int, int]] = {}


class _Known(msgspec.Struct, array_like=True):
    lines: list[tuple[LineKey, Line]]
    finished: list[tuple[LineKey, int]]


class Admission:
    """Remembers what stands in the stream, as far as it must to know it again.

    What an order long done is said to have done again is a repeat, and dropped, but for the refusal
    of a cancel that came too late, of which a second one does no harm.
    """

    def __init__(self) -> None:
        self._lines: dict[LineKey, Line] = {}
        self._finished: OrderedDict[tuple[LineKey, int], None] = OrderedDict()

    def admit(self, event: OwnEvent) -> bool:
        """Say whether the event is new, and remember it.

        Raises `RejectedError` if others must come before it; nothing has changed then.
        """
        line = self._lines.get(_key(event)) or Line()
        if isinstance(event, DecisionTaken):
            if event.number > line.last + 1:
                raise RejectedError(
                    RejectReason.OUT_OF_ORDER,
                    f"decision {event.number} before decision {line.last + 1}",
                )
            is_new = event.number > line.last
        elif isinstance(event, TradeAmended):
            known = line.amendments.get(event.order, {}).get(event.trade_id, 0)
            if event.order > line.last or event.amendment > known + 1:
                raise RejectedError(
                    RejectReason.OUT_OF_ORDER,
                    f"amendment {event.amendment} of trade {event.trade_id} before {known + 1}",
                )
            is_new = event.amendment > known
        else:
            if max(event.order, event.number) > line.last:
                raise RejectedError(
                    RejectReason.OUT_OF_ORDER,
                    f"a report on decision {max(event.order, event.number)}, which is not taken",
                )
            reports = line.reports.get(event.order)
            if reports is None:
                is_new = event.kind == ReportKind.CANCEL_REFUSED
            else:
                is_new = event.report_id not in reports
        # Past this line nothing can fail.
        if is_new:
            self.recall(event)
        return is_new

    def recall(self, event: OwnEvent) -> None:
        """Remember an event that stands in the stream."""
        key = _key(event)
        line = self._lines.setdefault(key, Line())
        if isinstance(event, DecisionTaken):
            line.last = max(line.last, event.number)
            if event.order == event.number:
                line.reports.setdefault(event.order, set())
            return
        if isinstance(event, TradeAmended):
            line.amendments.setdefault(event.order, {})[event.trade_id] = event.amendment
            return
        if event.order not in line.reports and event.kind == ReportKind.CANCEL_REFUSED:
            return
        line.reports.setdefault(event.order, set()).add(event.report_id)
        if event.kind in ENDS or (event.kind == ReportKind.TRADED and event.leaves_lots == 0):
            self._finish(key, event)

    def snapshot(self) -> bytes:
        """Return what `restore` takes."""
        return msgspec.msgpack.encode(_Known(list(self._lines.items()), list(self._finished)))

    def restore(self, data: bytes) -> None:
        """Remember what another did. Raises `msgspec.MsgspecError`."""
        known = msgspec.msgpack.decode(data, type=_Known)
        self._lines = dict(known.lines)
        self._finished = OrderedDict.fromkeys(known.finished)

    def _finish(self, key: LineKey, event: OrderReported) -> None:
        self._finished[key, event.order] = None
        if len(self._finished) > FINISHED_ORDERS_MAX:
            (oldest, order), _ = self._finished.popitem(last=False)
            del self._lines[oldest].reports[order]


def _key(event: OwnEvent) -> LineKey:
    return LineKey(event.strategy, event.symbol, event.epoch)
