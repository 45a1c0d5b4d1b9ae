"""Where two sides cross, found by looking at every price there is."""

from collections.abc import Sequence

Level = tuple[int, int]
NOTHING = (0, 0, 0)


def naive_cross(
    buys: Sequence[Level], sells: Sequence[Level], reference: int, step: int = 1
) -> tuple[int, int, int]:
    """Return price, lots that trade and lots left over (above zero: buyers') of an auction."""
    best, best_rank = NOTHING, (0, 0, 0, 0)
    for price in range(step, max((level for level, _ in buys), default=0) + 1, step):
        demand = sum(lots for level, lots in buys if level >= price)
        supply = sum(lots for level, lots in sells if level <= price)
        lots, surplus = min(demand, supply), demand - supply
        rank = (-lots, abs(surplus), abs(price - reference), price)
        if lots and (best == NOTHING or rank < best_rank):
            best, best_rank = (price, lots, surplus), rank
    return best
