"""Limits before the trade: what the firm lets a strategy send, whatever the strategy thinks.

Each limit is checked by itself; a value equal to its limit passes. A refusal names the limit, the
value and the bound, and becomes the `reason` of the order's report.
"""

from __future__ import annotations

from typing import NamedTuple

from trading.runs import Limits
from vocabulary.instrument import Instrument
from vocabulary.types import Side

ALL = "*"
"""The kill switch of every strategy."""

_PPM = 1_000_000


class Refusal(NamedTuple):
    """Why an order is not sent; `limit` is the name of the limit, for the metric."""

    limit: str
    text: str


class Exposure(NamedTuple):
    """What a strategy has in a symbol without the order in question.

    `placed` is how many other orders it has placed within the second before this one.
    `twice_middle_ticks` is the best bid plus the best ask, twice the one there is where the other
    side is empty, and 0 where the book is not known.
    """

    position_lots: int
    open_buy_lots: int
    open_sell_lots: int
    placed: int
    twice_middle_ticks: int


class RiskLimits:
    """The limits of a strategy in one symbol, in that symbol's units."""

    def __init__(self, limits: Limits, instrument: Instrument) -> None:
        self._limits = limits
        self._instrument = instrument
        self._notional_units_max = _units(limits.order_notional_max, instrument)
        self._loss_units_max = _units(limits.daily_loss_max, instrument)

    def refusal(
        self, side: Side, price_ticks: int, lots: int, exposure: Exposure
    ) -> Refusal | None:
        """Return the first limit that an order would break, None if it may be sent."""
        return (
            self._order_size(lots)
            or self._position(side, lots, exposure)
            or self._notional(price_ticks, lots)
            or self._rate(exposure.placed)
            or self._collar(price_ticks, exposure.twice_middle_ticks)
        )

    def loss(self, result_units: int) -> Refusal | None:
        """Return why the kill switch is to be pulled at this result of the day, None if not."""
        if -result_units < self._loss_units_max:
            return None
        quote = self._instrument.quote
        return Refusal(
            "daily_loss_max",
            f"daily_loss_max: {quote.text(-result_units)} {quote.name} lost today in "
            f"{self._instrument.symbol}, limit {self._limits.daily_loss_max}",
        )

    def _order_size(self, lots: int) -> Refusal | None:
        most = self._limits.order_lots_max
        if lots <= most:
            return None
        return Refusal("order_lots_max", f"order_lots_max: {lots} lots, limit {most}")

    def _position(self, side: Side, lots: int, exposure: Exposure) -> Refusal | None:
        """Count open orders of the side as if they had traded: they may, and the others may not."""
        most = self._limits.position_lots_max
        if side is Side.BUY:
            position = exposure.position_lots + exposure.open_buy_lots + lots
        else:
            position = exposure.position_lots - exposure.open_sell_lots - lots
        if (position if side is Side.BUY else -position) <= most:
            return None
        text = f"position_lots_max: {position} lots with open orders, limit {most}"
        return Refusal("position_lots_max", text)

    def _notional(self, price_ticks: int, lots: int) -> Refusal | None:
        units = price_ticks * lots * self._instrument.tick_lot_units
        if units <= self._notional_units_max:
            return None
        quote = self._instrument.quote
        return Refusal(
            "order_notional_max",
            f"order_notional_max: {quote.text(units)} {quote.name}, "
            f"limit {self._limits.order_notional_max}",
        )

    def _rate(self, placed: int) -> Refusal | None:
        most = self._limits.orders_per_second_max
        if placed < most:
            return None
        return Refusal(
            "orders_per_second_max",
            f"orders_per_second_max: {placed + 1} orders within a second, limit {most}",
        )

    def _collar(self, price_ticks: int, twice_middle_ticks: int) -> Refusal | None:
        most = self._limits.collar_ppm
        if not most:
            return None
        if not twice_middle_ticks:
            return Refusal("collar_ppm", "collar_ppm: the book is not known")
        away = abs(2 * price_ticks - twice_middle_ticks) * _PPM
        if away <= most * twice_middle_ticks:
            return None
        away_ppm = -(-away // twice_middle_ticks)
        return Refusal(
            "collar_ppm",
            f"collar_ppm: price {self._instrument.price_text(price_ticks)} is {away_ppm} ppm from "
            f"the middle of the book, limit {most}",
        )


class KillSwitches:
    """Which strategies are stopped, and why: by name, `ALL` for every one."""

    def __init__(self) -> None:
        self._pulled: dict[str, str] = {}

    def set(self, pulled: dict[str, str]) -> None:
        """Take over what is pulled now; whatever is not in it is revived."""
        self._pulled = dict(pulled)

    def pull(self, name: str, reason: str) -> bool:
        """Stop a strategy. Return whether it was running."""
        if name in self._pulled:
            return False
        self._pulled[name] = reason
        return True

    def refusal(self, strategy: str) -> Refusal | None:
        reason = self._pulled.get(strategy, self._pulled.get(ALL))
        if reason is None:
            return None
        return Refusal("killed", f"killed: {reason}")


def _units(amount: str, instrument: Instrument) -> int:
    """Return the most whole units of the quote asset that a decimal amount has."""
    whole, _, places = amount.partition(".")
    scale = instrument.quote.scale
    return int(whole + places[:scale].ljust(scale, "0"))
