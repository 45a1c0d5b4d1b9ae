"""Mass cancels: OrderMassCancelRequest(q) into a command, its outcome as OrderMassCancelReport(r).

The orders are chosen by the engine, when the request's turn has come: those that came in just
before it are canceled, too. Each has an ExecutionReport(8) of its own, and the r stands behind them
all. What a request does not say exactly is refused: canceling more than its sender meant can't be
undone.
"""

from __future__ import annotations

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage
from gateway.fix.timestamps import format_utc_timestamp
from gateway.fix_application.mass_scope import ALL_ORDERS, SECURITY, SESSION, mass_scope
from gateway.order_entry import OrderEntry
from gateway.orders import Report
from vocabulary.catalogue import Catalogue
from vocabulary.commands import CancelAllOrders
from vocabulary.rejects import RejectReason

ORDER_MASS_CANCEL_REQUEST = b"q"
ORDER_MASS_CANCEL_REPORT = b"r"

_REJECT_REASONS = {
    RejectReason.UNSUPPORTED_ORDER: values.MassCancelRejectReason.MASS_CANCEL_NOT_SUPPORTED,
    RejectReason.UNKNOWN_INSTRUMENT: values.MassCancelRejectReason.INVALID_OR_UNKNOWN_SECURITY,
}


def command(
    message: FixMessage,
    order_entry: OrderEntry,
    session_id: int,
    session_number: int,
    account_id: int,
) -> CancelAllOrders:
    """Return what a q asks for; the dictionary finds it valid. Raises `Refused`."""
    scope = mass_scope(message, tags.MassCancelRequestType, "MassCancelRequestType")
    return order_entry.cancel_all_orders(
        session_id,
        session_number,
        account_id,
        symbol=scope.symbol,
        client_order_id=message.get(tags.ClOrdID) or b"",
        sides=scope.sides,
        entered_by=session_id if scope.of_session else 0,
    )


def done(
    command: CancelAllOrders, count: int, sequence: int, timestamp_ns: int, catalogue: Catalogue
) -> bytes:
    """Return the r behind the reports of `count` canceled orders."""
    kind = _kind(command)
    return b"".join([
        _head(command.client_order_id, b"%d" % sequence, kind),
        b"531=%b\x01533=%d\x01" % (kind, count),
        _scope(command, catalogue),
        b"60=%b\x01" % format_utc_timestamp(timestamp_ns),
    ])  # fmt: skip


def rejected(report: Report, text: str, catalogue: Catalogue) -> bytes:
    """Return the r for a command that the engine refused."""
    command = report.command
    assert isinstance(command, CancelAllOrders)
    assert isinstance(report.reason, RejectReason)
    return b"".join([
        _head(command.client_order_id, b"%d" % report.sequence, _kind(command)),
        _rejection(report.reason),
        _scope(command, catalogue),
        b"60=%b\x0158=%b\x01" % (format_utc_timestamp(report.timestamp_ns), text.encode("ascii")),
    ])  # fmt: skip


def refused(request: FixMessage, reason: RejectReason | None, text: str, now_ns: int) -> bytes:
    """Return the r for a q that did not become a command; no reason: throttled, or too late."""
    echoed = ((tag, request.get(tag)) for tag in (tags.Symbol, tags.Side))
    return b"".join([
        _head(
            request.get(tags.ClOrdID) or b"",
            b"NONE",
            request.get(tags.MassCancelRequestType) or b"",
        ),
        _rejection(reason),
        *(b"%d=%b\x01" % (tag, value) for tag, value in echoed if value is not None),
        b"60=%b\x0158=%b\x01" % (format_utc_timestamp(now_ns), text.encode("ascii", "replace")),
    ])  # fmt: skip


def _kind(command: CancelAllOrders) -> bytes:
    if command.entered_by:
        return SESSION
    return SECURITY if command.instrument_id else ALL_ORDERS


def _head(client_order_id: bytes, order_id: bytes, kind: bytes) -> bytes:
    # FIX 4.4 vol. 4: OrderID(37) is the number that we give to the request.
    return b"11=%b\x0137=%b\x01530=%b\x01" % (client_order_id, order_id, kind)


def _rejection(reason: RejectReason | None) -> bytes:
    code = values.MassCancelRejectReason.OTHER
    if reason is not None:
        code = _REJECT_REASONS.get(reason, code)
    return b"531=0\x01532=%b\x01" % code


def _scope(command: CancelAllOrders, catalogue: Catalogue) -> bytes:
    scope = b""
    if command.instrument_id:
        symbol = catalogue.instruments[command.instrument_id].symbol
        scope = b"55=%b\x01" % symbol.encode()
    return scope + b"54=%d\x01" % command.sides if command.sides else scope
