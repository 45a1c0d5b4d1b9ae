"""UTCTimestamp, in integer arithmetic.

FIX 4.4 vol. 1, "Data Types": YYYYMMDD-HH:MM:SS or with milliseconds; microseconds and nanoseconds
are understood too, as later versions have them. A leap second (:60) is understood as the second
that follows. Times are nanoseconds since 1970-01-01 UTC.
"""

from functools import lru_cache

_SECOND_NS = 1_000_000_000
_DAY_S = 86_400
_TO_SECONDS = len(b"YYYYMMDD-HH:MM:SS")
_DIGITS_OF_LENGTH = {_TO_SECONDS + 4: 3, _TO_SECONDS + 7: 6, _TO_SECONDS + 10: 9}
_DECIMAL_NS = {3: 1_000_000, 6: 1_000, 9: 1}
_DAYS_BEFORE_MONTH = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365)


@lru_cache(maxsize=256)  # all that one batch sends has the same time
def format_utc_timestamp(time_ns: int, digits: int = 3) -> bytes:
    """Spell a time with `digits` (3, 6 or 9) decimals, cut off rather than rounded."""
    seconds, rest = divmod(time_ns, _SECOND_NS)
    if digits == 3:
        return b"%b.%03d" % (_format_second(seconds), rest // 1_000_000)
    return b"%b.%0*d" % (_format_second(seconds), digits, rest // _DECIMAL_NS[digits])


@lru_cache(maxsize=256)
def parse_utc_timestamp(text: bytes) -> int:
    """Return the time in nanoseconds; -1 if this is no UTCTimestamp."""
    seconds = _parse_second(text[:_TO_SECONDS])
    if seconds < 0:
        return -1
    if len(text) == _TO_SECONDS:
        return seconds * _SECOND_NS
    digits = _DIGITS_OF_LENGTH.get(len(text), 0)
    decimals = text[_TO_SECONDS + 1 :]
    if not digits or text[_TO_SECONDS] != ord(".") or not decimals.isdigit():
        return -1
    return seconds * _SECOND_NS + int(decimals) * _DECIMAL_NS[digits]


def parse_utc_date(text: bytes) -> int:
    """Return the days since 1970-01-01 of YYYYMMDD; -1 if this is no date."""
    if len(text) != 8 or not text.isdigit():
        return -1
    year, month, day = int(text[:4]), int(text[4:6]), int(text[6:])
    if year < 1970 or not 1 <= month <= 12 or not 1 <= day <= _month_days(year, month):
        return -1
    return _days_before(year, month) + day - 1


def parse_utc_time(text: bytes) -> int:
    """Return the seconds since midnight of HH:MM:SS; -1 if this is no time of day."""
    if len(text) != 8 or text[2] != ord(":") or text[5] != ord(":"):
        return -1
    digits = text[:2] + text[3:5] + text[6:]
    if not digits.isdigit():
        return -1
    hour, minute, second = int(text[:2]), int(text[3:5]), int(text[6:])
    if hour > 23 or minute > 59 or second > 60:
        return -1
    return (hour * 60 + minute) * 60 + second


# Most times that come and go lie in the same few seconds.


@lru_cache(maxsize=1024)
def _format_second(seconds: int) -> bytes:
    days, second = divmod(seconds, _DAY_S)
    year = 1970 + days // 366
    while _days_before(year + 1, 1) <= days:
        year += 1
    month = 1
    while month < 12 and _days_before(year, month + 1) <= days:
        month += 1
    day = days - _days_before(year, month) + 1
    clock = (second // 3600, second // 60 % 60, second % 60)
    return b"%04d%02d%02d-%02d:%02d:%02d" % (year, month, day, *clock)


@lru_cache(maxsize=1024)
def _parse_second(text: bytes) -> int:
    if len(text) != _TO_SECONDS or text[8] != ord("-"):
        return -1
    days, second = parse_utc_date(text[:8]), parse_utc_time(text[9:])
    return -1 if days < 0 or second < 0 else days * _DAY_S + second


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _month_days(year: int, month: int) -> int:
    days = _DAYS_BEFORE_MONTH[month] - _DAYS_BEFORE_MONTH[month - 1]
    return days + (month == 2 and _is_leap(year))


def _days_before(year: int, month: int) -> int:
    """Return the days from 1970-01-01 to the first of a month."""
    before = year - 1
    leap_days = before // 4 - before // 100 + before // 400 - 477
    leap_day = 1 if month > 2 and _is_leap(year) else 0
    return (year - 1970) * 365 + leap_days + _DAYS_BEFORE_MONTH[month - 1] + leap_day
