"""Each limit by itself: what is equal to it passes, one more does not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.trading.execution.samples import NOW, SECOND, instrument
from trading.execution.holdings import DAY_NS, DayResult, Holdings, fee_units
from trading.execution.risk import ALL, Exposure, KillSwitches, RiskLimits
from trading.runs import Limits
from vocabulary.types import Side

NOTHING = Exposure(0, 0, 0, 0, 20_000)


def text_of(
    limits: dict[str, Any],
    exposure: Exposure = NOTHING,
    *,
    side: Side = Side.BUY,
    price_ticks: int = 10_000,
    lots: int = 10,
) -> str:
    refusal = RiskLimits(Limits(**limits), instrument()).refusal(side, price_ticks, lots, exposure)
    assert refusal is None or refusal.text.startswith(refusal.limit)
    return refusal.text if refusal else ""


def test_an_order_has_so_many_lots_at_most() -> None:
    assert not text_of({"order_lots_max": 10})
    assert text_of({"order_lots_max": 9}) == "order_lots_max: 10 lots, limit 9"


@pytest.mark.parametrize(
    ("side", "exposure"),
    [
        (Side.BUY, Exposure(60, 30, 1_000, 0, 20_000)),
        (Side.BUY, Exposure(-20, 110, 1_000, 0, 20_000)),
        (Side.SELL, Exposure(-60, 1_000, 30, 0, 20_000)),
        (Side.SELL, Exposure(20, 1_000, 110, 0, 20_000)),
    ],
)
def test_a_position_counts_with_the_open_orders_of_its_side(side: Side, exposure: Exposure) -> None:
    assert not text_of({"position_lots_max": 100}, exposure, side=side)
    position = 101 if side is Side.BUY else -101
    assert text_of({"position_lots_max": 100}, exposure, side=side, lots=11) == (
        f"position_lots_max: {position} lots with open orders, limit 100"
    )


def test_an_order_that_makes_the_position_smaller_passes_whatever_that_is() -> None:
    assert not text_of({"position_lots_max": 1}, Exposure(500, 0, 0, 0, 20_000), side=Side.SELL)
    assert not text_of({"position_lots_max": 1}, Exposure(-500, 0, 0, 0, 20_000))


def test_an_order_is_worth_so_much_at_most() -> None:
    assert not text_of({"order_notional_max": "0.01"})  # 100.00 x 0.0001
    assert not text_of({"order_notional_max": "0.010000001"})
    assert text_of({"order_notional_max": "0.00999999"}) == (
        "order_notional_max: 0.01000000 USDT, limit 0.00999999"
    )


def test_so_many_orders_may_be_placed_in_a_second() -> None:
    assert not text_of({"orders_per_second_max": 5}, Exposure(0, 0, 0, 4, 20_000))
    assert text_of({"orders_per_second_max": 5}, Exposure(0, 0, 0, 5, 20_000)) == (
        "orders_per_second_max: 6 orders within a second, limit 5"
    )


@pytest.mark.parametrize(("edge", "beyond"), [(10_500, 10_501), (9_500, 9_499)])
def test_a_price_may_be_so_far_from_the_middle(edge: int, beyond: int) -> None:
    assert not text_of({"collar_ppm": 50_000}, price_ticks=edge)
    assert text_of({"collar_ppm": 50_000}, price_ticks=beyond) == (
        f"collar_ppm: price {beyond // 100}.{beyond % 100:02} is 50100 ppm from the middle of the "
        "book, limit 50000"
    )


def test_a_book_that_is_not_known_has_no_middle() -> None:
    assert text_of({}, Exposure(0, 0, 0, 0, 0)) == "collar_ppm: the book is not known"
    assert not text_of({"collar_ppm": 0}, Exposure(0, 0, 0, 0, 0))


def test_reaching_the_loss_of_a_day_pulls_the_switch() -> None:
    limits = RiskLimits(Limits(daily_loss_max="1"), instrument())
    assert limits.loss(-99_999_999) is None
    refusal = limits.loss(-100_000_000)
    assert refusal is not None
    assert refusal.text == "daily_loss_max: 1.00000000 USDT lost today in BTCUSDT, limit 1"


def test_a_result_counts_fees_in_what_they_were_taken_in() -> None:
    holdings = Holdings(instrument())
    holdings.trade(Side.BUY, 10_000, 100_000, 1_000, 1)  # 1 BTC at 100, 0.00001 BTC for it
    assert (holdings.base_units, holdings.quote_units) == (10**8 - 1_000, -100 * 10**8)
    holdings.trade(Side.SELL, 11_000, 50_000, 700, 2)
    assert holdings.lots == 50_000
    assert holdings.base_units == 5 * 10**7 - 1_000
    assert holdings.quote_units == -45 * 10**8 - 700
    # What is left is worth 49,999,000 units of a BTC at 112.
    assert holdings.worth_units(2 * 11_200) == -45 * 10**8 - 700 + 49_999_000 * 112


def test_a_rebate_is_paid_in_what_the_side_gave() -> None:
    listed = instrument()
    assert fee_units("0.00000100", Side.BUY, listed) == 100
    assert fee_units("-0.00000200", Side.BUY, listed) == -200
    holdings = Holdings(listed)
    holdings.trade(Side.BUY, 10_000, 100_000, -200, 1)
    assert (holdings.base_units, holdings.quote_units) == (10**8, -100 * 10**8 + 200)
    holdings.trade(Side.SELL, 10_000, 100_000, -300, 2)
    assert (holdings.base_units, holdings.quote_units) == (300, 200)


def test_a_day_begins_with_what_there_is_at_midnight() -> None:
    holdings, day = Holdings(instrument()), DayResult(NOW)
    holdings.trade(Side.BUY, 10_000, 100_000, 0, 1)
    day.mark(holdings, 2 * 9_000, NOW)
    assert day.result_units == -10 * 10**8
    tomorrow = (NOW // DAY_NS + 1) * DAY_NS
    day.mark(holdings, 2 * 8_000, tomorrow - 1)
    assert day.result_units == -20 * 10**8
    day.mark(holdings, 2 * 8_000, tomorrow)
    assert day.result_units == 0
    day.mark(holdings, 2 * 8_100, tomorrow + SECOND)
    assert day.result_units == 10**8


def test_a_switch_stops_its_strategy_and_one_stops_all() -> None:
    switches = KillSwitches()
    assert switches.pull("maker", "lost too much")
    assert not switches.pull("maker", "again")
    refusal = switches.refusal("maker")
    assert refusal is not None
    assert refusal.text == "killed: lost too much"
    assert switches.refusal("taker") is None
    switches.set({ALL: "by the desk"})
    stopped = switches.refusal("maker")
    assert stopped is not None
    assert stopped == switches.refusal("taker")
    switches.set({})
    assert switches.refusal("maker") is None
