"""What an order may ask for, whoever sends it: refusals in the order of RejectReason."""

from matching.core import icebergs, packed, quote_amounts, stop_orders
from matching.core.order_book import OrderBook
from matching.core.trading_phase import COLLECTING
from vocabulary.codec import VERSIONS
from vocabulary.commands import EnterOrder
from vocabulary.rejects import RejectReason
from vocabulary.types import PRICE_TICKS_MAX, OrderFlags, OrderType, TimeInForce, TradingPhase

TRIGGER_AT = VERSIONS[EnterOrder][1].size // 8
TRAILING_AT = TRIGGER_AT + 1
AMOUNT_AT = VERSIONS[EnterOrder][2].size // 8
DISPLAY_AT = VERSIONS[EnterOrder][3].size // 8
TRADING = TradingPhase.TRADING.value
MARKET = OrderType.MARKET.value
LIMIT = OrderType.LIMIT.value
DAY = TimeInForce.DAY.value
IMMEDIATE_OR_CANCEL = TimeInForce.IMMEDIATE_OR_CANCEL.value
FILL_OR_KILL = TimeInForce.FILL_OR_KILL.value
GOOD_TILL_DATE = TimeInForce.GOOD_TILL_DATE.value
DAY_NS = 24 * 3600 * 10**9
POST_ONLY = OrderFlags.POST_ONLY.value
PRICE_MAX = PRICE_TICKS_MAX

NOT_TRADING = RejectReason.NOT_TRADING.value
NOT_IN_AUCTION = RejectReason.NOT_IN_AUCTION.value
UNSUPPORTED_ORDER = RejectReason.UNSUPPORTED_ORDER.value
EXPIRE_TIME_OUT_OF_RANGE = RejectReason.EXPIRE_TIME_OUT_OF_RANGE.value
PRICE_OUT_OF_RANGE = RejectReason.PRICE_OUT_OF_RANGE.value
PRICE_OUTSIDE_BAND = RejectReason.PRICE_OUTSIDE_BAND.value
TRIGGER_PRICE_OUT_OF_RANGE = RejectReason.TRIGGER_PRICE_OUT_OF_RANGE.value
QUANTITY_OUT_OF_RANGE = RejectReason.QUANTITY_OUT_OF_RANGE.value
PRICE_OFF_INCREMENT = RejectReason.PRICE_OFF_INCREMENT.value
QUANTITY_OFF_INCREMENT = RejectReason.QUANTITY_OFF_INCREMENT.value
NOTIONAL_TOO_SMALL = RejectReason.NOTIONAL_TOO_SMALL.value
NOTIONAL_TOO_LARGE = RejectReason.NOTIONAL_TOO_LARGE.value


def command_refusal(book: OrderBook, command: bytes, now_ns: int, has_turn: bool) -> int:
    """Return why an order of a list is refused for its terms, or 0; `has_turn` if it comes later.

    What a wait depends on is then not known yet.
    """
    return terms_refusal(book, packed.words_of(command), 0, now_ns, has_turn)


def terms_refusal(book: OrderBook, words: memoryview, at: int, now_ns: int, has_turn: bool) -> int:
    """Return why a new order's own terms are refused, whoever sends it, or 0."""
    order_type = words[at + 4] >> 8 & 0xFF
    is_market = order_type & 1 == 1
    waits = order_type > LIMIT
    is_long = words[at] >> 35 > TRIGGER_AT
    trigger_price_ticks = words[at + TRIGGER_AT] if is_long else 0
    trailing_bps = words[at + TRAILING_AT] if is_long else 0
    quote_units = words[at + AMOUNT_AT] if words[at] >> 35 > AMOUNT_AT else 0
    display_lots = words[at + DISPLAY_AT] if words[at] >> 35 > DISPLAY_AT else 0
    time_in_force = words[at + 4] >> 16 & 0xFF
    flags = words[at + 4] >> 24 & 0xFF
    price_ticks = words[at + 5]
    lots = words[at + 6]
    refusal = phase_refusal(book, is_market or waits, time_in_force, flags)
    if refusal:
        return refusal
    if flags & POST_ONLY and (is_market or never_rests(time_in_force)):
        return UNSUPPORTED_ORDER
    if (waits or is_long) and not stop_orders.is_supported(
        order_type, time_in_force, flags, trigger_price_ticks, trailing_bps
    ):
        return UNSUPPORTED_ORDER
    if quote_units and (order_type != MARKET or lots):
        return UNSUPPORTED_ORDER
    if display_lots and not icebergs.is_supported(order_type, time_in_force):
        return UNSUPPORTED_ORDER
    if ending(time_in_force, words[at + 12], now_ns) < 0:
        return EXPIRE_TIME_OUT_OF_RANGE
    refusal = price_refusal(book, price_ticks, is_market)
    if refusal:
        return refusal
    if waits and not stop_orders.is_in_range(trigger_price_ticks, trailing_bps):
        return TRIGGER_PRICE_OUT_OF_RANGE
    if book.has_increments:
        is_off = price_ticks % book.price_increment_ticks != 0
        if is_off or trigger_price_ticks % book.price_increment_ticks:
            return PRICE_OFF_INCREMENT
    if quote_units:
        return quote_amounts.refusal(book, quote_units)
    if not book.quantity_lots_min <= lots <= book.quantity_lots_max:
        return QUANTITY_OUT_OF_RANGE
    if book.has_increments and lots % book.quantity_increment_lots:
        return QUANTITY_OFF_INCREMENT
    refusal = 0 if is_market else notional_refusal(book, price_ticks, lots)
    if waits and not refusal and not has_turn:
        side = words[at + 4] & 0xFF
        wait = (order_type, side, lots, trigger_price_ticks, trailing_bps)
        refusal = stop_orders.refusal(book, *wait)
    if display_lots and not refusal:
        refusal = icebergs.refusal(book, lots, display_lots)
    return refusal


def replace_refusal(book: OrderBook, price_ticks: int, lots: int) -> int:
    """Return why an order's new price and quantity are refused, or 0."""
    refusal = price_refusal(book, price_ticks, False)
    if refusal:
        return refusal
    if book.has_increments and price_ticks % book.price_increment_ticks:
        return PRICE_OFF_INCREMENT
    if not book.quantity_lots_min <= lots <= book.quantity_lots_max:
        return QUANTITY_OUT_OF_RANGE
    if book.has_increments and lots % book.quantity_increment_lots:
        return QUANTITY_OFF_INCREMENT
    return notional_refusal(book, price_ticks, lots)


def notional_refusal(book: OrderBook, price_ticks: int, lots: int) -> int:
    """Return why an order's worth is refused, or 0."""
    # The upper bound comes first: within it the product fits 64 bits. Both can't fail at once.
    if price_ticks > book.notional_tick_lots_max // lots:
        return NOTIONAL_TOO_LARGE
    if price_ticks * lots * book.tick_lot_units < book.notional_units_min:
        return NOTIONAL_TOO_SMALL
    return 0


def phase_refusal(book: OrderBook, is_market: bool, time_in_force: int, flags: int) -> int:
    """Return why an instrument takes no such order now, or 0."""
    if book.phase == TRADING:
        return 0
    if book.phase not in COLLECTING:
        return NOT_TRADING
    # There is nobody yet to trade with, or to be protected from.
    return NOT_IN_AUCTION if is_market or never_rests(time_in_force) or flags & POST_ONLY else 0


def price_refusal(book: OrderBook, price_ticks: int, is_market: bool) -> int:
    """Return why an order's price is refused, or 0."""
    if is_market:
        return 0 if price_ticks == 0 else PRICE_OUT_OF_RANGE
    if book.lowest_limit_ticks <= price_ticks <= book.highest_limit_ticks:
        return 0
    return PRICE_OUTSIDE_BAND if 0 < price_ticks <= PRICE_MAX else PRICE_OUT_OF_RANGE


def never_rests(time_in_force: int) -> bool:
    return time_in_force in (IMMEDIATE_OR_CANCEL, FILL_OR_KILL)


def ending(time_in_force: int, expire_time_ns: int, now_ns: int) -> int:
    """Return when an order ends by its time in force, 0 for never; -1 for a time that can't be."""
    if time_in_force == GOOD_TILL_DATE:
        return expire_time_ns if expire_time_ns > now_ns else -1
    if expire_time_ns:
        return -1
    return now_ns // DAY_NS * DAY_NS + DAY_NS if time_in_force == DAY else 0
