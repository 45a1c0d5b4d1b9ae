"""The engine's requests as FIX 4.4 has them, and execution reports as the engine's.

The body of a NewOrderSingle(D) and an OrderCancelRequest(F), ExecutionReport(8) and
OrderCancelReject(9), by the venue's rules of engagement.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage, encode_fields
from gateway.fix.timestamps import format_utc_timestamp, parse_utc_timestamp
from trading.decisions import OrderStyle, parse_client_order_id
from trading.events import ReportKind
from trading.execution import venue as v
from trading.execution.holdings import fee_units
from vocabulary.instrument import Instrument
from vocabulary.types import Side

NEW_ORDER_SINGLE, ORDER_CANCEL_REQUEST = b"D", b"F"

_SIDES = {Side.BUY: values.Side.BUY, Side.SELL: values.Side.SELL}
_ADDED_LIQUIDITY = b"1"


def body_of(
    request: v.PlaceOrder | v.CancelOrder, instrument: Instrument, now_ns: int
) -> tuple[bytes, bytes]:
    """Return MsgType(35), and all fields behind the header."""
    fields = [
        (tags.ClOrdID, b""),
        (tags.Symbol, instrument.symbol.encode()),
        (tags.Side, _SIDES[request.side]),
        (tags.TransactTime, format_utc_timestamp(now_ns)),
    ]
    if isinstance(request, v.CancelOrder):
        fields[0] = (tags.ClOrdID, request.client_order_id.encode())
        fields.append((tags.OrigClOrdID, request.name.client_order_id.encode()))
        return ORDER_CANCEL_REQUEST, encode_fields(fields)
    fields[0] = (tags.ClOrdID, request.name.client_order_id.encode())
    fields += [
        (tags.OrderQty, instrument.quantity_text(request.lots).encode()),
        (tags.OrdType, values.OrdType.LIMIT),
        (tags.Price, instrument.price_text(request.price_ticks).encode()),
    ]
    if request.style is OrderStyle.IMMEDIATE:
        fields.append((tags.TimeInForce, values.TimeInForce.IMMEDIATE_OR_CANCEL))
    else:
        fields.append((tags.TimeInForce, values.TimeInForce.GOOD_TILL_CANCEL))
    if request.style is OrderStyle.POST_ONLY:
        fields.append((tags.ExecInst, values.ExecInst.PARTICIPATE_DONT_INITIATE))
    return NEW_ORDER_SINGLE, encode_fields(fields)


def report_of(message: FixMessage, instruments: Mapping[str, Instrument]) -> v.VenueReport | None:
    """Return what a message tells of an order of a strategy's, None if nothing."""
    if message.msg_type == b"8":
        return _execution(message, instruments)
    if message.msg_type == b"9":
        name = parse_client_order_id(_text(message, tags.OrigClOrdID))
        if name is None:
            return None
        reason = f"venue: {_text(message, tags.Text)}"
        return v.CancelRefused(name, _text(message, tags.ClOrdID), reason)
    if message.msg_type == b"j":
        # Nothing was done, but nothing was refused either.
        name = parse_client_order_id(_text(message, tags.BusinessRejectRefID))
        return v.OutcomeUnknown(name, _text(message, tags.Text)) if name else None
    return None


def _execution(message: FixMessage, instruments: Mapping[str, Instrument]) -> v.VenueReport | None:
    exec_type = message.get(tags.ExecType)
    is_asked_for = exec_type == values.ExecType.CANCELED and tags.OrigClOrdID in message
    name = parse_client_order_id(_text(message, tags.OrigClOrdID if is_asked_for else tags.ClOrdID))
    instrument = instruments.get(_text(message, tags.Symbol))
    if name is None or instrument is None:
        return None
    sequence = _sequence(message)
    time_ns = parse_utc_timestamp(message.get(tags.TransactTime) or b"")
    if exec_type == values.ExecType.REJECTED:
        return v.Refused(name, f"venue: {_text(message, tags.Text)}")
    cumulative_lots = instrument.quantity_lots(_text(message, tags.CumQty))
    if exec_type == values.ExecType.NEW:
        return v.Accepted(name, sequence, time_ns)
    if exec_type == values.ExecType.TRADE:
        return _trade(message, v.Accepted(name, sequence, time_ns), instrument, cumulative_lots)
    if exec_type in (values.ExecType.TRADE_CANCEL, values.ExecType.TRADE_CORRECT):
        fill = _trade(message, v.Accepted(name, sequence, time_ns), instrument, cumulative_lots)
        return v.Amended(name, fill.undone() if exec_type == values.ExecType.TRADE_CANCEL else fill)
    if exec_type == values.ExecType.CANCELED:
        by = _text(message, tags.ClOrdID) if is_asked_for else ""
        return v.Ended(name, ReportKind.CANCELED, cumulative_lots, by, "", sequence, time_ns)
    if exec_type == values.ExecType.EXPIRED:
        return v.Ended(name, ReportKind.EXPIRED, cumulative_lots, "", "", sequence, time_ns)
    return None


def _trade(
    message: FixMessage, told: v.Accepted, instrument: Instrument, cumulative_lots: int
) -> v.Traded:
    side = Side.BUY if message.get(tags.Side) == values.Side.BUY else Side.SELL
    return v.Traded(
        told.name,
        side,
        int(_text(message, tags.SecondaryExecID)),
        instrument.price_ticks(_text(message, tags.LastPx)),
        instrument.quantity_lots(_text(message, tags.LastQty)),
        fee_units(_text(message, tags.MiscFeeAmt) or "0", side, instrument),
        message.get(tags.LastLiquidityInd) == _ADDED_LIQUIDITY,
        cumulative_lots,
        told.sequence,
        told.time_ns,
    )


def _sequence(message: FixMessage) -> int:
    """Return the venue's sequence, with which our own venue begins ExecID(17)."""
    text = _text(message, tags.ExecID).split("-", maxsplit=1)[0]
    return int(text) if text.isdecimal() else 0


def _text(message: FixMessage, tag: int) -> str:
    return (message.get(tag) or b"").decode("latin-1")
