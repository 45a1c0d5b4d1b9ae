"""What a strategy made of its fills, in each symbol.

Equity is the cash that the fills brought plus what the position is worth in the middle of the book,
in the quote asset, beginning at 0. A fee is taken from what a side receives, as the venue does: a
buyer's lowers the position. A rebate is a fee below 0, in what that side gives. Numbers here are
floats, for they are read, not booked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

import msgspec

from trading.backtest.firm import Fill
from trading.events import TradeAmended
from vocabulary.instrument import Instrument
from vocabulary.types import Side

NS_PER_S = 1_000_000_000
SECONDS_PER_YEAR = 365 * 86_400
DIGITS = 8


class Sample(NamedTuple):
    """The best prices at a moment, in ticks; 0 where a side is empty."""

    time_ns: int
    bid_ticks: int
    ask_ticks: int


class Point(msgspec.Struct, frozen=True, array_like=True):
    """A moment of the curve: money in the quote asset, the position in the base asset."""

    time_ns: int
    equity: float
    position: float
    price: float


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy in one symbol. Money is in the quote asset, quantities in the base asset."""

    symbol: str
    base: str
    quote: str
    fills: int
    maker_fills: int
    bought: float
    sold: float
    turnover: float
    fees: float
    """Those in the base asset at the price of their fill."""
    position: float
    """At the end."""
    position_max: float
    """The largest, of either sign."""
    profit: float
    """The equity at the end: after fees, the position at the middle of the book."""
    drawdown_max: float
    """The deepest fall of the equity below its highest point before."""
    sharpe: float | None
    """Mean by standard deviation of the equity's change from second to second, times the square
    root of the seconds of a year; None where it never changed. It takes the seconds for
    independent, the year for 365 days of 24 hours, and no interest; a short range says little.
    """
    curve: tuple[Point, ...]


class Holdings:
    """Cash and position, in the assets' smallest units."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self.base_units = 0
        self.quote_units = 0

    def take(self, fill: Fill) -> None:
        self._move(fill.side, fill.price_ticks, fill.lots, fill.fee_units, 1)

    def amend(self, event: TradeAmended) -> None:
        """Take in that a fill came to something else."""
        side = event.side
        self._move(side, event.undone_price_ticks, event.undone_lots, event.undone_fee_units, -1)
        self._move(side, event.price_ticks, event.lots, event.fee_units, 1)

    def position(self) -> float:
        return self.base_units * 10.0**-self._instrument.base.scale

    def equity(self, price: float) -> float:
        cash = self.quote_units * 10.0**-self._instrument.quote.scale
        return cash + self.position() * price

    def _move(self, side: Side, price_ticks: int, lots: int, fee_units: int, times: int) -> None:
        sign = times if side is Side.BUY else -times
        self.base_units += sign * lots * self._instrument.lot_units
        self.quote_units -= sign * lots * price_ticks * self._instrument.tick_lot_units
        if (side is Side.BUY) == (fee_units >= 0):
            self.base_units -= times * fee_units
        else:
            self.quote_units -= times * fee_units


def evaluate(
    instrument: Instrument, fills: Sequence[Fill], samples: Sequence[Sample]
) -> Performance:
    """Return what fills made, with the best prices of every moment that the curve is to have."""
    lot = 10.0**-instrument.lot.scale * instrument.lot.mantissa
    tick = 10.0**-instrument.tick.scale * instrument.tick.mantissa
    curve = tuple(_curve(instrument, fills, samples))
    buys = [fill for fill in fills if fill.side is Side.BUY]
    sells = [fill for fill in fills if fill.side is Side.SELL]
    base_unit, quote_unit = 10.0**-instrument.base.scale, 10.0**-instrument.quote.scale
    fees = sum(
        fill.fee_units
        * (base_unit * fill.price_ticks * tick if fill.fee_is_in_base else quote_unit)
        for fill in fills
    )
    end = curve[-1] if curve else Point(0, 0.0, 0.0, 0.0)
    return Performance(
        symbol=instrument.symbol,
        base=instrument.base.name,
        quote=instrument.quote.name,
        fills=len(fills),
        maker_fills=sum(fill.is_maker for fill in fills),
        bought=round(sum(fill.lots for fill in buys) * lot, DIGITS),
        sold=round(sum(fill.lots for fill in sells) * lot, DIGITS),
        turnover=round(sum(fill.lots * fill.price_ticks for fill in fills) * lot * tick, DIGITS),
        fees=round(fees, DIGITS),
        position=end.position,
        position_max=max((abs(point.position) for point in curve), default=0.0),
        profit=end.equity,
        drawdown_max=max(drawdowns(curve), default=0.0),
        sharpe=_sharpe(curve),
        curve=curve,
    )


def drawdowns(curve: Sequence[Point]) -> Iterator[float]:
    """Yield how far the equity is below its highest point so far, at each point."""
    highest = 0.0
    for point in curve:
        highest = max(highest, point.equity)
        yield round(highest - point.equity, DIGITS)


def _curve(
    instrument: Instrument, fills: Sequence[Fill], samples: Sequence[Sample]
) -> Iterator[Point]:
    tick = 10.0**-instrument.tick.scale * instrument.tick.mantissa
    holdings = Holdings(instrument)
    price = 0.0
    at = 0
    for sample in samples:
        while at < len(fills) and fills[at].time_ns <= sample.time_ns:
            holdings.take(fills[at])
            at += 1
        known = [ticks for ticks in (sample.bid_ticks, sample.ask_ticks) if ticks]
        # With one side gone, what is left; with both, what was last known.
        price = sum(known) / len(known) * tick if known else price
        yield Point(
            sample.time_ns,
            round(holdings.equity(price), DIGITS),
            round(holdings.position(), DIGITS),
            round(price, DIGITS),
        )


def _sharpe(curve: Sequence[Point]) -> float | None:
    """Seconds in which nothing was heard are ones in which the equity did not change."""
    if len(curve) < 2:
        return None
    seconds = (curve[-1].time_ns - curve[0].time_ns) / NS_PER_S
    changes = [after.equity - before.equity for before, after in pairwise(curve)]
    count = max(seconds, len(changes))
    mean = sum(changes) / count
    variance = sum(change * change for change in changes) / count - mean * mean
    if variance <= 0.0:
        return None
    return round(mean / sqrt(variance) * sqrt(SECONDS_PER_YEAR), 4)
