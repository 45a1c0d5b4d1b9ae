"""Mass status: OrderMassStatusRequest(AF) into an ExecutionReport(8) for each open order.

It says how the orders stand when the request's turn has come: behind the reports of all that the
session had sent before it. Where there are many it goes on in slices, between which others have
their turn; what the session sent behind it waits.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage
from gateway.fix.timestamps import format_utc_timestamp
from gateway.fix_application.mass_scope import mass_scope
from gateway.fix_application.reports import order_status
from gateway.order_tracker import Orders
from gateway.orders import Order
from vocabulary.rejects import Refused, RejectReason
from vocabulary.types import Sides

ORDER_MASS_STATUS_REQUEST = b"AF"

REPORTS_MAX = 10_000
"""How many open orders one request is answered for: some 4 MB of messages."""

SLICE = 200
"""How many are told of at once: some 2 ms."""


def chosen(request: FixMessage, orders: Orders, account_id: int, session_id: int) -> list[Order]:
    """Return the open orders that an AF is about, oldest first. Raises `Refused`."""
    scope = mass_scope(request, tags.MassStatusReqType, "MassStatusReqType")
    found = [
        order
        for order in orders.open_orders(account_id, _instrument_id(scope.symbol, orders))
        if scope.sides in (Sides.BOTH, order.side)
        and (not scope.of_session or order.session_id == session_id)
    ]
    if len(found) > REPORTS_MAX:
        text = f"{len(found)} orders are open, at most {REPORTS_MAX} are told of: ask for fewer"
        raise Refused(RejectReason.UNSUPPORTED_ORDER, text)
    return found


def weight(open_count: int) -> int:
    """Return as how many new orders a request counts where an account has so many open.

    To tell of an order takes about as long as to enter one.
    """
    return 1 + open_count


def reports(
    request: FixMessage, found: list[Order], exec_id: bytes, now_ns: int
) -> Iterator[bytes]:
    """Yield the bodies of the 8s that answer an AF: one where nothing is open, too.

    Each tells how its order stands when it is asked for.
    """
    echo = b"584=%b\x01911=%d\x01" % (request.get(tags.MassStatusReqID) or b"", len(found))
    if not found:
        yield _nothing(request, echo, exec_id, now_ns)
    for index, order in enumerate(found, 1):
        last = b"912=Y\x01" if index == len(found) else b"912=N\x01"
        name = b"%b-%d" % (exec_id, index)
        yield echo + last + order_status(order, request, name, now_ns)


def _nothing(request: FixMessage, echo: bytes, exec_id: bytes, now_ns: int) -> bytes:
    # An 8 needs a symbol and a side: FIX 4.4 vol. 6 has values for where there is none.
    symbol = request.get(tags.Symbol) or b"[N/A]"
    side = request.get(tags.Side) or values.Side.UNDISCLOSED
    return b"".join([
        b"37=NONE\x01%b912=Y\x0117=%b\x01150=I\x0139=8\x01103=5\x01" % (echo, exec_id),
        b"55=%b\x0154=%b\x01151=0\x0114=0\x016=0\x01" % (symbol, side),
        b"60=%b\x0158=no such order is open\x01" % format_utc_timestamp(now_ns),
    ])  # fmt: skip


def _instrument_id(symbol: str | None, orders: Orders) -> int:
    if symbol is None:
        return 0
    instrument = orders.catalogue.instrument_by_symbol.get(symbol)
    if instrument is None:
        raise Refused(RejectReason.UNKNOWN_INSTRUMENT, f"symbol {symbol[:32]!r} is not listed")
    return instrument.instrument_id
