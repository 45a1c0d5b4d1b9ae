"""Enumerations and bounds. Values are those of the wire and the journal, so they never change."""

from enum import IntEnum, IntFlag

INT64_MAX = 2**63 - 1

ID_MAX = 2**31 - 1
"""The highest number of an account, an asset or an instrument."""

PRICE_TICKS_MAX = 2**40
"""The highest price, in ticks. Leaves room for `price x quantity` to be bounds-checked cheaply."""

QUANTITY_LOTS_MAX = 2**48
"""The largest order, in lots."""

FEE_PPM_MAX = 100_000
"""The highest fee and rebate rate, in parts per million of the received amount: ten per cent."""

FEE_TIER_MAX = 1_000
"""The highest number of a fee tier."""

BAND_PPM_MAX = 100_000_000
"""The widest band around a reference price, in parts per million of it: a hundred times as much."""

ASSET_SCALE_MAX = 12
"""The most decimal places an asset may have."""

CLIENT_ORDER_ID_BYTES_MAX = 36

CLOCK_SESSION_ID = 1 << 63
"""The session of the matching process's own commands; its numbers are their times."""

OPEN_ORDERS_PER_ACCOUNT_MAX = 100_000

WAITING_ORDERS_MAX = 10_000
"""How many orders of an instrument may wait for a price: it bounds what one trade can set off."""

TRAILING_BPS_MAX = 5_000
"""The farthest that a stop may trail behind the price, in hundredths of a per cent of it."""

STOP_PROTECTION_PPM = 100_000
"""How far above its trigger price a stop or take profit at market buys at most: ten per cent."""

ICEBERG_PARTS_MAX = 100
"""How many slices an iceberg's quantity may take: it bounds what one trade can set off."""

STEPS_PER_COMMAND_MAX = 10_000
"""How many orders the venue's own commands end, or trades an auction makes, in one record.

So none is larger than a few megabytes, and what comes behind it does not wait for long.
"""

MATCHES_PER_COMMAND_MAX = 50_000
"""How often the orders of one command meet others, before an auction takes over.

A match, with all that it sets off, takes less than 500 bytes of events, so a record stays far below
what a journal can hold.
"""

CLOSED_NAMES_MAX = 10_000_000
"""How many client order ids of an account's closed orders stay taken, for at most 24 hours."""


class Side(IntEnum):
    """Side(54), with FIX's values."""

    BUY = 1
    SELL = 2


class Sides(IntEnum):
    """Which orders a mass cancel is about."""

    BOTH = 0
    BUY = 1
    SELL = 2


class OrderType(IntEnum):
    """OrdType(40), with FIX's values up to 4. Odd ones have no limit price.

    From `STOP` on an order waits until a trade reaches its trigger price, and then is one of the
    first two. A stop protects: it sells once the price falls so far, and buys once it rises. A
    take profit gains: it sells once the price rises so far, and buys once it falls.
    """

    MARKET = 1
    LIMIT = 2
    STOP = 3
    STOP_LIMIT = 4
    TAKE_PROFIT = 5
    TAKE_PROFIT_LIMIT = 6


class TimeInForce(IntEnum):
    """TimeInForce(59), with FIX's values."""

    DAY = 0
    GOOD_TILL_CANCEL = 1
    IMMEDIATE_OR_CANCEL = 3
    FILL_OR_KILL = 4
    GOOD_TILL_DATE = 6


class OrderFlags(IntFlag):
    """Instructions beside type and time in force."""

    NONE = 0
    POST_ONLY = 1
    CANCEL_WITH_SESSION = 2
    """It is to be canceled once the session that entered it is gone."""


class Contingency(IntEnum):
    """ContingencyType(1385), with FIX's values: what the orders of a list mean to each other."""

    ONE_CANCELS_OTHER = 1
    """Both are open. The first to be filled in part, or triggered, cancels the other one."""
    ONE_TRIGGERS_OTHER = 2
    """The second is entered once the first is filled whole.

    Where there is a third, it comes in with the second, and of these two one cancels the other.
    """


SECOND_ORDER = 1 << 52
THIRD_ORDER = 3 << 51
"""How far the ids of a list's others are above that of its first; JSON reads them all exactly."""


def place_in_list(order_id: int) -> int:
    """Return which order of its list one is, from 0; it is one of a list."""
    return (order_id >= SECOND_ORDER) + (order_id >= THIRD_ORDER)


class SelfTradePrevention(IntEnum):
    """What becomes of two orders of one account that would trade with each other.

    The incoming order's mode decides; the resting one's is not asked.
    """

    ACCOUNT_DEFAULT = 0
    """What the account has set for its orders; `NONE` if it has set nothing."""
    NONE = 1
    """They trade."""
    EXPIRE_TAKER = 2
    """The incoming order ends."""
    EXPIRE_MAKER = 3
    """The resting order ends, and the incoming one goes on."""
    EXPIRE_BOTH = 4
    DECREMENT = 5
    """The larger quantity falls by what is left of the smaller order, which ends."""


class TradingPhase(IntEnum):
    """What an instrument is at; `matching.core.trading_phase` says what it then takes."""

    TRADING = 1
    HALTED = 2
    PRE_OPEN = 3
    OPENING_AUCTION = 4
    CLOSING_AUCTION = 5
    CANCEL_ONLY = 6
    CLOSED = 7
    VOLATILITY_AUCTION = 8
    DELISTED = 9
    """For good."""


class CancelReason(IntEnum):
    """Why an order left without being filled."""

    REQUESTED = 1
    MASS_CANCELED = 2
    IMMEDIATE_OR_CANCEL = 3
    FILL_OR_KILL = 4
    MARKET_EXHAUSTED = 5
    """A market order found no more orders to trade with."""
    EXPIRED = 6
    """The day, or the time that its owner had set, was over."""
    SELF_TRADE_PREVENTED = 7
    """It met another order of its account (see `SelfTradePrevention`)."""
    OTHER_ORDER_OF_LIST = 8
    """The other order of its list was filled, triggered or ended."""
    NOT_ACTIVATED = 9
    """Its turn in its list came, and it would have been refused as things were."""
    MARKET_COLLAR = 20
    """A market order came to the price beyond which none of its instrument may trade."""
    VOLATILITY_INTERRUPTION = 21
    """What was left of it, and was not to rest, could only trade where an auction interrupts."""
    DELISTED = 22
    """Its instrument is not traded any more."""
    ACCOUNT_SUSPENDED = 24
    """Its account may not trade any more."""
    OFF_INCREMENT = 30
    """Its price or quantity is none that its instrument takes any more."""
