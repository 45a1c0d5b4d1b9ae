"""Momentum, imbalance and noise."""

import pytest

from tests.trading.strategies.book import Desk
from trading.decisions import Action, Decision, OrderStyle
from trading.events import BookChanged, FeedLost, Level, ReportKind
from vocabulary.types import Side

pytestmark = pytest.mark.core


def momentum() -> Desk:
    return Desk(
        "momentum",
        fast_samples=1,
        slow_samples=3,
        band_ticks=1,
        position_lots=30,
        order_lots=20,
        slippage_ticks=2,
    )


def fill(desk: Desk, decision: Decision) -> None:
    desk.take(decision)
    desk.report(decision, ReportKind.TRADED, fill=decision.lots)


def test_momentum_follows_a_rise_in_steps_and_turns_with_the_market() -> None:
    desk = momentum()
    for middle in (1_000, 1_000):
        assert not desk.book(middle - 1, middle + 1, after_s=1.0)
    # fast = s = 1004, slow = 1000 + (1004 - 1000) / 2: 2 ticks ahead, over the band of 1.
    (first,) = desk.book(1_003, 1_005, after_s=1.0)
    assert (first.side, first.lots, first.price_ticks) == (Side.BUY, 20, 1_005 + 2)
    assert first.style is OrderStyle.IMMEDIATE
    assert not desk.book(1_007, 1_009, after_s=1.0)  # the first one's outcome is unknown
    fill(desk, first)
    (second,) = desk.book(1_011, 1_013, after_s=1.0)
    assert second.lots == 10
    fill(desk, second)
    assert not desk.book(1_015, 1_017, after_s=1.0)
    (turned,) = desk.book(989, 991, after_s=1.0)
    assert (turned.side, turned.lots, turned.price_ticks) == (Side.SELL, 20, 989 - 2)


def test_momentum_is_flat_within_the_band_and_looks_once_a_sample() -> None:
    desk = momentum()
    for _ in range(5):
        assert not desk.book(999, 1_001, after_s=1.0)
    assert not desk.book(1_020, 1_022, after_s=0.5)
    assert desk.book(1_020, 1_022, after_s=0.5)


def imbalance(**parameters: int) -> Desk:
    return Desk("imbalance", **({"threshold_milliticks": 1_000, "position_lots": 20} | parameters))


def change(desk: Desk, bid: tuple[int, int], ask: tuple[int, int]) -> list[Decision]:
    return desk.put(BookChanged, (Level(*bid),), (Level(*ask),))


def test_imbalance_adds_the_flow_as_in_the_paper() -> None:
    desk = imbalance()
    desk.book(1_000, 1_002, lots=(50, 50))
    change(desk, (1_000, 90), (1_002, 50))  # + 40 lots at the bid
    change(desk, (1_001, 30), (1_002, 50))  # a better bid of 30
    change(desk, (1_001, 30), (1_002, 20))  # 30 lots less offered
    # OFI = 40 + 30 + 30 = 100; D = (140 + 80 + 50) / 6 = 45; OFI / (2 D) = 1.11 ticks.
    (decision,) = desk.wait(1.0)
    assert (decision.side, decision.lots, decision.price_ticks) == (Side.BUY, 20, 1_002 + 1)


def test_imbalance_does_nothing_below_the_threshold_and_flattens() -> None:
    desk = imbalance(threshold_milliticks=1_112)
    desk.book(1_000, 1_002, lots=(50, 50))
    change(desk, (1_000, 90), (1_002, 50))
    change(desk, (1_001, 30), (1_002, 50))
    change(desk, (1_001, 30), (1_002, 20))
    assert not desk.wait(1.0)
    change(desk, (1_001, 30), (1_002, 200))
    change(desk, (1_001, 0), (1_002, 600))
    (sold,) = desk.wait(1.0)
    assert sold.side is Side.SELL
    fill(desk, sold)
    (back,) = desk.wait(1.0)
    assert (back.side, back.lots) == (Side.BUY, 20)


def test_imbalance_begins_anew_after_a_loss() -> None:
    desk = imbalance()
    desk.book(1_000, 1_002)
    change(desk, (1_000, 5_000), (1_002, 50))
    desk.put(FeedLost, "no connection")
    desk.book(1_000, 1_002)
    assert not desk.wait(1.0)


def noise(**parameters: int) -> Desk:
    return Desk("noise", **({"actions_per_second": 100, "order_lots": 10} | parameters))


def test_noise_acts_at_its_rate_and_does_not_make_up_for_a_pause() -> None:
    desk = noise(market_ppm=0, cancel_ppm=0, orders_max=50, actions_per_second=20)
    desk.book(990, 1_010)
    assert not desk.wait(0.1)
    assert len(desk.wait(0.5)) == 10
    assert len(desk.wait(60.0)) == 20


def test_noise_rests_within_its_range_and_never_takes_then() -> None:
    desk = noise(market_ppm=0, cancel_ppm=0, range_ticks=20, orders_max=50)
    desk.book(990, 1_010)
    desk.wait(0.1)
    orders = desk.wait(0.5)
    assert {each.side for each in orders} == {Side.BUY, Side.SELL}
    for each in orders:
        assert each.style is OrderStyle.POST_ONLY
        assert 1 <= each.lots <= 10
        if each.side is Side.BUY:
            assert 990 <= each.price_ticks <= 1_009
        else:
            assert 991 <= each.price_ticks <= 1_010


def test_noise_takes_at_the_best_price() -> None:
    desk = noise(market_ppm=1_000_000, cancel_ppm=0)
    desk.book(990, 1_010)
    desk.wait(0.1)
    for each in desk.wait(0.3):
        assert each.style is OrderStyle.IMMEDIATE
        assert each.price_ticks == (1_010 if each.side is Side.BUY else 990)


def test_noise_cancels_open_orders_once_it_has_enough() -> None:
    desk = noise(market_ppm=0, cancel_ppm=0, orders_max=5)
    desk.book(990, 1_010)
    desk.wait(0.1)
    placed = desk.wait(0.1)
    assert len(placed) == 5
    desk.accept(placed)
    canceled = desk.wait(0.1)
    assert {each.order for each in canceled} == {each.number for each in placed}
    assert all(each.action is Action.CANCEL for each in canceled)


def test_noise_starts_a_market_only_where_it_is_told_a_price() -> None:
    silent = noise(market_ppm=0, cancel_ppm=0)
    silent.book(0, 0)
    silent.wait(0.1)
    assert not silent.wait(0.5)
    desk = noise(market_ppm=0, cancel_ppm=0, start_price_ticks=500, range_ticks=10)
    desk.book(0, 0)
    desk.wait(0.1)
    assert all(490 <= each.price_ticks <= 510 for each in desk.wait(0.1))


def test_noise_beyond_its_position_only_goes_back() -> None:
    desk = noise(market_ppm=1_000_000, cancel_ppm=0, position_lots_max=5)
    desk.book(990, 1_010)
    desk.wait(0.1)
    while desk.machine.orders.position_lots < 5:
        for each in desk.wait(0.02):
            fill(desk, each)
    assert all(each.side is Side.SELL for each in desk.wait(0.5))


def test_noise_of_another_seed_name_or_symbol_is_another() -> None:
    def first(seed: int) -> list[tuple[int, int]]:
        desk = noise(seed=seed)
        desk.book(990, 1_010)
        desk.wait(0.1)
        return [(each.price_ticks, each.lots) for each in desk.wait(0.5)]

    assert first(1) == first(1) != first(2)
