"""What a trade costs its sides, or brings a maker."""

PPM = 1_000_000


def fee_units(received_units: int, fee_ppm: int) -> int:
    """Return the fee on a received amount, rounded up to a whole unit: in the venue's favour.

    Whole millions and the rest are multiplied apart, so that no product passes 64 bits.
    """
    return received_units // PPM * fee_ppm + (received_units % PPM * fee_ppm + PPM - 1) // PPM


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
    return -min(given_units // PPM * rate + given_units % PPM * rate // PPM, taker_fee_units)
