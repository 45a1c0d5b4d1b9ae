"""One instrument's book: its terms, its limits, its phase and its two sides."""

from matching.core.holds import Account, Funds
from matching.core.ladder import Ladder
from matching.core.price_limits import band_ticks
from matching.core.triggers import Triggers
from vocabulary.limits import Limits
from vocabulary.types import (
    INT64_MAX,
    OPEN_ORDERS_PER_ACCOUNT_MAX,
    PRICE_TICKS_MAX,
    QUANTITY_LOTS_MAX,
    Side,
    TradingPhase,
)

BUY = Side.BUY.value
PRICE_MAX = PRICE_TICKS_MAX
QUANTITY_MAX = QUANTITY_LOTS_MAX
UNITS_MAX = INT64_MAX
OPEN_ORDERS_MAX = OPEN_ORDERS_PER_ACCOUNT_MAX


class OrderBook:
    """See `vocabulary.commands.ListInstrument` for the units of the terms.

    What the instrument does not limit, the venue does: so an order is compared once with each
    bound, whether or not its instrument has limits.
    """

    def __init__(
        self,
        instrument_id: int,
        lot_units: int,
        tick_lot_units: int,
        limits: Limits,
        base_fees: Funds,
        quote_fees: Funds,
    ) -> None:
        self.instrument_id = instrument_id
        self.base_asset_id = base_fees.asset_id
        self.quote_asset_id = quote_fees.asset_id
        self.lot_units = lot_units
        self.tick_lot_units = tick_lot_units
        self.maker_fee_ppm = 0
        self.taker_fee_ppm = 0
        self.tier_fees: dict[int, tuple[int, int]] = {}  # by tier: of those that have other ones
        self.base_fees = base_fees  # the venue's own funds
        self.quote_fees = quote_fees
        self.phase = TradingPhase.TRADING.value
        self.auction_ends_ns = 0  # 0: when the desk says so
        self.uncross_ticks = 0  # the price of an auction that is not through yet: see `uncross`
        self.uncross_phase = 0  # and what it leads to
        self.indicative_ticks = 0  # what was last said of its auction: see `auction.publish`
        self.indicative_lots = 0
        self.surplus_lots = 0
        self.trade_count = 0
        self.prevented_count = 0
        self.amendments: dict[int, int] = {}  # by trade: how many, or `amendments.BUSTED`
        self.triggers = Triggers()
        self.waiting_count = 0  # of the orders there
        self.last_trade_ticks = 0  # 0: none yet
        self.buys = Ladder(1)
        self.sells = Ladder(-1)
        self.reference_ticks = 0  # the last trade's price, or one set since; 0: none
        self.open_counts: dict[int, int] = {}  # open orders by account, where they are limited
        self.set_increments(1, 1)
        self.set_limits(limits)

    def set_increments(self, price_increment_ticks: int, quantity_increment_lots: int) -> None:
        """Let orders keep to multiples of these; see `matching.core.increments`."""
        self.price_increment_ticks = price_increment_ticks
        self.quantity_increment_lots = quantity_increment_lots
        self.has_increments = price_increment_ticks > 1 or quantity_increment_lots > 1

    def set_limits(self, limits: Limits) -> None:
        self.limits = limits
        self.quantity_lots_min = limits.quantity_lots_min or 1
        self.quantity_lots_max = min(
            limits.quantity_lots_max or QUANTITY_MAX, UNITS_MAX // self.lot_units
        )
        self.notional_units_min = limits.notional_units_min
        self.notional_units_max = limits.notional_units_max or UNITS_MAX
        self.notional_tick_lots_max = self.notional_units_max // self.tick_lot_units
        self.open_orders_max = limits.open_orders_max
        self.open_counts.clear()
        if limits.open_orders_max:
            for ladder in (self.buys, self.sells):
                for level in ladder:
                    for order in level:
                        self.count_open(order.account, 1)
            for order in self.triggers.orders.values():
                self.count_open(order.account, 1)
        self.has_volatility_band = limits.volatility_band_ppm > 0
        self.has_bands = (
            limits.price_band_ppm > 0 or limits.market_collar_ppm > 0 or self.has_volatility_band
        )
        self.set_bounds()

    def set_reference(self, price_ticks: int) -> None:
        """Let band and collar be about this price; 0 for none."""
        self.reference_ticks = price_ticks
        if self.has_bands:
            self.set_bounds()

    def set_bounds(self) -> None:
        limits = self.limits
        self.lowest_limit_ticks, self.highest_limit_ticks = self.band(limits.price_band_ppm)
        self.lowest_market_ticks, self.highest_market_ticks = self.band(limits.market_collar_ppm)
        self.lowest_calm_ticks, self.highest_calm_ticks = self.band(limits.volatility_band_ppm)

    def band(self, band_ppm: int) -> tuple[int, int]:
        """Return the lowest and the highest price in ticks within a band about the reference."""
        if not band_ppm or not self.reference_ticks:
            return 1, PRICE_MAX
        width = band_ticks(self.reference_ticks, band_ppm)
        return max(self.reference_ticks - width, 1), min(self.reference_ticks + width, PRICE_MAX)

    def count_open(self, account: Account, change: int) -> None:
        self.open_counts[account.account_id] = self.open_counts.get(account.account_id, 0) + change

    def has_too_many(self, account: Account) -> bool:
        """Say whether an account may open no more orders, here or at all."""
        if account.open_order_count >= OPEN_ORDERS_MAX:
            return True
        maximum = self.open_orders_max
        return maximum > 0 and self.open_counts.get(account.account_id, 0) >= maximum

    def market_limit(self, side: int) -> int:
        """Return the worst price at which a market order of this side may trade."""
        return self.highest_market_ticks if side == BUY else self.lowest_market_ticks

    def maker_ppm(self, account: Account) -> int:
        """Return an account's fee as a maker: the most specific that there is."""
        if account.fee_tier and account.fee_tier in self.tier_fees:
            return self.tier_fees[account.fee_tier][0]
        return self.maker_fee_ppm

    def taker_ppm(self, account: Account) -> int:
        if account.fee_tier and account.fee_tier in self.tier_fees:
            return self.tier_fees[account.fee_tier][1]
        return self.taker_fee_ppm

    def calm_limit(self, side: int, limit_ticks: int) -> int:
        """Return the worst price at which an order of this side and limit trades uninterrupted."""
        best = self.opposite(side).best
        if side == BUY:
            is_far = best is not None and best.price_ticks < self.lowest_calm_ticks
            return 0 if is_far else min(limit_ticks, self.highest_calm_ticks)
        is_far = best is not None and best.price_ticks > self.highest_calm_ticks
        return PRICE_MAX + 1 if is_far else max(limit_ticks, self.lowest_calm_ticks)

    def own(self, side: int) -> Ladder:
        """Return where an order of this side rests."""
        return self.buys if side == BUY else self.sells

    def opposite(self, side: int) -> Ladder:
        """Return what an order of this side trades with."""
        return self.sells if side == BUY else self.buys

    def crosses(self, side: int, limit_ticks: int) -> bool:
        """Say whether an order of this side and limit would trade at once."""
        best = self.opposite(side).best
        if best is None:
            return False
        return best.price_ticks <= limit_ticks if side == BUY else best.price_ticks >= limit_ticks

    def can_fill(self, side: int, limit_ticks: int, lots: int) -> bool:
        """Say whether an order of this side and limit would be filled whole."""
        for level in self.opposite(side):
            if level.price_ticks > limit_ticks if side == BUY else level.price_ticks < limit_ticks:
                return False
            lots -= level.lots
            if lots <= 0:
                return True
        return False

    def market_buy_units(self, lots: int, limit_ticks: int, units_max: int) -> int:
        """Return what buying up to so many lots at market costs; -1 if over `units_max`."""
        cost = 0
        for level in self.sells:
            if level.price_ticks > limit_ticks:
                break
            taken = min(level.lots, lots)
            units_per_lot = level.price_ticks * self.tick_lot_units
            if taken > (units_max - cost) // units_per_lot:
                return -1
            cost += taken * units_per_lot
            lots -= taken
            if lots == 0:
                break
        return cost
