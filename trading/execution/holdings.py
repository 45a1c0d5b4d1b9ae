"""What trading has brought a strategy in one symbol, and what it has lost of that today."""

from __future__ import annotations

from vocabulary.instrument import Instrument
from vocabulary.types import Side

Terms = tuple[int, int, int]
"""Of a fill: price in ticks, lots, fee in units."""

DAY_NS = 24 * 3600 * 10**9


def fee_units(text: str, side: Side, instrument: Instrument) -> int:
    """Return a fee in smallest units of what the side receives; of what it gives if below 0.

    Raises `ValueError`.
    """
    base, quote = instrument.base, instrument.quote
    if text.startswith("-"):
        return -(quote if side is Side.BUY else base).units(text[1:])
    return (base if side is Side.BUY else quote).units(text)


class Holdings:
    """What has changed hands since the run began, in smallest units, fees taken off."""

    __slots__ = (
        "amendments",
        "base_units",
        "instrument",
        "last_trade_id",
        "lots",
        "quote_units",
        "trades",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.lots = 0
        """Bought minus sold, fees not counted."""
        self.base_units = 0
        self.quote_units = 0
        self.trades = 0
        self.last_trade_id = 0
        self.amendments = 0

    def trade(self, side: Side, price_ticks: int, lots: int, fee_units: int, trade_id: int) -> None:
        """Take a fill in. The fee is in what the side receives, a rebate (below 0) in the other."""
        self._move(side, price_ticks, lots, fee_units, 1)
        self.trades += 1
        self.last_trade_id = max(self.last_trade_id, trade_id)

    def amend(self, side: Side, before: Terms, after: Terms) -> None:
        """Take in that a fill came to something else; to nothing if its lots are 0."""
        self._move(side, *before, -1)
        self._move(side, *after, 1)
        self.trades += bool(after[1]) - bool(before[1])
        self.amendments += 1

    def worth_units(self, twice_middle_ticks: int) -> int:
        """Return what it all is worth in quote units, down to a whole one.

        `twice_middle_ticks` is the best bid plus the best ask.
        """
        instrument = self.instrument
        base_worth = self.base_units * twice_middle_ticks * instrument.tick_lot_units
        return self.quote_units + base_worth // (2 * instrument.lot_units)

    def _move(self, side: Side, price_ticks: int, lots: int, fee_units: int, times: int) -> None:
        sign = times if side is Side.BUY else -times
        self.lots += sign * lots
        self.base_units += sign * lots * self.instrument.lot_units
        self.quote_units -= sign * price_ticks * lots * self.instrument.tick_lot_units
        if (side is Side.BUY) == (fee_units >= 0):
            self.base_units -= times * fee_units
        else:
            self.quote_units -= times * fee_units


class DayResult:
    """Profit and loss since midnight UTC, at the book's middle."""

    __slots__ = ("_day", "_opening_units", "result_units")

    def __init__(self, began_ns: int) -> None:
        self._day = began_ns // DAY_NS
        self._opening_units = 0
        self.result_units = 0

    def mark(self, holdings: Holdings, twice_middle_ticks: int, now_ns: int) -> None:
        """Value the holdings. The first valuation of a day is what that day begins with."""
        worth_units = holdings.worth_units(twice_middle_ticks)
        if now_ns // DAY_NS > self._day:
            self._day = now_ns // DAY_NS
            self._opening_units = worth_units
        self.result_units = worth_units - self._opening_units
