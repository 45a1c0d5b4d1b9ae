import pytest

from tests.trading.strategies.book import Desk, quotes
from trading.decisions import Action, OrderStyle
from trading.events import BookChanged, FeedLost, Level, ReportKind, TradePrinted
from vocabulary.types import Side

pytestmark = pytest.mark.core


def desk(**parameters: int) -> Desk:
    defaults = {"order_lots": 10, "position_lots_max": 30, "half_spread_ticks": 3}
    return Desk("market_making", **(defaults | {"risk_aversion_ppm": 0} | parameters))


def test_it_quotes_both_sides_around_the_middle() -> None:
    decisions = desk().book(990, 1_010)
    assert quotes(decisions) == (997, 1_003)
    assert all(each.style is OrderStyle.POST_ONLY and each.lots == 10 for each in decisions)


def test_a_middle_between_two_ticks_is_rounded_away_from_it() -> None:
    assert quotes(desk().book(990, 1_011)) == (997, 1_004)


def test_a_quote_never_takes() -> None:
    assert quotes(desk(half_spread_ticks=1).book(1_000, 1_001)) == (999, 1_002)
    # Long, it would like to sell below the best bid; it offers one tick above.
    made = desk(risk_aversion_ppm=1_000_000, position_lots_max=1_000)
    first = made.book(990, 1_010)
    made.accept(first)
    after = made.report(first[0], ReportKind.TRADED, fill=10)
    (cancel,) = [each for each in after if each.action is Action.CANCEL]
    for each in after:
        made.take(each)
    (offer,) = made.report(cancel, ReportKind.CANCELED)
    assert (offer.side, offer.price_ticks) == (Side.SELL, 991)


@pytest.mark.parametrize("side", [0, 1])
def test_inventory_moves_both_quotes_against_it(side: int) -> None:
    """Check q * gamma * sigma^2 * tau: 1 quote * 0.05 per tick * 1 tick^2/s * 60 s = 3 ticks."""
    made = desk(risk_aversion_ppm=50_000, requote_ticks=0, half_spread_ticks=10)
    first = made.book(990, 1_010)
    assert quotes(first) == (988, 1_012)  # 10 ticks, and half of 3 for the risk, rounded outwards
    made.accept(first)
    sign = 1 if first[side].side is Side.BUY else -1
    after = made.report(first[side], ReportKind.TRADED, fill=10)
    moved = {each.side: each for each in after}
    other = first[1 - side]
    # The side that has traded is quoted anew, the other is canceled to move.
    assert moved[first[side].side].price_ticks == first[side].price_ticks - sign * 3
    assert (moved[other.side].action, moved[other.side].order) == (Action.CANCEL, other.number)
    for each in after:
        made.take(each)
    (replaced,) = made.report(moved[other.side], ReportKind.CANCELED)
    assert replaced.price_ticks == other.price_ticks - sign * 3


def test_a_side_that_would_go_beyond_the_limit_is_not_quoted() -> None:
    made = desk(position_lots_max=10)
    first = made.book(990, 1_010)
    made.accept(first)
    assert not made.report(first[0], ReportKind.TRADED, fill=10)
    assert made.machine.orders.position_lots == 10
    assert [order.side for order in made.machine.orders.live.values()] == [Side.SELL]


def test_a_small_move_keeps_the_quotes_and_a_larger_one_moves_them_after_the_cancels() -> None:
    made = desk(requote_ticks=2)
    first = made.book(990, 1_010)
    assert not made.accept(first)
    assert not made.book(992, 1_012)
    cancels = made.book(993, 1_013)
    assert [each.action for each in cancels] == [Action.CANCEL, Action.CANCEL]
    assert not made.book(995, 1_015)  # nothing more until their outcome is known
    for cancel in cancels:
        made.take(cancel)
    (bid,) = made.report(cancels[0], ReportKind.CANCELED)
    assert (bid.side, bid.price_ticks) == (Side.BUY, 1_002)


def test_volatility_widens_the_quotes() -> None:
    made = desk(risk_aversion_ppm=10_000, variance_samples=1, requote_ticks=0)
    made.book(990, 1_010)
    made.put(BookChanged, (Level(1_000, 5),), (Level(1_010, 0), Level(1_020, 5)), after_s=1.0)
    calm = desk(risk_aversion_ppm=10_000, variance_samples=1)
    calm.book(1_000, 1_020)
    (bid, offer) = (order.price_ticks for order in calm.machine.orders.live.values())
    assert (bid, offer) == (1_007, 1_013)  # 0.01 * 1 * 60 / 2 is less than half a tick
    # The first quotes' outcome becomes known; sigma is now 10 ticks: 0.01 * 100 * 60 / 2 = 30.
    for order in list(made.machine.orders.live.values()):
        made.take(order.decision)
        placed = made.report(order.decision, ReportKind.CANCELED)
        assert abs(placed[0].price_ticks - 1_010) == 33


def test_without_a_book_nothing_is_quoted_and_what_is_open_goes() -> None:
    made = desk()
    first = made.book(990, 1_010)
    made.accept(first)
    cancels = made.put(FeedLost, "no connection")
    assert [each.action for each in cancels] == [Action.CANCEL, Action.CANCEL]
    assert not made.wait(1.0)


def test_a_market_with_one_side_is_quoted_around_the_last_trade() -> None:
    made = desk()
    assert not made.book(990, 0)
    decisions = made.put(TradePrinted, 1, 1_000, 5, True)
    assert quotes(decisions) == (997, 1_003)


def test_after_a_refusal_it_pauses() -> None:
    made = desk(pause_ms=500)
    first = made.book(990, 1_010)
    made.take(first[0])
    assert not made.report(first[0], ReportKind.REFUSED)
    assert not made.wait(0.4)
    (again,) = made.wait(0.2)
    assert again.price_ticks == first[0].price_ticks
