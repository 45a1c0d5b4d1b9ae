"""FIX tag=value: bytes into messages and messages into bytes.

A stream of bytes holds complete messages, garbled ones and at its end perhaps a partial one; there
is no other outcome, and no input raises. What a field means is not known here (`dictionary`), and
neither is what follows from a message (`session`).

This is a hot path: one pass over a message's bytes notes where its fields are, and nothing is cut
out before someone asks for it.
"""

from array import array
from collections.abc import Iterable, Iterator

SOH = b"\x01"
BEGIN_STRING = b"FIX.4.4"

_BEGIN = b"8=FIX"
_HEAD = b"8=FIX.4.4\x019="
_HEAD_BYTES = len(_HEAD)
_HEAD_LENGTH_MAX = 32  # of 8=FIXT.1.1|9=123456789|
_CHECKSUM_LENGTH = len(b"10=000\x01")
_DIGITS_MAX = 9
_NUMBER_DIGITS_MAX = 18  # within int64
MSG_SEQ_NUM_MAX = 2**31 - 1
_MSG_SEQ_NUM_MAX = MSG_SEQ_NUM_MAX
_SECRET_TAGS = frozenset({96, 554})  # RawData, Password

# Tags of fields that hold raw data, by the tag of the length that precedes them. Only these may
# contain SOH. FIX 4.4 vol. 1, "Data Types": data.
DATA_TAGS = {
    90: 91, 93: 89, 95: 96, 212: 213, 348: 349, 350: 351, 352: 353, 354: 355, 356: 357, 358: 359,
    360: 361, 362: 363, 364: 365, 445: 446, 618: 619, 621: 622,
}  # fmt: skip
_LENGTH_TAG_MAX = max(DATA_TAGS)
_DATA_TAG_OF = array("i", [DATA_TAGS.get(tag, 0) for tag in range(_LENGTH_TAG_MAX + 1)])

_DELIMITER = ord(SOH)
_EQUALS = ord("=")
_MINUS = ord("-")
_ZERO = ord("0")

_SPAN = 3  # numbers stand for a field: its tag, and where its value starts and stops
_SPANS_IN_BLOCK = 4_096
_NO_SPANS = array("i")
_SHAPE_FACTOR = 0x100000001B3  # FNV-1a's
_SHAPE_MASK = 2**64 - 1
_TRAILERS = [b"10=%03d\x01" % total for total in range(256)]


class FixMessage:
    """One message as received: its fields in their order, values as bytes.

    `msg_seq_num` is 0 where MsgSeqNum(34) is absent, no number or too large. `shape` stands for the
    tags and their order: messages of different shapes all but never have the same. Never changed
    once made. Its `str` is fit for logs: secrets are left out.

    The decoder makes it blank and fills it in. `spans` has three numbers for each field.
    """

    def __init__(self) -> None:
        self.raw = b""
        self.msg_type = b""
        self.msg_seq_num = 0
        self.shape = 0
        self.count = 0
        self.spans = _NO_SPANS

    def get(self, tag: int) -> bytes | None:
        """Return the value of a field, the first one of several, or None.

        Members of a group: see `entries`.
        """
        index = self.find(tag)
        return None if index < 0 else self.value(index)

    def find(self, tag: int) -> int:
        """Return the index of the first field with a tag, -1 if there is none."""
        for index in range(self.count):
            if self.spans[_SPAN * index] == tag:
                return index
        return -1

    def tag(self, index: int) -> int:
        return self.spans[_SPAN * index]

    def start(self, index: int) -> int:
        """Return where in `raw` a field's value begins."""
        return self.spans[_SPAN * index + 1]

    def stop(self, index: int) -> int:
        """Return where in `raw` a field's value is over."""
        return self.spans[_SPAN * index + 2]

    def value(self, index: int) -> bytes:
        return self.raw[self.spans[_SPAN * index + 1] : self.spans[_SPAN * index + 2]]

    def is_at(self, index: int, value: bytes) -> bool:
        """Say whether a field, of which there may be none, has a value."""
        if index < 0 or self.stop(index) - self.start(index) != len(value):
            return False
        return self.raw.startswith(value, self.start(index))

    def __contains__(self, tag: int) -> bool:
        return self.find(tag) >= 0

    def has_tags(self, tags: tuple[int, ...]) -> bool:
        """Say whether the fields' tags are these, in this order."""
        if len(tags) != self.count:
            return False
        for index in range(self.count):  # noqa: SIM110 (a loop compiles to a few comparisons)
            if tags[index] != self.spans[_SPAN * index]:
                return False
        return True

    @property
    def tags(self) -> tuple[int, ...]:
        return tuple([self.spans[_SPAN * index] for index in range(self.count)])

    @property
    def values(self) -> list[bytes]:
        return [self.value(index) for index in range(self.count)]

    @property
    def fields(self) -> Iterator[tuple[int, bytes]]:
        return zip(self.tags, self.values, strict=True)

    @property
    def is_poss_dup(self) -> bool:
        return self.get(43) == b"Y"

    def entries(self, count_tag: int, member_tags: frozenset[int]) -> list[dict[int, bytes]]:
        """Return the entries of a repeating group, each by tag; nested groups are left out.

        `member_tags` are all tags of an entry; the first one that comes starts each entry.
        """
        start = self.find(count_tag) + 1
        tags = self.tags
        entries: list[dict[int, bytes]] = []
        for index in range(start, len(tags) if start else 0):
            tag = tags[index]
            if tag not in member_tags:
                break
            if tag == tags[start]:
                entries.append({})
            entries[-1].setdefault(tag, self.value(index))
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
        # Messages keep parts of a block, so that none has to make an array of its own.
        self._spans = _NO_SPANS
        self._spans_used = 0
        self._spans_room = 0

    def receive_data(self, data: bytes) -> list[FixMessage]:
        """Take in bytes; return the messages that they completed."""
        buffer = self._rest + data if self._rest else data
        octets = buffer
        size = len(buffer)
        messages: list[FixMessage] = []
        position = 0
        while position < size:
            stop = self._end_of_whole(octets, position, size)
            if not stop:
                position = self._skip_garbage(buffer, position)
                stop, is_framed = self._frame(buffer, position)
                if stop == position:
                    break
                if not is_framed:
                    self.garbled_count += 1
                    self._in_garbage = stop == position + 1
                    position = stop
                    continue
            message = self._decode(buffer, position, stop)
            if message is None:
                self.garbled_count += 1
            else:
                messages.append(message)
            position = stop
        self._rest = buffer[position:]
        return messages

    def _end_of_whole(self, octets: bytes, position: int, size: int) -> int:
        """Return the end of what begins and ends like a message of FIX 4.4.

        It is 0 where `_skip_garbage` and `_frame` have to look what it is, or whether it is whole.
        """
        at = position + _HEAD_BYTES
        if at + _DIGITS_MAX + 1 >= size:
            return 0
        head = _HEAD
        for index in range(_HEAD_BYTES):
            if octets[position + index] != head[index]:
                return 0
        length = 0
        digits_at = at
        while octets[at] != _DELIMITER:
            digit = octets[at] - _ZERO
            if digit < 0 or digit > 9 or at - digits_at >= _DIGITS_MAX:
                return 0
            length = length * 10 + digit
            at += 1
        checksum_at = at + 1 + length
        stop = checksum_at + _CHECKSUM_LENGTH
        if at == digits_at or stop > size or stop - position > self._message_bytes_max:
            return 0
        if (
            octets[checksum_at - 1] != _DELIMITER
            or octets[checksum_at] != _ZERO + 1
            or octets[checksum_at + 1] != _ZERO
            or octets[checksum_at + 2] != _EQUALS
            or octets[stop - 1] != _DELIMITER
        ):
            return 0
        self._in_garbage = False
        return stop

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
        if buffer.startswith(b"\x0110=", checksum_at - 1) and buffer[stop - 1 : stop] == SOH:
            return stop, True
        # BodyLength(9) is wrong. The message reaches to the first CheckSum(10) behind its claimed
        # end, even if that is the next message's: both will be asked for again.
        checksum_at = buffer.find(b"\x0110=", checksum_at - 1, position + self._message_bytes_max)
        if checksum_at >= 0:
            stop = buffer.find(SOH, checksum_at + 4, position + self._message_bytes_max) + 1
            if stop:
                return stop, False
        return partial if len(buffer) - position < self._message_bytes_max else garbled

    def _decode(self, buffer: bytes, start: int, stop: int) -> FixMessage | None:
        """Return the framed message between two places; None if it is garbled after all."""
        octets = buffer
        if not _has_good_checksum(octets, start, stop):
            return None
        message = FixMessage()
        message.raw = buffer[start:stop]
        self._reserve((stop - start) // 3 + 1)  # no field is shorter than 1=|
        begin = self._spans_used
        count = _find_fields(message.raw, stop - start, self._spans, begin)
        if count < 4:
            return None
        self._spans_used = begin + _SPAN * count
        spans = self._spans[begin : self._spans_used]
        # FIX 4.4 vol. 1: the first three fields are BeginString(8), BodyLength(9) and MsgType(35).
        if (
            spans[0] != 8
            or spans[_SPAN] != 9
            or spans[2 * _SPAN] != 35
            or spans[_SPAN * (count - 1)] != 10
        ):
            return None
        message.spans = spans
        message.count = count
        message.shape = _shape_of(spans, count)
        message.msg_type = message.value(2)
        index = message.find(34)
        if index >= 0:
            number = number_at(message.raw, message.start(index), message.stop(index))
            message.msg_seq_num = number if number <= _MSG_SEQ_NUM_MAX else 0
        return message

    def _reserve(self, fields: int) -> None:
        """See to it that so many fields fit behind those of earlier messages."""
        if self._spans_used + _SPAN * fields > self._spans_room:
            self._spans_room = _SPAN * fields + _SPANS_IN_BLOCK
            self._spans = array("i", bytes(4 * self._spans_room))
            self._spans_used = 0


def _has_good_checksum(octets: bytes, start: int, stop: int) -> bool:
    total = sum_of(octets, start, stop - _CHECKSUM_LENGTH)
    trailer = _TRAILERS[total]
    return (
        octets[stop - 4] == trailer[3]
        and octets[stop - 3] == trailer[4]
        and octets[stop - 2] == trailer[5]
    )


def _find_fields(octets: bytes, stop: int, spans: "array[int]", begin: int) -> int:
    """Note where a message's fields are, from `begin` on; return how many, 0 if one is none.

    Its last byte is SOH, at which every search ends.
    """
    at = begin
    position = 0
    data_tag = 0  # what the tag must be for the field to hold raw data
    length = 0
    while position < stop:
        is_negative = octets[position] == _MINUS
        position += is_negative
        tag_at = position
        tag = 0
        while octets[position] >= _ZERO and octets[position] <= _ZERO + 9:
            tag = tag * 10 + octets[position] - _ZERO
            position += 1
            if position - tag_at > _DIGITS_MAX:
                return 0
        if octets[position] != _EQUALS or position == tag_at:
            return 0
        if octets[tag_at] == _ZERO and (is_negative or position > tag_at + 1):
            return 0
        if is_negative:
            tag = -tag
        position += 1
        spans[at] = tag
        spans[at + 1] = position
        if data_tag and tag == data_tag and position + length < stop:
            position += length if octets[position + length] == _DELIMITER else 0
        while octets[position] != _DELIMITER:
            position += 1
        spans[at + 2] = position
        data_tag = _DATA_TAG_OF[tag] if 0 < tag <= _LENGTH_TAG_MAX else 0
        if data_tag:
            length = number_at(octets, spans[at + 1], position)
        at += _SPAN
        position += 1
    return (at - begin) // _SPAN


def _shape_of(spans: "array[int]", count: int) -> int:
    """Return 64 bits that stand for the tags in their order."""
    shape = 0
    for index in range(count):
        shape = (shape ^ spans[_SPAN * index]) * _SHAPE_FACTOR & _SHAPE_MASK
    return shape


def number_at(octets: bytes, start: int, stop: int) -> int:
    """Return the number that the ASCII digits between two places spell; 0 for anything else."""
    number = 0
    if stop - start > _NUMBER_DIGITS_MAX:
        return 0
    for index in range(start, stop):
        digit = octets[index] - _ZERO
        if digit < 0 or digit > 9:
            return 0
        number = number * 10 + digit
    return number


def parse_number(text: bytes) -> int:
    """Return the number that ASCII digits spell; 0 for anything else."""
    return number_at(text, 0, len(text))


def sum_of(octets: bytes, start: int, stop: int) -> int:
    """Return the sum of the bytes between two places, modulo 256."""
    total = 0
    for index in range(start, stop):
        total += octets[index]
    return total & 0xFF


def checksum(data: bytes) -> int:
    """Return the sum of all bytes, modulo 256."""
    return sum_of(data, 0, len(data))


def encode(body: bytes) -> bytes:
    """Put BeginString(8), BodyLength(9) and CheckSum(10) around the fields from MsgType(35) on."""
    size = len(body)
    head = f"8=FIX.4.4\x019={size}\x01".encode()
    total = sum_of(head, 0, len(head)) + sum_of(body, 0, size)
    return b"".join((head, body, _TRAILERS[total & 0xFF]))


def encode_fields(fields: Iterable[tuple[int, bytes]]) -> bytes:
    """Spell fields in the order given. The caller answers for values without SOH."""
    return b"".join([b"%d=%b\x01" % field for field in fields])
