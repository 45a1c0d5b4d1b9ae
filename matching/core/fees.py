"""What a trade costs its sides, or brings a maker."""


def fee_units(received_units: int, fee_ppm: int) -> int:
    """Return the fee on a received amount, rounded up to a whole unit: in the venue's favour.

    Whole millions and the rest are multiplied apart, so that no product passes 64 bits. A million
    is written out: a division by what the compiler knows is no division.
    """
    millions, rest = received_units // 1_000_000, received_units % 1_000_000
    return millions * fee_ppm + (rest * fee_ppm + 999_999) // 1_000_000


def maker_fee_units(
    received_units: int, given_units: int, fee_ppm: int, taker_fee_units: int
) -> int:
    """Return what a maker pays of what it received; below zero its rebate, of what it gave.

    A rebate is rounded down, and never more than the taker's fee, which is in the same asset and
    pays it: so the venue gives nothing that it does not have.
    """
    if fee_ppm >= 0:
        return fee_units(received_units, fee_ppm)
    rate = -fee_ppm
    millions, rest = given_units // 1_000_000, given_units % 1_000_000
    return -min(millions * rate + rest * rate // 1_000_000, taker_fee_units)
