"""Reports into FIX: ExecutionReport(8) and OrderCancelReject(9).

All functions return a message's fields behind its header. ExecType(150) and OrdStatus(39) follow
FIX 4.4 vol. 4, appendix D: a trade is F, never 1 or 2, and an order that runs out of time is C.
"""

from __future__ import annotations

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage
from gateway.fix.timestamps import format_utc_timestamp, utc_timestamp_text
from gateway.fix_application import list_status as fix_list_status
from gateway.fix_application import mass_cancels as fix_mass_cancels
from gateway.fix_application.mass_cancels import ORDER_MASS_CANCEL_REPORT
from gateway.fix_application.orders import ORDER_CANCEL_REQUEST
from gateway.fix_application.reject_reasons import REJECT_REASONS
from gateway.orders import (
    Fill,
    Order,
    OrderStatus,
    PreventedMatch,
    Report,
    ReportKind,
    trade_exec_id,
)
from vocabulary.catalogue import Catalogue
from vocabulary.commands import CancelAllOrders, EnterOrder, EnterOrderList
from vocabulary.instrument import increments_text
from vocabulary.rejects import RejectReason
from vocabulary.types import (
    CancelReason,
    OrderFlags,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

EXECUTION_REPORT = b"8"
ORDER_CANCEL_REJECT = b"9"

_O = values.OrdRejReason
_C = values.CxlRejReason

_EXEC_TYPES = {
    ReportKind.ACCEPTED: values.ExecType.NEW,
    ReportKind.REJECTED: values.ExecType.REJECTED,
    ReportKind.TRADE: values.ExecType.TRADE,
    ReportKind.CANCELED: values.ExecType.CANCELED,
    ReportKind.EXPIRED: values.ExecType.EXPIRED,
    ReportKind.REPLACED: values.ExecType.REPLACED,
    ReportKind.DECREMENTED: values.ExecType.RESTATED,
    ReportKind.TRIGGERED: values.ExecType.TRIGGERED,
    # FIX 4.4 vol. 4, appendix D: an order that was received before is answered with its status.
    ReportKind.REPEATED: values.ExecType.ORDER_STATUS,
    ReportKind.TRADE_BUSTED: values.ExecType.TRADE_CANCEL,
    ReportKind.TRADE_CORRECTED: values.ExecType.TRADE_CORRECT,
}
_ORD_STATUSES = {
    OrderStatus.NEW: values.OrdStatus.NEW,
    OrderStatus.PARTIALLY_FILLED: values.OrdStatus.PARTIALLY_FILLED,
    OrderStatus.FILLED: values.OrdStatus.FILLED,
    OrderStatus.CANCELED: values.OrdStatus.CANCELED,
    OrderStatus.EXPIRED: values.OrdStatus.EXPIRED,
    OrderStatus.REJECTED: values.OrdStatus.REJECTED,
    OrderStatus.EXPIRED_IN_MATCH: values.OrdStatus.EXPIRED,
    OrderStatus.PENDING_NEW: values.OrdStatus.PENDING_NEW,
}
# Whole fields, ready to be put in.
_ORD_STATUS_FIELDS = {status: f"39={value.decode()}\x01" for status, value in _ORD_STATUSES.items()}
_EXEC_TYPE_FIELDS = {kind: f"150={value.decode()}\x01" for kind, value in _EXEC_TYPES.items()}
_SIDE_FIELDS = {side: f"54={side.value}\x01" for side in Side}
_ORD_TYPES = {
    OrderType.TAKE_PROFIT: OrderType.STOP,
    OrderType.TAKE_PROFIT_LIMIT: OrderType.STOP_LIMIT,
}
_ORDER_TYPE_FIELDS = {
    order_type: f"40={_ORD_TYPES.get(order_type, order_type).value}\x01" for order_type in OrderType
}
_TIME_IN_FORCE_FIELDS = {time: f"59={time.value}\x01" for time in TimeInForce}
_FLAG_FIELDS = {
    OrderFlags.NONE: "",
    OrderFlags.POST_ONLY: f"18={values.ExecInst.PARTICIPATE_DONT_INITIATE.decode()}\x01",
    OrderFlags.CANCEL_WITH_SESSION: (
        f"18={values.ExecInst.CANCEL_ON_CONNECTION_LOSS.decode()}\x01"
    ),
    OrderFlags.POST_ONLY | OrderFlags.CANCEL_WITH_SESSION: "18=6 o\x01",
}
_PREVENTION_FIELDS = {
    mode: f"25001={mode.value}\x01" if mode > SelfTradePrevention.NONE else ""
    for mode in SelfTradePrevention
}
_CANCEL_TEXTS = {
    CancelReason.IMMEDIATE_OR_CANCEL: "58=what was not filled at once is canceled\x01",
    CancelReason.FILL_OR_KILL: "58=not all of it could be filled at once\x01",
    CancelReason.MARKET_EXHAUSTED: "58=no more orders to trade with\x01",
    CancelReason.MARKET_COLLAR: "58=the next price is too far from the reference price\x01",
    CancelReason.DELISTED: "58=the instrument is not traded any more\x01",
    CancelReason.VOLATILITY_INTERRUPTION: "58=an auction interrupts trading\x01",
    CancelReason.EXPIRED: "58=its time is over\x01",
    CancelReason.SELF_TRADE_PREVENTED: "58=it met another order of its account\x01",
    CancelReason.ACCOUNT_SUSPENDED: "58=the account is suspended\x01",
    CancelReason.OFF_INCREMENT: "58=the instrument's tick or lot size has changed\x01",
    CancelReason.OTHER_ORDER_OF_LIST: "58=the other order of its list traded or ended\x01",
    CancelReason.NOT_ACTIVATED: "58=it would have been refused when its turn came\x01",
    CancelReason.MASS_CANCELED: "58=all orders were canceled\x01",
}
_TRADE = ReportKind.TRADE
_CHANGE_REJECTED = frozenset({ReportKind.CANCEL_REJECTED, ReportKind.REPLACE_REJECTED})
_ADDED_LIQUIDITY = 1
_REMOVED_LIQUIDITY = 2


def message_of(report: Report, catalogue: Catalogue) -> tuple[bytes, bytes]:
    """Return MsgType(35) and the fields of the message that tells of a report."""
    if report.kind in _CHANGE_REJECTED:
        assert isinstance(report.reason, RejectReason)
        if isinstance(report.command, CancelAllOrders):
            text = REJECT_REASONS[report.reason][2]
            return ORDER_MASS_CANCEL_REPORT, fix_mass_cancels.rejected(report, text, catalogue)
        return ORDER_CANCEL_REJECT, _cancel_reject_of(report)
    if report.order is None:
        assert isinstance(report.reason, RejectReason)
        if isinstance(report.command, EnterOrderList):
            code, _, text = REJECT_REASONS[report.reason]
            return fix_list_status.LIST_STATUS, fix_list_status.rejected(report, code, text)
        return EXECUTION_REPORT, _rejected(report, catalogue)
    return EXECUTION_REPORT, _execution_report(report, report.order)


def order_status(order: Order, request: FixMessage, exec_id: bytes, now_ns: int) -> bytes:
    """Return the ExecutionReport(8) that answers an OrderStatusRequest(H)."""
    return b"".join([
        b"37=%d\x0111=%b\x01" % (order.order_id, order.client_order_id),
        _echo(request, tags.OrdStatusReqID),
        b"17=%b\x01150=I\x01" % exec_id,
        _state(
            order, order.status, order.cumulative_lots, order.leaves_lots, order.quote_units
        ).encode(),
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


def _execution_report(report: Report, order: Order) -> bytes:
    # One text and one encode. Latin-1 knows every byte that a client order id could have.
    name, original = report.client_order_id, report.original_client_order_id
    replaced = f"41={original.decode('latin-1')}\x01" if original else ""
    state = _state(
        order, report.status, report.cumulative_lots, report.leaves_lots, report.quote_units
    )
    more = ""
    if report.kind is _TRADE:
        exec_id, more = trade_exec_id(report.fill), _trade(report.fill)
    else:
        exec_id = f"{report.sequence}-{report.report_index}"
        if report.fill is not None:
            more = _amended(report)
    if isinstance(report.reason, CancelReason):
        more += _CANCEL_TEXTS.get(report.reason, "")
    if report.prevented is not None:
        more += _prevented(report.prevented, order, report.kind)
    text = (
        f"37={order.order_id}\x0111={name.decode('latin-1')}\x01{replaced}"
        f"17={exec_id}\x01{_EXEC_TYPE_FIELDS[report.kind]}"
        f"{state}60={utc_timestamp_text(report.timestamp_ns)}\x01{more}"
    )
    return text.encode("latin-1")


def _state(
    order: Order, status: OrderStatus, cumulative_lots: int, leaves_lots: int, quote_units: int
) -> str:
    instrument = order.instrument
    tick, lot = instrument.tick, instrument.lot
    amount = order.quote_amount_units
    cash = f"152={instrument.quote.text(amount)}\x01" if amount else ""
    price = f"44={increments_text(tick, order.price_ticks)}\x01" if order.has_limit else ""
    if order.trigger_price_ticks or order.trailing_bps:
        price += _trigger(order)
    working = "636=Y\x01" if leaves_lots and order.is_working else "636=N\x01"
    average = (
        instrument.average_price_text(quote_units, cumulative_lots) if cumulative_lots else "0"
    )
    return (
        f"{_ORD_STATUS_FIELDS[status]}{working}"
        f"55={instrument.symbol}\x01{_SIDE_FIELDS[order.side]}"
        f"38={increments_text(lot, order.quantity_lots)}\x01{cash}"
        f"{_ORDER_TYPE_FIELDS[order.order_type]}"
        f"{price}{_TIME_IN_FORCE_FIELDS[order.time_in_force]}{_expire_time(order)}"
        f"{_FLAG_FIELDS[order.flags]}{_display(order)}{_list(order)}"
        f"{_PREVENTION_FIELDS[order.self_trade_prevention]}"
        f"151={increments_text(lot, leaves_lots)}\x01"
        f"14={increments_text(lot, cumulative_lots)}\x01"
        f"6={average}\x01"
    )


def _trigger(order: Order) -> str:
    takes_profit = order.order_type in _ORD_TYPES
    direction = "U" if (order.side is Side.BUY) != takes_profit else "D"
    stop, trailing = order.trigger_price_ticks, order.trailing_bps
    return (
        (f"99={order.instrument.price_text(stop)}\x01" if stop else "")
        + f"1109={direction}\x01"
        + (f"25009={trailing}\x01" if trailing else "")
    )


def _display(order: Order) -> str:
    lots = order.display_lots
    return f"111={order.instrument.quantity_text(lots)}\x01" if lots else ""


def _list(order: Order) -> str:
    order_list = order.order_list
    return "" if order_list is None else f"66={order_list.list_id}\x01"


def _expire_time(order: Order) -> str:
    if not order.expire_time_ns:
        return ""
    return f"126={utc_timestamp_text(order.expire_time_ns)}\x01"


def _amended(report: Report) -> str:
    exec_ref_id = report.exec_ref_id
    return (f"19={exec_ref_id}\x01" if exec_ref_id else "") + _trade(report.fill)


def _trade(fill: Fill | None) -> str:
    assert fill is not None
    instrument, fee_asset = fill.instrument, fill.fee_asset
    return (
        f"32={instrument.quantity_text(fill.quantity_lots)}\x01"
        f"31={instrument.price_text(fill.price_ticks)}\x01527={fill.trade_id}\x01"
        f"851={_ADDED_LIQUIDITY if fill.is_maker else _REMOVED_LIQUIDITY}\x01"
        f"136=1\x01137={fee_asset.text(fill.fee_units)}\x01138={fee_asset.name}\x01139=4\x01"
    )


def _prevented(prevented: PreventedMatch, order: Order, kind: ReportKind) -> str:
    instrument = order.instrument
    # FIX 4.4 vol. 6: ExecRestatementReason(378) is required in a Restated report.
    restated = "378=5\x01" if kind is ReportKind.DECREMENTED else ""
    return (
        f"{restated}25024={prevented.prevented_match_id}\x01"
        f"25025={instrument.price_text(prevented.price_ticks)}\x01"
        f"25026={instrument.quantity_text(prevented.quantity_lots)}\x01"
        f"25029={prevented.counter_order_id}\x01"
        f"25030={instrument.quantity_text(order.prevented_lots)}\x01"
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
            _ORD_TYPES.get(command.order_type, command.order_type),
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
        _ORD_STATUSES[order.status] if order is not None else values.OrdStatus.REJECTED,
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
