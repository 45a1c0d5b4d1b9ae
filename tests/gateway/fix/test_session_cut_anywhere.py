"""Two sessions and a wire that breaks anywhere: nothing is lost, and nothing comes twice."""

import random
from collections.abc import Iterator

import pytest

from agio.hot_paths import is_compiled
from gateway.fix.states import State
from tests.gateway.fix.session_pair import UNLIMITED, Pair

IN_SESSION = (State.IN_SESSION, State.IN_SESSION)


def short_dialogue(pair: Pair) -> None:
    pair.connect()
    for number in range(3):
        if State.CLOSED not in pair.states:
            pair.send_order(number)
            pair.run()


def carried_by_short_dialogue() -> int:
    pair = Pair()
    short_dialogue(pair)
    return pair.carried_bytes


@pytest.mark.parametrize("cut", range(0, carried_by_short_dialogue(), 3))
def test_a_connection_cut_anywhere_loses_and_repeats_nothing(cut: int) -> None:
    pair = Pair()
    pair.wire_bytes = cut
    short_dialogue(pair)
    ordered = pair.client.store.next_sender_msg_seq_num > 1
    assert ordered
    pair.wire_bytes = UNLIMITED
    if State.CLOSED not in pair.states:
        pair.disconnect()
    pair.connect()
    assert pair.states == IN_SESSION
    sent_orders = [b"A%d" % n for n in range(len(pair.venue.applications))]
    assert pair.venue.client_order_ids() == sent_orders
    assert pair.client.client_order_ids() == sent_orders
    pair.send_order(9)
    pair.run()
    assert pair.client.client_order_ids() == [*sent_orders, b"A9"]


@pytest.mark.parametrize("part", range(4))
def test_a_resend_cut_anywhere_in_its_turn_loses_and_repeats_nothing(part: int) -> None:
    """Ten thousand pairs of cuts: one in the dialogue, one in what comes after the next logon.

    Uncompiled, every tenth of them.
    """
    apart = 28 if is_compiled("gateway.fix.session") else 280
    pairs = [
        (first, second)
        for first in range(part, carried_by_short_dialogue(), 4)
        for second in range(first % apart, 1_200, apart)
    ]
    assert len(pairs) > 10_000 / 4 * 28 / apart
    for first, second in pairs:
        pair = Pair()
        pair.wire_bytes = first
        short_dialogue(pair)
        for wire_bytes in (second, UNLIMITED):
            if State.CLOSED not in pair.states:
                pair.disconnect()
            pair.wire_bytes = wire_bytes
            pair.connect()
        assert pair.states == IN_SESSION, (first, second)
        ordered = [b"A%d" % number for number in range(len(pair.venue.applications))]
        assert pair.venue.client_order_ids() == ordered, (first, second)
        assert pair.client.client_order_ids() == ordered, (first, second)
        assert (
            pair.client.store.next_sender_msg_seq_num == pair.venue.store.next_target_msg_seq_num
        ), (first, second)


def cuts(seed: int) -> Iterator[int]:
    rng = random.Random(seed)
    while True:
        yield rng.choice([rng.randrange(3000), rng.randrange(300)])


@pytest.mark.parametrize("seed", range(100))
def test_many_cuts_in_both_directions_lose_and_repeat_nothing(seed: int) -> None:
    """Gaps arise on both sides at once, resends are cut in their turn."""
    pair = Pair()
    ordered = 0
    for cut, _ in zip(cuts(seed), range(15), strict=False):
        pair.wire_bytes = cut
        pair.connect()
        while State.CLOSED not in pair.states:
            pair.send_order(ordered)
            ordered += 1
            pair.run()
    pair.wire_bytes = UNLIMITED
    pair.connect()
    assert pair.states == IN_SESSION
    expected = [b"A%d" % number for number in range(ordered)]
    assert pair.venue.client_order_ids() == expected
    assert pair.client.client_order_ids() == expected
    assert pair.client.store.next_sender_msg_seq_num == pair.venue.store.next_target_msg_seq_num
