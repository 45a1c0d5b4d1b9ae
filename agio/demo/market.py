"""What the demo trades, and the strategies that make its market."""

from typing import NamedTuple

from agio.standard_listings import LISTINGS, Listing
from trading.runs import Limits, StrategyRun


class Market(NamedTuple):
    """An instrument as the demo trades it.

    `start_ticks` is its price to begin with, `lots` an ordinary order, and `range_ticks` how far
    from the best price people still order.
    """

    listing: Listing
    start_ticks: int
    lots: int
    range_ticks: int

    @property
    def symbol(self) -> str:
        return self.listing.symbol


MARKETS = tuple(
    Market(listing, *terms)
    for listing, terms in zip(
        LISTINGS,
        ((6_500_000, 2_000, 4_000), (325_000, 2_000, 400), (5_000, 200, 8)),
        strict=True,
    )
)
SYMBOLS = tuple(market.symbol for market in MARKETS)
FIX, WEBSOCKET = "fix", "websocket"


def strategies() -> tuple[StrategyRun, ...]:
    """Return who trades: over FIX one who makes each market, over WebSocket those who move it."""
    entries = []
    for number, market in enumerate(MARKETS, start=1):
        # No collar: somebody has to begin a market.
        limits = Limits(
            order_lots_max=20 * market.lots, position_lots_max=1_000 * market.lots, collar_ppm=0
        )
        making = {
            "order_lots": 5 * market.lots,
            "position_lots_max": 200 * market.lots,
            "half_spread_ticks": max(1, market.range_ticks // 8),
            "requote_ticks": max(1, market.range_ticks // 40),
        }
        moving = {
            "actions_per_second": 20,
            "order_lots": market.lots,
            "range_ticks": market.range_ticks,
            "start_price_ticks": market.start_ticks,
            "position_lots_max": 300 * market.lots,
        }
        entries += [
            _entry(f"maker{number}", "market_making", making, market.symbol, FIX, limits),
            _entry(f"noise{number}", "noise", moving, market.symbol, WEBSOCKET, limits),
        ]
    following = {"sample_ms": 250, "fast_samples": 4, "slow_samples": 16}
    pushed = {"interval_ms": 500}
    return (
        *entries,
        _entry("trend", "momentum", following, SYMBOLS[0], WEBSOCKET, Limits()),
        _entry("flow", "imbalance", pushed, SYMBOLS[1], WEBSOCKET, Limits()),
    )


def _entry(
    name: str, strategy: str, parameters: dict[str, int], symbol: str, door: str, limits: Limits
) -> StrategyRun:
    return StrategyRun.model_validate(
        {
            "name": name,
            "strategy": strategy,
            "parameters": parameters,
            "symbols": (symbol,),
            "door": door,
            "limits": limits,
        }
    )
