"""A strategy's machine over recorded history, its orders in the venue's own core, and time between.

A recorded event happens in the core at its `received_ns`, and is shown to the strategy then. A
decision reaches the core the latency later, and what the core says of it the strategy the latency
after that. Of what falls on one nanosecond the recorded market comes first, which favours others.

The strategy sees a stream such as the data feeds handler makes: the recorded market, with the
firm's orders in its book as they are in the core, and the firm's own events in their places.
"""

from collections import deque
from collections.abc import Iterable
from typing import Protocol

from msgspec.structs import replace

from trading.backtest.background import Background
from trading.backtest.columns import CHANGE, RESET, TRADE, Columns
from trading.backtest.firm import Fill, Firm
from trading.backtest.performance import Sample
from trading.backtest.recording import Recording
from trading.backtest.venue import BUY, SELL, SimulatedVenue
from trading.decisions import Decision
from trading.events import (
    AnyEvent,
    BookChanged,
    BookReset,
    Level,
    OrderReported,
    OwnEvent,
    TradePrinted,
    decision_taken,
)

SAMPLE_NS = 1_000_000_000


class Machine(Protocol):
    """A strategy in one symbol: `trading.alpha.machine.Machine`, or whatever does the same."""

    def step(self, event: AnyEvent) -> list[Decision]: ...


class Simulation:
    """One machine, one symbol, one venue. `latency_ns` is that of each way."""

    def __init__(
        self,
        machine: Machine,
        recording: Recording,
        venue: SimulatedVenue,
        background: Background,
        latency_ns: int,
    ) -> None:
        self.machine = machine
        self.recording = recording
        self.venue = venue
        self.background = background
        self.firm = Firm(venue)
        self.latency_ns = latency_ns
        self.now_ns = 0
        self.stream_sequence = 0
        self.book_sequence = 0
        self.market_events = 0
        self.decisions: list[Decision] = []
        self.samples: list[Sample] = []
        self.sample_due_ns = 0
        self.commands: deque[tuple[int, Decision]] = deque()
        self.own: deque[tuple[int, OwnEvent]] = deque()

    @property
    def fills(self) -> list[Fill]:
        return self.firm.fills

    def run(self, columns: Columns) -> None:
        """Go on with the next columns of the recording."""
        recording = self.recording
        recording.load(columns)
        for row in range(recording.rows):
            time_ns = recording.received_ns[row]
            if time_ns > self.now_ns:
                self.advance(time_ns)
            self.happen(row)
        self.market_events += recording.rows

    def finish(self) -> None:
        """Let all that is still under way arrive; decisions made then are not carried out."""
        self.arrive(self.now_ns + 2 * self.latency_ns + 1)
        self.sample(self.now_ns)

    # --- Time.

    def advance(self, time_ns: int) -> None:
        """Let everything arrive that does so before `time_ns`."""
        if self.commands or self.own:
            self.arrive(time_ns)
        if time_ns >= self.sample_due_ns:
            self.sample(time_ns)
        self.now_ns = self.venue.now_ns = time_ns

    def arrive(self, time_ns: int) -> None:
        while True:
            command_ns = self.commands[0][0] if self.commands else time_ns
            own_ns = self.own[0][0] if self.own else time_ns
            if command_ns >= time_ns and own_ns >= time_ns:
                return
            if own_ns <= command_ns:
                self.now_ns = self.venue.now_ns = own_ns
                event = self.own.popleft()[1]
                place = {"stream_sequence": self.next_sequence(), "received_ns": own_ns}
                self.show(replace(event, **place))
            else:
                self.now_ns = self.venue.now_ns = command_ns
                self.execute(self.commands.popleft()[1])

    def sample(self, time_ns: int) -> None:
        bid, ask = self.venue.book.buys.best, self.venue.book.sells.best
        bid_ticks = bid.price_ticks if bid is not None else 0
        ask_ticks = ask.price_ticks if ask is not None else 0
        self.samples.append(Sample(time_ns, bid_ticks, ask_ticks))
        self.sample_due_ns = time_ns - time_ns % SAMPLE_NS + SAMPLE_NS

    # --- The market.

    def happen(self, row: int) -> None:
        """Let a recorded row happen in the core, and show it."""
        kind = self.recording.kind[row]
        background = self.background
        if kind in (CHANGE, RESET):
            self.book_sequence = self.recording.source_sequence[row]
            background.change(row)
            if self.is_altered(row, kind):
                self.show(self.true_book(row))
            else:
                self.show(self.recording.event(row, self.next_sequence()))
        elif kind == TRADE and not background.print(row):
            return
        else:
            self.show(self.recording.event(row, self.next_sequence()))
        if self.venue.own_events:
            self.report(self.firm.reports(self.venue.take_own_events()))

    def is_altered(self, row: int, kind: int) -> bool:
        """Say whether the strategy must be shown another book than the row has."""
        if not self.decisions and not self.background.has_recorded_orders:
            return False
        others = self.background.others
        return bool(others) or kind == RESET or not self.background.is_in_core(row)

    def true_book(self, row: int) -> AnyEvent:
        """Return a row's event with what the core has at its levels, the firm's orders too."""
        event = self.recording.event(row, self.next_sequence())
        if isinstance(event, BookReset):
            return replace(event, bids=self.whole(BUY), asks=self.whole(SELL))
        assert isinstance(event, BookChanged)
        prices = [(BUY, level.price_ticks) for level in event.bids]
        prices += [(SELL, level.price_ticks) for level in event.asks]
        bids, asks = self.levels([*prices, *self.background.others])
        return replace(event, bids=bids, asks=asks)

    def whole(self, side: int) -> tuple[Level, ...]:
        return tuple([Level(each.price_ticks, each.lots) for each in self.venue.book.own(side)])

    def levels(
        self, prices: Iterable[tuple[int, int]]
    ) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Return bids and asks as the core has them at the given sides and prices."""
        sides: dict[int, list[Level]] = {BUY: [], SELL: []}
        for side, price in dict.fromkeys(prices):
            sides[side].append(Level(price, self.venue.level_lots(side, price)))
        return tuple(sides[BUY]), tuple(sides[SELL])

    # --- The firm.

    def show(self, event: AnyEvent) -> None:
        """Show the strategy an event, and send what it decides on its way."""
        decisions = self.machine.step(event)
        if decisions:
            due_ns = self.now_ns + self.latency_ns
            for decision in decisions:
                self.decisions.append(decision)
                self.commands.append((due_ns, decision))

    def execute(self, decision: Decision) -> None:
        """Let a decision reach the core."""
        self.own.append((self.now_ns + self.latency_ns, decision_taken(decision, self.now_ns)))
        reports = self.firm.execute(decision)
        for report in reports:
            if report.trade_id and not report.is_maker:
                self.print(report)
        self.report(reports)

    def report(self, reports: Iterable[OrderReported]) -> None:
        """Send reports on their way, and show what the firm's orders did to the book."""
        due_ns = self.now_ns + self.latency_ns
        for report in reports:
            self.own.append((due_ns, report))
        touched = self.firm.take_touched()
        if touched:
            bids, asks = self.levels(touched)
            self.show(BookChanged(*self.place(), bids, asks))

    def print(self, report: OrderReported) -> None:
        """Show the trade that an order of the firm's has made on its arrival."""
        buyer_is_maker = report.side == SELL
        fill = (report.fill_price_ticks, report.fill_lots)
        self.show(TradePrinted(*self.place(), report.trade_id, *fill, buyer_is_maker))

    def place(self) -> tuple[int, str, int, int, int]:
        symbol = self.recording.symbol
        return (self.next_sequence(), symbol, self.book_sequence, self.now_ns, self.now_ns)

    def next_sequence(self) -> int:
        self.stream_sequence += 1
        return self.stream_sequence
