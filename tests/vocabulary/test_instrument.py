from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vocabulary.instrument import (
    Asset,
    Instrument,
    ListingError,
    build_instrument,
    decimal_text,
    listing_terms,
)
from vocabulary.rejects import Refused, RejectReason
from vocabulary.types import INT64_MAX, PRICE_TICKS_MAX, QUANTITY_LOTS_MAX

BTC = Asset(1, "BTC", 8)
USDT = Asset(2, "USDT", 8)
YEN = Asset(3, "JPY", 0)


def instrument(
    tick_size: str = "0.01", lot_size: str = "0.00001", base: Asset = BTC, quote: Asset = USDT
) -> Instrument:
    return build_instrument(
        1,
        base.name + quote.name,
        base,
        quote,
        listing_terms(base, quote, tick_size, lot_size),
        maker_fee_ppm=0,
        taker_fee_ppm=0,
    )


@pytest.mark.parametrize(
    ("text", "ticks"),
    [
        ("0", 0),
        ("0.01", 1),
        ("50000.25", 5_000_025),
        ("50000.2500000", 5_000_025),
        ("007", 700),
        ("10995116277.76", PRICE_TICKS_MAX),
    ],
)
def test_a_plain_decimal_on_a_tick_is_a_price(text: str, ticks: int) -> None:
    assert instrument().price_ticks(text) == ticks


NOT_DECIMALS = [
    "", " ", "1 ", " 1", "+1", "-1", "1e3", "1E3", "1_000", "1,5", "1.", ".5", ".", "1.2.3", "0x10",
    "NaN", "inf", "٣", "१२", "\uff11", "1\n", "1\0", "½", "9" * 30, "0." + "1" * 30,
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_DECIMALS)
def test_what_is_no_plain_decimal_is_malformed(text: str) -> None:
    one = instrument()
    with pytest.raises(Refused, match="price") as refused:
        one.price_ticks(text)
    assert refused.value.reason is RejectReason.MALFORMED_PRICE
    with pytest.raises(Refused, match="quantity") as refused:
        one.quantity_lots(text)
    assert refused.value.reason is RejectReason.MALFORMED_QUANTITY
    with pytest.raises(ValueError, match="amount"):
        BTC.units(text)


def test_a_value_between_two_steps_is_refused_never_rounded() -> None:
    one = instrument(tick_size="0.05", lot_size="0.0002")
    assert (one.price_ticks("10.05"), one.quantity_lots("0.0004")) == (201, 2)
    for text in ("10.01", "10.051", "10.0500000001"):
        with pytest.raises(Refused, match=r"not a multiple of the tick size 0\.05") as refused:
            one.price_ticks(text)
        assert refused.value.reason is RejectReason.PRICE_NOT_ON_TICK
    for text in ("0.0003", "0.00041", "1.000000000000000001"):
        with pytest.raises(Refused, match=r"not a multiple of the lot size 0\.0002") as refused:
            one.quantity_lots(text)
        assert refused.value.reason is RejectReason.QUANTITY_NOT_ON_LOT
    with pytest.raises(ValueError, match="at most 8 places"):
        BTC.units("0.000000001")


def test_what_would_not_fit_is_refused() -> None:
    one = instrument()
    with pytest.raises(Refused) as refused:
        one.price_ticks(one.price_text(PRICE_TICKS_MAX + 1))
    assert refused.value.reason is RejectReason.PRICE_OUT_OF_RANGE
    with pytest.raises(Refused) as refused:
        one.quantity_lots(one.quantity_text(QUANTITY_LOTS_MAX + 1))
    assert refused.value.reason is RejectReason.QUANTITY_OUT_OF_RANGE
    assert BTC.units(BTC.text(INT64_MAX)) == INT64_MAX
    with pytest.raises(ValueError, match="amount"):
        BTC.units(BTC.text(INT64_MAX + 1))


def test_a_refusal_repeats_only_the_beginning_of_a_long_text() -> None:
    with pytest.raises(Refused) as refused:
        instrument().price_ticks("9" * 1_000_000)
    assert len(refused.value.text) < 200


sizes = st.tuples(st.sampled_from([1, 2, 5, 25]), st.integers(0, 4))


@given(sizes, sizes, st.integers(0, PRICE_TICKS_MAX), st.integers(0, QUANTITY_LOTS_MAX))
def test_decimals_and_integers_lead_to_each_other(
    tick: tuple[int, int], lot: tuple[int, int], ticks: int, lots: int
) -> None:
    tick_size, lot_size = decimal_text(*tick), decimal_text(*lot)
    one = instrument(tick_size, lot_size)
    assert one.price_ticks(one.price_text(ticks)) == ticks
    assert one.quantity_lots(one.quantity_text(lots)) == lots
    assert Decimal(one.price_text(ticks)) == ticks * Decimal(tick_size)
    assert Decimal(one.quantity_text(lots)) == lots * Decimal(lot_size)
    cost = ticks * Decimal(tick_size) * lots * Decimal(lot_size)
    assert cost == Decimal(ticks * lots * one.tick_lot_units) / 10**USDT.scale
    assert (Decimal(one.tick.text), Decimal(one.lot.text)) == (
        Decimal(tick_size),
        Decimal(lot_size),
    )


@given(st.integers(-(2**63), 2**63), st.integers(0, 18))
def test_decimal_text_is_exact(mantissa: int, scale: int) -> None:
    text = decimal_text(mantissa, scale)
    assert Decimal(text) == Decimal(mantissa).scaleb(-scale)
    assert "E" not in text
    assert len(text.partition(".")[2]) == scale


@pytest.mark.parametrize(
    ("base", "quote", "tick_size", "lot_size", "names"),
    [
        (BTC, USDT, "0", "0.1", "tick_size '0'"),
        (BTC, USDT, "-0.01", "0.1", "tick_size '-0.01'"),
        (BTC, USDT, "1e-2", "0.1", "tick_size '1e-2'"),
        (BTC, USDT, "0.01", "0", "lot_size '0'"),
        (BTC, USDT, "0.01", "0.000000001", "lot_size '0.000000001'"),
        (BTC, USDT, "0.00001", "0.00001", "tick_size 0.00001 x lot_size 0.00001"),
        (BTC, YEN, "1", "0.1", "tick_size 1 x lot_size 0.1"),
        (Asset(9, "DUST", 13), USDT, "1", "1", "scale 13 of base asset DUST"),
        (BTC, Asset(9, "DUST", -1), "1", "1", "scale -1 of quote asset DUST"),
    ],
)
def test_what_cannot_be_traded_exactly_cannot_be_listed(
    base: Asset, quote: Asset, tick_size: str, lot_size: str, names: str
) -> None:
    with pytest.raises(ListingError) as refused:
        listing_terms(base, quote, tick_size, lot_size)
    assert names in str(refused.value)


def test_a_tick_that_is_no_finite_decimal_cannot_be_listed() -> None:
    with pytest.raises(ListingError, match="tick size"):
        build_instrument(
            1,
            "BTCUSDT",
            BTC,
            USDT,
            listing_terms(BTC, USDT, "1", "0.00000003")._replace(tick_lot_units=1),
            maker_fee_ppm=0,
            taker_fee_ppm=0,
        )


def test_an_average_price_is_weighted_by_volume_and_cut() -> None:
    one = instrument(tick_size="0.01", lot_size="1", base=Asset(9, "GOLD", 0))
    unit = one.tick_lot_units
    assert one.average_price_text(0, 0) == "0"
    assert one.average_price_text((100 * 1 + 101 * 1) * unit, 2) == "1.005"
    assert one.average_price_text((100 * 2 + 101 * 1) * unit, 3) == "1.0033333333"
