"""ExecutionReport(8) of an order, field by field.

ExecType(150) and OrdStatus(39) follow FIX 4.4 vol. 4, appendix D: a trade is F, never 1 or 2, and
an order that runs out of time is C. This is a hot path: every field goes into one buffer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.fix import values
from gateway.fix.message_buffer import MessageBuffer
from gateway.orders import Fill, Order, OrderStatus, PreventedMatch, Report, ReportKind
from vocabulary.types import (
    INT64_MAX,
    CancelReason,
    OrderFlags,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

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
ORD_STATUSES = {
    OrderStatus.NEW: values.OrdStatus.NEW,
    OrderStatus.PARTIALLY_FILLED: values.OrdStatus.PARTIALLY_FILLED,
    OrderStatus.FILLED: values.OrdStatus.FILLED,
    OrderStatus.CANCELED: values.OrdStatus.CANCELED,
    OrderStatus.EXPIRED: values.OrdStatus.EXPIRED,
    OrderStatus.REJECTED: values.OrdStatus.REJECTED,
    OrderStatus.EXPIRED_IN_MATCH: values.OrdStatus.EXPIRED,
    OrderStatus.PENDING_NEW: values.OrdStatus.PENDING_NEW,
}
ORD_TYPES = {
    OrderType.TAKE_PROFIT: OrderType.STOP,
    OrderType.TAKE_PROFIT_LIMIT: OrderType.STOP_LIMIT,
}
"""OrdType(40) of those that FIX knows under another one's; TriggerPriceDirection(1109) differs."""

_CANCEL_TEXTS = {
    CancelReason.IMMEDIATE_OR_CANCEL: b"58=what was not filled at once is canceled\x01",
    CancelReason.FILL_OR_KILL: b"58=not all of it could be filled at once\x01",
    CancelReason.MARKET_EXHAUSTED: b"58=no more orders to trade with\x01",
    CancelReason.MARKET_COLLAR: b"58=the next price is too far from the reference price\x01",
    CancelReason.DELISTED: b"58=the instrument is not traded any more\x01",
    CancelReason.VOLATILITY_INTERRUPTION: b"58=an auction interrupts trading\x01",
    CancelReason.EXPIRED: b"58=its time is over\x01",
    CancelReason.SELF_TRADE_PREVENTED: b"58=it met another order of its account\x01",
    CancelReason.ACCOUNT_SUSPENDED: b"58=the account is suspended\x01",
    CancelReason.OFF_INCREMENT: b"58=the instrument's tick or lot size has changed\x01",
    CancelReason.OTHER_ORDER_OF_LIST: b"58=the other order of its list traded or ended\x01",
    CancelReason.NOT_ACTIVATED: b"58=it would have been refused when its turn came\x01",
    CancelReason.MASS_CANCELED: b"58=canceled with others, by one request\x01",
}


def _by_value(fields: Mapping[Any, bytes]) -> list[bytes]:
    """Return fields in the places of their keys' values: an enumeration is slow as a key."""
    return [fields.get(value, b"") for value in range(max(fields) + 1)]


# Whole fields, ready to be put in.
_EXEC_TYPE_FIELDS = _by_value({kind: b"150=%b\x01" % value for kind, value in _EXEC_TYPES.items()})
_ORD_STATUS_FIELDS = _by_value(
    {status: b"39=%b\x01" % each for status, each in ORD_STATUSES.items()}
)
_SIDE_FIELDS = _by_value({side: b"54=%d\x01" % side.value for side in Side})
_ORD_TYPE_FIELDS = _by_value(
    {order_type: b"40=%d\x01" % ORD_TYPES.get(order_type, order_type) for order_type in OrderType}
)
_TIME_IN_FORCE_FIELDS = _by_value({time: b"59=%d\x01" % time.value for time in TimeInForce})
_FLAG_FIELDS = _by_value(
    {
        OrderFlags.POST_ONLY: b"18=%b\x01" % values.ExecInst.PARTICIPATE_DONT_INITIATE,
        OrderFlags.CANCEL_WITH_SESSION: b"18=%b\x01" % values.ExecInst.CANCEL_ON_CONNECTION_LOSS,
        OrderFlags.POST_ONLY | OrderFlags.CANCEL_WITH_SESSION: b"18=6 o\x01",
    }
)
_PREVENTION_FIELDS = _by_value(
    {
        mode: b"25001=%d\x01" % mode.value
        for mode in SelfTradePrevention
        if mode > SelfTradePrevention.NONE
    }
)
_CANCEL_FIELDS = _by_value(_CANCEL_TEXTS)
_ADDED_LIQUIDITY = b"851=1\x01"
_REMOVED_LIQUIDITY = b"851=2\x01"

_TRADE = ReportKind.TRADE
_BUY = Side.BUY
_INT64_MAX = INT64_MAX
_OUT = MessageBuffer()


def put(out: MessageBuffer, report: Report, order: Order) -> None:
    """Put the fields behind the header of what tells of a report about an order."""
    out.number(b"37=", order.order_id)
    out.text(b"11=", report.client_order_id)
    if report.original_client_order_id:
        out.text(b"41=", report.original_client_order_id)
    _put_exec_id(out, report, order)
    kind: int = report.kind
    out.put(_EXEC_TYPE_FIELDS[kind])
    _put_state(
        out,
        order,
        report.status,
        report.cumulative_lots,
        report.leaves_lots,
        report.quote_units,
    )
    out.time(b"60=", report.record.timestamp_ns)
    if report.fill is not None:
        if report.kind is not _TRADE and report.exec_ref_id:
            out.text(b"19=", report.exec_ref_id.encode())
        _put_trade(out, report.fill, order)
    if report.reason is not None and type(report.reason) is CancelReason:
        out.put(_CANCEL_FIELDS[report.reason])
    if report.prevented is not None:
        out.put(_prevented(report.prevented, order, report.kind))


def state_of(order: Order) -> bytes:
    """Return the fields that say how an order stands now."""
    out = _OUT
    out.start()
    _put_state(
        out,
        order,
        order.status,
        order.cumulative_lots,
        order.leaves_lots,
        order.quote_units,
    )
    return out.fields()


def _put_exec_id(out: MessageBuffer, report: Report, order: Order) -> None:
    """Put `Report.exec_id`."""
    fill = report.fill
    if report.kind is _TRADE and fill is not None:
        out.put(b"17=")
        out.digits(fill.sequence)
        out.put(b"-")
        out.digits(order.units.instrument_id)
        out.put(b"-")
        out.digits(fill.trade_id)
        out.put(b"-1\x01" if fill.side is _BUY else b"-2\x01")
    else:
        out.put(b"17=")
        out.digits(report.record.sequence)
        out.number(b"-", report.report_index)


def _put_state(
    out: MessageBuffer,
    order: Order,
    status: OrderStatus,
    cumulative_lots: int,
    leaves_lots: int,
    quote_units: int,
) -> None:
    # An enumeration as the place in a list takes its time; so these are integers.
    side: int = order.side
    order_type: int = order.order_type
    time_in_force: int = order.time_in_force
    flags: int = order.flags
    prevention: int = order.self_trade_prevention
    units = order.units
    out.put(_ORD_STATUS_FIELDS[status])
    out.put(b"636=Y\x01" if leaves_lots and order.is_working() else b"636=N\x01")
    out.text(b"55=", units.symbol)
    out.put(_SIDE_FIELDS[side])
    _put_quantity(out, b"38=", order, order.quantity_lots)
    if order.quote_amount_units:
        out.decimal(b"152=", order.quote_amount_units, units.quote_scale)
    out.put(_ORD_TYPE_FIELDS[order_type])
    if order.has_limit():
        _put_price(out, b"44=", order, order.price_ticks)
    if order.trigger_price_ticks or order.trailing_bps:
        _put_trigger(out, order)
    out.put(_TIME_IN_FORCE_FIELDS[time_in_force])
    if order.expire_time_ns:
        out.time(b"126=", order.expire_time_ns)
    out.put(_FLAG_FIELDS[flags])
    if order.display_lots:
        _put_quantity(out, b"111=", order, order.display_lots)
    if order.order_list is not None:
        out.number(b"66=", order.order_list.list_id)
    out.put(_PREVENTION_FIELDS[prevention])
    _put_quantity(out, b"151=", order, leaves_lots)
    _put_quantity(out, b"14=", order, cumulative_lots)
    _put_average_price(out, order, quote_units, cumulative_lots)


def _put_price(out: MessageBuffer, tag: bytes, order: Order, ticks: int) -> None:
    units = order.units
    if ticks <= units.ticks_max:
        out.decimal(tag, ticks * units.tick_mantissa, units.tick_scale)
    else:
        out.text(tag, order.instrument.price_text(ticks).encode())


def _put_quantity(out: MessageBuffer, tag: bytes, order: Order, lots: int) -> None:
    units = order.units
    if lots <= units.lots_max:
        out.decimal(tag, lots * units.lot_mantissa, units.lot_scale)
    else:
        out.text(tag, order.instrument.quantity_text(lots).encode())


def _put_average_price(
    out: MessageBuffer, order: Order, quote_units: int, cumulative_lots: int
) -> None:
    """Put AvgPx(6), which ends with its last digit that is not 0."""
    units = order.units
    if not cumulative_lots:
        out.put(b"6=0\x01")
    elif cumulative_lots <= _INT64_MAX // units.tick_lot_units and quote_units <= _INT64_MAX:
        _put_average_of(out, order, quote_units, cumulative_lots)
    else:
        _put_long_average(out, order, quote_units, cumulative_lots)


def _put_average_of(out: MessageBuffer, order: Order, quote_units: int, lots: int) -> None:
    units = order.units
    tick_units = units.tick_lot_units * lots  # what one tick more would have cost
    ticks = quote_units // tick_units
    # Most orders trade at one price, which is so many ticks and no rest.
    if ticks * tick_units == quote_units and ticks <= units.ticks_max:
        mantissa, scale = ticks * units.tick_mantissa, units.tick_scale
        while scale and mantissa % 10 == 0:
            mantissa //= 10
            scale -= 1
        out.decimal(b"6=", mantissa, scale)
    else:
        _put_long_average(out, order, quote_units, lots)


def _put_long_average(out: MessageBuffer, order: Order, quote_units: int, lots: int) -> None:
    out.text(b"6=", order.instrument.average_price_text(quote_units, lots).encode())


def _put_trigger(out: MessageBuffer, order: Order) -> None:
    if order.trigger_price_ticks:
        _put_price(out, b"99=", order, order.trigger_price_ticks)
    takes_profit = order.order_type in ORD_TYPES
    is_up = (order.side is _BUY) != takes_profit
    out.put(b"1109=U\x01" if is_up else b"1109=D\x01")
    if order.trailing_bps:
        out.number(b"25009=", order.trailing_bps)


def _put_trade(out: MessageBuffer, fill: Fill, order: Order) -> None:
    units = order.units
    _put_quantity(out, b"32=", order, fill.quantity_lots)
    _put_price(out, b"31=", order, fill.price_ticks)
    out.number(b"527=", fill.trade_id)
    out.put(_ADDED_LIQUIDITY if fill.is_maker else _REMOVED_LIQUIDITY)
    out.put(b"136=1\x01")
    if fill.is_fee_in_base():
        out.decimal(b"137=", fill.fee_units, units.base_scale)
        out.text(b"138=", units.base_name)
    else:
        out.decimal(b"137=", fill.fee_units, units.quote_scale)
        out.text(b"138=", units.quote_name)
    out.put(b"139=4\x01")


def _prevented(prevented: PreventedMatch, order: Order, kind: ReportKind) -> bytes:
    instrument = order.instrument
    # FIX 4.4 vol. 6: ExecRestatementReason(378) is required in a Restated report.
    restated = "378=5\x01" if kind is ReportKind.DECREMENTED else ""
    return (
        f"{restated}25024={prevented.prevented_match_id}\x01"
        f"25025={instrument.price_text(prevented.price_ticks)}\x01"
        f"25026={instrument.quantity_text(prevented.quantity_lots)}\x01"
        f"25029={prevented.counter_order_id}\x01"
        f"25030={instrument.quantity_text(order.prevented_lots)}\x01"
    ).encode()
