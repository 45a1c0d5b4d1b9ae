"""The price of an auction, against one found by looking at every price there is."""

from hypothesis import given, settings
from hypothesis import strategies as st

from matching.core.auction import NOTHING, find_cross
from tests.oracles.naive_auction import naive_cross

levels = st.dictionaries(st.integers(1, 30), st.integers(1, 9), max_size=8)


@settings(max_examples=1500)
@given(levels, levels, st.integers(0, 35))
def test_the_price_is_the_best_of_all_there_are(
    buys: dict[int, int], sells: dict[int, int], reference: int
) -> None:
    best_first = sorted(buys.items(), reverse=True), sorted(sells.items())
    assert find_cross(*best_first, reference) == naive_cross(*best_first, reference)


def test_most_lots_come_first_then_fewest_left_over_then_the_reference() -> None:
    # 5 lots trade at 10 and at 11 only: nothing is left over at 11.
    assert find_cross([(12, 5), (10, 2)], [(9, 3), (10, 2)], 10) == (11, 5, 0)
    # Anything from 8 to 14 will do: the reference price has it.
    assert find_cross([(14, 5)], [(8, 5)], 11) == (11, 5, 0)
    assert find_cross([(14, 5)], [(8, 5)], 99) == (14, 5, 0)
    assert find_cross([(14, 5)], [(8, 5)], 0) == (8, 5, 0)


def test_sides_that_do_not_cross_come_to_nothing() -> None:
    assert find_cross([(7, 5)], [(8, 5)], 7) == NOTHING
    assert find_cross([], [(8, 5)], 7) == NOTHING
    assert find_cross([(8, 5)], [], 7) == NOTHING


def test_a_wide_gap_costs_no_more_than_a_narrow_one() -> None:
    assert find_cross([(2**40, 1)], [(1, 1)], 2**39) == (2**39, 1, 0)
