"""FIX tag=value: bytes into messages and messages into bytes.

A stream of bytes holds complete messages, garbled ones and at its end perhaps a partial one; there
is no other outcome, and no input raises. What a field means is not known here (`dictionary`), and
neither is what follows from a message (`session`).
"""

from collections.abc import Iterable, Iterator
from zlib import adler32

SOH = b"\x01"
BEGIN_STRING = b"FIX.4.4"

_BEGIN = b"8=FIX"
_HEAD = b"8=FIX.4.4\x019="
_HEAD_LENGTH_MAX = 32  # of 8=FIXT.1.1|9=123456789|
_CHECKSUM_LENGTH = len(b"10=000\x01")
_DIGITS_MAX = 9
_NUMBER_DIGITS_MAX = 18  # within int64
MSG_SEQ_NUM_MAX = 2**31 - 1
_SECRET_TAGS = frozenset({96, 554})  # RawData, Password

# Tags of fields that hold raw data, by the tag of the length that precedes them. Only these may
# contain SOH. FIX 4.4 vol. 1, "Data Types": data.
DATA_TAGS = {
    90: 91, 93: 89, 95: 96, 212: 213, 348: 349, 350: 351, 352: 353, 354: 355, 356: 357, 358: 359,
    360: 361, 362: 363, 364: 365, 445: 446, 618: 619, 621: 622,
}  # fmt: skip
_LENGTH_TAGS = frozenset(DATA_TAGS)
_NOT_STRUCTURE = bytes(byte for byte in range(256) if byte not in b"=\x01")


class _Garbled(Exception):
    """What looked like a message is none; it never leaves this module."""


class _TagNumbers(dict[bytes, int]):
    """Tag text to number: those in use are looked up, any other is read and not remembered."""

    def __missing__(self, text: bytes) -> int:
        digits = text.removeprefix(b"-")
        if not digits.isdigit() or len(digits) > _DIGITS_MAX:
            raise _Garbled
        if digits[0] == ord("0") and text != b"0":
            raise _Garbled
        return int(text)


_tag_number = _TagNumbers({b"%d" % tag: tag for tag in range(1, 1200)}).__getitem__


def parse_number(text: bytes) -> int:
    """Return the number that ASCII digits spell; 0 for anything else."""
    return int(text) if text.isdigit() and len(text) <= _NUMBER_DIGITS_MAX else 0


class FixMessage:
    """One message as received: its fields in their order, values as bytes.

    `msg_seq_num` is 0 where MsgSeqNum(34) is absent, no number or too large. Never changed once
    made. Its `str` is fit for logs: secrets are left out.
    """

    __slots__ = ("_value_of", "msg_seq_num", "msg_type", "raw", "tags", "values")

    def __init__(self, raw: bytes, tags: tuple[int, ...], values: list[bytes]) -> None:
        self.raw = raw
        self.tags = tags
        self.values = values
        self._value_of = value_of = dict(zip(tags, values, strict=True))
        self.msg_type = value_of[35]
        number = parse_number(value_of.get(34, b""))
        self.msg_seq_num = number if number <= MSG_SEQ_NUM_MAX else 0

    def get(self, tag: int) -> bytes | None:
        """Return the value of a field, or None. Members of a group: see `entries`."""
        return self._value_of.get(tag)

    def __contains__(self, tag: int) -> bool:
        return tag in self._value_of

    @property
    def fields(self) -> Iterator[tuple[int, bytes]]:
        return zip(self.tags, self.values, strict=True)

    @property
    def is_poss_dup(self) -> bool:
        return self._value_of.get(43) == b"Y"

    def entries(self, count_tag: int, member_tags: frozenset[int]) -> list[dict[int, bytes]]:
        """Return the entries of a repeating group, each by tag; nested groups are left out.

        `member_tags` are all tags of an entry; the first one that comes starts each entry.
        """
        if count_tag not in self._value_of:
            return []
        start = self.tags.index(count_tag) + 1
        entries: list[dict[int, bytes]] = []
        for index in range(start, len(self.tags)):
            tag = self.tags[index]
            if tag not in member_tags:
                break
            if tag == self.tags[start]:
                entries.append({})
            entries[-1].setdefault(tag, self.values[index])
        return entries

    def __str__(self) -> str:
        shown = [
            f"{tag}={'***' if tag in _SECRET_TAGS else value.decode('latin-1')}|"
            for tag, value in self.fields
        ]
        return "".join(shown)

    def __repr__(self) -> str:
        return f"FixMessage({str(self)!r})"


class Decoder:
    """Cuts a stream into messages.

    What is garbled is skipped and counted in `garbled_count`. FIX 4.4 vol. 2, "Valid FIX Message":
    a garbled message is ignored; the gap in MsgSeqNum(34) that it leaves asks for it again.
    """

    def __init__(self, message_bytes_max: int = 16_384) -> None:
        self.garbled_count = 0
        self._message_bytes_max = message_bytes_max
        self._rest = b""
        self._in_garbage = False

    def receive_data(self, data: bytes) -> list[FixMessage]:
        """Take in bytes; return the messages that they completed."""
        buffer = self._rest + data if self._rest else data
        messages: list[FixMessage] = []
        position = 0
        while True:
            position = self._skip_garbage(buffer, position)
            stop, is_framed = self._frame(buffer, position)
            if stop == position:
                break
            if not is_framed:
                self.garbled_count += 1
                self._in_garbage = stop == position + 1
            else:
                try:
                    messages.append(_decode(buffer[position:stop]))
                except _Garbled:
                    self.garbled_count += 1
            position = stop
        self._rest = buffer[position:]
        return messages

    def _skip_garbage(self, buffer: bytes, position: int) -> int:
        """Return where the next message begins or may begin; a run of garbage counts once."""
        begin = buffer.find(_BEGIN, position)
        if begin < 0:
            begin = len(buffer)
            for length in range(min(len(_BEGIN) - 1, begin - position), 0, -1):
                if buffer.endswith(_BEGIN[:length]):
                    begin -= length
                    break
        if begin > position and not self._in_garbage:
            self._in_garbage = True
            self.garbled_count += 1
        if buffer.startswith(_BEGIN, begin):
            self._in_garbage = False
        return begin

    def _frame(self, buffer: bytes, position: int) -> tuple[int, bool]:
        """Return the end of the message at `position`, and whether it is framed as one.

        The end is `position` itself while the message is partial. What only begins like a message
        ends behind its first byte: the next one may begin anywhere.
        """
        partial = position, False
        garbled = position + 1, False
        head_stop = position + _HEAD_LENGTH_MAX
        if buffer.startswith(_HEAD, position):
            length_at = position + len(_HEAD)
        else:
            length_at = buffer.find(b"\x019=", position, head_stop) + 3
            if buffer.find(_BEGIN, position + 1, length_at) >= 0:
                return garbled
        body_at = buffer.find(SOH, length_at, head_stop) + 1 if length_at > 2 else 0
        if not body_at:
            return partial if len(buffer) - position < _HEAD_LENGTH_MAX else garbled
        length_text = buffer[length_at : body_at - 1]
        if not length_text.isdigit() or len(length_text) > _DIGITS_MAX:
            return garbled
        checksum_at = body_at + int(length_text)
        stop = checksum_at + _CHECKSUM_LENGTH
        if stop - position > self._message_bytes_max:
            return garbled
        if stop > len(buffer):
            return partial
        if buffer.startswith(b"\x0110=", checksum_at - 1) and buffer[stop - 1] == SOH[0]:
            return stop, True
        # BodyLength(9) is wrong. The message reaches to the first CheckSum(10) behind its claimed
        # end, even if that is the next message's: both will be asked for again.
        checksum_at = buffer.find(b"\x0110=", checksum_at - 1, position + self._message_bytes_max)
        if checksum_at >= 0:
            stop = buffer.find(SOH, checksum_at + 4, position + self._message_bytes_max) + 1
            if stop:
                return stop, False
        return partial if len(buffer) - position < self._message_bytes_max else garbled


def _decode(raw: bytes) -> FixMessage:
    if b"%03d" % checksum(raw[:-_CHECKSUM_LENGTH]) != raw[-4:-1]:
        raise _Garbled
    # Where each field has one "=" the message splits in one go.
    flat = raw.replace(b"=", SOH).split(SOH)
    count = len(flat) >> 1
    if raw.translate(None, _NOT_STRUCTURE) == b"=\x01" * count:
        tags = tuple(map(_tag_number, flat[:-1:2]))
        values = flat[1::2]
        if not _LENGTH_TAGS.isdisjoint(tags):
            tags, values = _split(raw)
    else:
        tags, values = _split(raw)
    # FIX 4.4 vol. 1: the first three fields are BeginString(8), BodyLength(9) and MsgType(35).
    if tags[:3] != (8, 9, 35) or tags[-1] != 10:
        raise _Garbled
    return FixMessage(raw, tags, values)


def _split(raw: bytes) -> tuple[tuple[int, ...], list[bytes]]:
    """Split field by field, for values that hold "=" or, in data fields, SOH."""
    tags: list[int] = []
    values: list[bytes] = []
    position = 0
    while position < len(raw):
        equals = raw.find(b"=", position)
        stop = raw.find(SOH, position)
        if not position < equals < stop:
            raise _Garbled
        tag = _tag_number(raw[position:equals])
        if tags and DATA_TAGS.get(tags[-1]) == tag:
            data_stop = equals + 1 + parse_number(values[-1])
            if raw[data_stop : data_stop + 1] == SOH:
                stop = data_stop
        tags.append(tag)
        values.append(raw[equals + 1 : stop])
        position = stop + 1
    return tuple(tags), values


def checksum(data: bytes) -> int:
    """Return the sum of all bytes, modulo 256.

    Adler-32's lower half is 1 + the sum of the bytes modulo 65521: exact for pieces so short that
    they cannot reach the modulus, and several times faster than `sum`.
    """
    piece = 512 if data.isascii() else 256
    if len(data) <= piece:
        return ((adler32(data) & 0xFFFF) - 1) & 0xFF
    total = 0
    for start in range(0, len(data), piece):
        total += (adler32(data[start : start + piece]) & 0xFFFF) - 1
    return total & 0xFF


def encode(body: bytes) -> bytes:
    """Put BeginString(8), BodyLength(9) and CheckSum(10) around the fields from MsgType(35) on."""
    message = b"8=FIX.4.4\x019=%d\x01%b" % (len(body), body)
    return b"%b10=%03d\x01" % (message, checksum(message))


def encode_fields(fields: Iterable[tuple[int, bytes]]) -> bytes:
    """Spell fields in the order given. The caller answers for values without SOH."""
    return b"".join([b"%d=%b\x01" % field for field in fields])
