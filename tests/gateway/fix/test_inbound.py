"""The number that a peer is asked from after a crash, against a set of what has not been taken."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.fix.inbound import Inbound
from gateway.fix.store import MemoryStore

STEPS = st.lists(
    st.one_of(st.sampled_from(["application", "administrative"]), st.integers(1, 40)), max_size=60
)


@given(STEPS)
def test_the_store_has_the_lowest_number_that_has_not_been_taken(steps: list[str | int]) -> None:
    store = MemoryStore()
    inbound = Inbound(store, 10)
    untaken: list[int] = []
    for step in steps:
        number = inbound.next_expected
        if step == "application":
            inbound.hand_up(number)
            untaken.append(number)
            continue  # the store hears of it once something is taken
        before = len(untaken)
        if step == "administrative":
            inbound.advance(number + 1)
        else:
            inbound.taken(int(step))
            untaken = [each for each in untaken if each > int(step)]
        if not untaken or len(untaken) < before:
            expected = untaken[0] if untaken else inbound.next_expected
            assert store.next_target_msg_seq_num == expected
    inbound.taken(99)
    if steps:
        assert store.next_target_msg_seq_num == inbound.next_expected
