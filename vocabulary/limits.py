"""What an instrument limits: the size of orders, how many, and how far from a reference price.

The reference price is that of the last trade, or one that the venue has set since. Where there is
none yet, nothing is bounded by it.
"""

from __future__ import annotations

from typing import NamedTuple

from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.types import BAND_PPM_MAX, OPEN_ORDERS_PER_ACCOUNT_MAX, QUANTITY_LOTS_MAX


class Limits(NamedTuple):
    """An instrument's limits; 0 where it has none beyond those of the venue.

    Quantities are in lots, an order's worth (price x quantity) in units of the quote asset, the
    number of open orders per account; bands and collar in parts per million of the reference price,
    to either side of it, rounded towards it. A market order has no worth that is known beforehand,
    and is not asked for one.
    """

    quantity_lots_min: int = 0
    quantity_lots_max: int = 0
    notional_units_min: int = 0
    notional_units_max: int = 0
    open_orders_max: int = 0
    price_band_ppm: int = 0
    """How far off the price of a limit order may be."""
    market_collar_ppm: int = 0
    """How far off a market order may trade."""
    volatility_band_ppm: int = 0
    """How far off any order may trade: where the next trade would be further, an auction begins."""
    volatility_auction_ns: int = 0
    """How long that auction takes."""

    @property
    def are_possible(self) -> bool:
        """Say whether any order can be within, and all is within what the venue can count."""
        return (
            min(self) >= 0
            and self.quantity_lots_min <= (self.quantity_lots_max or QUANTITY_LOTS_MAX)
            and self.quantity_lots_max <= QUANTITY_LOTS_MAX
            and (not self.notional_units_max or self.notional_units_min <= self.notional_units_max)
            and self.open_orders_max <= OPEN_ORDERS_PER_ACCOUNT_MAX
            and max(self.price_band_ppm, self.market_collar_ppm, self.volatility_band_ppm)
            <= BAND_PPM_MAX
            and bool(self.volatility_band_ppm) == bool(self.volatility_auction_ns)
        )


NO_LIMITS = Limits()


def limits_of(message: c.ListInstrument | c.SetLimits | e.LimitsChanged) -> Limits:
    """Return the limits that a command or an event says."""
    return Limits(*(getattr(message, name) for name in Limits._fields))
