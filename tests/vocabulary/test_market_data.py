"""What the channels carry can be read by anyone who has MessagePack and this page."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vocabulary.market_data import (
    KINDS,
    DepthChanged,
    Heartbeat,
    Level,
    Mark,
    Message,
    Snapshot,
    channel,
    snapshot_key,
)

TYPES = [*get_args(Message), *get_args(Snapshot), Heartbeat]


@pytest.mark.parametrize("message_type", TYPES, ids=lambda one: one.__name__)
@given(st.data())
def test_what_is_written_is_what_is_read_and_no_prefix_of_it_is(
    message_type: type[msgspec.Struct], data: st.DataObject
) -> None:
    message = data.draw(st.from_type(message_type))
    try:
        written = msgspec.msgpack.encode(message)
    except OverflowError:  # MessagePack ends at 64 bits, and so do our integers
        return
    decoder = msgspec.msgpack.Decoder(message_type)
    assert decoder.decode(written) == message
    for size in range(len(written)):
        with pytest.raises(msgspec.MsgspecError):
            decoder.decode(written[:size])


@pytest.mark.parametrize("message_type", TYPES, ids=lambda one: one.__name__)
@given(st.binary(max_size=100))
def test_any_bytes_are_a_message_or_a_msgspec_error(
    message_type: type[msgspec.Struct], data: bytes
) -> None:
    try:
        msgspec.msgpack.decode(data, type=message_type)
    except msgspec.MsgspecError:
        return


def test_a_message_is_an_array_without_names() -> None:
    message = DepthChanged(12, 10, 77, [Level(100, 5)], [])
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(message)) == [12, 10, 77, [[100, 5]], []]


def test_channels_and_their_snapshots_have_names_by_kind_and_symbol() -> None:
    assert channel("candles:1m", "BTCUSDT") == "agio:candles:1m:BTCUSDT"
    assert snapshot_key("agio:candles:1m:BTCUSDT") == "agio:snapshot:candles:1m:BTCUSDT"
    names = {channel(kind, symbol) for kind in KINDS for symbol in ("BTCUSDT", "ETHBTC")}
    assert len(names | {snapshot_key(name) for name in names}) == 4 * len(KINDS)


def test_a_mark_is_later_by_sequence_and_then_by_time() -> None:
    assert Mark(1, 9) < Mark(2, 1) < Mark(2, 2)
