from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from accounts.ledger import (
    CUSTODY_ACCOUNT_ID,
    FEES_ACCOUNT_ID,
    Leg,
    credit_legs,
    trade_legs,
    trade_sides,
)
from vocabulary.events import FundsCredited, TradeExecuted
from vocabulary.types import Side

BTC, USDT = 1, 2
ALICE, BOB = 11, 12


def trade(
    incoming_side: Side = Side.BUY,
    base_units: int = 10_000,
    quote_units: int = 500,
    resting_fee_units: int = 3,
    incoming_fee_units: int = 20,
) -> TradeExecuted:
    """Alice's order rests, Bob's comes in."""
    return TradeExecuted(
        trade_id=1,
        instrument_id=1,
        incoming_side=incoming_side,
        price_ticks=50,
        quantity_lots=1,
        base_units=base_units,
        quote_units=quote_units,
        resting_order_id=101,
        incoming_order_id=102,
        resting_account_id=ALICE,
        incoming_account_id=BOB,
        resting_leaves_lots=0,
        incoming_leaves_lots=0,
        resting_cumulative_lots=1,
        incoming_cumulative_lots=1,
        resting_fee_units=resting_fee_units,
        incoming_fee_units=incoming_fee_units,
        released_units=0,
    )


def legs_of(event: TradeExecuted) -> list[Leg]:
    return trade_legs(trade_sides(event), event.base_units, event.quote_units, BTC, USDT)


def sums(legs: list[Leg]) -> Counter[int]:
    by_asset: Counter[int] = Counter()
    for leg in legs:
        by_asset[leg[1]] += leg[2]
    return by_asset


def test_credit_comes_out_of_custody() -> None:
    assert credit_legs(FundsCredited(ALICE, USDT, 700, 900)) == [
        (CUSTODY_ACCOUNT_ID, USDT, -700),
        (ALICE, USDT, 700),
    ]


def test_a_rebate_comes_out_of_the_taker_s_fee() -> None:
    assert legs_of(trade(Side.BUY, resting_fee_units=-5)) == [
        (ALICE, BTC, 5 - 10_000),
        (BOB, BTC, 10_000 - 20),
        (BOB, USDT, -500),
        (ALICE, USDT, 500),
        (FEES_ACCOUNT_ID, BTC, 15),
    ]
    assert legs_of(trade(Side.SELL, resting_fee_units=-20)) == [
        (BOB, BTC, -10_000),
        (ALICE, BTC, 10_000),
        (ALICE, USDT, 20 - 500),
        (BOB, USDT, 500 - 20),
    ]


def test_incoming_buyer_pays_its_fee_in_base_and_the_resting_seller_in_quote() -> None:
    assert legs_of(trade(Side.BUY)) == [
        (ALICE, BTC, -10_000),
        (BOB, BTC, 9_980),
        (BOB, USDT, -500),
        (ALICE, USDT, 497),
        (FEES_ACCOUNT_ID, BTC, 20),
        (FEES_ACCOUNT_ID, USDT, 3),
    ]


def test_incoming_seller_pays_its_fee_in_quote_and_the_resting_buyer_in_base() -> None:
    assert legs_of(trade(Side.SELL)) == [
        (BOB, BTC, -10_000),
        (ALICE, BTC, 9_997),
        (ALICE, USDT, -500),
        (BOB, USDT, 480),
        (FEES_ACCOUNT_ID, BTC, 3),
        (FEES_ACCOUNT_ID, USDT, 20),
    ]


def test_free_trade_leaves_no_legs_for_fees() -> None:
    legs = legs_of(trade(resting_fee_units=0, incoming_fee_units=0))
    assert [leg[0] for leg in legs] == [ALICE, BOB, BOB, ALICE]


UNITS = st.integers(1, 2**62)


@given(st.sampled_from(Side), UNITS, UNITS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_legs_of_any_trade_sum_to_zero_in_each_asset(
    side: Side, base: int, quote: int, resting_fee: int, incoming_fee: int
) -> None:
    legs = legs_of(trade(side, base, quote, resting_fee, incoming_fee))
    assert set(sums(legs).values()) == {0}
    assert all(leg[2] for leg in legs)
