import re
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from typing import get_type_hints

import google_crc32c
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.codec import (
    FIRST_EVENT_KIND,
    LAYOUTS,
    RECORD_HEADER,
    VERSIONS,
    CodecError,
    Message,
    Record,
    check_record,
    pack,
    pack_record,
    unpack,
    unpack_command,
    unpack_record,
)
from vocabulary.packed_records import unpack_records
from vocabulary.types import OrderFlags, OrderType, Side, TimeInForce, TradingPhase

INTEGERS = {
    "B": st.integers(0, 2**8 - 1),
    "i": st.integers(-(2**31), 2**31 - 1),
    "I": st.integers(0, 2**32 - 1),
    "Q": st.integers(0, 2**64 - 1),
    "q": st.integers(-(2**63), 2**63 - 1),
}


def instances(message_type: type[Message]) -> st.SearchStrategy[Message]:
    """Any message of a type, with each field anywhere in the range of its layout."""
    codes = re.findall(r"(\d*)([BiIQq?p])", VERSIONS[message_type][-1].struct.format[4:])
    widths = [
        (code, int(count or 0)) for count, code in codes for _ in range(_repeats(code, count))
    ]
    hints = get_type_hints(message_type)
    fields: list[st.SearchStrategy[object]] = []
    for name, (code, width) in zip(message_type.__struct_fields__, widths, strict=True):
        if issubclass(hints[name], Enum):
            members = [*hints[name], OrderFlags.NONE] if hints[name] is OrderFlags else hints[name]
            fields.append(st.sampled_from(members))
        elif code == "p":
            fields.append(st.binary(max_size=width - 1))
        else:
            fields.append(st.booleans() if code == "?" else INTEGERS[code])
    return st.tuples(*fields).map(lambda values: message_type(*values))


def _repeats(code: str, count: str) -> int:
    return 1 if code == "p" else int(count or 1)


messages = st.one_of([instances(message_type) for message_type in LAYOUTS])
commands = st.one_of([instances(one) for one in LAYOUTS if issubclass(one, c.Command)])
events = st.one_of([instances(one) for one in LAYOUTS if issubclass(one, e.Event)])

ORDER = c.EnterOrder(
    7, 1, 3, 1, Side.BUY, OrderType.LIMIT, TimeInForce.GOOD_TILL_CANCEL, OrderFlags.NONE,
    100, 5, b"first",
)  # fmt: skip


def subclasses(of: type[Message]) -> Iterator[type[Message]]:
    for subclass in of.__subclasses__():
        yield subclass
        yield from subclasses(subclass)


def test_every_command_and_event_has_a_layout_of_its_own() -> None:
    declared = {*subclasses(c.Command), *subclasses(e.Event)}
    assert set(LAYOUTS) == declared - {c.AmendTrade}  # which only others are made of
    kinds = [layout.kind for layout in LAYOUTS.values()]
    assert len(set(kinds)) == len(kinds)
    for message_type, layouts in VERSIONS.items():
        assert [layout.version for layout in layouts] == list(range(1, len(layouts) + 1))
        for layout in layouts:
            assert (layout.kind >= FIRST_EVENT_KIND) == issubclass(message_type, e.Event)
            assert layout.size % 8 == 0
        assert layouts[-1].field_count == len(message_type.__struct_fields__)


def test_the_bytes_of_an_order() -> None:
    """The layout is that of journals already written: it may not change under its version."""
    assert pack(ORDER).hex(" ", 8) == (
        "0100010068000000 0700000000000000 0100000000000000 0300000001000000 0102010000000000"
        " 6400000000000000 0500000000000000 0566697273740000" + 5 * " 0000000000000000"
    )


@pytest.mark.parametrize("message_type", LAYOUTS, ids=lambda one: one.__name__)
@given(st.data())
def test_what_is_packed_is_what_is_unpacked(
    message_type: type[Message], data: st.DataObject
) -> None:
    message = data.draw(instances(message_type))
    packed = pack(message)
    assert len(packed) in {layout.size for layout in VERSIONS[message_type]}
    assert unpack(b"before.." + packed + b"behind", 8) == (message, 8 + len(packed))
    assert type(unpack(memoryview(packed))[0]) is message_type


@given(messages)
def test_every_prefix_of_a_message_is_refused(message: Message) -> None:
    packed = pack(message)
    for size in range(len(packed)):
        with pytest.raises(CodecError, match="cut short"):
            unpack(packed[:size])


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_are_a_message_or_a_codec_error(data: bytes, offset: int) -> None:
    try:
        message, end = unpack(data, offset)
    except CodecError:
        return
    assert end - offset in {layout.size for layout in VERSIONS[type(message)]}


@given(messages, st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4))
def test_a_damaged_message_is_a_message_or_a_codec_error(
    message: Message, damages: list[tuple[int, int]]
) -> None:
    data = bytearray(pack(message))
    for place, value in damages:
        data[place % len(data)] = value
    try:
        unpacked, _ = unpack(bytes(data))
    except CodecError:
        return
    assert pack(unpacked), "what was unpacked can be packed"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({0: 250}, "message kind 250 unknown, at byte 0"),
        ({2: 9}, "EnterOrder version 9 unknown, at byte 0"),
        ({4: 112}, "EnterOrder of 112 bytes, not 104, at byte 0"),
        ({32: 3}, "side 3 unknown, in the message at byte 0"),
        ({33: 7}, "order_type 7 unknown"),
        ({34: 2}, "time_in_force 2 unknown"),
        ({35: 4}, "flags 4 unknown"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_where(change: dict[int, int], says: str) -> None:
    data = bytearray(pack(ORDER))
    for place, value in change.items():
        data[place] = value
    with pytest.raises(CodecError, match=says):
        unpack(bytes(data))


@pytest.mark.parametrize(
    "field",
    [
        {"client_order_id": b"x" * 40},
        {"price_ticks": 2**63},
        {"quantity_lots": -(2**63) - 1},
        {"account_id": -1},
        {"instrument_id": 2**32},
        {"session_id": 2**64},
    ],
    ids=lambda field: next(iter(field)),
)
def test_a_field_that_does_not_fit_is_refused_not_cut(field: dict[str, object]) -> None:
    with pytest.raises(CodecError, match="EnterOrder"):
        pack(msgspec.structs.replace(ORDER, **field))


def test_an_event_is_no_command() -> None:
    with pytest.raises(CodecError, match="PhaseChanged is not a command, at byte 8"):
        unpack_command(bytes(8) + pack(e.PhaseChanged(1, TradingPhase.HALTED)), 8)


@given(st.integers(1, 2**63 - 1), st.integers(0, 2**63 - 1), commands, st.lists(events, max_size=5))
def test_a_record_is_read_as_it_was_written(
    sequence: int, timestamp_ns: int, command: c.Command, caused: list[e.Event]
) -> None:
    data = pack_record(sequence, timestamp_ns, pack(command), b"".join(map(pack, caused)))
    assert len(data) % 8 == 0
    assert check_record(b"12345678" + data, 8) == 8 + len(data)
    whole = Record(sequence, timestamp_ns, command, caused)
    assert unpack_record(data) == (whole, len(data))
    assert unpack_records(data + data) == [whole, whole]


@given(commands, st.lists(events, max_size=2))
def test_every_prefix_of_a_record_is_refused(command: c.Command, caused: list[e.Event]) -> None:
    data = pack_record(1, 1, pack(command), b"".join(map(pack, caused)))
    for size in range(len(data)):
        with pytest.raises(CodecError, match="cut short"):
            check_record(data[:size])


@given(commands, st.lists(events, max_size=2), st.integers(0))
def test_no_flipped_bit_goes_unnoticed(
    command: c.Command, caused: list[e.Event], place: int
) -> None:
    data = bytearray(pack_record(1, 1, pack(command), b"".join(map(pack, caused))))
    bit = place % (8 * len(data))
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CodecError):
        check_record(bytes(data))


@given(st.binary(max_size=200))
def test_garbage_with_a_right_checksum_is_a_codec_error(body: bytes) -> None:
    body += bytes(-len(body) % 8)
    header = RECORD_HEADER.pack(0, RECORD_HEADER.size + len(body), 1, 1)[4:]
    crc: int = google_crc32c.value(header + body)
    data = crc.to_bytes(4, "little") + header + body
    assert check_record(data) == len(data)
    with suppress(CodecError):
        unpack_record(data)


def test_a_record_whose_last_event_passes_its_end_is_refused() -> None:
    halted = pack(e.PhaseChanged(1, TradingPhase.HALTED))
    data = pack_record(1, 1, pack(ORDER), halted[:8])
    with pytest.raises(CodecError, match="passes its end"):
        unpack_record(data + halted[8:])
