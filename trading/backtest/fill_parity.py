"""Whether the recorded decisions, given to the matching core, are filled as they were live.

Each order and each cancel enters the core where the venue had it, by the venue's own sequence: the
reports tell it, a book update tells the sequence up to which it speaks, and a print in which the
firm took part has its report. What others did is the background, as in a backtest. So the fills are
the same wherever only the firm's orders met, and where others had a part, they differ only in what
a recording of levels can't tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import chain
from typing import NamedTuple

import msgspec

from trading.backtest.background import Background
from trading.backtest.columns import CHANGE, RESET, TRADE, Columns
from trading.backtest.firm import Fill, Firm
from trading.backtest.recording import Recording
from trading.backtest.venue import SimulatedVenue
from trading.decisions import Action, Decision, OrderName, OrderStyle
from trading.events import OrderReported, ReportKind

NOT_DECIDED = 1 << 40
"""Added to an order's number for a cancel that no strategy has decided."""


class Difference(StrEnum):
    """Why an order's fills are not the recorded ones."""

    QUEUE_PLACE = "it stood in a queue with others, whose cancels are taken from the back"
    BETWEEN_UPDATES = "it met others whose orders came and went between two updates of the book"
    NOT_PRINTED = "a trade of its is not on the recorded tape"
    NO_SEQUENCE = "no report of its tells the venue's sequence"
    FOLLOWS = "it met an order of the firm's whose fills differ"
    UNEXPLAINED = "only the firm's own orders met"


class FillRow(NamedTuple):
    """What an order was filled at one price, one way.

    Lots of others that the core has as one order may have been several at the venue.
    """

    price_ticks: int
    lots: int
    is_maker: bool


class OrderDifference(msgspec.Struct, frozen=True):
    """An order's fills as they were recorded, and in the core."""

    client_order_id: str
    why: Difference
    recorded: tuple[FillRow, ...]
    replayed: tuple[FillRow, ...]


class FillParity(msgspec.Struct, frozen=True):
    """All orders of the firm's in a symbol."""

    orders: int
    recorded_fills: int
    replayed_fills: int
    differences: tuple[OrderDifference, ...]

    @property
    def unexplained(self) -> int:
        return sum(each.why is Difference.UNEXPLAINED for each in self.differences)


class Act(NamedTuple):
    """What the firm did, when the venue had it."""

    sequence: int
    time_ns: int
    decision: Decision


class Recorded(NamedTuple):
    """The firm's part in a recording, of one symbol."""

    acts: Sequence[Act]
    fills: dict[OrderName, list[Fill]]
    trades: dict[int, int]
    """The venue's sequence of each trade that the firm had a part in, 0 where it is not known."""
    unplaced: frozenset[OrderName]
    """The orders that the venue had, nobody knows when."""


def recorded_part(decisions: Iterable[Decision], reports: Sequence[OrderReported]) -> Recorded:
    """Return what decisions and reports say of when the venue had what, and what was filled."""
    taken = {_name(each): each for each in decisions}
    acts: dict[OrderName, Act] = {}
    fills: dict[OrderName, list[Fill]] = {}
    trades: dict[int, int] = {}
    for report in reports:
        order = OrderName(report.strategy, report.symbol, report.epoch, report.order)
        if report.kind is ReportKind.TRADED:
            fills.setdefault(order, []).append(_fill(order, report))
            trades[report.trade_id] = report.source_sequence
        act = _act(order, report, taken)
        if act is not None:
            acts.setdefault(_name(act.decision), act)
    meetings = Counter(fill.trade_id for filled in fills.values() for fill in filled)
    for filled in fills.values():
        filled[:] = [fill._replace(is_with_others=meetings[fill.trade_id] < 2) for fill in filled]
    for name, filled in fills.items():  # an order may be filled before it is reported as accepted
        if name not in acts and name in taken and (first := trades[filled[0].trade_id]):
            acts[name] = Act(first, filled[0].time_ns, taken[name])
    return Recorded(
        sorted(acts.values(), key=lambda act: (act.sequence, act.decision.number)),
        fills,
        trades,
        frozenset(set(fills) - set(acts)),
    )


class VenueReplay:
    """The recorded decisions in the core, among the recorded others."""

    def __init__(
        self,
        recording: Recording,
        venue: SimulatedVenue,
        background: Background,
        recorded: Recorded,
    ) -> None:
        self.firm = Firm(venue)
        self._recording = recording
        self._venue = venue
        self._background = background
        self._recorded = recorded
        self._next = 0
        self._printed: set[int] = set()

    def run(self, columns: Columns) -> None:
        """Go on with the next columns of the recording."""
        recording, trades = self._recording, self._recorded.trades
        recording.load(columns)
        for row, kind in enumerate(columns.kind.tolist()):
            now_ns = int(columns.exchange_ns[row])
            if kind == TRADE:
                trade_id = int(columns.trade_id[row])
                if trade_id in trades:
                    self._printed.add(trade_id)
                    self._act(trades[trade_id])
                self._venue.now_ns = now_ns
                self._background.print(row)
            elif kind in (CHANGE, RESET):
                self._act(int(columns.source_sequence[row]))
                self._venue.now_ns = now_ns
                self._background.change(row)
            self.firm.reports(self._venue.take_own_events())

    def compare(self) -> FillParity:
        """Let what is left happen; return how the fills compare."""
        if self._recorded.acts:
            self._act(self._recorded.acts[-1].sequence)
        recorded, replayed = self._recorded.fills, _by_order(self.firm.fills)
        placed = [act for act in self._recorded.acts if act.decision.action is Action.PLACE]
        names = dict.fromkeys([*(_name(act.decision) for act in placed), *recorded])
        differing = {
            name: self._why(name)
            for name in names
            if _rows(recorded.get(name, [])) != _rows(replayed.get(name, []))
        }
        _follow(differing, [*chain(*recorded.values())], self.firm.fills)
        return FillParity(
            len(names),
            sum(map(len, recorded.values())),
            len(self.firm.fills),
            tuple(
                OrderDifference(
                    name.client_order_id,
                    why,
                    _rows(recorded.get(name, [])),
                    _rows(replayed.get(name, [])),
                )
                for name, why in differing.items()
            ),
        )

    def _act(self, through: int) -> None:
        acts = self._recorded.acts
        while self._next < len(acts) and acts[self._next].sequence <= through:
            act = acts[self._next]
            self._venue.now_ns = act.time_ns
            self.firm.execute(act.decision)
            self._next += 1

    def _why(self, name: OrderName) -> Difference:
        recorded = self._recorded.fills.get(name, [])
        if name in self._recorded.unplaced:
            return Difference.NO_SEQUENCE
        if not all(fill.trade_id in self._printed for fill in recorded):
            return Difference.NOT_PRINTED
        if name in self.firm.behind_others:
            return Difference.QUEUE_PLACE
        replayed = [fill for fill in self.firm.fills if fill.order == name]
        if any(fill.is_with_others for fill in [*recorded, *replayed]):
            return Difference.BETWEEN_UPDATES
        return Difference.UNEXPLAINED


def _follow(differing: dict[OrderName, Difference], *sides: Iterable[Fill]) -> None:
    """Explain what is not by the orders that it met, of the recording and of the core."""
    meetings: dict[tuple[int, int], list[OrderName]] = {}
    for side, fills in enumerate(sides):
        for fill in fills:
            meetings.setdefault((side, fill.trade_id), []).append(fill.order)
    explained = [name for name, why in differing.items() if why is not Difference.UNEXPLAINED]
    while explained:
        name = explained.pop()
        for met in meetings.values():
            if name in met:
                for other in met:
                    if differing.get(other) is Difference.UNEXPLAINED:
                        differing[other] = Difference.FOLLOWS
                        explained.append(other)


def _by_order(fills: Iterable[Fill]) -> dict[OrderName, list[Fill]]:
    by_order: dict[OrderName, list[Fill]] = {}
    for fill in fills:
        by_order.setdefault(fill.order, []).append(fill)
    return by_order


def _act(order: OrderName, report: OrderReported, taken: dict[OrderName, Decision]) -> Act | None:
    """Return what of the firm's a report shows the venue to have had, and when."""
    if not report.source_sequence:
        return None
    if report.kind is ReportKind.ACCEPTED:
        decision = taken.get(order)
    elif report.kind in (ReportKind.CANCELED, ReportKind.EXPIRED):
        placed = taken.get(order)
        if placed is None or placed.style is OrderStyle.IMMEDIATE:
            return None  # its rest ends by itself
        decision = taken.get(order._replace(number=report.number))
        if decision is None:  # ended by the venue, or its desk
            number = placed.number + NOT_DECIDED
            decision = msgspec.structs.replace(placed, number=number, action=Action.CANCEL)
    else:
        return None
    if decision is None:
        return None
    return Act(report.source_sequence, report.exchange_ns, decision)


def _name(decision: Decision) -> OrderName:
    return OrderName(decision.strategy, decision.symbol, decision.epoch, decision.number)


def _fill(order: OrderName, report: OrderReported) -> Fill:
    return Fill(
        report.exchange_ns,
        order,
        report.trade_id,
        report.side,
        report.fill_price_ticks,
        report.fill_lots,
        report.fee_units,
        report.is_maker,
        False,  # until both sides are known
    )


def _rows(fills: Sequence[Fill]) -> tuple[FillRow, ...]:
    """Return an order's fills in order, those at one price as one."""
    rows: list[FillRow] = []
    for fill in fills:
        row = FillRow(fill.price_ticks, fill.lots, fill.is_maker)
        last = rows[-1] if rows else None
        if last and (last.price_ticks, last.is_maker) == (row.price_ticks, row.is_maker):
            row = row._replace(lots=last.lots + row.lots)
            rows.pop()
        rows.append(row)
    return tuple(rows)
