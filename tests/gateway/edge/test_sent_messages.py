"""The store of sent messages: what survives, what is refused, what streams."""

import os
import signal
import struct
import subprocess
import sys
from functools import partial
from pathlib import Path
from zlib import crc32

import pytest

from gateway.edge.sent_messages import SentMessages, SentMessagesDamaged
from gateway.fix.store import SessionStore

FILE = "sent_messages.log"


def test_a_new_store_starts_both_numbers_at_1(tmp_path: Path) -> None:
    store: SessionStore = SentMessages(tmp_path / "C1", now_ns=5)
    assert store.next_sender_msg_seq_num == 1
    assert store.next_target_msg_seq_num == 1
    assert store.epoch == 1
    assert store.creation_time_ns == 5
    assert store.watermark == 0


def test_reopened_it_knows_numbers_messages_and_watermark(tmp_path: Path) -> None:
    store = SentMessages(tmp_path, now_ns=5)
    store.set_next_sender(2)
    store.append(2, b"two", watermark=40)
    store.append(3, b"three", watermark=41)
    store.set_next_sender(5)
    store.set_next_target(9)
    store.close()

    again = SentMessages(tmp_path, now_ns=99)
    assert again.next_sender_msg_seq_num == 5
    assert again.next_target_msg_seq_num == 9
    assert again.watermark == 41
    assert again.creation_time_ns == 5
    assert list(again.messages(1, 10)) == [(2, b"two"), (3, b"three")]


def test_a_number_passed_after_the_last_message_is_not_taken_back_by_it(tmp_path: Path) -> None:
    store = SentMessages(tmp_path, now_ns=0)
    store.set_next_sender(7)
    store.flush()
    store.append(7, b"seven")
    store.set_next_sender(10)
    store.close()
    assert SentMessages(tmp_path, now_ns=0).next_sender_msg_seq_num == 10


def test_messages_of_a_range_come_in_order_from_any_place(tmp_path: Path) -> None:
    store = SentMessages(tmp_path, now_ns=0)
    kept = {number: b"message %d" % number * 50 for number in range(1, 5001) if number % 7}
    for number, message in kept.items():
        store.append(number, message)
        if number % 100 == 0:
            store.set_next_target(number)
            store.flush()
    for begin, end in [(1, 5000), (1, 1), (640, 641), (2500, 4000), (4999, 9000), (6000, 7000)]:
        expected = [(n, m) for n, m in kept.items() if begin <= n <= end]
        assert list(store.messages(begin, end)) == expected
    store.close()
    assert list(SentMessages(tmp_path, now_ns=0).messages(1, 5000)) == list(kept.items())


def test_messages_not_yet_flushed_are_among_those_of_a_range(tmp_path: Path) -> None:
    store = SentMessages(tmp_path, now_ns=0)
    store.append(1, b"one")
    assert list(store.messages(1, 1)) == [(1, b"one")]


def test_a_resend_reads_no_more_than_it_hands_out(tmp_path: Path) -> None:
    store = SentMessages(tmp_path, now_ns=0)
    for number in range(1, 20_001):
        store.append(number, b"x" * 200)
    store.flush()
    messages = store.messages(1, 20_000)
    assert next(messages) == (1, b"x" * 200)
    store.append(20_001, b"later")
    assert sum(1 for _ in messages) == 19_999


def test_a_reset_starts_at_1_in_a_new_epoch_and_keeps_the_watermark(tmp_path: Path) -> None:
    store = SentMessages(tmp_path, now_ns=5)
    store.append(1, b"one", watermark=40)
    store.set_next_target(9)
    store.flush()
    store.reset(now_ns=6)
    store.append(1, b"new one")
    store.close()

    again = SentMessages(tmp_path, now_ns=99)
    assert (again.next_sender_msg_seq_num, again.next_target_msg_seq_num) == (2, 1)
    assert (again.epoch, again.creation_time_ns, again.watermark) == (2, 6, 40)
    assert list(again.messages(1, 9)) == [(1, b"new one")]


def test_a_resend_that_is_overtaken_by_a_reset_ends(tmp_path: Path) -> None:
    store = SentMessages(tmp_path, now_ns=0)
    for number in range(1, 5001):
        store.append(number, b"x" * 200)
    messages = store.messages(1, 5000)
    next(messages)
    store.reset(now_ns=1)
    assert sum(1 for _ in messages) < 5000


def test_cut_anywhere_in_its_last_record_it_opens_without_that(tmp_path: Path) -> None:
    store = SentMessages(tmp_path, now_ns=0)
    store.append(1, b"one", watermark=7)
    store.flush()
    whole = (tmp_path / FILE).read_bytes()
    store.append(2, b"two", watermark=8)
    store.close()
    longer = (tmp_path / FILE).read_bytes()
    for size in range(len(whole), len(longer)):
        (tmp_path / FILE).write_bytes(longer[:size])
        cut = SentMessages(tmp_path, now_ns=0)
        assert (cut.next_sender_msg_seq_num, cut.watermark) == (2, 7)
        cut.append(2, b"again", watermark=9)
        cut.close()
        mended = SentMessages(tmp_path, now_ns=0)
        assert list(mended.messages(1, 9)) == [(1, b"one"), (2, b"again")]
        mended.close()


def test_a_write_cut_anywhere_counts_whole_or_not_at_all(tmp_path: Path) -> None:
    """An answer without the number that says what was answered would be given again."""
    store = SentMessages(tmp_path, now_ns=0)
    store.append(1, b"one")
    store.set_next_target(2)
    store.flush()
    before = (tmp_path / FILE).read_bytes()
    store.append(2, b"answer to 2")
    store.append(3, b"answer to 3", watermark=5)
    store.set_next_target(4)
    store.close()
    after = (tmp_path / FILE).read_bytes()
    for size in range(len(before), len(after) + 1):
        (tmp_path / FILE).write_bytes(after[:size])
        cut = SentMessages(tmp_path, now_ns=0)
        numbers = (cut.next_sender_msg_seq_num, cut.next_target_msg_seq_num, cut.watermark)
        assert numbers == ((4, 4, 5) if size == len(after) else (2, 2, 0))
        assert len(list(cut.messages(1, 9))) == (3 if size == len(after) else 1)
        cut.close()


def older_file(path: Path, version: int, *records: tuple[int, int, bytes]) -> None:
    """Write a file as it was before version 3: a checksum, a length and two numbers a record."""
    header = struct.pack("<8sIIQQ", b"AGIOSENT", version, 4, 5, 6)
    data = header + struct.pack("<I", crc32(header))
    for first, second, message in records:
        rest = struct.pack("<IQQ", len(message), first, second) + message
        data += struct.pack("<I", crc32(rest)) + rest
    path.write_bytes(data)


def test_a_file_of_version_1_is_read_to_its_last_message(tmp_path: Path) -> None:
    older_file(tmp_path / FILE, 1, (1, 7, b"one"), (2, 9, b""), (2, 8, b"two"))
    old = SentMessages(tmp_path, now_ns=0)
    numbers = (old.next_sender_msg_seq_num, old.next_target_msg_seq_num, old.watermark)
    assert numbers == (3, 9, 8)
    old.append(3, b"three")
    old.close()
    assert len(list(SentMessages(tmp_path, now_ns=0).messages(1, 9))) == 3


def test_a_file_of_version_2_goes_on_as_it_was(tmp_path: Path) -> None:
    older_file(
        tmp_path / FILE, 2, (1, 7, b"one"), (2, 8, b"two"), (4, 9, b""), (4, 9, b"4"), (5, 12, b"")
    )
    for _ in range(2):
        store = SentMessages(tmp_path, now_ns=99)
        assert (store.next_sender_msg_seq_num, store.next_target_msg_seq_num) == (5, 12)
        assert (store.epoch, store.creation_time_ns, store.watermark) == (4, 5, 9)
        assert list(store.messages(1, 9)) == [(1, b"one"), (2, b"two"), (4, b"4")]
        store.close()


def test_a_file_of_version_2_opens_without_its_last_write_if_that_was_cut_short(
    tmp_path: Path,
) -> None:
    records = ((1, 7, b"one"), (2, 3, b""), (2, 8, b"two"), (3, 4, b""))
    older_file(tmp_path / FILE, 2, *records)
    whole = (tmp_path / FILE).read_bytes()
    older_file(tmp_path / FILE, 2, *records[:2])
    for size in range((tmp_path / FILE).stat().st_size, len(whole)):
        (tmp_path / FILE).write_bytes(whole[:size])
        cut = SentMessages(tmp_path, now_ns=0)
        assert (cut.next_sender_msg_seq_num, cut.next_target_msg_seq_num) == (2, 3)
        assert list(cut.messages(1, 9)) == [(1, b"one")]
        cut.close()


def test_a_damaged_file_of_version_2_refuses_to_open_and_is_left_alone(tmp_path: Path) -> None:
    older_file(tmp_path / FILE, 2, (1, 7, b"one"), (2, 3, b""))
    damaged = (tmp_path / FILE).read_bytes().replace(b"one", b"oni")
    (tmp_path / FILE).write_bytes(damaged)
    with pytest.raises(SentMessagesDamaged, match="bad record at byte 36"):
        SentMessages(tmp_path, now_ns=0)
    assert (tmp_path / FILE).read_bytes() == damaged


def test_zeros_behind_the_last_record_are_cut_off(tmp_path: Path) -> None:
    store = SentMessages(tmp_path, now_ns=0)
    store.append(1, b"one")
    store.close()
    with (tmp_path / FILE).open("ab") as file:
        file.write(bytes(4096))
    assert SentMessages(tmp_path, now_ns=0).next_sender_msg_seq_num == 2


def test_a_bit_flipped_before_the_tail_refuses_to_open_and_names_the_place(tmp_path: Path) -> None:
    store = SentMessages(tmp_path, now_ns=0)
    store.append(1, b"one" * 30)
    store.append(2, b"two" * 30)
    store.close()
    good = (tmp_path / FILE).read_bytes()
    damaged = bytearray(good)
    damaged[good.index(b"one") + 5] ^= 4
    (tmp_path / FILE).write_bytes(damaged)
    with pytest.raises(SentMessagesDamaged, match="bad write at byte 36"):
        SentMessages(tmp_path, now_ns=0)


def test_a_length_that_is_wrong_is_damage_where_a_good_write_stands_behind_it(
    tmp_path: Path,
) -> None:
    store = SentMessages(tmp_path, now_ns=0)
    for number in (1, 2):
        store.append(number, b"SENT %d" % number)
        store.flush()
    store.close()
    good = (tmp_path / FILE).read_bytes()
    for bit in range(64):
        damaged = bytearray(good)
        damaged[36 + 8 + bit // 8] ^= 1 << bit % 8
        (tmp_path / FILE).write_bytes(damaged)
        with pytest.raises(SentMessagesDamaged, match="bad write at byte 36"):
            SentMessages(tmp_path, now_ns=0)


def test_a_damaged_header_refuses_to_open(tmp_path: Path) -> None:
    SentMessages(tmp_path, now_ns=0).close()
    header = bytearray((tmp_path / FILE).read_bytes())
    header[13] ^= 1
    (tmp_path / FILE).write_bytes(header)
    with pytest.raises(SentMessagesDamaged, match="no readable header"):
        SentMessages(tmp_path, now_ns=0)


def test_a_store_is_open_once(tmp_path: Path) -> None:
    store = SentMessages(tmp_path, now_ns=0)
    with pytest.raises(BlockingIOError):
        SentMessages(tmp_path, now_ns=0)
    store.close()
    SentMessages(tmp_path, now_ns=0).close()


WRITER = """
import sys
from pathlib import Path
from gateway.edge.sent_messages import SentMessages
store = SentMessages(Path(sys.argv[1]), now_ns=0)
number = store.next_sender_msg_seq_num
while True:
    for _ in range(10):
        store.append(number, b"m%d" % number, watermark=number)
        number += 1
    store.flush()
    print(number - 1, flush=True)
"""


def test_a_process_killed_while_it_writes_loses_nothing_that_it_flushed(tmp_path: Path) -> None:
    last = 0
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(200):
                last = int(process.stdout.readline())
            os.kill(process.pid, signal.SIGKILL)
            rest = process.stdout.read().splitlines()
            last = int(rest[-1]) if rest and rest[-1].isdigit() else last
        store = SentMessages(tmp_path, now_ns=0)
        assert store.next_sender_msg_seq_num > last
        numbers = [number for number, _ in store.messages(1, 10**9)]
        assert numbers == list(range(1, store.next_sender_msg_seq_num))
        assert store.watermark == numbers[-1]
        store.close()


def pair(directory: Path) -> tuple[SentMessages, SentMessages]:
    """Return what two processes have of one session's files."""
    return (
        SentMessages(directory, now_ns=0, is_shared=True),
        SentMessages(directory, now_ns=0, is_shared=True),
    )


def test_one_holds_it_at_a_time_and_finds_what_the_other_has_left(tmp_path: Path) -> None:
    one, other = pair(tmp_path)
    assert one.claim()
    assert not other.claim()
    one.append(1, b"one", watermark=7)
    one.set_next_target(5)
    one.release()
    assert (one.is_held, other.claim(), one.claim()) == (False, True, False)
    assert (other.next_sender_msg_seq_num, other.next_target_msg_seq_num) == (2, 5)
    other.append(2, b"two", watermark=8)
    other.release()
    assert one.claim()
    assert list(one.messages(1, 9)) == [(1, b"one"), (2, b"two")]
    assert one.watermark == 8


def test_a_reset_leaves_no_moment_for_another_to_hold_it(tmp_path: Path) -> None:
    one, other = pair(tmp_path)
    for epoch in (2, 3):
        assert one.claim()
        one.append(1, b"before")
        one.flush()
        one.reset(now_ns=epoch)
        assert not other.claim()
        one.append(1, b"after %d" % epoch)
        one.release()
        assert other.claim()
        assert (other.epoch, other.creation_time_ns) == (epoch, epoch)
        assert list(other.messages(1, 9)) == [(1, b"after %d" % epoch)]
        other.release()


def test_what_its_holder_has_written_is_not_done_again(tmp_path: Path) -> None:
    one, other = pair(tmp_path)
    done: list[str] = []
    for watermark, name in ((5, "five"), (0, "behind five"), (6, "six"), (0, "behind six")):
        other.defer(watermark, partial(_note, done, name))
    one.claim()
    one.append(1, b"one", watermark=5)
    one.flush()
    other.follow()
    one.release()
    other.claim()
    other.carry_out(now_ns=1)
    assert done == ["behind five", "six", "behind six"]


def _note(done: list[str], name: str, _now_ns: int) -> None:
    done.append(name)


def test_a_write_under_way_is_not_cut_off_by_who_only_reads(tmp_path: Path) -> None:
    one, other = pair(tmp_path)
    one.claim()
    one.append(1, b"one", watermark=5)
    one.flush()
    with (tmp_path / FILE).open("ab") as file:
        file.write(b"the first half of a record")
    other.follow()
    assert other.watermark == 5
    assert (tmp_path / FILE).read_bytes().endswith(b"record")
