import pytest

from matching import sequencer
from matching.sequencer import CommandRefused, Sequencer, check_command
from tests.matching.samples import listing, order
from vocabulary import commands as c
from vocabulary.codec import CodecError, pack


def test_every_command_of_ours_passes_the_check() -> None:
    commands: list[c.Command] = [
        *listing(),
        order(7, 1),
        c.ReplaceOrder(7, 2, 1, 1, 0, 5, 5, b"new", b"old"),
        c.CancelOrder(7, 3, 1, 1, 12, b"", b""),
        c.CancelAllOrders(2**64 - 1, 4, 1, 0, b"x" * 36),
    ]
    packed = b"".join(pack(command) for command in commands)
    at = 0
    for command in commands:
        session_id, number, at = check_command(packed, at)
        assert (session_id, number) == (command.session_id, command.session_number)
    assert at == len(packed)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"side": 3}, "side 3 unknown"),
        ({"order_type": 0}, "order_type 0 unknown"),
        ({"time_in_force": 2}, "time_in_force 2 unknown"),
        ({"flags": 2}, "flags 2 unknown"),
        ({"client_order_id": b"x" * 37}, "text of 37 bytes, at most 36"),
        ({"client_order_id": b"a\0b"}, "not printable ASCII"),
        ({"client_order_id": "é".encode()}, "not printable ASCII"),
        ({"session_number": 0}, "session_number 0 is not positive"),
        ({"session_number": -5}, "session_number -5 is not positive"),
    ],
)
def test_a_command_with_an_impossible_value_is_refused_and_the_next_one_found(
    changes: dict[str, object], text: str
) -> None:
    number = changes.pop("session_number", 5)
    assert isinstance(number, int)
    data = pack(order(7, number, **changes))
    with pytest.raises(CommandRefused, match=text) as refused:
        check_command(data, 0)
    assert refused.value.refusal[1:3] == (7, number)
    assert refused.value.end == len(data)


def test_hidden_bytes_are_refused() -> None:
    data = bytearray(pack(order(7, 1, client_order_id=b"short")))
    data[-9] = 1
    with pytest.raises(CommandRefused, match="not zero"):
        check_command(bytes(data), 0)
    data[-9] = 0
    data[-48] = 255  # the length of a text of at most 39 bytes
    with pytest.raises(CommandRefused, match="at most 36"):
        check_command(bytes(data), 0)


@pytest.mark.parametrize("at", range(8))
def test_a_damaged_header_loses_what_follows(at: int) -> None:
    data = bytearray(pack(order(7, 1)))
    data[at] ^= 0x80
    with pytest.raises(CodecError):
        check_command(bytes(data), 0)


def test_every_prefix_is_no_command() -> None:
    data = pack(order(7, 1))
    for size in range(len(data)):
        with pytest.raises(CodecError):
            check_command(data[:size], 0)


def test_sequences_count_from_one_and_a_resend_finds_its_own() -> None:
    commands = Sequencer()
    assert [commands.take(7, 5), commands.take(8, 5), commands.take(7, 9)] == [1, 2, 3]
    assert commands.find(7, 5) == 1
    assert commands.find(8, 5) == 2
    assert commands.find(7, 9) == 3
    assert commands.find(7, 10) is None
    assert commands.find(9, 1) is None


def test_a_skipped_number_is_neither_new_nor_known() -> None:
    commands = Sequencer()
    commands.take(7, 5)
    with pytest.raises(KeyError):
        commands.find(7, 4)


def test_time_never_goes_back() -> None:
    commands = Sequencer()
    assert [commands.timestamp(now) for now in (5, 3, 6)] == [5, 5, 6]


def test_a_session_s_memory_is_bounded_and_covers_what_a_client_may_have_unanswered() -> None:
    commands = Sequencer()
    total = 3 * sequencer.NUMBERS_REMEMBERED
    for number in range(1, total + 1):
        commands.take(7, number)
    oldest = total - sequencer.NUMBERS_REMEMBERED + 1
    assert commands.find(7, oldest) == oldest
    assert commands.find(7, total) == total
    with pytest.raises(KeyError):
        commands.find(7, 1)


def test_the_longest_idle_session_keeps_its_last_number_only() -> None:
    commands = Sequencer()
    for session_id in range(1, sequencer.SESSIONS_REMEMBERED + 1):
        commands.take(session_id, 1)
    commands.take(1, 2)
    commands.take(10**6, 1)  # one session too many

    assert commands.find(1, 1) == 1
    with pytest.raises(KeyError):
        commands.find(2, 1)
    assert commands.find(2, 2) is None


@pytest.mark.parametrize(
    ("sequence", "timestamp_ns", "number", "text"),
    [
        (3, 10, 2, "sequence 3 follows 1"),
        (2, 9, 2, "time goes back"),
        (2, 10, 1, "goes back to number 1"),
    ],
)
def test_a_journal_that_breaks_the_rules_is_not_restored(
    sequence: int, timestamp_ns: int, number: int, text: str
) -> None:
    commands = Sequencer()
    commands.restore(1, 10, 7, 1)
    with pytest.raises(ValueError, match=text):
        commands.restore(sequence, timestamp_ns, 7, number)
