"""Data types of FIX 4.4 vol. 1, each a form that a value between two places in some bytes has.

Digits are ASCII digits. No form is that of nothing: an empty value is a fault of its own.
"""

from gateway.fix import timestamps

ANY = 0
DECIMAL = 1
COUNT = 2
INT = 3
CHAR = 4
BOOLEAN = 5
UTC_TIMESTAMP = 6
UTC_TIME = 7
DATE = 8
MONTH_YEAR = 9
DAY_OF_MONTH = 10

FORM_OF_TYPE: dict[str, int] = {
    "AMT": DECIMAL,
    "BOOLEAN": BOOLEAN,
    "CHAR": CHAR,
    "COUNTRY": ANY,
    "CURRENCY": ANY,  # ISO 4217 has no USDT
    "DATA": ANY,
    "DAYOFMONTH": DAY_OF_MONTH,
    "EXCHANGE": ANY,
    "FLOAT": DECIMAL,
    "INT": INT,
    "LENGTH": COUNT,
    "LOCALMKTDATE": DATE,
    "MONTHYEAR": MONTH_YEAR,
    "MULTIPLEVALUESTRING": ANY,
    "NUMINGROUP": COUNT,
    "PERCENTAGE": DECIMAL,
    "PRICE": DECIMAL,
    "PRICEOFFSET": DECIMAL,
    "QTY": DECIMAL,
    "SEQNUM": COUNT,
    "STRING": ANY,
    "UTCDATEONLY": DATE,
    "UTCTIMEONLY": UTC_TIME,
    "UTCTIMESTAMP": UTC_TIMESTAMP,
}

_NUMBER_DIGITS_MAX = 18  # what fits int64
_ZERO = ord("0")
_MINUS = ord("-")
_POINT = ord(".")
_YES = ord("Y")
_NO = ord("N")
_WEEK = ord("w")
_YEAR_AND_MONTH = len(b"YYYYMM")
# The forms once more, under names that compile to C.
_DECIMAL, _COUNT, _INT, _CHAR, _BOOLEAN = DECIMAL, COUNT, INT, CHAR, BOOLEAN
_UTC_TIMESTAMP, _UTC_TIME, _DATE, _MONTH_YEAR = UTC_TIMESTAMP, UTC_TIME, DATE, MONTH_YEAR
_DAY_OF_MONTH = DAY_OF_MONTH


def has_form(form: int, octets: bytes, start: int, stop: int) -> bool:
    """Say whether what stands between two places has a form."""
    if form == _DECIMAL:
        return _is_decimal(octets, start, stop)
    if form == _UTC_TIMESTAMP:
        return timestamps.read_utc_timestamp(octets, start, stop) >= 0
    if form == _CHAR:
        return stop - start == 1
    if form == _COUNT:
        return _is_count(octets, start, stop)
    if form == _INT:
        return _is_count(octets, _behind_minus(octets, start, stop), stop)
    if form == _BOOLEAN:
        return stop - start == 1 and (octets[start] == _YES or octets[start] == _NO)
    if form == _DATE:
        return timestamps.read_utc_date(octets, start, stop) >= 0
    if form == _UTC_TIME:
        return _is_utc_time(octets, start, stop)
    if form == _MONTH_YEAR:
        return _is_month_year(octets, start, stop)
    if form == _DAY_OF_MONTH:
        return _is_day_of_month(octets, start, stop)
    return True


def _digits_end(octets: bytes, start: int, stop: int) -> int:
    """Return the place behind the digits that stand at `start`."""
    while start < stop and octets[start] >= _ZERO and octets[start] <= _ZERO + 9:
        start += 1
    return start


def _behind_minus(octets: bytes, start: int, stop: int) -> int:
    return start + 1 if start < stop and octets[start] == _MINUS else start


def _is_count(octets: bytes, start: int, stop: int) -> bool:
    return 0 < stop - start <= _NUMBER_DIGITS_MAX and _digits_end(octets, start, stop) == stop


def _is_decimal(octets: bytes, start: int, stop: int) -> bool:
    """Digits with at most one point between them; no exponent, no plus, no spaces."""
    start = _behind_minus(octets, start, stop)
    point_at = _digits_end(octets, start, stop)
    if point_at == start:
        return False
    if point_at == stop:
        return True
    return (
        octets[point_at] == _POINT
        and point_at + 1 < stop
        and _digits_end(octets, point_at + 1, stop) == stop
    )


def _is_utc_time(octets: bytes, start: int, stop: int) -> bool:
    """HH:MM:SS or with milliseconds."""
    point_at = start + 8
    if stop < point_at or timestamps.read_utc_time(octets, start, point_at) < 0:
        return False
    if point_at == stop:
        return True
    return (
        octets[point_at] == _POINT
        and stop - point_at == 4
        and _digits_end(octets, point_at + 1, stop) == stop
    )


def _is_month_year(octets: bytes, start: int, stop: int) -> bool:
    """YYYYMM, YYYYMMDD or YYYYMMWW with WW one of w1 to w5."""
    month_stop = start + _YEAR_AND_MONTH
    if stop < month_stop:
        return False
    is_week = (
        stop - month_stop == 2
        and octets[month_stop] == _WEEK
        and octets[month_stop + 1] > _ZERO
        and octets[month_stop + 1] <= _ZERO + 5
    )
    if is_week or stop == month_stop:
        first_day = octets[start:month_stop] + b"01"
        return timestamps.parse_utc_date(first_day) >= 0
    return timestamps.read_utc_date(octets, start, stop) >= 0


def _is_day_of_month(octets: bytes, start: int, stop: int) -> bool:
    if not _is_count(octets, start, stop):
        return False
    day = int(octets[start:stop])
    return 1 <= day <= 31
