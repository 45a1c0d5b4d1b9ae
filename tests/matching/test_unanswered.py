"""Commands that wait for their record, against a dictionary of them."""

from hypothesis import given
from hypothesis import strategies as st

from matching.unanswered import Unanswered
from tests.matching.samples import order
from vocabulary.codec import pack

SESSIONS = st.sampled_from([7, 2**63 - 1, 2**63])
NUMBERS = st.integers(1, 60)
STEPS = st.lists(st.tuples(st.sampled_from(["add", "take"]), SESSIONS, NUMBERS), max_size=200)


def command(session_id: int, number: int, price_ticks: int = 100) -> bytes:
    return pack(order(session_id, number, price_ticks=price_ticks))


@given(STEPS)
def test_it_keeps_what_a_dictionary_would_by_number(steps: list[tuple[str, int, int]]) -> None:
    kept: dict[tuple[int, int], bytes] = {}
    unanswered = Unanswered()
    for price_ticks, (step, session_id, number) in enumerate(steps, 1):
        if step == "add":
            data = command(session_id, number, price_ticks)
            kept[session_id, number] = data
            unanswered.add(session_id, number, data)
        else:
            was_there = kept.pop((session_id, number), None) is not None
            assert unanswered.take(session_id, number) == was_there
        assert unanswered.count == len(kept)
        assert unanswered.has(session_id, number) == ((session_id, number) in kept)
    assert sorted(unanswered.all()) == sorted(kept.values())


def test_a_thousand_sent_and_answered_in_turn_are_in_their_order() -> None:
    unanswered = Unanswered()
    for first in range(1, 5_001, 1_000):
        sent = [command(7, number) for number in range(first, first + 1_000)]
        assert unanswered.add_all(7, sent) == first
        assert unanswered.all() == sent
        for number in range(first, first + 1_000):
            assert unanswered.take(7, number)
            assert not unanswered.take(7, number)
    assert unanswered.count == 0
    assert unanswered.add_all(7, []) == 0
