"""From recorded market events to what the background does in the simulated venue.

The rules, row by row:

- A level of the book is all that rests there. Its lots without those that were the firm's in the
  recording are what the background must have; more than it has joins at the back, less leaves from
  the back.
- A print is an immediate order of the background, which meets the queue first in, first out. One in
  which the firm's recorded order was the incoming one was not made without it, and is left out.

A print is told before the change of the book that it makes, so that change finds the level as it
should be already. Where it does not, the next message about the book puts that right.
"""

from trading.backtest.columns import RESET
from trading.backtest.recorded_orders import RecordedOrders
from trading.backtest.recording import Recording
from trading.backtest.venue import BUY, SELL, SimulatedVenue


class Background:
    """Carries recorded rows into a venue. `bids` and `asks` are the recorded book."""

    def __init__(
        self, recording: Recording, venue: SimulatedVenue, recorded_orders: RecordedOrders
    ) -> None:
        self.recording = recording
        self.venue = venue
        self.recorded_orders = recorded_orders
        self.has_recorded_orders = recorded_orders.order_count > 0
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.others: list[tuple[int, int]] = []
        """Side and price of the levels beyond the row's that the last change settled."""

    def print(self, row: int) -> bool:
        """Let a print happen; return False where it was the firm's own doing."""
        recording = self.recording
        if self.has_recorded_orders and recording.trade_id[row] in self.recorded_orders.taken:
            return False
        at = recording.begin[row]
        # A print stands on the side that it was taken from.
        side = SELL if recording.middle[row] == recording.end[row] else BUY
        self.venue.take(side, recording.price_ticks[at], recording.lots[at])
        return True

    def change(self, row: int) -> None:
        """Let the book become what the row says."""
        recording = self.recording
        begin = recording.begin[row]
        middle = recording.middle[row]
        end = recording.end[row]
        if self.others:
            self.others = []
        if self.has_recorded_orders:
            self.others = self.recorded_orders.advance(recording.source_sequence[row])
        if self.venue.changed:
            for side, price in self.venue.changed:
                if not self.tells(row, side, price):
                    self.others.append((side, price))
            self.venue.changed = []
        if recording.kind[row] == RESET:
            self.others += [(BUY, price) for price in self.bids]
            self.others += [(SELL, price) for price in self.asks]
            self.bids.clear()
            self.asks.clear()
        self.record(self.bids, begin, middle)
        self.record(self.asks, middle, end)
        if end == begin + 1 and not self.others:
            side = BUY if begin < middle else SELL
            price = recording.price_ticks[begin]
            self.venue.settle(side, price, self.less_recorded(side, price, recording.lots[begin]))
            return
        # What leaves goes first, so that the book is never crossed in between.
        for at in range(begin, end):
            self.shrink(BUY if at < middle else SELL, recording.price_ticks[at])
        for side, price in self.others:
            self.shrink(side, price)
        for at in range(begin, end):
            self.grow(BUY if at < middle else SELL, recording.price_ticks[at])
        for side, price in self.others:
            self.grow(side, price)

    def tells(self, row: int, side: int, price_ticks: int) -> bool:
        """Say whether a row of the book tells of a level."""
        recording = self.recording
        middle = recording.middle[row]
        begin, end = recording.begin[row], recording.end[row]
        for at in range(begin if side == BUY else middle, middle if side == BUY else end):
            if recording.price_ticks[at] == price_ticks:
                return True
        return False

    def is_in_core(self, row: int) -> bool:
        """Say whether the levels that a row tells of are so in the core, the firm's orders too."""
        recording = self.recording
        middle = recording.middle[row]
        for at in range(recording.begin[row], recording.end[row]):
            side = BUY if at < middle else SELL
            if self.venue.level_lots(side, recording.price_ticks[at]) != recording.lots[at]:
                return False
        return True

    def wanted(self, side: int, price_ticks: int) -> int:
        """Return what the background is to have at a price."""
        recorded = self.bids if side == BUY else self.asks
        return self.less_recorded(side, price_ticks, recorded.get(price_ticks, 0))

    def less_recorded(self, side: int, price_ticks: int, lots: int) -> int:
        """Return what of a level's lots was not the firm's in the recording."""
        if self.has_recorded_orders:
            lots -= self.recorded_orders.lots[side, price_ticks]
        return max(0, lots)

    def shrink(self, side: int, price_ticks: int) -> None:
        lots = self.wanted(side, price_ticks)
        if self.venue.background_lots(side, price_ticks) > lots:
            self.venue.settle(side, price_ticks, lots)

    def grow(self, side: int, price_ticks: int) -> None:
        lots = self.wanted(side, price_ticks)
        if self.venue.background_lots(side, price_ticks) < lots:
            self.venue.settle(side, price_ticks, lots)

    def record(self, book: dict[int, int], begin: int, end: int) -> None:
        recording = self.recording
        for at in range(begin, end):
            lots = recording.lots[at]
            if lots:
                book[recording.price_ticks[at]] = lots
            else:
                book.pop(recording.price_ticks[at], None)
