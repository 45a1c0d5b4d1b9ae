"""What is listed, as any reader of the event stream learns it."""

from __future__ import annotations

from collections.abc import Callable

from vocabulary import events as e
from vocabulary.instrument import Asset, Instrument, Terms, build_instrument
from vocabulary.limits import Limits, limits_of
from vocabulary.types import TradingPhase

Listing = e.AssetListed | e.InstrumentListed
"""What gives ids their names, and ticks, lots and units their worth: a reader that resumes needs
all of these from the first record on."""

ALL_INSTRUMENTS = 0
"""In place of an instrument's id, in a tier's fees."""


class Catalogue:
    """Assets and instruments by id and by name, folded from events.

    `on_change` hears each event that changed something, after it has.
    """

    def __init__(self, on_change: Callable[[e.Event], object] | None = None) -> None:
        self._on_change = on_change
        self.assets: dict[int, Asset] = {}
        self.instruments: dict[int, Instrument] = {}
        self.instrument_by_symbol: dict[str, Instrument] = {}
        self.asset_by_name: dict[str, Asset] = {}
        self.phases: dict[int, TradingPhase] = {}
        self.reference_ticks: dict[int, int] = {}
        """By instrument, the price that was set last; whoever reads trades sets theirs."""
        self.tier_fees: dict[tuple[int, int], tuple[int, int]] = {}
        """By tier and instrument, or `ALL_INSTRUMENTS`."""
        self.fee_tiers: dict[int, int] = {}  # by account; none for those in none

    def apply(self, event: e.Event) -> bool:
        """Take an event in; return whether it changed what is listed."""
        is_change = self._fold(event)
        if is_change and self._on_change is not None:
            self._on_change(event)
        return is_change

    def listed(self) -> list[Instrument]:
        """Return the instruments that are not delisted."""
        return [each for each in self.instruments.values() if self.is_listed(each.symbol)]

    def is_listed(self, symbol: str) -> bool:
        """Say whether there is such an instrument, and it is not delisted."""
        found = self.instrument_by_symbol.get(symbol)
        return found is not None and self.phases[found.instrument_id] is not TradingPhase.DELISTED

    def fees_ppm(self, account_id: int, instrument: Instrument) -> tuple[int, int]:
        """Return what an account pays there as maker and as taker.

        Its tier's fees in the instrument, or those in all instruments, or the instrument's own.
        """
        own = instrument.maker_fee_ppm, instrument.taker_fee_ppm
        tier = self.fee_tiers.get(account_id, 0)
        in_all = self.tier_fees.get((tier, ALL_INSTRUMENTS), own)
        return self.tier_fees.get((tier, instrument.instrument_id), in_all)

    def _fold(self, event: e.Event) -> bool:
        match event:
            case e.AssetListed():
                asset = Asset(event.asset_id, event.name.decode("ascii"), event.scale)
                self.assets[asset.asset_id] = self.asset_by_name[asset.name] = asset
            case e.InstrumentListed():
                self._keep(
                    build_instrument(
                        event.instrument_id,
                        event.symbol.decode("ascii"),
                        self.assets[event.base_asset_id],
                        self.assets[event.quote_asset_id],
                        Terms(event.lot_units, event.tick_lot_units),
                        maker_fee_ppm=event.maker_fee_ppm,
                        taker_fee_ppm=event.taker_fee_ppm,
                        limits=Limits(notional_units_min=event.notional_units_min),
                    )
                )
                self.phases[event.instrument_id] = TradingPhase.TRADING
            case e.FeesChanged():
                self._keep(
                    self.instruments[event.instrument_id]._replace(
                        maker_fee_ppm=event.maker_fee_ppm, taker_fee_ppm=event.taker_fee_ppm
                    )
                )
            case e.LimitsChanged():
                listed = self.instruments[event.instrument_id]
                self._keep(listed._replace(limits=limits_of(event)))
            case e.IncrementsChanged():
                self._keep(
                    self.instruments[event.instrument_id]._replace(
                        price_increment_ticks=event.price_increment_ticks,
                        quantity_increment_lots=event.quantity_increment_lots,
                    )
                )
            case e.TierFeesSet():
                key = (event.fee_tier, event.instrument_id)
                self.tier_fees[key] = (event.maker_fee_ppm, event.taker_fee_ppm)
            case e.TierFeesCleared():
                self.tier_fees.pop((event.fee_tier, event.instrument_id), None)
            case e.FeeTierAssigned():
                self.fee_tiers[event.account_id] = event.fee_tier
            case e.PhaseChanged():
                self.phases[event.instrument_id] = event.phase
            case e.ReferencePriceSet():
                self.reference_ticks[event.instrument_id] = event.price_ticks
            case _:
                return False
        return True

    def _keep(self, listed: Instrument) -> None:
        self.instruments[listed.instrument_id] = listed
        self.instrument_by_symbol[listed.symbol] = listed
