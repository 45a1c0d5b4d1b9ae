import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.stream.frames import FrameError, FrameSplitter, frame, packed_array


@given(st.lists(st.binary(max_size=40), max_size=10), st.data())
def test_payloads_come_whole_however_they_were_cut(
    payloads: list[bytes], data: st.DataObject
) -> None:
    sent = b"".join(map(frame, payloads)) + b"\x09\0"
    splitter = FrameSplitter()
    received = []
    start = 0
    while start < len(sent):
        size = data.draw(st.integers(1, len(sent) - start))
        received += splitter.feed(sent[start : start + size])
        start += size
    assert received == payloads
    assert splitter.left == b"\x09\0"


def test_a_frame_that_is_too_long_is_refused_before_it_comes() -> None:
    splitter = FrameSplitter(payload_bytes_max=10)
    assert splitter.feed(frame(bytes(10))) == [bytes(10)]
    with pytest.raises(FrameError, match="of 11 bytes"):
        splitter.feed(frame(bytes(11))[:4])


@pytest.mark.parametrize("count", [0, 15, 16, 2**16 - 1, 2**16])
def test_an_array_of_what_is_encoded_is_the_array(count: int) -> None:
    values = list(range(count))
    encoded = [msgspec.msgpack.encode(value) for value in values]
    assert packed_array(encoded) == msgspec.msgpack.encode(values)
