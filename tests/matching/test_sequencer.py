import pytest

from matching import sequencer
from matching.sequencer import Sequencer


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
