from hypothesis import given
from hypothesis import strategies as st

from gateway.fix.codec import encode
from gateway.fix.message_buffer import HEAD_BYTES_MAX, MessageBuffer
from gateway.fix.timestamps import format_utc_timestamp
from vocabulary.instrument import decimal_text

INT64 = st.integers(-(2**63) + 1, 2**63 - 1)
TIMES = st.lists(st.integers(0, 2**62), min_size=1, max_size=4)


@given(INT64, st.integers(0, 18))
def test_a_decimal_is_spelled_with_all_its_places(mantissa: int, scale: int) -> None:
    out = MessageBuffer()
    out.decimal(b"44=", mantissa, scale)
    assert out.fields() == b"44=%b\x01" % decimal_text(mantissa, scale).encode()


@given(INT64, st.binary(max_size=40), TIMES)
def test_fields_stand_behind_each_other(number: int, text: bytes, times: list[int]) -> None:
    out = MessageBuffer()
    out.put(b"left over")
    out.start()
    out.number(b"34=", number)
    out.text(b"58=", text)
    for time_ns in times:
        out.time(b"60=", time_ns)
        out.time(b"60=", time_ns + 1)
    told = b"".join(
        b"60=%b\x01" % format_utc_timestamp(each) for time in times for each in (time, time + 1)
    )
    assert out.fields() == b"34=%d\x0158=%b\x01" % (number, text) + told


@given(st.integers(0, 12_000), st.integers(2, 255), st.integers(0, 2**63 - 1))
def test_a_message_of_any_length_is_framed_as_the_codec_does(
    size: int, octet: int, number: int
) -> None:
    body = b"58=%b\x01" % (bytes([octet]) * size)
    name = bytes([octet]) * (HEAD_BYTES_MAX - 30)
    head, rest_of_head = b"35=8\x0156=%b\x0134=" % name, b"\x0152=20240101-00\x01"
    out = MessageBuffer()
    for _ in range(2):
        out.start()
        out.put(body)
        message = out.message(head, number, rest_of_head)
        assert message == encode(b"%b%d%b%b" % (head, number, rest_of_head, body))
