"""Why a request is refused, in FIX's codes and in words."""

from __future__ import annotations

from gateway.fix import values
from vocabulary.rejects import RejectReason

_O = values.OrdRejReason
_C = values.CxlRejReason

# What each reason is to a NewOrderSingle(D), to a cancel or replace, and to a person.
REJECT_REASONS: dict[RejectReason, tuple[bytes, bytes, str]] = {
    RejectReason.MALFORMED_PRICE: (_O.OTHER, _C.OTHER, "price is not a decimal"),
    RejectReason.PRICE_NOT_ON_TICK: (_O.OTHER, _C.OTHER, "price is between two ticks"),
    RejectReason.MALFORMED_QUANTITY: (_O.INCORRECT_QUANTITY, _C.OTHER, "quantity is not a decimal"),
    RejectReason.QUANTITY_NOT_ON_LOT: (_O.INCORRECT_QUANTITY, _C.OTHER, "quantity between lots"),
    RejectReason.MALFORMED_CLIENT_ORDER_ID: (_O.OTHER, _C.OTHER, "ClOrdID(11) is malformed"),
    RejectReason.UNKNOWN_INSTRUMENT: (_O.UNKNOWN_SYMBOL, _C.OTHER, "symbol is not listed"),
    RejectReason.UNKNOWN_ACCOUNT: (_O.UNKNOWN_ACCOUNT, _C.OTHER, "account can't trade"),
    RejectReason.ACCOUNT_SUSPENDED: (_O.OTHER, _C.OTHER, "account is suspended"),
    RejectReason.NOT_TRADING: (_O.EXCHANGE_CLOSED, _C.OTHER, "instrument takes no orders now"),
    RejectReason.NOT_IN_AUCTION: (
        _O.UNSUPPORTED_ORDER_CHARACTERISTIC,
        _C.OTHER,
        "before an auction only orders that may rest are taken, and not as makers only",
    ),
    RejectReason.UNSUPPORTED_ORDER: (
        _O.UNSUPPORTED_ORDER_CHARACTERISTIC,
        _C.OTHER,
        "OrdType(40), TimeInForce(59), ExecInst(18), prices and quantities do not go together",
    ),
    RejectReason.EXPIRE_TIME_OUT_OF_RANGE: (
        _O.OTHER,
        _C.OTHER,
        "TimeInForce(59)=6, and no other, needs ExpireTime(126) or ExpireDate(432), in the future",
    ),
    RejectReason.PRICE_OUT_OF_RANGE: (_O.OTHER, _C.OTHER, "price is zero or too high"),
    RejectReason.PRICE_OUTSIDE_BAND: (
        _O.OTHER,
        _C.OTHER,
        "price is too far from the reference price",
    ),
    RejectReason.PRICE_OFF_INCREMENT: (
        _O.OTHER,
        _C.OTHER,
        "price is not a multiple of the instrument's tick size",
    ),
    RejectReason.QUANTITY_OFF_INCREMENT: (
        _O.INCORRECT_QUANTITY,
        _C.OTHER,
        "quantity is not a multiple of the instrument's lot size",
    ),
    RejectReason.QUANTITY_OUT_OF_RANGE: (
        _O.INCORRECT_QUANTITY,
        _C.OTHER,
        "quantity is too small or too large",
    ),
    RejectReason.NOTIONAL_TOO_SMALL: (_O.OTHER, _C.OTHER, "price x quantity is too small"),
    RejectReason.NOTIONAL_TOO_LARGE: (
        _O.ORDER_EXCEEDS_LIMIT,
        _C.OTHER,
        "price x quantity is too large",
    ),
    RejectReason.TRIGGER_PRICE_OUT_OF_RANGE: (
        _O.OTHER,
        _C.OTHER,
        "StopPx(99) or TriggerTrailingDeltaBips(25009) is missing, zero or too high",
    ),
    RejectReason.TOO_MANY_WAITING_ORDERS: (
        _O.ORDER_EXCEEDS_LIMIT,
        _C.OTHER,
        "too many orders of this instrument wait for a price",
    ),
    RejectReason.NO_LAST_TRADE: (_O.OTHER, _C.OTHER, "no trade yet whose price could be trailed"),
    RejectReason.WOULD_TRIGGER: (_O.OTHER, _C.OTHER, "order would trigger at once"),
    RejectReason.NOT_REPLACEABLE: (
        _O.OTHER,
        _C.OTHER,
        "an order that waits for a price can't be replaced",
    ),
    RejectReason.UNKNOWN_ORDER: (_O.UNKNOWN_ORDER, _C.UNKNOWN_ORDER, "no such open order"),
    RejectReason.QUANTITY_NOT_ABOVE_CUMULATIVE: (
        _O.INCORRECT_QUANTITY,
        _C.OTHER,
        "quantity is not above what has been filled",
    ),
    RejectReason.DISPLAY_QUANTITY_OUT_OF_RANGE: (
        _O.INCORRECT_QUANTITY,
        _C.OTHER,
        "MaxFloor(111) is too small or too large for the quantity",
    ),
    RejectReason.DUPLICATE_CLIENT_ORDER_ID: (
        _O.DUPLICATE_ORDER,
        _C.DUPLICATE_CL_ORD_ID,
        "ClOrdID(11) is that of an earlier order",
    ),
    RejectReason.TOO_MANY_OPEN_ORDERS: (_O.ORDER_EXCEEDS_LIMIT, _C.OTHER, "too many open orders"),
    RejectReason.INSUFFICIENT_FUNDS: (_O.ORDER_EXCEEDS_LIMIT, _C.OTHER, "insufficient funds"),
    RejectReason.NO_QUANTITY_FOR_AMOUNT: (
        _O.INCORRECT_QUANTITY,
        _C.OTHER,
        "in the book as it stands the amount comes to no quantity that is taken",
    ),
    RejectReason.WOULD_TAKE_LIQUIDITY: (
        _O.OTHER,
        _C.OTHER,
        "order would trade at once, and may only be a maker",
    ),
}
