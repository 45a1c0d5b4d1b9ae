"""A message in the making: its fields are put one behind the other, and no object is made for any.

This is a hot path: what tells of an order is one call for each field. A tag is put as it stands in
the message, with its `=`; each of `text`, `number`, `decimal` and `time` ends its field. There is
room in front of the fields, where the header is put once their length is known.
"""

from array import array

from gateway.fix import octets
from gateway.fix.timestamps import format_utc_timestamp

_ROOM = 4_096
_HEAD_ROOM = 256
_FRAME_ROOM = 64  # of that for BeginString(8), BodyLength(9) and MsgSeqNum(34)
HEAD_BYTES_MAX = _HEAD_ROOM - _FRAME_ROOM
"""How long the fixed parts of a header may be, that are given to `message`."""

_NUMBER_ROOM = 24  # of 64 bits as digits, with a sign, a point and a zero before that
_TRAILERS = [b"10=%03d\x01" % total for total in range(256)]
_DIGITS_MAX = 19
_POWERS = array("q", [10**scale for scale in range(_DIGITS_MAX)])
_BEGIN = b"8=FIX.4.4\x019="
_MILLISECOND_NS = 1_000_000
_SOH = 1
_ZERO = ord("0")
_MINUS = ord("-")
_POINT = ord(".")


class MessageBuffer:
    """One message at a time; `start` begins it, and `fields` or `message` ends it."""

    def __init__(self) -> None:
        self._octets = bytearray(_ROOM)
        self._room = _ROOM
        self._end = _HEAD_ROOM
        # The last time that was put: most of a batch's are in the same millisecond.
        self._time_ms = -1
        self._time = b""

    def start(self) -> None:
        self._end = _HEAD_ROOM

    def put(self, data: bytes) -> None:
        """Put bytes as they are: whole fields, or a part of one."""
        end = self._end + len(data)
        if end > self._room:
            self._grow(end)
        octets.paste(self._octets, self._end, data)
        self._end = end

    def text(self, tag: bytes, value: bytes) -> None:
        value_at = self._end + len(tag)
        end = value_at + len(value)
        if end >= self._room:
            self._grow(end + 1)
        octets.paste(self._octets, self._end, tag)
        octets.paste(self._octets, value_at, value)
        self._octets[end] = _SOH
        self._end = end + 1

    def number(self, tag: bytes, value: int) -> None:
        self.decimal(tag, value, 0)

    def decimal(self, tag: bytes, mantissa: int, scale: int) -> None:
        """Put `mantissa` x 10 ** -scale, which is at most 18, with all its places."""
        self.put(tag)
        self._put_decimal(mantissa, scale)
        self._octets[self._end] = _SOH
        self._end += 1

    def time(self, tag: bytes, time_ns: int) -> None:
        """Put a UTCTimestamp with milliseconds."""
        time_ms = time_ns // _MILLISECOND_NS
        if time_ms != self._time_ms:
            self._time_ms = time_ms
            self._time = format_utc_timestamp(time_ns)
        self.text(tag, self._time)

    def digits(self, value: int) -> None:
        """Put a whole number, as a part of a field."""
        self._put_decimal(value, 0)

    def fields(self) -> bytes:
        """Return what was put."""
        return octets.cut(self._octets, _HEAD_ROOM, self._end)

    def message(self, head: bytes, number: int, rest_of_head: bytes) -> bytes:
        """Return a message of what was put behind its header: a number, and what is around it.

        `head` begins with MsgType(35) and ends with `34=`. Both parts have at most
        `HEAD_BYTES_MAX` bytes together, and the number is not below 0.
        """
        start = _HEAD_ROOM - len(rest_of_head)
        octets.paste(self._octets, start, rest_of_head)
        start = self._put_in_front(start, head, number)
        body_length = self._end - start
        start -= 1
        self._octets[start] = _SOH
        start = self._put_in_front(start, _BEGIN, body_length)
        self.put(_TRAILERS[octets.total(self._octets, start, self._end)])
        return octets.cut(self._octets, start, self._end)

    def _put_in_front(self, at: int, tag: bytes, value: int) -> int:
        """Put the beginning of a field in front of a place, and return where it starts."""
        count = _digits_of(value)
        at -= count
        self._put_digits(at, count, value)
        at -= len(tag)
        octets.paste(self._octets, at, tag)
        return at

    def _put_decimal(self, value: int, scale: int) -> None:
        """Put a number; there is room for one byte more behind it."""
        if self._end + _NUMBER_ROOM > self._room:
            self._grow(self._end + _NUMBER_ROOM)
        if value < 0:
            value = -value
            self._octets[self._end] = _MINUS
            self._end += 1
        whole = value // _POWERS[scale] if scale else value
        count = _digits_of(whole)
        self._put_digits(self._end, count, whole)
        self._end += count
        if scale:
            self._octets[self._end] = _POINT
            self._put_digits(self._end + 1, scale, value - whole * _POWERS[scale])
            self._end += 1 + scale

    def _put_digits(self, at: int, count: int, value: int) -> None:
        """Put the last `count` digits of a number at a place, two at a time."""
        end = at + count
        while count >= 2:
            pair = value % 100
            value //= 100
            self._octets[end - 2] = _ZERO + pair // 10
            self._octets[end - 1] = _ZERO + pair % 10
            end -= 2
            count -= 2
        if count:
            self._octets[at] = _ZERO + value % 10

    def _grow(self, size: int) -> None:
        longer = bytearray(2 * size)
        longer[: self._end] = octets.cut(self._octets, 0, self._end)
        self._octets = longer
        self._room = len(longer)


def _digits_of(value: int) -> int:
    """Return how many digits a number has."""
    count = 1
    while count < _DIGITS_MAX and value >= _POWERS[count]:
        count += 1
    return count
