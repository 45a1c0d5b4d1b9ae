"""One instrument's book: its terms, its phase and its two sides."""

from matching.core.holds import Funds
from matching.core.ladder import Ladder
from vocabulary.types import Side, TradingPhase

BUY = Side.BUY.value


class OrderBook:
    """See `vocabulary.commands.ListInstrument` for the units of the terms."""

    def __init__(
        self,
        instrument_id: int,
        lot_units: int,
        tick_lot_units: int,
        notional_units_min: int,
        base_fees: Funds,
        quote_fees: Funds,
    ) -> None:
        self.instrument_id = instrument_id
        self.base_asset_id = base_fees.asset_id
        self.quote_asset_id = quote_fees.asset_id
        self.lot_units = lot_units
        self.tick_lot_units = tick_lot_units
        self.notional_units_min = notional_units_min
        self.maker_fee_ppm = 0
        self.taker_fee_ppm = 0
        self.base_fees = base_fees  # the venue's own funds
        self.quote_fees = quote_fees
        self.phase = TradingPhase.TRADING.value
        self.trade_count = 0
        self.buys = Ladder(1)
        self.sells = Ladder(-1)

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

    def market_buy_units(self, lots: int, units_max: int) -> int:
        """Return what buying up to so many lots at market costs; -1 if over `units_max`."""
        cost = 0
        for level in self.sells:
            taken = min(level.lots, lots)
            units_per_lot = level.price_ticks * self.tick_lot_units
            if taken > (units_max - cost) // units_per_lot:
                return -1
            cost += taken * units_per_lot
            lots -= taken
            if lots == 0:
                break
        return cost
