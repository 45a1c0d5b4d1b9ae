"""Limit query: LimitQuery(XLQ) into LimitResponse(XLR), as Binance's FIX API has them.

Of the rates `LimitCount(25005)` is what is not to be had again yet; a second later all of it is.
"""

from __future__ import annotations

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage
from gateway.throttle import Throttle
from vocabulary.types import OPEN_ORDERS_PER_ACCOUNT_MAX

LIMIT_QUERY = b"XLQ"
LIMIT_RESPONSE = b"XLR"

_T = values.LimitType


def response(request: FixMessage, throttle: Throttle, open_count: int, now_ns: int) -> bytes:
    """Return the XLR: orders a second, cancels a second, and the account's open orders."""
    orders, cancels = throttle.orders, throttle.cancels
    return b"".join([
        b"6136=%b\x0125003=3\x01" % (request.get(tags.ReqID) or b""),
        _limit(_T.ORDER_LIMIT, orders.used(now_ns), orders.burst) + _EACH_SECOND,
        _limit(_T.MESSAGE_LIMIT, cancels.used(now_ns), cancels.burst) + _EACH_SECOND,
        _limit(_T.ORDER_LIMIT, open_count, OPEN_ORDERS_PER_ACCOUNT_MAX),
    ])  # fmt: skip


_EACH_SECOND = b"25007=1\x0125008=%b\x01" % values.LimitResetIntervalResolution.SECOND


def _limit(kind: bytes, count: int, most: int) -> bytes:
    return b"25004=%b\x0125005=%d\x0125006=%d\x01" % (kind, count, most)
