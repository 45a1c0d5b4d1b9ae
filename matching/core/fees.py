"""What a trade costs its sides."""

PPM = 1_000_000


def fee_units(received_units: int, fee_ppm: int) -> int:
    """Return the fee on a received amount, rounded up to a whole unit: in the venue's favour.

    Whole millions and the rest are multiplied apart, so that no product passes 64 bits.
    """
    return received_units // PPM * fee_ppm + (received_units % PPM * fee_ppm + PPM - 1) // PPM
