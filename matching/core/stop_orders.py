"""Orders that wait for a trade at their price: how they come in, and what a trade sets off.

A trade's price is looked at once the command that made it has matched. Whom it reaches is triggered
in the same record, one after the other; what they trade may reach others, who queue up behind. An
order triggers once, so a cascade ends at the latest when nobody waits any more.
"""

from collections import deque

from matching.core.matcher import Matcher
from matching.core.order import Order
from matching.core.order_book import OrderBook
from matching.core.triggers import TAKES_PROFIT, Trigger
from vocabulary.rejects import RejectReason
from vocabulary.types import (
    INT64_MAX,
    PRICE_TICKS_MAX,
    STOP_PROTECTION_PPM,
    TRAILING_BPS_MAX,
    WAITING_ORDERS_MAX,
    OrderFlags,
    OrderType,
    Side,
    TimeInForce,
    TradingPhase,
)

IMMEDIATE = (TimeInForce.IMMEDIATE_OR_CANCEL, TimeInForce.FILL_OR_KILL)


def is_supported(
    order_type: int, time_in_force: int, flags: int, trigger_price_ticks: int, trailing_bps: int
) -> bool:
    """Say whether what is asked of an order goes together, where it asks for a wait or is one."""
    if order_type <= OrderType.LIMIT:
        return trigger_price_ticks == 0 and trailing_bps == 0
    if flags & OrderFlags.POST_ONLY:
        return False
    if order_type in (OrderType.STOP, OrderType.TAKE_PROFIT) and time_in_force in IMMEDIATE:
        return False
    return trailing_bps == 0 or (trigger_price_ticks == 0 and order_type not in TAKES_PROFIT)


def is_in_range(trigger_price_ticks: int, trailing_bps: int) -> bool:
    if trailing_bps:
        return trailing_bps <= TRAILING_BPS_MAX
    return 0 < trigger_price_ticks <= PRICE_TICKS_MAX


def refusal(
    book: OrderBook,
    order_type: int,
    side: int,
    lots: int,
    trigger_price_ticks: int,
    trailing_bps: int,
) -> int:
    """Return why an order can't wait for its price now, or 0."""
    is_known = book.last_trade_ticks > 0
    terms = (order_type, side, TimeInForce.GOOD_TILL_CANCEL, trigger_price_ticks, trailing_bps)
    trigger = new_trigger(book, *terms)
    is_bounded = is_known or not trailing_bps
    buys_at_market = is_bounded and trigger.is_market and side == Side.BUY
    if buys_at_market and buy_limit(book, lots, trigger.price_ticks) == 0:
        return RejectReason.NOTIONAL_TOO_LARGE
    if book.waiting_count >= WAITING_ORDERS_MAX:
        return RejectReason.TOO_MANY_WAITING_ORDERS
    if trailing_bps and not is_known:
        return RejectReason.NO_LAST_TRADE
    if is_known and trigger.is_reached(book.last_trade_ticks):
        return RejectReason.WOULD_TRIGGER
    return 0


def buy_limit(book: OrderBook, lots: int, trigger_price_ticks: int) -> int:
    """Return the most that an order at market pays once it is triggered; 0 if that is too much.

    It holds this from its entry on, so that its funds are there whenever its time comes.
    """
    limit_ticks = trigger_price_ticks + trigger_price_ticks * STOP_PROTECTION_PPM // 1_000_000
    limit_ticks = min(limit_ticks, PRICE_TICKS_MAX)
    return limit_ticks if limit_ticks <= INT64_MAX // book.tick_lot_units // lots else 0


def run(matcher: Matcher) -> None:
    """Trigger whom the trades of a command have reached, and whom these reach in turn."""
    for book in matcher.moved:
        due: deque[tuple[Order, int]] = deque()
        while True:
            for price_ticks in book.triggers.prices:
                due.extend((order, price_ticks) for order in book.triggers.take(price_ticks))
            book.triggers.prices.clear()
            # An auction has its own price; whom it reaches is triggered when trading goes on.
            is_trading = book.phase == TradingPhase.TRADING and matcher.interrupted is None
            if not due or not is_trading:
                break
            order, price_ticks = due.popleft()
            if order.order_id in book.triggers.orders:  # else canceled by the other of its list
                matcher.trigger(book, order, price_ticks)
        for order, _ in due:
            if order.order_id in book.triggers.orders:
                book.triggers.line_up(order)
    matcher.moved.clear()


def new_trigger(
    book: OrderBook,
    order_type: int,
    side: int,
    time_in_force: int,
    trigger_price_ticks: int,
    trailing_bps: int,
) -> Trigger:
    """Return what an order waits for; a trailing stop starts at the last trade's price."""
    best_ticks = book.last_trade_ticks if trailing_bps else 0
    terms = (order_type, side, time_in_force, trigger_price_ticks, trailing_bps, best_ticks)
    return Trigger(*terms)
