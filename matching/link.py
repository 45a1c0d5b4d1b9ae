"""What the matching process and its clients say to each other, over a unix or TCP socket.

A client is a gateway or a reader of the event stream, often both. The link carries no passwords:
it belongs on a unix socket or a network that only the venue's own services reach.

Layout (little endian)
----------------------
A frame is a header of 8 bytes and a payload::

    uint16 kind      which frame
    uint16           zero
    uint32 size      of the whole frame in bytes

====  =============  ======  ===============================================================
kind  name           sender  payload
====  =============  ======  ===============================================================
1     HELLO          client  uint32 version, uint32 patience in milliseconds,
                             int64 from_sequence (0: no stream), name (ASCII)
2     WELCOME        server  uint32 version, uint32 zero, int64 first_sequence,
                             int64 head_sequence
3     COMMANDS       client  commands, back to back (`vocabulary.codec`)
4     RECORDS        server  records, back to back, the journal's very bytes
                             (`vocabulary.codec`)
5     REPEATED       server  records that answer commands which had been executed before
6     REFUSED        server  uint32 code, uint32 zero, uint64 session_id,
                             int64 session_number, text (UTF-8)
7     FUNDS_REQUEST  client  int64 request_id, int64 account_id (0: all accounts)
8     FUNDS          server  int64 request_id, int64 sequence; for each account and asset
                             int64 account_id, uint32 asset_id, uint32 zero,
                             int64 available, int64 held
9     ERROR          server  uint32 code, uint32 zero, text (UTF-8); the server closes behind
====  =============  ======  ===============================================================

Handshake
---------
The client speaks first: HELLO with the version that it speaks, its name for the log, and the
first record that it wants. The server answers WELCOME with the first and last sequence of its
journal (last = first - 1: empty), or ERROR. Nothing else may come before.

Afterwards
----------
A client that named a sequence gets every record from there on, in order and without a hole, as
soon as it is durable. Or, if it has patience, at most so much later, together with what follows
until then: its records are then one write in that time instead of one for each batch, and so cost
who trades next to nothing. A client that named none gets the records of its own commands only.
Either way the record of a command is its acknowledgement, and a command without a record is
unknown, not rejected: after a reconnect the client sends it again. A command that had been
executed is answered REPEATED with its original record, which a client with a stream gets there,
too. REFUSED answers a command that is no command, or whose number is not above its session's last
and no longer remembered: it was not executed now. FUNDS tells the engine's state exactly after
`sequence`, which is durable; records up to it were sent before, unless the client is still
catching up.

History
-------
1   The first version.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from enum import IntEnum
from struct import Struct
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

from vocabulary.codec import RECORD_BYTES_MAX, RECORD_HEADER

VERSION = 1
NAME_BYTES_MAX = 64
PATIENCE_MS_MAX = 1_000
TEXT_BYTES_MAX = 1024
COMMANDS_BYTES_MAX = 1 << 20
RECORDS_BYTES = 1 << 20
"""Records are packed into frames of about this size; one larger record still travels alone."""

_HEADER = Struct("<HHI")
_HEADER_BYTES = _HEADER.size
_HELLO = Struct("<IIq")
_WELCOME = Struct("<IIqq")
_REFUSED = Struct("<IIQq")
_FUNDS_REQUEST = Struct("<qq")
_FUNDS = Struct("<qq")
_FUNDS_ENTRY = Struct("<qIIqq")
_ERROR = Struct("<II")


class FrameKind(IntEnum):
    HELLO = 1
    WELCOME = 2
    COMMANDS = 3
    RECORDS = 4
    REPEATED = 5
    REFUSED = 6
    FUNDS_REQUEST = 7
    FUNDS = 8
    ERROR = 9


class ErrorCode(IntEnum):
    """Why the server ends a connection."""

    MALFORMED = 1
    VERSION_UNSUPPORTED = 2
    SEQUENCE_UNAVAILABLE = 3
    SLOW_READER = 4
    TOO_MANY_CONNECTIONS = 5
    STOPPING = 6


class RefusalCode(IntEnum):
    """Why the server does not execute a command; the connection goes on."""

    MALFORMED_COMMAND = 1
    NUMBER_FORGOTTEN = 2
    ENGINE_FAILED = 3
    NOT_NOW = 4


class LinkError(ValueError):
    """Bytes or a request that break the link's rules; the connection ends."""

    def __init__(self, code: ErrorCode, text: str) -> None:
        super().__init__(text)
        self.code = code


class Hello(NamedTuple):
    version: int
    from_sequence: int | None
    name: str
    patience_ms: int = 0
    """How much later than durable its stream's records may come."""


class Welcome(NamedTuple):
    version: int
    first_sequence: int
    head_sequence: int


class Refusal(NamedTuple):
    """A command that was not executed. Ids are 0 where the command's bytes did not tell them."""

    code: RefusalCode
    session_id: int
    session_number: int
    text: str


class FundsRequest(NamedTuple):
    request_id: int
    account_id: int


class Funds(NamedTuple):
    """What an account has of an asset, in its smallest units."""

    account_id: int
    asset_id: int
    available_units: int
    held_units: int


class FundsReport(NamedTuple):
    """The engine's state exactly after `sequence`, which is durable."""

    sequence: int
    funds: list[Funds]


Frame = tuple[FrameKind, bytes]
"""Its kind and payload."""


_Code = TypeVar("_Code", ErrorCode, RefusalCode)

# What every batch asks for: an enumeration takes its time to look up a member.
_COMMANDS, _RECORDS = FrameKind.COMMANDS, FrameKind.RECORDS

# The smallest and largest payload of each kind, in bytes.
_PAYLOAD_BYTES = {
    FrameKind.HELLO: (_HELLO.size + 1, _HELLO.size + NAME_BYTES_MAX),
    FrameKind.WELCOME: (_WELCOME.size, _WELCOME.size),
    FrameKind.COMMANDS: (0, COMMANDS_BYTES_MAX),
    FrameKind.RECORDS: (0, RECORD_BYTES_MAX),
    FrameKind.REPEATED: (0, RECORD_BYTES_MAX),
    FrameKind.REFUSED: (_REFUSED.size, _REFUSED.size + TEXT_BYTES_MAX),
    FrameKind.FUNDS_REQUEST: (_FUNDS_REQUEST.size, _FUNDS_REQUEST.size),
    FrameKind.FUNDS: (_FUNDS.size, RECORD_BYTES_MAX),
    FrameKind.ERROR: (_ERROR.size, _ERROR.size + TEXT_BYTES_MAX),
}

_KINDS = max(FrameKind) + 1

FROM_CLIENT = frozenset({FrameKind.HELLO, FrameKind.COMMANDS, FrameKind.FUNDS_REQUEST})
FROM_SERVER = frozenset(FrameKind) - FROM_CLIENT


class FrameDecoder:
    """Cuts a stream of bytes into frames of the kinds that the other side may send."""

    def __init__(self, accepted: frozenset[FrameKind]) -> None:
        self._kinds: list[FrameKind | None] = [None] * _KINDS
        self._least = array("q", bytes(8 * _KINDS))
        self._most = array("q", bytes(8 * _KINDS))
        for kind in accepted:
            self._kinds[kind] = kind
            self._least[kind], self._most[kind] = _PAYLOAD_BYTES[kind]
        self._rest = bytearray()

    def receive_data(self, data: bytes) -> list[Frame]:
        """Return the frames that `data` completes.

        Raises `LinkError`; the decoder is of no use after it.
        """
        if self._rest:
            self._rest += data
            data = bytes(self._rest) if self._is_whole() else b""
        frames: list[Frame] = []
        at, end = 0, len(data)
        while end - at >= _HEADER_BYTES:
            size = self._size(data, at)
            if end - at < size:
                break
            kind = self._kinds[data[at]]
            assert kind is not None
            frames.append((kind, data[at + _HEADER_BYTES : at + size]))
            at += size
        if at < end or (end and self._rest):
            self._rest[:] = data[at:]
        return frames

    def _is_whole(self) -> bool:
        """Say whether the first frame has arrived: a long one is not copied for each piece."""
        if len(self._rest) < _HEADER_BYTES:
            return False
        return len(self._rest) >= self._size(bytes(self._rest[:_HEADER_BYTES]), 0)

    def _size(self, data: bytes, at: int) -> int:
        """Return the size of the frame whose header begins at a byte."""
        octets = data
        number = octets[at] | octets[at + 1] << 8
        kind = self._kinds[number] if number < _KINDS else None
        if kind is None or octets[at + 2] or octets[at + 3]:
            raise LinkError(ErrorCode.MALFORMED, f"frame kind {number} unexpected")
        size = octets[at + 4] | octets[at + 5] << 8 | octets[at + 6] << 16 | octets[at + 7] << 24
        if not self._least[number] <= size - _HEADER_BYTES <= self._most[number]:
            raise LinkError(ErrorCode.MALFORMED, f"{kind.name} of {size} bytes impossible")
        return size


def pack_hello(hello: Hello) -> bytes:
    name = hello.name.encode("ascii")
    fields = _HELLO.pack(hello.version, hello.patience_ms, hello.from_sequence or 0)
    return _frame(FrameKind.HELLO, fields + name)


def unpack_hello(payload: bytes) -> Hello:
    """Raise `LinkError` for another version, values out of range or an unprintable name."""
    version, patience_ms, from_sequence = _HELLO.unpack_from(payload)
    if version != VERSION:
        raise LinkError(
            ErrorCode.VERSION_UNSUPPORTED, f"link version {version} not supported, only {VERSION}"
        )
    if from_sequence < 0:
        raise LinkError(ErrorCode.MALFORMED, f"from_sequence {from_sequence} is negative")
    if patience_ms > PATIENCE_MS_MAX:
        raise LinkError(
            ErrorCode.MALFORMED, f"patience of {patience_ms} ms is above {PATIENCE_MS_MAX}"
        )
    name = payload[_HELLO.size :].decode("ascii", "replace")
    if not name.isprintable() or not name.isascii():
        raise LinkError(ErrorCode.MALFORMED, f"name {name!r} is not printable ASCII")
    return Hello(version, from_sequence or None, name, patience_ms)


def pack_welcome(welcome: Welcome) -> bytes:
    version, first_sequence, head_sequence = welcome
    return _frame(FrameKind.WELCOME, _WELCOME.pack(version, 0, first_sequence, head_sequence))


def unpack_welcome(payload: bytes) -> Welcome:
    version, _, first_sequence, head_sequence = _WELCOME.unpack(payload)
    return Welcome(version, first_sequence, head_sequence)


def pack_commands(commands: list[bytes]) -> bytes:
    """Return as many COMMANDS frames as it takes."""
    if len(commands) == 1:
        return _frame(_COMMANDS, commands[0])
    return _pack_frames(_COMMANDS, commands, COMMANDS_BYTES_MAX)


def pack_records(records: bytes, kind: FrameKind = _RECORDS) -> bytes:
    """Return as many RECORDS or REPEATED frames as it takes for records, back to back."""
    if len(records) <= RECORDS_BYTES:
        return _frame(kind, records)
    return _pack_frames(kind, _records_of(records), RECORDS_BYTES)


def slice_records(records: bytes, start: int, stop: int) -> bytes:
    """Return the records from one index to another of some that are back to back."""
    first = end = 0
    for index in range(stop):
        if index == start:
            first = end
        end += RECORD_HEADER.unpack_from(records, end)[1]
    return records[first:end]


def _records_of(records: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(records):
        end = at + RECORD_HEADER.unpack_from(records, at)[1]
        yield records[at:end]
        at = end


def pack_refused(refusal: Refusal) -> bytes:
    code, session_id, session_number, text = refusal
    return _frame(
        FrameKind.REFUSED, _REFUSED.pack(code, 0, session_id, session_number) + _text(text)
    )


def unpack_refused(payload: bytes) -> Refusal:
    code, _, session_id, session_number = _REFUSED.unpack_from(payload)
    text = payload[_REFUSED.size :].decode("utf-8", "replace")
    return Refusal(_member(RefusalCode, code), session_id, session_number, text)


def pack_funds_request(request: FundsRequest) -> bytes:
    return _frame(FrameKind.FUNDS_REQUEST, _FUNDS_REQUEST.pack(*request))


def unpack_funds_request(payload: bytes) -> FundsRequest:
    return FundsRequest(*_FUNDS_REQUEST.unpack(payload))


def pack_funds(request_id: int, sequence: int, funds: Iterable[tuple[int, int, int, int]]) -> bytes:
    entries = [
        _FUNDS_ENTRY.pack(account_id, asset_id, 0, available, held)
        for account_id, asset_id, available, held in funds
    ]
    return _frame(FrameKind.FUNDS, _FUNDS.pack(request_id, sequence) + b"".join(entries))


def unpack_funds(payload: bytes) -> tuple[int, FundsReport]:
    """Return the request's id and the report."""
    request_id, sequence = _FUNDS.unpack_from(payload)
    entries = memoryview(payload)[_FUNDS.size :]
    if len(entries) % _FUNDS_ENTRY.size:
        raise LinkError(ErrorCode.MALFORMED, f"FUNDS of {len(payload)} bytes impossible")
    return request_id, FundsReport(
        sequence,
        [
            Funds(account_id, asset_id, available, held)
            for account_id, asset_id, _, available, held in _FUNDS_ENTRY.iter_unpack(entries)
        ],
    )


def pack_error(error: LinkError) -> bytes:
    return _frame(FrameKind.ERROR, _ERROR.pack(error.code, 0) + _text(str(error)))


def unpack_error(payload: bytes) -> LinkError:
    code, _ = _ERROR.unpack_from(payload)
    return LinkError(_member(ErrorCode, code), payload[_ERROR.size :].decode("utf-8", "replace"))


class UnixAddress(NamedTuple):
    path: str


class TcpAddress(NamedTuple):
    host: str
    port: int


def parse_address(address: str) -> UnixAddress | TcpAddress:
    """Return where `unix:///path` or `tcp://host:port` points. Raises `ValueError`."""
    parts = urlsplit(address)
    if parts.scheme == "unix" and not parts.netloc and parts.path:
        return UnixAddress(parts.path)
    if parts.scheme == "tcp" and parts.hostname and parts.port is not None and not parts.path:
        return TcpAddress(parts.hostname, parts.port)
    raise ValueError(f"address {address!r} is neither unix:///path nor tcp://host:port")


def _frame(kind: FrameKind, payload: bytes) -> bytes:
    return _HEADER.pack(kind, 0, _HEADER_BYTES + len(payload)) + payload


def _pack_frames(kind: FrameKind, parts: Iterable[bytes], bytes_max: int) -> bytes:
    frames: list[bytes] = []
    held: list[bytes] = []
    held_bytes = 0
    for part in parts:
        if held and held_bytes + len(part) > bytes_max:
            frames.append(_frame(kind, b"".join(held)))
            held, held_bytes = [], 0
        held.append(part)
        held_bytes += len(part)
    if held:
        frames.append(_frame(kind, b"".join(held)))
    return b"".join(frames)


def _text(text: str) -> bytes:
    return text.encode()[:TEXT_BYTES_MAX]


def _member(codes: type[_Code], code: int) -> _Code:
    try:
        return codes(code)
    except ValueError:
        raise LinkError(ErrorCode.MALFORMED, f"{codes.__name__} {code} unknown") from None
