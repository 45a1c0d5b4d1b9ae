"""UTCTimestamp, in integer arithmetic.

FIX 4.4 vol. 1, "Data Types": YYYYMMDD-HH:MM:SS or with milliseconds; microseconds and nanoseconds
are understood too, as later versions have them. A leap second (:60) is understood as the second
that follows. Times are nanoseconds since 1970-01-01 UTC. They are int64, which ends in April 2262:
any later time is read as that end.

What reads is given a text's bytes and the two places that it stands between.
"""

from array import array
from functools import lru_cache

_SECOND_NS = 1_000_000_000
_DAY_S = 86_400
_TIME_NS_MAX = 2**63 - 1
_DAYS_MAX = _TIME_NS_MAX // (_DAY_S * _SECOND_NS) - 1  # the last day that is whole
_DATE_LENGTH = len(b"YYYYMMDD")
_TIME_LENGTH = len(b"HH:MM:SS")
_TO_SECONDS = len(b"YYYYMMDD-HH:MM:SS")
_DECIMAL_NS = {3: 1_000_000, 6: 1_000, 9: 1}
_DAYS_BEFORE_MONTH = array("i", [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365])

_ZERO = ord("0")
_COLON = ord(":")
_DASH = ord("-")
_POINT = ord(".")


def format_utc_timestamp(time_ns: int, digits: int = 3) -> bytes:
    """Spell a time with `digits` (3, 6 or 9) decimals, cut off rather than rounded."""
    if digits == 3:
        return utc_timestamp_text(time_ns).encode()
    seconds, rest = divmod(time_ns, _SECOND_NS)
    return b"%b.%0*d" % (_format_second(seconds).encode(), digits, rest // _DECIMAL_NS[digits])


def utc_timestamp_text(time_ns: int) -> str:
    """Spell a time with milliseconds, cut off rather than rounded."""
    seconds = time_ns // _SECOND_NS
    milliseconds = (time_ns - seconds * _SECOND_NS) // 1_000_000
    return f"{_format_second(seconds)}.{milliseconds:03d}"


def parse_utc_timestamp(text: bytes) -> int:
    """Return the time in nanoseconds; -1 if this is no UTCTimestamp."""
    return read_utc_timestamp(text, 0, len(text))


def parse_utc_date(text: bytes) -> int:
    """Return the days since 1970-01-01 of YYYYMMDD; -1 if this is no date."""
    return read_utc_date(text, 0, len(text))


def read_utc_timestamp(octets: bytes, start: int, stop: int) -> int:
    """Return the time in nanoseconds; -1 if this is no UTCTimestamp."""
    clock_at = start + _DATE_LENGTH + 1
    point_at = start + _TO_SECONDS
    if stop < point_at or octets[clock_at - 1] != _DASH:
        return -1
    days = read_utc_date(octets, start, clock_at - 1)
    second = read_utc_time(octets, clock_at, point_at)
    rest_ns = 0 if stop == point_at else _read_decimals(octets, point_at, stop)
    if days < 0 or second < 0 or rest_ns < 0:
        return -1
    if days > _DAYS_MAX:
        return _TIME_NS_MAX
    return (days * _DAY_S + second) * _SECOND_NS + rest_ns


def _read_decimals(octets: bytes, point_at: int, stop: int) -> int:
    """Return a point and 3, 6 or 9 digits behind it as nanoseconds; -1 if it is something else."""
    count = stop - point_at - 1
    if (count != 3 and count != 6 and count != 9) or octets[point_at] != _POINT:  # noqa: PLR1714
        return -1
    rest_ns = _digits(octets, point_at + 1, stop)
    if rest_ns < 0:
        return -1
    for _ in range(9 - count):
        rest_ns *= 10
    return rest_ns


def read_utc_date(octets: bytes, start: int, stop: int) -> int:
    """Return the days since 1970-01-01 of YYYYMMDD; -1 if this is no date."""
    if stop - start != _DATE_LENGTH:
        return -1
    year = _digits(octets, start, start + 4)
    month = _digits(octets, start + 4, start + 6)
    day = _digits(octets, start + 6, stop)
    if year < 1970 or month < 1 or month > 12 or day < 1 or day > _month_days(year, month):
        return -1
    return _days_before(year, month) + day - 1


def read_utc_time(octets: bytes, start: int, stop: int) -> int:
    """Return the seconds since midnight of HH:MM:SS; -1 if this is no time of day."""
    if stop - start != _TIME_LENGTH or octets[start + 2] != _COLON or octets[start + 5] != _COLON:
        return -1
    hour = _digits(octets, start, start + 2)
    minute = _digits(octets, start + 3, start + 5)
    second = _digits(octets, start + 6, stop)
    if hour < 0 or hour > 23 or minute < 0 or minute > 59 or second < 0 or second > 60:
        return -1
    return (hour * 60 + minute) * 60 + second


@lru_cache(maxsize=1024)  # most times that go out lie in the same few seconds
def _format_second(seconds: int) -> str:
    days, second = divmod(seconds, _DAY_S)
    year = 1970 + days // 366
    while _days_before(year + 1, 1) <= days:
        year += 1
    month = 1
    while month < 12 and _days_before(year, month + 1) <= days:
        month += 1
    day = days - _days_before(year, month) + 1
    clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    return f"{year:04d}{month:02d}{day:02d}-{clock}"


def _digits(octets: bytes, start: int, stop: int) -> int:
    """Return the number that the digits between two places spell; -1 for anything else."""
    number = 0
    for index in range(start, stop):
        digit = octets[index] - _ZERO
        if digit < 0 or digit > 9:
            return -1
        number = number * 10 + digit
    return number


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _month_days(year: int, month: int) -> int:
    days = _DAYS_BEFORE_MONTH[month] - _DAYS_BEFORE_MONTH[month - 1]
    return days + (1 if month == 2 and _is_leap(year) else 0)


def _days_before(year: int, month: int) -> int:
    """Return the days from 1970-01-01 to the first of a month."""
    before = year - 1
    leap_days = before // 4 - before // 100 + before // 400 - 477
    leap_day = 1 if month > 2 and _is_leap(year) else 0
    return (year - 1970) * 365 + leap_days + _DAYS_BEFORE_MONTH[month - 1] + leap_day
