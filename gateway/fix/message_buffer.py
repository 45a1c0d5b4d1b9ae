"""A message in the making: its fields are put one behind the other, and no object is made for any.

This is a hot path: what tells of an order is one call for each field. A tag is put as it stands in
the message, with its `=`; each of `text`, `number`, `decimal` and `time` ends its field.
"""

from array import array

from gateway.fix import octets
from gateway.fix.timestamps import format_utc_timestamp

_ROOM = 4_096
_HEAD_ROOM = 32  # of BeginString(8) and BodyLength(9), which are put last
_NUMBER_ROOM = 24  # of 64 bits as digits, with a sign, a point and a zero before that
_TRAILERS = [b"10=%03d\x01" % total for total in range(256)]
_POWERS = array("q", [10**scale for scale in range(19)])
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
        self._reserve(len(data))
        octets.paste(self._octets, self._end, data)
        self._end += len(data)

    def text(self, tag: bytes, value: bytes) -> None:
        self.put(tag)
        self.put(value)
        self._end_field()

    def number(self, tag: bytes, value: int) -> None:
        self.put(tag)
        self.digits(value)
        self._end_field()

    def decimal(self, tag: bytes, mantissa: int, scale: int) -> None:
        """Put `mantissa` x 10 ** -scale, which is at most 18, with all its places."""
        self.put(tag)
        self._digits(mantissa, scale)
        self._end_field()

    def time(self, tag: bytes, time_ns: int) -> None:
        """Put a UTCTimestamp with milliseconds."""
        time_ms = time_ns // _MILLISECOND_NS
        if time_ms != self._time_ms:
            self._time_ms = time_ms
            self._time = format_utc_timestamp(time_ns)
        self.text(tag, self._time)

    def digits(self, value: int) -> None:
        """Put a whole number, as a part of a field."""
        self._digits(value, 0)

    def fields(self) -> bytes:
        """Return what was put."""
        return octets.cut(self._octets, _HEAD_ROOM, self._end)

    def message(self) -> bytes:
        """Return the message whose fields from MsgType(35) on were put."""
        start = self._put_head(self._end - _HEAD_ROOM)
        total = 0
        for index in range(start, self._end):
            total += self._octets[index]
        self.put(_TRAILERS[total & 0xFF])
        return octets.cut(self._octets, start, self._end)

    def _put_head(self, body_length: int) -> int:
        """Put the first two fields in front of the others, and return where they start."""
        place = _HEAD_ROOM - 1
        self._octets[place] = _SOH
        while True:
            place -= 1
            self._octets[place] = _ZERO + body_length % 10
            body_length //= 10
            if not body_length:
                break
        start = place - len(_BEGIN)
        octets.paste(self._octets, start, _BEGIN)
        return start

    def _digits(self, value: int, scale: int) -> None:
        self._reserve(_NUMBER_ROOM)
        if value < 0:
            value = -value
            self._octets[self._end] = _MINUS
            self._end += 1
        count = scale + 1
        rest = value // _POWERS[scale]
        while rest >= 10:
            rest //= 10
            count += 1
        place = self._end + count + (1 if scale else 0)
        self._end = place
        for index in range(count):
            if index == scale and scale:
                place -= 1
                self._octets[place] = _POINT
            place -= 1
            self._octets[place] = _ZERO + value % 10
            value //= 10

    def _end_field(self) -> None:
        self._reserve(1)
        self._octets[self._end] = _SOH
        self._end += 1

    def _reserve(self, size: int) -> None:
        if self._end + size > self._room:
            longer = bytearray(2 * (self._room + size))
            longer[: self._end] = octets.cut(self._octets, 0, self._end)
            self._octets = longer
            self._room = len(longer)
