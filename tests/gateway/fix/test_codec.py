"""Bytes to messages and back: whole, partial or garbled, and nothing else."""

import random
from itertools import pairwise

import pytest
import simplefix
from hypothesis import given
from hypothesis import strategies as st

from gateway.fix.codec import SOH, Decoder, FixMessage, checksum, encode, encode_fields

ORDER = encode_fields(
    [
        (35, b"D"), (49, b"C1"), (56, b"AGIO"), (34, b"12"), (52, b"20260101-00:00:00.000"),
        (11, b"A-1"), (55, b"BTCUSDT"), (54, b"1"), (38, b"1.50"), (40, b"2"), (44, b"50000.25"),
    ]
)  # fmt: skip
MESSAGE = encode(ORDER)
TEST_REQUEST = encode(b"35=1\x01112=A=B\x01")


def decoded(*pieces: bytes) -> tuple[list[bytes], int]:
    decoder = Decoder()
    messages = [message for piece in pieces for message in decoder.receive_data(piece)]
    return [message.raw for message in messages], decoder.garbled_count


def one(data: bytes) -> FixMessage:
    (message,) = Decoder().receive_data(data)
    return message


def test_a_message_has_its_fields_in_order() -> None:
    message = one(MESSAGE)
    assert message.msg_type == b"D"
    assert message.msg_seq_num == 12
    assert message.get(44) == b"50000.25"
    assert message.get(58) is None
    assert 11 in message
    assert [tag for tag, _ in message.fields] == [
        8,
        9,
        35,
        49,
        56,
        34,
        52,
        11,
        55,
        54,
        38,
        40,
        44,
        10,
    ]
    assert message.raw == MESSAGE


@pytest.mark.parametrize("length", range(len(MESSAGE)))
def test_every_prefix_of_a_message_is_partial(length: int) -> None:
    decoder = Decoder()
    assert decoder.receive_data(MESSAGE[:length]) == []
    (message,) = decoder.receive_data(MESSAGE[length:])
    assert message.raw == MESSAGE
    assert decoder.garbled_count == 0


@pytest.mark.parametrize("place", range(len(MESSAGE)))
def test_a_message_with_any_byte_changed_is_not_taken(place: int) -> None:
    for change in (1, 2, 16):
        data = MESSAGE[:place] + bytes([MESSAGE[place] ^ change]) + MESSAGE[place + 1 :]
        assert decoded(data)[0] == []


@pytest.mark.parametrize("wrong", [n for n in range(256) if b"%03d" % n != MESSAGE[-4:-1]])
def test_every_wrong_checksum_is_garbled(wrong: int) -> None:
    data = MESSAGE[:-4] + b"%03d\x01" % wrong
    assert decoded(data, TEST_REQUEST) == ([TEST_REQUEST], 1)


@pytest.mark.parametrize("text", [b"12", b"1234", b"abc", b"", b" 12", b"256"])
def test_a_checksum_that_is_no_checksum_is_garbled(text: bytes) -> None:
    garbled = MESSAGE[:-4] + text + SOH
    assert decoded(garbled, TEST_REQUEST, TEST_REQUEST)[0][-1:] == [TEST_REQUEST]
    assert decoded(garbled, TEST_REQUEST, TEST_REQUEST)[1] >= 1


@pytest.mark.parametrize("length", [b"0", b"1", b"30", b"97", b"0000001"])
def test_a_body_length_that_is_too_short_costs_only_its_message(length: bytes) -> None:
    data = MESSAGE.replace(b"9=%d" % len(ORDER), b"9=" + length, 1)
    assert decoded(data + TEST_REQUEST) == ([TEST_REQUEST], 1)


def test_a_body_length_that_is_too_long_costs_the_message_that_it_reaches_into() -> None:
    data = MESSAGE.replace(b"9=%d" % len(ORDER), b"9=%d" % (len(ORDER) + 2), 1)
    assert decoded(data + MESSAGE + TEST_REQUEST) == ([TEST_REQUEST], 1)


@pytest.mark.parametrize(
    "length", [b"", b"-1", b"+5", b"1_0", b" 5", b"abc", b"1234567890", b"999999999", b"16385"]
)
def test_a_body_length_that_is_none_is_skipped(length: bytes) -> None:
    data = MESSAGE.replace(b"9=%d" % len(ORDER), b"9=" + length, 1)
    assert decoded(data + TEST_REQUEST) == ([TEST_REQUEST], 1)


@pytest.mark.parametrize(
    "body",
    [
        b"34=1\x0135=0\x01",  # MsgType(35) is not third
        b"35=0\x0134\x01",  # a field without "="
        b"35=0\x01=1\x01",  # no tag
        b"35=0\x01a=1\x01",
        b"35=0\x01011=1\x01",  # a leading zero
        b"35=0\x01+1=1\x01",
        b"35=0\x011_1=1\x01",
        b"35=0\x011234567890=1\x01",
        b"35=0\x01\x01",
        b"35=0\x0158=a=b\x0155\x01",  # as many "=" as fields, yet not one each
    ],
)
def test_a_field_that_is_none_makes_a_message_garbled(body: bytes) -> None:
    assert decoded(encode(body) + TEST_REQUEST) == ([TEST_REQUEST], 1)


@pytest.mark.parametrize(
    "garbage", [b"x", b"35=0\x018", b"8=FI", b"8=FIX", b"\x00" * 50, b"8=8=8="]
)
def test_garbage_before_a_message_is_skipped(garbage: bytes) -> None:
    messages, garbled = decoded(garbage + MESSAGE)
    assert messages == [MESSAGE]
    assert garbled == 1


def test_unknown_and_negative_tags_are_left_to_the_dictionary() -> None:
    message = one(encode(b"35=0\x01-1=a\x010=b\x0199999=c\x01"))
    assert message.tags == (8, 9, 35, -1, 0, 99999, 10)


def test_a_value_may_hold_an_equals_sign() -> None:
    assert one(TEST_REQUEST).get(112) == b"A=B"


def test_a_data_field_may_hold_the_delimiter() -> None:
    message = one(encode(b"35=A\x0195=9\x0196=a\x0155=b=\x01c\x0198=0\x01"))
    assert message.get(96) == b"a\x0155=b=\x01c"
    assert message.get(98) == b"0"
    assert message.get(55) is None


def test_a_data_field_whose_length_is_wrong_ends_at_the_delimiter() -> None:
    assert one(encode(b"35=A\x0195=99\x0196=abc\x0198=0\x01")).get(96) == b"abc"


@pytest.mark.parametrize("text", [b"0", b"-1", b"x", b"", b"1_0", b" 1", b"2147483648", b"9" * 50])
def test_a_number_that_is_none_reads_as_0(text: bytes) -> None:
    assert one(encode(b"35=0\x0134=%b\x01" % text)).msg_seq_num == 0


def test_a_message_longer_than_the_limit_is_skipped() -> None:
    long = encode(b"35=0\x0158=%b\x01" % (b"x" * 300))
    decoder = Decoder(message_bytes_max=200)
    messages = decoder.receive_data(long + TEST_REQUEST)
    assert [message.raw for message in messages] == [TEST_REQUEST]
    assert decoder.garbled_count >= 1


def test_a_flood_without_a_message_is_not_kept() -> None:
    decoder = Decoder(message_bytes_max=1000)
    for _ in range(1000):
        assert decoder.receive_data(b"8=FIX.4.4\x019=900\x0135=0\x01" + b"x" * 1000) == []
    assert decoder.receive_data(b"x" * 2000 + MESSAGE)[-1].raw == MESSAGE


def test_groups_are_read_entry_by_entry() -> None:
    message = one(encode(b"35=D\x01453=2\x01448=A\x01452=1\x01448=B\x01447=D\x01452=3\x0155=X\x01"))
    assert message.entries(453, frozenset({447, 448, 452})) == [
        {448: b"A", 452: b"1"},
        {448: b"B", 447: b"D", 452: b"3"},
    ]
    assert message.entries(78, frozenset({79})) == []


def test_what_is_shown_of_a_message_holds_no_secret() -> None:
    message = one(encode(b"35=A\x01553=user\x01554=hunter2\x0195=3\x0196=abc\x01"))
    assert "554=***|" in str(message)
    assert "96=***|" in str(message)
    assert "hunter2" not in repr(message)


@given(st.binary(max_size=5000))
def test_the_checksum_is_the_sum_of_all_bytes(data: bytes) -> None:
    assert checksum(data) == sum(data) % 256


def test_the_checksum_of_the_largest_bytes_does_not_overflow() -> None:
    for size in (255, 256, 257, 511, 512, 513, 5000):
        assert checksum(b"\xff" * size) == 255 * size % 256
        assert checksum(b"\x7f" * size) == 127 * size % 256


values = st.binary(min_size=1, max_size=30).map(lambda value: value.replace(SOH, b"|"))
fields = st.lists(st.tuples(st.integers(11, 70).filter(lambda t: t != 35), values), max_size=12)


@given(fields, st.sampled_from([b"0", b"D", b"AE"]))
def test_what_is_encoded_is_decoded(fields: list[tuple[int, bytes]], msg_type: bytes) -> None:
    message = one(encode(encode_fields([(35, msg_type), *fields])))
    assert list(message.fields)[3:-1] == fields


@given(fields)
def test_simplefix_reads_the_same(fields: list[tuple[int, bytes]]) -> None:
    data = encode(encode_fields([(35, b"D"), *fields]))
    parser = simplefix.FixParser()
    parser.append_buffer(data)
    theirs = parser.get_message()
    assert [(int(tag), value) for tag, value in theirs.pairs] == list(one(data).fields)
    assert theirs.encode() == data


def noise(rng: random.Random) -> bytes:
    """Make a stream of good, broken and torn messages."""
    pieces = []
    for _ in range(rng.randrange(1, 12)):
        piece = bytearray(rng.choice([MESSAGE, TEST_REQUEST, encode(b"35=0\x0134=1\x01")]))
        for _ in range(rng.choice([0, 0, 1, 3])):
            piece[rng.randrange(len(piece))] = rng.choice(b"\x01=8901FIX\xff")
        if not rng.randrange(4):
            del piece[rng.randrange(len(piece)) :]
        pieces.append(bytes(piece))
    return b"".join(pieces)


@pytest.mark.parametrize("seed", range(300))
def test_byte_at_a_time_equals_all_at_once(seed: int) -> None:
    rng = random.Random(seed)
    stream = noise(rng)
    at_once = decoded(stream)
    assert decoded(*(stream[i : i + 1] for i in range(len(stream)))) == at_once
    cuts = sorted(rng.randrange(len(stream)) for _ in range(3))
    bounds = [0, *cuts, len(stream)]
    assert decoded(*(stream[a:b] for a, b in pairwise(bounds))) == at_once


@given(
    st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([MESSAGE, MESSAGE[:40], b"8=FIX"])))
)
def test_no_input_raises(pieces: list[bytes]) -> None:
    decoder = Decoder(message_bytes_max=400)
    for piece in pieces:
        for message in decoder.receive_data(piece):
            assert message.tags[:3] == (8, 9, 35)
            assert message.tags[-1] == 10
            assert int(message.get(10) or b"") == sum(message.raw[:-7]) % 256
