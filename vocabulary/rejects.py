"""Every reason for which the venue refuses a command, in order of precedence.

Where several hold, the first in this list is the one given. Each protocol maps the list to its own
codes once. The numbers are those of the journal and never change, so a reason that came later has a
higher one, wherever in the order it stands.
"""

from enum import IntEnum


class RejectReason(IntEnum):
    """Reasons up to 9 are found by a gateway while it reads a request, the rest by the engine."""

    MALFORMED_PRICE = 1
    PRICE_NOT_ON_TICK = 2
    MALFORMED_QUANTITY = 3
    QUANTITY_NOT_ON_LOT = 4
    MALFORMED_CLIENT_ORDER_ID = 5

    UNKNOWN_ACCOUNT = 10
    ACCOUNT_SUSPENDED = 65
    UNKNOWN_INSTRUMENT = 11
    NOT_TRADING = 12
    NOT_IN_AUCTION = 62
    UNSUPPORTED_ORDER = 13
    EXPIRE_TIME_OUT_OF_RANGE = 14
    PRICE_OUT_OF_RANGE = 15
    PRICE_OUTSIDE_BAND = 60
    TRIGGER_PRICE_OUT_OF_RANGE = 36
    PRICE_OFF_INCREMENT = 71
    QUANTITY_OUT_OF_RANGE = 16
    QUANTITY_OFF_INCREMENT = 72
    NOTIONAL_TOO_SMALL = 17
    NOTIONAL_TOO_LARGE = 18
    TOO_MANY_WAITING_ORDERS = 40
    NO_LAST_TRADE = 37
    WOULD_TRIGGER = 38
    UNKNOWN_ORDER = 19
    NOT_REPLACEABLE = 39
    QUANTITY_NOT_ABOVE_CUMULATIVE = 20
    DISPLAY_QUANTITY_OUT_OF_RANGE = 42
    DUPLICATE_CLIENT_ORDER_ID = 21
    TOO_MANY_OPEN_ORDERS = 22
    INSUFFICIENT_FUNDS = 23
    NO_QUANTITY_FOR_AMOUNT = 41
    WOULD_TAKE_LIQUIDITY = 24

    UNKNOWN_ASSET = 30
    ALREADY_LISTED = 31
    INVALID_LISTING = 32
    INSTRUMENT_DELISTED = 64
    STILL_TRADING = 73
    INVALID_INCREMENT = 74
    ORDERS_OFF_INCREMENT = 75
    INVALID_LIMITS = 61
    INVALID_FEE = 33
    INVALID_FEE_TIER = 63
    INVALID_AMOUNT = 34
    FUNDS_OVERFLOW = 35
    UNKNOWN_TRADE = 66
    TRADE_BUSTED = 67
    TRADE_AMENDED = 68
    INVALID_CORRECTION = 69
    FUNDS_SPENT = 70


PRECEDENCE = {reason: place for place, reason in enumerate(RejectReason)}


class Refused(Exception):
    """A request that a gateway turns down before it becomes a command."""

    def __init__(self, reason: RejectReason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text
