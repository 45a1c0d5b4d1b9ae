"""Data types of FIX 4.4 vol. 1, each as a predicate over a value's bytes; None where any will do.

Digits are ASCII digits: `bytes.isdigit` knows no others.
"""

from collections.abc import Callable

from gateway.fix.timestamps import parse_utc_date, parse_utc_time, parse_utc_timestamp

Predicate = Callable[[bytes], bool]

_NUMBER_DIGITS_MAX = 18  # what fits int64


def is_count(value: bytes) -> bool:
    return value.isdigit() and len(value) <= _NUMBER_DIGITS_MAX


def is_int(value: bytes) -> bool:
    return is_count(value.removeprefix(b"-"))


def is_decimal(value: bytes) -> bool:
    """Digits with at most one point between them; no exponent, no plus, no spaces."""
    if value.isdigit():
        return True
    whole, point, decimals = value.removeprefix(b"-").partition(b".")
    return whole.isdigit() and (decimals.isdigit() or not point)


def is_char(value: bytes) -> bool:
    return len(value) == 1


def is_boolean(value: bytes) -> bool:
    return value in {b"Y", b"N"}


def is_utc_timestamp(value: bytes) -> bool:
    return parse_utc_timestamp(value) >= 0


def is_utc_time(value: bytes) -> bool:
    clock, point, decimals = value.partition(b".")
    return parse_utc_time(clock) >= 0 and (not point or (decimals.isdigit() and len(decimals) == 3))


def is_date(value: bytes) -> bool:
    return parse_utc_date(value) >= 0


def is_month_year(value: bytes) -> bool:
    """YYYYMM, YYYYMMDD or YYYYMMWW with WW one of w1 to w5."""
    if value[6:] in {b"w1", b"w2", b"w3", b"w4", b"w5"}:
        value = value[:6]
    return is_date(value + b"01" if len(value) == 6 else value)


def is_day_of_month(value: bytes) -> bool:
    return is_count(value) and 1 <= int(value) <= 31


PREDICATE_OF_TYPE: dict[str, Predicate | None] = {
    "AMT": is_decimal,
    "BOOLEAN": is_boolean,
    "CHAR": is_char,
    "COUNTRY": None,
    "CURRENCY": None,  # ISO 4217 has no USDT
    "DATA": None,
    "DAYOFMONTH": is_day_of_month,
    "EXCHANGE": None,
    "FLOAT": is_decimal,
    "INT": is_int,
    "LENGTH": is_count,
    "LOCALMKTDATE": is_date,
    "MONTHYEAR": is_month_year,
    "MULTIPLEVALUESTRING": None,
    "NUMINGROUP": is_count,
    "PERCENTAGE": is_decimal,
    "PRICE": is_decimal,
    "PRICEOFFSET": is_decimal,
    "QTY": is_decimal,
    "SEQNUM": is_count,
    "STRING": None,
    "UTCDATEONLY": is_date,
    "UTCTIMEONLY": is_utc_time,
    "UTCTIMESTAMP": is_utc_timestamp,
}
