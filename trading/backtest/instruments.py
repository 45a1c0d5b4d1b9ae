"""From what the stream says of an instrument to one that the engine can list."""

from __future__ import annotations

from trading.events import InstrumentDefined
from vocabulary.instrument import (
    Asset,
    Increment,
    Instrument,
    build_instrument,
    listing_terms,
)

ASSET_SCALE = 8
"""The usual number of an asset's decimal places, which the stream does not tell."""


def instrument_of(defined: InstrumentDefined, maker_fee_ppm: int, taker_fee_ppm: int) -> Instrument:
    """Return the instrument. Raises `ListingError` where the engine could not list it."""
    lot_scale, tick_scale = defined.lot_scale, defined.tick_scale
    base = Asset(1, defined.base, max(ASSET_SCALE, lot_scale))
    quote = Asset(2, defined.quote, max(ASSET_SCALE, lot_scale + tick_scale))
    tick = Increment(defined.tick_mantissa, tick_scale)
    lot = Increment(defined.lot_mantissa, lot_scale)
    return build_instrument(
        1,
        defined.symbol,
        base,
        quote,
        listing_terms(base, quote, tick.text, lot.text),
        maker_fee_ppm=maker_fee_ppm,
        taker_fee_ppm=taker_fee_ppm,
    )
