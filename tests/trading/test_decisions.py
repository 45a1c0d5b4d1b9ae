"""Decisions have one name everywhere, and it goes through a client order id and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.decisions import OrderName, base36, parse_client_order_id

NAMES = st.builds(
    OrderName,
    st.from_regex(r"[a-z][a-z0-9]{0,7}", fullmatch=True),
    st.from_regex(r"[A-Z0-9]{1,12}", fullmatch=True),
    st.integers(0, 36**6 - 1),
    st.integers(0, 36**5 - 1),
)


@given(NAMES)
def test_a_client_order_id_says_which_order_it_is(name: OrderName) -> None:
    text = name.client_order_id
    assert len(text) <= 36
    assert parse_client_order_id(text) == name


@pytest.mark.parametrize("text", ["", "maker", "Maker.BTCUSDT-1-1", "maker.BTCUSDT-1", "x-1-1"])
def test_others_ids_are_not_ours(text: str) -> None:
    assert parse_client_order_id(text) is None


def test_a_name_too_long_for_the_venue_is_an_error() -> None:
    with pytest.raises(ValueError, match="over 36 bytes"):
        _ = OrderName("momentum", "1000SATSUSDT", 36**6, 36**6).client_order_id


def test_base_36() -> None:
    assert [base36(number) for number in (0, 35, 36, 36**6 - 1)] == ["0", "z", "10", "zzzzzz"]
