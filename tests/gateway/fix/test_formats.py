"""Data types: what each takes, and what it does not."""

import pytest

from gateway.fix.formats import FORM_OF_TYPE, has_form

GOOD_AND_BAD = {
    "INT": (b"0 -5 00023 99", b"+1 1.0 x 1_0 - 1e5 \xd9\xa3 9999999999999999999"),
    "SEQNUM": (b"1 007", b"-1 +1 1.0 x 1_0 9999999999999999999"),
    "PRICE": (
        b"0 1 -1 1.5 00023.23 1.50 -0.001",
        b"+1 .5 5. 1e5 NaN Inf 1,5 1.2.3 -- - . 1_0 \xd9\xa3",
    ),
    "CHAR": (b"a 1", b"ab 12"),
    "BOOLEAN": (b"Y N", b"y n 1 0 true"),
    "UTCTIMESTAMP": (b"20260101-00:00:00 20260101-00:00:00.123456789", b"20260101 now"),
    "UTCTIMEONLY": (b"00:00:00 23:59:60 12:00:00.123", b"24:00:00 12:00 12:00:00.1 12:00:00."),
    "LOCALMKTDATE": (b"20260101 20240229", b"20230229 202601 2026-01-01"),
    "MONTHYEAR": (b"202601 20260131 202601w2", b"202613 202601w6 2026 20260132"),
    "DAYOFMONTH": (b"1 31", b"0 32 -1 x"),
}


@pytest.mark.parametrize("name", GOOD_AND_BAD)
def test_a_type_takes_what_it_should_and_nothing_else(name: str) -> None:
    form = FORM_OF_TYPE[name]

    def predicate(value: bytes) -> bool:
        return has_form(form, value, 0, len(value))

    good, bad = GOOD_AND_BAD[name]
    assert [value for value in good.split() if not predicate(value)] == []
    assert [value for value in bad.split() if predicate(value)] == []
    assert not predicate(b" 1")
    assert not predicate(b"1 ")
