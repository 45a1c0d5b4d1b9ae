"""Where the fields of the most frequent messages stand in their words, as numbers from their head.

`vocabulary.codec` has the layouts, `tests/gateway/test_packed_records.py` holds every place here
against it. Ids of an account and an instrument share a word, and so do an order's enumerations.
"""

from collections.abc import Iterable
from typing import Any

from gateway.orders import Order
from vocabulary import packed
from vocabulary.codec import LAYOUTS, VERSIONS, header_word
from vocabulary.commands import CancelOrder, EnterOrder, ReplaceOrder
from vocabulary.events import (
    OrderAccepted,
    OrderCanceled,
    OrderReplaced,
    OrderRested,
    TradeExecuted,
)
from vocabulary.types import (
    CancelReason,
    OrderFlags,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

ENTER_ORDER = LAYOUTS[EnterOrder].kind
CANCEL_ORDER = LAYOUTS[CancelOrder].kind
REPLACE_ORDER = LAYOUTS[ReplaceOrder].kind
ORDER_ACCEPTED = header_word(OrderAccepted)
ORDER_RESTED = header_word(OrderRested)
TRADE_EXECUTED = header_word(TradeExecuted)
ORDER_CANCELED = header_word(OrderCanceled)
ORDER_REPLACED = header_word(OrderReplaced)

# Every command, then `EnterOrder`: all versions, of which each adds at the end.
SESSION_ID = 1
ACCOUNT_AND_INSTRUMENT = 3
TERMS = 4
PRICE_TICKS = 5
QUANTITY_LOTS = 6
CLIENT_ORDER_ID = 7
EXPIRE_TIME_NS = 12
PREVENTION, TRIGGER_PRICE_TICKS, QUOTE_UNITS, DISPLAY_LOTS = (
    layout.size // 8 for layout in VERSIONS[EnterOrder][:-1]
)
TRAILING_BPS = TRIGGER_PRICE_TICKS + 1

# Events about one order.
ORDER_ID = 1
OWNER_AND_INSTRUMENT = 2

# `TradeExecuted`.
TRADE_ID, TRADE_INSTRUMENT, TRADE_PRICE_TICKS, TRADE_LOTS = 1, 2, 3, 4
TRADE_QUOTE_UNITS = 6
RESTING_ORDER_ID, INCOMING_ORDER_ID = 7, 8
RESTING_LEAVES_LOTS, INCOMING_LEAVES_LOTS = 10, 11
RESTING_FEE_UNITS, INCOMING_FEE_UNITS = 14, 15

# `OrderCanceled`: its side, whether it was resting and the reason share a word.
CANCEL_TERMS = 3
REASON_SHIFT = 16

# `OrderReplaced`.
NEW_PRICE_TICKS, NEW_QUANTITY_LOTS, NEW_LEAVES_LOTS = 6, 7, 8

# `CancelOrder` and `ReplaceOrder` begin alike; an order has an id there, or else the last name.
NAMED_ID = 4
CANCEL_NAMES, REPLACE_NAMES = 5, 7
NAME_WORDS = 5

WORD_BYTES = 8
_ID_MASK = 2**32 - 1
_ID_SHIFT = 32
_BYTE_MASK = 0xFF
_ALL_BITS = 2**64 - 1
_NAME_BYTES_MAX = 39
_SIZE_SHIFT = 35


def _members(members: Iterable[Any]) -> list[Any]:
    """Return members in the places of their values: there is one for each value of a byte."""
    found = {member.value: member for member in members}
    return [found.get(value) for value in range(_BYTE_MASK + 1)]


_SIDES = _members(Side)
_ORDER_TYPES = _members(OrderType)
_TIMES_IN_FORCE = _members(TimeInForce)
_FLAGS = _members(OrderFlags(value) for value in range(1 << len(OrderFlags)))
_PREVENTIONS = _members(SelfTradePrevention)
_REASONS = _members(CancelReason)


def words_of_message(head: int) -> int:
    """Return how many words a message has."""
    return head >> _SIZE_SHIFT


def first_id(word: int) -> int:
    """Return the first of two ids in a word, an account's."""
    return word & _ID_MASK


def second_id(word: int) -> int:
    """Return the second of two ids in a word, an instrument's."""
    return word >> _ID_SHIFT & _ID_MASK


def cancel_reason(word: int) -> CancelReason:
    reason: CancelReason = _REASONS[word >> REASON_SHIFT & _BYTE_MASK]
    return reason


def cancels(data: bytes, words: memoryview, at: int, order: Order) -> bool:
    """Say whether the `CancelOrder` at a place names an order."""
    if words[at + NAMED_ID]:
        return words[at + NAMED_ID] == order.order_id
    return name_at(data, words, at + CANCEL_NAMES + NAME_WORDS) == order.client_order_id


def read_terms(order: Order, data: bytes, words: memoryview, at: int) -> None:
    """Fill a blank order in with what the `EnterOrder` at a place asks for."""
    end = at + words_of_message(words[at])
    terms = words[at + TERMS]
    order.session_id = words[at + SESSION_ID] & _ALL_BITS
    order.account_id = first_id(words[at + ACCOUNT_AND_INSTRUMENT])
    order.side = _SIDES[terms & _BYTE_MASK]
    order.order_type = _ORDER_TYPES[terms >> 8 & _BYTE_MASK]
    order.time_in_force = _TIMES_IN_FORCE[terms >> 16 & _BYTE_MASK]
    order.flags = _FLAGS[terms >> 24 & _BYTE_MASK]
    order.price_ticks = words[at + PRICE_TICKS]
    order.quantity_lots = words[at + QUANTITY_LOTS]
    order.client_order_id = name_at(data, words, at + CLIENT_ORDER_ID)
    order.expire_time_ns = words[at + EXPIRE_TIME_NS]
    if at + PREVENTION < end:
        order.self_trade_prevention = _PREVENTIONS[words[at + PREVENTION] & _BYTE_MASK]
    if at + TRIGGER_PRICE_TICKS < end:
        order.trigger_price_ticks = words[at + TRIGGER_PRICE_TICKS]
        order.trailing_bps = words[at + TRAILING_BPS] & _ID_MASK
    if at + QUOTE_UNITS < end:
        order.quote_amount_units = words[at + QUOTE_UNITS]
    if at + DISPLAY_LOTS < end:
        order.display_lots = words[at + DISPLAY_LOTS]


def name_at(data: bytes, words: memoryview, at: int) -> bytes:
    """Return the text at a place: a byte of length, and then so many bytes."""
    size = min(words[at] & _BYTE_MASK, _NAME_BYTES_MAX)
    return packed.text_at(data, at * WORD_BYTES + 1, size)
