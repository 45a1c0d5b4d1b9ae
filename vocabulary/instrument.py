"""Assets and instruments, and the one place where decimal text becomes an integer and back.

A price is a number of ticks, a quantity a number of lots, money a number of an asset's smallest
units. For an instrument to be listed, one lot at a price of one tick must cost a whole number of
units of the quote asset, so that no trade ever has to be rounded.

A decimal is refused, never rounded: text that is not plain ASCII digits with at most one point (no
sign, exponent, underscore or space), and a value between two ticks or two lots.
"""

from __future__ import annotations

import re
from array import array
from math import gcd
from typing import NamedTuple

from vocabulary.limits import NO_LIMITS, Limits
from vocabulary.rejects import Refused, RejectReason
from vocabulary.types import ASSET_SCALE_MAX, INT64_MAX, PRICE_TICKS_MAX, QUANTITY_LOTS_MAX

_DECIMAL_LENGTH_MAX = 20 + 1 + 18
_SHORT_DIGITS = 18  # as many as fit 64 bits, whatever they are
_SHORT_MAX = 10**_SHORT_DIGITS
_POWERS = array("q", [10**scale for scale in range(_SHORT_DIGITS + 1)])
_INT64_MAX = INT64_MAX
_ZERO = ord("0")
_POINT = ord(".")
_DECIMAL = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,18})?", re.ASCII)


class ListingError(ValueError):
    """An asset or instrument that can't be listed; names the field and the value."""


class Asset(NamedTuple):
    """Something that is held and paid with. Its smallest unit is 10 ** -scale."""

    asset_id: int
    name: str
    scale: int

    def units(self, text: str) -> int:
        """Return a decimal amount in smallest units. Raises `ValueError` naming the amount."""
        units = _scaled(text, self.scale)
        if units is None or units > INT64_MAX:
            raise ValueError(f"amount {text!r} is not a decimal with at most {self.scale} places")
        return units

    def text(self, units: int) -> str:
        """Return smallest units as a decimal with all its places."""
        return decimal_text(units, self.scale)


class Increment(NamedTuple):
    """A decimal step: `mantissa` x 10 ** -scale."""

    mantissa: int
    scale: int

    @property
    def text(self) -> str:
        return decimal_text(self.mantissa, self.scale)


class Instrument(NamedTuple):
    """A listed pair. See `vocabulary.commands.ListInstrument` for the units.

    `tick` and `lot` are what prices and quantities are counted in, for good. Orders keep to
    multiples of them, the increments, which may change.
    """

    instrument_id: int
    symbol: str
    base: Asset
    quote: Asset
    lot_units: int
    tick_lot_units: int
    maker_fee_ppm: int
    taker_fee_ppm: int
    tick: Increment
    lot: Increment
    limits: Limits = NO_LIMITS
    price_increment_ticks: int = 1
    quantity_increment_lots: int = 1

    @property
    def price_increment_text(self) -> str:
        return self.price_text(self.price_increment_ticks)

    @property
    def quantity_increment_text(self) -> str:
        return self.quantity_text(self.quantity_increment_lots)

    @property
    def order_lots_min(self) -> int:
        """The smallest quantity that an order may have."""
        step_lots = self.quantity_increment_lots
        return -(-(self.limits.quantity_lots_min or 1) // step_lots) * step_lots

    def order_price_ticks(self, text: str, field: str = "price") -> int:
        """Return an order's decimal price in ticks: it keeps to the increment.

        Raises `Refused`, whose text names the field.
        """
        ticks = self.price_ticks(text, field)
        if self.price_increment_ticks != 1 and ticks % self.price_increment_ticks:
            raise Refused(
                RejectReason.PRICE_NOT_ON_TICK,
                f"{field} {text[:40]} is not a multiple of the tick size"
                f" {self.price_increment_text}",
            )
        return ticks

    def order_quantity_lots(self, text: str, field: str = "quantity") -> int:
        """Return an order's decimal quantity in lots, likewise. Raises `Refused`."""
        lots = self.quantity_lots(text, field)
        if self.quantity_increment_lots != 1 and lots % self.quantity_increment_lots:
            raise Refused(
                RejectReason.QUANTITY_NOT_ON_LOT,
                f"{field} {text[:40]} is not a multiple of the lot size"
                f" {self.quantity_increment_text}",
            )
        return lots

    def price_ticks(self, text: str, field: str = "price") -> int:
        """Return a decimal price in ticks. Raises `Refused`."""
        scaled = _scaled(text, self.tick.scale)
        if scaled is None:
            _refuse_shape(text, RejectReason.MALFORMED_PRICE, field)
        if scaled is None or scaled % self.tick.mantissa:
            raise Refused(
                RejectReason.PRICE_NOT_ON_TICK,
                f"{field} {text[:40]} is not a multiple of the tick size {self.tick.text}",
            )
        ticks = scaled // self.tick.mantissa
        if ticks > PRICE_TICKS_MAX:
            raise Refused(RejectReason.PRICE_OUT_OF_RANGE, f"{field} {text[:40]} is too high")
        return ticks

    def quantity_lots(self, text: str, field: str = "quantity") -> int:
        """Return a decimal quantity in lots. Raises `Refused`."""
        scaled = _scaled(text, self.lot.scale)
        if scaled is None:
            _refuse_shape(text, RejectReason.MALFORMED_QUANTITY, field)
        if scaled is None or scaled % self.lot.mantissa:
            raise Refused(
                RejectReason.QUANTITY_NOT_ON_LOT,
                f"{field} {text[:40]} is not a multiple of the lot size {self.lot.text}",
            )
        lots = scaled // self.lot.mantissa
        if lots > QUANTITY_LOTS_MAX:
            raise Refused(RejectReason.QUANTITY_OUT_OF_RANGE, f"{field} {text[:40]} is too large")
        return lots

    def price_text(self, ticks: int) -> str:
        return decimal_text(ticks * self.tick.mantissa, self.tick.scale)

    def quantity_text(self, lots: int) -> str:
        return decimal_text(lots * self.lot.mantissa, self.lot.scale)

    def average_price_text(self, quote_units: int, lots: int) -> str:
        """Return a volume-weighted price, cut 8 places behind the tick's; 0 without a trade."""
        if lots == 0:
            return "0"
        scale = self.tick.scale + 8
        mantissa = quote_units * self.tick.mantissa * 10**8 // (self.tick_lot_units * lots)
        return decimal_text(mantissa, scale).rstrip("0").rstrip(".")


class Units:
    """What an instrument's prices, quantities and fees are counted in, which is so for good.

    For code that spells many of them: integers in C, text as bytes. A price is so many times
    `tick_mantissa` x 10 ** -`tick_scale`, and fits 64 bits up to `ticks_max`; so do quantities.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.instrument_id = instrument.instrument_id
        self.symbol = instrument.symbol.encode()
        self.base_name, self.base_scale = instrument.base.name.encode(), instrument.base.scale
        self.quote_name, self.quote_scale = instrument.quote.name.encode(), instrument.quote.scale
        self.tick_lot_units = instrument.tick_lot_units
        self.tick_mantissa, self.tick_scale, self.ticks_max = _bounded(instrument.tick)
        self.lot_mantissa, self.lot_scale, self.lots_max = _bounded(instrument.lot)


def _bounded(increment: Increment) -> tuple[int, int, int]:
    """Return an increment, and how many of it fit 64 bits; where none does, 1 stands for it."""
    if increment.mantissa > INT64_MAX:
        return 1, increment.scale, -1
    return increment.mantissa, increment.scale, INT64_MAX // increment.mantissa


class Terms(NamedTuple):
    """An instrument's increments, as integers of its assets' units."""

    lot_units: int
    tick_lot_units: int


def listing_terms(base: Asset, quote: Asset, tick_size: str, lot_size: str) -> Terms:
    """Return the integer terms of an instrument from its decimal ones.

    Raises `ListingError` if a lot is not a whole number of base units, or a tick times a lot not
    one of quote units.
    """
    for name, asset in (("base", base), ("quote", quote)):
        if not 0 <= asset.scale <= ASSET_SCALE_MAX:
            raise ListingError(
                f"scale {asset.scale} of {name} asset {asset.name} not in 0..{ASSET_SCALE_MAX}"
            )
    lot_units = _scaled(lot_size, base.scale)
    if not lot_units:
        raise ListingError(
            f"lot_size {lot_size!r} is not a positive decimal with at most {base.scale} places"
        )
    tick_scaled = _scaled(tick_size, 18)
    if not tick_scaled:
        raise ListingError(f"tick_size {tick_size!r} is not a positive decimal")
    cost, remainder = divmod(tick_scaled * lot_units * 10**quote.scale, 10 ** (18 + base.scale))
    if remainder:
        raise ListingError(
            f"tick_size {tick_size} x lot_size {lot_size} is not a whole number"
            f" of {quote.name} units (10 ** -{quote.scale})"
        )
    return Terms(lot_units, cost)


def build_instrument(
    instrument_id: int,
    symbol: str,
    base: Asset,
    quote: Asset,
    terms: Terms,
    *,
    maker_fee_ppm: int,
    taker_fee_ppm: int,
    limits: Limits = NO_LIMITS,
) -> Instrument:
    """Return an instrument with its increments as decimals.

    Raises `ListingError` if the tick is not a decimal of at most 18 places.
    """
    lot_units, tick_lot_units = terms
    return Instrument(
        instrument_id,
        symbol,
        base,
        quote,
        lot_units,
        tick_lot_units,
        maker_fee_ppm,
        taker_fee_ppm,
        tick=_increment(tick_lot_units * 10**base.scale, lot_units * 10**quote.scale),
        lot=_increment(lot_units, 10**base.scale),
        limits=limits,
    )


def increments_text(increment: Increment, count: int) -> str:
    """Return so many ticks or lots as a decimal."""
    return decimal_text(count * increment.mantissa, increment.scale)


def decimal_text(mantissa: int, scale: int) -> str:
    """Return `mantissa` x 10 ** -scale as text with `scale` places."""
    if scale == 0:
        return str(mantissa)
    if scale < _SHORT_DIGITS and 0 <= mantissa < _SHORT_MAX:
        return _short_decimal_text(mantissa, scale)
    sign = "-" if mantissa < 0 else ""
    digits = str(abs(mantissa)).rjust(scale + 1, "0")
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}"


def _short_decimal_text(mantissa: int, scale: int) -> str:
    power = _POWERS[scale]
    whole = mantissa // power
    places = f"{mantissa - whole * power + power}"  # the power's one keeps the zeros behind it
    return f"{whole}.{places[1:]}"


def _scaled(text: str, scale: int) -> int | None:
    """Return a plain decimal times 10 ** scale, or None if it isn't one of so many places."""
    if text.isascii():
        octets = text.encode()
        scaled = scaled_at(octets, 0, len(octets), scale)
        if scaled >= 0:
            return scaled
    return _scaled_long(text, scale) if len(text) <= _DECIMAL_LENGTH_MAX else None


def scaled_at(octets: bytes, start: int, stop: int, scale: int) -> int:
    """Return the plain decimal between two places times 10 ** scale.

    It is -1 where that is none, or too long for this quick look: `_scaled` looks closer.
    """
    number = 0
    point_at = -1
    if start == stop or stop - start > _SHORT_DIGITS or scale > _SHORT_DIGITS:
        return -1
    for at in range(start, stop):
        digit = octets[at] - _ZERO
        if 0 <= digit <= 9:
            number = number * 10 + digit
        elif octets[at] == _POINT and start < at < stop - 1 and point_at < 0:
            point_at = at
        else:
            return -1
    places = stop - 1 - point_at if point_at >= 0 else 0
    if places > scale:
        return -1
    power = _POWERS[scale - places]
    return number * power if number <= _INT64_MAX // power else -1


def _scaled_long(text: str, scale: int) -> int | None:
    if _DECIMAL.fullmatch(text) is None:
        return None
    whole, _, places = text.partition(".")
    kept = places[:scale]
    if places[scale:].strip("0"):
        return None
    scaled: int = int(whole + kept) * 10 ** (scale - len(kept))
    return scaled


def _refuse_shape(text: str, reason: RejectReason, field: str) -> None:
    if _DECIMAL.fullmatch(text) is None:
        raise Refused(
            reason,
            f"{field} {text[:40]!r} is not a decimal without sign or exponent, of at most 20 digits"
            " and 18 places",
        )


def _increment(numerator: int, denominator: int) -> Increment:
    divisor = gcd(numerator, denominator)
    numerator, denominator = numerator // divisor, denominator // divisor
    for scale in range(19):
        if 10**scale % denominator == 0:
            return Increment(numerator * 10**scale // denominator, scale)
    raise ListingError(f"tick size {numerator}/{denominator} is not a decimal of at most 18 places")
