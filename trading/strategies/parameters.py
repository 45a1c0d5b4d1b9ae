"""What each strategy can be told: names, units, bounds. All are integers.

Ticks and lots are the instrument's. Where a default is 0 lots or ticks it must be chosen.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from vocabulary.types import PRICE_TICKS_MAX, QUANTITY_LOTS_MAX

Lots = Annotated[int, Field(ge=1, le=QUANTITY_LOTS_MAX)]
Ticks = Annotated[int, Field(ge=0, le=1_000_000)]
Milliseconds = Annotated[int, Field(ge=10, le=3_600_000)]
Samples = Annotated[int, Field(ge=1, le=100_000)]
Ppm = Annotated[int, Field(ge=0, le=1_000_000)]
PerSecond = Annotated[int, Field(ge=1, le=1_000)]


class Parameters(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class MarketMakingParameters(Parameters):
    """Of `trading.strategies.market_making`."""

    order_lots: Lots = 100
    """The size of each quote, and the unit in which inventory is counted."""
    position_lots_max: Lots = 1_000
    """Of either sign: a side that would go beyond is not quoted."""
    half_spread_ticks: Annotated[Ticks, Field(ge=1)] = 3
    """From the reservation price to each quote, before the part that grows with variance."""
    risk_aversion_ppm: Ppm = 10_000
    """Gamma, in millionths per tick and quote of inventory."""
    horizon_s: Annotated[int, Field(ge=1, le=86_400)] = 60
    """Tau: over how long the inventory's risk is counted."""
    volatility_ticks_min: Ticks = 1
    """Sigma is not taken to be below this, in ticks per square root of a second."""
    variance_samples: Samples = 60
    """Over how many seconds the variance is averaged (exponentially)."""
    requote_ticks: Ticks = 1
    """A quote that is off by no more than this stays."""
    pause_ms: Milliseconds = 1_000
    """After a refused order nothing new is quoted for so long."""


class MomentumParameters(Parameters):
    """Of `trading.strategies.momentum`."""

    sample_ms: Milliseconds = 1_000
    """How often the middle of the book is looked at."""
    fast_samples: Samples = 10
    slow_samples: Samples = 60
    band_ticks: Ticks = 2
    """The averages must be further apart than this."""
    position_lots: Lots = 1_000
    """What is held, long or short, while there is a trend."""
    order_lots: Lots = 200
    """At most so much is ordered at a sample."""
    slippage_ticks: Ticks = 2
    """How far beyond the best price an order may trade."""

    @model_validator(mode="after")
    def check_order(self) -> Self:
        if self.fast_samples >= self.slow_samples:
            raise ValueError("fast_samples must be fewer than slow_samples")
        return self


class ImbalanceParameters(Parameters):
    """Of `trading.strategies.imbalance`."""

    interval_ms: Milliseconds = 1_000
    """Over how long the order flow is added up."""
    threshold_milliticks: Annotated[int, Field(ge=1, le=1_000_000_000)] = 1_000
    """How far the flow must have pushed the price, by the model, for a position to be taken."""
    position_lots: Lots = 500
    """What is held, long or short, over the interval after such a push."""
    slippage_ticks: Ticks = 1
    """How far beyond the best price an order may trade."""


class NoiseParameters(Parameters):
    """Of `trading.strategies.noise`."""

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    """With the strategy's name and the symbol it makes the sequence of draws."""
    actions_per_second: PerSecond = 5
    market_ppm: Ppm = 200_000
    """How likely an action is an order that takes."""
    cancel_ppm: Ppm = 300_000
    """How likely it is the cancel of one of its open orders. Otherwise it is a resting order."""
    order_lots: Lots = 100
    """Sizes are 1 to this."""
    range_ticks: Annotated[Ticks, Field(ge=1)] = 20
    """How far from the opposite best price a resting order may be."""
    orders_max: Annotated[int, Field(ge=1, le=50)] = 20
    """Open orders; with so many, a resting order becomes a cancel."""
    position_lots_max: Lots = 10_000
    """Of either sign: beyond it only the side that leads back is chosen."""
    start_price_ticks: Annotated[int, Field(ge=0, le=PRICE_TICKS_MAX)] = 0
    """Around which it orders when there is neither book nor trade; 0: it waits for one."""

    @model_validator(mode="after")
    def check_chances(self) -> Self:
        if self.market_ppm + self.cancel_ppm > 1_000_000:
            raise ValueError("market_ppm and cancel_ppm are over 1,000,000 together")
        return self
