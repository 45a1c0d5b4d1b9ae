"""What any session store does, in memory and on disk alike."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.sent_messages import SentMessages
from gateway.fix.store import MemoryStore, SessionStore

MAKERS: dict[str, Callable[[Path], SessionStore]] = {
    "memory": lambda _: MemoryStore(5),
    "disk": lambda directory: SentMessages(directory, 5),
}


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SessionStore:
    return MAKERS[request.param](tmp_path)


def test_a_kept_message_moves_the_next_number(store: SessionStore) -> None:
    store.append(1, b"one", watermark=3)
    store.append(2, b"two")
    assert store.next_sender_msg_seq_num == 3
    assert store.watermark == 3


def test_numbers_passed_over_leave_a_hole(store: SessionStore) -> None:
    store.append(1, b"one")
    store.set_next_sender(4)
    store.append(4, b"four")
    assert list(store.messages(1, 9)) == [(1, b"one"), (4, b"four")]
    assert list(store.messages(2, 3)) == []
    assert list(store.messages(4, 4)) == [(4, b"four")]


def test_a_reset_begins_a_new_epoch(store: SessionStore) -> None:
    store.append(1, b"one", watermark=3)
    store.set_next_target(8)
    store.reset(7)
    assert store.next_sender_msg_seq_num == store.next_target_msg_seq_num == 1
    assert (store.epoch, store.creation_time_ns, store.watermark) == (2, 7, 3)
    assert list(store.messages(1, 9)) == []


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.binary(min_size=1, max_size=40), st.integers(0, 9)),
        st.tuples(st.just("pass"), st.just(b""), st.integers(1, 3)),
        st.tuples(st.just("target"), st.just(b""), st.integers(1, 99)),
        st.tuples(st.just("flush"), st.just(b""), st.just(0)),
        st.tuples(st.just("reset"), st.just(b""), st.integers(6, 9)),
        st.tuples(st.just("reopen"), st.just(b""), st.just(0)),
    ),
    max_size=150,
)


@given(steps)
def test_the_disk_remembers_what_memory_does(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, bytes, int]]
) -> None:
    directory = tmp_path_factory.mktemp("store")
    memory, disk = MemoryStore(5), SentMessages(directory, 5)
    for kind, message, number in steps:
        if kind == "reopen":
            disk.close()
            disk = SentMessages(directory, 99)
        for store in (memory, disk):
            following = store.next_sender_msg_seq_num
            match kind:
                case "append":
                    store.append(following, message, number)
                case "pass":
                    store.set_next_sender(following + number)
                case "target":
                    store.set_next_target(number)
                case "flush":
                    store.flush()
                case "reset":
                    store.reset(number)
        assert vars_of(disk) == vars_of(memory)
    assert list(disk.messages(1, 999)) == list(memory.messages(1, 999))
    disk.close()


def vars_of(store: SessionStore) -> tuple[int, ...]:
    return (
        store.next_sender_msg_seq_num,
        store.next_target_msg_seq_num,
        store.creation_time_ns,
        store.epoch,
        store.watermark,
    )
