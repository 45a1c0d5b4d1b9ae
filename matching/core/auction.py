"""Auctions: orders collect without matching, and then trade all at one price.

The price is the one at which most lots can trade; of such prices one at which fewest are left over;
of these the one nearest to the reference price, and of two as near the lower. Any price that an
order might have will do, whether or not one has it as its limit. Each side trades in price-time
priority.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, chain, islice
from typing import NamedTuple

from matching.core.auction_trades import crosses, trade_at
from matching.core.ladder import Ladder
from matching.core.matcher import Matcher
from matching.core.order_book import OrderBook
from matching.core.state import State
from matching.core.trading_phase import AUCTIONS
from vocabulary import events as e
from vocabulary.codec import pack
from vocabulary.types import CancelReason, TradingPhase

Level = tuple[int, int]
"""A price in ticks, and the lots of all orders there."""


class Cross(NamedTuple):
    """What an auction would come to; all zero where nothing can trade.

    `surplus_lots` are those that find nobody at the price: above zero buyers', below it sellers'.
    """

    price_ticks: int
    quantity_lots: int
    surplus_lots: int


NOTHING = Cross(0, 0, 0)


def find_cross(
    buys: Sequence[Level], sells: Sequence[Level], reference_ticks: int, increment_ticks: int = 1
) -> Cross:
    """Return where two sides cross; each is given best price first, all on the increment."""
    if not buys or not sells or buys[0][0] < sells[0][0]:
        return NOTHING
    lowest, highest = sells[0][0], buys[0][0]
    # Supply and demand only change next to a level, so between two of them only the price nearest
    # to the reference need be looked at: one of the two ends, or the reference itself.
    steps = (-increment_ticks, 0, increment_ticks)
    near = {price + step for price, _ in (*buys, *sells) for step in steps}
    below_reference = reference_ticks - reference_ticks % increment_ticks
    near |= {below_reference, below_reference + increment_ticks}
    candidates = {price for price in near if lowest <= price <= highest}
    demand, supply = _Sums(buys, -1), _Sums(sells, 1)
    crosses = (_cross_at(price, demand.at(price), supply.at(price)) for price in candidates)
    return min(
        crosses,
        key=lambda cross: (
            -cross.quantity_lots,
            abs(cross.surplus_lots),
            abs(cross.price_ticks - reference_ticks),
            cross.price_ticks,
        ),
    )


class _Sums:
    """How many lots of one side trade at a price or a better one. `sign` is 1 for sells."""

    def __init__(self, levels: Sequence[Level], sign: int) -> None:
        self._sign = sign
        self._prices = [sign * price for price, _ in levels]
        self._lots = [0, *accumulate(lots for _, lots in levels)]

    def at(self, price_ticks: int) -> int:
        return self._lots[bisect_left(self._prices, self._sign * price_ticks + 1)]


def _cross_at(price_ticks: int, demand_lots: int, supply_lots: int) -> Cross:
    return Cross(price_ticks, min(demand_lots, supply_lots), demand_lots - supply_lots)


def book_cross(book: OrderBook) -> Cross:
    """Return where a book crosses, as it is now."""
    return find_cross(
        _levels(book.buys, book.sells),
        _levels(book.sells, book.buys),
        book.reference_ticks,
        book.price_increment_ticks,
    )


def _levels(ladder: Ladder, opposite: Ladder) -> list[Level]:
    """Return the levels of a side that may trade with the other one, best first."""
    levels: list[Level] = []
    if opposite.best is not None:
        for level in ladder:
            if ladder.sign * (level.price_ticks - opposite.best.price_ticks) < 0:
                break
            levels.append((level.price_ticks, level.lots))
    return levels


def publish(matcher: Matcher, instrument_id: int) -> None:
    """Say what the auction in an instrument, or (0) in any, would come to, where that changed."""
    for _, book in sorted(matcher.state.auctions.items()):
        if instrument_id not in (0, book.instrument_id) or book.uncross_ticks:
            continue
        cross = book_cross(book)
        if cross != (book.indicative_ticks, book.indicative_lots, book.surplus_lots):
            book.indicative_ticks, book.indicative_lots, book.surplus_lots = cross
            matcher.events.write(pack(e.IndicativePriceChanged(book.instrument_id, *cross)))


def enter_phase(matcher: Matcher, book: OrderBook, phase: TradingPhase, steps_max: int = 0) -> None:
    """Let an instrument come to a phase, by way of what its orders have crossed for.

    They trade before trading goes on, and when the closing auction ends in the close. Where that
    takes more than `steps_max` steps, the clock's next command takes them.
    """
    closes = phase is TradingPhase.CLOSED and book.phase == TradingPhase.CLOSING_AUCTION
    is_uncrossing = phase is TradingPhase.TRADING or closes
    if is_uncrossing and not uncross(matcher, book, steps_max):
        return stay_at_auction(matcher, book, phase)
    if phase is TradingPhase.DELISTED and not cancel_all(matcher, book, steps_max):
        phase = TradingPhase.CANCEL_ONLY
    book.uncross_ticks = book.uncross_phase = 0
    change_phase(matcher, book, phase)
    if phase is TradingPhase.TRADING and book.waiting_count and book.last_trade_ticks:
        matcher.note_trades(book, book.last_trade_ticks, book.last_trade_ticks)
    book.auction_ends_ns = 0
    if phase is TradingPhase.VOLATILITY_AUCTION and book.has_volatility_band:
        book.auction_ends_ns = matcher.state.timestamp_ns + book.limits.volatility_auction_ns
    return None


def change_phase(matcher: Matcher, book: OrderBook, phase: TradingPhase) -> None:
    book.phase = phase.value
    book.indicative_ticks, book.indicative_lots, book.surplus_lots = NOTHING
    matcher.state.auctions.pop(book.instrument_id, None)
    if phase in AUCTIONS:
        matcher.state.auctions[book.instrument_id] = book
    matcher.events.write(pack(e.PhaseChanged(book.instrument_id, phase)))


def stay_at_auction(matcher: Matcher, book: OrderBook, phase: TradingPhase) -> None:
    """Let an auction that is not through have ended by its time: so the clock goes on with it."""
    book.uncross_phase = phase.value
    book.auction_ends_ns = max(matcher.state.timestamp_ns, 1)
    if book.phase not in AUCTIONS:
        change_phase(matcher, book, TradingPhase.OPENING_AUCTION)


def cancel_all(matcher: Matcher, book: OrderBook, steps_max: int) -> bool:
    """Cancel a delisted instrument's orders, the oldest first; return whether that was all.

    Of more than `steps_max` those are first that bid best, then those that offer best, then those
    that wait.
    """
    resting = (order for side in (book.buys, book.sells) for level in side for order in level)
    waiting = (order for _, order in sorted(book.triggers.orders.items()))
    some = islice(chain(resting, waiting), steps_max or None)
    for order in sorted(some, key=lambda order: order.order_id):
        if matcher.state.orders.find(order.order_id) is None:  # ended with the other of its list
            continue
        matcher.cancel_resting(book, order, CancelReason.DELISTED)
    return not (book.buys.best or book.sells.best or book.waiting_count)


def interrupt(matcher: Matcher) -> None:
    """Let an auction take over where the next trade would have left the volatility band.

    Or where a command would have made too many: that auction ends with the clock's next command.
    """
    book, matcher.interrupted = matcher.interrupted, None
    assert book is not None
    enter_phase(matcher, book, TradingPhase.VOLATILITY_AUCTION)
    if matcher.is_exhausted:
        matcher.is_exhausted = False
        book.auction_ends_ns = max(matcher.state.timestamp_ns, 1)


def next_end_ns(state: State) -> int:
    """Return when the next auction ends by itself; 0 if none does."""
    ends = (book.auction_ends_ns for book in state.auctions.values())
    return min((end_ns for end_ns in ends if end_ns), default=0)


def end_auctions(matcher: Matcher, steps_max: int) -> None:
    """Let trading go on where an auction's time is over: with a bound, in one instrument only."""
    for _, book in sorted(matcher.state.auctions.items()):
        if 0 < book.auction_ends_ns <= matcher.state.timestamp_ns:
            phase = TradingPhase(book.uncross_phase or TradingPhase.TRADING)
            enter_phase(matcher, book, phase, steps_max)
            if steps_max > 0:
                return


def uncross(matcher: Matcher, book: OrderBook, steps_max: int) -> bool:
    """Trade what can trade at the auction's price; return whether that was all.

    Where it goes on with what a bound has left, orders that came meanwhile, if any, may cross for
    more: they trade at a price of their own.
    """
    trades = 0
    while price_ticks := book.uncross_ticks or book_cross(book).price_ticks:
        book.uncross_ticks = price_ticks
        if not trades == steps_max > 0:
            trades += trade_at(matcher, book, price_ticks, steps_max - trades)
        if crosses(book, price_ticks):
            return False
        book.uncross_ticks = 0
    return True
