"""UTCTimestamp against the standard library's calendar."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fix.timestamps import format_utc_timestamp, parse_utc_timestamp

moments = st.datetimes(datetime(1970, 1, 1), datetime(2262, 1, 1))  # noqa: DTZ001


@given(moments, st.integers(0, 999))
def test_every_moment_is_spelled_and_read_as_the_calendar_has_it(
    moment: datetime, nanoseconds: int
) -> None:
    since = moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    time_ns = since // timedelta(microseconds=1) * 1000 + nanoseconds
    second = f"{moment:%Y%m%d-%H:%M:%S}"
    spelled = {
        3: f"{second}.{moment.microsecond // 1000:03}",
        6: f"{second}.{moment.microsecond:06}",
        9: f"{second}.{moment.microsecond:06}{nanoseconds:03}",
    }
    for digits, text in spelled.items():
        assert format_utc_timestamp(time_ns, digits) == text.encode()
        assert parse_utc_timestamp(text.encode()) == time_ns // 10 ** (9 - digits) * 10 ** (
            9 - digits
        )
    assert parse_utc_timestamp(second.encode()) == time_ns // 10**9 * 10**9


def test_a_leap_second_is_the_second_that_follows() -> None:
    leap = parse_utc_timestamp(b"20161231-23:59:60")
    assert leap == parse_utc_timestamp(b"20170101-00:00:00")


def test_a_time_that_64_bits_can_not_hold_is_the_last_one_that_they_can() -> None:
    assert parse_utc_timestamp(b"22620410-00:00:00") < 2**63 - 1
    assert parse_utc_timestamp(b"22620412-00:00:00") == 2**63 - 1
    assert parse_utc_timestamp(b"99991231-23:59:59.999") == 2**63 - 1
    assert parse_utc_timestamp(b"99991231-23:59:61.999") == -1


NO_TIMESTAMPS = """
    20260101 20260101- 20260101-00:00 2026-01-01T00:00:00 19690101-00:00:00 20260229-00:00:00
    20261301-00:00:00 20260001-00:00:00 20260100-00:00:00 20260431-00:00:00 20260101-24:00:00
    20260101-00:60:00 20260101-00:00:61 20260101-00:00:00. 20260101-00:00:00.1 20260101-00:00:00,123
    20260101-00:00:00.12x 20260101-00:00:00.1234 20260101-00:00:00.123Z 20260101-0:00:000
    +0260101-00:00:00 2026_101-00:00:00 2026010\u0661-00:00:00
"""


@pytest.mark.parametrize("text", ["", "20260101 00:00:00", *NO_TIMESTAMPS.split()])
def test_what_is_no_timestamp_is_not_read(text: str) -> None:
    assert parse_utc_timestamp(text.encode()) == -1
