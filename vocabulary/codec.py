"""The bytes of commands, events and records, the same on the link and in the journal.

Layout (little endian, no implicit padding)
-------------------------------------------
A message is a header of 8 bytes and a body of a fixed layout::

    uint16 kind      which message: see `_FORMATS`
    uint16 version   of that message's layout, from 1: see below
    uint32 size      of the whole message in bytes, a multiple of 8

Every 64-bit field stands on a multiple of 8. Text is one byte of length and then its bytes, filled
up with zeros.

A record is what one command did: a header of 24 bytes, the command, and the events that it caused,
up to `size`::

    uint32 crc32c    of all that follows
    uint32 size      of the whole record in bytes, a multiple of 8; 0 where a journal's data ends
    int64  sequence  place in the journal, from 1 and without a hole
    int64  timestamp_ns   UTC, when the command was sequenced; never goes back

Versions
--------
Journals are read for ever, so no layout changes once it was written. A kind's next version is its
last one with fields appended, for which the message's class has defaults: an older message is read
as one with the defaults, and a message that has them is written in the oldest version that says
all of it. So what needs nothing new keeps its bytes, and a message has one form only. What can't
be said by appending gets a kind of its own. A kind, a version and the value of an enumeration are
never given to anything else.

History
-------
1   The first version of all messages, and of the record.
    `EnterOrder` 2: self-trade prevention. 3: what it waits for. 4: a quote amount.
    5: what an iceberg displays.
    `CancelAllOrders` 2: of one side only. 3: of one session only. 4: with some flags only.
    A second flag of orders: to be canceled with their session.
    `EnterOrderList`, `OrderListAccepted` 2: a third order.
    `ExpireOrders`, `ChangePhase` 2: how much they do at most.
    `OrderAccepted` 2: the quantity that a quote amount comes to.
    `OrderRested`, `OrderReplaced`, `OrderCanceled`, `MatchPrevented` 2: what of it is hidden.
    `ListInstrument` 2: the phase that it starts in, and its limits. 3: its increments.
    `BustTrade` 2: the trade's record, and who made it. `CorrectTrade` 2: the trade's record.
    A maker's fee has a sign: what is below zero now were numbers that no engine took.
"""

from __future__ import annotations

import re
from enum import Enum
from struct import Struct
from typing import Any

import google_crc32c
import msgspec

from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.rejects import RejectReason
from vocabulary.types import (
    CancelReason,
    Contingency,
    OrderFlags,
    OrderType,
    SelfTradePrevention,
    Side,
    Sides,
    TimeInForce,
    TradingPhase,
)

Message = c.Command | e.Event

HEADER = Struct("<HHI")
HEADER_BYTES = HEADER.size
_HEADER_WORD = Struct("<Q")  # the same as one number, to look its layout up by
RECORD_HEADER = Struct("<IIqq")
RECORD_BYTES_MAX = 1 << 26
FIRST_EVENT_KIND = 64
_WORD_BYTES = 8

_LISTED = "4B4xqq40pqB7xqI4xq"  # an order of a list

# A class's fields stand in its layout in the order in which the class names them. Behind the kind
# stands the body of version 1, then what each further version appends.
_FORMATS: dict[type[Message], tuple[int, str, *tuple[str, ...]]] = {
    c.EnterOrder: (1, "QqII4B4xqq40pq", "B7x", "qI4x", "q", "q"),
    c.ReplaceOrder: (2, "QqIIqqq40p40p"),
    c.CancelOrder: (3, "QqIIq40p40p"),
    c.CancelAllOrders: (4, "QqII40p", "B7x", "Q", "B7x"),
    c.ExpireOrders: (5, "Qq", "q"),
    c.EnterOrderList: (6, "QqIIB7x40p" + 2 * _LISTED, _LISTED),
    c.ListAsset: (16, "QqII16p"),
    c.ListInstrument: (17, "QqIII4xqqqiI32p", "I4xqqqIIIIq", "qq"),
    c.ChangePhase: (18, "QqII", "q"),
    c.SetFees: (19, "QqIiI4x"),
    c.CreditFunds: (20, "QqIIq"),
    c.SetLimits: (32, "QqI4xqqqqIIIIq"),
    c.SetReferencePrice: (33, "QqI4xq"),
    c.SetSelfTradePrevention: (21, "QqIB3x"),
    c.SetTierFees: (34, "QqIIiI"),
    c.ClearTierFees: (35, "QqII"),
    c.AssignFeeTier: (36, "QqII"),
    c.SuspendAccount: (37, "QqI4x"),
    c.ResumeAccount: (38, "QqI4x"),
    c.BustTrade: (39, "QqIIqqqqqIIqqqq", "q?7x"),
    c.CorrectTrade: (40, "QqIIqqqqqIIqqqqqq?7x", "q"),
    c.ChangeIncrements: (45, "QqI4xqqq"),
    e.CommandRejected: (64, "I4x"),
    e.OrderAccepted: (65, "qIIq", "q"),
    e.OrderReplaced: (66, "qIIB?6xqqqqqq", "qq"),
    e.OrderRested: (67, "qIIB7xqq", "q"),
    e.TradeExecuted: (68, "qIB3xqqqqqqIIqqqqqqq"),
    e.OrderCanceled: (69, "qIIB?B5xqqqq", "q"),
    e.OrderRepeated: (70, "qII"),
    e.OrderTriggered: (72, "qIIqq"),
    e.OrderRefreshed: (73, "qIIB7xqq"),
    e.OrderListAccepted: (74, "qIIB7xqq", "q"),
    e.OrderActivated: (75, "qIIq"),
    e.MatchPrevented: (71, "qIB3xIB3xqqqqqqqq", "q"),
    e.AssetListed: (80, "II16p"),
    e.InstrumentListed: (81, "III4xqqqiI32p"),
    e.PhaseChanged: (82, "II"),
    e.FeesChanged: (83, "IiI4x"),
    e.FundsCredited: (84, "IIqq"),
    e.SelfTradePreventionSet: (85, "IB3x"),
    e.LimitsChanged: (96, "I4xqqqqIIIIq"),
    e.ReferencePriceSet: (97, "I4xq"),
    e.IndicativePriceChanged: (98, "I4xqqq"),
    e.TierFeesSet: (100, "IIiI"),
    e.TierFeesCleared: (101, "II"),
    e.FeeTierAssigned: (102, "II"),
    e.AccountSuspended: (103, "I4x"),
    e.AccountResumed: (104, "I4x"),
    e.TradeBusted: (105, "IIqqqqqIIqqqq"),
    e.TradeCorrected: (106, "IIqqqqqIIqqqqqqqqqq"),
    e.IncrementsChanged: (115, "I4xqq"),
    e.AuctionTradeExecuted: (99, "qIB3xqqqqqqIIqqqqqqqqq"),
}
_TEXT = re.compile(r"(\d+)p")
_ENUMS: dict[str, type[Enum]] = {
    "side": Side,
    "sides": Sides,
    "incoming_side": Side,
    "order_type": OrderType,
    "time_in_force": TimeInForce,
    "flags": OrderFlags,
    "phase": TradingPhase,
    "self_trade_prevention": SelfTradePrevention,
    "contingency": Contingency,
}


class CodecError(ValueError):
    """Bytes that are not a message or a record of this version; says what is wrong and where."""


class Layout:
    """How one class of message lies in bytes, in one of its versions."""

    def __init__(self, message_type: type[Message], kind: int, version: int, body: str) -> None:
        self.message_type = message_type
        self.kind = kind
        self.version = version
        self.struct = Struct("<HHI" + body)
        self.body = Struct("<" + body)
        self.size = self.struct.size
        self.is_command = issubclass(message_type, c.Command)
        self.field_count = len(self.struct.unpack(bytes(self.size))) - 3
        self.added: tuple[object, ...] = ()
        """The defaults of the fields that this version has and the one before had not."""
        enums = _ENUMS | {
            "reason": CancelReason if message_type is e.OrderCanceled else RejectReason
        }
        # Where in the unpacked tuple an enumeration stands, and its members by value.
        self.enums = [
            (index, name, _members(enums[name]))
            for index, name in enumerate(map(_bare, message_type.__struct_fields__))
            if name in enums and index < self.field_count
        ]
        widths = [int(width) - 1 for width in _TEXT.findall(body)]
        texts = [
            index
            for index, field in enumerate(msgspec.structs.fields(message_type)[: self.field_count])
            if field.type is bytes
        ]
        self.texts = list(zip(texts, widths, strict=True))

    def read(self, data: bytes | memoryview, offset: int) -> Message:
        """Return the message of this layout at `offset`. Raises `CodecError`."""
        values = list(self.body.unpack_from(data, offset + HEADER_BYTES))
        for index, name, members in self.enums:
            member = members.get(values[index])
            if member is None:
                raise CodecError(f"{name} {values[index]} unknown, in the message at byte {offset}")
            values[index] = member
        return self.message_type(*values)


def _bare(name: str) -> str:
    """Return a field's name as it is in an order by itself."""
    return name.removeprefix("first_").removeprefix("second_").removeprefix("third_")


def _members(enum: type[Enum]) -> dict[int, Enum]:
    # A flag enumeration iterates over its bits only, yet none of them and several are values, too.
    if enum is OrderFlags:
        return {value: OrderFlags(value) for value in range(2 * max(OrderFlags))}
    return {member.value: member for member in enum}


def _versions(message_type: type[Message], kind: int, *bodies: str) -> tuple[Layout, ...]:
    layouts: list[Layout] = []
    body = ""
    defaults = [field.default for field in msgspec.structs.fields(message_type)]
    for version, appended in enumerate(bodies, start=1):
        body += appended
        layout = Layout(message_type, kind, version, body)
        if layouts:
            layout.added = tuple(defaults[layouts[-1].field_count : layout.field_count])
        layouts.append(layout)
    return tuple(layouts)


VERSIONS: dict[type[Message], tuple[Layout, ...]] = {
    message_type: _versions(message_type, *form) for message_type, form in _FORMATS.items()
}
"""The layouts of each message, from version 1."""

LAYOUTS: dict[type[Message], Layout] = {
    message_type: layouts[0] for message_type, layouts in VERSIONS.items()
}
"""The first layout of each message: all that most of them have."""

LAYOUT_BY_KIND: dict[tuple[int, int], Layout] = {
    (layout.kind, layout.version): layout for layouts in VERSIONS.values() for layout in layouts
}
_NAMES = {layout.kind: message_type.__name__ for message_type, layout in LAYOUTS.items()}
_LAYOUT_BY_HEADER = {
    int.from_bytes(HEADER.pack(layout.kind, layout.version, layout.size), "little"): layout
    for layout in LAYOUT_BY_KIND.values()
}


class Record:
    """What one command did; `is_rejected`: nothing.

    One that came over the link is its bytes at first (`data`; places in it are in 64-bit words):
    its command and its events are made when somebody asks for them.
    """

    def __init__(
        self, sequence: int, timestamp_ns: int, command: c.Command, events: list[e.Event]
    ) -> None:
        self.sequence = sequence
        self.timestamp_ns = timestamp_ns
        self.session_id = command.session_id
        self.session_number = command.session_number
        self.command_kind = LAYOUTS[type(command)].kind
        self.is_rejected = bool(events) and type(events[0]) is e.CommandRejected
        self.data = b""
        self.command_at = self.events_at = self.stop = 0
        self._command: c.Command | None = command
        self._events: list[e.Event] | None = events

    @property
    def command(self) -> c.Command:
        if self._command is None:
            self._command, _ = unpack_command(self.data, _WORD_BYTES * self.command_at)
        return self._command

    @property
    def events(self) -> list[e.Event]:
        if self._events is None:
            start, stop = _WORD_BYTES * self.events_at, _WORD_BYTES * self.stop
            self._events = _unpack_events(self.data, start, stop)
        return self._events

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and self._all() == other._all()

    def __hash__(self) -> int:
        return hash(self.sequence)

    def __repr__(self) -> str:
        return "Record({}, {}, {!r}, {!r})".format(*self._all())

    def _all(self) -> tuple[int, int, c.Command, list[e.Event]]:
        return self.sequence, self.timestamp_ns, self.command, self.events


def pack(message: Message) -> bytes:
    """Return a message's bytes. Raises `CodecError` naming the message if a field does not fit."""
    layouts = VERSIONS[type(message)]
    fields = msgspec.structs.astuple(message)
    layout = layouts[-1]
    while layout.added and fields[-len(layout.added) :] == layout.added:
        fields = fields[: -len(layout.added)]
        layout = layouts[layout.version - 2]
    for index, bytes_max in layout.texts:  # struct would cut a longer one without a word
        if len(fields[index]) > bytes_max:
            raise CodecError(f"text of {len(fields[index])} bytes, at most {bytes_max}: {message}")
    try:
        return layout.struct.pack(layout.kind, layout.version, layout.size, *fields)
    except Exception as error:
        raise CodecError(f"{message} does not fit its layout: {error}") from error


def unpack(data: bytes | memoryview, offset: int = 0) -> tuple[Message, int]:
    """Return the message at `offset` and the offset behind it. Raises `CodecError`."""
    layout = layout_at(data, offset)
    return layout.read(data, offset), offset + layout.size


def unpack_command(data: bytes | memoryview, offset: int = 0) -> tuple[c.Command, int]:
    """Return the command at `offset` and the offset behind it. Raises `CodecError`."""
    message, end = unpack(data, offset)
    if not isinstance(message, c.Command):
        raise CodecError(f"{type(message).__name__} is not a command, at byte {offset}")
    return message, end


def pack_record(sequence: int, timestamp_ns: int, command: bytes, events: bytes) -> bytes:
    """Return the record of a command's bytes and those of its events."""
    size = RECORD_HEADER.size + len(command) + len(events)
    body = RECORD_HEADER.pack(0, size, sequence, timestamp_ns)[4:] + command + events
    crc: int = google_crc32c.value(body)
    return crc.to_bytes(4, "little") + body


def check_record(data: bytes, offset: int = 0) -> int:
    """Return the offset behind a whole record. Raises `CodecError` if it is not one."""
    if offset + RECORD_HEADER.size > len(data):
        raise CodecError(f"record cut short in its header, at byte {offset}")
    crc, size, _, _ = RECORD_HEADER.unpack_from(data, offset)
    if size < RECORD_HEADER.size or size > RECORD_BYTES_MAX or size % 8:
        raise CodecError(f"record size {size} impossible, at byte {offset}")
    end: int = offset + size
    if end > len(data):
        raise CodecError(f"record of {size} bytes cut short, at byte {offset}")
    if google_crc32c.value(data[offset + 4 : end]) != crc:
        raise CodecError(f"record's CRC32C wrong, at byte {offset}")
    return end


def unpack_record(data: bytes | memoryview, offset: int = 0) -> tuple[Record, int]:
    """Return the record at `offset` and the offset behind it. Raises `CodecError`.

    The CRC is not looked at again: `check_record` does that, where records leave the disk.
    """
    if offset + RECORD_HEADER.size > len(data):
        raise CodecError(f"record cut short in its header, at byte {offset}")
    _, size, sequence, timestamp_ns = RECORD_HEADER.unpack_from(data, offset)
    end = offset + size
    command, at = unpack_command(data, offset + RECORD_HEADER.size)
    return Record(sequence, timestamp_ns, command, _unpack_events(data, at, end)), end


def _unpack_events(data: bytes | memoryview, at: int, end: int) -> list[e.Event]:
    events: list[Any] = []
    while at < end:
        layout = layout_at(data, at)
        if layout.is_command:
            raise CodecError(f"{layout.message_type.__name__} is not an event, at byte {at}")
        events.append(layout.read(data, at))
        at += layout.size
    if at != end:
        raise CodecError(f"the record's last event passes its end, at byte {end}")
    return events


def header_word(message_type: type[Message], version: int = 1) -> int:
    """Return a message's header as one number."""
    layout = VERSIONS[message_type][version - 1]
    return layout.kind | layout.version << 16 | layout.size << 32


def layout_at(data: bytes | memoryview, offset: int) -> Layout:
    """Return the layout that the message at `offset` says it has. Raises `CodecError`."""
    if offset + HEADER_BYTES > len(data):
        raise CodecError(f"message cut short in its header, at byte {offset}")
    (header,) = _HEADER_WORD.unpack_from(data, offset)
    layout = _LAYOUT_BY_HEADER.get(header)
    if layout is None:
        kind, version, size = HEADER.unpack_from(data, offset)
        raise _no_layout(kind, version, size, offset)
    if offset + layout.size > len(data):
        raise CodecError(f"{layout.message_type.__name__} cut short, at byte {offset}")
    return layout


def _no_layout(kind: int, version: int, size: int, offset: int) -> CodecError:
    """Return what is wrong with a header that no layout has."""
    layout = LAYOUT_BY_KIND.get((kind, version))
    if layout is not None:
        name = layout.message_type.__name__
        return CodecError(f"{name} of {size} bytes, not {layout.size}, at byte {offset}")
    if kind in _NAMES:
        return CodecError(f"{_NAMES[kind]} version {version} unknown, at byte {offset}")
    return CodecError(f"message kind {kind} unknown, at byte {offset}")
