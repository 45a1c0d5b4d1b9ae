"""Reports into FIX: ExecutionReport(8) and OrderCancelReject(9).

All but `put_message` return a message's fields behind its header; `execution_report` has those of
an order.
"""

from __future__ import annotations

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage
from gateway.fix.message_buffer import MessageBuffer
from gateway.fix.timestamps import format_utc_timestamp
from gateway.fix_application import execution_report
from gateway.fix_application import list_status as fix_list_status
from gateway.fix_application import mass_cancels as fix_mass_cancels
from gateway.fix_application.execution_report import ORD_STATUSES, ORD_TYPES
from gateway.fix_application.mass_cancels import ORDER_MASS_CANCEL_REPORT
from gateway.fix_application.orders import ORDER_CANCEL_REQUEST
from gateway.fix_application.reject_reasons import REJECT_REASONS
from gateway.orders import Order, Report, ReportKind
from vocabulary.catalogue import Catalogue
from vocabulary.commands import CancelAllOrders, EnterOrder, EnterOrderList
from vocabulary.rejects import RejectReason

EXECUTION_REPORT = b"8"
ORDER_CANCEL_REJECT = b"9"

_O = values.OrdRejReason
_C = values.CxlRejReason

_EXECUTION_REPORT = EXECUTION_REPORT
_CANCEL_REJECTED, _REPLACE_REJECTED = ReportKind.CANCEL_REJECTED, ReportKind.REPLACE_REJECTED


def put_message(out: MessageBuffer, report: Report, catalogue: Catalogue) -> bytes:
    """Put the fields of the message that tells of a report, and return its MsgType(35)."""
    kind, order = report.kind, report.order
    if order is not None and kind is not _CANCEL_REJECTED and kind is not _REPLACE_REJECTED:
        execution_report.put(out, report, order)
        return _EXECUTION_REPORT
    msg_type, body = _refusal_of(report, catalogue)
    out.put(body)
    return msg_type


def _refusal_of(report: Report, catalogue: Catalogue) -> tuple[bytes, bytes]:
    """Return MsgType(35) and the fields of the message that says why a request was not done."""
    if report.kind is _CANCEL_REJECTED or report.kind is _REPLACE_REJECTED:
        assert isinstance(report.reason, RejectReason)
        if isinstance(report.command, CancelAllOrders):
            text = REJECT_REASONS[report.reason][2]
            return ORDER_MASS_CANCEL_REPORT, fix_mass_cancels.rejected(report, text, catalogue)
        return ORDER_CANCEL_REJECT, _cancel_reject_of(report)
    assert isinstance(report.reason, RejectReason)
    if isinstance(report.command, EnterOrderList):
        code, _, text = REJECT_REASONS[report.reason]
        return fix_list_status.LIST_STATUS, fix_list_status.rejected(report, code, text)
    return EXECUTION_REPORT, _rejected(report, catalogue)


def order_status(order: Order, request: FixMessage, exec_id: bytes, now_ns: int) -> bytes:
    """Return the ExecutionReport(8) that answers an OrderStatusRequest(H)."""
    return b"".join([
        b"37=%d\x0111=%b\x01" % (order.order_id, order.client_order_id),
        _echo(request, tags.OrdStatusReqID),
        b"17=%b\x01150=I\x01" % exec_id,
        execution_report.state_of(order),
        b"60=%b\x01" % format_utc_timestamp(now_ns),
    ])  # fmt: skip


def unknown_order_status(request: FixMessage, exec_id: bytes, now_ns: int) -> bytes:
    """Return the ExecutionReport(8) that answers an H for an order we don't know.

    FIX 4.4 vol. 4, "Order Status Request": OrdStatus(39) Rejected, OrdRejReason(103) Unknown order.
    """
    return b"".join([
        b"37=NONE\x01",
        *(_echo(request, tag) for tag in (tags.ClOrdID, tags.OrdStatusReqID)),
        b"17=%b\x01150=I\x0139=8\x01103=5\x01" % exec_id,
        *(_echo(request, tag) for tag in (tags.Symbol, tags.Side)),
        b"151=0\x0114=0\x016=0\x0160=%b\x0158=no such order\x01" % format_utc_timestamp(now_ns),
    ])  # fmt: skip


def ord_rej_reason(reason: RejectReason | None) -> bytes:
    """Return OrdRejReason(103) of a refusal; no reason: throttled, or too late."""
    return REJECT_REASONS[reason][0] if reason else _O.ORDER_EXCEEDS_LIMIT


def refused_order(
    request: FixMessage, reason: RejectReason | None, text: str, exec_id: bytes, now_ns: int
) -> bytes:
    """Return the ExecutionReport(8) for a D that did not become a command; no reason: throttled."""
    echoed = (
        tags.Symbol,
        tags.Side,
        tags.OrderQty,
        tags.CashOrderQty,
        tags.OrdType,
        tags.Price,
        tags.TimeInForce,
    )
    return b"".join([
        b"37=NONE\x01",
        _echo(request, tags.ClOrdID),
        b"17=%b\x01150=8\x0139=8\x01103=%b\x01" % (exec_id, ord_rej_reason(reason)),
        *(_echo(request, tag) for tag in echoed),
        b"151=0\x0114=0\x016=0\x0160=%b\x01" % format_utc_timestamp(now_ns),
        _text(text),
    ])  # fmt: skip


def refused_change(
    request: FixMessage, order: Order | None, reason: RejectReason | None, text: str, now_ns: int
) -> bytes:
    """Return the OrderCancelReject(9) for an F or G that did not become a command."""
    return _cancel_reject(
        order,
        request.get(tags.ClOrdID) or b"",
        request.get(tags.OrigClOrdID) or b"",
        is_cancel=request.msg_type == ORDER_CANCEL_REQUEST,
        reason=REJECT_REASONS[reason][1] if reason else _C.OTHER,
        text=text,
        timestamp_ns=now_ns,
    )


def _rejected(report: Report, catalogue: Catalogue) -> bytes:
    command = report.command
    assert isinstance(command, EnterOrder)
    assert isinstance(report.reason, RejectReason)
    instrument = catalogue.instruments[command.instrument_id]
    reason, _, text = REJECT_REASONS[report.reason]
    is_limit = command.order_type % 2 == 0
    return b"".join([
        b"37=NONE\x0111=%b\x01" % report.client_order_id,
        b"17=%d-%d\x01150=8\x0139=8\x01103=%b\x01" % (report.sequence, report.report_index, reason),
        b"55=%b\x0154=%d\x01%b\x0140=%d\x01" % (
            instrument.symbol.encode(),
            command.side,
            b"152=%b" % instrument.quote.text(command.quote_units).encode()
            if command.quote_units
            else b"38=%b" % instrument.quantity_text(command.quantity_lots).encode(),
            ORD_TYPES.get(command.order_type, command.order_type),
        ),
        b"44=%b\x01" % instrument.price_text(command.price_ticks).encode() if is_limit else b"",
        b"59=%d\x01151=0\x0114=0\x016=0\x01" % command.time_in_force,
        b"60=%b\x01" % format_utc_timestamp(report.timestamp_ns),
        _text(text),
    ])  # fmt: skip


def _cancel_reject_of(report: Report) -> bytes:
    assert isinstance(report.reason, RejectReason)
    _, reason, text = REJECT_REASONS[report.reason]
    if report.order is not None and report.reason is RejectReason.UNKNOWN_ORDER:
        reason, text = _C.TOO_LATE_TO_CANCEL, "order is not open any more"
    return _cancel_reject(
        report.order,
        report.client_order_id,
        report.original_client_order_id,
        is_cancel=report.kind is ReportKind.CANCEL_REJECTED,
        reason=reason,
        text=text,
        timestamp_ns=report.timestamp_ns,
    )


def _cancel_reject(
    order: Order | None,
    client_order_id: bytes,
    original_client_order_id: bytes,
    *,
    is_cancel: bool,
    reason: bytes,
    text: str,
    timestamp_ns: int,
) -> bytes:
    # FIX 4.4 vol. 4: where the order is unknown, OrderID(37) is NONE and OrdStatus(39) Rejected.
    return b"37=%b\x0111=%b\x01%b39=%b\x01434=%b\x01102=%b\x0160=%b\x01%b" % (
        b"%d" % order.order_id if order is not None else b"NONE",
        client_order_id,
        b"41=%b\x01" % original_client_order_id if original_client_order_id else b"",
        ORD_STATUSES[order.status] if order is not None else values.OrdStatus.REJECTED,
        b"1" if is_cancel else b"2",
        reason,
        format_utc_timestamp(timestamp_ns),
        _text(text),
    )


def _echo(request: FixMessage, tag: int) -> bytes:
    value = request.get(tag)
    return b"%d=%b\x01" % (tag, value) if value is not None else b""


def _text(text: str) -> bytes:
    return b"58=%b\x01" % text.replace("\x01", " ").encode("ascii", "replace")
