"""How far from its reference price an instrument lets orders be priced, and trade."""

PPM = 1_000_000


def band_ticks(reference_ticks: int, band_ppm: int) -> int:
    """Return how far a band goes to either side, cut to whole ticks.

    Whole millions and the rest are multiplied apart, so that no product passes 64 bits.
    """
    return reference_ticks // PPM * band_ppm + reference_ticks % PPM * band_ppm // PPM
