"""Several copies of a sequence, in any order and with any losses, make it once and in order."""

from collections import Counter
from random import Random

import pytest

from trading.feeds.arbitration import PATIENCE_NS, Arbiter


def new_arbiter() -> tuple[Arbiter[int], Counter[str]]:
    counts: Counter[str] = Counter()
    return Arbiter(counts), counts


def test_the_first_copy_wins() -> None:
    arbiter, counts = new_arbiter()
    assert arbiter.receive(0, 1, 1, 0) == [1]
    assert arbiter.receive(0, 1, 1, 0) == []
    assert arbiter.receive(1, 2, 2, 0) == [2]
    assert counts["duplicates"] == 1


def test_a_gap_is_filled_by_the_other_connection() -> None:
    arbiter, counts = new_arbiter()
    arbiter.receive(0, 1, 1, 0)
    assert arbiter.receive(2, 3, 3, 0) == []
    assert arbiter.receive(3, 4, 4, 0) == []
    assert arbiter.receive(1, 2, 2, 0) == [2, 3, 4]
    assert counts["gaps_filled"] == 1
    assert arbiter.give_up(10 * PATIENCE_NS) is None


def test_a_copy_that_knows_what_it_goes_on_from_replaces_one_that_does_not() -> None:
    arbiter, counts = new_arbiter()
    arbiter.receive(0, 10, 10, 0)
    assert arbiter.receive(29, 30, 30, 0) == []  # what lies between 10 and 29 it does not know
    assert arbiter.receive(10, 20, 20, 0) == [20]
    assert arbiter.receive(20, 30, 30, 0) == [30]
    assert counts["duplicates"] == 1
    assert arbiter.give_up(10 * PATIENCE_NS) is None


def test_a_gap_is_given_up_when_its_time_is_over() -> None:
    arbiter, _ = new_arbiter()
    arbiter.receive(0, 1, 1, 0)
    arbiter.receive(4, 5, 5, 0)
    assert arbiter.give_up(PATIENCE_NS - 1) is None
    gap = arbiter.give_up(PATIENCE_NS)
    assert gap is not None
    assert (gap.after, gap.until, gap.items) == (1, 4, [5])
    assert arbiter.receive(5, 6, 6, 0) == [6]
    assert arbiter.receive(1, 2, 2, 0) == []  # it comes too late


def test_messages_cut_differently_overlap() -> None:
    arbiter, _ = new_arbiter()
    assert arbiter.receive(0, 5, 5, 0) == [5]
    assert arbiter.receive(0, 10, 10, 0) == [10]
    assert arbiter.receive(5, 10, 10, 0) == []


@pytest.mark.parametrize("seed", range(20))
def test_any_mixture_of_two_copies_makes_the_whole(seed: int) -> None:
    chance = Random(seed)
    arbiter, _ = new_arbiter()
    taken = arbiter.receive(0, 1, 1, 0)
    lost = {number for number in range(2, 200) if chance.random() < 0.2}
    one = [number for number in range(2, 201) if number not in lost]
    other = [number for number in range(2, 201) if number in lost or chance.random() < 0.7]
    chance.shuffle(one)
    while one or other:
        copy = one if one and (not other or chance.random() < 0.5) else other
        number = copy.pop(0)
        taken += arbiter.receive(number - 1, number, number, 0)
    assert taken == list(range(1, 201))
